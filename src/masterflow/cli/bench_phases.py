"""What `masterflow bench` measures of flows: the bare commit, creation, a phase without work, each function."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from masterflow.cli.bench_flow import FLOW, NAME
from masterflow.cli.bench_site import Site
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow
from masterflow.store.ddl import OWNER, sql_file
from masterflow.store.transitions import Job, Transitions

_REQUEST = CreateFlow(flow_type=NAME)
_EXECUTE = ExecuteFlow()
_SUCCESS = {
    "to": "completed",
    "run_status": "succeeded",
    "event": "flow_completed",
    "phases_completed": ["nothing"],
    "progress": 100,
}
_AUDIT = "    insert into app.access_audit_log"
WAIT_SECONDS = 120.0


async def prepare(site: Site) -> None:
    """Make the table that the bare commit writes to."""
    await site.owner.execute(f"set role {OWNER}")
    await site.owner.execute("create table app.bench_commits (id bigint primary key, value integer not null)")
    await site.owner.execute("insert into app.bench_commits select n, 0 from generate_series(1, 1000) n")


async def _commit(site: Site, number: int) -> None:
    link, key = site.owner, secrets.randbits(60) + 1001
    await link.execute("begin")
    await link.execute("insert into app.bench_commits values ($1, 0)", key)
    await link.execute("update app.bench_commits set value = value + 1 where id = $1", number % 1000 + 1)
    await link.execute("commit")


async def new_flows(site: Site, scope: Scope, count: int) -> list[UUID]:
    """That many flows of the phase without work."""
    return [(await site.orchestrator.create_flow(scope, _REQUEST)).flow_id for _ in range(count)]


async def flow_seconds(site: Site, scope: Scope, count: int) -> dict[str, list[float]]:
    """Times of a bare commit, of create_flow, and from execute_phase to the notification of the finish.

    The three follow each other for each flow, so that a disturbance of the machine meets all of them.
    """
    flows: list[UUID] = []

    async def create(_: int) -> None:
        flows.append((await site.orchestrator.create_flow(scope, _REQUEST)).flow_id)

    async def execute(number: int) -> None:
        await site.orchestrator.execute_phase(scope, flows[number], _EXECUTE)
        await asyncio.wait_for(site.finishes.of(flows[number]).wait(), WAIT_SECONDS)

    times = dict[str, list[float]]()
    for number in range(count):
        for name, action in (("commit", partial(_commit, site)), ("create", create), ("phase", execute)):
            times.setdefault(name, []).append(await _timed(action, number))
    return times


async def phases_per_second(site: Site, scope: Scope, flows: list[UUID], *, producers: int = 16) -> float:
    """Phases without work per second, executed by concurrent clients on the same machine."""
    waiting = list(flows)

    async def produce() -> None:
        while waiting:
            await site.orchestrator.execute_phase(scope, waiting.pop(), _EXECUTE)

    began = time.perf_counter()
    await asyncio.gather(*(produce() for _ in range(producers)))
    await asyncio.wait_for(asyncio.gather(*(site.finishes.of(flow).wait() for flow in flows)), WAIT_SECONDS)
    return len(flows) / (time.perf_counter() - began)


async def function_seconds(site: Site, scope: Scope, count: int) -> dict[str, list[float]]:
    """Times of each transition function alone, called as api on a pooled connection; no worker runs."""
    moves, seal = Transitions(site.database.call), site.core.state.seal
    flow = {"flow_type": NAME, "flow_version": FLOW.version, "flow_name": "bench", "current_phase": "nothing"}
    run = {"phase": "nothing", "to": "queued", "permissions": sorted(scope.permissions)}
    heartbeat, times = timedelta(seconds=3), dict[str, list[float]]()

    async def timed(name: str, call: Awaitable[object]) -> object:
        began = time.perf_counter()
        answer = await call
        times.setdefault(name, []).append(time.perf_counter() - began)
        return answer

    for number in range(count):
        row = await moves.create(scope, flow, b"J{}")
        flow_id, empty = row["flow_id"], seal(scope, row["flow_id"], {})
        moved = await moves.execute(scope, flow_id=flow_id, version=1, run=run, inputs=empty)
        assert moved.run_id is not None  # noqa: S101 - an executed flow has a run
        job = Job(scope.client_account_id, scope.engagement_id, flow_id, moved.run_id, 1)
        await timed("commit", _commit(site, number))
        await timed("one round trip", site.database.call("select 1", ()))
        await timed("start", moves.start(scope, job, job_id=-number - 1, fence=number, heartbeat=heartbeat))
        await timed("finish", moves.finish(scope, job, number, outcome=_SUCCESS, sealed=(empty, empty)))
    return times


async def without_audit(site: Site, measure: Callable[[], Awaitable[float]]) -> float:
    """What `measure` gives while moves write no audit row; the function is put back."""
    text = sql_file("record.v1.sql").split("-- Refuse")[0].replace("create function", "create or replace function")
    head, rest = text.split(_AUDIT)
    await site.owner.execute(head + rest[rest.index("end $$") :])
    try:
        return await measure()
    finally:
        await site.owner.execute(text)


async def _timed(action: Callable[[int], Awaitable[None]], number: int) -> float:
    began = time.perf_counter()
    await action(number)
    return time.perf_counter() - began
