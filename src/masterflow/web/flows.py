"""Routes of flows: create, list, show, delete, status, history and runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from masterflow.orchestrator.filters import FlowFilters
from masterflow.orchestrator.requests import CreateFlow
from masterflow.orchestrator.transaction import Answered, Commands
from masterflow.orchestrator.views import HistoryView, RunView
from masterflow.web import examples
from masterflow.web.answers import accepted, created_flow, paged, plain, problems, respond, shown
from masterflow.web.auth import CurrentScope, Services
from masterflow.web.deps import AnyCommand, IfNoneMatch, Limit, Paging, RepeatableCommand, Version
from masterflow.web.schemas import (
    AcceptedBody,
    FlowBody,
    FlowDetailBody,
    FlowPage,
    StatusBody,
    detail_body,
    flow_body,
    status_body,
)

router = APIRouter(prefix="/flows", tags=["flows"])
_Text = Annotated[str | None, Query(min_length=1, max_length=255)]


class FlowListQuery(BaseModel):
    """Query of the list of flows."""

    status: list[str] = Field(default_factory=list, max_length=20, description="One or several, also with commas.")
    flow_type: list[str] = Field(default_factory=list, max_length=20, description="One or several, also with commas.")
    current_phase: str | None = Field(default=None, min_length=1, max_length=50)
    created_after: AwareDatetime | None = Field(default=None, description="Inclusive.")
    created_before: AwareDatetime | None = Field(default=None, description="Exclusive.")
    name_contains: str | None = Field(default=None, min_length=1, max_length=255)
    include_deleted: bool = False


def flow_filters(query: Annotated[FlowListQuery, Query()]) -> FlowFilters:
    """Which flows the list shows."""
    return FlowFilters(
        status=_words(query.status),
        flow_type=_words(query.flow_type),
        current_phase=query.current_phase,
        created_after=query.created_after,
        created_before=query.created_before,
        name_contains=query.name_contains,
        include_deleted=query.include_deleted,
    )


def _words(given: list[str]) -> tuple[str, ...]:
    return tuple(word.strip() for text in given for word in text.split(",") if word.strip())


@router.post("", status_code=201, response_model=FlowBody, responses=problems(409, 413))
async def create_flow(
    command: RepeatableCommand, body: Annotated[CreateFlow, Body(openapi_examples=examples.CREATE)]
) -> Response:
    """Create a flow of any type. With `options.auto_execute` its first phase is dispatched at once."""

    async def action(commands: Commands) -> Answered:
        return created_flow(await commands.orchestrator.create_flow(command.scope, body))

    return respond(await command.run("flow:create", action), dry_run=command.dry_run)


@router.get("", response_model=FlowPage)
async def list_flows(
    services: Services,
    scope: CurrentScope,
    wanted: Paging,
    filters: Annotated[FlowFilters, Depends(flow_filters)],
) -> Response:
    """Flows from newest to oldest."""
    page = await services.queries.list_flows(scope, filters, limit=wanted.limit, cursor=wanted.cursor)
    return paged(wanted, page, [plain(flow_body(flow)) for flow in page.items])


@router.get("/{flow_id}", response_model=FlowDetailBody, responses=problems(404))
async def get_flow(
    services: Services, scope: CurrentScope, flow_id: UUID, if_none_match: IfNoneMatch = None
) -> Response:
    """A flow with its state."""
    detail = await services.queries.get_flow(scope, flow_id)
    return shown(detail_body(detail), detail.flow.version, if_none_match)


@router.delete("/{flow_id}", response_model=AcceptedBody, responses=problems(404, 409, 412))
async def delete_flow(command: AnyCommand, flow_id: UUID, version: Version, reason: _Text = None) -> Response:
    """Hide a flow that is at rest; `restore` brings it back."""

    async def action(commands: Commands) -> Answered:
        return accepted(await commands.orchestrator.delete_flow(command.scope, flow_id, reason or "", version))

    return respond(await command.run("flow:delete", action), dry_run=command.dry_run)


@router.get("/{flow_id}/status", response_model=StatusBody, responses=problems(404))
async def get_flow_status(
    services: Services, scope: CurrentScope, flow_id: UUID, if_none_match: IfNoneMatch = None
) -> Response:
    """Status with progress, times and what comes next."""
    status = await services.queries.get_flow_status(scope, flow_id)
    return shown(status_body(status), status.version, if_none_match)


@router.get("/{flow_id}/history", response_model=HistoryView, responses=problems(404))
async def get_flow_history(
    services: Services,
    scope: CurrentScope,
    flow_id: UUID,
    after: Annotated[int, Query(ge=0, le=2_147_483_647, description="Number of the last event seen.")] = 0,
    limit: Limit = 200,
) -> Response:
    """Runs and events of a flow."""
    return JSONResponse(plain(await services.queries.get_history(scope, flow_id, after=after, limit=limit)))


@router.get("/{flow_id}/runs", response_model=list[RunView], responses=problems(404))
async def list_runs(services: Services, scope: CurrentScope, flow_id: UUID) -> Response:
    """The newest 200 runs of a flow, oldest first, without their outputs."""
    return JSONResponse(plain(await services.queries.list_runs(scope, flow_id)))


@router.get("/{flow_id}/runs/{run_id}", response_model=RunView, responses=problems(404))
async def get_run(services: Services, scope: CurrentScope, flow_id: UUID, run_id: UUID) -> Response:
    """A run with its outputs; what `Location` of an accepted execution names."""
    run = await services.queries.get_run(scope, flow_id, run_id)
    live = run.status in ("pending", "queued", "running")
    return JSONResponse(plain(run), headers={"Retry-After": "1"} if live else None)
