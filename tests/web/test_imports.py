"""Uploads in both forms, their mappings and findings, and the inventory that they become."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import pytest

from support.factories import plant

IMPORTS = "/api/v1/imports"
CSV = b"Name,CPUs,Memory,Environment\nweb-1,4,16,production\nweb-2,8,32,test\n"


async def uploaded(client, content=CSV, name="servers.csv", **more):
    answer = await client.post(IMPORTS, files={"file": (name, content, "text/csv")}, **more)
    assert answer.status_code == 201, answer.text
    return answer


async def test_a_form_and_a_plain_body_store_the_same_file(client):
    form = await uploaded(client)
    plain = await client.post(
        IMPORTS, params={"file_name": "servers.csv"}, content=CSV, headers={"Content-Type": "text/csv; charset=utf-8"}
    )
    assert plain.status_code == 201
    for answer in (form, plain):
        body = answer.json()
        assert (body["size"], body["sha256"]) == (len(CSV), hashlib.sha256(CSV).hexdigest())
        assert (body["file_name"], body["media_type"], body["status"]) == ("servers.csv", "text/csv", "uploaded")
        assert answer.headers["location"] == f"{IMPORTS}/{body['import_id']}"
    assert [form.json()["already_uploaded"], plain.json()["already_uploaded"]] == [False, True]
    listed = (await client.get(IMPORTS)).json()["items"]
    assert {entry["import_id"] for entry in listed} == {form.json()["import_id"], plain.json()["import_id"]}
    shown = (await client.get(form.headers["location"])).json()
    assert shown["sha256"] == form.json()["sha256"]


async def test_a_file_over_the_limit_is_refused_in_both_forms(client):
    async def endless():
        for _ in range(100):
            yield b"x" * 10_000

    large = b"x" * 300_000
    answers = [
        await client.post(IMPORTS, files={"file": ("a.csv", large)}),
        await client.post(IMPORTS, params={"file_name": "a.csv"}, content=endless()),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(413, "payload_too_large")] * 2
    between = await client.post(IMPORTS, params={"file_name": "a.csv"}, content=b"x" * 210_000)
    assert between.status_code in (413, 422)
    assert (await client.get(IMPORTS)).json()["items"] == []


@pytest.mark.parametrize(
    "sent",
    [
        {"files": {"other": ("a.csv", CSV)}},
        {"data": {"file": "text"}, "files": {"x": ("a.csv", CSV)}},
        {"content": CSV},
        {"content": b"", "params": {"file_name": "a.csv"}},
        {"files": {"file": ("a.csv", b"")}},
        {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
    ],
)
async def test_an_upload_without_file_name_or_content_is_refused(client, sent):
    answer = await client.post(IMPORTS, **sent)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get(IMPORTS)).json()["items"] == []


async def test_a_repeated_upload_with_its_key_is_one_import(client):
    header = {"Idempotency-Key": "file-1"}
    first = await uploaded(client, headers=header)
    again = await uploaded(client, headers=header)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await client.post(IMPORTS, files={"file": ("servers.csv", CSV + b"x", "text/csv")}, headers=header)
    assert other.status_code == 422
    assert len((await client.get(IMPORTS)).json()["items"]) == 1


async def test_a_rehearsed_upload_leaves_nothing(client):
    answer = await client.post(IMPORTS, params={"dry_run": True}, files={"file": ("servers.csv", CSV)})
    assert (answer.status_code, answer.json()["size"]) == (201, len(CSV))
    assert (await client.get(f"{IMPORTS}/{answer.json()['import_id']}")).status_code == 404


async def test_a_viewer_may_not_upload(make_client, scope):
    viewer = await make_client(scope, role="viewer")
    answer = await viewer.post(IMPORTS, files={"file": ("servers.csv", CSV)})
    assert (answer.status_code, answer.json()["where"]) == (403, {"permission": "import:create"})


async def inventory(client, work, scope):
    """An inventory from the small file: (import, flow)."""
    made = (await uploaded(client)).json()
    request = {"flow_type": "discovery", "initial_data": {"import_file_id": made["import_id"]}}
    flow = (await client.post("/api/v1/flows", json={**request, "options": {"auto_execute": True}})).json()
    await work.run_all(scope)
    return made, flow


async def test_a_mapping_is_shown_decided_and_rehearsed(client, work, scope):
    made, _ = await inventory(client, work, scope)
    place = f"{IMPORTS}/{made['import_id']}/mappings"
    before = (await client.get(place)).json()["items"]
    assert {row["column"] for row in before} == {"Name", "CPUs", "Memory", "Environment"}
    change = {"mappings": {"Environment": None}}
    rehearsed = await client.patch(place, params={"dry_run": True}, json=change)
    assert [row["target"] for row in rehearsed.json()["items"] if row["column"] == "Environment"] == [None]
    assert (await client.get(place)).json()["items"] == before
    decided = (await client.patch(place, json=change)).json()["items"]
    row = next(row for row in decided if row["column"] == "Environment")
    assert (row["target"], row["status"], row["decided_by"]) == (None, "changed", "person")
    for wrong in ({"mappings": {"Nothing": "name"}}, {"mappings": {}}, {"mappings": {"Name": "no_field"}}, {}):
        assert (await client.patch(place, json=wrong)).status_code == 422


async def test_an_inventory_is_listed_edited_and_traced_to_its_cells(client, work, scope):
    made, flow = await inventory(client, work, scope)
    accepted = await client.post(f"/api/v1/flows/{flow['flow_id']}/approve")
    assert accepted.status_code in (200, 202), accepted.text
    await work.run_all(scope)
    page = (await client.get("/api/v1/assets", params={"limit": 1})).json()
    rest = (await client.get("/api/v1/assets", params={"limit": 200, "cursor": page["next_cursor"]})).json()
    assets = [*page["items"], *rest["items"]]
    assert [asset["name"] for asset in assets] == ["web-1", "web-2"]
    assert len((await client.get("/api/v1/assets", params={"environment": "test"})).json()["items"]) == 1
    place = f"/api/v1/assets/{assets[0]['asset_id']}"
    shown = await client.get(place)
    tag = shown.headers["etag"]
    assert (await client.get(place, headers={"If-None-Match": tag})).status_code == 304
    change = {"environment": "staging"}
    dry = await client.patch(place, params={"dry_run": True}, json=change)
    assert (dry.status_code, dry.headers["dry-run"]) == (200, "true")
    changed = await client.patch(place, json=change, headers={"If-Match": tag})
    assert (changed.json()["environment"], changed.headers["etag"] != tag) == ("staging", True)
    assert (await client.patch(place, json=change, headers={"If-Match": tag})).status_code == 412
    assert (await client.patch(place, json={"no_such_field": 1})).status_code == 422
    traced = (await client.get(f"{place}/lineage", params={"field": "memory_gb"})).json()
    assert (traced[0]["field"], traced[0]["sources"][0]["column"]) == ("memory_gb", "Memory")
    history = (await client.get(f"{place}/history")).json()
    assert [entry["operation"] for entry in history] == ["insert", "update"]
    assert (await client.get("/api/v1/assets/summary")).json()["assets"] == 2
    issues = await client.get(f"{IMPORTS}/{made['import_id']}/issues", params={"limit": 1})
    assert issues.status_code == 200


async def test_dependencies_and_support_findings_are_listed(client, scope, admin):
    world = plant(admin, scope)
    edges = (await client.get("/api/v1/dependencies", params={"kind": "network"})).json()["items"]
    at = (await client.get("/api/v1/dependencies", params={"asset_id": str(world.asset_id)})).json()["items"]
    findings = (await client.get("/api/v1/tech-debt", params={"state": "ended"})).json()["items"]
    assert [edge["source_asset_id"] for edge in edges] == [str(world.asset_id)]
    assert edges == at
    assert [finding["found_text"] for finding in findings] == ["CentOS 6"]
    assert (await client.get("/api/v1/tech-debt", params={"state": "supported"})).json()["items"] == []


async def test_an_unknown_import_has_neither_mappings_nor_findings(client):
    for part in ("", "/mappings", "/issues"):
        assert (await client.get(f"{IMPORTS}/{uuid4()}{part}")).status_code == 404
