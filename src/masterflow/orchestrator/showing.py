"""Rows as views: what a flow looks like to its caller."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from masterflow.kernel.actions import allowed_actions
from masterflow.kernel.decisions import next_phase
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig
from masterflow.kernel.registry import FlowTypeRegistry
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.views import (
    AuditView,
    EventView,
    FlowTypeView,
    FlowView,
    NextAction,
    PhaseResult,
    RunView,
)
from masterflow.store.tables import AuditEntry, FlowEvent, MasterFlow, PhaseRun

_RESULT_STATUS: dict[str, Any] = {"succeeded": "success", "superseded": "success", "skipped": "skipped"}


def flow_view(
    registry: FlowTypeRegistry, row: MasterFlow, *, permissions: Collection[str], initial_data: Mapping[str, Any] = {}
) -> FlowView:
    """A master row as its caller sees it. A type that is no longer registered allows no action."""
    config = registry.get(row.flow_type).config if row.flow_type in registry.list_flow_types() else None
    status = FlowStatus(row.flow_status)
    allowed = (
        allowed_actions(
            config,
            status=status,
            completed=row.phases_completed,
            iteration=row.iteration_number,
            permissions=permissions,
        )
        if config
        else []
    )
    return FlowView(
        flow_id=row.flow_id,
        flow_type=row.flow_type,
        flow_version=row.flow_version,
        flow_name=row.flow_name,
        flow_description=row.flow_description,
        flow_tags=list(row.flow_tags),
        status=row.flow_status,
        current_phase=row.current_phase,
        phases_completed=list(row.phases_completed),
        progress_percentage=row.progress_percentage,
        iteration_number=row.iteration_number,
        version=row.version,
        waiting_for=dict(row.waiting_for),
        options=dict(row.flow_configuration),
        next_action=next_action(config, row, initial_data) if config else NextAction("none"),
        allowed_actions=allowed,
        current_run_id=row.run_id,
        parent_flow_id=row.parent_flow_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        created_by=row.created_by,
        updated_by=row.updated_by,
    )


def next_action(config: FlowTypeConfig, row: MasterFlow, initial_data: Mapping[str, Any]) -> NextAction:
    """What has to happen next, and what is missing for it."""
    upcoming = next_phase(config, row.phases_completed)
    match FlowStatus(row.flow_status):
        case FlowStatus.INITIALIZED | FlowStatus.READY | FlowStatus.FAILED if upcoming:
            missing = [name for name in upcoming.required_inputs if name not in initial_data]
            return NextAction("execute_phase", upcoming.name, missing)
        case FlowStatus.QUEUED | FlowStatus.RUNNING | FlowStatus.ROLLING_BACK:
            phase = config.phase(row.current_phase or "")
            return NextAction("wait", row.current_phase, message=f"Processing {_title(phase)} phase")
        case FlowStatus.WAITING_FOR_INPUT:
            text = str(row.waiting_for.get("message", "input is needed"))
            return NextAction("provide_input", row.current_phase, message=text, details=dict(row.waiting_for))
        case FlowStatus.WAITING_FOR_APPROVAL:
            text = "; ".join(row.waiting_for.get("reasons", [])) or "a person has to release this phase"
            return NextAction("approve", row.current_phase, message=text, details=dict(row.waiting_for))
        case FlowStatus.PAUSED:
            return NextAction("resume", row.current_phase, message="The flow is paused")
        case _:
            return NextAction("none")


def _title(phase: PhaseConfig | None) -> str:
    return phase.display_name.lower() if phase else "the"


def run_view(row: PhaseRun, outputs: dict[str, Any]) -> RunView:
    """A run with its opened outputs."""
    return RunView(
        run_id=row.id,
        flow_id=row.flow_id,
        phase=row.phase,
        iteration=row.iteration,
        attempt=row.attempt,
        status=row.status,
        requested_by=row.requested_by,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        due_at=row.due_at,
        execution_time_ms=row.execution_time_ms,
        resource_usage=dict(row.resource_usage),
        next_phase=row.next_phase,
        outputs=outputs,
        validation=list(row.validation),
        error=dict(row.error) if row.error else None,
    )


def phase_result(run: RunView, flow: MasterFlow) -> PhaseResult:
    """A finished run in the older product's words; waiting for a person reads "paused"."""
    waiting = flow.flow_status in (FlowStatus.WAITING_FOR_APPROVAL, FlowStatus.WAITING_FOR_INPUT, FlowStatus.PAUSED)
    current = flow.run_id == run.run_id
    return PhaseResult(
        flow_id=run.flow_id,
        phase_name=run.phase,
        run_id=run.run_id,
        status="paused" if waiting and current else _RESULT_STATUS.get(run.status, "failed"),
        outputs=run.outputs,
        validation_results=run.validation,
        execution_time_ms=run.execution_time_ms,
        agent_insights=[],
        next_phase=run.next_phase,
        errors=[run.error] if run.error else [],
        flow_status=flow.flow_status,
    )


def event_view(row: FlowEvent) -> EventView:
    """An event row."""
    return EventView(row.flow_id, row.seq, row.kind, dict(row.payload), row.version, row.created_at)


def audit_view(row: AuditEntry) -> AuditView:
    """An audit row."""
    return AuditView(
        id=row.id,
        user_id=row.user_id,
        action_type=row.action_type,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        result=row.result,
        reason=row.reason,
        from_status=row.from_status,
        to_status=row.to_status,
        version=row.version,
        ip_address=row.ip_address,
        user_agent=row.user_agent,
        request_id=row.request_id,
        details=dict(row.details),
        created_at=row.created_at,
    )


def flow_type_view(config: FlowTypeConfig) -> FlowTypeView:
    """A flow type with the JSON schema of each phase's inputs."""
    return FlowTypeView(
        name=config.name,
        display_name=config.display_name,
        description=config.description,
        version=config.version,
        capabilities=asdict(config.capabilities),
        phases=[_phase_view(phase) for phase in config.phases],
        output_schema=config.output_schema.model_json_schema(),
        metadata=dict(config.metadata),
    )


def _phase_view(phase: PhaseConfig) -> dict[str, Any]:
    return {
        "name": phase.name,
        "display_name": phase.display_name,
        "description": phase.description,
        "required_inputs": phase.required_inputs,
        "optional_inputs": phase.optional_inputs,
        "validators": [*phase.validators, *phase.output_validators],
        "handlers": phase.handlers,
        "approval": phase.approval,
        "can_pause": phase.can_pause,
        "can_skip": phase.can_skip,
        "timeout_seconds": phase.timeout_seconds,
        "retry": asdict(phase.retry_config),
        "input_schema": phase.inputs.model_json_schema(),
    }
