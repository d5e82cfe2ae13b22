"""Routes of the inventory: assets with lineage and history, dependencies, support findings."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from masterflow.orchestrator.filters import AssetFilter
from masterflow.orchestrator.inventory_views import FieldLineage
from masterflow.orchestrator.transaction import Answered, Commands
from masterflow.web.answers import paged, plain, problems, respond, shown
from masterflow.web.auth import CurrentScope, Services
from masterflow.web.deps import AnyCommand, IfNoneMatch, Paging, Version
from masterflow.web.schemas import AssetChanges, AssetPage, DependencyPage, TechDebtPage

router = APIRouter(tags=["inventory"])
Text = Annotated[str | None, Query(min_length=1, max_length=255)]
Object = dict[str, Any]


class AssetQuery(BaseModel):
    """Query of the list of assets. `os_contains` and `name_prefix` ignore case."""

    asset_type: str | None = Field(default=None, min_length=1, max_length=255)
    flag: str | None = Field(default=None, min_length=1, max_length=255)
    environment: str | None = Field(default=None, min_length=1, max_length=255)
    os_contains: str | None = Field(default=None, min_length=1, max_length=255)
    master_flow_id: UUID | None = None
    current_phase: str | None = Field(default=None, min_length=1, max_length=255)
    name_prefix: str | None = Field(default=None, min_length=1, max_length=255)


def asset_filter(query: Annotated[AssetQuery, Query()]) -> AssetFilter:
    """Which assets the list shows."""
    return AssetFilter(**query.model_dump())


@router.get("/assets", response_model=AssetPage)
async def list_assets(
    services: Services,
    scope: CurrentScope,
    wanted: Paging,
    filters: Annotated[AssetFilter, Depends(asset_filter)],
) -> Response:
    """Assets by name."""
    page = await services.inventory.list_assets(scope, filters=filters, limit=wanted.limit, after=wanted.cursor)
    return paged(wanted, page, page.items)


@router.get("/assets/summary", response_model=Object)
async def get_inventory_summary(services: Services, scope: CurrentScope) -> Response:
    """Counts and sums over the engagement's assets, and their support states."""
    return JSONResponse(plain(await services.inventory.inventory_summary(scope)))


@router.get("/assets/{asset_id}", response_model=Object, responses=problems(404))
async def get_asset(
    services: Services, scope: CurrentScope, asset_id: UUID, if_none_match: IfNoneMatch = None
) -> Response:
    """One asset."""
    asset = await services.inventory.get_asset(scope, asset_id)
    return shown(asset, asset["version"], if_none_match)


@router.patch("/assets/{asset_id}", response_model=Object, responses=problems(404, 409, 412))
async def patch_asset(command: AnyCommand, asset_id: UUID, version: Version, body: AssetChanges) -> Response:
    """Change fields by hand; null clears one. The change is kept with who made it."""

    async def action(commands: Commands) -> Answered:
        asset = await commands.inventory.patch_asset(command.scope, asset_id, body.root, version)
        return Answered(200, plain(asset))

    return respond(await command.run("asset:update", action), dry_run=command.dry_run)


@router.get("/assets/{asset_id}/lineage", response_model=list[FieldLineage], responses=problems(404))
async def get_asset_lineage(
    services: Services,
    scope: CurrentScope,
    asset_id: UUID,
    field: Annotated[str | None, Query(min_length=1, max_length=255, description="One field; all by default.")] = None,
) -> Response:
    """Where each value comes from: file, sheet, row, column, mapping, transformation, and edits."""
    return JSONResponse(plain(await services.inventory.asset_lineage(scope, asset_id, field)))


@router.get("/assets/{asset_id}/history", response_model=list[Object], responses=problems(404))
async def get_asset_history(services: Services, scope: CurrentScope, asset_id: UUID) -> Response:
    """Every change of an asset, oldest first."""
    return JSONResponse(plain(await services.inventory.asset_history(scope, asset_id)))


@router.get("/dependencies", response_model=DependencyPage, responses=problems(404))
async def list_dependencies(
    services: Services,
    scope: CurrentScope,
    wanted: Paging,
    asset_id: UUID | None = None,
    kind: Text = None,
) -> Response:
    """Dependencies between assets; with `asset_id` all of that asset."""
    page = await services.inventory.list_dependencies(
        scope, asset_id=asset_id, kind=kind, limit=wanted.limit, after=wanted.cursor
    )
    return paged(wanted, page, page.items)


@router.get("/tech-debt", response_model=TechDebtPage)
async def list_tech_debt(
    services: Services,
    scope: CurrentScope,
    wanted: Paging,
    state: Text = None,
) -> Response:
    """Findings about the support of what runs on assets."""
    page = await services.inventory.list_tech_debt(scope, state=state, limit=wanted.limit, after=wanted.cursor)
    return paged(wanted, page, page.items)
