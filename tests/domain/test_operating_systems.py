"""Operating system names of real exports and of people are read alike, and never guessed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.operating_systems import OperatingSystem, compare_systems, parse_os, same_system
from masterflow.domain.tech_debt import load_catalog

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOLDEN = json.loads((HERE / "golden" / "os.json").read_text("utf-8"))
NAMED = [row[0] for row in GOLDEN if row[1] is not None]
UNNAMED = [row[0] for row in GOLDEN if row[1] is None]
CONFIGURED, TOOLS = 12, 13


@pytest.fixture(scope="module")
def catalog():
    document = json.loads((ROOT / "src/masterflow/data/endoflife.json").read_text("utf-8"))
    return load_catalog(document, as_of=document["commit_date"])


@pytest.fixture(scope="module")
def virtual_machines():
    book = openpyxl.load_workbook(ROOT / "src/masterflow/data/rvtools-workshop.xlsx", read_only=True)
    rows = [row for row in book["vInfo"].iter_rows(min_row=2, values_only=True) if row[0]]
    book.close()
    return rows


def system(text: str) -> OperatingSystem:
    found = parse_os(text)
    assert found is not None, text
    return found


def test_the_golden_list_has_enough_texts():
    assert len(NAMED) >= 120
    assert len(set(NAMED)) == len(NAMED)


@pytest.mark.parametrize("row", [row for row in GOLDEN if row[1]], ids=lambda row: row[0])
def test_a_golden_text_gives_product_version_slug_and_cycle(row, catalog):
    text, product, version, slug, cycle = row
    found = system(text)
    match = catalog.find(found)
    assert (found.product, found.version, found.slug, match.cycle if match else "") == (
        product,
        version,
        slug,
        cycle,
    )


@pytest.mark.parametrize("text", UNNAMED)
def test_a_text_that_names_no_system_is_not_recognised(text):
    assert parse_os(text) is None


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row[0])
def test_every_slug_is_a_product_of_the_catalogue(row, catalog):
    assert not row[3] or row[3] in catalog.products


@pytest.mark.parametrize("text", NAMED)
def test_case_and_spaces_do_not_matter(text):
    assert parse_os(f"  {text.upper()} ") == parse_os(text.lower())


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("Microsoft Windows Server 2003 (32-bit)", 32),
        ("Microsoft Windows Server 2003 (64-bit)", 64),
        ("Windows 7 x86", 32),
        ("Windows 2012 R2 x64", 64),
        ("Windows Server 2016", None),
        ("CentOS 7 x86_64", 64),
        ("Debian 9 i686", 32),
        ("Ubuntu 22.04 aarch64", 64),
    ],
)
def test_the_width_is_read_where_it_is_named(text, bits):
    assert system(text).bits == bits


@pytest.mark.parametrize(
    ("text", "edition"),
    [
        ("Microsoft Windows Server 2003 Standard (32-bit)", "Standard"),
        ("Win2k8 R2 Ent x64 SP1", "Enterprise SP1"),
        ("Windows Server 2019 Datacenter", "Datacenter"),
        ("Red Hat Enterprise Linux 7", ""),
        ("SUSE Linux Enterprise Server 12 SP5", ""),
        ("Windows 10 IoT Enterprise LTSC 2021", "Enterprise IoT LTSC"),
    ],
)
def test_the_edition_is_kept_beside_product_and_version(text, edition):
    assert system(text).edition == edition


@pytest.mark.parametrize(
    ("text", "is_server"),
    [
        ("Windows Server 2016", True),
        ("Windows 10 Pro", False),
        ("Windows", None),
        ("Red Hat Enterprise Linux Server release 6.5 (Santiago)", True),
        ("Red Hat Enterprise Linux 6 (64-bit)", None),
        ("Red Hat Enterprise Linux Workstation 7.9", False),
        ("VMware ESXi 6.0.0", True),
        ("macOS 13.4", False),
    ],
)
def test_server_or_client_is_said_only_when_the_text_shows_it(text, is_server):
    assert system(text).is_server is is_server


@pytest.mark.parametrize(
    "text",
    [
        "Microsoft Windows Server 2016 or later (64-bit)",
        "Windows Server 2012/2016",
        "Windows 10 or later",
        "CentOS 4/5/6/7 (64-bit)",
        "VMware ESXi 6.5 or later",
        "Ubuntu Linux (64-bit)",
        "Windows Server 10.0.17763",
        "Windows 10 Enterprise LTSC",
        "Red Hat Linux 9",
        "Microsoft Windows 11 (64-bit)",
        "Oracle Solaris 11 (64-bit)",
        "AIX 7.2.0.0",
        "SUSE Linux Enterprise 15 (64-bit)",
    ],
)
def test_a_text_without_one_release_is_recognised_but_matched_to_none(text, catalog):
    assert catalog.find(system(text)) is None


def test_a_technology_level_that_is_named_is_matched(catalog):
    assert catalog.find(system("AIX 7.2.5.0")).cycle == "7.2.5"
    assert catalog.find(system("AIX")) is None


def test_all_operating_systems_of_the_workbook_are_recognised(virtual_machines):
    assert len(virtual_machines) == 805
    texts = [row[column] for row in virtual_machines for column in (CONFIGURED, TOOLS) if row[column]]
    assert len(texts) == 805 + 805 - 19
    assert [text for text in texts if parse_os(text) is None] == []


def test_the_workbook_counts_by_version_are_those_of_the_anchors(virtual_machines):
    counts = Counter((found.product, found.version) for found in (system(row[CONFIGURED]) for row in virtual_machines))
    assert counts["Windows Server", "2008 R2"] == 346
    assert counts["Windows Server", "2012"] == 328
    assert counts["Windows Server", "2003"] == 57 + 10
    assert counts["Red Hat Enterprise Linux", "6"] == 22
    assert counts["Red Hat Enterprise Linux", "5"] == 5
    assert counts["SUSE Linux Enterprise", "11"] == 9
    assert counts["Windows", "7"] == 8
    assert counts["Windows", "XP"] == 3
    assert counts["Windows Server", "2016"] == 5


def test_the_catalogue_matches_798_of_the_805_configured_systems(virtual_machines, catalog):
    found = [system(row[CONFIGURED]) for row in virtual_machines]
    unmatched = Counter((one.product, one.version) for one in found if catalog.find(one) is None)
    assert unmatched == {("Linux", "3.x or later"): 5, ("Linux", "2.6.x"): 1, ("CentOS", "4/5/6/7"): 1}


def test_the_catalogue_matches_the_azure_report_but_for_what_names_no_release(catalog):
    path = ROOT / "tests/data/azure_migrate/AzureMigrate_Discovery_Report.xlsx"
    book = openpyxl.load_workbook(path, read_only=True)
    head, *rows = book["Discovery_Report"].iter_rows(values_only=True)
    book.close()
    texts = [row[head.index("Operating System")] for row in rows if row[0]]
    assert len(texts) == 294
    unmatched = Counter(text for text in texts if catalog.find(system(text)) is None)
    assert unmatched == {
        "Microsoft Windows Server 2016 or later (64-bit)": 161,
        "Ubuntu Linux (64-bit)": 37,
        "VMware Photon OS (64-bit)": 1,
    }


def test_17_machines_name_two_systems_and_14_of_them_contradict(virtual_machines):
    pairs = [(row[CONFIGURED], row[TOOLS]) for row in virtual_machines if row[CONFIGURED] and row[TOOLS]]
    assert sum(one != other for one, other in pairs) == 17
    agreement = Counter(compare_systems(system(one), system(other)) for one, other in pairs)
    assert agreement == {"same": 769, "conflict": 14, "vaguer": 2, "detail": 1}
    assert sum(not same_system(system(one), system(other)) for one, other in pairs) == 14


@pytest.mark.parametrize(
    ("left", "right", "agreement"),
    [
        ("Windows Server 2008 (32-bit)", "Windows Server 2008 (64-bit)", "detail"),
        ("Windows Server 2003 Standard", "Windows Server 2003", "detail"),
        ("Windows Server 2008", "Windows Server 2008 R2", "conflict"),
        ("Windows Server 2012", "Windows Server 2012 R2", "conflict"),
        ("Windows Server 2008 R2", "Red Hat Enterprise Linux 6", "conflict"),
        ("Windows Server 2016 or later", "Windows Server 2019", "vaguer"),
        ("Windows Server 2016 or later", "Windows Server 2012 R2", "conflict"),
        ("Windows Server 2016 or later", "Windows Server 2012 or later", "vaguer"),
        ("Windows Server", "Windows Server 2019", "vaguer"),
        ("Windows", "Windows Server 2019", "vaguer"),
        ("Windows 10", "Windows Server 2016", "conflict"),
        ("Windows 10", "Windows 10 Pro 22H2", "vaguer"),
        ("Windows 8", "Windows 8.1", "conflict"),
        ("RHEL 7", "RHEL 7.9", "vaguer"),
        ("RHEL 7.8", "RHEL 7.9", "conflict"),
        ("RHEL 7", "CentOS 7", "conflict"),
        ("RHEL 6", "Other 2.6.x Linux (64-bit)", "vaguer"),
        ("RHEL 6", "Other 3.x or later Linux (64-bit)", "conflict"),
        ("RHEL 8", "Other 3.x or later Linux (64-bit)", "vaguer"),
        ("Other 2.6.x Linux", "Other 3.x or later Linux", "conflict"),
        ("Other Linux (64-bit)", "SUSE Linux Enterprise 11 (64-bit)", "vaguer"),
        ("Other 3.x or later Linux (64-bit)", "SUSE Linux Enterprise 11 (64-bit)", "vaguer"),
        ("Other Linux (64-bit)", "FreeBSD (64-bit)", "conflict"),
        ("Other (64-bit)", "FreeBSD (64-bit)", "vaguer"),
        ("Oracle Solaris 10 (64-bit)", "FreeBSD (64-bit)", "conflict"),
        ("CentOS 4/5/6/7 (64-bit)", "CentOS 7", "vaguer"),
        ("CentOS 4/5/6/7 (64-bit)", "CentOS 8", "conflict"),
        ("CentOS 8", "CentOS Stream 8", "vaguer"),
        ("SLES 12", "SLES 12 SP5", "vaguer"),
        ("SLES 12 SP4", "SLES 12 SP5", "conflict"),
        ("Ubuntu 20.04", "Ubuntu 20.04.6 LTS", "vaguer"),
        ("VMware ESXi 6.x", "VMware ESXi 6.7.0", "vaguer"),
        ("Ubuntu 20.04", "Ubuntu 20.04", "same"),
    ],
)
def test_two_statements_agree_as_far_as_product_and_version_allow(left, right, agreement):
    assert compare_systems(system(left), system(right)) == agreement
    assert same_system(system(left), system(right)) is (agreement != "conflict")


@given(st.sampled_from(NAMED), st.sampled_from(NAMED))
def test_agreement_does_not_depend_on_the_order(left, right):
    assert compare_systems(system(left), system(right)) == compare_systems(system(right), system(left))


@given(st.sampled_from(NAMED))
def test_every_system_agrees_with_itself(text):
    assert compare_systems(system(text), system(text)) == "same"


@given(st.text(max_size=80))
def test_any_text_is_read_without_error(text):
    found = parse_os(text)
    assert found is None or found.product


@given(st.sampled_from(NAMED), st.text(alphabet="0123456789. spr2/x-", max_size=20))
def test_any_version_text_behind_a_name_is_read_without_error(name, version):
    found = parse_os(f"{name} {version}")
    assert found is None or found.product
