"""Numbers in two notations, quantities with units, conversions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.units import (
    convert,
    decimal_mark,
    factor_text,
    is_ambiguous,
    parse_number,
    parse_quantity,
    to_gib,
)
from masterflow.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (4096, "MB", 4),
        (4096, "MiB", 4),
        (1048576, "KB", 1),
        (16, "gb", 16),
        (1, "TiB", 1024),
        (1, "pb", 1024**2),
        (2**30, "bytes", 1),
        (512, "Mo", 0.5),
    ],
)
def test_sizes_of_inventory_tools_are_binary(value, unit, expected):
    assert to_gib(value, unit) == expected


def test_a_decimal_unit_must_be_written_out():
    assert to_gib(1, "GB decimal") == pytest.approx(10**9 / 2**30)
    assert to_gib(1, "GB") == 1


def test_a_word_that_is_no_size_is_refused():
    with pytest.raises(InvalidInput, match="MHz"):
        to_gib(1, "MHz")


@pytest.mark.parametrize(
    ("value", "unit", "target", "expected"),
    [
        (2.7, "GHz", "MHz", 2700),
        (8, "Gbit/s", "Mbit/s", 8000),
        (1024, "KB/s", "Mbit/s", 8.388608),
        (5, "anything", "", 5),
        (5, " percent", "Percent", 5),
        (1536, "MB", "GiB", 1.5),
    ],
)
def test_frequencies_rates_and_sizes_convert(value, unit, target, expected):
    assert convert(value, unit, target) == pytest.approx(expected)


@pytest.mark.parametrize(("unit", "target"), [("GiB", "MHz"), ("MHz", "GiB"), ("", "Mbit/s"), ("x", "y")])
def test_units_of_different_things_do_not_convert(unit, target):
    with pytest.raises(InvalidInput):
        convert(1, unit, target)


@pytest.mark.parametrize(
    ("unit", "target", "text"), [("MB", "GiB", " /1024"), ("TB", "GiB", " *1024"), ("GB", "GiB", "")]
)
def test_a_conversion_can_be_told(unit, target, text):
    assert factor_text(unit, target) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234", 1234),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("1.234.567", 1234567),
        ("1,234,567", 1234567),
        ("1,5", 1.5),
        ("0.375", 0.375),
        ("0,375", 0.375),
        ("1234.567", 1234.567),
        ("1 234,5", 1234.5),
        ("1\u00a0234,5", 1234.5),
        ("1'234.5", 1234.5),
        ("-7", -7),
        ("\u22127", -7),
        ("1e3", 1000),
        (".5", 0.5),
        ("5.", 5),
    ],
)
def test_unambiguous_numbers_are_read_in_either_notation(text, expected):
    assert parse_number(text) == expected


@pytest.mark.parametrize(
    "text", ["", "abc", "1.2.3", "12,34,5", "1.234,5,6", "12,3456.7", "1,2,3.4", "1 2", "1'23", "--1", "9" * 80]
)
def test_texts_that_are_no_number_give_none(text):
    assert parse_number(text) is None


def test_a_number_too_large_for_a_float_gives_none():
    assert parse_number("1e999") is None


@pytest.mark.parametrize(("decimal", "expected"), [(None, None), (".", 1.234), (",", 1234)])
def test_an_ambiguous_number_is_decided_by_the_column_only(decimal, expected):
    assert is_ambiguous("1.234")
    assert parse_number("1.234", decimal=decimal) == expected


def test_a_comma_group_is_as_ambiguous():
    assert parse_number("12,345", decimal=".") == 12345
    assert parse_number("12,345", decimal=",") == 12.345


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16 GiB", (16.0, "GiB")),
        ("1.234,5 MB", (1234.5, "MB")),
        (" 35 % ", (35.0, "%")),
        ("250", (250.0, "")),
        ("2.70GHz", (2.7, "GHz")),
        ("1 GB decimal", (1.0, "GB decimal")),
        ("100 Mbit/s", (100.0, "Mbit/s")),
    ],
)
def test_a_quantity_is_split_into_number_and_unit(text, expected):
    assert parse_quantity(text) == expected


@pytest.mark.parametrize("text", ["61 GiB / 127 GiB", "GiB", "16 GiB free space", "4x2", "", "1.234 MB", "1" * 200])
def test_what_is_not_one_quantity_gives_none(text):
    assert parse_quantity(text) is None


def test_the_decimal_mark_of_the_column_decides_a_quantity():
    assert parse_quantity("1.234 MB", decimal=",") == (1234.0, "MB")


@given(st.floats(min_value=0, max_value=1e9), st.sampled_from([",", "."]))
def test_a_number_written_in_either_notation_reads_back(value, decimal):
    written = f"{value:,.2f}"
    if decimal == ",":
        written = written.translate(str.maketrans(",.", ".,"))
    assert parse_number(written, decimal=decimal) == float(f"{value:.2f}")


@given(st.text(max_size=30), st.sampled_from([None, ",", "."]))
def test_reading_a_number_never_raises(text, decimal):
    number = parse_number(text, decimal=decimal)
    quantity = parse_quantity(text, decimal=decimal)
    assert number is None or quantity is None or quantity[0] == number or quantity[1]


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["1.024", "7,5"], ","),
        (["1,024", "0.75"], "."),
        (["1.234.567"], ","),
        (["1,234,567.5", "12"], "."),
        (["1.234", "12,345"], None),
        (["0.5", "0,5"], None),
        (["many", "", "12"], None),
    ],
)
def test_the_decimal_mark_of_a_column_is_what_its_unambiguous_cells_show(texts, mark):
    assert decimal_mark(texts) == mark
