"""Inventory: uploads, field mappings, assets with their lineage, dependencies and support findings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from masterflow.domain.inventory.columns import CUSTOM
from masterflow.domain.mapping_changes import checked_changes
from masterflow.domain.records import SheetRole
from masterflow.errors import Conflict, InvalidInput, NotFound
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.asset_edits import checked_edit, flags_after
from masterflow.orchestrator.cursors import Listing
from masterflow.orchestrator.guard import guarded, requires
from masterflow.orchestrator.inventory_views import (
    FieldLineage,
    ImportView,
    MappingView,
    asset_view,
    dependency_view,
    import_view,
    mapping_view,
    tech_debt_view,
)
from masterflow.orchestrator.views import Page
from masterflow.store.repositories import Repositories
from masterflow.store.repositories.assets import AssetFilter
from masterflow.store.repositories.audit import AuditedAction
from masterflow.store.repositories.records import IssueFilter
from masterflow.store.repositories.tech_debt import DebtFilter
from masterflow.store.tables import DataImport

_TOO_LARGE = "the file is larger than the limit"


@guarded
class Inventory:
    """Reads and edits of inventory data. An unknown id, or one of another tenant, is NotFound."""

    def __init__(self, access: Access) -> None:
        self.audits = access
        self._access = access

    @requires("import:create")
    async def upload(
        self, scope: Scope, *, file_name: str, media_type: str, content: AsyncIterator[bytes], max_bytes: int
    ) -> ImportView:
        """Store a file; the same content is kept once per engagement, each upload is an import of its own.

        Raises:
            InvalidInput: the file is empty, larger than `max_bytes`, or has no usable name.
        """
        name = _clean_name(file_name)
        async with self._access.edit(scope) as repositories:
            blob, is_new = await repositories.blobs.add(_counted(content, max_bytes), media_type)
            if blob.size == 0:
                raise InvalidInput("the file is empty", where={"file": name}, next_step="Choose another file.")
            row = await repositories.imports.add(blob_id=blob.id, file_name=name)
            details = {"file_name": name, "size": blob.size, "sha256": blob.sha256.hex()}
            await repositories.audit.add(AuditedAction("upload", "import", str(row.id), "success"), details)
        return import_view(row, blob=blob, already_uploaded=not is_new)

    @requires("import:read")
    async def list_imports(self, scope: Scope, *, limit: int = 50, after: str | None = None) -> Page:
        """Uploads, newest first."""
        listing = Listing("imports", scope)
        position = self._access.cursors.time_and_id(listing, after)
        async with self._access.read(scope) as repositories:
            rows = await repositories.imports.page(limit=limit, after=position)
            items = [await _with_blob(repositories, row) for row in rows]
        last = [rows[-1].created_at, rows[-1].id] if len(rows) == limit else None
        return Page(items, self._access.cursors.make(listing, last) if last else None)

    @requires("import:read")
    async def get_import(self, scope: Scope, import_id: UUID) -> ImportView:
        """One upload with what was found in it."""
        async with self._access.read(scope) as repositories:
            return await _with_blob(repositories, await _import(repositories, import_id))

    @requires("mapping:read")
    async def get_mappings(self, scope: Scope, import_id: UUID) -> list[MappingView]:
        """The mapping of every column, by sheet and position; empty before field mapping ran."""
        async with self._access.read(scope) as repositories:
            await _import(repositories, import_id)
            return [mapping_view(row) for row in await repositories.mappings.of_import(import_id)]

    @requires("mapping:update")
    async def set_mappings(self, scope: Scope, import_id: UUID, changes: Mapping[str, str | None]) -> list[MappingView]:
        """Decide columns ("Sheet!Column" or "Column" -> field or None), all or none.

        Raises:
            InvalidInput: lists every unknown column and field.
            Conflict: the records were cleansed under the mapping already.
        """
        async with self._access.edit(scope) as repositories:
            upload = await _import(repositories, import_id)
            if upload.status == "cleansed":
                raise Conflict(
                    "the records were cleansed under this mapping already",
                    where={"import_id": str(import_id)},
                    next_step="Iterate the flow, or upload the file again, to map it in another way.",
                )
            rows = await repositories.mappings.of_import(import_id)
            roles = {sheet["name"]: SheetRole(**sheet["role"]) for sheet in upload.sheets}
            found, issues = checked_changes(rows, roles, changes)
            if issues:
                raise InvalidInput(
                    "; ".join(issue.message for issue in issues),
                    where={"import_id": str(import_id), "columns": [issue.place.column for issue in issues]},
                    next_step="Correct these columns; nothing was changed.",
                )
            for (sheet, column), target in found.items():
                await repositories.mappings.set_target(
                    import_id, sheet=sheet, column=column, target=target, user=scope.actor
                )
            await repositories.audit.add(
                AuditedAction("set_mappings", "import", str(import_id), "success"), {"changes": dict(changes)}
            )
            return [mapping_view(row) for row in await repositories.mappings.of_import(import_id)]

    @requires("import:read")
    async def list_issues(
        self, scope: Scope, import_id: UUID, *, limit: int = 50, after: str | None = None, code: str | None = None
    ) -> Page:
        """Findings about the rows of an import by sheet and row, as its newest cleansing made them."""
        listing = Listing("issues", scope, {"import_id": import_id, "code": code})
        position = self._access.cursors.position(listing, after)
        async with self._access.read(scope) as repositories:
            await _import(repositories, import_id)
            wanted = IssueFilter(code=code, run_id=await repositories.records.latest_run(import_id))
            rows = await repositories.records.issues(import_id, wanted, limit=limit, after=position)
        last = list(rows[-1].key) if len(rows) == limit else None
        items = [asdict(row.issue) for row in rows]
        return Page(items, self._access.cursors.make(listing, last) if last else None)

    @requires("asset:read")
    async def list_assets(
        self, scope: Scope, *, filters: AssetFilter, limit: int = 50, after: str | None = None
    ) -> Page:
        """Assets by name; an item has every column but the lineage."""
        listing = Listing("assets", scope, asdict(filters))
        position = self._access.cursors.position(listing, after)
        async with self._access.read(scope) as repositories:
            rows = await repositories.assets.page(
                filters,
                limit=limit,
                after=position,
            )
        last = [rows[-1].name, rows[-1].id] if len(rows) == limit else None
        items = [asset_view(row) for row in rows]
        return Page(items, self._access.cursors.make(listing, last) if last else None)

    @requires("asset:read")
    async def get_asset(self, scope: Scope, asset_id: UUID) -> dict[str, Any]:
        """One asset."""
        async with self._access.read(scope) as repositories:
            row = await repositories.assets.get(asset_id)
        if row is None:
            raise _no_asset(asset_id)
        return asset_view(row)

    @requires("asset:update")
    async def patch_asset(
        self, scope: Scope, asset_id: UUID, changes: Mapping[str, Any], version: int | None = None
    ) -> dict[str, Any]:
        """Change fields by hand, as a change set of its own; each changed field says who changed it.

        Raises:
            InvalidInput: names every field that is unknown or has a value of the wrong kind.
            StaleVersion: the asset is no longer at `version`.
        """
        checked = checked_edit(changes)
        async with self._access.edit(scope) as repositories:
            row = await repositories.assets.get(asset_id)
            if row is None:
                raise _no_asset(asset_id)
            edited = {"rule": f"edited by {scope.actor}", "record_id": None}
            sources = {**row.field_sources, **{name: [edited] for name in changes}}
            flags = flags_after(row.flags, checked)
            changed = await repositories.assets.patch(
                asset_id,
                {**checked, "flags": flags, "field_sources": sources},
                expected_version=row.version if version is None else version,
                actor=scope.actor,
            )
            await repositories.audit.add(
                AuditedAction("edit", "asset", str(asset_id), "success"), {"fields": sorted(changes)}
            )
            return asset_view(changed)

    @requires("asset:read")
    async def asset_lineage(self, scope: Scope, asset_id: UUID, field: str | None = None) -> list[FieldLineage]:
        """For each value: file, sheet, row, column, raw cell, mapping and transformation, and edits.

        Raises:
            InvalidInput: the asset has no such field with a source.
        """
        async with self._access.read(scope) as repositories:
            row = await repositories.assets.get(asset_id)
            if row is None:
                raise _no_asset(asset_id)
            names = sorted(row.field_sources) if field is None else [field]
            if field is not None and field not in row.field_sources:
                raise InvalidInput(
                    f"the asset has no source for field '{field}'",
                    where={"field": "field"},
                    next_step=f"Fields with a source: {', '.join(sorted(row.field_sources))}.",
                )
            files = await _files(repositories, [s for name in names for s in row.field_sources[name]])
            changes = await repositories.changes.history_of("assets", asset_id)
        view = asset_view(row)
        edits = {name: _edits(changes, name) for name in names}
        return [
            FieldLineage(
                name,
                view.get(name, row.custom_attributes.get(name.removeprefix(CUSTOM))),
                [{**source, **files.get(source.get("record_id") or "", {})} for source in row.field_sources[name]],
                edits[name],
            )
            for name in names
        ]

    @requires("asset:read")
    async def asset_history(self, scope: Scope, asset_id: UUID) -> list[dict[str, Any]]:
        """Every change of an asset, oldest first, with the change set that made it."""
        async with self._access.read(scope) as repositories:
            if await repositories.assets.get(asset_id) is None:
                raise _no_asset(asset_id)
            return [asdict(change) for change in await repositories.changes.history_of("assets", asset_id)]

    @requires("asset:read")
    async def inventory_summary(self, scope: Scope) -> dict[str, Any]:
        """Counts and sums over the engagement's assets, and support states."""
        async with self._access.read(scope) as repositories:
            summary = asdict(await repositories.assets.summary())
            return {**summary, "eol": await repositories.tech_debt.by_state(subject="operating_system")}

    @requires("dependency:read")
    async def list_dependencies(
        self,
        scope: Scope,
        *,
        asset_id: UUID | None = None,
        kind: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """Edges by id; with `asset_id` the edges at that asset, all of them."""
        listing = Listing("dependencies", scope, {"kind": kind})
        position = self._access.cursors.position(listing, after)
        async with self._access.read(scope) as repositories:
            if asset_id is not None:
                if await repositories.assets.get(asset_id) is None:
                    raise _no_asset(asset_id)
                rows = await repositories.dependencies.of_asset(asset_id)
                found = [dependency_view(row) for row in rows if kind in (None, row.kind)]
                return Page(found, None)
            rows = await repositories.dependencies.page(kind=kind, limit=limit, after=position[0] if position else None)
        last = [rows[-1].id] if len(rows) == limit else None
        items = [dependency_view(row) for row in rows]
        return Page(items, self._access.cursors.make(listing, last) if last else None)

    @requires("asset:read")
    async def list_tech_debt(
        self, scope: Scope, *, state: str | None = None, limit: int = 50, after: str | None = None
    ) -> Page:
        """Support findings by id."""
        listing = Listing("tech_debt", scope, {"state": state})
        position = self._access.cursors.position(listing, after)
        async with self._access.read(scope) as repositories:
            rows = await repositories.tech_debt.page(
                DebtFilter(state=state), limit=limit, after=position[0] if position else None
            )
        last = [rows[-1].id] if len(rows) == limit else None
        items = [tech_debt_view(row) for row in rows]
        return Page(items, self._access.cursors.make(listing, last) if last else None)


async def _import(repositories: Repositories, import_id: UUID) -> DataImport:
    row = await repositories.imports.get(import_id)
    if row is None:
        raise NotFound("there is no such import", where={"import_id": str(import_id)})
    return row


async def _with_blob(repositories: Repositories, row: DataImport) -> ImportView:
    return import_view(row, blob=await repositories.blobs.get(row.blob_id))


async def _files(repositories: Repositories, sources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """File name and hash of each source cell, by record id."""
    ids = {UUID(source["record_id"]) for source in sources if source.get("record_id")}
    found: dict[str, dict[str, Any]] = {}
    uploads: dict[UUID, dict[str, Any]] = {}
    for record in await repositories.records.raw_by_ids(sorted(ids)):
        if record.import_id not in uploads:
            view = await _with_blob(repositories, await _import(repositories, record.import_id))
            uploads[record.import_id] = {
                "file": view.file_name,
                "file_sha256": view.sha256,
                "import_id": str(record.import_id),
            }
        found[str(record.id)] = uploads[record.import_id]
    return found


def _edits(changes: list[Any], name: str) -> list[dict[str, Any]]:
    return [
        {
            "by": change.created_by,
            "at": change.created_at,
            "before": change.fields[name][0],
            "after": change.fields[name][1],
            "change_set_id": change.change_set_id,
            "kind": change.kind,
            "status": change.status,
        }
        for change in changes
        if change.operation == "update" and name in change.fields
    ]


async def _counted(content: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    total = 0
    async for piece in content:
        total += len(piece)
        if total > most:
            raise InvalidInput(_TOO_LARGE, where={"limit_bytes": most}, next_step="Split the file.")
        yield piece


def _clean_name(file_name: str) -> str:
    """The last part of a file name without control characters, at most 255 characters."""
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    cleaned = "".join(letter for letter in last if letter.isprintable()).strip()[:255]
    if not cleaned:
        raise InvalidInput("the file has no usable name", where={"field": "file_name"})
    return cleaned


def _no_asset(asset_id: UUID) -> NotFound:
    return NotFound("there is no such asset", where={"asset_id": str(asset_id)})
