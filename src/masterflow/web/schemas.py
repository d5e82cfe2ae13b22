"""Bodies of answers where they differ from the views of the orchestrator."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel

from masterflow.orchestrator.inventory_views import DependencyView, ImportView, MappingView, TechDebtView
from masterflow.orchestrator.views import (
    AuditView,
    FlowDetail,
    FlowStatusView,
    FlowView,
    NextAction,
    Performance,
    Progress,
)
from masterflow.web.examples import FLOW, STATUS

Reason = Field(default="", max_length=2000)


class NextActionBody(BaseModel):
    """What has to happen next. Fields that do not apply are left out."""

    type: Literal["execute_phase", "wait", "provide_input", "approve", "resume", "none"]
    phase: str | None = None
    required_inputs: list[str] = Field(default_factory=list)
    message: str = ""
    estimated_duration_seconds: int | None = None
    details: dict[str, Any] = Field(default_factory=dict)


class FlowBody(BaseModel):
    """A flow."""

    model_config = ConfigDict(json_schema_extra={"examples": [FLOW]})
    flow_id: UUID
    flow_type: str
    flow_version: str
    flow_name: str
    flow_description: str | None
    flow_tags: list[str]
    status: str
    current_phase: str | None
    phases_completed: list[str]
    progress_percentage: float
    iteration_number: int
    version: int
    waiting_for: dict[str, Any]
    options: dict[str, Any]
    next_action: NextActionBody
    allowed_actions: list[str]
    current_run_id: UUID | None
    parent_flow_id: UUID | None
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


class FlowDetailBody(FlowBody):
    """A flow with its state; sensitive values read "***" without flow:read_sensitive."""

    state: dict[str, Any]


class AcceptedBody(FlowBody):
    """A flow after a move; `run_id` is the run that the move concerns."""

    run_id: UUID | None


class StatusBody(BaseModel):
    """Status of a flow with progress, times and what comes next."""

    model_config = ConfigDict(json_schema_extra={"examples": [STATUS]})
    flow_id: UUID
    flow_type: str
    flow_name: str
    status: str
    current_phase: str | None
    progress: Progress
    performance: Performance
    next_action: NextActionBody
    allowed_actions: list[str]
    version: int


class FlowPage(BaseModel):
    """A page of flows."""

    items: list[FlowBody]
    next_cursor: str | None


class ImportPage(BaseModel):
    """A page of imports."""

    items: list[ImportView]
    next_cursor: str | None


class IssuePage(BaseModel):
    """A page of findings about rows: code, severity, message, place {file, sheet, row, column}."""

    items: list[dict[str, Any]]
    next_cursor: str | None


class AssetPage(BaseModel):
    """A page of assets; an asset has every column but its lineage."""

    items: list[dict[str, Any]]
    next_cursor: str | None


class DependencyPage(BaseModel):
    """A page of dependencies."""

    items: list[DependencyView]
    next_cursor: str | None


class TechDebtPage(BaseModel):
    """A page of support findings."""

    items: list[TechDebtView]
    next_cursor: str | None


class AuditPage(BaseModel):
    """A page of audit rows."""

    items: list[AuditView]
    next_cursor: str | None


class MappingList(BaseModel):
    """The mapping of every column of an import."""

    items: list[MappingView]


class NoteBody(BaseModel):
    """A note to an approval."""

    model_config = ConfigDict(extra="forbid")
    note: str = Reason


class ReasonBody(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Reason


class RejectBody(BaseModel):
    """Why a phase or its result is refused."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=2000)


class MappingChanges(BaseModel):
    """Decisions about columns: "Sheet!Column" or "Column" -> asset field, or null for none."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"mappings": {"vInfo!VM": "name", "vInfo!Annotation": None}}]}
    )
    mappings: dict[str, str | None] = Field(min_length=1, max_length=2000)


class AssetChanges(RootModel[dict[str, Any]]):
    """Fields of an asset with their new values; null clears a field."""

    root: dict[str, Any] = Field(min_length=1, max_length=100, examples=[{"environment": "production"}])


def next_action_body(action: NextAction) -> NextActionBody:
    """Only the fields that say something; `required_inputs` always where something is to be executed."""
    said: dict[str, Any] = {
        "phase": action.phase,
        "message": action.message,
        "estimated_duration_seconds": action.estimated_duration_seconds,
        "details": action.details,
    }
    said = {name: value for name, value in said.items() if value}
    if action.type == "execute_phase":
        said["required_inputs"] = action.required_inputs
    return NextActionBody(type=action.type, **said)


def flow_fields(flow: FlowView) -> dict[str, Any]:
    """The fields of a flow body."""
    names = (name for name in FlowBody.model_fields if name != "next_action")
    return {name: getattr(flow, name) for name in names} | {"next_action": next_action_body(flow.next_action)}


def flow_body(flow: FlowView) -> FlowBody:
    """A flow as an answer."""
    return FlowBody(**flow_fields(flow))


def detail_body(detail: FlowDetail) -> FlowDetailBody:
    """A flow with its state as an answer."""
    return FlowDetailBody(**flow_fields(detail.flow), state=detail.state)


def status_body(status: FlowStatusView) -> StatusBody:
    """A status as an answer."""
    names = (name for name in StatusBody.model_fields if name != "next_action")
    fields = {name: getattr(status, name) for name in names}
    return StatusBody(**fields, next_action=next_action_body(status.next_action))
