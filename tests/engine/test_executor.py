"""One delivery of a job, from the fenced start to the commit that ends it, on the real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from masterflow.context import PhaseContext
from masterflow.domain.records import Issue, Place
from masterflow.errors import Conflict, Unavailable
from masterflow.kernel.definition import RetryConfig
from masterflow.kernel.outcome import Completed, NeedsInput, Outcome
from masterflow.store.repositories import Repositories
from masterflow.store.transitions import Transitions
from support.engine import AT_ONCE, Engine, Number, add_asset, phase, raises, says, toy, writes
from support.homes import wait_until
from support.life import inconsistencies
from support.processes import children

LATER = RetryConfig(max_attempts=3, initial_delay_seconds=20, backoff_multiplier=2, jitter=0)


async def needs_a_number(context: PhaseContext, inputs: BaseModel) -> Outcome:
    return NeedsInput("a number is missing", (Issue("missing", "error", "no number\0", Place("f.csv", "s", 2, "n")),))


async def fails_in_the_effects(context: PhaseContext, inputs: BaseModel) -> Outcome:
    async def effects(repositories: Repositories) -> None:
        await add_asset(repositories, "half:half")
        raise ValueError("after the first row")

    return Completed({}, effects)


async def test_a_successful_phase_stores_outputs_state_and_progress(engine: Engine) -> None:
    candidate = toy(phase("one", says("first", a=1), writes("second"), says("third", b=2)), phase("two", says("x")))
    engine, flow_id, run_id = await engine.begin(candidate)
    await engine.deliver(run_id)
    flow, run = engine.flow(flow_id), engine.run_row(run_id)
    assert (flow["flow_status"], flow["progress_percentage"], flow["phases_completed"]) == ("ready", 50.0, ["one"])
    assert (run["status"], engine.change_set(run_id), engine.assets()) == ("succeeded", "sealed", ["second"])
    assert engine.outputs(run_id) == {"a": 1, "second": "written", "b": 2}
    state = engine.ports.state.open(engine.scope, flow_id, flow["flow_state"])
    assert state["phases"] == {"one": {"a": 1, "second": "written", "b": 2}}
    assert inconsistencies(engine.admin, flow_id) == []


async def test_steps_without_effects_are_recorded_with_the_next_write_or_the_finish(engine: Engine) -> None:
    seen: list[list[tuple[int, str]]] = []

    async def third(context: PhaseContext, inputs: BaseModel) -> Outcome:
        seen.append(engine.steps(context.run_id))
        return Completed()

    engine, _, run_id = await engine.begin(toy(phase("one", says("first"), writes("second"), third)))
    await engine.deliver(run_id)
    assert seen == [[(1, "first"), (2, "second")]]
    assert engine.steps(run_id) == [(1, "first"), (2, "second"), (3, "third")]


async def test_the_last_phase_completes_the_flow(engine: Engine) -> None:
    flow = await engine.run(toy(phase("one", says("first"))))
    assert (flow["flow_status"], flow["progress_percentage"]) == ("completed", 100.0)


async def test_auto_execute_runs_phase_after_phase_until_one_needs_a_person(engine: Engine) -> None:
    inputs: list[Any] = []

    async def keeps(context: PhaseContext, given: Number) -> Outcome:
        inputs.append(given.number)
        return Completed({"number": given.number})

    number = {"inputs": Number, "required_inputs": ["number"]}
    engine = engine.knowing(
        toy(phase("one", says("first")), phase("two", keeps, **number), phase("three", says("x"), approval="gate"))
    )
    flow_id = await engine.create(auto=True, number=7)
    for _ in range(2):
        await engine.deliver(engine.flow(flow_id)["run_id"])
    flow = engine.flow(flow_id)
    assert (flow["flow_status"], flow["current_phase"]) == ("waiting_for_approval", "three")
    assert (flow["waiting_for"]["for"], inputs) == ("gate", [7])
    await engine.orchestrator.approve(engine.scope, flow_id)
    await engine.deliver(flow["run_id"])
    assert engine.flow(flow_id)["flow_status"] == "completed"
    assert inconsistencies(engine.admin, flow_id) == []


async def test_auto_execute_stops_at_a_phase_whose_inputs_are_missing(engine: Engine) -> None:
    number = {"inputs": Number, "required_inputs": ["number"]}
    engine = engine.knowing(toy(phase("one", says("first")), phase("two", says("x"), **number)))
    flow_id = await engine.create(auto=True)
    await engine.deliver(engine.flow(flow_id)["run_id"])
    assert engine.flow(flow_id)["flow_status"] == "ready"


REVIEWED = [
    toy(phase("one", says("first"), approval="review"), phase("two", says("x"))),
    toy(phase("one", writes("first", needs_review="two merges are undecided")), phase("two", says("x"))),
]


@pytest.mark.parametrize("candidate", REVIEWED, ids=["always", "when a step asks for it"])
async def test_a_reviewed_phase_waits_for_a_person(engine: Engine, candidate: Any) -> None:
    engine, flow_id, run_id = await engine.begin(candidate)
    await engine.deliver(run_id)
    flow = engine.flow(flow_id)
    assert (flow["flow_status"], flow["waiting_for"]["for"], flow["phases_completed"]) == (
        "waiting_for_approval",
        "review",
        [],
    )
    await engine.orchestrator.approve(engine.scope, flow_id)
    assert engine.flow(flow_id)["phases_completed"] == ["one"]


@pytest.mark.parametrize("candidate", REVIEWED, ids=["always", "when a step asks for it"])
async def test_a_result_accepted_in_advance_is_not_waited_for(engine: Engine, candidate: Any) -> None:
    engine = engine.knowing(candidate)
    flow_id = await engine.create()
    run_id = await engine.execute(flow_id, {"approval": True})
    await engine.deliver(run_id)
    assert engine.flow(flow_id)["flow_status"] == "ready"


async def test_a_wish_for_review_survives_a_take_over(engine: Engine) -> None:
    lost = raises("second", Unavailable("away", where={"sqlstate": "57P01"}), times=1)
    reviewed = writes("first", needs_review="look at this")
    engine, flow_id, run_id = await engine.begin(toy(phase("one", reviewed, lost)))
    with pytest.raises(Unavailable):
        await engine.deliver(run_id)
    await engine.deliver(run_id)
    assert engine.flow(flow_id)["waiting_for"]["reasons"] == ["look at this"]


async def test_a_retry_waits_in_the_queue_and_grows(engine: Engine) -> None:
    failing = raises("second", Conflict("not yet"), times=2)
    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), failing, retry_config=LATER)))
    waits = []
    for _ in range(2):
        await engine.deliver(run_id)
        waits.append(engine.job(run_id)[2] / timedelta(seconds=1))
        assert engine.run_row(run_id)["due_at"] is not None
    assert 15 < waits[0] <= 20
    assert 35 < waits[1] <= 40
    await engine.deliver(run_id)
    run = engine.run_row(run_id)
    assert (run["status"], run["attempt"], run["due_at"], engine.assets()) == ("succeeded", 3, None, ["first"])
    assert engine.events(flow_id).count("retry_scheduled") == 2
    assert inconsistencies(engine.admin, flow_id) == []


async def test_when_the_attempts_are_used_up_the_run_fails_and_its_writes_are_reverted(engine: Engine) -> None:
    failing = raises("second", ValueError("the text of an unexpected error"))
    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), failing, retry_config=AT_ONCE)))
    for expected in ("queued", "queued", "failed"):
        await engine.deliver(run_id)
        assert engine.flow(flow_id)["flow_status"] == expected
    run, flow = engine.run_row(run_id), engine.flow(flow_id)
    assert (run["status"], run["error"]["code"], run["error"]["attempt"]) == ("failed", "unexpected_error", 3)
    assert "the text" not in str(run["error"])
    assert (engine.assets(), engine.change_set(run_id), flow["revert_pending"]) == ([], "reverted", False)
    assert inconsistencies(engine.admin, flow_id) == []


@pytest.mark.parametrize("options", [{"retry_on_failure": False}, {"max_retries": 0}])
async def test_retries_can_be_switched_off_for_one_execution(engine: Engine, options: dict[str, Any]) -> None:
    failing = raises("first", Conflict("no"))
    engine, flow_id, run_id = await engine.begin(toy(phase("one", failing, retry_config=AT_ONCE)), **options)
    await engine.deliver(run_id)
    assert engine.flow(flow_id)["flow_status"] == "failed"
    assert engine.change_set(run_id) == "sealed"


async def test_missing_input_reverts_what_was_written_and_waits(engine: Engine) -> None:
    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), needs_a_number)))
    await engine.deliver(run_id)
    flow = engine.flow(flow_id)
    assert (flow["flow_status"], flow["waiting_for"]["message"]) == ("waiting_for_input", "a number is missing")
    assert flow["waiting_for"]["issues"][0]["place"] == {"file": "f.csv", "sheet": "s", "row": 2, "column": "n"}
    assert (engine.assets(), engine.change_set(run_id)) == ([], "reverted")
    assert inconsistencies(engine.admin, flow_id) == []


async def test_a_failure_in_the_effects_leaves_nothing_behind(engine: Engine) -> None:
    engine, flow_id, run_id = await engine.begin(toy(phase("one", says("first"), fails_in_the_effects)))
    await engine.deliver(run_id)
    assert engine.flow(flow_id)["flow_status"] == "failed"
    assert (engine.assets(), engine.steps(run_id)) == ([], [(1, "first")])


def _endless(number: int) -> int:
    while True:
        number += 1


async def test_a_timeout_stops_the_handler_and_kills_its_calculation(engine: Engine) -> None:
    async def calculates(context: PhaseContext, inputs: BaseModel) -> Outcome:
        await context.compute(_endless, 1)
        raise AssertionError

    before = children()
    engine, flow_id, run_id = await engine.begin(toy(phase("one", calculates)), timeout_seconds=1)
    await engine.deliver(run_id)
    run = engine.run_row(run_id)
    assert (run["error"]["code"], engine.flow(flow_id)["flow_status"]) == ("phase_timeout", "failed")
    await asyncio.to_thread(wait_until, lambda: children() <= before)


async def test_a_timeout_in_an_open_step_rolls_it_back_and_the_connections_are_usable(engine: Engine) -> None:
    async def waits(context: PhaseContext, inputs: BaseModel) -> Outcome:
        async def effects(repositories: Repositories) -> None:
            await add_asset(repositories, f"{context.run_id}:waits")
            await asyncio.Event().wait()

        return Completed({}, effects)

    slow = phase("one", writes("first"), waits, timeout_seconds=1)
    engine, flow_id, run_id = await engine.begin(toy(slow))
    await engine.deliver(run_id)
    assert (engine.run_row(run_id)["error"]["code"], engine.assets()) == ("phase_timeout", [])
    assert engine.flow(flow_id)["revert_pending"] is False
    for _ in range(10):
        assert await engine.ports.database.call("select 1 as one", ()) == [{"one": 1}]
    assert inconsistencies(engine.admin, flow_id) == []


async def test_a_cancelled_run_abandons_its_next_write_and_is_reverted(engine: Engine) -> None:
    async def cancels(context: PhaseContext, inputs: BaseModel) -> Outcome:
        await engine.orchestrator.cancel(engine.scope, context.flow_id, "no longer wanted")
        return Completed()

    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), cancels, writes("third"))))
    await engine.deliver(run_id)
    flow = engine.flow(flow_id)
    assert (flow["flow_status"], flow["revert_pending"], engine.assets()) == ("cancelled", True, ["first"])
    await Transitions(engine.ports.database.call).revert_run(engine.scope, flow_id=flow_id, run_id=run_id)
    assert (engine.assets(), engine.change_set(run_id)) == ([], "reverted")
    assert inconsistencies(engine.admin, flow_id) == []


async def test_cancelling_a_paused_retry_reverts_what_its_first_attempt_wrote(engine: Engine) -> None:
    failing = raises("second", Conflict("not yet"))
    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), failing, retry_config=LATER)))
    await engine.deliver(run_id)
    await engine.orchestrator.pause(engine.scope, flow_id)
    await engine.orchestrator.cancel(engine.scope, flow_id)
    assert (engine.flow(flow_id)["revert_pending"], engine.run_row(run_id)["status"]) == (True, "cancelled")
