"""Dates, addresses, host names and lists: what is read, what is refused, what is derived."""

import pytest

from domain.cells import PLAIN, column, read
from masterflow.domain.cleansing import MappedColumn, cleanse
from masterflow.domain.records import Record


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [
        ("2026-11-20", "", "2026-11-20"),
        ("2023-07-25T06:12:34.1674501Z", "", "2023-07-25T06:12:34.167450Z"),
        ("2016/03/12 10:11:12", "", "2016-03-12T10:11:12"),
        ("20260712", "", "2026-07-12"),
        ("31.12.2020", "", "2020-12-31"),
        ("31/12/2020", "", "2020-12-31"),
        ("12/31/2020 1:05 PM", "", "2020-12-31T13:05:00"),
        ("12/31/2020 12:05 am", "", "2020-12-31T00:05:00"),
        ("03/03/2020", "", "2020-03-03"),
        ("03/04/2020", "dmy", "2020-04-03"),
        ("03/04/2020", "MDY", "2020-03-04"),
        ("25-Jul-2023", "", "2023-07-25"),
        ("July 25, 2023", "", "2023-07-25"),
        ("2023-07-25 06:12+0200", "", "2023-07-25T06:12:00+02:00"),
        (45000, "", "2023-03-15"),
        ("45000", "", "2023-03-15"),
        (45000.5, "", "2023-03-15T12:00:00"),
    ],
)
def test_dates_become_iso_8601(raw, unit, value):
    assert read(raw, column("discovered_at", "date", unit)) == (value, [])


@pytest.mark.parametrize(
    "raw",
    [
        *("2026-02-30", "soon", True, 7, 1e12, float("nan"), "25-Xyz-2023", "2023-07-25 25:00"),
        *("1/1/2020 13:00 pm", "2023-07-25 06:12 +99:00", "31/31/2020", 2958465.9999999),
    ],
)
def test_what_is_no_date_is_refused(raw):
    assert read(raw, column("discovered_at", "date")) == (None, ["date_unreadable"])


def test_day_and_month_that_can_be_exchanged_are_not_guessed():
    assert read("03/04/2020", column("discovered_at", "date")) == (None, ["date_ambiguous"])


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("10.0.0.5", ["10.0.0.5"]),
        ("[10.0.0.5,2404:F801::1];", ["10.0.0.5", "2404:f801::1"]),
        ("10.0.0.5;10.0.0.6;", ["10.0.0.5", "10.0.0.6"]),
        ("10.0.0.5, 10.0.0.6, 10.0.0.5", ["10.0.0.5", "10.0.0.6"]),
        ("10.0.0.5/24", ["10.0.0.5"]),
        ("fe80::1%12", ["fe80::1"]),
    ],
)
def test_address_lists_are_read_in_every_spelling(raw, value):
    assert read(raw, column("ip_address", "ip")) == (value, [])


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("10.0.0.300", None, ["ip_invalid"]),
        ("127.0.0.1;10.0.0.5", ["10.0.0.5"], ["ip_unusable"]),
        ("0.0.0.0", None, ["ip_unusable"]),  # noqa: S104 - a cell, no socket
        ("::", None, ["ip_unusable"]),
        (167772165, None, ["ip_invalid"]),
    ],
)
def test_addresses_nobody_can_use_are_left_out_with_an_issue(raw, value, codes):
    assert read(raw, column("ip_address", "ip")) == (value, codes)


def test_an_end_of_a_dependency_is_one_address():
    assert read("10.0.0.5", column("target_ip", "ip"))[0] == "10.0.0.5"
    assert read("10.0.0.5;10.0.0.6", column("target_ip", "ip"))[0] == ["10.0.0.5", "10.0.0.6"]


@pytest.mark.parametrize("raw", ["00:50:56:8B:74:7A", "00-50-56-8b-74-7a", "0050.568b.747a", "[0050568B747A];"])
def test_mac_addresses_get_one_form(raw):
    assert read(raw, column("mac_address", "mac")) == (["00:50:56:8b:74:7a"], [])


@pytest.mark.parametrize(
    ("raw", "code"), [("00:50:56", "mac_invalid"), ("00:00:00:00:00:00", "mac_unusable"), ("x" * 40, "mac_invalid")]
)
def test_a_mac_that_names_no_card_is_left_out(raw, code):
    assert read(raw, column("mac_address", "mac")) == (None, [code])


def test_an_fqdn_is_lower_case_and_gives_the_short_name():
    clean, _ = cleanse(Record("S", 2, {"Cell": "Web01.Example.COM."}), "r", PLAIN, [column("fqdn", "fqdn")])
    assert clean.values["fqdn"].value == "web01.example.com"
    assert clean.values["hostname"].value == "web01"
    assert clean.values["hostname"].transform == ("lower", "short name of fqdn")
    assert clean.values["hostname"].raw == "Web01.Example.COM."


def test_a_host_name_with_a_domain_gives_the_fqdn():
    clean, _ = cleanse(Record("S", 2, {"Cell": "web01.example.com"}), "r", PLAIN, [column("hostname")])
    assert (clean.values["hostname"].value, clean.values["fqdn"].value) == ("web01", "web01.example.com")


def test_a_mapped_host_name_wins_over_the_derived_one():
    columns = [column("fqdn", "fqdn"), MappedColumn("Host", "hostname", "text", "", "")]
    clean, _ = cleanse(Record("S", 2, {"Cell": "a.example.com", "Host": "B"}), "r", PLAIN, columns)
    assert clean.values["hostname"].value == "b"


@pytest.mark.parametrize(
    ("target", "raw", "value", "codes"),
    [
        ("fqdn", "localhost", None, ["hostname_meaningless"]),
        ("hostname", "10.0.0.5", None, ["hostname_is_ip"]),
        ("host_name", "10.0.0.5", "10.0.0.5", []),
        ("host_name", "ESX-01", "esx-01", []),
        ("fqdn", "two words", None, ["hostname_invalid"]),
        ("fqdn", "a..b", None, ["hostname_invalid"]),
    ],
)
def test_names_that_are_no_host_names_are_refused(target, raw, value, codes):
    assert read(raw, column(target, "fqdn")) == (value, codes)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("a;b;", ["a", "b"]),
        ("[a,b];", ["a", "b"]),
        ("k=v;x=y", ["k=v", "x=y"]),
        ("a, b, a", ["a", "b"]),
        ("Doe, John; Roe, Jane", ["Doe, John", "Roe, Jane"]),
        ("one\ntwo", ["one", "two"]),
        ('["a", "b"]', ["a", "b"]),
        (";;", None),
    ],
)
def test_lists_are_split(raw, value):
    assert read(raw, column("asset_tags", "list")) == (value, [])


def test_an_item_longer_than_a_field_is_refused_alone():
    assert read("a;" + "x" * 300, column("asset_tags", "list")) == (["a"], ["text_too_long"])
