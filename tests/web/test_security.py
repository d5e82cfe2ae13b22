"""Every route: closed without a credential, blind to other tenants, and silent about internals."""

from __future__ import annotations

from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from masterflow.web.server import PUBLIC
from support.factories import plant

BODIES = {
    "create_flow": {"flow_type": "toy"},
    "reject_phase": {"reason": "no"},
    "set_mappings": {"mappings": {"VM": "name"}},
    "patch_asset": {"environment": "production"},
}
VERBS = ("get", "post", "put", "patch", "delete")


def operations(document):
    """(method, path, operation id) of every operation."""
    return [
        (method, path, operation["operationId"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in VERBS
    ]


def filled(path, world=None):
    """A path with ids: of the world, or made up."""
    ids = {"flow_id", "run_id", "import_id", "asset_id"}
    values = {name: str(getattr(world, name) if world else uuid4()) for name in ids}
    return path.format(**values, flow_type="toy")


def comparable(answer):
    """What of a 404 may not tell a foreign id from an unknown one: all but the request's own words."""
    body = {key: value for key, value in answer.json().items() if key not in ("request_id", "instance")}
    headers = {key: value for key, value in answer.headers.items() if key not in ("x-request-id", "content-length")}
    return answer.status_code, body, headers


async def test_every_route_but_the_public_ones_needs_a_credential(web, anonymous, record_property):
    probes = 0
    for method, path, _ in operations(web.openapi()):
        if path in PUBLIC:
            continue
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}, {"Cookie": "a=b"}):
            for content in (None, b"{not json"):
                sent = {**headers, "Content-Type": "application/json"} if content else headers
                answer = await anonymous.request(method, filled(path), headers=sent, content=content)
                allowed = {401, 422} if content else {401}
                assert answer.status_code in allowed, (method, path, answer.text)
                probes += 1
            assert answer.headers["content-type"] == "application/problem+json"
    assert set(PUBLIC) - {"/openapi.json"} == {path for _, path, _ in operations(web.openapi()) if path in PUBLIC}
    print(f"credentials: {probes} probes")
    record_property("credential_probes", probes)
    assert probes > 200


async def test_a_missing_credential_says_how_to_send_one(anonymous):
    answer = await anonymous.get("/api/v1/flows")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.json()["next_step"]


async def test_the_public_routes_answer_without_a_credential(anonymous):
    for path in PUBLIC:
        assert (await anonymous.get(path)).status_code == 200
    assert (await anonymous.get("/docs")).status_code == 404


async def test_a_foreign_id_answers_exactly_like_an_unknown_one(
    web, client, stranger, other_scope, admin, record_property
):
    world, probes, leaks = plant(admin, other_scope), 0, []
    for method, path, name in operations(web.openapi()):
        if "_id}" not in path:
            continue
        for query in ({}, {"dry_run": "true"}) if method != "get" else ({},):
            for headers in ({}, {"If-Match": '"v1"'}, {"If-None-Match": '"v1"'}):
                sent = {"params": query, "headers": headers, "json": BODIES.get(name) if method != "get" else None}
                foreign = comparable(await client.request(method, filled(path, world), **sent))
                unknown = comparable(await client.request(method, filled(path), **sent))
                probes += 1
                if foreign != unknown or foreign[0] != 404:
                    leaks.append((method, path, foreign, unknown))
    record_property("isolation", (probes, len(leaks)))
    assert leaks == []
    assert probes > 80


async def test_the_owner_reaches_what_strangers_cannot(web, stranger, other_scope, admin):
    world = plant(admin, other_scope)
    missed = []
    for method, path, name in operations(web.openapi()):
        if "_id}" not in path or name == "stream_flow_events":
            continue
        sent = {"params": {"dry_run": "true"} if method != "get" else {}}
        sent["json"] = BODIES.get(name) if method != "get" else None
        answer = await stranger.request(method, filled(path, world), **sent)
        if answer.status_code == 404:
            missed.append((method, path, answer.text))
    assert missed == []


async def test_a_foreign_asset_as_a_filter_answers_like_an_unknown_one(client, other_scope, admin):
    world = plant(admin, other_scope)
    answers = [
        await client.get("/api/v1/dependencies", params={"asset_id": str(asset)}) for asset in (world.asset_id, uuid4())
    ]
    bodies = [
        {key: value for key, value in answer.json().items() if key not in ("request_id", "instance", "where")}
        for answer in answers
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert bodies[0] == bodies[1]


async def test_lists_show_nothing_of_other_tenants(client, other_scope, admin):
    plant(admin, other_scope)
    for path in ("flows", "imports", "assets", "dependencies", "tech-debt", "audit"):
        assert (await client.get(f"/api/v1/{path}")).json()["items"] == [], path
    assert (await client.get("/api/v1/flows/analytics")).json()["total_flows"] == 0
    assert (await client.get("/api/v1/assets/summary")).json()["assets"] == 0


async def test_a_foreign_engagement_in_the_header_answers_like_an_unknown_one(client, other_scope):
    asked = [{"X-Engagement-ID": str(other_scope.engagement_id)}, {"X-Engagement-ID": str(uuid4())}]
    asked += [{"X-Client-Account-ID": str(other_scope.client_account_id)}, {"X-Client-Account-ID": str(uuid4())}]
    answers = [comparable(await client.get("/api/v1/flows", headers=headers)) for headers in asked]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)


async def test_a_refused_request_says_the_permission_and_is_recorded(make_client, scope, admin):
    viewer = await make_client(scope, role="viewer")
    answer = await viewer.post("/api/v1/flows", json={"flow_type": "toy"}, headers={"X-Request-ID": "request-0001"})
    body = answer.json()
    assert (answer.status_code, body["code"], body["where"]) == (403, "not_permitted", {"permission": "flow:create"})
    rows = admin.execute(
        "select action_type, result, ip_address, request_id, user_agent from app.access_audit_log"
        " where client_account_id = %s",
        (scope.client_account_id,),
    ).fetchall()
    assert [row[:4] for row in rows] == [("create_flow", "denied", "192.0.2.7", "request-0001")]
    assert rows[0][4].startswith("python-httpx")


@pytest.mark.parametrize("field", ["client_account_id", "engagement_id", "flow_id", "status", "version", "created_by"])
async def test_what_the_server_decides_cannot_be_sent(client, field):
    answer = await client.post("/api/v1/flows", json={"flow_type": "toy", field: "x"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}")


async def test_an_unexpected_error_shows_nothing_of_itself(make_client, web, scope):
    class Broken:
        async def list_flows(self, *_, **__):
            raise RuntimeError("secret detail in /srv/internal")

    services = web.state.services
    web.state.services = type("Services", (), {"identity": services.identity, "queries": Broken()})()
    client = await make_client(scope)
    with capture_logs() as logs:
        answer = await client.get("/api/v1/flows", headers={"X-Request-ID": "request-0002"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "request-0002"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [(entry["event"], entry["error_type"], entry["path"]) for entry in logs] == [
        ("request_failed", "RuntimeError", "/api/v1/flows")
    ]
