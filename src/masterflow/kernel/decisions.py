"""Decisions of the life cycle as pure functions: next phase, progress, delay, what an error means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from masterflow.errors import Conflict, InvalidInput, MasterflowError
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig, RetryConfig
from masterflow.kernel.status import FlowStatus

Severity = Literal["warning", "error", "critical"]


@dataclass(frozen=True, slots=True)
class ErrorResolution:
    """What happens after a failed attempt. `delay_seconds` is set for a retry only."""

    action: Literal["retry", "wait_for_input", "fail"]
    severity: Severity
    can_retry: bool
    new_status: FlowStatus
    delay_seconds: float | None = None


def next_phase(config: FlowTypeConfig, completed: Sequence[str]) -> PhaseConfig | None:
    """First phase that is not completed; None when all are."""
    return next((phase for phase in config.phases if phase.name not in completed), None)


def progress(config: FlowTypeConfig, completed: Sequence[str]) -> float:
    """Completed phases in percent of all phases, 0..100, one decimal."""
    done = sum(1 for phase in config.phases if phase.name in completed)
    return round(100 * done / len(config.phases), 1)


def phase_to_run(
    config: FlowTypeConfig,
    *,
    requested: str | None,
    completed: Sequence[str],
    current: str | None,
    status: FlowStatus,
) -> PhaseConfig:
    """The phase an execute request means; `requested` may be an alias or None for the next one.

    Raises:
        InvalidInput: the flow type has no such phase.
        Conflict: the flow is complete, or earlier phases come first.
    """
    repeat = current if status in (FlowStatus.WAITING_FOR_INPUT, FlowStatus.FAILED) else None
    upcoming = config.phase(repeat) if repeat else next_phase(config, completed)
    if requested is not None and config.phase(requested) is None:
        raise InvalidInput(
            f"flow type {config.name} has no phase '{requested}'",
            where={"field": "phase_name"},
            next_step=f"Phases: {', '.join(config.phase_names)}.",
        )
    if upcoming is None:
        raise Conflict("every phase of this flow is completed", next_step="Iterate the flow to run it again.")
    wanted = config.phase(requested) if requested is not None else upcoming
    if wanted is None or wanted.name != upcoming.name:
        raise Conflict(
            f"phase '{requested}' is not next",
            where={"phase": requested},
            next_step=f"Execute '{upcoming.name}' first, or roll back to repeat a completed phase.",
        )
    return wanted


def after_phase(config: FlowTypeConfig, completed: Sequence[str]) -> FlowStatus:
    """Where a flow comes to rest after a phase: ready, or completed after the last one."""
    return FlowStatus.READY if next_phase(config, completed) else FlowStatus.COMPLETED


def retry_delay(retry: RetryConfig, attempt: int, *, jitter: float) -> float:
    """Seconds until the attempt after `attempt` (counted from 1); `jitter` is a random share 0..1.

    Exponential backoff with a cap (the delay never passes the cap, jitter included) as in AWS
    Architecture Blog, "Exponential Backoff And Jitter".
    """
    grown = retry.initial_delay_seconds * retry.backoff_multiplier ** min(attempt - 1, 64)
    return min(grown * (1 + retry.jitter * jitter), retry.max_delay_seconds)


def resolve_error(error: BaseException, *, attempt: int, retry: RetryConfig, jitter: float) -> ErrorResolution:
    """What to do after attempt number `attempt` failed with `error`.

    An input error waits for a person, a refused code fails at once, anything else is retried until the
    attempts are used up.
    """
    code = error.code if isinstance(error, MasterflowError) else "unexpected_error"
    if isinstance(error, InvalidInput):
        return ErrorResolution("wait_for_input", "warning", True, FlowStatus.WAITING_FOR_INPUT)
    if code in retry.non_retryable:
        return ErrorResolution("fail", "error", False, FlowStatus.FAILED)
    if attempt < retry.max_attempts:
        delay = retry_delay(retry, attempt, jitter=jitter)
        return ErrorResolution("retry", "warning", True, FlowStatus.QUEUED, delay)
    severity: Severity = "error" if isinstance(error, MasterflowError) else "critical"
    return ErrorResolution("fail", severity, True, FlowStatus.FAILED)
