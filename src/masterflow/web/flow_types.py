"""Routes of flow types."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from masterflow.orchestrator.views import FlowTypeView
from masterflow.web.answers import plain, problems
from masterflow.web.auth import CurrentScope, Services

router = APIRouter(prefix="/flow-types", tags=["flow types"])


@router.get("", response_model=list[FlowTypeView])
async def list_flow_types(services: Services, scope: CurrentScope) -> Response:
    """Every flow type of this installation."""
    return JSONResponse(plain(await services.queries.list_flow_types(scope)))


@router.get("/{flow_type}", response_model=FlowTypeView, responses=problems(404))
async def get_flow_type(
    services: Services, scope: CurrentScope, flow_type: Annotated[str, Path(max_length=50)]
) -> Response:
    """A flow type with its phases and the schema of their inputs."""
    return JSONResponse(plain(await services.queries.get_flow_type(scope, flow_type)))
