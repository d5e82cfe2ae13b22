"""The inventory's assets: bulk upsert, pages, single edits and counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import ARRAY, ColumnElement, String, Text, any_, cast, func, select, tuple_, update

from masterflow.domain.inventory.systems import TOOLS_RULE
from masterflow.errors import InvalidInput, NotFound, StaleVersion
from masterflow.store.bulk import CHUNK, staged, temporary
from masterflow.store.repositories.asset_upsert import CONTENT, Missing, check_rows, upsert_statement
from masterflow.store.repositories.base import Repository, check_limit, restrictions
from masterflow.store.tables import Asset

_COUNTED = frozenset(c.name for c in Asset.__table__.c if isinstance(c.type, String)) - {"natural_key", "created_by"}
_SUMMARY = """
    with kinds as (
        select asset_type, flags, conflicts, power_state, cpu_cores, memory_gb, storage_gb,
               asset_type in ('server', 'host', 'hypervisor')
                   and flags ?| array['described', 'named_only'] as is_host
        from app.assets
    ), assets as (
        select *, asset_type = 'virtual_machine' or (asset_type = 'server' and not is_host) as is_machine from kinds
    ), sized as (
        select *, is_machine and power_state = 'poweredOn' and not flags ? 'template' as is_sized from assets
    )
    select count(*) as assets, count(*) filter (where asset_type = 'virtual_machine') as vms,
           count(*) filter (where is_host and flags ? 'described') as hosts_described,
           count(*) filter (where is_host and flags ? 'named_only') as hosts_named_only,
           count(*) filter (where asset_type = 'cluster') as clusters,
           count(*) filter (where is_machine and flags ? 'template') as templates,
           count(*) filter (where is_sized) as powered_on_non_templates,
           round(sum(cpu_cores) filter (where is_sized))::integer as vcpu,
           sum(memory_gb) filter (where is_sized) as memory_gib,
           sum(storage_gb) filter (where is_sized) / 1024 as provisioned_tib,
           count(*) filter (where is_machine and conflicts @> jsonb_build_array(
               jsonb_build_object('rule', %s::text))) as os_conflicts
    from sized"""


@dataclass(frozen=True, slots=True)
class Upserted:
    """What an upsert did; `ids` maps every natural key of the call to the asset's id."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ids: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssetSummary:
    """Counts and sums with the meanings of `domain.inventory.InventorySummary`.

    Sums cover machines that are on and no templates; None when none of them states the figure.
    """

    assets: int
    vms: int
    hosts_described: int
    hosts_named_only: int
    clusters: int
    templates: int
    powered_on_non_templates: int
    vcpu: int | None
    memory_gib: float | None
    provisioned_tib: float | None
    os_conflicts: int


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Which assets a page shows; None does not restrict. `os_contains` and `name_prefix` ignore case."""

    asset_type: str | None = None
    flag: str | None = None
    environment: str | None = None
    os_contains: str | None = None
    master_flow_id: UUID | None = None
    current_phase: str | None = None
    name_prefix: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL conditions."""
        return restrictions(
            (self.asset_type, lambda value: Asset.asset_type == value),
            (self.flag, lambda value: Asset.flags.contains([value])),
            (self.environment, lambda value: Asset.environment == value),
            (self.os_contains, lambda value: Asset.operating_system.icontains(value, autoescape=True)),
            (self.master_flow_id, lambda value: Asset.master_flow_id == value),
            (self.current_phase, lambda value: Asset.current_phase == value),
            (self.name_prefix, lambda value: Asset.name.istartswith(value, autoescape=True)),
        )


EVERY_ASSET = AssetFilter()


class Assets(Repository):
    """Assets of the engagement; writes need an open change set."""

    async def upsert_drafts(self, rows: Sequence[Mapping[str, Any]], *, missing: Missing = "keep") -> Upserted:
        """Insert or update assets by `natural_key`; an asset that would not change is not written.

        A row is a mapping of column to value; `natural_key`, `name` and `asset_type` are required. A
        value that is missing or None leaves the stored value with `missing` "keep" (objects are merged;
        `flags` and `conflicts` are always replaced) and removes it with "clear". A column that no row
        names is never touched. New assets get their ids here, known ones keep theirs.

        Raises:
            InvalidInput: unknown column, natural key twice, or text that cannot be stored.
        """
        columns = check_rows(rows)
        statement = upsert_statement(columns, missing)
        ordered = sorted(rows, key=lambda row: str(row["natural_key"]))
        parts = [
            await self._upsert(statement, ("natural_key", *columns), ordered[start : start + CHUNK])
            for start in range(0, len(ordered), CHUNK)
        ]
        return Upserted(
            inserted=sum(part.inserted for part in parts),
            updated=sum(part.updated for part in parts),
            unchanged=sum(part.unchanged for part in parts),
            ids={key: asset_id for part in parts for key, asset_id in part.ids.items()},
        )

    async def _upsert(
        self, statement: sql.Composed, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
    ) -> Upserted:
        values = ((self._new_id(), *(row.get(name) for name in columns)) for row in rows)
        async with staged(self._session, Asset, ("id", *columns), values) as connection:
            await connection.execute(sql.SQL("analyze {} (natural_key)").format(temporary(Asset)))
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(statement, {"actor": self._scope.actor})
            written = await cursor.fetchall()
        inserted = sum(row["is_new"] for row in written)
        ids = {row["natural_key"]: row["id"] for row in written}
        rest = [row["natural_key"] for row in rows if row["natural_key"] not in ids]
        return Upserted(inserted, len(written) - inserted, len(rest), ids | await self.ids_by_key(rest))

    async def ids_by_key(self, natural_keys: Sequence[str]) -> dict[str, UUID]:
        """Ids of the assets with these natural keys; unknown keys are left out."""
        if not natural_keys:
            return {}
        rows = await self._rows(
            "select natural_key, id from app.assets where natural_key = any(%s)", (list(natural_keys),)
        )
        return {row["natural_key"]: row["id"] for row in rows}

    async def by_keys(self, natural_keys: Collection[str]) -> list[Asset]:
        """The assets with these natural keys by key; unknown keys are left out."""
        found = select(Asset).where(Asset.natural_key == any_(cast(sorted(natural_keys), ARRAY(Text))))
        return await self._all(found.order_by(Asset.natural_key).execution_options(populate_existing=True))

    async def get(self, asset_id: UUID) -> Asset | None:
        """The asset; None when this engagement has none."""
        return await self._first(select(Asset).where(Asset.id == asset_id).execution_options(populate_existing=True))

    async def page(
        self, wanted: AssetFilter = EVERY_ASSET, *, limit: int = 50, after: tuple[str, UUID] | None = None
    ) -> list[Asset]:
        """Assets by name (bytewise) and id; `after` is (name, id) of the last one seen."""
        found = select(Asset).where(*wanted.conditions())
        if after is not None:
            found = found.where(tuple_(Asset.name, Asset.id) > after)
        return await self._all(found.order_by(Asset.name, Asset.id).limit(check_limit(limit)))

    async def patch(self, asset_id: UUID, changes: Mapping[str, Any], *, expected_version: int, actor: str) -> Asset:
        """Change fields of one asset; the asset afterwards, one version on.

        Raises:
            InvalidInput: a field does not exist or is not for people to change.
            StaleVersion: the asset changed since it was read.
            NotFound: no such asset here.
        """
        unknown = sorted(changes.keys() - set(CONTENT))
        if unknown or not changes:
            raise InvalidInput("these fields of an asset do not change", where={"fields": unknown})
        stamps = {"version": Asset.version + 1, "updated_at": func.clock_timestamp(), "updated_by": actor}
        changed = await self._session.scalars(
            update(Asset)
            .where(Asset.id == asset_id, Asset.version == expected_version)
            .values(**changes, **stamps)
            .returning(Asset),
            execution_options={"populate_existing": True, "synchronize_session": False},
        )
        found = changed.first()
        return found if found is not None else await self._refused(asset_id, expected_version)

    async def _refused(self, asset_id: UUID, expected: int) -> Asset:
        present = await self.get(asset_id)
        if present is None:
            raise NotFound("no such asset", where={"asset_id": str(asset_id)})
        raise StaleVersion(
            f"the asset is at version {present.version}, not {expected}",
            where={"asset_id": str(asset_id)},
            next_step="Read the asset again and repeat with its current version.",
        )

    async def summary(self) -> AssetSummary:
        """Counts and sums over all assets of the engagement."""
        return AssetSummary(**(await self._rows(_SUMMARY, (TOOLS_RULE,)))[0])

    async def count_by(self, column: str, wanted: AssetFilter = EVERY_ASSET) -> dict[str | None, int]:
        """Assets per value of a text column, most first; None counts those without a value.

        Raises:
            InvalidInput: not a text column of assets.
        """
        if column not in _COUNTED:
            raise InvalidInput("assets are not counted by this field", where={"field": column})
        value = getattr(Asset, column)
        counted = select(value, func.count()).where(*wanted.conditions()).group_by(value)
        rows = await self._session.execute(counted.order_by(func.count().desc(), value))
        return {row[0]: row[1] for row in rows}
