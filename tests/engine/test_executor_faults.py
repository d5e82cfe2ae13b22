"""What goes wrong around a delivery: other code, lost fences, a database that is away, values it cannot store."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import update

from masterflow.context import PhaseContext
from masterflow.engine.executor import MOST_TAKEOVERS, Executor
from masterflow.errors import Conflict, MasterflowError, Unavailable
from masterflow.kernel.outcome import Completed, Outcome
from masterflow.store.database import Database
from masterflow.store.ddl import WORKER
from masterflow.store.repositories import Repositories
from masterflow.store.tables import Asset
from support.engine import AT_ONCE, Engine, add_asset, named, phase, raises, says, toy, writes
from support.life import inconsistencies

SEALED_IN = (
    "crewai_flow_state_extensions",
    "phase_runs",
    "run_steps",
    "checkpoints",
    "flow_events",
    "access_audit_log",
)


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
    nowhere = Database("postgresql://nobody@/none?host=/nonexistent", pool_size=1)
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


async def test_a_run_that_ends_its_workers_again_and_again_fails_and_is_reverted(engine: Engine) -> None:
    lost = raises("second", Unavailable("away", where={"sqlstate": "57P01"}), times=99)
    knowing, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), lost)))
    for _ in range(MOST_TAKEOVERS + 1):
        with pytest.raises(Unavailable):
            await knowing.deliver(run_id)
    assert knowing.flow(flow_id)["flow_status"] == "running"
    await knowing.deliver(run_id)
    assert knowing.flow(flow_id)["flow_status"] == "failed"
    assert knowing.run_row(run_id)["error"]["code"] == "worker_lost"
    assert knowing.assets() == []
