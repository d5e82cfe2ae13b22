"""One delivery of a job, from the fenced start to the commit that ends it, on the real database."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import update

from masterflow.context import PhaseContext
from masterflow.domain.records import Issue, Place
from masterflow.engine.executor import Executor
from masterflow.errors import Conflict, MasterflowError, Unavailable
from masterflow.kernel.definition import RetryConfig
from masterflow.kernel.outcome import Completed, NeedsInput, Outcome
from masterflow.store.database import Database
from masterflow.store.ddl import WORKER
from masterflow.store.repositories import Repositories
from masterflow.store.tables import Asset
from masterflow.store.transitions import Transitions
from support.engine import AT_ONCE, Engine, Number, add_asset, named, phase, raises, says, toy, writes
from support.homes import wait_until
from support.life import inconsistencies
from support.processes import children

SEALED_IN = (
    "crewai_flow_state_extensions",
    "phase_runs",
    "run_steps",
    "checkpoints",
    "flow_events",
    "access_audit_log",
)
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


async def test_an_unknown_flow_type_fails_the_run_at_once(engine: Engine) -> None:
    knowing, flow_id, run_id = await engine.begin(toy(phase("one", says("first"), retry_config=AT_ONCE)))
    await engine.knowing(toy(phase("one", says("first")), name="other")).deliver(run_id)
    assert knowing.flow(flow_id)["flow_status"] == "failed"
    assert "no flow type 'toy'" in knowing.run_row(run_id)["error"]["message"]


async def test_a_phase_that_is_gone_fails_the_run_at_once(engine: Engine) -> None:
    knowing, flow_id, run_id = await engine.begin(toy(phase("one", says("first"), retry_config=AT_ONCE)))
    await engine.knowing(toy(phase("two", says("first")))).deliver(run_id)
    assert knowing.flow(flow_id)["flow_status"] == "failed"
    assert "no phase 'one'" in knowing.run_row(run_id)["error"]["message"]


@pytest.mark.parametrize(("version", "status"), [("1.1.0", "completed"), ("2.0.0", "failed")])
async def test_a_flow_runs_under_the_major_version_it_was_created_with(
    engine: Engine, version: str, status: str
) -> None:
    knowing, flow_id, run_id = await engine.begin(toy(phase("one", says("first"))))
    await engine.knowing(toy(phase("one", says("first")), version=version)).deliver(run_id)
    assert knowing.flow(flow_id)["flow_status"] == status


async def test_a_retry_whose_recorded_steps_do_not_fit_the_phase_any_more_fails(engine: Engine) -> None:
    failing = raises("second", Conflict("not yet"))
    old = toy(phase("one", writes("first"), failing, retry_config=AT_ONCE))
    engine, flow_id, run_id = await engine.begin(old)
    await engine.deliver(run_id)
    new = toy(phase("one", says("another"), says("first"), retry_config=AT_ONCE), version="1.1.0")
    await engine.knowing(new).deliver(run_id)
    assert (engine.flow(flow_id)["flow_status"], engine.assets()) == ("failed", [])
    assert "was 'first'" in engine.run_row(run_id)["error"]["message"]


async def test_secrets_of_inputs_and_outputs_are_not_readable_in_the_database(engine: Engine) -> None:
    canary = f"canary-{secrets.token_hex(8)}"
    candidate = toy(phase("one", says("first", api_token=canary), writes("second")), phase("two", says("x")))
    engine = engine.knowing(candidate)
    flow_id = await engine.create(auto=True, password=canary)
    run_id = engine.flow(flow_id)["run_id"]
    await engine.deliver(run_id)
    assert engine.outputs(run_id)["api_token"] == canary
    for table in SEALED_IN:
        rows = engine.admin.execute(f"select t::text from app.{table} t where engagement_id = %s", (_place(engine),))  # noqa: S608
        text = "".join(row[0] for row in rows)
        assert text, table
        assert canary not in text, table
        assert canary.encode().hex() not in text, table


def _place(engine: Engine) -> UUID:
    return engine.scope.engagement_id


async def test_a_worker_that_lost_its_fence_between_two_steps_writes_nothing_more(engine: Engine) -> None:
    taken: list[bool] = []

    async def second(context: PhaseContext, inputs: BaseModel) -> Outcome:
        if not taken:
            taken.append(True)
            await engine.deliver(context.run_id)  # another worker takes the run over and finishes it
        return Completed()

    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), second, writes("third"))))
    await engine.deliver(run_id)
    assert engine.assets() == ["first", "third"]
    assert engine.events(flow_id).count("run_taken_over") == 1
    assert engine.events(flow_id).count("flow_completed") == 1
    assert inconsistencies(engine.admin, flow_id) == []


async def test_a_database_that_went_away_costs_no_attempt(engine: Engine) -> None:
    away = Unavailable("the database does not answer", where={"sqlstate": ""})
    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), raises("second", away, times=1))))
    with pytest.raises(Unavailable):
        await engine.deliver(run_id)
    assert (engine.flow(flow_id)["flow_status"], engine.run_row(run_id)["attempt"]) == ("running", 1)
    await engine.deliver(run_id)
    assert (engine.flow(flow_id)["flow_status"], engine.assets()) == ("completed", ["first"])


async def test_a_connection_that_is_cut_in_the_middle_of_a_step_leaves_the_run_as_it_was(engine: Engine) -> None:
    cut: list[bool] = []

    async def first(context: PhaseContext, inputs: BaseModel) -> Outcome:
        async def effects(repositories: Repositories) -> None:
            await add_asset(repositories, f"{context.run_id}:first")
            if not cut:
                cut.append(True)
                engine.admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s and pid <>"
                    " pg_backend_pid() and state = 'idle in transaction' and datname = current_database()",
                    (WORKER,),
                )
            await add_asset(repositories, f"{context.run_id}:again")

        return Completed({}, effects)

    engine, flow_id, run_id = await engine.begin(toy(phase("one", first)))
    with pytest.raises(Unavailable):
        await engine.deliver(run_id)
    assert (engine.assets(), engine.flow(flow_id)["flow_status"]) == ([], "running")
    await engine.deliver(run_id)
    assert engine.assets() == ["again", "first"]


async def test_a_database_that_is_busy_counts_as_a_failed_attempt(engine: Engine) -> None:
    busy = raises("first", Unavailable("busy", where={"sqlstate": "55P03"}))
    engine, _, run_id = await engine.begin(toy(phase("one", busy)))
    await engine.deliver(run_id)
    assert engine.run_row(run_id)["error"]["code"] == "unavailable"


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["NUL", "surrogate"])
async def test_outputs_that_cannot_be_stored_end_the_run(engine: Engine, text: str) -> None:
    engine, flow_id, run_id = await engine.begin(toy(phase("one", says("first", text=text))))
    await engine.deliver(run_id)
    assert engine.flow(flow_id)["flow_status"] in ("waiting_for_input", "failed")
    assert engine.steps(run_id) == []


async def test_messages_that_cannot_be_stored_are_stored_without_those_characters(engine: Engine) -> None:
    engine, _, run_id = await engine.begin(toy(phase("one", raises("first", Conflict("a\0b \ud800")))))
    await engine.deliver(run_id)
    assert engine.run_row(run_id)["error"]["message"] == "a\ufffdb ?"


async def test_a_stale_job_does_nothing(engine: Engine) -> None:
    engine, flow_id, run_id = await engine.begin(toy(phase("one", says("first"))))
    job_id, job, _ = engine.job(run_id)
    await engine.deliver(run_id)
    before = engine.flow(flow_id)["version"]
    await Executor(engine.ports).run(job, job_id)
    await Executor(engine.ports).run(replace(job, attempt=2), job_id)
    assert engine.flow(flow_id)["version"] == before


async def test_a_job_that_no_one_made_is_refused(engine: Engine) -> None:
    engine, _, run_id = await engine.begin(toy(phase("one", says("first"))))
    job_id, job, _ = engine.job(run_id)
    with pytest.raises(MasterflowError):
        await Executor(engine.ports).run(replace(job, attempt=2**40), job_id)


async def test_a_revert_that_meets_later_changes_stays_pending(engine: Engine) -> None:
    async def overwritten(context: PhaseContext, inputs: BaseModel) -> Outcome:
        async with engine.access.edit(engine.scope) as repositories:
            await repositories.session.execute(_rename(f"{context.run_id}:first"))
        raise Conflict("no")

    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), overwritten)))
    await engine.deliver(run_id)
    flow = engine.flow(flow_id)
    assert (flow["flow_status"], flow["revert_pending"], engine.change_set(run_id)) == ("failed", True, "open")
    with pytest.raises(Conflict):
        await engine.execute(flow_id)


def _rename(key: str) -> Any:
    return update(Asset).where(Asset.natural_key == key).values(description="by hand")


async def test_the_database_that_does_not_answer_is_an_error_of_the_product(engine: Engine) -> None:
    nowhere = Database("postgresql://worker@/none?host=/nonexistent", pool_size=1)
    engine, _, run_id = await engine.begin(toy(phase("one", says("first"))))
    job_id, job, _ = engine.job(run_id)
    with pytest.raises(Unavailable):
        await Executor(replace(engine.ports, database=nowhere)).run(job, job_id)
    await nowhere.close()


async def test_usage_of_calculations_is_stored_with_the_run(engine: Engine) -> None:
    async def calculates(context: PhaseContext, inputs: BaseModel) -> Outcome:
        return Completed({"total": await context.compute(sum, [1, 2])})

    engine, _, run_id = await engine.begin(toy(phase("one", named("calculates", calculates))))
    await engine.deliver(run_id)
    usage = engine.run_row(run_id)["resource_usage"]
    assert (usage["calculations"], usage["peak_memory_bytes"] > 0, engine.outputs(run_id)) == (1, True, {"total": 3})
