"""A whole worker on a database of its own: jobs, healing, errors of its own, stopping."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import BaseModel

from masterflow.context import PhaseContext
from masterflow.engine.executor import Executor
from masterflow.engine.pgqueuer import PgQueuerDispatcher
from masterflow.engine.recovery import Recovery
from masterflow.engine.worker import Worker
from masterflow.errors import Conflict
from masterflow.kernel.outcome import Completed, Outcome
from masterflow.store.database import Database
from masterflow.store.ddl import API, WORKER
from masterflow.store.sealing import Sealer
from support.engine import AT_ONCE, Engine, phase, raises, says, toy, writes
from support.homes import wait_until
from support.life import inconsistencies
from support.server import Server
from support.tenants import ScopeFactory

PATIENCE = 20


@pytest.fixture
async def apart(
    server: Server, scratch: Callable[[], AbstractContextManager[str]], sealer: Sealer
) -> AsyncIterator[Engine]:
    """An engine on a database that no other test uses, so that a worker finds only its jobs."""
    with scratch() as name, server.superuser(name) as admin:
        databases = Database(server.url(name, API)), Database(server.url(name, WORKER))
        yield Engine.over(databases, admin, ScopeFactory(admin)(), sealer)
        for database in databases:
            await database.close()


@asynccontextmanager
async def working(engine: Engine) -> AsyncIterator[Worker]:
    """A worker that runs in the block."""
    database = engine.ports.database
    second = timedelta(seconds=1)
    worker = Worker(
        dispatcher=PgQueuerDispatcher(database.url, name="w", heartbeat=second),
        executor=Executor(replace(engine.ports, heartbeat=second)),
        recovery=Recovery(database, worker="w", every=second / 10, grace=second / 10),
    )
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(running, PATIENCE)


async def _rests(engine: Engine, flow_id: UUID, status: str) -> None:
    await asyncio.to_thread(wait_until, lambda: engine.flow(flow_id)["flow_status"] == status, PATIENCE)
    assert inconsistencies(engine.admin, flow_id) == []


async def test_a_flow_runs_from_phase_to_phase(apart: Engine) -> None:
    engine = apart.knowing(toy(phase("one", writes("a"), says("b")), phase("two", writes("c"))))
    async with working(engine):
        flows = [await engine.create(auto=True) for _ in range(10)]
        for flow_id in flows:
            await _rests(engine, flow_id, "completed")
    assert engine.assets() == ["a"] * 10 + ["c"] * 10


async def test_retries_come_by_themselves(apart: Engine) -> None:
    failing = raises("second", Conflict("not yet"), times=2)
    engine = apart.knowing(toy(phase("one", writes("first"), failing, retry_config=AT_ONCE)))
    async with working(engine):
        flow_id = await engine.create(auto=True)
        await _rests(engine, flow_id, "completed")
    assert engine.assets() == ["first"]


async def test_an_error_of_the_worker_itself_holds_the_job_and_the_run_is_dispatched_again(apart: Engine) -> None:
    broken = [True]

    def new_fence() -> int:
        if broken.pop() if broken else False:
            raise ZeroDivisionError("canary in an error")
        return secrets.randbits(62)

    engine = apart.knowing(toy(phase("one", says("a"))))
    engine = replace(engine, ports=replace(engine.ports, new_fence=new_fence))
    async with working(engine):
        flow_id = await engine.create(auto=True)
        await _rests(engine, flow_id, "completed")
    rows = engine.admin.execute("select status::text from queue.pgqueuer").fetchall()
    log = "".join(str(row) for row in engine.admin.execute("select l::text from queue.pgqueuer_log l").fetchall())
    assert rows == [("failed",)]
    assert "canary" not in log
    assert "RuntimeError" in log


async def test_cutting_every_connection_loses_nothing(apart: Engine) -> None:
    cut: list[bool] = []

    async def cuts(context: PhaseContext, inputs: BaseModel) -> Outcome:
        if not cut:
            cut.append(True)
            engine.admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        return Completed()

    engine = apart.knowing(toy(phase("one", writes("a"), cuts, writes("b")), phase("two", writes("c"))))
    async with working(engine):
        flow_id = await engine.create(auto=True)
        await _rests(engine, flow_id, "completed")
    assert engine.assets() == ["a", "b", "c"]


async def test_a_sweep_that_fails_is_repeated(apart: Engine) -> None:
    engine = apart.knowing(toy(phase("one", says("a"))))
    async with working(engine):
        engine.admin.execute("alter function app.reconcile(interval) rename to away")
        flow_id = await engine.create()
        engine.admin.execute("alter function app.away(interval) rename to reconcile")
        run_id = await engine.execute(flow_id)
        engine.admin.execute("delete from queue.pgqueuer where dedupe_key like %s", (f"{run_id}:%",))
        await _rests(engine, flow_id, "completed")


async def test_stopping_waits_for_the_phase_that_runs(apart: Engine) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def waits(context: PhaseContext, inputs: BaseModel) -> Outcome:
        begun.set()
        await goes_on.wait()
        return Completed()

    engine = apart.knowing(toy(phase("one", waits, writes("b"))))
    flow_id = await engine.create(auto=True)
    async with working(engine) as worker:
        await asyncio.wait_for(begun.wait(), PATIENCE)
        worker.stop()
        goes_on.set()
    assert (engine.flow(flow_id)["flow_status"], engine.assets()) == ("completed", ["b"])


async def test_a_job_that_the_database_cannot_take_is_left_to_the_next_sweep(apart: Engine) -> None:
    engine = apart.knowing(toy(phase("one", says("a"))))
    flow_id = await engine.create(auto=True)
    run_id = engine.flow(flow_id)["run_id"]
    engine.admin.execute(
        "insert into queue.pgqueuer (priority, status, entrypoint, payload) select 0, 'queued', 'phase_run',"
        " convert_to(regexp_replace(convert_from(payload, 'UTF8'), ',1$', ',99999999999'), 'UTF8') from queue.pgqueuer"
        " where dedupe_key like %s",
        (f"{run_id}:%",),
    )
    async with working(engine):
        await _rests(engine, flow_id, "completed")
        await asyncio.to_thread(wait_until, lambda: not engine.admin.execute("select from queue.pgqueuer").fetchall())
