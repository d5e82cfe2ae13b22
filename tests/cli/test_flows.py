"""`masterflow flow ...` and `import` on a home with the demo."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from support.console import DATA, Console

SERVERS = DATA / "aws_cmf" / "cmf_intake_server-list.csv"
UNKNOWN = str(uuid4())
WITH_ID = ("status", "execute", "approve", "skip", "cancel", "pause", "resume", "history", "lineage")


@pytest.fixture(scope="module")
def demo_flow() -> dict[str, str]:
    """Filled by the first test that asks for the demo."""
    return {}


@pytest.fixture
def flow_id(console: Console, demo_flow: dict[str, str]) -> str:
    """The flow of the demo."""
    if not demo_flow:
        demo_flow["id"] = console.json("demo")["flow_id"]
    return demo_flow["id"]


def test_a_completed_flow_shows_status_history_and_list(console: Console, flow_id: str) -> None:
    assert console.json("flow", "status", flow_id)["status"] == "completed"
    history = console.json("flow", "history", flow_id)
    assert history["runs"][0]["phase"] == "data_import"
    assert [event["seq"] for event in history["events"]] == list(range(1, len(history["events"]) + 1))
    assert flow_id in {flow["flow_id"] for flow in console.json("flow", "list")["items"]}
    assert "review_requested" in console("flow", "history", flow_id).out
    assert "completed" in console("flow", "list", "--status", "completed", "--type", "discovery").out
    assert "100 %" in console("flow", "status", flow_id).out


def test_a_list_without_flows_says_so_and_an_unknown_status_is_refused(console: Console) -> None:
    assert "no such flows" in console("flow", "list", "--status", "rolling_back").out
    ended = console("flow", "list", "--status", "asleep", "--json")
    assert ended.code == 1
    assert "rolling_back" in ended.document["error"]["next_step"]


def test_pages_of_a_list_continue_with_the_cursor(console: Console) -> None:
    for number in range(2):
        console.json("flow", "create", "discovery", "--name", f"page {number}")
    first = console.json("flow", "list", "--limit", "1")
    second = console.json("flow", "list", "--limit", "1", "--cursor", first["next_cursor"])
    assert first["items"][0]["flow_id"] != second["items"][0]["flow_id"]
    assert "--cursor" in console("flow", "list", "--limit", "1").out


def test_lineage_leads_from_a_value_to_its_cell(console: Console, flow_id: str) -> None:
    (field,) = console.json("flow", "lineage", flow_id, "lvmbeasm003", "--field", "memory_gb")
    assert field["value"] == 32.0
    (source,) = field["sources"]
    assert {name: source[name] for name in ("file", "sheet", "row", "column", "raw")} == {
        "file": "rvtools-workshop.xlsx",
        "sheet": "vInfo",
        "row": 61,
        "column": "Memory",
        "raw": 32768,
    }
    assert "MiB->GiB" in console("flow", "lineage", flow_id, "LVMBEASM003").out


def test_lineage_of_a_flow_names_file_sheets_and_columns(console: Console, flow_id: str) -> None:
    source = console.json("flow", "lineage", flow_id)
    assert source["file"] == "rvtools-workshop.xlsx"
    assert {"sheet": "vInfo", "role": "asset", "records": 805} in source["sheets"]
    assert "sha256" in console("flow", "lineage", flow_id).out


def test_an_unknown_asset_or_field_is_answered_with_what_there_is(console: Console, flow_id: str) -> None:
    near = console("flow", "lineage", flow_id, "lvmbeasm", "--json")
    assert near.code == 1
    assert "lvmbeasm003" in near.document["error"]["next_step"]
    wrong = console("flow", "lineage", flow_id, "lvmbeasm003", "--field", "colour", "--json")
    assert wrong.code == 1
    assert "memory_gb" in wrong.document["error"]["next_step"]
    assert console("flow", "lineage", flow_id, "nothing-like-it").code == 1


def test_a_flow_without_a_file_has_no_lineage(console: Console) -> None:
    created = console.json("flow", "create", "discovery")
    assert console("flow", "lineage", created["flow_id"], "--json").document["error"]["code"] == "not_found"


@pytest.mark.parametrize("verb", WITH_ID)
def test_an_unknown_flow_is_not_found(console: Console, verb: str) -> None:
    ended = console("flow", verb, UNKNOWN, "--json")
    assert ended.code == 1
    assert ended.document["error"]["code"] == "not_found"


def test_a_move_that_the_life_cycle_lacks_is_refused_with_what_is_possible(console: Console, flow_id: str) -> None:
    ended = console("flow", "approve", flow_id, "--json")
    assert ended.code == 1
    assert ended.document["error"]["code"] == "illegal_transition"
    assert "iterate" in ended.document["error"]["next_step"]


def test_a_flow_is_created_paused_resumed_and_cancelled(console: Console) -> None:
    flow = console.json("flow", "create", "discovery", "--name", "by hand")["flow_id"]
    assert console.json("flow", "pause", flow)["status"] == "paused"
    assert "resume" in console("flow", "status", flow).out
    assert console.json("flow", "resume", flow)["status"] == "initialized"
    assert console.json("flow", "cancel", flow, "--reason", "not needed")["status"] == "cancelled"


def test_an_unknown_type_a_missing_input_and_an_unskippable_phase_are_refused(console: Console) -> None:
    assert "discovery" in console("flow", "create", "nosuch", "--json").document["error"]["next_step"]
    flow = console.json("flow", "create", "discovery")["flow_id"]
    missing = console("flow", "execute", flow, "--json").document["error"]
    assert "import_file_id" in missing["next_step"]
    assert console("flow", "skip", flow, "--json").document["error"]["code"] == "conflict"
    assert console("flow", "execute", flow, "--phase", "nosuch", "--json").code == 1


def test_a_phase_that_lacks_its_file_waits_for_input_and_the_command_answers_no(
    console: Console, tmp_path: Path
) -> None:
    flow = console.json("flow", "create", "discovery")["flow_id"]
    inputs = tmp_path / "inputs.json"
    inputs.write_text(json.dumps({"import_file_id": UNKNOWN}))
    ended = console("flow", "execute", flow, "--inputs", f"@{inputs}", "--wait", "--json")
    assert ended.code == 1
    assert ended.document["status"] == "waiting_for_input"
    assert "upload" in console("flow", "status", flow).out


def test_an_import_waits_for_its_review_and_goes_on_when_it_is_accepted(console: Console) -> None:
    (row,) = console.json("import", SERVERS, "--wait")
    assert (row["status"], row["current_phase"]) == ("waiting_for_approval", "field_mapping")
    rejected = console("flow", "reject", row["flow_id"], "--json")
    assert rejected.code == 1
    done = console.json("flow", "approve", row["flow_id"], "--note", "looks right", "--wait")
    assert done["status"] == "completed"


def test_a_rejected_review_waits_for_input(console: Console) -> None:
    ended = console("import", SERVERS, "--wait")
    assert "flow approve" in ended.out
    flow = next(line.split()[1] for line in ended.out.splitlines() if line.startswith("flow "))
    assert console.json("flow", "reject", flow, "--reason", "wrong file")["status"] == "waiting_for_input"


def test_several_files_are_imported_unseen_and_a_refused_one_does_not_stop_them(
    console: Console, tmp_path: Path
) -> None:
    ended = console("import", tmp_path / "missing.csv", SERVERS, "--wait", "--approve", "--json")
    assert ended.code == 1
    assert "error" in ended.document[0]
    assert ended.document[1]["status"] == "completed"
    assert "No such file" in console("import", tmp_path / "missing.csv").out


def test_an_import_without_waiting_says_that_a_worker_is_needed(console: Console) -> None:
    ended = console("import", SERVERS)
    assert ended.code == 0
    assert "masterflow worker" in ended.out


def test_another_tenant_sees_nothing_of_the_demo(console: Console, flow_id: str) -> None:
    made = console.json("admin", "create-tenant", "Other company")
    place = ("--client", made["client_account_id"], "--engagement", made["engagement_id"])
    assert console.json("flow", "list", *place)["items"] == []
    assert console("flow", "status", flow_id, *place, "--json").document["error"]["code"] == "not_found"


def test_half_a_place_and_an_unknown_place_are_refused(console: Console) -> None:
    assert "belong together" in console("flow", "list", "--client", UNKNOWN, "--json").document["error"]["detail"]
    ended = console("flow", "list", "--client", UNKNOWN, "--engagement", UNKNOWN, "--json")
    assert ended.code == 1
    assert "create-tenant" in ended.document["error"]["next_step"]
