"""Requests that are conditional, repeated, rehearsed, or wait for their result."""

from __future__ import annotations

import asyncio

import pytest

from support.waiting import turns

FLOWS = "/api/v1/flows"
TOY = {"flow_type": "toy", "initial_data": {"names": ["a", "b"]}}


async def created(client, **more):
    """A new flow's body."""
    answer = await client.post(FLOWS, json={**TOY, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_current_etag_answers_304_and_an_old_one_the_flow(client):
    flow = await created(client)
    place = f"{FLOWS}/{flow['flow_id']}"
    for address in (place, f"{place}/status"):
        same = await client.get(address, headers={"If-None-Match": 'W/"v1", "other"'})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"v1"')
    await client.post(f"{place}/pause")
    assert (await client.get(place, headers={"If-None-Match": '"v1"'})).status_code == 200


@pytest.mark.parametrize("tag", ['"v9"', '"v0"', "v1", 'W/"v1"'])
async def test_a_move_with_another_version_than_the_current_one_is_refused(client, tag):
    flow = await created(client)
    place = f"{FLOWS}/{flow['flow_id']}"
    refused = await client.post(f"{place}/pause", headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (412, "stale_version")
    assert (await client.get(place)).json()["version"] == 1


@pytest.mark.parametrize("tag", ['"v1"', "*"])
async def test_a_move_with_the_current_version_happens(client, tag):
    flow = await created(client)
    moved = await client.post(f"{FLOWS}/{flow['flow_id']}/pause", headers={"If-Match": tag})
    assert (moved.status_code, moved.json()["status"], moved.headers["etag"]) == (200, "paused", '"v2"')


async def test_a_repeated_creation_with_its_key_makes_one_flow_and_gets_the_first_answer(client):
    header = {"Idempotency-Key": "order-1"}
    first = await client.post(FLOWS, json=TOY, headers=header)
    again = await client.post(FLOWS, json=dict(reversed(TOY.items())), headers=header)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["location"] == first.headers["location"]
    assert len((await client.get(FLOWS)).json()["items"]) == 1


async def test_without_a_key_a_repetition_makes_another_flow(client):
    await created(client)
    await created(client)
    assert len((await client.get(FLOWS)).json()["items"]) == 2


async def test_a_key_of_another_request_is_refused(client):
    header = {"Idempotency-Key": "order-1"}
    await client.post(FLOWS, json=TOY, headers=header)
    other = await client.post(FLOWS, json={**TOY, "flow_name": "other"}, headers=header)
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "header:Idempotency-Key")


async def test_a_refused_request_leaves_its_key_free(client):
    header = {"Idempotency-Key": "order-1"}
    wrong = await client.post(FLOWS, json={"flow_type": "no_such_type"}, headers=header)
    assert wrong.status_code == 422
    assert (await client.post(FLOWS, json=TOY, headers=header)).status_code == 201


async def test_two_requests_with_one_key_at_once_have_one_effect(client):
    header = {"Idempotency-Key": "order-1"}
    answers = await asyncio.gather(*(client.post(FLOWS, json=TOY, headers=header) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["flow_id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 3


async def test_a_key_that_another_transaction_holds_answers_409(client, scope, admin):
    header = {"Idempotency-Key": "order-1"}
    first = await client.post(FLOWS, json=TOY, headers=header)
    with admin.transaction():
        admin.execute(
            "select * from app.idempotency_keys where client_account_id = %s for update", [scope.client_account_id]
        )
        admin.execute(
            "update app.idempotency_keys set created_at = now() where client_account_id = %s", [scope.client_account_id]
        )
        busy = await client.post(FLOWS, json=TOY, headers=header)
    assert first.status_code == 201
    assert (busy.status_code, "still being carried out" in busy.json()["detail"]) == (409, True)


async def test_a_caller_without_the_permission_gets_no_stored_answer(client, make_client, scope):
    viewer = await make_client(scope, role="viewer")
    refused = await viewer.post(FLOWS, json=TOY, headers={"Idempotency-Key": "order-1"})
    assert refused.status_code == 403


async def test_a_rehearsed_creation_answers_the_same_and_leaves_nothing(client, scope, admin):
    answer = await client.post(FLOWS, params={"dry_run": True}, json=TOY)
    assert (answer.status_code, answer.json()["status"], answer.headers["dry-run"]) == (201, "initialized", "true")
    assert "location" not in answer.headers
    assert (await client.get(f"{FLOWS}/{answer.json()['flow_id']}")).status_code == 404
    rows = admin.execute(
        "select count(*) from app.access_audit_log where client_account_id = %s", [scope.client_account_id]
    ).fetchone()
    assert rows == (0,)


async def test_rehearsed_moves_are_checked_like_real_ones_and_leave_the_flow(client, scope, work):
    flow = await created(client)
    place = f"{FLOWS}/{flow['flow_id']}"
    dry = {"dry_run": "true"}
    queued = await client.post(f"{place}/execute", params=dry)
    assert (queued.status_code, queued.json()["status"]) == (202, "queued")
    refused = await client.post(f"{place}/resume", params=dry)
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    stale = await client.delete(place, params=dry, headers={"If-Match": '"v7"'})
    assert stale.status_code == 412
    assert (await client.get(place)).json()["version"] == 1
    assert await work.run_all(scope) == 0


async def test_a_rehearsal_without_the_permission_is_refused(make_client, client, scope):
    flow = await created(client)
    viewer = await make_client(scope, role="viewer")
    answer = await viewer.post(f"{FLOWS}/{flow['flow_id']}/pause", params={"dry_run": True})
    assert answer.status_code == 403


async def test_an_execution_answers_202_with_the_place_of_its_run(client, work, scope):
    flow = await created(client)
    answer = await client.post(f"{FLOWS}/{flow['flow_id']}/execute", json={"phase_name": "gather"})
    body = answer.json()
    assert (answer.status_code, body["status"], answer.headers["retry-after"]) == (202, "queued", "1")
    waiting = await client.get(answer.headers["location"])
    assert (waiting.json()["status"], waiting.headers["retry-after"]) == ("queued", "1")
    await work.run_all(scope)
    run = await client.get(answer.headers["location"])
    assert (run.json()["status"], run.json()["outputs"]["count"], run.json()["next_phase"]) == ("succeeded", 2, "check")
    assert "retry-after" not in run.headers
    listed = (await client.get(f"{FLOWS}/{flow['flow_id']}/runs")).json()
    assert [(entry["run_id"], entry["outputs"]) for entry in listed] == [(body["run_id"], {})]


async def test_waiting_answers_the_result_of_the_phase(client, work, scope):
    flow = await created(client)
    waiting = asyncio.create_task(
        client.post(f"{FLOWS}/{flow['flow_id']}/execute", headers={"Prefer": "wait=30, respond-async"})
    )
    async for _ in turns():
        if await work.run_all(scope):
            break
    answer = await waiting
    body = answer.json()
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=30")
    assert body.pop("execution_time_ms") >= 0
    assert body == {
        "flow_id": flow["flow_id"],
        "phase_name": "gather",
        "run_id": body["run_id"],
        "status": "success",
        "outputs": {"count": 2, "client_secret": "s3cret-value"},
        "validation_results": [],
        "agent_insights": [],
        "next_phase": "check",
        "errors": [],
        "flow_status": "ready",
    }


async def test_waiting_that_is_not_long_enough_answers_202(client):
    flow = await created(client)
    answer = await client.post(f"{FLOWS}/{flow['flow_id']}/execute", headers={"Prefer": "wait=1"})
    assert (answer.status_code, "preference-applied" in answer.headers) == (202, False)


async def test_a_key_without_the_right_to_read_does_not_wait(client, web, keys, scope):
    flow = await created(client)
    token, _ = keys.grant(scope.client_account_id, ("analyst", scope.engagement_id), scopes=["flow:execute"])
    headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=60"}
    answer = await client.post(f"{FLOWS}/{flow['flow_id']}/execute", headers=headers)
    assert (answer.status_code, answer.json()["allowed_actions"]) == (202, [])


async def test_a_replayed_execution_waits_for_the_same_run(client, work, scope):
    flow = await created(client)
    place, header = f"{FLOWS}/{flow['flow_id']}/execute", {"Idempotency-Key": "run-1"}
    first = await client.post(place, headers=header)
    await work.run_all(scope)
    again = await client.post(place, headers={**header, "Prefer": "wait=5"})
    assert (again.status_code, again.json()["run_id"]) == (200, first.json()["run_id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert (await client.post(place, headers=header)).json() == first.json()


async def test_a_gate_does_not_make_the_caller_wait(client, work, scope):
    flow = await created(client, options={"auto_execute": True})
    place = f"{FLOWS}/{flow['flow_id']}"
    await work.run_all(scope)
    approved = await client.post(f"{place}/approve", json={"note": "fine"})
    assert (approved.status_code, approved.json()["waiting_for"]["for"]) == (200, "gate")
    released = await client.post(f"{place}/approve")
    assert (released.status_code, released.json()["status"]) == (202, "queued")
