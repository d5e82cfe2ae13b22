"""Another client account reads nothing through any repository, and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from masterflow.domain.dependencies import Edge
from masterflow.domain.fields import Suggestion
from masterflow.domain.records import CleanRecord, Issue, Record, SheetRole
from masterflow.domain.tech_debt import LifecycleFinding
from masterflow.errors import NotFound
from masterflow.store.repositories import Repositories
from masterflow.store.repositories.idempotency import StoredResponse
from masterflow.store.repositories.mappings import SuggestedColumn
from masterflow.store.tables import RunStep
from support.rows import editing, new_flow, new_run, packed, reading

LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Planted:
    """Ids of the rows of one tenant."""

    flow: UUID
    run: UUID
    blob: UUID
    digest: bytes
    import_: UUID
    raw: UUID
    asset: UUID
    change_set: UUID


async def plant(database, scope) -> Planted:
    """At least one row for every reading method."""
    flow = await new_flow(database, scope)
    change_set = UUID(int=flow.int ^ 1)
    async with editing(database, scope, change_set) as r:
        run = await new_run(r, flow, outputs=packed({}), finished_at=datetime.now(UTC))
        r.session.add(RunStep(run_id=run, step=1, handler="h", outputs=b"J{}"))
        blob, _ = await r.blobs.add(b"rows", "text/csv")
        import_id = (await r.imports.add(blob_id=blob.id, file_name="a.csv", flow_id=flow)).id
        await r.records.add_raw(import_id, [Record("s", 2, {"VM": "a"})])
        (stored,) = [found async for part in r.records.raw(import_id) for found in part]
        await r.records.add_cleansed(import_id, [(CleanRecord(str(stored.id), "s", 2, SheetRole("asset"), {}), None)])
        await r.records.add_issues(import_id, [Issue("c", "error", "m")])
        suggestion = Suggestion("s", "VM", "name", 1.0, (), (), "", "preset")
        await r.mappings.replace_suggestions(import_id, [SuggestedColumn(suggestion, 1)])
        asset = await plant_asset(r)
    return Planted(flow, run, blob.id, blob.sha256, import_id, stored.id, asset, change_set)


async def plant_asset(r: Repositories) -> UUID:
    done = await r.assets.upsert_drafts([{"natural_key": "server:a", "name": "a", "asset_type": "server"}])
    asset = done.ids["server:a"]
    await r.dependencies.upsert_edges([Edge(str(asset), str(asset), "depends_on", 1.0, ())])
    finding = LifecycleFinding("os", "x", "x", "", "unknown", None, None, None, "unknown", (), "2026-01-01")
    await r.tech_debt.upsert_findings([(asset, finding)], assessed_on=date(2026, 11, 20))
    await r.idempotency.claim("ada", "k", b"f")
    await r.idempotency.store("ada", "k", StoredResponse(200, 1))
    return asset


async def listed(parts) -> list[Any]:
    return [found async for part in parts for found in part]


READS: dict[str, Callable[[Repositories, Planted], Awaitable[Any]]] = {
    "flows.get": lambda r, p: r.flows.get(p.flow),
    "flows.page": lambda r, p: r.flows.page(),
    "flows.active": lambda r, p: r.flows.active(),
    "flows.counts": lambda r, p: r.flows.counts(),
    "flows.record": lambda r, p: r.flows.record(p.flow),
    "runs.get": lambda r, p: r.runs.get(p.run),
    "runs.of_flow": lambda r, p: r.runs.of_flow(p.flow),
    "runs.outputs": lambda r, p: r.runs.outputs(p.flow),
    "runs.steps": lambda r, p: r.runs.steps(p.run),
    "runs.statistics": lambda r, p: r.runs.statistics(since=LONG_AGO, until=FAR_AHEAD),
    "events.after": lambda r, p: r.events.after(p.flow),
    "audit.page": lambda r, p: r.audit.page(),
    "imports.get": lambda r, p: r.imports.get(p.import_),
    "imports.of_flow": lambda r, p: r.imports.of_flow(p.flow),
    "imports.page": lambda r, p: r.imports.page(),
    "imports.by_hash": lambda r, p: r.imports.by_hash(p.digest),
    "records.raw": lambda r, p: listed(r.records.raw(p.import_)),
    "records.packed_raw": lambda r, p: r.records.packed_raw(p.import_, run_id=p.change_set),
    "records.packed_clean": lambda r, p: r.records.packed_clean(p.import_, run_id=p.change_set),
    "records.raw_by_ids": lambda r, p: r.records.raw_by_ids([p.raw]),
    "records.cleansed": lambda r, p: listed(r.records.cleansed(p.import_)),
    "records.issues": lambda r, p: r.records.issues(p.import_),
    "records.issue_counts": lambda r, p: r.records.issue_counts(p.import_),
    "mappings.of_import": lambda r, p: r.mappings.of_import(p.import_),
    "assets.by_keys": lambda r, p: r.assets.by_keys(["server:a"]),
    "assets.get": lambda r, p: r.assets.get(p.asset),
    "assets.page": lambda r, p: r.assets.page(),
    "assets.count_by": lambda r, p: r.assets.count_by("asset_type"),
    "assets.ids_by_key": lambda r, p: r.assets.ids_by_key(["server:a"]),
    "dependencies.of_asset": lambda r, p: r.dependencies.of_asset(p.asset),
    "dependencies.page": lambda r, p: r.dependencies.page(),
    "dependencies.triples": lambda r, p: r.dependencies.triples(),
    "tech_debt.of_asset": lambda r, p: r.tech_debt.of_asset(p.asset),
    "tech_debt.page": lambda r, p: r.tech_debt.page(),
    "tech_debt.by_state": lambda r, p: r.tech_debt.by_state(),
    "blobs.get": lambda r, p: r.blobs.get(p.blob),
    "blobs.by_digest": lambda r, p: r.blobs.by_digest(p.digest),
    "changes.change_set": lambda r, p: r.changes.change_set(p.change_set),
    "changes.touched": lambda r, p: r.changes.touched(p.change_set),
    "changes.history_of": lambda r, p: r.changes.history_of("assets", p.asset),
}


async def test_every_reading_method_shows_rows_to_their_tenant_and_none_to_another(database, scope, other_scope):
    planted = await plant(database, scope)
    for name, read in READS.items():
        async with reading(database, scope) as own:
            assert await read(own, planted), f"{name} does not show its own tenant's rows"
        async with reading(database, other_scope) as foreign:
            assert not await read(foreign, planted), f"{name} shows rows of another tenant"


async def test_another_engagement_of_the_same_client_reads_nothing_either(database, scope, make_scope):
    planted = await plant(database, scope)
    beside = make_scope(client=scope.client_account_id)
    for name, read in READS.items():
        async with reading(database, beside) as foreign:
            assert not await read(foreign, planted), f"{name} shows rows of another engagement"


async def test_writing_methods_do_not_reach_rows_of_another_tenant(database, scope, other_scope):
    planted = await plant(database, scope)
    async with editing(database, other_scope) as foreign:
        with pytest.raises(NotFound):
            await foreign.assets.patch(planted.asset, {"vendor": "x"}, expected_version=1, actor="eve")
        with pytest.raises(NotFound):
            await foreign.imports.update(planted.import_, {"status": "read"})
        with pytest.raises(NotFound):
            await foreign.mappings.set_target(planted.import_, sheet="s", column="VM", target=None, user="eve")
        with pytest.raises(NotFound):
            await foreign.blobs.read(planted.blob)
        assert await foreign.mappings.approve_all(planted.import_, user="eve") == 0
        assert await foreign.idempotency.claim("ada", "k", b"other") is None
        done = await foreign.assets.upsert_drafts([{"natural_key": "server:a", "name": "a", "asset_type": "server"}])
        assert done.inserted == 1
        assert done.ids["server:a"] != planted.asset


def test_every_public_reading_method_is_covered():
    writing = {"audit.add", "blobs.add", "idempotency.claim", "idempotency.store", "imports.add", "imports.update"}
    writing |= {"records.add_raw", "records.add_cleansed", "records.add_issues", "mappings.replace_suggestions"}
    writing |= {"mappings.set_target", "mappings.approve_all", "assets.upsert_drafts", "assets.patch"}
    writing |= {"dependencies.upsert_edges", "tech_debt.upsert_findings"}
    elsewhere = {"assets.summary", "blobs.read", "blobs.chunks", "runs.checkpoints"}
    elsewhere |= {"runs.newest_checkpoints", "records.latest_run"}
    rooms = Repositories(None, scope=None, new_id=None)
    found = {
        f"{room}.{method}"
        for room, repository in vars(rooms).items()
        if room not in ("session", "scope")
        for method in dir(repository)
        if not method.startswith("_")
    }
    assert found == READS.keys() | writing | elsewhere
