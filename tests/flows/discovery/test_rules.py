"""The calculations of the phases, called here without a process of their own."""

from __future__ import annotations

import json
import pickle
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.discovery.office import workbook
from masterflow.domain.records import CleanRecord, CleanValue, Issue, Place, Record, SheetRole
from masterflow.errors import FileRefused
from masterflow.flows.discovery import rules
from masterflow.flows.discovery.reference import CATALOG_AS_OF, lifecycle_document

SERVERS = SheetRole("asset", "server", "Name")


def packed(record_id: str, sheet: str, role: SheetRole, **values: object) -> tuple[str, str, int, str, str]:
    cells = {name: {"value": v, "raw": v, "column": name, "transform": ["trim"]} for name, v in values.items()}
    document = {"kind": role.kind, "asset_type": role.asset_type, "key_column": role.key_column}
    return record_id, sheet, int(record_id), json.dumps(document), json.dumps(cells)


def test_a_file_is_read_with_its_sheets_roles_and_dialect():
    found = rules.read_file(workbook(), "workshop.xlsx")
    assert found.dialect["format"] == "xlsx"
    assert {sheet["name"]: sheet["records"] for sheet in found.sheets} == {
        "vInfo": 805,
        "vNetwork": 805,
        "vPartition": 1618,
        "vHost": 34,
    }
    assert len(found.records) == sum(sheet["records"] for sheet in found.sheets)
    assert found.source.startswith("rvtools")


def test_a_file_that_cannot_be_read_is_refused_also_across_processes():
    with pytest.raises(FileRefused) as refused:
        rules.read_file(b"%PDF-1.7", "a.pdf")
    copy = pickle.loads(pickle.dumps(refused.value))  # noqa: S301
    assert (copy.detail, copy.where, copy.next_step) == (
        refused.value.detail,
        refused.value.where,
        refused.value.next_step,
    )


def test_findings_of_the_reader_come_with_the_file():
    found = rules.read_file(b"Name,CPU\na,1\nb,2,3\n", "ragged.csv")
    assert [issue.place.row for issue in found.issues] == [3]
    assert found.sheets[0]["records"] == len(found.records)


def test_what_cannot_be_read_is_told_beside_the_clean_records():
    columns = rules.mapped_columns(
        [
            {"sheet": "", "source_column": "Name", "target_field": "name", "unit": ""},
            {"sheet": "", "source_column": "CPU", "target_field": "cpu_cores", "unit": ""},
        ],
        {"": SERVERS},
    )
    rows = [("r1", "", 2, '{"Name": "a", "CPU": "4"}'), ("r2", "", 3, '{"Name": "b", "CPU": "many"}')]
    found = rules.cleanse_records(rows, {"": SERVERS}, columns)
    assert [record.values["name"].value for record in found.records] == ["a", "b"]
    assert [(issue.code, issue.place.row) for issue in found.issues] == [("number_unreadable", 3)]


def test_ignored_sheets_get_no_suggestion_and_no_clean_record():
    sheet = {"name": "Notes", "role": {"kind": "ignored", "asset_type": "", "key_column": ""}, "columns": []}
    assert rules.suggest_mapping([sheet], "unknown", {}) == []
    found = rules.cleanse_records(
        [("r", "Notes", 2, "{}"), ("s", "Other", 3, "{}")], {"Notes": SheetRole("ignored")}, {}
    )
    assert found.records == []
    assert found.report.score is None


def test_samples_of_a_column_are_distinct_and_few():
    sheet = {
        "name": "",
        "role": {"kind": "asset", "asset_type": "server", "key_column": "Name"},
        "columns": [{"name": "Name", "position": 1, "key": "Name"}],
    }
    rows = [{"Name": name} for name in ("a", "a", "", None, "b", "c", "d", "e", "f")]
    ((suggestion, position, samples),) = rules.suggest_mapping([sheet], "unknown", {"": rows})
    assert (suggestion.target, position, samples) == ("name", 1, ["a", "b", "c", "d", "e"])


def test_unmapped_columns_of_asset_sheets_are_kept_as_custom_attributes():
    rows = [
        {"sheet": "", "source_column": "Name", "target_field": "name", "unit": ""},
        {"sheet": "", "source_column": "Note", "target_field": None, "unit": ""},
        {"sheet": "nics", "source_column": "VLAN", "target_field": None, "unit": ""},
    ]
    columns = rules.mapped_columns(rows, {"": SERVERS, "nics": SheetRole("detail", "server", "Name")})
    assert {sheet: [column.target for column in found] for sheet, found in columns.items()} == {
        "": ["name", "custom_attributes.Note"]
    }


def test_an_ambiguous_number_is_read_as_the_rest_of_its_column_is_written():
    columns = rules.mapped_columns(
        [
            {"sheet": "", "source_column": "Name", "target_field": "name", "unit": ""},
            {"sheet": "", "source_column": "RAM", "target_field": "memory_gb", "unit": "GB"},
        ],
        {"": SERVERS},
    )
    rows = [("r1", "", 2, '{"Name": "a", "RAM": "1.024"}'), ("r2", "", 3, '{"Name": "b", "RAM": "7,5"}')]
    european = rules.cleanse_records(rows, {"": SERVERS}, columns)
    alone = rules.cleanse_records(rows[:1], {"": SERVERS}, columns)
    assert [record.values["memory_gb"].value for record in european.records] == [1024, 7.5]
    assert "memory_gb" not in alone.records[0].values


def test_relations_find_their_ends_by_name_address_and_full_name():
    relation = SheetRole("relation")
    rows = [
        packed("2", "Servers", SERVERS, name="app-1", ip_address=["10.0.0.1"]),
        packed("3", "Servers", SERVERS, name="db-1", fqdn="db-1.example.org", ip_address="10.0.0.2"),
        packed("4", "Edges", relation, source_name="APP-1", target_ip="10.0.0.2", target_port=5432),
        packed("5", "Edges", relation, source_ip="10.0.0.1", target_name="db-1.example.org", target_port=1433),
        packed("6", "Edges", relation, source_name="app-1", target_name="elsewhere"),
    ]
    found = rules.connect(rows, "unknown")
    assert {(edge.source, edge.target, edge.port) for edge in found.edges} >= {
        ("server:app-1", "server:db-1", 5432),
        ("server:app-1", "server:db-1", 1433),
    }
    assert found.external == ["elsewhere"]
    assert rules.inventory_keys(rows, "unknown") == {"server:app-1", "server:db-1"}
    built = rules.inventory_rows(rows, "unknown")
    assert {row["natural_key"] for row in built.rows} == rules.inventory_keys(rows, "unknown")
    assert built.outputs["reconciliation"]["relation_rows"] == 3


def test_lifecycles_are_judged_at_the_day_and_counted():
    assets = [("a", "Windows Server 2012", "production"), ("b", "Frobnicator 9", "")]
    found = rules.assess(assets, lifecycle_document(), catalog_as_of=CATALOG_AS_OF, on=date(2024, 1, 1))
    assert [(asset_id, f.state, f.severity) for asset_id, f in found.findings] == [
        ("a", "end_of_life", "critical"),
        ("b", "unknown", "unknown"),
    ]
    assert found.summary["by_state"] == {"end_of_life": 1, "unknown": 1}


CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(CELLS, CELLS, st.text(), st.integers(1), st.lists(st.text()).map(tuple))
def test_records_come_out_of_another_process_as_they_went_in(value, raw, name, row, steps):
    clean = CleanRecord(name, name, row, SERVERS, {name: CleanValue(value, raw, name, steps)})
    issue = Issue(name, "error", name, Place(name, name, row, name))
    for found in (clean, Record(name, row, {name: raw}), issue):
        assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301
