"""The published documents: the OpenAPI description, error codes and permissions are those of the code."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("get", "post", "patch", "delete")


@pytest.fixture(scope="session")
def generated() -> dict[str, str]:
    """The generated files by name."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.documents()


@pytest.fixture(scope="session")
def document(generated) -> dict:
    """The OpenAPI document."""
    return json.loads(generated["openapi.json"])


def operations(document):
    return [(path, method, item[method]) for path, item in document["paths"].items() for method in item]


@pytest.mark.parametrize("name", ["openapi.json", "errors.md", "permissions.md"])
def test_a_committed_page_is_the_generated_one(generated, name):
    committed = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert committed == generated[name], "run scripts/openapi.py"


def test_the_document_is_openapi_3_1_with_stable_unique_operation_ids(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert document["openapi"].startswith("3.1")
    assert len(ids) == len(set(ids))
    assert all(name.isidentifier() and name == name.lower() for name in ids)


def test_the_routes_of_the_published_design_are_all_there(document):
    routes = {(method.upper(), path) for path, method, _ in operations(document)}
    flow = "/api/v1/flows/{flow_id}"
    verbs = ("execute", "approve", "reject", "skip", "cancel", "pause", "resume", "iterate", "restore")
    expected = {("POST", "/api/v1/flows"), ("GET", "/api/v1/flows"), ("GET", flow), ("DELETE", flow)}
    expected |= {("POST", f"{flow}/{verb}") for verb in verbs}
    expected |= {("GET", f"{flow}/{part}") for part in ("status", "history", "runs", "events")}
    expected |= {("GET", "/api/v1/flows/analytics"), ("GET", "/api/v1/flow-types")}
    expected |= {("GET", "/api/v1/flow-types/{flow_type}"), ("POST", "/api/v1/imports"), ("GET", "/api/v1/audit")}
    assert expected <= routes


def test_every_operation_says_what_it_does_and_how_it_fails(document):
    for path, method, operation in operations(document):
        assert operation["description"], (method, path)
        if path.startswith("/api/v1"):
            assert operation["security"] == [{"api_key": []}], (method, path)
            for status in ("401", "403", "422", "503"):
                assert "application/problem+json" in operation["responses"][status]["content"], (method, path)


def test_every_reference_points_to_a_schema(document):
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= document["components"]["schemas"].keys()


def test_bodies_that_people_send_have_examples(document):
    create = document["paths"]["/api/v1/flows"]["post"]["requestBody"]["content"]["application/json"]
    execute = document["paths"]["/api/v1/flows/{flow_id}/execute"]["post"]
    assert create["examples"]["discovery"]["value"]["flow_type"] == "discovery"
    assert execute["requestBody"]["content"]["application/json"]["examples"]
    assert execute["responses"]["200"]["content"]["application/json"]["example"]["status"] == "success"


async def test_answers_have_exactly_the_fields_of_their_schema(document, client, work, scope):
    schemas = document["components"]["schemas"]
    flow = (await client.post("/api/v1/flows", json={"flow_type": "toy", "initial_data": {"names": []}})).json()
    place = f"/api/v1/flows/{flow['flow_id']}"
    accepted = (await client.post(f"{place}/execute")).json()
    await work.run_all(scope)
    run = (await client.get(f"{place}/runs/{accepted['run_id']}")).json()
    bodies = {
        "FlowBody": flow,
        "AcceptedBody": accepted,
        "RunView": run,
        "FlowDetailBody": (await client.get(place)).json(),
        "StatusBody": (await client.get(f"{place}/status")).json(),
        "HistoryView": (await client.get(f"{place}/history")).json(),
        "FlowPage": (await client.get("/api/v1/flows")).json(),
        "AnalyticsView": (await client.get("/api/v1/flows/analytics")).json(),
        "AuditView": (await client.get("/api/v1/audit")).json()["items"][0],
        "FlowTypeView": (await client.get("/api/v1/flow-types/toy")).json(),
    }
    for name, body in bodies.items():
        assert body.keys() == schemas[name]["properties"].keys(), name


async def test_the_document_is_public(anonymous, document):
    assert (await anonymous.get("/openapi.json")).json()["paths"].keys() == document["paths"].keys()
