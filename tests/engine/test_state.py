"""Flow state in checkpoints: sealed, opened, and recovered from the newest one that is whole."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID, uuid4

import pytest

from masterflow.engine.state import Recovered
from masterflow.errors import Conflict
from support.engine import Engine, phase, says, toy

TWO_PHASES = toy(phase("one", says("a", api_key="s3cret")), phase("two", says("b")))


async def _advanced(engine: Engine) -> UUID:
    """A flow with the checkpoints before and after each of two phases."""
    engine, flow_id, run_id = await engine.begin(TWO_PHASES)
    await engine.deliver(run_id)
    await engine.deliver(await engine.execute(flow_id))
    return flow_id


async def _recover(engine: Engine, flow_id: UUID) -> Recovered:
    return await engine.ports.state.recover(engine.ports.database, engine.ports.repositories, engine.scope, flow_id)


def _damage(engine: Engine, flow_id: UUID, statement: str, *arguments: Any) -> None:
    """Change the newest whole checkpoint, as a broken disk would; rows are append-only otherwise."""
    with engine.admin.transaction():
        engine.admin.execute("set local session_replication_role = replica")
        engine.admin.execute(
            f"update app.checkpoints set {statement} where id = (select id from app.checkpoints"  # noqa: S608
            " where flow_id = %s and digest = sha256(state) order by created_at desc limit 1)",
            (*arguments, flow_id),
        )


async def test_the_newest_checkpoint_is_recovered(engine: Engine) -> None:
    found = await _recover(engine, await _advanced(engine))
    assert (found.phase, found.kind, found.phases_completed) == ("two", "after", ["one", "two"])
    assert (found.state["phases"]["one"], found.skipped) == ({"api_key": "s3cret"}, ())


async def test_a_damaged_newest_checkpoint_is_skipped_and_named(engine: Engine) -> None:
    flow_id = await _advanced(engine)
    _damage(engine, flow_id, "state = state || 'x'")
    found = await _recover(engine, flow_id)
    assert (found.phase, found.kind, len(found.skipped)) == ("two", "before", 1)
    assert found.skipped[0][1] == "the digest does not fit the stored bytes"
    assert found.phases_completed == ["one"]


async def test_a_checkpoint_whose_seal_is_broken_is_skipped_though_its_digest_fits(engine: Engine) -> None:
    flow_id = await _advanced(engine)
    other = engine.ports.state.seal(engine.scope, uuid4(), {"password": "of another flow"})
    _damage(engine, flow_id, "state = %s, digest = sha256(%s)", other, other)
    found = await _recover(engine, flow_id)
    assert (found.kind, len(found.skipped)) == ("before", 1)


async def test_without_a_usable_checkpoint_nothing_is_made_up(engine: Engine) -> None:
    flow_id = await _advanced(engine)
    for _ in range(4):
        _damage(engine, flow_id, "digest = %s", os.urandom(32))
    with pytest.raises(Conflict, match="no checkpoint") as caught:
        await _recover(engine, flow_id)
    assert caught.value.where == {"skipped": 4}


async def test_nothing_stored_opens_as_an_empty_document(engine: Engine) -> None:
    assert engine.ports.state.open(engine.scope, uuid4(), None) == {}
