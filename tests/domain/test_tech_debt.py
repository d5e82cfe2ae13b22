"""Support states follow the dated facts of the catalogue to the day and are never assumed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.operating_systems import parse_os
from masterflow.domain.tech_debt import assess_lifecycle, debt_score, load_catalog, summarise
from masterflow.errors import InvalidInput

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCUMENT = json.loads((ROOT / "src/masterflow/data/endoflife.json").read_text("utf-8"))
CATALOG = load_catalog(DOCUMENT, as_of=DOCUMENT["commit_date"])
NAMED = [row[0] for row in json.loads((HERE / "golden" / "os.json").read_text("utf-8")) if row[1]]
TODAY = date(2026, 11, 20)
WORSE = ["supported", "mainstream_ended", "end_of_life", "extended_ended"]


def assess(text, on=TODAY, *, subject="operating_system", environment="", catalog=CATALOG):
    return assess_lifecycle(subject, text, catalog, on=on, environment=environment)


def catalog_of(**release):
    """A catalogue with one release line of CentOS 7, of the given dates."""
    entry = {"releaseCycle": "7", "releaseDate": "2014-07-07", **release}
    return load_catalog({"products": {"centos": {"releases": [entry]}}}, as_of="2026-08-22")


def test_the_bundled_catalogue_has_71_products_and_1360_releases():
    assert len(CATALOG.products) == 71
    assert sum(len(releases) for releases in CATALOG.products.values()) == 1360
    assert CATALOG.as_of == "2026-08-22"


@pytest.mark.parametrize(
    ("text", "cycle", "end", "extended"),
    [
        ("Windows Server 2012 R2", "2012-r2", date(2023, 10, 10), date(2026, 10, 13)),
        ("Windows Server 2012", "2012", date(2023, 10, 10), date(2026, 10, 13)),
        ("Windows Server 2008 R2", "2008-r2-sp1", date(2020, 1, 14), date(2023, 1, 10)),
        ("Windows Server 2008 R2 SP1", "2008-r2-sp1", date(2020, 1, 14), date(2023, 1, 10)),
        ("Windows Server 2016", "2016", date(2027, 1, 12), date(2030, 1, 12)),
        ("Windows Server 2003", "2003-sp2", date(2015, 7, 14), None),
        ("RHEL 6", "6", date(2020, 11, 30), date(2024, 6, 30)),
        ("RHEL 7.9", "7", date(2024, 6, 30), date(2029, 5, 31)),
        ("CentOS 7", "7", date(2024, 6, 30), None),
        ("CentOS 8", "8", date(2021, 12, 31), None),
        ("VMware ESXi 6.0.0", "6.0", date(2020, 3, 12), None),
        ("Debian 9", "9", date(2020, 7, 18), date(2022, 7, 1)),
    ],
)
def test_a_release_has_the_dates_of_its_maker(text, cycle, end, extended):
    finding = assess(text)
    assert (finding.cycle, finding.end_of_life, finding.extended_end) == (cycle, end, extended)
    assert finding.catalog_as_of == "2026-08-22"


@pytest.mark.parametrize(
    ("on", "state", "days_left"),
    [
        (date(2018, 10, 8), "supported", 1828),
        (date(2018, 10, 9), "supported", 1827),
        (date(2018, 10, 10), "mainstream_ended", 1826),
        (date(2023, 10, 9), "mainstream_ended", 1),
        (date(2023, 10, 10), "mainstream_ended", 0),
        (date(2023, 10, 11), "end_of_life", 1098),
        (date(2026, 10, 12), "end_of_life", 1),
        (date(2026, 10, 13), "end_of_life", 0),
        (date(2026, 10, 14), "extended_ended", -1),
    ],
)
def test_windows_server_2012_changes_state_the_day_after_each_date(on, state, days_left):
    finding = assess("Windows Server 2012 R2", on)
    assert (finding.state, finding.days_left) == (state, days_left)


def test_without_extended_support_the_days_count_from_the_end_of_life():
    finding = assess("CentOS 7", date(2024, 7, 2))
    assert (finding.state, finding.days_left) == ("end_of_life", -2)


@pytest.mark.parametrize(
    ("on", "environment", "severity"),
    [
        (date(2024, 7, 1), "Production", "critical"),
        (date(2024, 7, 1), " prod ", "critical"),
        (date(2024, 7, 1), "dev", "high"),
        (date(2024, 7, 1), "", "high"),
        (date(2024, 6, 30), "production", "high"),
        (date(2023, 7, 2), "", "high"),
        (date(2023, 7, 1), "", "medium"),
        (date(2020, 8, 7), "", "medium"),
        (date(2020, 8, 6), "", "none"),
    ],
)
def test_severity_follows_time_left_and_environment(on, environment, severity):
    assert assess("CentOS 7", on, environment=environment).severity == severity


@pytest.mark.parametrize(
    ("on", "severity"),
    [
        (date(2027, 1, 1), "none"),
        (date(2027, 1, 2), "low"),
        (date(2028, 1, 2), "medium"),
        (date(2029, 1, 1), "high"),
    ],
)
def test_severity_of_a_supported_release_rises_at_1095_730_and_365_days(on, severity):
    finding = assess("CentOS 7", on, catalog=catalog_of(eol="2029-12-31"))
    assert (finding.state, finding.severity) == ("supported", severity)


def test_production_is_asked_for_when_the_environment_is_not_known():
    asked = "the environment is not known: in production this would be critical"
    assert asked in assess("CentOS 7").reasons
    assert asked not in assess("CentOS 7", environment="test").reasons


@pytest.mark.parametrize(
    ("dates", "state", "end", "days_left"),
    [
        ({"eol": True}, "end_of_life", None, None),
        ({"eol": True, "eoes": True}, "extended_ended", None, None),
        ({"eol": True, "eoes": False}, "end_of_life", None, None),
        ({"eol": True, "eoes": "2027-01-01"}, "end_of_life", None, 42),
        ({"eol": False}, "supported", None, None),
        ({"eol": False, "eoas": "2020-01-01"}, "mainstream_ended", None, None),
        ({"eol": "2024-06-30", "eoes": True}, "extended_ended", date(2024, 6, 30), -873),
        ({}, "unknown", None, None),
    ],
)
def test_yes_and_no_in_place_of_dates_are_taken_as_such(dates, state, end, days_left):
    finding = assess("CentOS 7", catalog=catalog_of(**dates))
    assert (finding.state, finding.end_of_life, finding.days_left) == (state, end, days_left)


def test_a_release_without_any_date_says_that_the_catalogue_has_none():
    assert "no end of life" in assess("CentOS 7", catalog=catalog_of()).reasons[0]


def test_reasons_tell_what_the_catalogue_knows_without_a_date():
    reasons = assess("CentOS 7", catalog=catalog_of(eol=True, eoes=False)).reasons
    assert "support is over, the day is not in the catalogue" in reasons
    assert "no end of extended support was announced as of 2026-08-22" in reasons


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the text names no product"),
        ("Storage array", "the text names no product"),
        ("HP-UX 11i v3", "the catalogue has no such product"),
        ("Ubuntu Linux (64-bit)", "does not name one release"),
        ("Microsoft Windows Server 2016 or later (64-bit)", "does not name one release"),
        ("CentOS 4.9", "has no release '4'"),
        ("Windows 11", "not all have ended: 11-26h1-e, 11-26h1-w, 11-25h2-e, 11-25h2-w and 8 more"),
    ],
)
def test_what_cannot_be_matched_is_unknown_with_the_reason(text, reason):
    finding = assess(text)
    assert (finding.state, finding.severity, finding.cycle, finding.days_left) == ("unknown", "unknown", "", None)
    assert reason in finding.reasons[0]


def test_a_text_that_fits_only_ended_releases_takes_the_one_that_ended_last():
    finding = assess("SUSE Linux Enterprise 11 (64-bit)")
    assert (finding.cycle, finding.state) == ("11.4", "extended_ended")
    assert "11.4 ended last" in finding.reasons[0]


def test_a_service_pack_that_is_not_listed_falls_back_to_its_release():
    assert assess("Windows Server 2008 SP1").cycle == "2008-sp2"
    assert assess("Windows Server 2003 SP1").cycle == "2003-sp1"


def test_the_permalink_of_a_product_finds_it_too():
    assert CATALOG.match("esxi", "6.0").cycle == CATALOG.find(parse_os("VMware ESXi 6.0.0"))


@pytest.mark.parametrize(
    ("text", "product", "cycle"),
    [
        ("Microsoft SQL Server 2016 SP2", "Microsoft SQL Server", "13.0-sp2"),
        ("SQL Server 2008 R2 Enterprise", "Microsoft SQL Server", "10.50-sp3"),
        ("SQL Server 2008 SP3", "Microsoft SQL Server", "10.00-sp3"),
        ("SQL Server 13.0.5026", "Microsoft SQL Server", "13.0-sp3-acp"),
        ("MSSQL 2019", "Microsoft SQL Server", "15.0"),
        ("PostgreSQL 9.6.24", "PostgreSQL", "9.6"),
        ("postgres 13.4", "PostgreSQL", "13"),
        ("Oracle 19c", "Oracle Database", "19"),
        ("Oracle Database 11g Release 2", "Oracle Database", "11.2"),
        ("Oracle 11g R2", "Oracle Database", "11.2"),
        ("Oracle Database 11.2.0.4", "Oracle Database", "11.2"),
        ("Apache Tomcat 9.0.54", "Apache Tomcat", "9.0"),
        ("nginx/1.18.0", "nginx", "1.18"),
        ("Microsoft Exchange Server 2016", "Microsoft Exchange", "2016"),
        ("VMware ESXi 6.5.0", "VMware ESXi", "6.5"),
    ],
)
def test_software_is_found_by_the_names_of_the_catalogue(text, product, cycle):
    finding = assess(text, subject="database_version")
    assert (finding.product, finding.cycle) == (product, cycle)


@pytest.mark.parametrize("text", ["IIS 8.5", "WebSphere 8.5", "MySQL", "PostgreSQL 99.1", "mysqldump 5.7"])
def test_software_without_a_match_is_unknown(text):
    assert assess(text, subject="database_version").state == "unknown"


def test_software_in_a_field_of_operating_systems_is_not_taken_for_one():
    assert assess("PostgreSQL 9.6").state == "unknown"
    assert assess("PostgreSQL 9.6", subject="database_version").state == "end_of_life"


@given(st.sampled_from(NAMED), st.dates(date(1995, 1, 1), date(2045, 1, 1)), st.integers(0, 9000))
def test_a_state_only_gets_worse_as_days_pass(text, first, later):
    before, after = assess(text, first), assess(text, first + timedelta(days=later))
    if before.state == "unknown":
        assert after.state == "unknown"
    else:
        assert WORSE.index(after.state) >= WORSE.index(before.state)


@given(st.lists(st.sampled_from(NAMED), min_size=1), st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_the_score_lies_between_0_and_100_and_only_grows(texts, on):
    now = debt_score([assess(text, on) for text in texts])
    later = debt_score([assess(text, on + timedelta(days=400)) for text in texts])
    if now is None:
        assert later is None
    else:
        assert 0 <= now.value <= later.value <= 100
        assert sum(part.points for part in now.parts) == pytest.approx(now.value * now.known)
        assert now.known + now.unknown == len(texts)


def test_a_score_shows_its_parts():
    texts = ["RHEL 6", "RHEL 7", "RHEL 9", "Windows Server 2016", "RHEL 8", "ESXi 8.0", "Ubuntu"]
    score = debt_score([assess(text) for text in texts])
    parts = {part.state: (part.count, part.points) for part in score.parts}
    assert parts == {
        "extended_ended": (1, 100),
        "end_of_life": (1, 85),
        "mainstream_ended": (2, 60 + 40),
        "supported": (2, 60),
    }
    assert (score.value, score.known, score.unknown) == (345 / 6, 6, 1)


def test_less_than_two_years_left_counts_a_little():
    assert debt_score([assess("RHEL 9", date(2026, 1, 1))]).value == 0
    assert debt_score([assess("Rocky Linux 9", date(2027, 5, 31))]).value == 0
    assert debt_score([assess("CentOS 7", date(2028, 1, 2), catalog=catalog_of(eol="2029-12-31"))]).value == 20


def test_there_is_no_score_where_nothing_is_known():
    assert debt_score([assess("Ubuntu"), assess("")]) is None
    assert debt_score([]) is None


def test_the_workbook_is_summed_up_by_state_release_and_quarter():
    book = openpyxl.load_workbook(ROOT / "src/masterflow/data/rvtools-workshop.xlsx", read_only=True)
    texts = [row[12] for row in book["vInfo"].iter_rows(min_row=2, values_only=True) if row[0]]
    book.close()
    summary = summarise([assess(text) for text in texts], on=TODAY)
    assert summary.by_state == {
        "end_of_life": 67 + 8 + 3 + 1,
        "extended_ended": 346 + 328 + 4 + 22 + 5 + 9,
        "mainstream_ended": 5,
        "unknown": 7,
    }
    assert sum(summary.by_state.values()) == 805
    assert summary.by_product[0] == (
        "Windows Server",
        "2008-r2-sp1",
        "extended_ended",
        346,
        date(2020, 1, 14),
    )
    assert dict(summary.cliff)["2023Q4"] == 328
    assert dict(summary.cliff)["2020Q1"] == 346 + 4 + 8
    assert dict(summary.cliff)["2027Q1"] == 5
    assert sum(count for _, count in summary.cliff) == 798
    assert summary.unmatched == (
        ("Other 3.x or later Linux (64-bit)", 5),
        ("CentOS 4/5/6/7 (64-bit)", 1),
        ("Other 2.6.x Linux (64-bit)", 1),
    )
    assert (summary.on, summary.catalog_as_of) == (TODAY, "2026-08-22")


def test_every_host_of_the_workbook_runs_a_hypervisor_that_is_judged():
    book = openpyxl.load_workbook(ROOT / "src/masterflow/data/rvtools-workshop.xlsx", read_only=True)
    head, *rows = book["vHost"].iter_rows(values_only=True)
    book.close()
    texts = [row[head.index("ESX Version")] for row in rows if row[0]]
    findings = [assess(text, subject="os_version") for text in texts]
    assert len(findings) == 34
    assert Counter((finding.cycle, finding.state) for finding in findings) == {("6.0", "end_of_life"): 34}


def test_a_summary_does_not_depend_on_the_order_of_the_findings():
    findings = [assess(text) for text in NAMED]
    assert summarise(findings, on=TODAY) == summarise(findings[::-1], on=TODAY)


def test_a_summary_of_nothing_is_empty():
    summary = summarise([], on=TODAY)
    assert (summary.by_state, summary.by_product, summary.cliff, summary.catalog_as_of) == ({}, (), (), "")


def test_every_end_of_a_release_is_read_as_it_stands_in_the_document():
    kinds = Counter(
        type(release.end_of_life).__name__ for releases in CATALOG.products.values() for release in releases
    )
    assert kinds == {"date": 1297, "bool": 45 + 18}


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({}, {}),
        ({"products": []}, {}),
        ({"products": {"rhel": {}}}, {"product": "rhel"}),
        ({"products": {"rhel": {"releases": [{"eol": True}]}}}, {"product": "rhel"}),
        (
            {"products": {"rhel": {"releases": [{"releaseCycle": "7", "eol": "soon"}]}}},
            {"product": "rhel", "release": "7"},
        ),
    ],
)
def test_a_document_of_another_shape_is_refused_with_the_place(document, where):
    with pytest.raises(InvalidInput) as refused:
        load_catalog(document, as_of="2026-08-22")
    assert refused.value.where == where


def test_a_catalogue_needs_the_day_it_is_of():
    with pytest.raises(InvalidInput, match="is not a date"):
        load_catalog(DOCUMENT, as_of="yesterday")
