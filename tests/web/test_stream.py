"""Server-sent events of a flow: resumed by number, bounded in number, and closed with the reader."""

from __future__ import annotations

import json

import pytest

from masterflow.web import stream
from masterflow.web.stream import StreamSlots
from support.asgi import Stream

FLOWS = "/api/v1/flows"


async def created(client):
    answer = await client.post(FLOWS, json={"flow_type": "toy", "initial_data": {"names": ["a"]}})
    return answer.json()


def of(web, client, flow, **more):
    """The event stream of a flow."""
    headers = {"Authorization": client.headers["authorization"], **more.pop("headers", {})}
    return Stream(web, f"{FLOWS}/{flow['flow_id']}/events", headers=headers, **more)


async def test_events_are_streamed_as_they_commit(web, client, scope, work):
    flow = await created(client)
    async with of(web, client, flow) as events:
        await events.until("flow_created")
        await client.post(f"{FLOWS}/{flow['flow_id']}/execute")
        await work.run_all(scope)
        text = await events.until("phase_completed")
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    named = [dict(line.split(": ", 1) for line in block) for block in blocks]
    assert [(event["id"], event["event"]) for event in named] == [
        ("1", "flow_created"),
        ("2", "phase_queued"),
        ("3", "phase_started"),
        ("4", "phase_completed"),
    ]
    last = json.loads(named[-1]["data"])
    assert (last["flow_id"], last["seq"], last["payload"]["status"]) == (flow["flow_id"], 4, "ready")


async def test_the_stream_may_not_be_buffered_or_stored(web, client):
    async with of(web, client, await created(client)) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        assert (events.headers["x-accel-buffering"], events.headers["cache-control"]) == ("no", "no-store")


@pytest.mark.parametrize("resume", [{"headers": {"Last-Event-ID": "2"}}, {"query": "after=2"}])
async def test_a_reader_that_comes_back_gets_only_what_it_missed(web, client, resume):
    flow = await created(client)
    await client.post(f"{FLOWS}/{flow['flow_id']}/pause")
    await client.post(f"{FLOWS}/{flow['flow_id']}/resume")
    async with of(web, client, flow, **resume) as events:
        text = await events.until("flow_resumed")
    assert "flow_paused" not in text


async def test_a_heartbeat_keeps_the_connection_open(web, client, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    async with of(web, client, await created(client)) as events:
        assert "\n: ping" in await events.until(": ping")


async def test_a_stream_ends_after_its_time_so_that_the_reader_is_checked_again(web, client, monkeypatch):
    monkeypatch.setattr(stream, "LASTING_SECONDS", 0.1)
    async with of(web, client, await created(client)) as events:
        assert "flow_created" in await events.to_end()


async def test_a_client_account_has_a_largest_number_of_streams(web, client, stranger):
    web.state.stream_slots = StreamSlots(1)
    flow, other = await created(client), await created(stranger)
    async with of(web, client, flow) as first:
        refused = await client.get(f"{FLOWS}/{flow['flow_id']}/events")
        assert (first.status, refused.status_code, refused.json()["code"]) == (200, 429, "too_many_streams")
        assert refused.headers["retry-after"] == "2"
        async with of(web, stranger, other) as second:
            assert second.status == 200
    async with of(web, client, flow) as again:
        assert again.status == 200


async def test_an_unknown_flow_takes_no_slot(web, client, stranger):
    web.state.stream_slots = StreamSlots(1)
    foreign = await created(stranger)
    for _ in range(3):
        assert (await client.get(f"{FLOWS}/{foreign['flow_id']}/events")).status_code == 404


async def test_a_wrong_number_is_refused(web, client):
    flow = await created(client)
    answer = await client.get(f"{FLOWS}/{flow['flow_id']}/events", headers={"Last-Event-ID": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "header:Last-Event-ID")
