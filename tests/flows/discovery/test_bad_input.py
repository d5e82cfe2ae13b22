"""Input that cannot be used: the flow waits with the place and a next step, nothing is half written, and goes on."""

from __future__ import annotations

import io
import zipfile
from uuid import uuid4

import openpyxl
import pytest

from flows.discovery.office import NOTHING, Desk, workbook
from masterflow.errors import Conflict, InvalidInput, NotFound
from masterflow.orchestrator.requests import ExecuteFlow
from masterflow.orchestrator.views import FlowView

pytestmark = pytest.mark.asyncio(loop_scope="session")

GOOD = "Name,CPU,Memory (GB)\nweb-01,4,16\n"
SHEET = "xl/worksheets/sheet1.xml"


def small_workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def with_sheet(content: bytes, sheet: str) -> bytes:
    """The workbook with another text as its first sheet."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == SHEET else old.read(name))
    return target.getvalue()


def sheet_xml(dimension: str, rows: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
        f'main"><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
    )


def cells(number: int, *texts: str) -> str:
    inner = "".join(
        f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{text}</t></is></c>' for place, text in enumerate(texts)
    )
    return f'<row r="{number}">{inner}</row>'


TWO_ROWS = cells(1, "Name", "CPU") + cells(2, "web-01", "4")
HUGE_AREA = with_sheet(small_workbook(("x",)), sheet_xml("A1:XFD1048576", TWO_ROWS))
EMPTY_ROWS = with_sheet(
    small_workbook(("x",)),
    sheet_xml("A1:B1048576", TWO_ROWS + "".join(f'<row r="{n}" s="1"/>' for n in range(3, 1_048_577))),
)

UNREADABLE = [
    (b"%PDF-1.7 no inventory", "inventory.pdf"),
    (b"\x89PNG\r\n\x1a\n" + bytes(64), "inventory.csv"),
    (workbook()[:200_000], "cut.xlsx"),
    (b"PK\x03\x04" + bytes(100), "broken.xlsx"),
    (b"\x00" * 500, "zeros.csv"),
    (small_workbook(), "empty.xlsx"),
]


async def flow_waiting(desk: Desk, content: bytes | str, name: str) -> FlowView:
    flow = await desk.started(content, name)
    assert flow.status == "waiting_for_input", (flow.status, flow.waiting_for)
    assert flow.waiting_for["message"]
    return flow


async def goes_on_with(desk: Desk, flow: FlowView) -> None:
    """A corrected file is taken by the same flow."""
    upload = await desk.upload(GOOD)
    again = await desk.execute(flow.flow_id, "data_import", import_file_id=str(upload.import_id))
    assert (again.status, again.phases_completed) == ("waiting_for_approval", ["data_import"])
    again = await desk.approve(flow.flow_id)
    assert again.status == "completed"
    assert [asset.name for asset in (await desk.assets()).values()] == ["web-01"]


@pytest.mark.parametrize(("content", "name"), UNREADABLE, ids=[name for _, name in UNREADABLE])
async def test_an_unreadable_file_is_named_with_a_next_step_and_leaves_nothing(desk, content, name):
    flow = await flow_waiting(desk, content, name)
    text = str(flow.waiting_for)
    assert name in text
    assert flow.waiting_for.get("next_step") or "choose" in text
    assert await desk.counts() == NOTHING
    await goes_on_with(desk, flow)


async def test_a_workbook_without_a_sheet_of_machines_waits_at_the_mapping(desk):
    flow = await flow_waiting(desk, small_workbook(("Recipe", "Minutes"), ("Soup", 20)), "recipes.xlsx")
    assert "recipes.xlsx" in str(flow.waiting_for)
    assert (flow.current_phase, flow.waiting_for["issues"][0]["code"]) == ("field_mapping", "no_asset_sheet")
    assert (await desk.counts())["mappings"] == 0


@pytest.mark.parametrize("content", [HUGE_AREA, EMPTY_ROWS], ids=["2^34 cells declared", "1,048,574 empty rows"])
async def test_a_sheet_that_claims_to_be_huge_is_read_by_its_filled_rows(desk, content):
    assert len(HUGE_AREA) < 10_000
    flow = await desk.discover(content, "claims.xlsx")
    assert flow.status == "completed", flow.waiting_for
    assert [(a.name, a.cpu_cores) for a in (await desk.assets()).values()] == [("web-01", 4)]
    assert (await desk.counts())["raw"] == 1


@pytest.mark.parametrize(
    "given",
    ["", "not-a-uuid", "../../etc/passwd", "00000000-0000-0000-0000-000000000000"],
)
async def test_an_id_of_no_upload_is_refused_with_what_to_do(desk, given):
    flow = await desk.work((await desk.create(given, auto=True)).flow_id)
    assert flow.status == "waiting_for_input"
    assert [issue["code"] for issue in flow.waiting_for["issues"]] == ["import_file_not_found"]
    assert "POST /imports" in flow.waiting_for["message"]
    await goes_on_with(desk, flow)


async def test_a_missing_upload_id_is_refused_before_anything_happens(desk):
    flow = await desk.create(None)
    with pytest.raises(InvalidInput) as refused:
        await desk.flows.execute_phase(desk.scope, flow.flow_id, ExecuteFlow())
    assert refused.value.where["fields"] == ["inputs/import_file_id"]
    assert (await desk.shown(flow.flow_id)).version == flow.version


async def test_an_upload_of_another_tenant_looks_like_none(desk, other_desk):
    foreign = await other_desk.upload(GOOD)
    flow = await desk.work((await desk.create(foreign.import_id, auto=True)).flow_id)
    assert [issue["code"] for issue in flow.waiting_for["issues"]] == ["import_file_not_found"]
    with pytest.raises(NotFound):
        await desk.inventory.get_import(desk.scope, foreign.import_id)
    assert (await other_desk.inventory.get_import(other_desk.scope, foreign.import_id)).flow_id is None


async def test_an_upload_that_another_flow_read_is_refused(desk):
    first = await desk.discover(GOOD)
    used = await desk.import_of(first.flow_id)
    flow = await desk.work((await desk.create(used.import_id, auto=True)).flow_id)
    assert [issue["code"] for issue in flow.waiting_for["issues"]] == ["import_file_in_use"]
    assert flow.waiting_for["issues"][0]["place"]["file"] == "servers.csv"
    assert (await desk.import_of(first.flow_id)).flow_id == first.flow_id


async def test_rows_with_odd_cells_are_named_by_row_and_the_others_go_on(desk):
    text = "Name,CPU,Memory (GB)\nweb-01,4,16\nweb-02,four,16\nweb-03,4,16,surplus\nweb-04\n"
    flow = await desk.discover(text, "ragged.csv")
    assert flow.status == "completed", flow.waiting_for
    upload = await desk.import_of(flow.flow_id)
    issues = await desk.inventory.list_issues(desk.scope, upload.import_id)
    places = {(issue["code"], issue["place"]["row"]) for issue in issues.items}
    assert ("number_unreadable", 3) in places
    assert {issue["place"]["row"] for issue in upload.issues} >= {4}
    assets = await desk.assets()
    cores = {a.name: a.cpu_cores for a in assets.values()}
    assert (cores["web-01"], cores["web-02"], cores["web-04"]) == (4, None, None)


async def test_a_row_with_nul_bytes_is_left_out_and_named(desk):
    flow = await desk.discover(b"Name,CPU\nweb\x0001,4\nweb-02,2\n", "nul.csv")
    assert flow.status == "completed"
    assert [asset.name for asset in (await desk.assets()).values()] == ["web-02"]
    (issue,) = (await desk.import_of(flow.flow_id)).issues
    assert (issue["code"], issue["place"]["file"], issue["place"]["row"]) == ("unreadable_row", "nul.csv", 2)


async def test_a_repeated_header_is_two_columns_and_never_one_value(desk):
    flow = await desk.discover("Name,CPU,CPU\nweb-01,4,8\n")
    upload = await desk.import_of(flow.flow_id)
    rows = await desk.inventory.get_mappings(desk.scope, upload.import_id)
    assert [row.column for row in rows] == ["Name", "CPU", "CPU (2)"]
    (used,) = [row.column for row in rows if row.target == "cpu_cores"]
    assert flow.status == "completed"
    assert [a.cpu_cores for a in (await desk.assets()).values()] == [{"CPU": 4, "CPU (2)": 8}[used]]


MISTAKES = [
    ({"CPU": "cpu_coress"}, "cpu_coress", "CPU"),
    ({"Cores": "cpu_cores"}, "Cores", "Cores"),
    ({"Memory (GB)": "cpu_cores"}, "cpu_cores", "Memory (GB)"),
    ({"Name": None}, "identifies", None),
    ({"CPU": "cpu_coress", "Nowhere": "name"}, "Nowhere", "Nowhere"),
]


@pytest.mark.parametrize(("mapping", "word", "column"), MISTAKES)
async def test_a_mapping_with_a_mistake_is_refused_with_its_place(desk, mapping, word, column):
    flow = await desk.started(GOOD)
    upload = await desk.import_of(flow.flow_id)
    before = await desk.inventory.get_mappings(desk.scope, upload.import_id)
    with pytest.raises(InvalidInput, match=word) as refused:
        await desk.inventory.set_mappings(desk.scope, upload.import_id, mapping)
    assert column in refused.value.where["columns"]
    assert await desk.inventory.get_mappings(desk.scope, upload.import_id) == before
    flow = await desk.execute(flow.flow_id, "field_mapping", mappings=mapping, approval=True)
    assert flow.status == "waiting_for_input"
    assert word in str(flow.waiting_for["issues"])
    assert column in [issue["place"]["column"] for issue in flow.waiting_for["issues"]]
    assert (await desk.counts())["cleansed"] == 0


async def test_a_column_of_two_sheets_has_to_say_which(desk):
    book = openpyxl.Workbook()
    for title, name in (("Production", "web-01"), ("Test", "web-02")):
        sheet = book.create_sheet(title)
        sheet.append(("Name", "CPU"))
        sheet.append((name, 4))
    book.remove(book.worksheets[0])
    target = io.BytesIO()
    book.save(target)
    flow = await desk.started(target.getvalue(), "two.xlsx")
    upload = await desk.import_of(flow.flow_id)
    with pytest.raises(InvalidInput, match="Sheet!Column"):
        await desk.inventory.set_mappings(desk.scope, upload.import_id, {"CPU": None})
    rows = await desk.inventory.set_mappings(desk.scope, upload.import_id, {"Test!CPU": None})
    assert {(row.sheet, row.target) for row in rows if row.column == "CPU"} == {
        ("Production", "cpu_cores"),
        ("Test", None),
    }


async def test_a_mapping_corrected_by_hand_is_used(desk):
    flow = await desk.started("Name,Owner,CPU\nweb-01,ada,4\n")
    upload = await desk.import_of(flow.flow_id)
    rows = await desk.inventory.set_mappings(desk.scope, upload.import_id, {"Owner": "technical_owner", "CPU": None})
    assert {(row.column, row.decided_by, row.status) for row in rows if row.column != "Name"} == {
        ("Owner", "person", "changed"),
        ("CPU", "person", "changed"),
    }
    flow = await desk.approve(flow.flow_id)
    assert flow.status == "completed"
    (asset,) = (await desk.assets()).values()
    assert (asset.technical_owner, asset.cpu_cores) == ("ada", None)


async def test_a_mapping_given_with_the_approval_is_used_and_accepted(desk):
    flow = await desk.started("Name,Owner,CPU\nweb-01,ada,4\n")
    flow = await desk.execute(flow.flow_id, "field_mapping", mappings={"Owner": "business_owner"}, approval=True)
    assert flow.status == "completed"
    (asset,) = (await desk.assets()).values()
    assert asset.business_owner == "ada"
    assert (await desk.outputs(flow.flow_id))["field_mapping"]["decided"] == 1


async def test_a_mapping_does_not_change_under_cleansed_records(desk):
    flow = await desk.discover(GOOD)
    upload = await desk.import_of(flow.flow_id)
    before = await desk.inventory.get_mappings(desk.scope, upload.import_id)
    with pytest.raises(Conflict, match="cleansed"):
        await desk.inventory.set_mappings(desk.scope, upload.import_id, {"CPU": None})
    assert await desk.inventory.get_mappings(desk.scope, upload.import_id) == before


async def test_rows_without_any_identity_are_named_and_go_on_under_another_mapping(desk):
    flow = await desk.started("Name,CPU,Label\n,4,web-01\n,8,web-02\n", "nameless.csv")
    flow = await desk.approve(flow.flow_id)
    assert (flow.status, flow.current_phase) == ("waiting_for_input", "data_cleansing")
    places = {(i["code"], i["place"]["file"], i["place"]["row"]) for i in flow.waiting_for["issues"]}
    assert places == {
        ("nothing_to_build", "nameless.csv", None),
        ("row_without_identity", "nameless.csv", 2),
        ("row_without_identity", "nameless.csv", 3),
    }
    assert (await desk.counts())["cleansed"] == (await desk.counts())["issues"] == 0
    upload = await desk.import_of(flow.flow_id)
    await desk.inventory.set_mappings(desk.scope, upload.import_id, {"Name": None, "Label": "name"})
    flow = await desk.execute(flow.flow_id)
    assert flow.status == "completed"
    assert {asset.name for asset in (await desk.assets()).values()} == {"web-01", "web-02"}


async def test_one_row_without_identity_does_not_stop_the_others(desk):
    flow = await desk.discover("Name,CPU\nweb-01,4\n,8\n")
    assert flow.status == "completed"
    assert (await desk.outputs(flow.flow_id))["data_cleansing"]["quarantined"] == 1
    upload = await desk.import_of(flow.flow_id)
    found = await desk.inventory.list_issues(desk.scope, upload.import_id, code="row_without_identity")
    assert [issue["place"]["row"] for issue in found.items] == [3]
    assert [asset.name for asset in (await desk.assets()).values()] == ["web-01"]


@pytest.mark.parametrize(("content", "name"), [(b"", "empty.csv"), (b"Name\n", "///"), (b"x" * 200, "large.csv")])
async def test_an_upload_that_cannot_be_kept_is_refused_whole(desk, content, name):
    async def pieces():
        yield content

    with pytest.raises(InvalidInput):
        await desk.inventory.upload(desk.scope, file_name=name, media_type="text/csv", content=pieces(), max_bytes=100)
    assert (await desk.inventory.list_imports(desk.scope)).items == []


async def test_an_unknown_import_is_not_found(desk):
    for ask in (desk.inventory.get_import, desk.inventory.get_mappings, desk.inventory.list_issues):
        with pytest.raises(NotFound):
            await ask(desk.scope, uuid4())
