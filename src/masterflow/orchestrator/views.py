"""What queries and commands answer: frozen values, ready for any rim."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NextAction:
    """What has to happen next. `type`: execute_phase, wait, provide_input, approve, resume or none."""

    type: Literal["execute_phase", "wait", "provide_input", "approve", "resume", "none"]
    phase: str | None = None
    required_inputs: list[str] = field(default_factory=list)
    message: str = ""
    estimated_duration_seconds: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a flow is. `estimated_completion` is None without history to base it on."""

    percentage: float
    phases_completed: list[str]
    phases_remaining: list[str]
    estimated_completion: datetime | None


@dataclass(frozen=True, slots=True)
class Performance:
    """Time spent in finished runs, in milliseconds."""

    total_execution_time_ms: int
    phase_times: dict[str, int]


@dataclass(frozen=True, slots=True)
class FlowView:
    """A flow as shown everywhere."""

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
    next_action: NextAction
    allowed_actions: list[str]
    current_run_id: UUID | None
    parent_flow_id: UUID | None
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


@dataclass(frozen=True, slots=True)
class FlowDetail:
    """A flow with its state; sensitive fields read "***" without the permission to see them."""

    flow: FlowView
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FlowStatusView:
    """Answer of the status route."""

    flow_id: UUID
    flow_type: str
    flow_name: str
    status: str
    current_phase: str | None
    progress: Progress
    performance: Performance
    next_action: NextAction
    allowed_actions: list[str]
    version: int


@dataclass(frozen=True, slots=True)
class RunView:
    """One run of a phase; `status` is the run's own status."""

    run_id: UUID
    flow_id: UUID
    phase: str
    iteration: int
    attempt: int
    status: str
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    due_at: datetime | None
    execution_time_ms: int | None
    resource_usage: dict[str, Any]
    next_phase: str | None
    outputs: dict[str, Any]
    validation: list[dict[str, Any]]
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """Result of a phase execution in the older product's words."""

    flow_id: UUID
    phase_name: str
    run_id: UUID
    status: Literal["success", "failed", "paused", "skipped"]
    outputs: dict[str, Any]
    validation_results: list[dict[str, Any]]
    execution_time_ms: int | None
    agent_insights: list[dict[str, Any]]
    next_phase: str | None
    errors: list[dict[str, Any]]
    flow_status: str


@dataclass(frozen=True, slots=True)
class EventView:
    """One event of a flow; `seq` counts from 1 without gaps."""

    flow_id: UUID
    seq: int
    kind: str
    payload: dict[str, Any]
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A move that was accepted."""

    flow: FlowView
    run_id: UUID | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; `next_cursor` is None on the last one."""

    items: list[Any]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class FlowTypeView:
    """A flow type as clients need it to build forms and menus."""

    name: str
    display_name: str
    description: str
    version: str
    capabilities: dict[str, Any]
    phases: list[dict[str, Any]]
    output_schema: dict[str, Any]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What happened to a flow: its newest runs, oldest first, and events after a number.

    `next_after` continues the events; None when there are no more now.
    """

    flow_id: UUID
    runs: list[RunView]
    total_runs: int
    events: list[EventView]
    next_after: int | None


@dataclass(frozen=True, slots=True)
class AuditView:
    """One row of the audit log."""

    id: UUID
    user_id: str
    action_type: str
    resource_type: str
    resource_id: str | None
    result: str
    reason: str | None
    from_status: str | None
    to_status: str | None
    version: int | None
    ip_address: str | None
    user_agent: str | None
    request_id: str | None
    details: dict[str, Any]
    created_at: datetime
