"""`masterflow inspect`: what a file holds."""

from __future__ import annotations

from pathlib import Path

from support.console import DATA, WORKBOOK, Console


def test_the_workbook_is_described_sheet_by_sheet(nowhere: Console) -> None:
    (found,) = nowhere.json("inspect", WORKBOOK)
    records = {sheet["sheet"]: sheet["records"] for sheet in found["sheets"]}
    assert {name: records[name] for name in ("vInfo", "vNetwork", "vPartition", "vHost")} == {
        "vInfo": 805,
        "vNetwork": 805,
        "vPartition": 1618,
        "vHost": 34,
    }
    assert found["source"]["name"] == "rvtools"
    assert not nowhere.home.exists()


def test_people_see_sheets_and_the_first_findings(nowhere: Console) -> None:
    ended = nowhere("inspect", DATA / "azure_cost" / "opencost_azure_billing_export_sample.csv")
    assert ended.code == 0
    assert "Azure cost export" in ended.out
    assert "more findings" in ended.out


def test_a_refused_file_is_reported_in_its_place(nowhere: Console, tmp_path: Path) -> None:
    ended = nowhere("inspect", tmp_path / "missing", WORKBOOK, "--json")
    assert ended.code == 1
    assert "error" in ended.document[0]
    assert ended.document[1]["sheets"]
    assert "now:" in nowhere("inspect", tmp_path / "missing").out
