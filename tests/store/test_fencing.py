"""One worker at a time: doubled and forged jobs do nothing, a worker that was taken over writes nothing."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from masterflow.errors import MasterflowError, Unavailable
from masterflow.kernel.permission import Scope
from masterflow.kernel.status import Action, FlowStatus
from masterflow.store.database import Database
from masterflow.store.ddl import WORKER
from masterflow.store.transitions import Job
from support.ledger import replace_function
from support.life import FAILURE, HEARTBEAT, RETRY, SUCCESS, Attempt, Life, inconsistencies
from support.server import Server
from support.tenants import ScopeFactory


@pytest.fixture
def life(worker_database: Database, scope: Scope) -> Life:
    """Flows in a fresh scope, moved by the worker's role."""
    return Life(worker_database, scope)


async def _version(life: Life, flow_id: UUID) -> int:
    return int((await life.row(flow_id))["version"])


async def _taken_over(life: Life) -> tuple[Attempt, Attempt]:
    """Worker A starts and is declared dead, worker B gets the same job and takes over."""
    first = await life.begin()
    job_id = (await life.jobs(first.job.run_id))[0]["id"]
    await life.pick(job_id, alive=False)
    second = await life.start(first.job.flow_id, first.job.run_id, job_id=job_id)
    assert second is not None
    return first, second


async def test_a_doubled_job_does_nothing_while_the_first_is_alive(life: Life) -> None:
    attempt = await life.begin()
    before = await _version(life, attempt.job.flow_id)
    doubled = await life.start(attempt.job.flow_id, attempt.job.run_id, job_id=2**40)
    assert (doubled, await _version(life, attempt.job.flow_id)) == (None, before)


async def test_another_job_takes_over_when_the_first_has_no_heartbeat(life: Life) -> None:
    attempt = await life.begin()
    await life.pick((await life.jobs(attempt.job.run_id))[0]["id"], alive=False)
    assert await life.start(attempt.job.flow_id, attempt.job.run_id, job_id=2**40) is not None


async def test_another_job_takes_over_when_the_first_is_gone(life: Life) -> None:
    attempt = await life.begin()
    await life.drop_job(attempt.job.run_id)
    assert await life.start(attempt.job.flow_id, attempt.job.run_id, job_id=2**40) is not None


async def test_a_worker_that_was_taken_over_writes_nothing_and_the_new_one_finishes(
    life: Life, admin: psycopg.Connection
) -> None:
    first, second = await _taken_over(life)
    assert await life.step(first, writes=True) is False
    assert await life.finish(first, FAILURE, state=b"Jold") is None
    assert await life.step(second, writes=True) is True
    assert await life.finish(second, SUCCESS, state=b"Jnew") is not None
    assert bytes((await life.row(first.job.flow_id))["flow_state"]) == b"Jnew"
    assert len(await life.select("select id from app.assets")) == 1
    assert inconsistencies(admin, first.job.flow_id) == []


async def test_a_take_over_goes_on_after_the_last_recorded_step(life: Life) -> None:
    first = await life.begin()
    await life.step(first, 1, writes=True)
    await life.step(first, 2)
    await life.pick((await life.jobs(first.job.run_id))[0]["id"], alive=False)
    second = await life.start(first.job.flow_id, first.job.run_id, job_id=2**40)
    assert second is not None
    assert [step["step"] for step in second.started.steps] == [1, 2]
    assert second.started.started_at == first.started.started_at


async def test_a_take_over_waits_for_the_step_under_way(life: Life) -> None:
    first = await life.begin()
    job = first.job
    async with life.database.step(life.scope, flow_id=job.flow_id, run_id=job.run_id, fence=first.fence) as session:
        assert session is not None
        with pytest.raises(Unavailable):
            await life.database.call(
                "select set_config('lock_timeout', '50ms', true), app.start_run(%s, %s, %s, %s, %s, 1, 1, 7, '1 s')",
                (*_tenant(life.scope), Jsonb({"id": "b"}), job.flow_id, job.run_id),
            )


def _tenant(scope: Scope) -> tuple[UUID, UUID]:
    return scope.client_account_id, scope.engagement_id


@pytest.mark.parametrize("outcome", [SUCCESS, RETRY, FAILURE], ids=["success", "retry", "failure"])
async def test_a_late_job_after_the_end_does_nothing(life: Life, outcome: dict[str, object]) -> None:
    attempt = await life.begin()
    job_id = (await life.jobs(attempt.job.run_id))[0]["id"]
    await life.finish(attempt, outcome)
    before = await _version(life, attempt.job.flow_id)
    assert await life.start(attempt.job.flow_id, attempt.job.run_id, job_id=job_id) is None
    assert await _version(life, attempt.job.flow_id) == before


async def test_finishing_twice_counts_once(life: Life) -> None:
    attempt = await life.begin()
    answers = [await life.finish(attempt), await life.finish(attempt)]
    assert [answer is None for answer in answers] == [False, True]


async def test_a_step_after_the_end_is_refused(life: Life) -> None:
    attempt = await life.begin()
    await life.finish(attempt, RETRY)
    assert await life.step(attempt, writes=True) is False
    assert await life.select("select id from app.assets") == []


async def test_a_step_that_raises_leaves_neither_effect_nor_record(life: Life) -> None:
    attempt = await life.begin()
    await life.step(attempt, 1)
    with pytest.raises(MasterflowError):
        await life.step(attempt, 1, writes=True)
    assert len(await life.select("select step from app.run_steps")) == 1
    assert await life.select("select id from app.assets") == []


async def test_a_job_of_a_paused_flow_does_nothing(life: Life) -> None:
    flow_id = await life.create()
    moved = await life.execute(flow_id)
    assert moved.run_id is not None
    await life.move(flow_id, Action.PAUSE, FlowStatus.PAUSED)
    assert await life.start(flow_id, moved.run_id) is None


@pytest.mark.parametrize("forged", ["client", "engagement", "flow", "run", "attempt"])
async def test_a_forged_job_does_nothing(life: Life, make_scope: ScopeFactory, forged: str) -> None:
    flow_id = await life.create()
    run_id = (await life.execute(flow_id)).run_id
    assert run_id is not None
    other = make_scope(client=life.scope.client_account_id if forged == "engagement" else None)
    scope = other if forged in ("client", "engagement") else life.scope
    job = Job(
        *_tenant(scope),
        uuid4() if forged == "flow" else flow_id,
        uuid4() if forged == "run" else run_id,
        2 if forged == "attempt" else 1,
    )
    started = await life.moves.start(scope, job, job_id=1, fence=secrets.randbits(62), heartbeat=HEARTBEAT)
    assert (started, (await life.row(flow_id))["flow_status"]) == (None, "queued")


async def test_a_true_fence_under_another_tenant_does_nothing(life: Life, make_scope: ScopeFactory) -> None:
    attempt = await life.begin()
    intruder = Life(life.database, make_scope())
    answer = await intruder.finish(attempt)
    with pytest.raises(MasterflowError, match="not open in this engagement"):
        await intruder.step(attempt)
    assert (answer, (await life.row(attempt.job.flow_id))["flow_status"]) == (None, "running")


FENCES = {
    "step": ("step.v1.sql", "and f.fence = p_fence "),
    "finish": ("finish_run.v1.sql", "and f.fence = p_fence "),
}


@pytest.fixture
async def broken(
    request: pytest.FixtureRequest, server: Server, scratch: Callable[[], AbstractContextManager[str]]
) -> AsyncIterator[Life]:
    """Life in a database whose step or finish does not compare the fence."""
    name, comparison = FENCES[request.param]
    with scratch() as database_name, server.superuser(database_name) as admin:
        replace_function(admin, name, (comparison, ""))
        database = Database(server.url(database_name, WORKER))
        yield Life(database, ScopeFactory(admin)())
        await database.close()


@pytest.mark.parametrize("broken", ["step"], indirect=True)
async def test_without_the_comparison_a_dead_workers_step_is_accepted(broken: Life) -> None:
    first, _ = await _taken_over(broken)
    assert await broken.step(first, writes=True) is True


@pytest.mark.parametrize("broken", ["finish"], indirect=True)
async def test_without_the_comparison_a_dead_workers_finish_is_accepted(broken: Life) -> None:
    first, second = await _taken_over(broken)
    assert await broken.finish(first, state=b"Jold") is not None
    assert await broken.finish(second, state=b"Jnew") is None


async def _reconciled(life: Life, grace: timedelta = timedelta()) -> set[UUID]:
    rows = await life.database.call("select run_id from app.reconcile(%s)", (grace,))
    return {row["run_id"] for row in rows}


async def test_the_reconciler_dispatches_only_what_lost_its_job(life: Life) -> None:
    lost, kept, running, waiting = [await life.create() for _ in range(4)]
    runs = {flow: (await life.execute(flow)).run_id for flow in (lost, kept, running)}
    runs[waiting] = (await life.execute(waiting, to="waiting_for_approval")).run_id
    assert all(runs.values())
    await life.start(running, runs[running])
    await life.drop_job(runs[lost])
    assert _only(await _reconciled(life), runs) == {runs[lost]}
    assert [job["dedupe_key"] for job in await life.jobs(runs[lost])] == [f"{runs[lost]}:1"]
    assert _only(await _reconciled(life), runs) == set()


def _only(found: set[UUID], runs: dict[UUID, UUID | None]) -> set[UUID]:
    return found & {run for run in runs.values() if run}


async def test_a_re_dispatched_job_says_the_same_as_the_first(life: Life) -> None:
    flow_id = await life.create()
    run_id = (await life.execute(flow_id)).run_id
    assert run_id is not None
    (before,) = await life.jobs(run_id)
    await life.drop_job(run_id)
    await _reconciled(life)
    (after,) = await life.jobs(run_id)
    assert (after["payload"], after["dedupe_key"]) == (before["payload"], before["dedupe_key"])
    assert await life.start(flow_id, run_id) is not None


async def test_the_reconciler_dispatches_a_running_flow_whose_job_is_gone(life: Life) -> None:
    attempt = await life.begin()
    await life.drop_job(attempt.job.run_id)
    assert attempt.job.run_id in await _reconciled(life)
    assert await life.start(attempt.job.flow_id, attempt.job.run_id) is not None


async def test_the_reconciler_leaves_a_retry_alone_until_it_is_due(life: Life) -> None:
    due, later = await life.begin(), await life.begin()
    for attempt, seconds in ((due, 0), (later, 600)):
        await life.finish(attempt, RETRY | {"due_seconds": seconds})
        await life.drop_job(attempt.job.run_id)
    found = await _reconciled(life)
    assert (due.job.run_id in found, later.job.run_id in found) == (True, False)
    assert (await life.jobs(due.job.run_id))[0]["dedupe_key"] == f"{due.job.run_id}:2"


async def test_the_reconciler_gives_a_fresh_move_its_grace(life: Life) -> None:
    run_id = (await life.execute(await life.create())).run_id
    assert run_id is not None
    await life.drop_job(run_id)
    assert run_id not in await _reconciled(life, timedelta(minutes=1))


async def test_two_reconcilers_do_not_work_at_the_same_time(life: Life, admin: psycopg.Connection) -> None:
    run_id = (await life.execute(await life.create())).run_id
    assert run_id is not None
    await life.drop_job(run_id)
    with admin.transaction():
        admin.execute("select pg_advisory_xact_lock(hashtextextended('masterflow.reconcile', 7))")
        assert await _reconciled(life) == set()
    assert run_id in await _reconciled(life)


async def test_the_api_can_neither_read_payloads_nor_remove_jobs(database: Database, scope: Scope) -> None:
    life = Life(database, scope)
    run_id = (await life.execute(await life.create())).run_id
    for statement in ("select payload from {}", "delete from {}", "update {} set slot = 1"):
        with pytest.raises(MasterflowError, match="refused a statement"):
            await database.call(statement.format("queue.pgqueuer"), ())
    assert run_id is not None


async def test_an_execution_of_the_same_attempt_is_dispatched_once(life: Life) -> None:
    run_id = (await life.execute(flow_id := await life.create())).run_id
    assert run_id is not None
    await life.move(flow_id, Action.PAUSE, FlowStatus.PAUSED)
    await life.move(flow_id, Action.RESUME, FlowStatus.QUEUED)
    assert len(await life.jobs(run_id)) == 1
