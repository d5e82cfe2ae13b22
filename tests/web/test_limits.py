"""What every request passes: sizes, depth, unusable text, headers, and the shape of problems."""

from __future__ import annotations

import json
import time
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from masterflow.orchestrator.feed import Notices
from masterflow.orchestrator.identity import new_key
from masterflow.settings import Settings
from masterflow.store.database import Database
from masterflow.web.limits import LARGEST_DEPTH, SECURITY_HEADERS, BodyLimits, RequestContext, json_fault
from masterflow.web.server import create_web
from masterflow.web.services import Probes, services_over
from support.flows import toy_registry
from support.services import access_over

FLOWS = "/api/v1/flows"
JSON = {"Content-Type": "application/json"}


async def test_every_answer_has_a_request_id_and_the_security_headers(client, anonymous):
    answers = [
        await client.get(FLOWS),
        await anonymous.get(FLOWS),
        await anonymous.get("/nowhere"),
        await client.post(FLOWS, content=b"[" * 100, headers=JSON),
        await anonymous.get("/livez"),
    ]
    for answer in answers:
        assert UUID(answer.headers["x-request-id"])
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "access-control-allow-origin" not in answer.headers


async def test_a_usable_request_id_is_kept_and_another_replaced(anonymous):
    kept = await anonymous.get("/livez", headers={"X-Request-ID": "deploy-4711.a"})
    assert kept.headers["x-request-id"] == "deploy-4711.a"
    for bad in ("short", "a" * 65, "with space 12", "x\ty-zzzzzzzz"):
        assert (await anonymous.get("/livez", headers={"X-Request-ID": bad})).headers["x-request-id"] != bad


async def test_https_answers_ask_for_https_from_now_on(web):
    transport = httpx.ASGITransport(app=web)
    async with httpx.AsyncClient(transport=transport, base_url="https://test") as client:
        assert "strict-transport-security" in (await client.get("/livez")).headers


async def test_a_body_over_the_limit_is_refused_whether_it_says_so_or_not(client):
    async def endless():
        for _ in range(100):
            yield b" " * 10_000

    said = await client.post(FLOWS, content=b" " * 60_000, headers=JSON)
    unsaid = await client.post(FLOWS, content=endless(), headers=JSON)
    other = await client.post(FLOWS, content=endless(), headers={"Content-Type": "text/plain"})
    for answer in (said, unsaid, other):
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"initial_data":' + b"[" * 40 + b"]" * 40 + b"}", "nested deeper"),
        (b'{"flow_type":"toy","initial_data":{"x":NaN}}', "not JSON"),
        (b'{"flow_type":"toy","initial_data":{"x":-Infinity}}', "not JSON"),
        (b'{"flow_type":"toy","flow_name":"a\\u0000b"}', "NUL"),
        (b'{"flow_type":"toy","flow_name":"a\\ud800b"}', "surrogate"),
    ],
)
async def test_json_that_cannot_be_stored_is_refused(client, body, detail):
    answer = await client.post(FLOWS, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"1" * 5000, b'{"a": "\x00"}', b"\xff\xfe", b'{"a": "\\u12', b"{'a': 1}"]
)
async def test_a_body_that_is_no_request_is_a_problem_and_never_a_500(client, body):
    answer = await client.post(FLOWS, content=body, headers=JSON)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_text_that_only_looks_like_a_fault_is_stored(client):
    name = 'NaN [[[[ "quoted" \\ Infinity \U0001f600'
    answer = await client.post(FLOWS, json={"flow_type": "toy", "flow_name": name})
    assert (answer.status_code, answer.json()["flow_name"]) == (201, name)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _depth(value):
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 1 + max(map(_depth, value.values()), default=0) if isinstance(value, dict) else 0


@given(_JSON, st.booleans())
def test_only_depth_nul_and_surrogates_are_faults_of_real_json(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    expected = _depth(value) > LARGEST_DEPTH or ("\\u0000" in json.dumps(value, ensure_ascii=False))
    assert bool(json_fault(text.encode())) == expected


def test_a_hostile_body_is_judged_in_linear_time():
    begun = time.perf_counter()
    for body in (b'"' + b'\\"' * 500_000, b'"\\' * 500_000, b"[]" * 500_000, b'"' * 1_000_001, b'{"a":' * 200_000):
        json_fault(body)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("PUT", FLOWS, 405, "method_not_allowed"),
        ("GET", f"{FLOWS}/not-an-id", 422, "invalid_request"),
    ],
)
async def test_a_wrong_address_or_method_is_a_problem_document(client, method, path, status, code):
    answer = await client.request(method, path)
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"], body["instance"]) == (status, code, status, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:masterflow:error:{code}"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (FLOWS, "GET, POST"),
        (f"{FLOWS}/0b8b2e62-5d0c-4c86-9a3e-0f6f3f0f2b11", "DELETE, GET"),
        ("/api/v1/imports/0b8b2e62-5d0c-4c86-9a3e-0f6f3f0f2b11/mappings", "GET, PATCH"),
        ("/livez", "GET"),
    ],
)
async def test_a_wrong_method_is_told_every_right_one(client, path, allow):
    assert (await client.put(path)).headers["allow"] == allow


async def test_a_wrong_field_is_named_by_its_pointer_and_its_value_is_not_repeated(client):
    body = {"flow_type": "toy", "options": {"notification_emails": ["s3cret-not-an-address"]}, "initial_data": []}
    answer = await client.post(FLOWS, json=body)
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["#/initial_data", "#/options/notification_emails/0"]
    assert "s3cret" not in answer.text


async def test_inputs_of_a_phase_are_named_by_pointer(client):
    flow = (await client.post(FLOWS, json={"flow_type": "toy"})).json()
    answer = await client.post(f"{FLOWS}/{flow['flow_id']}/execute", json={"inputs": {"names": "a"}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/inputs/names")
    assert "Required: names" in answer.json()["next_step"]


async def test_a_database_that_is_away_answers_503_with_a_time(sealer):
    database = Database("postgresql://masterflow_api:x@127.0.0.1:1/none")
    access = access_over(database, toy_registry(), sealer)

    async def reachable():
        return bool(await database.call("select 1", ()))

    services = services_over(access, notices=Notices(database.close), probes=Probes(lambda: True, {"db": reachable}))
    transport = httpx.ASGITransport(app=create_web(services, Settings()))
    headers = {"Authorization": f"Bearer {new_key().token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        answer = await client.get(FLOWS)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert (answer.headers["retry-after"], "127.0.0.1" in answer.text) == ("2", False)
        with capture_logs() as logs:
            assert (await client.get("/readyz")).json() == {"status": "unavailable"}
        assert (await client.get("/livez")).status_code == 200
    assert [(entry["event"], entry["check"]) for entry in logs] == [("check_failed", "db")]
    await database.close()


async def test_health_routes_follow_their_probes(web, anonymous):
    assert (await anonymous.get("/readyz")).json() == {"status": "ok"}
    services = web.state.services
    probes = type(services.probes)(started=lambda: False, checks={})
    web.state.services = type("Services", (), {"probes": probes})()
    assert (await anonymous.get("/startupz")).status_code == 503
    assert (await anonymous.get("/readyz")).status_code == 503
    assert (await anonymous.get("/livez")).status_code == 200


async def collected(app, scope):
    """What an ASGI application sends for a scope."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    await app(scope, receive, send)
    return sent


async def test_what_is_not_http_passes_untouched():
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope)

    layers = RequestContext(BodyLimits(inner, max_json_bytes=1, max_upload_bytes=1))
    await collected(layers, {"type": "lifespan"})
    assert seen == [{"type": "lifespan"}]


async def test_an_error_after_the_answer_began_is_not_answered_again():
    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late")

    with capture_logs() as logs, pytest.raises(RuntimeError, match="too late"):
        await collected(RequestContext(inner), {"type": "http", "path": "/", "headers": []})
    assert [entry["event"] for entry in logs] == ["request_failed"]


async def test_a_buffered_body_is_followed_by_what_the_server_says_next():
    messages = []

    async def inner(scope, receive, send):
        messages.extend([await receive(), await receive()])

    given = iter([{"type": "http.request", "body": b"{}", "more_body": False}, {"type": "http.disconnect"}])

    async def receive():
        return next(given)

    async def send(message): ...

    limits = BodyLimits(inner, max_json_bytes=10, max_upload_bytes=10)
    await limits({"type": "http", "path": "/", "headers": [(b"content-type", b"application/json")]}, receive, send)
    assert [message["type"] for message in messages] == ["http.request", "http.disconnect"]
    assert messages[0]["body"] == b"{}"
