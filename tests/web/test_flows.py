"""Routes of flows: bodies as published, conditional requests, keys, waiting, rehearsals."""

from __future__ import annotations

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


async def test_a_flow_shows_its_state_and_hides_secrets_without_the_permission(client, make_client, scope):
    flow = await created(client, initial_data={"names": ["a"], "api_token": "t0ken-value"})
    analyst = await make_client(scope, role="analyst")
    shown = (await client.get(f"{FLOWS}/{flow['flow_id']}")).json()
    hidden = await analyst.get(f"{FLOWS}/{flow['flow_id']}")
    assert shown["state"]["initial_data"]["api_token"] == "t0ken-value"
    assert hidden.json()["state"]["initial_data"] == {"names": ["a"], "api_token": "***"}
    assert "t0ken-value" not in hidden.text


async def test_every_move_has_a_route(client, work, scope):
    flow = await created(client)
    place = f"{FLOWS}/{flow['flow_id']}"
    steps = [
        ("execute", None, 202, "queued"),
        ("execute", {"phase_name": "check"}, 202, "queued"),
        ("reject", {"reason": "again"}, 200, "waiting_for_input"),
        ("execute", {"inputs": {"approval": True}}, 202, "queued"),
        ("iterate", None, 200, "ready"),
        ("pause", None, 200, "paused"),
        ("resume", None, 200, "ready"),
        ("cancel", {"reason": "done"}, 200, "cancelled"),
    ]
    for verb, body, status, after in steps:
        answer = await client.post(f"{place}/{verb}", json=body)
        assert (answer.status_code, answer.json().get("status")) == (status, after), (verb, answer.text)
        await work.run_all(scope)
    deleted = await client.delete(place, params={"reason": "old"})
    assert (deleted.status_code, deleted.json()["status"]) == (200, "deleted")
    assert (await client.post(f"{place}/restore")).json()["status"] == "cancelled"


async def test_a_phase_is_skipped_only_where_its_type_allows_it(client, scope, work):
    flow = await created(client, options={"auto_execute": True})
    place = f"{FLOWS}/{flow['flow_id']}"
    await work.run_all(scope)
    await client.post(f"{place}/approve")
    await client.post(f"{place}/reject", json={"reason": "not now"})
    refused = await client.post(f"{place}/skip")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    await client.post(f"{place}/execute")
    await client.post(f"{place}/approve")
    await work.run_all(scope)
    status = (await client.get(f"{place}/status")).json()
    assert (status["status"], status["progress"]["percentage"]) == ("completed", 100.0)


async def test_lists_continue_with_a_cursor_until_the_end(client):
    names = [f"flow {number}" for number in range(5)]
    for name in names:
        await created(client, flow_name=name)
    seen, address = [], f"{FLOWS}?limit=2"
    while address:
        answer = await client.get(address)
        seen += [flow["flow_name"] for flow in answer.json()["items"]]
        link = answer.headers.get("link", "")
        assert (link == "") == (answer.json()["next_cursor"] is None)
        address = link[1 : link.index(">")] if link else ""
    assert seen == names[::-1]


async def test_a_cursor_is_good_for_its_tenant_and_filter_only(client, stranger):
    for number in range(3):
        await created(client, flow_name=f"flow {number}")
    cursor = (await client.get(FLOWS, params={"limit": 1})).json()["next_cursor"]
    assert (await client.get(FLOWS, params={"limit": 2, "cursor": cursor})).status_code == 200
    for asker, query in ((stranger, {}), (client, {"status": "ready"}), (client, {"cursor": cursor[:-4] + "AAAA"})):
        answer = await asker.get(FLOWS, params={"cursor": cursor, **query})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "query:cursor")


async def test_filters_choose_flows_by_status_alias_type_phase_name_and_time(client):
    first = await created(client, flow_name="alpha")
    second = await created(client, flow_name="beta")
    await client.post(f"{FLOWS}/{second['flow_id']}/execute")
    await client.post(FLOWS, json={"flow_type": "rigid", "flow_name": "gamma"})
    cases = [
        ({"status": "processing"}, {"beta"}),
        ({"status": "queued,running"}, {"beta"}),
        ({"status": ["initialized", "queued"]}, {"alpha", "beta", "gamma"}),
        ({"flow_type": "rigid"}, {"gamma"}),
        ({"current_phase": "gather"}, {"alpha", "beta"}),
        ({"name_contains": "ALP"}, {"alpha"}),
        ({"created_before": first["created_at"]}, set()),
        ({"created_after": second["created_at"]}, {"beta", "gamma"}),
        ({"status": "completed"}, set()),
    ]
    for query, expected in cases:
        answer = await client.get(FLOWS, params=query)
        assert {flow["flow_name"] for flow in answer.json()["items"]} == expected, query


async def test_deleted_flows_are_listed_when_asked_for(client):
    flow = await created(client)
    await client.delete(f"{FLOWS}/{flow['flow_id']}")
    assert (await client.get(FLOWS)).json()["items"] == []
    for query in ({"include_deleted": True}, {"status": "deleted"}):
        assert len((await client.get(FLOWS, params=query)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"colour": "red"}, "query:colour"),
        ({"limit": 0}, "query:limit"),
        ({"limit": 201}, "query:limit"),
        ({"status": "sleeping"}, "query:status"),
        ({"created_after": "2026-01-01T00:00:00"}, "query:created_after"),
        ({"name_contains": "a\x00b"}, "query:name_contains"),
        ({"cursor": "not a cursor"}, "query:cursor"),
    ],
)
async def test_a_query_that_the_list_does_not_know_is_refused(client, query, pointer):
    answer = await client.get(FLOWS, params=query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_history_has_runs_and_numbered_events_in_pages(client, work, scope):
    flow = await created(client)
    place = f"{FLOWS}/{flow['flow_id']}/history"
    await client.post(f"{FLOWS}/{flow['flow_id']}/execute")
    await work.run_all(scope)
    whole = (await client.get(place)).json()
    kinds = [event["kind"] for event in whole["events"]]
    assert kinds == ["flow_created", "phase_queued", "phase_started", "phase_completed"]
    assert ([run["phase"] for run in whole["runs"]], whole["total_runs"]) == (["gather"], 1)
    part = (await client.get(place, params={"after": 1, "limit": 2})).json()
    assert ([event["seq"] for event in part["events"]], part["next_after"]) == ([2, 3], 3)
    assert whole["next_after"] is None


async def test_a_run_of_another_flow_is_not_found(client):
    flow, other = await created(client), await created(client)
    run = (await client.post(f"{FLOWS}/{flow['flow_id']}/execute")).json()["run_id"]
    answers = [
        await client.get(f"{FLOWS}/{other['flow_id']}/runs/{run}"),
        await client.get(f"{FLOWS}/{other['flow_id']}/runs/{uuid4()}"),
    ]
    assert [(answer.status_code, answer.json()["detail"]) for answer in answers] == [(404, "there is no such run")] * 2


async def test_flow_types_are_shown_with_the_schema_of_their_inputs(client):
    listed = (await client.get("/api/v1/flow-types")).json()
    assert {"discovery", "toy"} <= {entry["name"] for entry in listed}
    toy = (await client.get("/api/v1/flow-types/toy")).json()
    assert [phase["name"] for phase in toy["phases"]] == ["gather", "check", "release", "tidy"]
    assert "names" in toy["phases"][0]["input_schema"]["properties"]
    unknown = await client.get("/api/v1/flow-types/none")
    assert (unknown.status_code, "discovery" in unknown.json()["next_step"]) == (404, True)


async def test_the_audit_log_is_shown_filtered_and_in_pages(client, make_client, scope):
    flow = await created(client)
    viewer = await make_client(scope, role="viewer")
    await viewer.post(f"{FLOWS}/{flow['flow_id']}/cancel")
    denied = (await client.get("/api/v1/audit", params={"result": "denied"})).json()["items"]
    assert [(row["action_type"], row["resource_id"], row["ip_address"]) for row in denied] == [
        ("cancel", "flow:cancel", "192.0.2.7")
    ]
    first = (await client.get("/api/v1/audit", params={"limit": 1})).json()
    rest = (await client.get("/api/v1/audit", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert [row["action_type"] for row in (*first["items"], *rest["items"])] == ["cancel", "create"]


async def test_analytics_count_flows_and_say_where_runs_are_too_few(client, work, scope):
    flow = await created(client)
    await created(client)
    await client.post(f"{FLOWS}/{flow['flow_id']}/execute")
    await work.run_all(scope)
    body = (await client.get(f"{FLOWS}/analytics")).json()
    assert (body["total_flows"], body["by_type"]) == (2, {"toy": {"initialized": 1, "ready": 1}})
    (gather,) = body["phases"]
    assert (gather["runs"], gather["p95_ms"], gather["success_share"]) == (1, None, 1.0)
    assert "insufficient data for p95: 1 runs, 20 needed" in gather["notes"]
    assert body["bottlenecks"][0]["phase"] is None
    empty = (await client.get(f"{FLOWS}/analytics", params={"flow_type": "rigid"})).json()
    assert (empty["total_flows"], empty["phases"]) == (0, [])
    query = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    assert (await client.get(f"{FLOWS}/analytics", params=query)).status_code == 422
