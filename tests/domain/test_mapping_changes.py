"""Decisions about a mapping: how columns are named, and what is wrong with the result."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.column_names import column_index, decided
from masterflow.domain.mapping_changes import checked_changes
from masterflow.domain.records import SheetRole

SERVERS, EDGES = SheetRole("asset", "server"), SheetRole("relation")


@dataclass(frozen=True)
class Row:
    sheet: str
    source_column: str
    target_field: str | None = None


ROWS = [
    Row("Servers", "Name", "name"),
    Row("Servers", "Cores", "cpu_cores"),
    Row("Servers", "Owner"),
    Row("Edges", "Name", "source_name"),
    Row("Edges", "To", "target_name"),
]
ROLES = {"Servers": SERVERS, "Edges": EDGES}


def codes(changes: dict[str, str | None]) -> list[str]:
    return [issue.code for issue in checked_changes(ROWS, ROLES, changes)[1]]


def test_a_column_is_named_alone_or_with_its_sheet():
    found, issues = checked_changes(ROWS, ROLES, {"Owner": "technical_owner", "Servers!Cores": None})
    assert found == {("Servers", "Owner"): "technical_owner", ("Servers", "Cores"): None}
    assert issues == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Nowhere": "name"}, "unknown_column"),
        ({"Servers!To": None}, "unknown_column"),
        ({"Name": "name"}, "ambiguous_column"),
        ({"Owner": "technical_ownr"}, "unknown_target"),
        ({"Owner": "cpu_cores"}, "duplicate_target"),
        ({"Servers!Name": None}, "missing_identity"),
        ({"To": None}, "missing_identity"),
        ({"To": "cpu_cores"}, "target_not_allowed"),
    ],
)
def test_a_mistake_is_found_with_its_code(changes, code):
    assert code in codes(changes)


def test_every_mistake_is_found_at_once():
    assert codes({"Nowhere": "name", "Name": None, "Owner": "x"}) == [
        "unknown_column",
        "ambiguous_column",
        "unknown_target",
    ]


def test_an_ambiguous_name_tells_the_sheets():
    (issue,) = checked_changes(ROWS, ROLES, {"Name": "hostname"})[1]
    assert "Servers, Edges" in issue.message
    assert issue.place.column == "Name"


def test_only_sheets_that_are_touched_are_checked():
    broken = [*ROWS, Row("Empty", "Note")]
    assert checked_changes(broken, ROLES, {"Owner": None})[1] == []
    assert [i.code for i in checked_changes(broken, ROLES, {"Note": None})[1]] == ["missing_identity"]


def test_a_decision_can_free_a_field_for_another_column():
    assert codes({"Cores": None, "Owner": "cpu_cores"}) == []


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), unique=True, max_size=6))
def test_every_column_can_be_named_with_its_sheet_unless_two_read_the_same(columns):
    index = column_index(columns)
    for sheet, column in columns:
        found, issues = decided({f"{sheet}!{column}": "name"}, index)
        if len(index[f"{sheet}!{column}"]) == 1:
            assert (found, issues) == ({(sheet, column): "name"}, [])
        else:
            assert [issue.code for issue in issues] == ["ambiguous_column"]
