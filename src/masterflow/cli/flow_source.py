"""Lineage as the command line answers it: of one asset, or of a whole flow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from masterflow.cli.session import Session
from masterflow.errors import InvalidInput, NotFound
from masterflow.orchestrator.filters import AssetFilter
from masterflow.orchestrator.inventory_views import FieldLineage

_LISTED = 5


async def asset_lineage(session: Session, flow_id: UUID, asset: str, field: str | None) -> list[FieldLineage]:
    """The lineage of the asset with this id or exact name among the flow's assets.

    Raises:
        NotFound: the flow has no such asset; similar names are listed.
        InvalidInput: several assets have the name; their ids are listed.
    """
    await session.commands.queries.get_flow(session.scope, flow_id)
    return await session.commands.inventory.asset_lineage(session.scope, await _asset(session, flow_id, asset), field)


async def _asset(session: Session, flow_id: UUID, asset: str) -> UUID:
    try:
        return UUID(asset)
    except ValueError:
        filters = AssetFilter(master_flow_id=flow_id, name_prefix=asset)
    page = await session.commands.inventory.list_assets(session.scope, filters=filters, limit=200)
    named = [item for item in page.items if item["name"].lower() == asset.lower()]
    if not named:
        near = ", ".join(item["name"] for item in page.items[:_LISTED])
        raise NotFound(
            f"the flow has no asset named '{asset}'",
            where={"flow_id": str(flow_id)},
            next_step=f"Names that begin so: {near}." if near else "Names are compared without case.",
        )
    if len(named) > 1:
        raise InvalidInput(
            f"{len(named)} assets of the flow are named '{asset}'",
            next_step="Give the id: " + ", ".join(f"{item['asset_id']} ({item['asset_type']})" for item in named) + ".",
        )
    found: UUID = named[0]["asset_id"]
    return found


async def flow_source(session: Session, flow_id: UUID) -> dict[str, Any]:
    """From which file, sheets and columns a flow's inventory was built.

    Raises:
        NotFound: the flow has not read a file.
    """
    inventory, scope = session.commands.inventory, session.scope
    state = (await session.commands.queries.get_flow(scope, flow_id)).state
    given = state.get("initial_data", {}).get("import_file_id")
    if given is None:
        raise NotFound("the flow has no imported file", where={"flow_id": str(flow_id)})
    upload = await inventory.get_import(scope, UUID(given))
    mappings = await inventory.get_mappings(scope, upload.import_id)
    return {
        "flow_id": str(flow_id),
        "import_id": str(upload.import_id),
        "file": upload.file_name,
        "sha256": upload.sha256,
        "source": upload.source_title,
        "sheets": [
            {"sheet": sheet["name"], "role": sheet["role"]["kind"], "records": sheet["records"]}
            for sheet in upload.sheets
        ],
        "columns": [
            {
                "sheet": row.sheet,
                "column": row.column,
                "field": row.target,
                "confidence": row.confidence,
                "status": row.status,
            }
            for row in mappings
        ],
    }
