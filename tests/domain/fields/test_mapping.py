"""Checks of a mapping before it is used."""

from __future__ import annotations

import pytest

from masterflow.domain.fields import validate_mapping
from masterflow.domain.records import SheetRole

SERVER = SheetRole("asset", "server")
RELATION = SheetRole("relation")


def codes(mapping, role=SERVER, columns=None):
    return [issue.code for issue in validate_mapping(mapping, columns=columns or set(mapping), role=role)]


def test_a_good_mapping_has_no_issues():
    assert codes({"VM": "name", "RAM": "memory_gb", "Note": None}) == []


def test_an_unknown_field_is_answered_with_the_three_nearest():
    (issue,) = validate_mapping({"VM": "name", "RAM": "memory_gbb"}, columns=["VM", "RAM"], role=SERVER)
    assert issue.code == "unknown_target"
    assert "nearest are memory_gb" in issue.message
    assert issue.message.count(",") == 2
    assert issue.place.column == "RAM"


def test_an_unknown_column_is_named():
    issues = validate_mapping({"VM": "name", "Gone": "memory_gb"}, columns=["VM"], role=SERVER)
    assert [(issue.code, issue.place.column) for issue in issues] == [("unknown_column", "Gone")]


def test_two_columns_on_one_field_are_refused_and_both_named():
    issues = validate_mapping({"A": "name", "B": "name"}, columns=["A", "B"], role=SERVER)
    assert [issue.code for issue in issues] == ["duplicate_target"]
    assert "'A', 'B'" in issues[0].message


@pytest.mark.parametrize("target", ["ip_address", "mac_address", "asset_tags"])
def test_several_columns_may_hold_addresses_and_tags(target):
    assert codes({"VM": "name", "A": target, "B": target}) == []


@pytest.mark.parametrize("target", ["name", "hostname", "fqdn", "ip_address", "source_id"])
def test_any_identity_field_is_enough(target):
    assert codes({"A": target}) == []


def test_rows_nobody_can_identify_are_refused():
    assert codes({"RAM": "memory_gb", "VM": None}) == ["missing_identity"]


def test_a_dependency_needs_both_ends():
    assert codes({"From": "source_ip"}, RELATION) == ["missing_identity"]
    assert codes({"From": "source_ip", "To": "target_name"}, RELATION) == []


def test_a_server_sheet_cannot_fill_a_port():
    assert codes({"VM": "name", "Port": "target_port"}) == ["target_not_allowed"]


def test_an_application_sheet_may_declare_dependencies():
    assert codes({"App": "name", "Dependency": "target_name"}, SheetRole("asset", "application")) == []


def test_an_ignored_sheet_fills_nothing_and_needs_nothing():
    assert codes({"A": None}, SheetRole("ignored")) == []
    assert codes({"A": "name"}, SheetRole("ignored")) == ["target_not_allowed"]


def test_every_issue_is_an_error_with_advice():
    issues = validate_mapping({"A": "nonsense", "X": "name"}, columns=["A"], role=SERVER)
    assert {issue.severity for issue in issues} == {"error"}
