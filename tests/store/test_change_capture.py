"""Change sets: what is captured, what is refused, and that a roll-back restores rows exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from masterflow.store.ddl import API
from support.ledger import Ledger, Write, replace_function, some_writes
from support.server import Server
from support.tenants import ScopeFactory

VALUES = ("vm", 1.5, "{}")
OTHER = ("other", 2.5, '{"a": 1}')
A_ROW: Write = ("insert", (0, 0, VALUES))
_given_server = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture
def ledger(api: psycopg.Connection, make_scope: ScopeFactory) -> Ledger:
    """The empty inventory of a fresh engagement, written by role api."""
    return Ledger(api, make_scope())


@pytest.fixture
def broken(
    server: Server, scratch: Callable[[], AbstractContextManager[str]]
) -> Iterator[tuple[Ledger, psycopg.Connection]]:
    """A ledger in a database of its own, and the superuser who may plant a mistake there."""
    with (
        scratch() as name,
        server.superuser(name) as admin,
        psycopg.connect(server.dsn(name, API), autocommit=True) as api,
    ):
        yield Ledger(api, ScopeFactory(admin)()), admin


@_given_server
@given(history=st.lists(some_writes, min_size=1, max_size=5), count=st.integers(1, 5))
def test_a_rollback_restores_the_rows_exactly_and_can_itself_be_undone(
    api: psycopg.Connection, make_scope: ScopeFactory, history: list[list[Write]], count: int
) -> None:
    ledger = Ledger(api, make_scope())
    before = []
    done = []
    for writes in history:
        before.append(ledger.rows())
        done.append(ledger.write(writes))
    after, last = ledger.rows(), done[-count:]
    wanted = before[-min(count, len(before))]

    rollback = ledger.revert(*last)
    assert ledger.rows() == wanted
    redo = ledger.revert(rollback)
    assert ledger.rows() == after
    ledger.revert(redo)
    assert ledger.rows() == wanted


@_given_server
@given(steps=st.lists(st.one_of(some_writes, st.integers(1, 3), st.just("undo")), min_size=3, max_size=9))
def test_rollbacks_between_later_work_stay_exact(
    api: psycopg.Connection, make_scope: ScopeFactory, steps: list[list[Write] | int | str]
) -> None:
    ledger = Ledger(api, make_scope())
    effective: list[tuple[UUID, dict[str, list[str]]]] = []
    undoable: list[tuple[UUID, dict[str, list[str]], list[tuple[UUID, dict[str, list[str]]]]]] = []
    for step in steps:
        now = ledger.rows()
        if isinstance(step, list):
            effective.append((ledger.write(step), now))
            undoable.clear()
        elif isinstance(step, int) and effective:
            last = effective[-step:]
            del effective[-step:]
            undoable.append((ledger.revert(*(change_set for change_set, _ in last)), now, last))
            assert ledger.rows() == last[0][1]
        elif step == "undo" and undoable:
            rollback, earlier, last = undoable.pop()
            ledger.revert(rollback)
            effective += last
            assert ledger.rows() == earlier
    statuses = ledger.statuses()
    assert all(statuses[change_set] == ("sealed", None) for change_set, _ in effective)


def test_an_insert_stores_its_key_and_a_change_the_old_image(ledger: Ledger) -> None:
    first = ledger.write([A_ROW])
    second = ledger.write([("update", (0, 0, OTHER))])
    third = ledger.write([("delete", (0,))])
    history = ledger.fetch('select "~op", "~cs", name, cpu_cores from hist.assets order by "~seq"')
    assert history == [("I", first, None, None), ("U", second, "vm", 1.5), ("D", third, "other", 2.5)]


def test_a_rollback_counts_what_it_removes_changes_and_restores(ledger: Ledger) -> None:
    ledger.write([A_ROW, ("insert", (1, 1, VALUES))])
    last = ledger.write([("insert", (2, 2, VALUES)), ("update", (0, 0, OTHER)), ("delete", (1,)), ("link", (0, 0, 2))])
    assert ledger.counts(uuid4(), [last]) == [("asset_dependencies", 1, 0, 0), ("assets", 1, 1, 1)]


def test_swapped_unique_keys_are_restored(ledger: Ledger) -> None:
    ledger.write([A_ROW, ("insert", (1, 1, VALUES)), ("link", (0, 0, 1))])
    before = ledger.rows()
    swapped = ledger.write([("swap keys", (0, 1))])
    assert ledger.rows() != before
    ledger.revert(swapped)
    assert ledger.rows() == before


def test_statuses_follow_a_rollback_and_its_undoing(ledger: Ledger) -> None:
    written = ledger.write([A_ROW])
    rollback = ledger.revert(written)
    assert ledger.statuses() == {written: ("reverted", rollback), rollback: ("sealed", None)}
    redo = ledger.revert(rollback)
    assert ledger.statuses() == {
        written: ("sealed", None),
        rollback: ("reverted", redo),
        redo: ("sealed", None),
    }


def test_an_earlier_change_set_can_be_undone_after_a_later_one_was(ledger: Ledger) -> None:
    first = ledger.write([A_ROW])
    second = ledger.write([("update", (0, 0, OTHER))])
    ledger.revert(second)
    ledger.revert(first)
    assert ledger.rows()["assets"] == []


def test_a_later_change_by_another_change_set_is_a_conflict_and_nothing_changes(ledger: Ledger) -> None:
    first = ledger.write([A_ROW, ("insert", (1, 1, VALUES))])
    ledger.write([("update", (0, 0, OTHER))])
    before = ledger.rows(), ledger.statuses()
    with pytest.raises(psycopg.Error) as refused:
        ledger.revert(first)
    assert (refused.value.sqlstate, refused.value.diag.message_detail) == ("MF005", "assets")
    assert (ledger.rows(), ledger.statuses()) == before


def test_undoing_a_rollback_conflicts_with_what_was_written_since(ledger: Ledger) -> None:
    ledger.write([A_ROW])
    rollback = ledger.revert(ledger.write([("update", (0, 0, OTHER))]))
    ledger.write([("update", (0, 0, ("third", None, "{}")))])
    with pytest.raises(psycopg.Error, match="later changes") as refused:
        ledger.revert(rollback)
    assert refused.value.sqlstate == "MF005"


def test_a_rollback_that_still_holds_is_a_conflict_for_an_older_rollback(ledger: Ledger) -> None:
    first = ledger.write([A_ROW])
    inner = ledger.revert(ledger.write([("update", (0, 0, OTHER))]))
    ledger.revert(first)
    with pytest.raises(psycopg.Error) as refused:
        ledger.revert(inner)
    assert refused.value.sqlstate == "MF005"


def test_later_changes_on_other_rows_are_no_conflict(ledger: Ledger) -> None:
    first = ledger.write([A_ROW])
    ledger.write([("insert", (1, 1, VALUES))])
    ledger.revert(first)
    assert len(ledger.rows()["assets"]) == 1


@pytest.mark.parametrize("kind", ["unknown", "reverted", "foreign"])
def test_only_effective_change_sets_of_the_engagement_are_reverted(
    ledger: Ledger, make_scope: ScopeFactory, kind: str
) -> None:
    written = ledger.write([A_ROW])
    ledger.revert(written)
    sibling = Ledger(ledger.connection, make_scope(client=ledger.scope.client_account_id))
    chosen = {"unknown": uuid4(), "reverted": written, "foreign": sibling.write([A_ROW])}[kind]
    with pytest.raises(psycopg.Error) as refused:
        ledger.revert(chosen)
    assert refused.value.sqlstate == "MF014"


def test_a_row_that_others_refer_to_since_stops_the_rollback(ledger: Ledger) -> None:
    first = ledger.write([A_ROW])
    ledger.write([("link", (0, 0, 0))])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        ledger.revert(first)


def test_a_unique_key_taken_since_stops_the_rollback(ledger: Ledger) -> None:
    ledger.write([A_ROW])
    renamed = ledger.write([("upsert by id", (0, 1, VALUES))])
    ledger.write([("insert", (2, 0, VALUES))])
    with pytest.raises(psycopg.errors.UniqueViolation):
        ledger.revert(renamed)


def test_rows_of_append_only_tables_are_hidden_with_their_change_set_and_come_back(ledger: Ledger) -> None:
    def visible() -> int:
        return len(ledger.fetch("select id from app.current_raw_records"))

    with ledger.change_set() as change_set:
        ledger.run(
            "insert into app.raw_import_records (id, import_id, sheet, row_number, values)"
            " values (gen_random_uuid(), gen_random_uuid(), 'vInfo', 2, '{}')"
        )
    counts = [visible()]
    rollback = ledger.revert(change_set)
    counts.append(visible())
    ledger.revert(rollback)
    assert [*counts, visible()] == [1, 0, 1]


MISTAKES = {
    "newest instead of oldest image": ("undo.v1.sql", 'order by id, "~seq"', 'order by id, "~seq" desc'),
    "no conflict check": ("undo.v1.sql", "if v_later > 0", "if false"),
    "foreign keys not deferred": ("revert.v1.sql", "set constraints all deferred", "set constraints all immediate"),
    "values compared by equality": (
        "undo.v1.sql",
        "row(%s)::record operator(pg_catalog.*<>) row(%s)::record",
        "row(%s) is distinct from row(%s)",
    ),
    "no second way for swapped keys": ("undo.v1.sql", "when unique_violation", "when data_exception"),
    "reverted sets not counted again": ("revert.v1.sql", "'sealed', reverted_by = null", "'reverted'"),
}


def _scenario(ledger: Ledger) -> bool:
    """A history that needs each part of the roll-back; whether everything came out right."""
    two_rows: list[Write] = [A_ROW, ("insert", (1, 1, ("vm", 1.5, '{"a": 1.5}'))), ("link", (0, 0, 1))]
    ledger.write(two_rows)
    before = ledger.rows()
    same = ("update", (1, 1, ("vm", 1.5, '{"a": 1.50}')))
    last = ledger.write([("update", (0, 0, OTHER)), ("update", (0, 0, VALUES)), ("delete with children", (0,)), same])
    rollback = ledger.revert(last)
    exact = ledger.rows() == before
    swapped = ledger.write([("swap keys", (0, 1))])
    ledger.revert(swapped)
    exact = exact and ledger.rows() == before
    ledger.revert(ledger.revert(ledger.write([("rewrite parent", (0, 3, OTHER)), ("link", (1, 1, 0))])))
    exact = exact and all(status != ("reverted", rollback) or key == last for key, status in ledger.statuses().items())
    first = ledger.write([("insert", (2, 2, VALUES))])
    kept = ledger.write([("update", (2, 2, OTHER))])
    with pytest.raises(psycopg.Error, match="later changes"):
        ledger.revert(first)
    restored = ledger.revert(ledger.revert(kept))
    return exact and ledger.statuses()[kept] == ("sealed", None) and restored is not None


def test_the_scenario_of_the_controls_is_right_without_a_mistake(ledger: Ledger) -> None:
    assert _scenario(ledger)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_in_the_rollback_is_noticed(broken: tuple[Ledger, psycopg.Connection], mistake: str) -> None:
    ledger, admin = broken
    name, right, wrong = MISTAKES[mistake]
    replace_function(admin, name, (right, wrong))
    try:
        noticed = not _scenario(ledger)
    except (psycopg.Error, pytest.fail.Exception):
        noticed = True
    assert noticed


def test_a_capture_that_is_switched_off_makes_the_rollback_wrong(broken: tuple[Ledger, psycopg.Connection]) -> None:
    ledger, admin = broken
    admin.execute("alter table app.assets disable trigger z_update")
    ledger.write([A_ROW])
    before = ledger.rows()
    ledger.revert(ledger.write([("update", (0, 0, OTHER))]))
    assert ledger.rows() != before
