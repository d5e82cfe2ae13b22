"""One pass of healing over all tenants."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb
from pydantic import BaseModel
from sqlalchemy import update

from masterflow.context import PhaseContext
from masterflow.engine.recovery import Recovery
from masterflow.errors import Conflict, Unavailable
from masterflow.kernel.outcome import Outcome
from masterflow.store.database import Database
from masterflow.store.repositories import Repositories
from masterflow.store.tables import Asset
from support.engine import Engine, phase, says, toy, writes
from support.tenants import ScopeFactory


def _recovery(engine: Engine, database: Database | None = None) -> Recovery:
    every = timedelta(seconds=1)
    return Recovery(database or engine.ports.database, worker="healer", every=every, grace=timedelta())


async def _cancelled_while_running(engine: Engine) -> tuple[Engine, UUID]:
    """A flow whose first step was written before it was cancelled."""

    async def cancels(context: PhaseContext, inputs: BaseModel) -> Outcome:
        await engine.orchestrator.cancel(engine.scope, context.flow_id)
        raise Conflict("cancelled")

    engine, flow_id, run_id = await engine.begin(toy(phase("one", writes("first"), cancels)))
    await engine.deliver(run_id)
    return engine, flow_id


async def test_a_run_that_lost_its_job_is_dispatched_again(engine: Engine) -> None:
    engine, flow_id, run_id = await engine.begin(toy(phase("one", says("a"))))
    engine.admin.execute("delete from queue.pgqueuer where dedupe_key like %s", (f"{run_id}:%",))
    await _recovery(engine).sweep()
    await engine.deliver(run_id)
    assert engine.flow(flow_id)["flow_status"] == "completed"


async def test_what_a_cancelled_run_wrote_is_reverted(engine: Engine) -> None:
    engine, flow_id = await _cancelled_while_running(engine)
    assert engine.assets() == ["first"]
    await _recovery(engine).sweep()
    assert (engine.assets(), engine.flow(flow_id)["revert_pending"]) == ([], False)


async def test_a_revert_that_is_blocked_does_not_keep_others_from_theirs(
    engine: Engine, make_scope: ScopeFactory
) -> None:
    blocked, blocked_flow = await _cancelled_while_running(engine)
    async with blocked.access.edit(blocked.scope) as repositories:
        await repositories.session.execute(update(Asset).values(description="by hand"))
    free, free_flow = await _cancelled_while_running(_elsewhere(engine, make_scope))
    await _recovery(engine).sweep()
    assert (blocked.flow(blocked_flow)["revert_pending"], free.flow(free_flow)["revert_pending"]) == (True, False)


def _elsewhere(engine: Engine, make_scope: ScopeFactory) -> Engine:
    return Engine(engine.access, engine.ports, engine.admin, make_scope())


async def test_a_sweep_without_a_database_says_so(engine: Engine) -> None:
    nowhere = Database("postgresql://nobody@/none?host=/nonexistent", pool_size=1)
    with pytest.raises(Unavailable):
        await _recovery(engine, nowhere).sweep()
    await nowhere.close()


async def test_a_large_run_is_reverted_within_the_statement_timeout_of_the_role(engine: Engine) -> None:
    async def write(name: str) -> None:
        rows = [{"natural_key": f"vm:{n}", "name": f"{name}-{n}", "asset_type": "server"} for n in range(10_000)]
        async with engine.access.database.write(engine.scope, kind="human", change_set=changes[name]) as session:
            await Repositories(session, scope=engine.scope, new_id=uuid4).assets.upsert_drafts(rows)

    changes = {name: uuid4() for name in ("new", "changed")}
    for name in changes:
        await write(name)
    actor = Jsonb(engine.scope.actor_document())
    done = await engine.access.database.call(
        "select table_name, changed from app.revert(%s, %s, %s, gen_random_uuid(), array[%s])",
        (engine.scope.client_account_id, engine.scope.engagement_id, actor, changes["changed"]),
    )
    assert done == [{"table_name": "assets", "changed": 10_000}]
