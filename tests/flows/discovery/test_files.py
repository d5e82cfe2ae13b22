"""Files of several tools through the flow: each goes to its end or says why it waits, and nothing is invented."""

from __future__ import annotations

import csv
from collections import Counter
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.discovery.office import Desk, real_file

pytestmark = pytest.mark.asyncio(loop_scope="session")

AZURE = "azure_migrate/AzureMigrate_Discovery_Report.xlsx"
TABLE = [
    ("Name", "vCPU", "Memory (GB)", "Operating System"),
    ("web-01", "4", "16", "Ubuntu 20.04"),
    ("db-01", "8", "64", "Windows Server 2012"),
    ("odd-01", "2", "4", "Frobnicator 9"),
    ("bare-01", "2", "8", ""),
]


def written(rows: list[tuple[str, ...]], mark: str = ",") -> str:
    return "".join(mark.join(row) + "\r\n" for row in rows)


async def findings(desk: Desk) -> dict[str, str]:
    async with desk.access.read(desk.scope) as repositories:
        rows = await repositories.tech_debt._rows(
            "select a.name, d.state from app.asset_tech_debt d join app.assets a on a.id = d.asset_id"
        )
    return {row["name"]: row["state"] for row in rows}


async def test_the_report_of_azure_migrate_becomes_its_servers(desk):
    flow = await desk.discover(real_file(AZURE), "AzureMigrate_Discovery_Report.xlsx")
    assert flow.status == "completed"
    assets = await desk.assets()
    assert Counter(asset.asset_type for asset in assets.values()) == {"server": 294}
    book = openpyxl.load_workbook(BytesIO(real_file(AZURE)), read_only=True, data_only=True)
    sheet = list(book["Discovery_Report"].iter_rows(values_only=True))
    table = [dict(zip(sheet[0], row, strict=True)) for row in sheet[1:] if row[0]]
    assert {a.name.lower() for a in assets.values()} == {row["Machine Name"].lower() for row in table}
    assert Counter(asset.power_state for asset in assets.values()) == {"poweredOn": 250, "poweredOff": 44}
    without = {row["Machine Name"].lower() for row in table if str(row["IP Addresses"]).strip("[]; ") in ("", "None")}
    assert {a.name.lower() for a in assets.values() if not a.ip_addresses} == without
    assert len(without) == 53
    memory = {row["Machine Name"].lower(): row["Memory (in MB)"] / 1024 for row in table}
    assert {a.name.lower(): a.memory_gb for a in assets.values()} == pytest.approx(memory)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (written(TABLE).encode(), "comma.csv"),
        (written(TABLE, ";").encode(), "semicolon.csv"),
        (written(TABLE, "\t").encode("utf-16"), "utf-16.txt"),
        (b"\xef\xbb\xbf" + written(TABLE, ";").encode(), "with-mark.csv"),
    ],
    ids=["comma", "semicolon", "utf-16", "byte order mark"],
)
async def test_a_plain_table_becomes_its_machines_and_no_host_or_cluster(desk, content, name):
    flow = await desk.discover(content, name)
    assert flow.status == "completed"
    assets = await desk.assets()
    assert {a.name: (a.cpu_cores, a.memory_gb, a.operating_system) for a in assets.values()} == {
        "web-01": (4, 16, "Ubuntu 20.04"),
        "db-01": (8, 64, "Windows Server 2012"),
        "odd-01": (2, 4, "Frobnicator 9"),
        "bare-01": (2, 8, None),
    }
    assert {a.asset_type for a in assets.values()} == {"server"}
    assert {a.ip_address for a in assets.values()} == {a.power_state for a in assets.values()} == {None}
    assert (await desk.counts())["dependencies"] == 0


async def test_an_unknown_system_has_an_unknown_state_and_a_missing_one_no_finding(desk):
    await desk.discover(written(TABLE))
    found = await findings(desk)
    assert found["odd-01"] == "unknown"
    assert set(found) == {"web-01", "db-01", "odd-01"}


async def test_columns_of_a_long_table_are_judged_by_its_first_rows(desk):
    rows = [("Name", "vCPU"), *((f"srv-{number}", "2") for number in range(2_300))]
    flow = await desk.discover(written(rows))
    assert flow.status == "completed"
    assert (await desk.inventory.inventory_summary(desk.scope))["assets"] == 2_300


async def test_german_headers_are_understood(desk):
    rows = [("Servername", "Anzahl Kerne", "Arbeitsspeicher (GB)", "Betriebssystem"), ("srv-a", "4", "7,5", "SLES 12")]
    flow = await desk.discover(written(rows, ";"))
    assert flow.status == "completed"
    (asset,) = (await desk.assets()).values()
    assert (asset.name, asset.cpu_cores, asset.memory_gb, asset.operating_system) == ("srv-a", 4, 7.5, "SLES 12")


async def test_an_intake_form_keeps_each_server_once(desk):
    content = real_file("aws_cmf/cmf_intake_server-list.csv")
    flow = await desk.discover(content, "cmf.csv")
    assert flow.status == "completed"
    names = {row["server_name"].lower() for row in csv.DictReader(StringIO(content.decode("utf-8-sig")))}
    servers = [a for a in (await desk.assets()).values() if a.asset_type == "server"]
    assert {a.name.lower() for a in servers} == names
    assert not [a for a in (await desk.assets()).values() if a.asset_type in ("host", "cluster", "virtual_machine")]


async def test_an_application_inventory_keeps_its_applications_and_what_they_state(desk):
    content = real_file("konveyor/sample-applications.csv")
    flow = await desk.discover(content, "applications.csv")
    assert flow.status == "completed"
    assets = await desk.assets()
    rows = [row for row in csv.reader(StringIO(content.decode("utf-8-sig"))) if row]
    named = {row[1].strip().lower() for row in rows[1:] if row[0].strip() == "1"}
    assert {a.name.lower() for a in assets.values() if a.asset_type == "application"} == named
    assert not [a for a in assets.values() if a.asset_type in ("server", "host", "cluster")]


async def test_the_dependencies_between_applications_are_those_of_the_file(desk):
    content = real_file("konveyor/sample-applications.csv")
    await desk.discover(content, "applications.csv")
    rows = [row for row in csv.reader(StringIO(content.decode("utf-8-sig"))) if row and row[0].strip() == "2"]
    stated = {(row[1], row[5]) if row[6] == "southbound" else (row[5], row[1]) for row in rows}
    names = {a.id: a.name for a in (await desk.assets()).values()}
    page = await desk.inventory.list_dependencies(desk.scope)
    assert {(names[e.source_asset_id], names[e.target_asset_id]) for e in page.items} == stated
    assert {e.kind for e in page.items} == {"depends_on"}


async def test_an_application_file_of_unknown_rows_waits_and_leaves_nothing(desk):
    flow = await desk.discover(real_file("konveyor/edge_invalid_record_type_21.csv"), "edge.csv")
    assert flow.status == "waiting_for_input"
    assert [(i["code"], i["place"]["file"]) for i in flow.waiting_for["issues"]] == [("no_asset_sheet", "edge.csv")]
    assert (await desk.counts())["assets"] == 0


async def test_a_file_of_dependencies_alone_gives_endpoints_outside_the_inventory(desk):
    name = "dependencies/shabbirnkhan_dependency-export-sample.csv"
    flow = await desk.discover(real_file(name), "dependencies.csv")
    assert flow.status == "completed"
    assets = (await desk.assets()).values()
    assert {(a.asset_type, *a.flags) for a in assets} == {("external", "external")}
    rows = list(csv.DictReader(StringIO(real_file(name).decode("utf-8-sig"))))
    ends = {row[key].lower() for row in rows for key in row if key.lower().endswith("server name") and row[key]}
    assert {a.name.lower() for a in assets} == ends
    assert (await desk.outputs(flow.flow_id))["dependency_analysis"]["edges"] == len(rows)
    summary = await desk.inventory.inventory_summary(desk.scope)
    assert (summary["vms"], summary["hosts_described"], summary["clusters"]) == (0, 0, 0)


def two_sheets(*edge_columns: str) -> bytes:
    """A workbook with two machines, a dependency between them and one to an address outside."""
    book = openpyxl.Workbook()
    machines = book.active
    machines.title = "Servers"
    for row in (("Name", "IP Address", "Cores"), ("app-1", "10.0.0.1", 2), ("db-1", "10.0.0.2", 4)):
        machines.append(row)
    edges = book.create_sheet("Dependencies")
    for row in (edge_columns, ("app-1", "10.0.0.1", "db-1", "10.0.0.2", 5432), ("app-1", "", "", "192.0.2.9", 443)):
        edges.append(row)
    target = BytesIO()
    book.save(target)
    return target.getvalue()


async def test_dependencies_join_the_machines_of_the_same_workbook(desk):
    flow = await desk.discover(two_sheets("Source", "Source IP", "Target", "Target IP", "Port"), "estate.xlsx")
    assert flow.status == "completed", flow.waiting_for
    assets = await desk.assets()
    assert {a.name: a.asset_type for a in assets.values()} == {
        "app-1": "server",
        "db-1": "server",
        "192.0.2.9": "external",
    }
    names = {a.id: a.name for a in assets.values()}
    page = await desk.inventory.list_dependencies(desk.scope)
    assert {(names[e.source_asset_id], names[e.target_asset_id], e.port) for e in page.items} == {
        ("app-1", "db-1", 5432),
        ("app-1", "192.0.2.9", 443),
    }


async def test_a_sheet_that_is_left_out_is_named(desk):
    export = ("Source server name", "Source IP", "Destination server name", "Destination IP", "Destination port")
    flow = await desk.started(two_sheets(*export), "export.xlsx")
    evidence = (await desk.outputs(flow.flow_id))["data_import"]["source_evidence"]
    assert "Not read as inventory: Servers." in evidence


NAMES = st.text(alphabet="abcdefghijklmnop0123456789-", min_size=1, max_size=12).map(lambda text: f"s{text}e")
ROWS = st.dictionaries(
    NAMES,
    st.tuples(
        st.one_of(st.just(""), st.integers(1, 512).map(str)),
        st.one_of(st.just(""), st.integers(1, 4096).map(str), st.integers(1, 4000).map(lambda n: f"{n}.5")),
    ),
    min_size=1,
    max_size=8,
)


def independent_reading(text: str) -> dict[str, tuple[float | None, float | None]]:
    def figure(cell: str) -> float | None:
        return float(cell) if cell else None

    rows = [line.split(",") for line in text.split("\r\n")[1:] if line]
    return {name: (figure(cores), figure(memory)) for name, cores, memory, _ in rows}


@given(rows=ROWS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_assets_of_any_table_are_what_an_independent_reading_gives(office, make_scope, rows):
    table = [("Name", "vCPU", "Memory (GB)", "Owner"), *((name, *figures, "ada") for name, figures in rows.items())]
    desk = office.desk(make_scope())
    flow = await desk.discover(written(table))
    assert flow.status == "completed", flow.waiting_for
    found: dict[str, Any] = {a.name: (a.cpu_cores, a.memory_gb) for a in (await desk.assets()).values()}
    assert found == independent_reading(written(table))
