"""The steps of the discovery phases: read, call the domain, return outputs and the writes to make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from masterflow.context import PhaseContext
from masterflow.domain.inventory.columns import CUSTOM
from masterflow.domain.mapping_changes import checked_changes
from masterflow.domain.records import Issue, PackedClean, SheetRole
from masterflow.errors import NotFound
from masterflow.flows.discovery import rules
from masterflow.flows.discovery.drafts import Row, external_row, linked, settled
from masterflow.flows.discovery.reference import CATALOG_AS_OF, lifecycle_document
from masterflow.flows.discovery.schemas import DataImportInputs, FieldMappingInputs, NoInputs, TechDebtInputs
from masterflow.kernel.outcome import Completed, NeedsInput, Outcome
from masterflow.store.repositories import Repositories
from masterflow.store.repositories.mappings import SuggestedColumn
from masterflow.store.tables import Asset, DataImport

PROFILED_ROWS = 2_000
LARGEST_PAGE = 200
_NOTHING_LEFT = (
    "no row can become an asset; change the mapping of the import and execute the phase again, "
    "or start a flow with a corrected file"
)


async def store_raw_records(ctx: PhaseContext, inputs: DataImportInputs) -> Outcome:
    """Read the uploaded file in a worker process and store every record with its sheet and row."""
    import_id = UUID(inputs.import_file_id)
    async with ctx.read() as repositories:
        upload = await _upload(repositories, import_id)
        content = await repositories.blobs.read(upload.blob_id)
    found = await ctx.compute(rules.read_file, content, upload.file_name)

    async def write(repositories: Repositories) -> None:
        await repositories.records.add_raw(import_id, found.records)
        await repositories.imports.update(
            import_id,
            {
                "flow_id": ctx.flow_id,
                "source": found.source,
                "source_title": found.source_title,
                "dialect": found.dialect,
                "sheets": found.sheets,
                "status": "read",
                "total_records": len(found.records),
                "rejected_records": found.rejected,
                "issues": [asdict(issue) for issue in found.issues[: rules.SHOWN_ISSUES]],
            },
        )

    return Completed(
        {
            "import_id": str(import_id),
            "run_id": str(ctx.run_id),
            "file_name": upload.file_name,
            "source": found.source,
            "source_title": found.source_title,
            "source_evidence": list(found.evidence),
            "records": len(found.records),
            "rejected": found.rejected,
            "issues": len(found.issues),
            "sheets": [{key: sheet[key] for key in ("name", "records", "role")} for sheet in found.sheets],
        },
        effects=write,
    )


async def suggest_mappings(ctx: PhaseContext, _: FieldMappingInputs) -> Outcome:
    """Profile the columns and store a suggestion for each, keeping what people decided before."""
    import_id = _import_id(ctx)
    async with ctx.read() as repositories:
        upload = await _upload(repositories, import_id)
        values: dict[str, list[dict[str, Any]]] = defaultdict(list)
        async for part in repositories.records.raw(import_id, run_id=_run_of(ctx, "data_import")):
            for row in part:
                if len(values[row.record.sheet]) < PROFILED_ROWS:
                    values[row.record.sheet].append(row.record.values)
    found = await ctx.compute(rules.suggest_mapping, upload.sheets, upload.source, dict(values))

    async def write(repositories: Repositories) -> None:
        columns = [SuggestedColumn(made, position, tuple(samples)) for made, position, samples in found]
        await repositories.mappings.replace_suggestions(import_id, columns)

    mapped = [made for made, _, _ in found if made.target is not None]
    return Completed(
        {
            "import_id": str(import_id),
            "columns": len(found),
            "mapped": len(mapped),
            "unmapped": len(found) - len(mapped),
            "mean_confidence": round(sum(m.confidence for m in mapped) / len(mapped), 3) if mapped else None,
        },
        effects=write,
    )


async def apply_mappings(ctx: PhaseContext, inputs: FieldMappingInputs) -> Outcome:
    """Put the decisions given with the phase above the suggestions."""
    if not inputs.mappings:
        return Completed({"decided": 0})
    import_id = _import_id(ctx)
    async with ctx.read() as repositories:
        rows = await repositories.mappings.of_import(import_id)
        upload = await _upload(repositories, import_id)
    roles = {sheet["name"]: SheetRole(**sheet["role"]) for sheet in upload.sheets}
    changes, issues = checked_changes(rows, roles, inputs.mappings)
    if issues:
        return NeedsInput("the mapping cannot be applied", tuple(issues))

    async def write(repositories: Repositories) -> None:
        for (sheet, column), target in changes.items():
            await repositories.mappings.set_target(
                import_id, sheet=sheet, column=column, target=target, user=ctx.scope.actor
            )

    return Completed({"decided": len(changes)}, effects=write)


async def cleanse_records(ctx: PhaseContext, _: NoInputs) -> Outcome:
    """Cleanse every record under the accepted mapping and rate what came out."""
    import_id = _import_id(ctx)
    async with ctx.read() as repositories:
        upload = await _upload(repositories, import_id)
        mappings = await repositories.mappings.of_import(import_id)
        rows = await repositories.records.packed_raw(import_id, run_id=_run_of(ctx, "data_import"))
    roles = {sheet["name"]: SheetRole(**sheet["role"]) for sheet in upload.sheets}
    columns = rules.mapped_columns(
        [
            {"sheet": m.sheet, "source_column": m.source_column, "target_field": m.target_field, "unit": m.unit}
            for m in mappings
        ],
        roles,
    )
    found = await ctx.compute(rules.cleanse_records, rows, roles, columns)
    reasons = {quarantined.record_id: quarantined.reason for quarantined in found.report.quarantined}
    if len(reasons) == len(found.records):
        told = [Issue("nothing_to_build", "error", _NOTHING_LEFT), *found.issues]
        return NeedsInput(_NOTHING_LEFT, tuple(replace(i, place=replace(i.place, file=upload.file_name)) for i in told))

    async def write(repositories: Repositories) -> None:
        await repositories.mappings.approve_all(import_id, user=ctx.scope.actor)
        await repositories.records.add_cleansed(
            import_id, ((record, reasons.get(record.record_id)) for record in found.records)
        )
        await repositories.records.add_issues(import_id, found.issues)
        await repositories.imports.update(import_id, {"status": "cleansed"})

    return Completed(
        {
            "import_id": str(import_id),
            "run_id": str(ctx.run_id),
            "records": len(found.records),
            "quarantined": len(reasons),
            "issues": len(found.issues),
            "issues_by_rule": found.report.by_rule,
            "quality_score": found.report.score,
            "quality_by_dimension": found.report.by_dimension,
            "completeness_by_field": {
                name: share for name, share in found.report.by_field.items() if not name.startswith(CUSTOM)
            },
        },
        effects=write,
    )


async def build_assets(ctx: PhaseContext, _: NoInputs) -> Outcome:
    """Build the inventory of the clean records and merge it into the engagement's assets."""
    built = await ctx.compute(rules.inventory_rows, *await _clean(ctx))

    async def write(repositories: Repositories) -> None:
        await _merge(ctx, repositories, built.rows)

    return Completed({"import_id": str(_import_id(ctx)), **built.outputs}, effects=write)


async def connect_assets(ctx: PhaseContext, _: NoInputs) -> Outcome:
    """Store the edges that the file states and what their graph shows."""
    found = await ctx.compute(rules.connect, *await _clean(ctx))

    async def write(repositories: Repositories) -> None:
        await _merge(ctx, repositories, [external_row(name) for name in dict.fromkeys(found.external)])
        keys = sorted({key for edge in found.edges for key in (edge.source, edge.target)})
        ids = await repositories.assets.ids_by_key(keys)
        edges = [
            replace(edge, source=str(ids[edge.source]), target=str(ids[edge.target]))
            for edge in found.edges
            if edge.source in ids and edge.target in ids
        ]
        await repositories.dependencies.upsert_edges(edges, flow_id=ctx.flow_id)

    report = found.report
    return Completed(
        {
            "nodes": report.nodes,
            "edges": report.edges,
            "edges_by_kind": report.by_kind,
            "strongly_connected_sets": [list(group) for group in report.strongly_connected],
            "isolated": len(report.isolated),
            "shared_services": [list(pair) for pair in report.shared],
            "layers": len(report.layers),
            "external_endpoints": found.external,
            "noise_edges": found.noise,
            "unresolved": list(report.unresolved),
            "issues": [asdict(issue) for issue in found.issues[: rules.SHOWN_ISSUES]],
        },
        effects=write,
    )


async def assess_lifecycles(ctx: PhaseContext, inputs: TechDebtInputs) -> Outcome:
    """Judge the operating system of every asset that this flow's file describes, at the stated date."""
    on = inputs.as_of or ctx.now.date()
    keys = await ctx.compute(rules.inventory_keys, *await _clean(ctx))
    async with ctx.read() as repositories:
        assets = await _stored(repositories, keys)
    rows = [
        (str(asset.id), asset.operating_system, asset.environment or "")
        for asset in assets.values()
        if asset.operating_system and "template" not in asset.flags
    ]
    found = await ctx.compute(rules.assess, rows, lifecycle_document(), catalog_as_of=CATALOG_AS_OF, on=on)

    async def write(repositories: Repositories) -> None:
        findings = [(UUID(asset_id), finding) for asset_id, finding in found.findings]
        await repositories.tech_debt.upsert_findings(findings, assessed_on=on, flow_id=ctx.flow_id)

    return Completed(
        {"as_of": on.isoformat(), "catalog_as_of": CATALOG_AS_OF, "assets": len(rows), **found.summary},
        effects=write,
    )


async def _upload(repositories: Repositories, import_id: UUID) -> DataImport:
    found = await repositories.imports.get(import_id)
    if found is None:
        raise NotFound("there is no such upload", where={"import_id": str(import_id)}, next_step="Upload the file.")
    return found


def _import_id(ctx: PhaseContext) -> UUID:
    return UUID(ctx.outputs["data_import"]["import_id"])


def _run_of(ctx: PhaseContext, phase: str) -> UUID:
    """The run whose rows count: a phase that ran again stored them again."""
    return UUID(ctx.outputs[phase]["run_id"])


async def _clean(ctx: PhaseContext) -> tuple[list[PackedClean], str]:
    """The rows that cleansing let through, and the name of the tool that wrote the file."""
    async with ctx.read() as repositories:
        rows = await repositories.records.packed_clean(_import_id(ctx), run_id=_run_of(ctx, "data_cleansing"))
    return rows, ctx.outputs["data_import"]["source"]


async def _merge(ctx: PhaseContext, repositories: Repositories, rows: list[Row]) -> None:
    """Bring rows into the inventory; edits by people stand, and what says nothing new is not written."""
    known = await _stored(repositories, {row["natural_key"] for row in rows})
    changed = linked(settled(rows, known), flow_id=ctx.flow_id, phase=ctx.phase)
    await repositories.assets.upsert_drafts(changed)


async def _stored(repositories: Repositories, keys: Collection[str]) -> dict[str, Asset]:
    """Assets with these natural keys, by key."""
    return {asset.natural_key: asset for asset in await repositories.assets.by_keys(keys)}
