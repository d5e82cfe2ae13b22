"""`masterflow map`: suggestions without a database, refused files in their place."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from support.console import DATA, WORKBOOK, Console

KEYS = {"file", "sheet", "column", "target", "confidence", "evidence", "alternatives"}
ASSET_FILES = {
    WORKBOOK: ("vInfo", {"VM": "name", "CPUs": "cpu_cores", "Memory": "memory_gb", "Cluster": "cluster_name"}),
    DATA / "rvtools" / "mjvincent_rvtools-small-complete.xlsx": ("vInfo", {"VM": "name", "CPUs": "cpu_cores"}),
    DATA / "azure_migrate" / "AzureMigrate_Discovery_Report.xlsx": (
        "Discovery_Report",
        {"Machine Name": "name", "Operating System": "operating_system", "Cores": "cpu_cores"},
    ),
    DATA / "aws_cmf" / "cmf_intake_server-list.csv": ("", {"server_name": "name", "server_fqdn": "fqdn"}),
    DATA / "aws_cmf" / "cmf_intake_test_valid.xlsx": ("test_valid", {"server_name": "name"}),
    DATA / "konveyor" / "sample-applications.csv": ("", {"Application Name": "name"}),
    DATA / "konveyor" / "template_application_import.csv": ("", {"Application Name": "name"}),
}


@pytest.mark.parametrize("path", ASSET_FILES, ids=lambda path: path.name)
def test_every_file_that_holds_assets_gets_targets_without_a_database(nowhere: Console, path: Path) -> None:
    sheet, expected = ASSET_FILES[path]
    rows = nowhere.json("map", path)
    assert all(row.keys() >= KEYS and row["file"] == str(path) for row in rows)
    found = {row["column"]: row["target"] for row in rows if row["sheet"] == sheet}
    assert {column: found.get(column) for column in expected} == expected
    assert not nowhere.home.exists()


def test_a_dependency_export_is_mapped_too(nowhere: Console) -> None:
    rows = nowhere.json("map", DATA / "dependencies" / "shabbirnkhan_dependency-export-sample.csv")
    assert any(row["target"] for row in rows)


def test_every_column_has_a_confidence_and_a_reason(nowhere: Console) -> None:
    for row in nowhere.json("map", WORKBOOK):
        assert 0 <= row["confidence"] <= 1
        assert row["evidence"]


def test_the_flow_stores_the_same_mapping_as_map_prints(console: Console) -> None:
    flow_id = console.json("demo")["flow_id"]
    stored = {(c["sheet"], c["column"]): c["field"] for c in console.json("flow", "lineage", flow_id)["columns"]}
    printed = {(row["sheet"], row["column"]): row["target"] for row in console.json("map", WORKBOOK)}
    assert printed == stored


def _refused(folder: Path) -> dict[str, Path]:
    truncated = folder / "truncated.xlsx"
    truncated.write_bytes(WORKBOOK.read_bytes()[:4000])
    empty = folder / "empty.csv"
    empty.touch()
    fake = folder / "fake.xlsx"
    with zipfile.ZipFile(fake, "w") as archive:
        archive.writestr("hello.txt", "hello")
    queue = folder / "queue"
    os.mkfifo(queue)
    return {
        "missing": folder / "missing.csv",
        "folder": folder,
        "truncated": truncated,
        "empty": empty,
        "no workbook": fake,
        "no plain file": queue,
        "billing data": DATA / "focus" / "focus_1.0_sample_head.csv",
    }


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "truncated", "empty", "no workbook", "no plain file", "billing data"]
)
def test_a_refused_file_is_reported_in_its_place_and_the_others_are_answered(
    nowhere: Console, tmp_path: Path, kind: str
) -> None:
    refused, good = _refused(tmp_path)[kind], DATA / "aws_cmf" / "cmf_intake_server-list.csv"
    ended = nowhere("map", good, refused, DATA / "konveyor" / "sample-applications.csv", "--json")
    assert ended.code == 1
    files = list(dict.fromkeys(row["file"] for row in ended.document))
    assert files[1] == str(refused)
    assert len(files) == 3
    (row,) = [row for row in ended.document if row["file"] == str(refused)]
    assert row["target"] is None
    assert row["error"]["detail"]
    assert row["error"]["next_step"]


def test_a_refused_file_says_what_where_and_what_to_do_to_people(nowhere: Console, tmp_path: Path) -> None:
    ended = nowhere("map", tmp_path / "missing.csv")
    assert ended.code == 1
    assert "No such file" in ended.out
    assert "missing.csv" in ended.out
    assert "now:" in ended.out


def test_people_get_a_table(nowhere: Console) -> None:
    ended = nowhere("map", DATA / "aws_cmf" / "cmf_intake_server-list.csv")
    assert ended.code == 0
    assert "columns mapped" in ended.out
    assert "server_fqdn" in ended.out


def test_a_file_name_cannot_control_the_terminal(nowhere: Console, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31mred.csv"
    path.write_text("server name,os\nweb1,Debian 12\n")
    assert "\x1b" not in nowhere("map", path).out
