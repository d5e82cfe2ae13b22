"""The presets are data: they must be readable, name real fields, and not contradict themselves."""

from __future__ import annotations

from collections import Counter

import pytest

from masterflow.domain.fields import FIELDS, MULTI_VALUED
from masterflow.domain.fields.presets import PRESETS, foreign_columns, known_columns, read_columns


def every_sheet():
    return [(source, name) for source, preset in PRESETS.items() for name in preset.sheets]


@pytest.mark.parametrize(("source", "sheet"), every_sheet())
def test_every_target_of_a_preset_is_a_field(source, sheet):
    targets = {known.target for known in PRESETS[source].sheets[sheet].values()} - {None}
    assert targets <= set(FIELDS)


def test_a_line_that_cannot_be_read_is_named():
    with pytest.raises(ValueError, match="'no equals sign'"):
        read_columns("no equals sign")


def test_a_line_gives_header_target_and_unit():
    known = read_columns("# Memory = memory_gb [MiB]\nConsole =")
    assert (known["number memory"].target, known["number memory"].unit) == ("memory_gb", "MiB")
    assert known["console"].target is None


def test_a_sheet_is_found_by_name_in_any_case():
    assert "cpus" in known_columns(PRESETS["rvtools"], "VINFO", [])
    assert "cores per cpu" in known_columns(PRESETS["rvtools"], "vHost", [])


def test_an_unknown_tool_has_no_known_columns():
    assert known_columns(None, "vInfo", ["VM"]) == {}


def test_columns_the_tools_disagree_about_are_no_names_for_others():
    headers = {entry.header for entry in foreign_columns(PRESETS, without="")}
    assert "Host" not in headers
    assert "NICs" in headers


def test_a_tool_is_not_among_its_own_foreign_columns():
    assert all(entry.title != "RVTools" for entry in foreign_columns(PRESETS, without="rvtools"))


def test_no_field_is_defined_twice_and_enums_list_their_values():
    assert all(name == field.name for name, field in FIELDS.items())
    assert all(bool(field.values) == (field.kind == "enum") for field in FIELDS.values())
    assert set(FIELDS) >= MULTI_VALUED


def test_no_alias_stands_twice_in_one_field():
    for field in FIELDS.values():
        doubled = [alias for alias, times in Counter(field.aliases).items() if times > 1]
        assert doubled == [], field.name
