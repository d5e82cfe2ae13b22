"""Assets, dependencies and findings: written in bulk, edited one by one, counted in SQL, with their history."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from masterflow.domain.dependencies import Edge
from masterflow.domain.tech_debt import LifecycleFinding
from masterflow.errors import InvalidInput, NotFound, StaleVersion
from masterflow.store import repositories as rooms
from masterflow.store.database import driver_rows
from masterflow.store.repositories.assets import AssetFilter, AssetSummary, Upserted
from masterflow.store.repositories.changes import TouchedTable
from masterflow.store.repositories.tech_debt import DebtFilter
from support.rows import editing, reading


def row(name: str, **values: object) -> dict[str, object]:
    return {"natural_key": f"virtual_machine:{name.lower()}", "name": name, "asset_type": "virtual_machine", **values}


async def put(database, scope, *rows, **options) -> Upserted:
    async with editing(database, scope) as repositories:
        return await repositories.assets.upsert_drafts(rows, **options)


async def one(database, scope, asset_id: UUID):
    async with reading(database, scope) as repositories:
        return await repositories.assets.get(asset_id)


async def test_an_upsert_inserts_updates_and_leaves_what_is_equal(database, scope):
    first = await put(database, scope, row("a", cpu_cores=2), row("b", vendor="Dell", flags=["template"]))
    second = await put(
        database,
        scope,
        row("a", cpu_cores=4),
        row("b", vendor="Dell", flags=["template"]),
        row("c", ip_addresses=["10.0.0.1"]),
    )
    assert (first.inserted, first.updated, first.unchanged) == (2, 0, 0)
    assert (second.inserted, second.updated, second.unchanged) == (1, 1, 1)
    assert {key: second.ids[key] for key in first.ids} == first.ids
    asset = await one(database, scope, first.ids["virtual_machine:a"])
    assert (asset.cpu_cores, asset.version, asset.created_by, asset.conflicts) == (4.0, 2, "ada", [])
    assert asset.updated_at > asset.created_at


async def test_an_equal_upsert_writes_no_history(database, scope):
    await put(database, scope, row("a", technical_details={"x": [1, None]}))
    again = uuid4()
    async with editing(database, scope, again) as repositories:
        await repositories.assets.upsert_drafts([row("a", technical_details={"x": [1, None]})])
        assert await repositories.changes.touched(again) == []


async def test_an_upsert_over_several_chunks_counts_all(database, scope, monkeypatch):
    monkeypatch.setattr(rooms.assets, "CHUNK", 3)
    done = await put(database, scope, *(row(f"vm{number}") for number in range(8)))
    again = await put(database, scope, *(row(f"vm{number}") for number in range(10)))
    assert (done.inserted, again.inserted, again.unchanged, len(again.ids)) == (8, 2, 8, 10)


async def test_an_upsert_of_nothing_does_nothing(database, scope):
    assert await put(database, scope) == Upserted()


async def test_a_value_that_a_row_lacks_is_kept_and_objects_are_merged(database, scope):
    made = await put(
        database, scope,
        row("a", vendor="Dell", custom_attributes={"x": 1}, ip_addresses=["10.0.0.1"], flags=["template"], cpu_cores=2),
    )  # fmt: skip
    await put(database, scope, row("a", custom_attributes={"y": 2}, ip_addresses=None, flags=[]), row("b", vendor="HP"))
    asset = await one(database, scope, made.ids["virtual_machine:a"])
    assert (asset.vendor, asset.cpu_cores, asset.flags, asset.ip_addresses) == ("Dell", 2.0, [], ["10.0.0.1"])
    assert asset.custom_attributes == {"x": 1, "y": 2}


async def test_clearing_removes_what_a_row_lacks_but_no_column_that_nobody_names(database, scope):
    made = await put(
        database, scope, row("a", vendor="Dell", custom_attributes={"x": 1}, cpu_cores=2, identity_rule="name")
    )
    await put(
        database, scope, row("a"), row("b", vendor="HP", custom_attributes={}, identity_rule="name"), missing="clear"
    )
    asset = await one(database, scope, made.ids["virtual_machine:a"])
    assert (asset.vendor, asset.custom_attributes, asset.cpu_cores, asset.identity_rule) == (None, {}, 2.0, "")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("a"), row("A")], "same natural key"),
        ([row("a", colour="red")], "no such fields"),
        ([row("a"), {"name": "b"}], "needs a natural key"),
        ([row("a", asset_type=None)], "needs a natural key"),
        ([row("a", id=uuid4())], "no such fields"),
        ([row("a", vendor="x\0")], "NUL"),
    ],
)
async def test_rows_that_cannot_be_stored_are_refused_before_anything_is_written(database, scope, rows, words):
    with pytest.raises(InvalidInput, match=words):
        await put(database, scope, *rows)
    async with reading(database, scope) as repositories:
        assert (await repositories.assets.summary()).assets == 0


values = st.fixed_dictionaries(
    {},
    optional={
        "vendor": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
        "cpu_cores": st.none() | st.integers(0, 99) | st.floats(allow_nan=False),
        "flags": st.lists(st.sampled_from(["template", "described"]), max_size=2),
        "custom_attributes": st.dictionaries(
            st.sampled_from("ab"), st.none() | st.booleans() | st.text("é\\", max_size=2)
        ),
        "is_template": st.none() | st.booleans(),
    },
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), values, min_size=1))
async def test_the_same_rows_again_change_nothing(database, make_scope, drafts):
    scope = make_scope()
    rows = [row(name, **given) for name, given in drafts.items()]
    for missing in ("keep", "clear"):
        await put(database, scope, *rows, missing=missing)
        again = await put(database, scope, *rows, missing=missing)
        assert (again.inserted, again.updated, again.unchanged) == (0, 0, len(rows))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (AssetFilter(), ["B1", "a1", "a2"]),
        (AssetFilter(asset_type="server"), ["B1"]),
        (AssetFilter(flag="template"), ["a2"]),
        (AssetFilter(environment="test"), ["a1"]),
        (AssetFilter(os_contains="windows_"), []),
        (AssetFilter(os_contains="WINDOWS"), ["a1", "a2"]),
        (AssetFilter(name_prefix="A"), ["a1", "a2"]),
        (AssetFilter(name_prefix="a%"), []),
        (AssetFilter(current_phase="cutover"), ["B1"]),
        (AssetFilter(master_flow_id=UUID(int=7)), ["B1"]),
    ],
)
async def test_a_filter_restricts_a_page_of_assets(database, scope, wanted, names):
    await put(
        database,
        scope,
        row("B1", asset_type="server", current_phase="cutover", master_flow_id=UUID(int=7)),
        row("a1", operating_system="Windows 2012", environment="test"),
        row("a2", operating_system="windows 2016", flags=["template", "powered_off"]),
    )
    async with reading(database, scope) as repositories:
        assert [asset.name for asset in await repositories.assets.page(wanted)] == names
        assert sum((await repositories.assets.count_by("asset_type", wanted)).values()) == len(names)


async def test_pages_of_assets_show_each_asset_once_by_name(database, scope):
    twins = [row("twin") | {"natural_key": f"virtual_machine:twin#{number}"} for number in range(4)]
    await put(database, scope, *twins, row("a"), row("Z"))
    seen, after = [], None
    async with reading(database, scope) as repositories:
        while page := await repositories.assets.page(limit=2, after=after):
            seen += page
            after = (page[-1].name, page[-1].id)
    assert [asset.name for asset in seen] == ["Z", "a", *["twin"] * 4]
    assert len({asset.id for asset in seen}) == 6


async def test_assets_are_counted_by_a_text_column(database, scope):
    await put(database, scope, row("a", vendor="Dell"), row("b", vendor="Dell"), row("c"))
    async with reading(database, scope) as repositories:
        assert await repositories.assets.count_by("vendor") == {"Dell": 2, None: 1}
        with pytest.raises(InvalidInput):
            await repositories.assets.count_by("cpu_cores")
        with pytest.raises(InvalidInput):
            await repositories.assets.count_by("vendor; drop table app.assets")


async def test_the_summary_of_an_empty_inventory_invents_no_sum(database, scope):
    async with reading(database, scope) as repositories:
        assert await repositories.assets.summary() == AssetSummary(0, 0, 0, 0, 0, 0, 0, None, None, None, 0)


async def test_a_patch_moves_the_version_and_names_the_actor(database, scope):
    asset_id = (await put(database, scope, row("a", vendor="Dell"))).ids["virtual_machine:a"]
    async with editing(database, scope) as repositories:
        patched = await repositories.assets.patch(
            asset_id, {"vendor": "HP", "flags": ["x"]}, expected_version=1, actor="eve"
        )
    assert (patched.vendor, patched.flags, patched.version, patched.updated_by) == ("HP", ["x"], 2, "eve")


async def test_a_patch_on_an_old_version_or_an_unknown_asset_is_refused(database, scope):
    asset_id = (await put(database, scope, row("a"))).ids["virtual_machine:a"]
    async with editing(database, scope) as repositories:
        with pytest.raises(StaleVersion):
            await repositories.assets.patch(asset_id, {"vendor": "HP"}, expected_version=2, actor="eve")
        with pytest.raises(NotFound):
            await repositories.assets.patch(uuid4(), {"vendor": "HP"}, expected_version=1, actor="eve")


@pytest.mark.parametrize("changes", [{}, {"id": uuid4()}, {"version": 9}, {"natural_key": "x"}, {"updated_by": "x"}])
async def test_a_patch_of_fields_that_are_not_for_people_is_refused(database, scope, changes):
    async with editing(database, scope) as repositories:
        with pytest.raises(InvalidInput):
            await repositories.assets.patch(uuid4(), changes, expected_version=1, actor="eve")


async def test_the_history_of_an_asset_shows_each_field_before_and_after(database, scope, admin):
    sets = [uuid4() for _ in range(3)]
    async with editing(database, scope, sets[0]) as repositories:
        asset_id = (await repositories.assets.upsert_drafts([row("a", vendor="Dell")])).ids["virtual_machine:a"]
    async with editing(database, scope, sets[1]) as repositories:
        await repositories.assets.patch(asset_id, {"vendor": "HP"}, expected_version=1, actor="eve")
    async with reading(database, scope) as repositories:
        made, changed = await repositories.changes.history_of("assets", asset_id)
    assert (made.operation, made.fields["vendor"], made.fields["version"]) == ("insert", (None, "Dell"), (None, 1))
    assert (changed.operation, changed.change_set_id, changed.created_by) == ("update", sets[1], "ada")
    assert set(changed.fields) == {"vendor", "version", "updated_by", "updated_at"}
    assert changed.fields["vendor"] == ("Dell", "HP")


async def test_a_deleted_row_keeps_its_history(database, scope):
    asset_id = (await put(database, scope, row("a", vendor="Dell"))).ids["virtual_machine:a"]
    change_set = uuid4()
    async with editing(database, scope, change_set) as repositories:
        await driver_rows(repositories.session, "delete from app.assets where id = %s", (asset_id,))
    async with reading(database, scope) as repositories:
        made, gone = await repositories.changes.history_of("assets", asset_id)
        assert await repositories.changes.touched(change_set) == [TouchedTable("assets", 1, 0, 0, 1)]
        assert (await repositories.changes.change_set(change_set)).status == "sealed"
        assert await repositories.changes.change_set(uuid4()) is None
    assert (made.fields["vendor"], gone.operation, gone.fields["vendor"]) == ((None, "Dell"), "delete", ("Dell", None))


async def test_history_is_only_read_from_captured_tables(database, scope):
    async with reading(database, scope) as repositories:
        assert await repositories.changes.history_of("assets", uuid4()) == []
        with pytest.raises(InvalidInput):
            await repositories.changes.history_of("principals", uuid4())


async def chain(database, scope, length: int) -> list[UUID]:
    """Assets that each depend on the next one."""
    done = await put(database, scope, *(row(f"n{number}") for number in range(length)))
    ids = [done.ids[f"virtual_machine:n{number}"] for number in range(length)]
    edges = [edge(a, b) for a, b in pairwise(ids)]
    async with editing(database, scope) as repositories:
        assert await repositories.dependencies.upsert_edges(edges) == length - 1
    return ids


def edge(source: UUID, target: UUID, confidence: float = 0.9, **values: object) -> Edge:
    given = {"kind": "depends_on", "evidence": ("port 443",), **values}
    return Edge(source=str(source), target=str(target), confidence=confidence, **given)


async def test_dependencies_of_an_asset_reach_as_far_as_asked(database, scope):
    ids = await chain(database, scope, 6)
    async with reading(database, scope) as repositories:
        for depth, found in ((1, 2), (2, 4), (3, 5)):
            edges = await repositories.dependencies.of_asset(ids[2], depth=depth)
            assert len({edge.id for edge in edges}) == len(edges) == found
        assert await repositories.dependencies.of_asset(uuid4()) == []
        for depth in (0, 6):
            with pytest.raises(InvalidInput):
                await repositories.dependencies.of_asset(ids[2], depth=depth)


async def test_a_circle_of_dependencies_ends(database, scope):
    ids = await chain(database, scope, 3)
    async with editing(database, scope) as repositories:
        await repositories.dependencies.upsert_edges([edge(ids[2], ids[0]), edge(ids[0], ids[0])])
    async with reading(database, scope) as repositories:
        assert len(await repositories.dependencies.of_asset(ids[0], depth=5)) == 4


async def test_edges_are_updated_by_their_key_and_equal_ones_not_written(database, scope):
    a, b = await chain(database, scope, 2)
    async with editing(database, scope) as repositories:
        upsert = repositories.dependencies.upsert_edges
        assert await upsert([edge(a, b)]) == 0
        assert await upsert([edge(a, b, 0.5), edge(a, b, 0.95, evidence=("seen",), record_ids=("r1",))]) == 1
        assert await upsert([edge(a, b, port=443, protocol="tcp"), edge(b, a, kind="runs_on")]) == 2
        assert await upsert([]) == 0
    async with reading(database, scope) as repositories:
        (first, *_) = [found for found in await repositories.dependencies.page(kind="depends_on") if found.port == 0]
        assert (first.confidence, first.evidence, first.record_ids) == (0.95, ["seen"], ["r1"])
        assert await repositories.dependencies.triples() == sorted([(a, b, "depends_on"), (b, a, "runs_on")])


async def test_pages_of_dependencies_show_each_edge_once(database, scope):
    await chain(database, scope, 6)
    seen, after = [], None
    async with reading(database, scope) as repositories:
        while page := await repositories.dependencies.page(limit=2, after=after):
            seen += [found.id for found in page]
            after = seen[-1]
    assert len(set(seen)) == len(seen) == 5


def finding(subject: str, state: str = "end_of_life", **values: object) -> LifecycleFinding:
    given = {"product": "Windows Server", "severity": "high", "days_left": -10, "extended_end": None, **values}
    return LifecycleFinding(
        subject=subject, text="Windows 2008", cycle="2008", state=state, end_of_life=date(2020, 1, 14),
        reasons=("release 2008",), catalog_as_of="2026-08-22", **given,
    )  # fmt: skip


async def test_findings_are_stored_by_asset_and_subject(database, scope):
    done = await put(database, scope, row("a"), row("b"))
    a, b = done.ids.values()
    on = date(2026, 11, 20)
    async with editing(database, scope) as repositories:
        upsert = repositories.tech_debt.upsert_findings
        assert (
            await upsert([(a, finding("os")), (b, finding("os")), (a, finding("db", "unknown"))], assessed_on=on) == 3
        )
        assert await upsert([(a, finding("os")), (b, finding("os", "extended_ended"))], assessed_on=on) == 1
    async with reading(database, scope) as repositories:
        assert await repositories.tech_debt.by_state() == {"end_of_life": 1, "extended_ended": 1, "unknown": 1}
        assert await repositories.tech_debt.by_state(subject="db") == {"unknown": 1}
        (database_row, system) = await repositories.tech_debt.of_asset(a)
        assert (database_row.subject, system.end_of_life, system.reasons) == ("db", date(2020, 1, 14), ["release 2008"])


async def test_pages_of_findings_are_filtered_and_show_each_once(database, scope):
    done = await put(database, scope, *(row(f"n{number}") for number in range(5)))
    flow_id, on = uuid4(), date(2026, 11, 20)
    async with editing(database, scope) as repositories:
        findings = [(asset_id, finding("os")) for asset_id in done.ids.values()]
        await repositories.tech_debt.upsert_findings(findings, assessed_on=on, flow_id=flow_id)
    wanted = DebtFilter(state="end_of_life", severity="high", product="Windows Server", subject="os", flow_id=flow_id)
    seen, after = [], None
    async with reading(database, scope) as repositories:
        while page := await repositories.tech_debt.page(wanted, limit=2, after=after):
            seen += [found.asset_id for found in page]
            after = page[-1].id
        assert await repositories.tech_debt.page(DebtFilter(severity="low")) == []
    assert sorted(seen) == sorted(done.ids.values())


async def test_two_findings_for_one_subject_are_refused(database, scope):
    asset_id = (await put(database, scope, row("a"))).ids["virtual_machine:a"]
    twice = [(asset_id, finding("os")), (asset_id, finding("os", "unknown"))]
    async with editing(database, scope) as repositories:
        with pytest.raises(InvalidInput):
            await repositories.tech_debt.upsert_findings(twice, assessed_on=date(2026, 11, 20))
