"""Imports with their raw and cleansed rows, findings and mappings."""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from masterflow.domain.fields import Candidate, Suggestion
from masterflow.domain.records import CleanRecord, CleanValue, Issue, Place, Record, SheetRole
from masterflow.errors import InvalidInput, NotFound
from masterflow.store.repositories import Repositories, records
from masterflow.store.repositories.mappings import SuggestedColumn
from masterflow.store.repositories.records import IssueFilter
from support.rows import editing, new_flow, reading

ROLE = SheetRole("asset", "virtual_machine", "VM")
DIGEST = hashlib.sha256(b"rows").digest()


async def new_import(repositories: Repositories, flow_id: UUID | None = None) -> UUID:
    blob, _ = await repositories.blobs.add(b"rows", "text/csv")
    return (await repositories.imports.add(blob_id=blob.id, file_name="a.csv", flow_id=flow_id)).id


def clean(raw_id: UUID, number: int) -> CleanRecord:
    values = {
        "cpu_cores": CleanValue(number, str(number), "CPUs", ("trim",)),
        "ip_address": CleanValue(["10.0.0.1"], None, "IP"),
    }
    return CleanRecord(str(raw_id), "vInfo", number, ROLE, values)


async def test_an_import_is_added_and_its_reading_recorded(database, scope):
    flow_id = await new_flow(database, scope)
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories, flow_id)
        found = await repositories.imports.get(import_id)
        assert (found.status, found.sheets, found.created_by, found.total_records) == ("uploaded", [], "ada", None)
        changes = {"status": "read", "total_records": 3, "sheets": [{"name": "vInfo"}], "dialect": {"format": "xlsx"}}
        changed = await repositories.imports.update(import_id, changes)
        assert (changed.status, changed.total_records, changed.dialect) == ("read", 3, {"format": "xlsx"})
    async with reading(database, scope) as repositories:
        assert [found.id for found in await repositories.imports.of_flow(flow_id)] == [import_id]
        assert await repositories.imports.get(uuid4()) is None


@pytest.mark.parametrize("changes", [{}, {"blob_id": uuid4()}, {"created_by": "eve"}])
async def test_other_fields_of_an_import_do_not_change(database, scope, changes):
    async with editing(database, scope) as repositories:
        with pytest.raises(InvalidInput):
            await repositories.imports.update(await new_import(repositories), changes)
        with pytest.raises(NotFound):
            await repositories.imports.update(uuid4(), {"status": "read"})


async def test_the_same_file_is_recognised_by_its_digest(database, scope, other_scope):
    async with editing(database, scope) as repositories:
        made = [await new_import(repositories) for _ in range(3)]
    seen, after = [], None
    async with reading(database, scope) as repositories:
        assert [found.id for found in await repositories.imports.by_hash(DIGEST)] == made[::-1]
        assert await repositories.imports.by_hash(b"other") == []
        while page := await repositories.imports.page(limit=2, after=after):
            seen += [found.id for found in page]
            after = (page[-1].created_at, page[-1].id)
    assert seen == made[::-1]
    async with reading(database, other_scope) as repositories:
        assert await repositories.imports.by_hash(DIGEST) == []


async def test_raw_rows_come_back_in_the_order_of_the_file(database, scope, monkeypatch):
    monkeypatch.setattr(records, "ROWS_AT_ONCE", 2)
    rows = [
        Record("vInfo", number, {"VM": f"vm{number}", "CPUs": number, "on": True, "n": None}) for number in range(2, 7)
    ]
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories)
        assert await repositories.records.add_raw(import_id, reversed(rows)) == 5
    async with reading(database, scope) as repositories:
        parts = [part async for part in repositories.records.raw(import_id)]
        assert [len(part) for part in parts] == [2, 2, 1]
        stored = [found for part in parts for found in part]
        assert [found.record for found in stored] == rows
        chosen = await repositories.records.raw_by_ids([stored[3].id, stored[1].id, uuid4()])
        assert [found.record for found in chosen] == [rows[1], rows[3]]


async def test_cleansed_rows_come_back_as_they_were(database, scope):
    raw_ids = [uuid4(), uuid4()]
    rows = [
        (clean(raw_id, number), reason)
        for number, (raw_id, reason) in enumerate(zip(raw_ids, (None, "no name"), strict=True), 2)
    ]
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories)
        assert await repositories.records.add_cleansed(import_id, rows) == 2
    async with reading(database, scope) as repositories:
        found = [stored async for part in repositories.records.cleansed(import_id) for stored in part]
    assert [(stored.record, stored.quarantine_reason) for stored in found] == rows


async def test_rows_of_a_reverted_change_set_are_hidden_and_still_resolve_by_id(database, scope):
    change_set = uuid4()
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories)
    async with editing(database, scope, change_set) as repositories:
        await repositories.records.add_raw(import_id, [Record("vInfo", 2, {"VM": "a"})])
        await repositories.records.add_issues(import_id, [Issue("bad_cell", "error", "m")])
        (stored,) = [found async for part in repositories.records.raw(import_id) for found in part]
    who = (scope.client_account_id, scope.engagement_id, Jsonb(scope.actor_document()))
    await database.call("select * from app.revert(%s, %s, %s, %s, %s)", (*who, uuid4(), [change_set]))
    async with reading(database, scope) as repositories:
        assert [part async for part in repositories.records.raw(import_id)] == []
        assert await repositories.records.issue_counts(import_id) == {}
        assert [found.id for found in await repositories.records.raw_by_ids([stored.id])] == [stored.id]


async def test_pages_of_findings_show_each_once_in_the_order_of_the_file(database, scope):
    places = [
        Place(),
        Place(sheet="vInfo"),
        Place(sheet="vInfo", row=2, column="CPUs"),
        Place(sheet="vInfo", row=2),
        Place(sheet="b", row=9),
    ]
    issues = [Issue("bad_cell", "warning" if place.row else "error", f"m{n}", place) for n, place in enumerate(places)]
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories)
        assert await repositories.records.add_issues(import_id, issues) == 5
    seen, after = [], None
    async with reading(database, scope) as repositories:
        while page := await repositories.records.issues(import_id, limit=2, after=after):
            seen += [found.issue for found in page]
            after = page[-1].key
        assert await repositories.records.issue_counts(import_id) == {
            ("bad_cell", "error"): 2,
            ("bad_cell", "warning"): 3,
        }
        errors = await repositories.records.issues(import_id, IssueFilter(code="bad_cell", severity="error"))
        assert {found.issue.message for found in errors} == {"m0", "m1"}
        assert await repositories.records.issues(import_id, IssueFilter(code="other")) == []
    assert sorted(seen, key=lambda issue: issue.message) == issues
    assert [(issue.place.sheet, issue.place.row or 0) for issue in seen] == [
        ("", 0),
        ("b", 9),
        ("vInfo", 0),
        ("vInfo", 2),
        ("vInfo", 2),
    ]


async def test_a_cell_that_cannot_be_stored_is_named_with_sheet_and_row(database, scope):
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories)
        with pytest.raises(InvalidInput) as refused:
            await repositories.records.add_raw(import_id, [Record("vInfo", 2, {}), Record("vInfo", 3, {"VM": "\0"})])
    assert refused.value.where == {"sheet": "vInfo", "row": 3, "column": "values/VM"}


def suggested(column: str, target: str | None, position: int = 1, *, sheet: str = "vInfo") -> SuggestedColumn:
    others = (Candidate("hostname", 0.2, ("alike",)),)
    made = Suggestion(sheet, column, target, 0.9, ("header",), others, "MB", "similarity")
    return SuggestedColumn(made, position, ("a", 1, None))


async def test_suggestions_are_stored_and_replaced_but_decisions_stay(database, scope):
    async with editing(database, scope) as repositories:
        import_id, mappings = await new_import(repositories), repositories.mappings
        await mappings.replace_suggestions(
            import_id, [suggested("VM", "name"), suggested("CPUs", None, 2), suggested("x", None, 3)]
        )
        first = {found.source_column: found.id for found in await mappings.of_import(import_id)}
        await mappings.set_target(import_id, sheet="vInfo", column="VM", target="fqdn", user="eve")
        await mappings.replace_suggestions(import_id, [suggested("VM", "hostname"), suggested("CPUs", "cpu_cores", 2)])
        machine, cores = await mappings.of_import(import_id)
    assert (machine.id, machine.target_field, machine.status, machine.decided_by) == (
        first["VM"],
        "fqdn",
        "changed",
        "person",
    )
    assert (machine.updated_by, machine.suggested_field) == ("eve", "name")
    assert (cores.id, cores.target_field, cores.suggested_field, cores.status) == (
        first["CPUs"],
        "cpu_cores",
        "cpu_cores",
        "suggested",
    )
    assert cores.alternatives == [{"target": "hostname", "confidence": 0.2, "evidence": ["alike"]}]
    assert (cores.sample_values, cores.unit, cores.evidence) == (["a", 1, None], "MB", ["header"])


async def test_equal_suggestions_are_not_written_again(database, scope):
    again = uuid4()
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories)
        await repositories.mappings.replace_suggestions(import_id, [suggested("VM", "name")])
    async with editing(database, scope, again) as repositories:
        await repositories.mappings.replace_suggestions(import_id, [suggested("VM", "name")])
        assert await repositories.changes.touched(again) == []


async def test_approval_covers_every_column_once(database, scope):
    async with editing(database, scope) as repositories:
        import_id, mappings = await new_import(repositories), repositories.mappings
        await mappings.replace_suggestions(import_id, [suggested("VM", "name"), suggested("VM", None, sheet="vHost")])
        assert await mappings.approve_all(import_id, user="eve") == 2
        assert await mappings.approve_all(import_id, user="eve") == 0
        assert {found.status for found in await mappings.of_import(import_id)} == {"approved"}


async def test_a_column_that_the_import_lacks_is_not_found(database, scope):
    async with editing(database, scope) as repositories:
        import_id = await new_import(repositories)
        with pytest.raises(NotFound):
            await repositories.mappings.set_target(import_id, sheet="", column="VM", target=None, user="eve")
