"""What a profile says about the values of a column."""

from __future__ import annotations

import pytest

from masterflow.domain.fields import profile
from masterflow.domain.fields.shapes import as_number, shapes_of
from masterflow.domain.records import Column

COLUMN = Column("Anything", 3, "Anything")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("10.0.0.1", "ipv4"),
        ("10.0.0.1/24", "ipv4"),
        ("2404:f801::1", "ipv6"),
        ("[2404:f801::1,10.150.90.250];", "ip"),
        ("[00:50:56:8b:74:7a];", "mac"),
        ("0050.568b.747a", "mac"),
        ("server1.example.local", "fqdn"),
        ("wadfs1", "hostname"),
        ("4216a1b2-0c3d-4e5f-8a9b-0c1d2e3f4a5b", "uuid"),
        ("/subscriptions/abc/machines/x", "identifier"),
        ("16 GiB", "sized"),
        ("16 GiB", "unit:GiB"),
        ("61 GiB / 127 GiB", "sized"),
        ("3.4%", "percent"),
        ("0,55", "fraction"),
        ("1.234,5", "number"),
        ("poweredOn", "power_state"),
        ("2025-06-14 00:00", "date"),
        ("05.03.2024", "date"),
        ("6.0.0", "version"),
        ("Microsoft Windows Server 2012 (64-bit)", "os"),
        ("Windows 2012; Linux", "os"),
        ("Intel(R) Xeon(R) CPU E5-2680 0 @ 2.70GHz", "cpu"),
        ("CostCenter=123;BU=IT;Location=US", "tag"),
        ("a;b;c", "list"),
        ("Ana <ana@example.com>", "email"),
        ("https://example.com/x", "url"),
        ("C:\\", "disk_path"),
        ("Rehost", "six_r"),
        ("本番", "environment"),
        ("[];", "text"),
    ],
)
def test_a_value_has_a_shape(text, shape):
    assert shape in shapes_of(text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("6.0.0", "fqdn"),
        ("300.1.1.1", "ip"),
        ("web01", "number"),
        ("Intel Xeon", "os"),
        ("10.0.0.1;web", "ip"),
        ("12", "text"),
        ("5", "fraction"),
        ("1:2", "ip"),
    ],
)
def test_a_value_does_not_have_a_shape(text, shape):
    assert shape not in shapes_of(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234", 1234),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1.234.567", 1234567),
        ("0,5", 0.5),
        ("1 048 576", 1048576),
        ("-1", -1),
        ("12a", None),
    ],
)
def test_numbers_are_read_in_both_notations(text, number):
    assert as_number(text) == number


def test_blank_cells_and_words_for_nothing_are_not_filled():
    described = profile(COLUMN, [None, "", " ", "n/a", "NULL", "[];", "-", "web01"])
    assert (described.count, described.filled, described.distinct) == (8, 1, 1)
    assert described.samples == ("web01",)


def test_a_huge_cell_is_looked_at_only_at_its_beginning():
    described = profile(COLUMN, ["a" * 1_000_000])
    assert [len(sample) for sample in described.samples] == [200]


def test_numbers_give_minimum_and_maximum_over_all_values():
    described = profile(COLUMN, [4096.0, 8192, "1,024", True, 2.5])
    assert (described.minimum, described.maximum) == (2.5, 8192)


def test_a_column_without_values_has_no_shares():
    described = profile(COLUMN, [None, None])
    assert described.shares == {}
    assert described.share("ip") == 0.0
    assert described.minimum is None


def test_shares_are_measured_on_at_most_two_hundred_evenly_spaced_values():
    described = profile(COLUMN, ["10.0.0.1"] * 500 + ["web01"] * 500)
    assert described.sampled == 200
    assert described.shares["ipv4"] == 0.5


def test_the_real_workbook_gives_its_known_counts(table):
    columns = table("masterflow/data/rvtools-workshop.xlsx", "vInfo")
    names = profile(Column("VM", 1, "VM"), columns["VM"])
    memory = profile(Column("Memory", 5, "Memory"), columns["Memory"])
    assert (names.count, names.filled, names.distinct) == (805, 805, 805)
    assert sum(columns["Memory"]) == 10_774_868
    assert memory.shares["integer"] == 1.0
    assert columns["Powerstate"].count("poweredOn") == 763
