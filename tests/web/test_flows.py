"""Routes of flows: bodies as published, conditional requests, keys, waiting, rehearsals."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

FLOWS = "/api/v1/flows"
TOY = {"flow_type": "toy", "initial_data": {"names": ["a", "b"]}}


async def created(client, **more):
    """A new flow's body."""
    answer = await client.post(FLOWS, json={**TOY, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_creating_answers_the_body_of_the_published_design(client):
    request = {
        "flow_type": "discovery",
        "flow_name": "Production Environment Discovery",
        "initial_data": {"environment": "production", "import_file_id": "file_123"},
        "options": {"auto_execute": False, "notification_emails": ["team@company.com"]},
    }
    answer = await client.post(FLOWS, json=request)
    body = answer.json()
    published = ("flow_type", "status", "current_phase", "next_action")
    assert answer.status_code == 201
    assert {name: body[name] for name in published} == {
        "flow_type": "discovery",
        "status": "initialized",
        "current_phase": "data_import",
        "next_action": {"type": "execute_phase", "phase": "data_import", "required_inputs": []},
    }
    assert UUID(body["flow_id"])
    assert body["created_at"].endswith("Z")
    assert (datetime.now(UTC) - datetime.fromisoformat(body["created_at"])).total_seconds() < 60
    assert answer.headers["location"] == f"{FLOWS}/{body['flow_id']}"
    assert answer.headers["etag"] == '"v1"'


async def test_the_status_has_the_body_of_the_published_design(client, work, scope):
    flow = await created(client)
    place = f"{FLOWS}/{flow['flow_id']}"
    await client.post(f"{place}/execute")
    await work.run_all(scope)
    await client.post(f"{place}/execute", json={"phase_name": "check"})
    body = (await client.get(f"{place}/status")).json()
    spent = body["performance"]["phase_times"]["gather"]
    assert body["status"] == "queued"
    assert body["progress"].pop("estimated_completion") is None
    assert {name: body[name] for name in ("flow_id", "flow_type", "flow_name", "current_phase", "progress")} == {
        "flow_id": flow["flow_id"],
        "flow_type": "toy",
        "flow_name": "Toy",
        "current_phase": "check",
        "progress": {
            "percentage": 25.0,
            "phases_completed": ["gather"],
            "phases_remaining": ["check", "release", "tidy"],
        },
    }
    assert body["performance"] == {"total_execution_time_ms": spent, "phase_times": {"gather": spent}}
    assert body["next_action"] == {"type": "wait", "phase": "check", "message": "Processing check phase"}


async def test_an_estimate_comes_from_finished_runs(client, work, scope):
    first = await created(client)
    for _ in range(2):
        await client.post(f"{FLOWS}/{first['flow_id']}/execute", json={"inputs": {}})
        await work.run_all(scope)
    second = await created(client)
    await client.post(f"{FLOWS}/{second['flow_id']}/execute")
    body = (await client.get(f"{FLOWS}/{second['flow_id']}/status")).json()
    assert body["next_action"]["estimated_duration_seconds"] == 1
    assert body["progress"]["estimated_completion"] is None, "two phases never ran"
