"""How an attempt ends, as the document that the finish function carries out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from masterflow.engine.attempt import Progress
from masterflow.errors import MasterflowError
from masterflow.kernel.decisions import ErrorResolution, after_phase, next_phase, progress
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig
from masterflow.kernel.status import FlowStatus, RunStatus


@dataclass(frozen=True, slots=True)
class Ending:
    """`outcome` for the finish function; `outputs` and `state` are stored when given."""

    outcome: dict[str, Any]
    outputs: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What was known when the run started; `accepted`: the caller accepted the result in advance."""

    completed: Sequence[str]
    configuration: Mapping[str, Any]
    initial_data: Mapping[str, Any]
    accepted: bool = False


def succeeded(
    config: FlowTypeConfig,
    phase: PhaseConfig,
    *,
    progress: Progress,
    started: Settled,
) -> Ending:
    """All steps are done: the flow goes on, waits for a review, or is complete."""
    reasons = ([f"{phase.display_name} is accepted by a person"] if phase.approval == "review" else []) + list(
        progress.needs_review
    )
    if reasons and not started.accepted:
        waiting = {"for": "review", "phase": phase.name, "reasons": reasons}
        outcome = _outcome(FlowStatus.WAITING_FOR_APPROVAL, RunStatus.SUCCEEDED, "review_requested")
        return Ending({**outcome, "waiting_for": waiting, "next_phase": phase.name})
    return Ending(after_acceptance(config, [*started.completed, phase.name], started))


def after_acceptance(config: FlowTypeConfig, completed: Sequence[str], settled: Settled) -> dict[str, Any]:
    """Outcome once a phase counts as completed; with auto_execute it names the next run to open."""
    done = list(dict.fromkeys(completed))
    following = next_phase(config, done)
    status = after_phase(config, done)
    outcome = _outcome(status, RunStatus.SUCCEEDED, "flow_completed" if following is None else "phase_completed")
    outcome |= {
        "phases_completed": done,
        "progress": progress_of(config, done),
        "next_phase": following.name if following else None,
    }
    opened = next_run(following, settled.configuration, settled.initial_data)
    return {**outcome, "next": opened} if opened else outcome


def next_run(
    phase: PhaseConfig | None, configuration: Mapping[str, Any], initial_data: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The run that auto_execute opens; None without the option or when a required input is missing."""
    if phase is None or not configuration.get("auto_execute"):
        return None
    if any(name not in initial_data for name in phase.required_inputs):
        return None
    inputs = {name: initial_data[name] for name in phase.inputs.model_fields if name in initial_data}
    gate = phase.approval == "gate"
    target = FlowStatus.WAITING_FOR_APPROVAL if gate else FlowStatus.QUEUED
    waiting = {"for": "gate", "phase": phase.name} if gate else {}
    return {"phase": phase.name, "to": target.value, "inputs": inputs, "options": {}, "waiting_for": waiting}


def needs_input(found: Progress) -> Ending:
    """A person has to supply or correct something; what the run wrote is reverted."""
    issues = [asdict(issue) for issue in found.issues if issue.severity == "error"]
    error = {"code": "needs_input", "message": found.message, "issues": issues[:100], "issue_count": len(issues)}
    outcome = _outcome(FlowStatus.WAITING_FOR_INPUT, RunStatus.FAILED, "input_requested")
    return Ending({**outcome, "error": error, "waiting_for": {"for": "input", **error}, "revert": found.wrote})


def failed(error: BaseException, resolution: ErrorResolution, found: Progress, *, attempt: int) -> Ending:
    """An attempt raised: retry later, wait for a person, or fail; only a retry keeps what was written."""
    document = error_document(error, resolution, attempt=attempt)
    if resolution.action == "retry":
        outcome = _outcome(FlowStatus.QUEUED, RunStatus.QUEUED, "retry_scheduled")
        return Ending({**outcome, "error": document, "due_seconds": resolution.delay_seconds, "details": document})
    event = "input_requested" if resolution.action == "wait_for_input" else "phase_failed"
    outcome = _outcome(resolution.new_status, RunStatus.FAILED, event)
    waiting = {"for": "input", **document} if resolution.action == "wait_for_input" else {}
    return Ending({**outcome, "error": document, "waiting_for": waiting, "details": document, "revert": found.wrote})


def error_document(error: BaseException, resolution: ErrorResolution, *, attempt: int) -> dict[str, Any]:
    """An error as stored and shown; the text of an unexpected one stays in the log."""
    known = isinstance(error, MasterflowError)
    return {
        "code": error.code if isinstance(error, MasterflowError) else "unexpected_error",
        "message": error.detail if isinstance(error, MasterflowError) else f"unexpected {type(error).__name__}",
        "where": {key: str(value) for key, value in error.where.items()} if isinstance(error, MasterflowError) else {},
        "next_step": error.next_step if isinstance(error, MasterflowError) else "See the worker's log for this run.",
        "severity": resolution.severity,
        "action": resolution.action,
        "can_retry": resolution.can_retry,
        "attempt": attempt,
        "expected": known,
    }


def storable(value: Any) -> Any:
    """The same document with characters replaced that the database cannot store in JSON (NUL, surrogates)."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {storable(key): storable(inner) for key, inner in value.items()}
    return [storable(inner) for inner in value] if isinstance(value, list | tuple) else value


def progress_of(config: FlowTypeConfig, completed: Sequence[str]) -> float:
    """Completed phases in percent."""
    return progress(config, completed)


def _outcome(status: FlowStatus, run: RunStatus, event: str) -> dict[str, Any]:
    return {"to": status.value, "run_status": run.value, "event": event}
