"""What each way of ending an attempt tells the database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.records import Issue, Place
from masterflow.engine.attempt import Progress, Step
from masterflow.engine.endings import (
    Settled,
    after_acceptance,
    error_document,
    failed,
    needs_input,
    next_run,
    progress_of,
    storable,
    succeeded,
)
from masterflow.errors import Conflict, InvalidInput, NotFound
from masterflow.kernel.decisions import resolve_error
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig, RetryConfig
from masterflow.kernel.status import Action, FlowStatus, check_move
from support.engine import Number, phase, says, toy

NUMBER = {"inputs": Number, "required_inputs": ["number"]}
CONFIG = toy(
    phase("one", says("a")),
    phase("two", says("a"), approval="review"),
    phase("three", says("a"), approval="gate"),
    phase("four", says("a"), **NUMBER),
).config
AUTO = {"auto_execute": True}


def _phase(name: str) -> PhaseConfig:
    found = CONFIG.phase(name)
    assert found is not None
    return found


def _settled(*completed: str, accepted: bool = False, **initial: Any) -> Settled:
    return Settled(completed, AUTO, initial, accepted)


def test_a_phase_without_review_is_completed_and_the_next_one_is_named() -> None:
    outcome = succeeded(CONFIG, _phase("one"), progress=Progress(), started=Settled([], {}, {})).outcome
    assert outcome == {
        "to": "ready",
        "run_status": "succeeded",
        "event": "phase_completed",
        "phases_completed": ["one"],
        "progress": 25.0,
        "next_phase": "two",
    }


def test_a_reviewed_phase_is_not_completed_yet() -> None:
    outcome = succeeded(CONFIG, _phase("two"), progress=Progress(), started=_settled("one")).outcome
    assert (outcome["to"], outcome["next_phase"]) == ("waiting_for_approval", "two")
    assert "phases_completed" not in outcome
    assert outcome["waiting_for"] == {"for": "review", "phase": "two", "reasons": ["Two is accepted by a person"]}


def test_the_reasons_of_the_steps_stand_after_the_phases_own() -> None:
    progress = Progress(steps=[Step(1, "a", {}, "two merges")])
    waiting = succeeded(CONFIG, _phase("two"), progress=progress, started=_settled("one")).outcome["waiting_for"]
    assert waiting["reasons"] == ["Two is accepted by a person", "two merges"]


def test_a_result_accepted_in_advance_goes_on() -> None:
    started = _settled("one", accepted=True)
    assert succeeded(CONFIG, _phase("two"), progress=Progress(), started=started).outcome["next_phase"] == "three"


def test_after_the_last_phase_the_flow_is_complete() -> None:
    outcome = after_acceptance(CONFIG, ["one", "two", "three", "four"], _settled())
    assert (outcome["to"], outcome["event"], outcome["progress"], outcome["next_phase"]) == (
        "completed",
        "flow_completed",
        100.0,
        None,
    )


def test_a_phase_that_ran_again_counts_once() -> None:
    assert after_acceptance(CONFIG, ["one", "two", "one"], _settled())["phases_completed"] == ["one", "two"]


def test_auto_execute_opens_the_next_run() -> None:
    assert after_acceptance(CONFIG, ["one"], _settled())["next"] == {
        "phase": "two",
        "to": "queued",
        "inputs": {},
        "options": {},
        "waiting_for": {},
    }


def test_a_gate_is_opened_by_a_person() -> None:
    opened = next_run(_phase("three"), AUTO, {})
    assert opened is not None
    assert (opened["to"], opened["waiting_for"]) == ("waiting_for_approval", {"for": "gate", "phase": "three"})


@pytest.mark.parametrize(
    ("name", "configuration", "initial", "opens"),
    [
        ("four", AUTO, {"number": 1, "other": 2}, {"number": 1}),
        ("four", AUTO, {}, None),
        ("one", {}, {}, None),
        (None, AUTO, {}, None),
    ],
    ids=["inputs from the flow", "input missing", "not asked for", "no phase left"],
)
def test_the_next_run_is_opened_only_with_its_inputs(
    name: str | None, configuration: dict[str, bool], initial: dict[str, int], opens: dict[str, int] | None
) -> None:
    opened = next_run(_phase(name) if name else None, configuration, initial)
    assert (opened and opened["inputs"]) == opens


def test_missing_input_says_what_is_wrong_and_reverts_what_was_written() -> None:
    issues = [Issue("bad", "error", f"row {row}", Place("f.csv", None, row)) for row in range(150)]
    found = Progress(issues=[*issues, Issue("odd", "warning", "x", Place())], wrote=True, message="rows are wrong")
    outcome = needs_input(found).outcome
    assert (outcome["to"], outcome["run_status"], outcome["revert"]) == ("waiting_for_input", "failed", True)
    waiting = outcome["waiting_for"]
    assert (waiting["for"], len(waiting["issues"]), waiting["issue_count"]) == ("input", 100, 150)


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (Conflict("x"), 1, ("queued", "queued", "retry_scheduled", None)),
        (Conflict("x"), 3, ("failed", "failed", "phase_failed", True)),
        (NotFound("x"), 1, ("failed", "failed", "phase_failed", True)),
        (InvalidInput("x"), 1, ("waiting_for_input", "failed", "input_requested", True)),
        (ValueError("x"), 1, ("queued", "queued", "retry_scheduled", None)),
        (ValueError("x"), 3, ("failed", "failed", "phase_failed", True)),
    ],
)
def test_an_error_is_retried_fails_or_waits_and_only_a_retry_keeps_what_was_written(
    error: Exception, attempt: int, expected: tuple[str, str, str, bool | None]
) -> None:
    resolution = resolve_error(error, attempt=attempt, retry=RetryConfig(), jitter=0)
    outcome = failed(error, resolution, Progress(wrote=True), attempt=attempt).outcome
    assert (outcome["to"], outcome["run_status"], outcome["event"], outcome.get("revert")) == expected
    check_move(FlowStatus.RUNNING, Action.FINISH, FlowStatus(outcome["to"]))


def test_the_text_of_an_unexpected_error_is_not_stored() -> None:
    error = ValueError("password=s3cret")
    resolution = resolve_error(error, attempt=1, retry=RetryConfig(), jitter=0)
    document = error_document(error, resolution, attempt=1)
    assert (document["code"], document["expected"]) == ("unexpected_error", False)
    assert "s3cret" not in json.dumps(document)


def test_a_known_error_is_stored_with_place_and_next_step() -> None:
    error = Conflict("no", where={"row": 3}, next_step="Look.")
    document = error_document(error, resolve_error(error, attempt=1, retry=RetryConfig(), jitter=0), attempt=1)
    assert (document["message"], document["where"], document["next_step"]) == ("no", {"row": "3"}, "Look.")


def test_progress_is_the_share_of_completed_phases() -> None:
    config: FlowTypeConfig = CONFIG
    assert [progress_of(config, done) for done in ([], ["one"], ["one", "unknown"])] == [0.0, 25.0, 25.0]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_every_document_can_be_stored(document: Any) -> None:
    text = json.dumps(storable(document), ensure_ascii=False)
    assert "\\u0000" not in text
    assert text.encode("utf-8").decode("utf-8") == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_text_that_can_be_stored_is_not_changed(text: str) -> None:
    assert storable({"a": [text]}) == {"a": [text]}
