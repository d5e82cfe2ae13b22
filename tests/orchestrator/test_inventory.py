"""Reads and edits of the inventory over real flows: lineage, history, hand edits that imports respect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from flows.discovery.office import Desk, Office, running_office
from masterflow.errors import InvalidInput, NotFound, NotPermitted, StaleVersion
from masterflow.kernel.permission import Scope, permissions_of
from masterflow.store.repositories.assets import AssetFilter
from support.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE = (
    "Name,CPU,Memory (GB),OS,IP Address,Power State\nweb-01,4,16,Ubuntu 20.04,10.0.0.1,on\nweb-02,2,8,,10.0.0.2,off\n"
)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def office(server: Server, database_name: str) -> AsyncIterator[Office]:
    """The office over this process's database."""
    async with running_office(server, database_name) as opened:
        yield opened


@pytest.fixture
def desk(office: Office, scope: Scope) -> Desk:
    """A person with every right in a fresh engagement."""
    return office.desk(scope)


async def asset_of(desk: Desk, name: str) -> Any:
    (found,) = [asset for asset in (await desk.assets()).values() if asset.name == name]
    return found


async def test_an_edit_is_a_change_set_of_its_own_with_before_and_after(desk):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-01")
    shown = await desk.inventory.patch_asset(desk.scope, asset.id, {"cpu_cores": 8, "technical_owner": "grace"}, 1)
    assert (shown["cpu_cores"], shown["technical_owner"], shown["version"], shown["updated_by"]) == (
        8,
        "grace",
        2,
        "ada",
    )
    inserted, edited = await desk.inventory.asset_history(desk.scope, asset.id)
    assert (inserted["operation"], inserted["kind"], inserted["phase"]) == ("insert", "run", "asset_inventory")
    assert (edited["operation"], edited["kind"], edited["created_by"]) == ("update", "human", "ada")
    assert edited["change_set_id"] != inserted["change_set_id"]
    assert edited["fields"]["cpu_cores"] == (4, 8)
    assert edited["fields"]["technical_owner"] == (None, "grace")


async def test_lineage_shows_the_cell_first_and_then_the_edit(desk):
    await desk.discover(FILE, "list.csv")
    asset = await asset_of(desk, "web-01")
    (before,) = await desk.inventory.asset_lineage(desk.scope, asset.id, "cpu_cores")
    (source,) = before.sources
    assert (before.value, before.edits) == (4, [])
    assert (source["file"], source["sheet"], source["row"], source["column"], source["raw"]) == (
        *("list.csv", "", 2, "CPU"),
        "4",
    )
    await desk.inventory.patch_asset(desk.scope, asset.id, {"cpu_cores": 8})
    (after,) = await desk.inventory.asset_lineage(desk.scope, asset.id, "cpu_cores")
    assert (after.value, after.sources) == (8, [{"rule": "edited by ada", "record_id": None}])
    (edit,) = after.edits
    assert (edit["by"], edit["kind"], edit["before"], edit["after"]) == ("ada", "human", 4, 8)
    with pytest.raises(InvalidInput, match="no source"):
        await desk.inventory.asset_lineage(desk.scope, asset.id, "rack_location")


async def test_the_next_import_does_not_overwrite_an_edit_and_records_what_it_would_have_written(desk):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-01")
    await desk.inventory.patch_asset(desk.scope, asset.id, {"cpu_cores": 8, "memory_gb": None})
    await desk.discover(FILE.replace("Ubuntu 20.04", "Ubuntu 22.04"), "later.csv")
    found = await asset_of(desk, "web-01")
    assert (found.cpu_cores, found.memory_gb, found.operating_system) == (8, None, "Ubuntu 22.04")
    assert found.field_sources["cpu_cores"] == [{"rule": "edited by ada", "record_id": None}]
    told = {conflict["field"]: conflict for conflict in found.conflicts}
    assert {name: (c["chosen"], c["rejected"]) for name, c in told.items()} == {
        "cpu_cores": (8, 4),
        "memory_gb": (None, 16),
    }
    assert told["cpu_cores"]["rule"] == "edited by ada; imports do not change it"
    assert told["cpu_cores"]["sources"][0]["column"] == "CPU"


async def test_an_import_that_repeats_itself_beside_an_edit_changes_nothing_more(desk):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-01")
    await desk.inventory.patch_asset(desk.scope, asset.id, {"cpu_cores": 8})
    await desk.discover(FILE)
    version = (await asset_of(desk, "web-01")).version
    await desk.discover(FILE)
    found = await asset_of(desk, "web-01")
    assert (found.version, found.cpu_cores) == (version, 8)


async def test_an_import_that_agrees_with_an_edit_is_no_conflict(desk):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-01")
    await desk.inventory.patch_asset(desk.scope, asset.id, {"cpu_cores": 8})
    await desk.discover(FILE.replace("web-01,4", "web-01,8"))
    found = await asset_of(desk, "web-01")
    assert (found.conflicts, found.version) == ([], 2)


async def test_an_edited_power_state_moves_its_flag_and_stays_through_an_import(desk):
    await desk.discover(FILE)
    off = await asset_of(desk, "web-02")
    assert off.flags == ["powered_off"]
    shown = await desk.inventory.patch_asset(desk.scope, off.id, {"power_state": "on", "is_template": True})
    assert (shown["power_state"], shown["flags"]) == ("poweredOn", ["template"])
    await desk.discover(FILE)
    found = await asset_of(desk, "web-02")
    assert (found.power_state, found.flags) == ("poweredOn", ["template"])


async def test_an_edited_address_is_the_only_one_and_stays(desk):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-01")
    shown = await desk.inventory.patch_asset(desk.scope, asset.id, {"ip_address": "10.9.9.9"})
    assert (shown["ip_address"], shown["ip_addresses"]) == ("10.9.9.9", ["10.9.9.9"])
    await desk.discover(FILE)
    found = await asset_of(desk, "web-01")
    assert (found.ip_address, found.ip_addresses) == ("10.9.9.9", ["10.9.9.9"])


async def test_an_edited_system_is_what_lifecycles_are_judged_by(desk):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-02")
    await desk.inventory.patch_asset(desk.scope, asset.id, {"operating_system": "Windows Server 2012"})
    await desk.discover(FILE)
    page = await desk.inventory.list_tech_debt(desk.scope)
    assert {finding.found_text for finding in page.items if finding.asset_id == asset.id} == {"Windows Server 2012"}


async def test_a_refused_edit_changes_nothing(desk):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-01")
    for changes in ({"cpu_cores": "eight"}, {"cpu_cores": 8, "natural_key": "x"}, {}):
        with pytest.raises(InvalidInput):
            await desk.inventory.patch_asset(desk.scope, asset.id, changes)
    with pytest.raises(StaleVersion):
        await desk.inventory.patch_asset(desk.scope, asset.id, {"cpu_cores": 8}, 7)
    assert (await asset_of(desk, "web-01")).version == 1
    assert len(await desk.inventory.asset_history(desk.scope, asset.id)) == 1


async def test_an_asset_of_another_tenant_is_not_found(desk, office, other_scope):
    await desk.discover(FILE)
    asset, stranger = await asset_of(desk, "web-01"), office.desk(other_scope)
    asks = (
        stranger.inventory.get_asset,
        stranger.inventory.asset_lineage,
        stranger.inventory.asset_history,
    )
    for ask in asks:
        with pytest.raises(NotFound):
            await ask(other_scope, asset.id)
    with pytest.raises(NotFound):
        await stranger.inventory.patch_asset(other_scope, asset.id, {"cpu_cores": 1})
    with pytest.raises(NotFound):
        await stranger.inventory.list_dependencies(other_scope, asset_id=asset.id)
    assert (await stranger.inventory.list_assets(other_scope, filters=AssetFilter())).items == []


async def test_a_viewer_reads_and_does_not_edit(desk, office, scope):
    await desk.discover(FILE)
    asset = await asset_of(desk, "web-01")
    viewer = Scope(scope.client_account_id, scope.engagement_id, "vera", permissions_of(["viewer"]))
    assert (await desk.inventory.get_asset(viewer, asset.id))["asset_id"] == asset.id
    with pytest.raises(NotPermitted):
        await desk.inventory.patch_asset(viewer, asset.id, {"cpu_cores": 1})
    async with desk.access.read(scope) as repositories:
        denied = await repositories.audit._rows("select * from app.access_audit_log where result = 'denied'")
    assert [(row["user_id"], row["action_type"]) for row in denied] == [("vera", "patch_asset")]


async def pages(ask: Any, **arguments: Any) -> list[Any]:
    found, cursor = [], None
    while True:
        page = await ask(limit=1, after=cursor, **arguments)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_lists_page_through_every_row_once(desk):
    more = "".join(f"web-{n:02},{cores},8,,10.0.1.{n},on\n" for n, cores in enumerate([2, 4, "?2", 8, "x", 2, "y"], 3))
    flow = await desk.discover(FILE + more, "a.csv")
    await desk.discover("Source,Target,Port\na,b,1\nb,c,2\n", "edges.csv")
    upload = await desk.import_of(flow.flow_id)
    inventory, scope = desk.inventory, desk.scope

    def bound(method: Any, *given: Any) -> Any:
        return lambda **named: method(scope, *given, **named)

    assets = await pages(bound(inventory.list_assets), filters=AssetFilter())
    assert sorted(item["asset_id"] for item in assets) == sorted(a.id for a in (await desk.assets()).values())
    assert len(await pages(bound(inventory.list_imports))) == 2
    issues = await pages(bound(inventory.list_issues, upload.import_id), code="number_unreadable")
    assert [issue["place"]["row"] for issue in issues] == [6, 8, 10]
    assert len(await pages(bound(inventory.list_tech_debt))) == 1
    edges = await pages(bound(inventory.list_dependencies))
    assert len({edge.dependency_id for edge in edges}) == len(edges) == 2
    around = await inventory.list_dependencies(scope, asset_id=edges[0].source_asset_id, kind=edges[0].kind)
    assert edges[0] in around.items


async def test_an_unknown_asset_is_not_found(desk):
    with pytest.raises(NotFound):
        await desk.inventory.get_asset(desk.scope, uuid4())
