"""The real inventories: their known counts, cell by cell agreement with openpyxl, and their source."""

import csv
import hashlib
from collections import Counter
from datetime import datetime
from itertools import pairwise

import openpyxl
import pytest

from domain.importing.build import DATA, WORKSHOP, reading
from masterflow.domain.importing import inspect

WORKBOOKS = [WORKSHOP, *sorted(DATA.glob("*/*.xlsx"))]


def test_the_workshop_workbook_has_its_known_rows_and_not_those_its_dimension_claims():
    ends = {end.name: end for end in reading(WORKSHOP.read_bytes(), "a.xlsx").ends}
    assert {name: end.records for name, end in ends.items()} == {
        "vInfo": 805,
        "vNetwork": 805,
        "vPartition": 1618,
        "vHost": 34,
    }
    assert ends["vInfo"].empty_rows == 3504 - 1 - 805
    assert all(end.rejected == 0 for end in ends.values())


def test_the_workshop_workbook_gives_its_anchors():
    found = reading(WORKSHOP.read_bytes(), "a.xlsx")
    machines = [record.values for record in found.records if record.sheet == "vInfo"]
    assert len({machine["VM"] for machine in machines}) == 805
    assert Counter(machine["Powerstate"] for machine in machines) == {"poweredOn": 763, "poweredOff": 42}
    assert sum(machine["CPUs"] for machine in machines) == 2_741
    assert sum(machine["Memory"] for machine in machines) == 10_774_868
    assert found.issues == []


def test_a_trailing_blank_stays_in_the_name_of_a_column_but_not_in_its_key():
    partition = reading(WORKSHOP.read_bytes(), "a.xlsx").headers[2]
    column = partition.columns[7]
    assert (column.name, column.key, column.position) == ("Free % ", "Free %", 8)


def _plain(value):
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value == "" else value


def _openpyxl_rows(path):
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            values = [_plain(cell) for cell in cells]
            if number > 1 and any(value is not None for value in values):
                yield sheet.title, number, values
    book.close()


@pytest.mark.parametrize("path", WORKBOOKS, ids=lambda path: path.name)
def test_every_cell_of_a_real_workbook_is_the_one_openpyxl_reads(path):
    ours = [(r.sheet, r.row, list(r.values.values())) for r in reading(path.read_bytes(), path.name).records]
    theirs = list(_openpyxl_rows(path))
    assert len(ours) == len(theirs)
    for (sheet, number, values), (their_sheet, their_number, their_values) in zip(ours, theirs, strict=True):
        padded = their_values + [None] * (len(values) - len(their_values))
        assert (sheet, number, values) == (their_sheet, their_number, padded)


def test_the_azure_report_has_294_servers_as_its_openpyxl_reading():
    ends = reading((DATA / "azure_migrate/AzureMigrate_Discovery_Report.xlsx").read_bytes(), "a.xlsx").ends
    assert {end.name: end.records for end in ends} == {"Properties": 1, "Discovery_Report": 294}


# Konveyor's files hold rows that its own importer refuses; they have their own tests below.
TEXTS = sorted(DATA.glob("[!k]*/*.csv"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_field_of_a_real_csv_is_the_one_the_csv_module_reads(path):
    found = reading(path.read_bytes(), path.name)
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    width = len(header)
    assert found.rows == [[field or None for field in row] + [None] * (width - len(row)) for row in rows]


SOURCES = {
    "rvtools/mjvincent_rvtools-small-complete.xlsx": "rvtools",
    "azure_migrate/AzureMigrate_Discovery_Report.xlsx": "azure_migrate_discovery",
    "aws_cmf/cmf_intake_server-list.csv": "aws_cmf",
    "aws_cmf/cmf_intake_test_valid.xlsx": "aws_cmf",
    "konveyor/edge_invalid_record_type_21.csv": "konveyor",
    "konveyor/edge_mandatory_and_empty_row_21.csv": "konveyor",
    "konveyor/sample-applications.csv": "konveyor",
    "konveyor/template_application_import.csv": "konveyor",
    "dependencies/shabbirnkhan_dependency-export-sample.csv": "azure_migrate_dependencies",
    "focus/focus_1.0_sample_head.csv": "focus",
    "focus/saas_spend_agreements_b2.csv": "focus",
    "azure_cost/headers_Enterprise.csv": "azure_cost",
    "azure_cost/headers_EnterpriseCamel.csv": "azure_cost",
    "azure_cost/headers_PayAsYouGo.csv": "azure_cost",
    "azure_cost/opencost_azure_billing_export_sample.csv": "azure_cost",
}


@pytest.mark.parametrize(("path", "source"), SOURCES.items())
def test_the_source_of_a_real_file_is_known_by_its_headers(path, source):
    found = inspect((DATA / path).read_bytes(), file_name="upload")
    assert found.source.name == source
    assert found.source.evidence
    assert set(found.source.roles) == {sheet.header.name for sheet in found.sheets}


def test_every_sheet_of_the_small_rvtools_file_has_its_role():
    content = (DATA / "rvtools/mjvincent_rvtools-small-complete.xlsx").read_bytes()
    roles = inspect(content, file_name="a.xlsx").source.roles
    assert len(roles) == 17
    by_kind = {kind: {name for name, role in roles.items() if role.kind == kind} for kind in ("asset", "ignored")}
    assert by_kind == {"asset": {"vInfo", "vHost", "vCluster"}, "ignored": {"vHealth", "dvSwitch"}}
    assert roles["vCluster"].key_column == "Cluster"
    assert {roles[name].key_column for name in ("vDisk", "vCPU", "vTools", "vPort", "dvPort")} == {"VM"}
    assert (roles["vSwitch"].asset_type, roles["vSwitch"].key_column) == ("host", "Host")


def test_konveyor_rows_with_a_wrong_record_type_are_rejected_one_by_one():
    found = reading((DATA / "konveyor/edge_invalid_record_type_21.csv").read_bytes(), "a.csv")
    assert [(issue.place.row, issue.severity) for issue in found.issues] == [(2, "error"), (3, "error")]
    assert found.ends[0].rejected == 2


def test_a_blank_konveyor_row_is_one_issue_and_the_others_are_kept():
    found = reading((DATA / "konveyor/edge_mandatory_and_empty_row_21.csv").read_bytes(), "a.csv")
    assert [(issue.code, issue.place.row) for issue in found.issues] == [("blank_row", 3)]
    assert (found.ends[0].records, found.ends[0].empty_rows) == (2, 1)


def test_a_blank_after_the_comma_does_not_split_quoted_konveyor_owners():
    found = reading((DATA / "konveyor/template_application_import.csv").read_bytes(), "a.csv")
    assert found.records[0].values["Contributors"] == (
        "Sam Taylor <sam.taylor@example.com>, Jamie Lee <jamie.lee@example.com>"
    )
    assert found.codes == []


def test_the_charges_of_a_bill_are_not_read_as_assets_and_the_summary_says_so():
    found = inspect((DATA / "focus/focus_1.0_sample_head.csv").read_bytes(), file_name="a.csv")
    assert found.sheets[0].role.kind == "ignored"
    assert any("charges" in line for line in found.source.evidence)


def test_a_summary_identifies_the_file_and_samples_its_columns_evenly():
    content = WORKSHOP.read_bytes()
    found = inspect(content, file_name="a.xlsx")
    assert (found.sha256, found.size) == (hashlib.sha256(content).hexdigest(), len(content))
    samples = found.sheets[0].samples["VM"]
    names = [record.values["VM"] for record in reading(content).records if record.sheet == "vInfo"]
    assert len(samples) == 200
    positions = [names.index(sample) for sample in samples]
    assert positions == sorted(positions)
    assert positions[0] == 0
    assert positions[-1] > 0.95 * 804
    assert max(b - a for a, b in pairwise(positions)) <= 8
    assert inspect(content, file_name="a.xlsx") == found


def test_samples_hold_values_only():
    network = inspect(WORKSHOP.read_bytes(), file_name="a.xlsx").sheets[1]
    assert network.samples["Mac Address"] == []
    assert network.samples["Connected"][0] is True
