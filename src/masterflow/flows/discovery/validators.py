"""Checks of the discovery phases: what must be there before a phase can run."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from masterflow.context import PhaseContext
from masterflow.domain.fields import validate_mapping
from masterflow.domain.records import Issue, Place, SheetRole
from masterflow.flows.discovery.schemas import DataImportInputs


async def file_exists(ctx: PhaseContext, inputs: DataImportInputs) -> list[Issue]:
    """The upload exists in this engagement and no other flow has read it."""
    try:
        import_id = UUID(inputs.import_file_id)
    except ValueError:
        text = f"'{inputs.import_file_id}' is no upload id; upload the file first (POST /imports) and use its id"
        return [Issue("import_file_not_found", "error", text)]
    async with ctx.read() as repositories:
        upload = await repositories.imports.get(import_id)
    if upload is None:
        text = f"there is no upload {import_id} in this engagement; upload the file first (POST /imports)"
        return [Issue("import_file_not_found", "error", text)]
    if upload.flow_id not in (None, ctx.flow_id):
        text = f"upload {import_id} belongs to flow {upload.flow_id}; upload the file again for another flow"
        return [Issue("import_file_in_use", "error", text, Place(file=upload.file_name))]
    return []


async def records_stored(ctx: PhaseContext, _: BaseModel) -> list[Issue]:
    """The import holds at least one record on a sheet that describes assets or relations."""
    imported = ctx.outputs.get("data_import", {})
    useful = [s for s in imported.get("sheets", []) if s["role"]["kind"] in ("asset", "relation") and s["records"]]
    if useful:
        return []
    text = "no sheet of the file describes assets or relations; choose a file with one machine per row"
    return [Issue("no_asset_sheet", "error", text, Place(file=imported.get("file_name", "")))]


async def mappings_complete(ctx: PhaseContext, _: BaseModel) -> list[Issue]:
    """Every asset sheet maps an identity, no field twice, and only known fields."""
    import_id = UUID(ctx.outputs["data_import"]["import_id"])
    async with ctx.read() as repositories:
        upload = await repositories.imports.get(import_id)
        rows = await repositories.mappings.of_import(import_id)
    issues: list[Issue] = []
    for sheet in upload.sheets if upload else []:
        role = SheetRole(**sheet["role"])
        mapping = {row.source_column: row.target_field for row in rows if row.sheet == sheet["name"]}
        if role.kind == "asset" and sheet["records"]:
            issues += validate_mapping(mapping, columns=list(mapping), role=role)
    return issues
