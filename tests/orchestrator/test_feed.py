"""Events as they commit: pushed by a notice, found by looking, and never with a connection held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import pytest

from masterflow.errors import NotFound, Unavailable
from masterflow.orchestrator.feed import EventFeed, Notices
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow
from masterflow.store.link import Link
from support.waiting import turns

LONG = 600.0
"""Seconds between looks: longer than any test, so that only a notice can wake a reader."""


@pytest.fixture
async def notices(database, admin) -> AsyncIterator[Notices]:
    """A listening connection whose readers do not look by themselves."""
    made = Notices(partial(Link.open, database.url, application_name="feed-under-test"), poll_seconds=LONG)
    listening = asyncio.create_task(made.run())
    async for _ in turns():
        if listeners(admin):
            break
    yield made
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


def listeners(admin, name="feed-under-test") -> list[int]:
    """Server processes of listening connections that have said LISTEN."""
    rows = admin.execute(
        "select pid from pg_stat_activity where application_name = %s and state = 'idle' and query ilike 'listen%%'",
        (name,),
    )
    return [row[0] for row in rows]


def sleepy(access) -> EventFeed:
    """A feed without a listening connection that looks often."""
    return EventFeed(access, Notices(access.database.close, poll_seconds=0.02))


async def created(orchestrator, scope):
    return await orchestrator.create_flow(scope, CreateFlow(flow_type="toy", initial_data={"names": ["a"]}))


async def test_events_after_a_number_come_first_and_in_order(access, orchestrator, scope):
    flow = await created(orchestrator, scope)
    await orchestrator.pause(scope, flow.flow_id)
    await orchestrator.resume(scope, flow.flow_id)
    events = await sleepy(access).open(scope, flow.flow_id, 1)
    seen = [await anext(events) for _ in range(2)]
    await events.aclose()
    assert [(event.seq, event.kind) for event in seen] == [(2, "flow_paused"), (3, "flow_resumed")]


async def test_a_notice_wakes_the_reader(access, notices, orchestrator, scope):
    flow = await created(orchestrator, scope)
    events = await EventFeed(access, notices).open(scope, flow.flow_id, 1)
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    await orchestrator.pause(scope, flow.flow_id)
    event = await asyncio.wait_for(waiting, 10)
    await events.aclose()
    assert event.kind == "flow_paused"


async def test_without_notices_the_reader_looks_by_itself(access, orchestrator, scope):
    flow = await created(orchestrator, scope)
    events = await sleepy(access).open(scope, flow.flow_id, 1)
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    await orchestrator.pause(scope, flow.flow_id)
    assert (await asyncio.wait_for(waiting, 10)).kind == "flow_paused"
    await events.aclose()


async def test_the_listening_connection_is_opened_again_when_it_was_lost(access, database, admin, orchestrator, scope):
    made = Notices(partial(Link.open, database.url, application_name="feed-lost"), poll_seconds=0.02)
    listening = asyncio.create_task(made.run())
    async for _ in turns():
        if first := listeners(admin, "feed-lost"):
            break
    admin.execute("select pg_terminate_backend(%s)", (first[0],))
    async for _ in turns():
        if [pid for pid in listeners(admin, "feed-lost") if pid not in first]:
            break
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening


async def test_many_waiting_readers_hold_no_connection(access, notices, orchestrator, scope, database):
    flow = await created(orchestrator, scope)
    feed = EventFeed(access, notices)
    readers = [await feed.open(scope, flow.flow_id, 1) for _ in range(20)]
    tasks = [asyncio.create_task(anext(reader)) for reader in readers]
    for _ in range(200):
        await asyncio.sleep(0)
    await orchestrator.pause(scope, flow.flow_id)
    kinds = [(await asyncio.wait_for(task, 20)).kind for task in tasks]
    for reader in readers:
        await reader.aclose()
    assert kinds == ["flow_paused"] * 20, "twenty readers shared a pool of five connections"
    assert notices._waiting == {}


async def test_a_notice_of_another_flow_wakes_nobody(access, notices, orchestrator, scope):
    flow, other = await created(orchestrator, scope), await created(orchestrator, scope)
    with notices.watch(scope, flow.flow_id) as changed, notices.watch(scope, other.flow_id) as others:
        await orchestrator.pause(scope, other.flow_id)
        await asyncio.wait_for(others.wait(), 10)
        assert not changed.is_set()


async def test_a_long_history_is_read_to_its_end_without_a_pause(access, notices, orchestrator, scope):
    flow = await created(orchestrator, scope)
    for _ in range(101):
        await orchestrator.pause(scope, flow.flow_id)
        await orchestrator.resume(scope, flow.flow_id)
    events = await EventFeed(access, notices).open(scope, flow.flow_id)
    numbers = [(await asyncio.wait_for(anext(events), 10)).seq for _ in range(203)]
    await events.aclose()
    assert numbers == list(range(1, 204))


async def test_a_stream_ends_after_its_time(access, orchestrator, scope):
    flow = await created(orchestrator, scope)
    events = await sleepy(access).open(scope, flow.flow_id, 0, 0.2)
    assert [event.kind async for event in events] == ["flow_created"]


async def test_another_tenants_flow_has_no_events(access, orchestrator, scope, other_scope):
    flow = await created(orchestrator, scope)
    with pytest.raises(NotFound):
        await sleepy(access).open(other_scope, flow.flow_id)
    with pytest.raises(NotFound):
        await sleepy(access).wait_for_run(other_scope, flow.flow_id, flow.flow_id, 1)


async def test_waiting_for_a_run_ends_with_the_run(access, notices, orchestrator, scope, work):
    flow = await created(orchestrator, scope)
    run = (await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())).run_id
    waiting = asyncio.create_task(EventFeed(access, notices).wait_for_run(scope, flow.flow_id, run, LONG))
    await asyncio.sleep(0)
    await work.run_all(scope)
    assert await asyncio.wait_for(waiting, 10) is True


async def test_waiting_for_a_run_ends_with_the_time(access, orchestrator, scope):
    flow = await created(orchestrator, scope)
    run = (await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())).run_id
    assert await sleepy(access).wait_for_run(scope, flow.flow_id, run, 0.1) is False


async def test_a_database_that_is_away_does_not_end_the_listening():
    tries = []

    async def away() -> Link:
        tries.append(1)
        raise Unavailable("away")

    listening = asyncio.create_task(Notices(away, poll_seconds=0.001).run())
    async for _ in turns():
        if len(tries) >= 3:
            break
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
