"""Decisions of the life cycle: next phase, progress, delays and what an error means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.errors import Conflict, FileRefused, InvalidInput, MasterflowError, NotFound, Unavailable
from masterflow.kernel.decisions import (
    after_phase,
    next_phase,
    phase_to_run,
    progress,
    resolve_error,
    retry_delay,
)
from masterflow.kernel.definition import PhaseConfig, RetryConfig
from masterflow.kernel.status import FlowStatus
from support.toy import toy_type

CONFIG = toy_type()
S = FlowStatus
COMPLETED = st.lists(st.sampled_from([*CONFIG.phase_names, "unknown"]))
RETRIES = st.builds(
    RetryConfig,
    max_attempts=st.integers(1, 20),
    initial_delay_seconds=st.floats(0, 1e6),
    backoff_multiplier=st.floats(1, 10),
    max_delay_seconds=st.floats(1e6, 1e9),
    jitter=st.floats(0, 1),
)


@given(completed=COMPLETED)
def test_the_next_phase_is_the_first_open_one_and_after_the_last_the_flow_is_completed(completed: list[str]) -> None:
    open_phases = [name for name in CONFIG.phase_names if name not in completed]
    upcoming = next_phase(CONFIG, completed)
    assert (upcoming.name if upcoming else None) == (open_phases[0] if open_phases else None)
    assert after_phase(CONFIG, completed) is (S.READY if open_phases else S.COMPLETED)


@given(completed=COMPLETED, more=st.sampled_from(CONFIG.phase_names))
def test_progress_is_a_share_that_never_falls(completed: list[str], more: str) -> None:
    before, after = progress(CONFIG, completed), progress(CONFIG, [*completed, more])
    assert 0 <= before <= after <= 100
    assert (after == 100) is (next_phase(CONFIG, [*completed, more]) is None)


def test_progress_has_one_decimal() -> None:
    assert [progress(CONFIG, CONFIG.phase_names[:n]) for n in range(4)] == [0.0, 33.3, 66.7, 100.0]


def _chosen(
    requested: str | None, completed: list[str], *, current: str | None = None, status: FlowStatus = S.READY
) -> PhaseConfig:
    return phase_to_run(CONFIG, requested=requested, completed=completed, current=current, status=status)


@pytest.mark.parametrize("requested", [None, "map", "mapping"])
def test_the_next_phase_may_be_asked_for_by_name_by_alias_or_not_at_all(requested: str | None) -> None:
    assert _chosen(requested, ["read"]).name == "map"


@pytest.mark.parametrize("status", [S.WAITING_FOR_INPUT, S.FAILED])
def test_a_phase_that_did_not_end_well_is_repeated(status: FlowStatus) -> None:
    assert _chosen(None, ["read", "map"], current="map", status=status).name == "map"
    assert _chosen(None, ["read"], current=None, status=status).name == "map"


def test_a_phase_out_of_turn_is_a_conflict_that_names_the_right_one() -> None:
    with pytest.raises(Conflict, match="'assess' is not next") as refused:
        _chosen("assess", [])
    assert "Execute 'read' first" in refused.value.next_step


def test_an_unknown_phase_is_invalid_input_that_names_the_phases() -> None:
    with pytest.raises(InvalidInput, match="no phase 'gone'") as refused:
        _chosen("gone", [])
    assert refused.value.next_step == "Phases: read, map, assess."


@pytest.mark.parametrize("requested", [None, "assess"])
def test_a_completed_flow_executes_nothing(requested: str | None) -> None:
    with pytest.raises(Conflict, match="every phase"):
        _chosen(requested, CONFIG.phase_names)


@given(retry=RETRIES, attempt=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_a_delay_is_bounded_grows_and_never_passes_its_cap(retry: RetryConfig, attempt: int, jitter: float) -> None:
    delay = retry_delay(retry, attempt, jitter=jitter)
    assert 0 <= delay <= retry.max_delay_seconds
    assert delay <= retry_delay(retry, attempt + 1, jitter=jitter)
    assert retry_delay(retry, attempt, jitter=0) <= delay


def test_delays_double_and_jitter_adds_its_share() -> None:
    retry = RetryConfig(initial_delay_seconds=1, backoff_multiplier=2, max_delay_seconds=5, jitter=0.5)
    assert [retry_delay(retry, n, jitter=0) for n in (1, 2, 3, 4)] == [1, 2, 4, 5]
    assert retry_delay(retry, 1, jitter=1) == 1.5


class SealedWrong(MasterflowError):
    """An error whose code ends a run at once."""

    code = "seal_broken"


RETRY = RetryConfig(max_attempts=3)


@pytest.mark.parametrize(
    ("error", "attempt", "action", "severity", "can_retry", "status"),
    [
        (InvalidInput("x"), 1, "wait_for_input", "warning", True, S.WAITING_FOR_INPUT),
        (FileRefused("x"), 3, "wait_for_input", "warning", True, S.WAITING_FOR_INPUT),
        (NotFound("x"), 1, "fail", "error", False, S.FAILED),
        (SealedWrong("x"), 1, "fail", "error", False, S.FAILED),
        (Unavailable("x"), 2, "retry", "warning", True, S.QUEUED),
        (Unavailable("x"), 3, "fail", "error", True, S.FAILED),
        (RuntimeError("x"), 1, "retry", "warning", True, S.QUEUED),
        (RuntimeError("x"), 3, "fail", "critical", True, S.FAILED),
    ],
)
def test_an_error_is_resolved(
    error: Exception, attempt: int, action: str, severity: str, can_retry: bool, status: FlowStatus
) -> None:
    found = resolve_error(error, attempt=attempt, retry=RETRY, jitter=0)
    assert (found.action, found.severity, found.can_retry, found.new_status) == (action, severity, can_retry, status)
    assert (found.delay_seconds is not None) is (action == "retry")


@given(retry=RETRIES, attempt=st.integers(1, 30))
def test_no_error_is_retried_beyond_its_attempts(retry: RetryConfig, attempt: int) -> None:
    retried = resolve_error(RuntimeError(), attempt=attempt, retry=retry, jitter=0.5).action == "retry"
    assert retried is (attempt < retry.max_attempts)
