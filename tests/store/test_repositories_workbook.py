"""The bundled workbook from bytes to stored inventory: SQL and domain count the same, every cell resolves."""

from __future__ import annotations

import hashlib
from importlib import resources
from uuid import UUID, uuid4

import pytest

from masterflow.domain.cleansing import MappedColumn, cleanse
from masterflow.domain.fields import FIELDS, profile, suggest
from masterflow.domain.importing import inspect, read
from masterflow.domain.inventory import build_inventory, summarise
from masterflow.domain.records import CleanRecord, Record
from masterflow.flows.discovery.drafts import asset_row
from masterflow.store.repositories.mappings import SuggestedColumn
from support.rows import editing, reading

NAME = "rvtools-workshop.xlsx"
COUNTED = (
    *("vms", "hosts_described", "hosts_named_only", "clusters", "templates", "powered_on_non_templates", "vcpu"),
    "os_conflicts",
)


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return (resources.files("masterflow.data") / NAME).read_bytes()


def columns_of(sheet, suggestions):
    fields = ((made, FIELDS[made.target]) for made in suggestions if made.target)
    return [MappedColumn(made.column, made.target, f.kind, made.unit, f.unit, f.values) for made, f in fields]


def mapped(summary) -> dict[str, tuple]:
    """Sheet name -> (role, suggestions)."""
    found = {}
    for sheet in summary.sheets:
        profiles = [profile(column, sheet.samples.get(column.key, [])) for column in sheet.header.columns]
        found[sheet.header.name] = (sheet.role, suggest(sheet.header.name, sheet.role, summary.source.name, profiles))
    return found


async def stored_import(database, scope, content: bytes, sheets) -> UUID:
    """Id of an import with its raw rows and suggestions."""
    records = [event for event in read(content, file_name=NAME) if isinstance(event, Record)]
    suggested = [SuggestedColumn(made, n) for _, found in sheets.values() for n, made in enumerate(found, 1)]
    async with editing(database, scope) as repositories:
        blob, _ = await repositories.blobs.add(content, "application/vnd.ms-excel")
        import_id = (await repositories.imports.add(blob_id=blob.id, file_name=NAME)).id
        assert await repositories.records.add_raw(import_id, records) == len(records)
        await repositories.mappings.replace_suggestions(import_id, suggested)
        assert len(await repositories.mappings.of_import(import_id)) == len(suggested)
    return import_id


async def stored_cleansed(database, scope, import_id: UUID, sheets) -> list[CleanRecord]:
    """The cleansed rows of an import as they come back from the database."""
    columns = {name: columns_of(name, found) for name, (_, found) in sheets.items()}
    async with reading(database, scope) as repositories:
        stored = [found async for part in repositories.records.raw(import_id) for found in part]
    used = [row for row in stored if sheets[row.record.sheet][0].kind != "ignored"]
    results = [cleanse(s.record, str(s.id), sheets[s.record.sheet][0], columns[s.record.sheet]) for s in used]
    async with editing(database, scope) as repositories:
        await repositories.records.add_cleansed(import_id, ((clean, None) for clean, _ in results))
        await repositories.records.add_issues(import_id, (issue for _, issues in results for issue in issues))
    async with reading(database, scope) as repositories:
        found = [row.record async for part in repositories.records.cleansed(import_id) for row in part]
    by_id = {clean.record_id: clean for clean, _ in results}
    assert {clean.record_id: clean for clean in found} == by_id
    return found


async def test_the_stored_inventory_of_the_workbook_equals_the_computed_one(database, scope, workbook):
    sheets = mapped(inspect(workbook, file_name=NAME))
    import_id = await stored_import(database, scope, workbook, sheets)
    inventory = build_inventory(await stored_cleansed(database, scope, import_id, sheets), source=NAME)
    rows = [asset_row(draft) for draft in inventory.assets]
    async with editing(database, scope) as repositories:
        done = await repositories.assets.upsert_drafts(rows)
        again = await repositories.assets.upsert_drafts(rows)
        counted = await repositories.assets.summary()
    computed = summarise(inventory)
    assert (done.inserted, again.unchanged) == (len(rows), len(rows))
    assert {name: getattr(counted, name) for name in COUNTED} == {name: getattr(computed, name) for name in COUNTED}
    sums = (counted.memory_gib, counted.provisioned_tib)
    assert sums == pytest.approx((computed.memory_gib, computed.provisioned_tib))
    assert (counted.vms, counted.templates, counted.powered_on_non_templates, counted.vcpu) == (805, 10, 763, 2629)
    assert (round(counted.memory_gib, 1), round(counted.provisioned_tib, 2)) == (10176.3, 215.86)
    await every_source_resolves(database, scope, done.ids["virtual_machine:lvmbeasm003"])


async def every_source_resolves(database, scope, asset_id: UUID) -> None:
    """Each value of the asset leads to a stored row that holds the raw cell."""
    async with reading(database, scope) as repositories:
        asset = await repositories.assets.get(asset_id)
        sources = [source for found in asset.field_sources.values() for source in found]
        rows = await repositories.records.raw_by_ids([UUID(source["record_id"]) for source in sources])
        known = {str(row.id): row.record for row in rows}
        assert sources
        for source in sources:
            assert known[source["record_id"]].values[source["column"]] == source["raw"]


async def test_the_workbook_is_recognised_by_its_digest(database, scope, workbook):
    async with editing(database, scope) as repositories:
        blob, _ = await repositories.blobs.add(workbook, "application/vnd.ms-excel")
        made = await repositories.imports.add(blob_id=blob.id, file_name=NAME)
        (found,) = await repositories.imports.by_hash(hashlib.sha256(workbook).digest())
        assert found.id == made.id
        assert await repositories.imports.by_hash(uuid4().bytes) == []
