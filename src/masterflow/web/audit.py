"""Route of the audit log."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from masterflow.orchestrator.filters import AuditFilter
from masterflow.web.answers import paged
from masterflow.web.auth import CurrentScope, Services
from masterflow.web.deps import Paging
from masterflow.web.schemas import AuditPage

router = APIRouter(tags=["audit"])


class AuditQuery(BaseModel):
    """Query of the audit log."""

    user_id: str | None = Field(default=None, min_length=1, max_length=255)
    action_type: str | None = Field(default=None, min_length=1, max_length=100)
    resource_type: str | None = Field(default=None, min_length=1, max_length=100)
    resource_id: str | None = Field(default=None, min_length=1, max_length=255)
    result: Literal["success", "denied", "error"] | None = None
    since: AwareDatetime | None = Field(default=None, description="Inclusive.")
    until: AwareDatetime | None = Field(default=None, description="Exclusive.")


def audit_filter(query: Annotated[AuditQuery, Query()]) -> AuditFilter:
    """Which rows the list shows."""
    return AuditFilter(**query.model_dump())


@router.get("/audit", response_model=AuditPage)
async def list_audit(
    services: Services,
    scope: CurrentScope,
    wanted: Paging,
    filters: Annotated[AuditFilter, Depends(audit_filter)],
) -> Response:
    """Who did what, or was refused, from newest to oldest."""
    page = await services.queries.list_audit(scope, filters, limit=wanted.limit, cursor=wanted.cursor)
    return paged(wanted, page, page.items)
