"""The workbook with 805 machines through all six phases; every figure is computed a second time here."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import pytest_asyncio

from flows.discovery.office import PHASES, Desk, Office, workbook
from masterflow.domain.inventory.columns import CUSTOM
from masterflow.orchestrator.requests import CreateFlow, FlowOptions
from masterflow.orchestrator.views import FlowView
from support.tenants import ScopeFactory

pytestmark = pytest.mark.asyncio(loop_scope="session")

AS_OF = date(2026, 8, 22)
Sheets = Mapping[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Estate:
    """The finished journey: where it was made, its flow, and every asset by natural key."""

    desk: Desk
    flow: FlowView
    outputs: Mapping[str, Mapping[str, Any]]
    assets: Mapping[str, Any]
    seconds: float


@pytest.fixture(scope="session")
def sheets() -> Sheets:
    """Rows of each sheet as openpyxl reads them, header first, without empty rows."""
    book = openpyxl.load_workbook(BytesIO(workbook()), read_only=True, data_only=True)
    return {sheet.title: [row for row in sheet.iter_rows(values_only=True) if any(row)] for sheet in book}


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def estate(office: Office, make_scope: ScopeFactory) -> AsyncIterator[Estate]:
    """The journey as a person makes it: upload, review of the mapping, and lifecycles at a stated date."""
    desk = office.desk(make_scope())
    await desk.discover("Name,CPU\nwarm,1\n")
    begun = time.perf_counter()
    desk = office.desk(make_scope())
    upload = await desk.upload(workbook(), "workshop.xlsx")
    flow = await desk.create(upload.import_id)
    for phase in PHASES[:2]:
        flow = await desk.execute(flow.flow_id, phase)
    assert (flow.status, flow.waiting_for["phase"]) == ("waiting_for_approval", "field_mapping")
    flow = await desk.approve(flow.flow_id)
    for phase in PHASES[2:-1]:
        flow = await desk.execute(flow.flow_id, phase)
    flow = await desk.execute(flow.flow_id, PHASES[-1], as_of=AS_OF.isoformat())
    seconds = time.perf_counter() - begun
    yield Estate(desk, flow, await desk.outputs(flow.flow_id), await desk.assets(), seconds)


def columns(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    header = [str(name).strip() for name in rows[0]]
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


def of_type(estate: Estate, kind: str) -> list[Any]:
    return [asset for asset in estate.assets.values() if asset.asset_type == kind]


async def test_the_journey_ends_with_every_phase_completed(estate):
    assert (estate.flow.status, estate.flow.phases_completed) == ("completed", list(PHASES))
    assert estate.outputs["data_import"]["records"] == 805 + 805 + 1618 + 34
    assert set(estate.outputs) == set(PHASES)
    print(f"805 machines, upload to lifecycles: {estate.seconds:.2f} s")


async def test_machines_hosts_and_clusters_are_those_of_the_sheets(estate, sheets):
    machines, hosts = columns(sheets["vInfo"]), columns(sheets["vHost"])
    named = {str(row["Host"]).lower() for row in machines if row["Host"]}
    described = {str(row["Host"]).lower() for row in hosts}
    found = of_type(estate, "host")
    assert {asset.name.lower() for asset in of_type(estate, "virtual_machine")} == {r["VM"].lower() for r in machines}
    assert len(of_type(estate, "virtual_machine")) == 805
    assert {a.name.lower() for a in found if "described" in a.flags} == described
    assert len(described) == 34
    assert {a.name.lower() for a in found if "named_only" in a.flags} == named - described
    assert len(named - described) == 32
    clusters = {row["Cluster"] for row in machines} | {row["Cluster"] for row in hosts}
    assert {a.name for a in of_type(estate, "cluster")} == clusters - {None}
    vms = of_type(estate, "virtual_machine")
    assert Counter(a.cluster_name for a in vms) == {"Cluster2": 695, "Cluster1": 47, "DMZ": 41, "Mgmt": 22}


async def test_sizing_covers_what_runs_and_is_no_template(estate, sheets):
    rows = columns(sheets["vInfo"])
    running = [row for row in rows if row["Powerstate"] == "poweredOn" and str(row["Template"]) != "True"]
    cores = sum(row["CPUs"] for row in running)
    memory = sum(row["Memory"] for row in running) / 1024
    storage = sum(row["Provisioned MB"] for row in running) / 1024 / 1024
    assert (len(running), cores, round(memory, 2), round(storage, 2)) == (763, 2629, 10176.26, 215.86)
    summary = await estate.desk.inventory.inventory_summary(estate.desk.scope)
    assert (summary["vms"], summary["powered_on_non_templates"], summary["vcpu"]) == (805, 763, 2629)
    assert summary["memory_gib"] == pytest.approx(memory, rel=1e-12)
    assert summary["provisioned_tib"] == pytest.approx(storage, rel=1e-12)
    assert (summary["hosts_described"], summary["hosts_named_only"], summary["clusters"]) == (34, 32, 4)
    templates = {row["VM"].lower() for row in rows if str(row["Template"]) == "True"}
    assert {a.name.lower() for a in estate.assets.values() if "template" in a.flags} == templates
    assert summary["templates"] == len(templates) == 10


async def test_conflicts_of_the_two_operating_system_columns_are_recorded(estate, sheets):
    configured = "OS according to the configuration file"
    differing = {
        row["VM"].lower(): (row[configured], row["OS according to the VMware Tools"])
        for row in columns(sheets["vInfo"])
        if row[configured] and row["OS according to the VMware Tools"]
        if row[configured] != row["OS according to the VMware Tools"]
    }
    found = {
        asset.name.lower(): (conflict["rejected"], conflict["chosen"])
        for asset in of_type(estate, "virtual_machine")
        for conflict in asset.conflicts
        if conflict["field"] == "operating_system"
    }
    assert found == differing
    assert len(found) == 17
    summary = await estate.desk.inventory.inventory_summary(estate.desk.scope)
    assert summary["os_conflicts"] == 17


SLUGS = {
    "Microsoft Windows Server 2008 R2 (64-bit)": ("windows-server", "2008-r2-sp1"),
    "Microsoft Windows Server 2012 (64-bit)": ("windows-server", "2012"),
    "Red Hat Enterprise Linux 6 (64-bit)": ("rhel", "6"),
    "Red Hat Enterprise Linux 5 (64-bit)": ("rhel", "5"),
    "Microsoft Windows XP Professional (32-bit)": ("windows", "xp"),
}


def state_on(release: Mapping[str, Any], day: date) -> str:
    def passed(name: str) -> bool:
        value = release.get(name)
        return value is True or (isinstance(value, str) and date.fromisoformat(value) < day)

    if passed("eol"):
        return "extended_ended" if passed("eoes") else "end_of_life"
    return "mainstream_ended" if passed("eoas") else "supported"


async def test_lifecycle_states_follow_the_dates_of_the_catalogue(estate, sheets):
    text = (resources.files("masterflow") / "data" / "endoflife.json").read_text(encoding="utf-8")
    products = json.loads(text)["products"]
    async with estate.desk.access.read(estate.desk.scope) as repositories:
        found = await repositories.tech_debt._rows(
            "select a.operating_system as os, d.state, d.assessed_on, count(*) as n from app.asset_tech_debt d "
            "join app.assets a on a.id = d.asset_id where a.asset_type = 'virtual_machine' group by 1, 2, 3"
        )
    assert {row["assessed_on"] for row in found} == {AS_OF}
    states = {(row["os"], row["state"]): row["n"] for row in found}
    chosen = Counter(
        row["OS according to the VMware Tools"] or row["OS according to the configuration file"]
        for row in columns(sheets["vInfo"])
        if str(row["Template"]) != "True"
    )
    checked = 0
    for name, (slug, cycle) in SLUGS.items():
        release = next((r for r in products[slug]["releases"] if r["releaseCycle"] == cycle), None)
        if release is not None and chosen[name]:
            assert states[name, state_on(release, AS_OF)] == chosen[name], name
            checked += chosen[name]
    assert checked > 600
    assert sum(states.values()) == sum(n for name, n in chosen.items() if name)


async def test_the_lifecycle_output_names_its_dates(estate):
    output = estate.outputs["tech_debt_assessment"]
    assert (output["as_of"], output["catalog_as_of"]) == ("2026-08-22", "2026-08-22")
    assert sum(output["by_state"].values()) == output["assets"]
    counted = await estate.desk.inventory.inventory_summary(estate.desk.scope)
    assert counted["eol"] == output["by_state"]


async def test_dependencies_are_what_the_sheets_state(estate, sheets):
    rows = columns(sheets["vInfo"])
    hosted = sum(1 for row in rows if row["Host"])
    clustered = sum(1 for row in rows if row["Cluster"])
    async with estate.desk.access.read(estate.desk.scope) as repositories:
        found = await repositories.dependencies._rows(
            "select d.kind, s.asset_type as source, t.asset_type as target, count(*) as n from app.asset_dependencies d"
            " join app.assets s on s.id = d.source_asset_id join app.assets t on t.id = d.target_asset_id"
            " group by 1, 2, 3"
        )
    counts = {(row["kind"], row["source"], row["target"]): row["n"] for row in found}
    assert counts["runs_on", "virtual_machine", "host"] == hosted == 805
    assert counts.get(("member_of", "virtual_machine", "cluster"), 0) in (0, clustered)
    host_clusters = {(str(row["Host"]).lower(), row["Cluster"]) for row in (*rows, *columns(sheets["vHost"]))}
    assert counts["member_of", "host", "cluster"] == len({pair for pair in host_clusters if all(pair)})
    output = estate.outputs["dependency_analysis"]
    assert output["edges"] == sum(counts.values()) == sum(output["edges_by_kind"].values())
    assert output["strongly_connected_sets"] == []
    assert output["external_endpoints"] == []


async def test_the_quality_report_rates_every_dimension(estate):
    output = estate.outputs["data_cleansing"]
    assert set(output["quality_by_dimension"]) == {"completeness", "validity", "consistency", "uniqueness"}
    assert 0 < output["quality_score"] < 1
    assert output["records"] == 3262
    assert sum(output["issues_by_rule"].values()) <= output["issues"]
    page = await estate.desk.inventory.list_issues(
        estate.desk.scope, (await estate.desk.import_of(estate.flow.flow_id)).import_id, limit=200
    )
    assert min(200, output["issues"]) == len(page.items)


def misplaced(sources: Iterable[Mapping[str, Any]], cells: Sheets) -> list[Mapping[str, Any]]:
    """Sources whose raw value does not stand in the workbook at the sheet, row and column they name."""
    header = {name: [str(cell) for cell in rows[0]] for name, rows in cells.items()}
    return [
        source
        for source in sources
        if cells[source["sheet"]][source["row"] - 1][header[source["sheet"]].index(source["column"])] != source["raw"]
    ]


@pytest.fixture(scope="session")
def cells() -> Sheets:
    """Every cell by sheet, row and position, empty rows included."""
    book = openpyxl.load_workbook(BytesIO(workbook()), read_only=True, data_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


async def test_every_value_traces_to_a_cell_that_stands_in_the_workbook(estate, cells):
    sources = [s for asset in estate.assets.values() for found in asset.field_sources.values() for s in found]
    assert all(found for asset in estate.assets.values() for found in asset.field_sources.values())
    assert misplaced(sources, cells) == []
    assert len(sources) > 12_000
    planted = [sources[0] | {"row": sources[0]["row"] + 1}, sources[-1] | {"raw": "planted"}]
    assert misplaced([*sources, *planted], cells) == planted


async def test_lineage_answers_the_same_cells_with_their_file(estate, cells):
    desk = estate.desk
    upload = await desk.import_of(estate.flow.flow_id)
    for asset in list(estate.assets.values())[::40]:
        for field in await desk.inventory.asset_lineage(desk.scope, asset.id):
            assert misplaced(field.sources, cells) == []
            assert {source["file_sha256"] for source in field.sources} == {upload.sha256}
            assert {source["import_id"] for source in field.sources} == {str(upload.import_id)}


async def test_every_field_with_a_value_has_a_source(estate):
    told = {"natural_key", "asset_type", "flags", "conflicts", "identity_rule", "field_sources", "custom_attributes"}
    links = {"id", "client_account_id", "engagement_id", "version", "source_phase", "current_phase"}
    lists = {"ip_addresses", "mac_addresses", "phase_context", "technical_details"}
    stamps = {f"{verb}_{part}" for verb in ("created", "updated") for part in ("by", "at")}
    for asset in estate.assets.values():
        names = {c.name for c in asset.__table__.c if getattr(asset, c.name) not in (None, [], {})}
        names |= {f"{CUSTOM}{name}" for name in asset.custom_attributes}
        flows = {name for name in names if name.endswith("_flow_id")}
        assert names - told - links - lists - stamps - flows <= set(asset.field_sources), asset.name


async def test_lineage_names_file_sheet_row_and_column(estate):
    asset = estate.assets["virtual_machine:lvmbeasm003"]
    desk = estate.desk
    (found,) = await desk.inventory.asset_lineage(desk.scope, asset.id, "memory_gb")
    (source,) = found.sources
    upload = await desk.import_of(estate.flow.flow_id)
    assert (source["file"], source["file_sha256"]) == ("workshop.xlsx", upload.sha256)
    assert (source["sheet"], source["column"], source["transform"]) == ("vInfo", "Memory", ["MiB->GiB /1024"])
    assert found.value == source["raw"] / 1024
    assert found.edits == []


async def test_a_second_flow_of_the_same_file_changes_no_asset(estate, office):
    desk = estate.desk
    before = {key: (asset.version, asset.updated_at) for key, asset in estate.assets.items()}
    upload = await desk.upload(workbook(), "again.xlsx")
    first = await desk.import_of(estate.flow.flow_id)
    assert upload.already_uploaded
    assert (upload.sha256, upload.import_id == first.import_id) == (first.sha256, False)
    data = {"import_file_id": str(upload.import_id), "as_of": AS_OF.isoformat()}
    request = CreateFlow(flow_type="discovery", initial_data=data, options=FlowOptions(auto_execute=True))
    flow = await desk.work((await desk.flows.create_flow(desk.scope, request)).flow_id)
    flow = await desk.approve(flow.flow_id)
    assert flow.status == "completed"
    outputs = await desk.outputs(flow.flow_id)
    assert outputs["asset_inventory"]["summary"] == estate.outputs["asset_inventory"]["summary"]
    assert outputs["tech_debt_assessment"]["assets"] == estate.outputs["tech_debt_assessment"]["assets"]
    assert {key: (a.version, a.updated_at) for key, a in (await desk.assets()).items()} == before
    async with desk.access.read(desk.scope) as repositories:
        ids = [
            {row.id async for part in _parts(repositories, found.import_id) for row in part}
            for found in (first, upload)
        ]
    assert [len(found) for found in ids] == [3262, 3262]
    assert not ids[0] & ids[1]


async def _parts(repositories: Any, import_id: Any) -> AsyncIterator[Any]:
    async for part in repositories.records.raw(import_id):
        yield part
