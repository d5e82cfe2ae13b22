"""Route of figures across flows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from masterflow.orchestrator.analytics import AnalyticsView
from masterflow.web.answers import plain
from masterflow.web.auth import CurrentScope, Services

router = APIRouter(tags=["analytics"])


@router.get("/flows/analytics", response_model=AnalyticsView)
async def get_flow_analytics(
    services: Services,
    scope: CurrentScope,
    since: Annotated[AwareDatetime | None, Query(description="Inclusive; 30 days before `until` by default.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Exclusive; now by default.")] = None,
    flow_type: Annotated[str | None, Query(max_length=50)] = None,
) -> Response:
    """Flows by type and status, and times of phases; a figure without enough runs is null and says so."""
    view = await services.analytics.get_flow_analytics(scope, since=since, until=until, flow_type=flow_type)
    return JSONResponse(plain(view))
