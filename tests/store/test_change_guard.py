"""No write to a captured table goes past its change set, its key, its history or the engagement's lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import psycopg
import pytest

from masterflow.store.ddl import API
from support.factories import enter
from support.ledger import Ledger, Write
from support.server import Server
from support.tenants import ScopeFactory

A_ROW: Write = ("insert", (0, 0, ("vm", 1.5, "{}")))
INSERT = "insert into app.assets (id, natural_key, name, asset_type, created_by, updated_by) "
INSERT += "values (gen_random_uuid(), 'k', 'n', 'server', 'a', 'a')"
UPDATE = "update app.assets set name = 'changed'"
DELETE = "delete from app.assets"


@pytest.fixture
def ledger(api: psycopg.Connection, make_scope: ScopeFactory) -> Ledger:
    """An inventory with one row, written by role api."""
    made = Ledger(api, make_scope())
    made.write([A_ROW])
    return made


@pytest.fixture
def second(server: Server, database_name: str, ledger: Ledger) -> Iterator[Ledger]:
    """The same engagement over another connection that waits for locks for a moment only."""
    with psycopg.connect(server.dsn(database_name, API), autocommit=True) as connection:
        connection.execute("set lock_timeout = '50ms'")
        yield Ledger(connection, ledger.scope)


@contextmanager
def _context(connection: psycopg.Connection, ledger: Ledger, change_set: UUID | None) -> Iterator[None]:
    """A transaction with hand-made settings, past `app.begin`."""
    with connection.transaction(force_rollback=True):
        enter(connection, ledger.scope, change_set)
        yield


def _change_set(kind: str, ledger: Ledger, make_scope: ScopeFactory) -> UUID | None:
    if kind == "none":
        return None
    if kind == "sealed":
        return ledger.write([])
    if kind == "reverted":
        reverted = ledger.write([])
        ledger.revert(reverted)
        return reverted
    sibling = Ledger(ledger.connection, make_scope(client=ledger.scope.client_account_id))
    with sibling.change_set(seal=False) as foreign:
        pass
    return {"foreign": foreign, "unknown": uuid4()}[kind]


@pytest.mark.parametrize("role", ["api", "admin"])
@pytest.mark.parametrize("statement", [INSERT, UPDATE, DELETE], ids=["insert", "update", "delete"])
@pytest.mark.parametrize("kind", ["none", "sealed", "reverted", "foreign", "unknown"])
def test_a_write_needs_an_open_change_set_of_its_engagement(
    request: pytest.FixtureRequest, ledger: Ledger, make_scope: ScopeFactory, kind: str, statement: str, role: str
) -> None:
    connection: psycopg.Connection = request.getfixturevalue(role)
    change_set = _change_set(kind, ledger, make_scope)
    with pytest.raises(psycopg.Error) as refused, _context(connection, ledger, change_set):
        connection.execute(statement)
    assert refused.value.sqlstate == "MF002"


def test_a_write_without_any_context_is_refused_even_to_the_superuser(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        admin.execute(UPDATE)
    assert refused.value.sqlstate == "MF002"


@pytest.mark.parametrize("kind", ["sealed", "reverted", "foreign", "unknown"])
def test_a_run_begins_only_with_its_open_change_set(ledger: Ledger, make_scope: ScopeFactory, kind: str) -> None:
    change_set = _change_set(kind, ledger, make_scope)
    with pytest.raises(psycopg.Error) as refused:
        ledger.connection.execute("select app.begin(%s, %s, %s, %s, 'run')", (*ledger.context(), change_set))
    assert refused.value.sqlstate == "MF002"


@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize(
    "function",
    ["app.begin(%s::uuid, %s::uuid, %s::jsonb, null, 'none')", "app.enter(%s::uuid, %s::uuid, %s::jsonb)"],
    ids=["begin", "enter"],
)
def test_a_transaction_needs_client_engagement_and_actor(ledger: Ledger, function: str, missing: int) -> None:
    arguments: list[object] = list(ledger.context())
    arguments[missing] = None
    with pytest.raises(psycopg.Error) as refused:
        ledger.connection.execute(f"select {function}", arguments)
    assert refused.value.sqlstate == "MF001"


def test_an_unknown_kind_of_transaction_is_refused(ledger: Ledger) -> None:
    with pytest.raises(psycopg.Error) as refused:
        ledger.connection.execute("select app.begin(%s, %s, %s, null, 'other')", ledger.context())
    assert refused.value.sqlstate == "MF001"


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("update app.assets set id = gen_random_uuid()", "MF004"),
        ("truncate app.assets", "42501"),
        (
            """insert into hist.assets ("~op", "~cs", id) values ('I', app.change_set_id(), gen_random_uuid())""",
            "42501",
        ),
        ("update hist.assets set name = 'x'", "42501"),
        ("delete from hist.assets", "42501"),
        ("alter table app.assets disable trigger a_guard", "42501"),
        ("set local session_replication_role = replica", "42501"),
        (
            "create temporary table own (client_account_id uuid, engagement_id uuid, id uuid) on commit drop;"
            " create trigger forge after insert on own referencing new table as new_rows"
            " for each statement execute function hist.assets_capture()",
            "42501",
        ),
    ],
    ids=["key", "truncate", "insert history", "update history", "delete history", "trigger", "replica", "forge"],
)
def test_the_application_cannot_get_round_the_capture(ledger: Ledger, statement: str, sqlstate: str) -> None:
    with pytest.raises(psycopg.Error) as refused, ledger.change_set():
        ledger.connection.execute(statement)
    assert refused.value.sqlstate == sqlstate


def test_truncating_is_refused_even_to_the_superuser(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        admin.execute("truncate app.assets cascade")
    assert refused.value.sqlstate == "MF003"


def test_the_superuser_cannot_write_for_a_tenant_other_than_the_context(
    admin: psycopg.Connection, ledger: Ledger, make_scope: ScopeFactory
) -> None:
    other = Ledger(ledger.connection, make_scope())
    other.write([A_ROW])
    with ledger.change_set(seal=False) as change_set:
        pass
    with pytest.raises(psycopg.errors.InsufficientPrivilege), _context(admin, ledger, change_set):
        admin.execute("update app.assets set name = 'x' where engagement_id = %s", (other.scope.engagement_id,))


def test_sealing_does_not_bring_back_a_reverted_change_set(ledger: Ledger) -> None:
    reverted = ledger.write([])
    rollback = ledger.revert(reverted)
    with ledger.connection.transaction():
        ledger.connection.execute("select app.enter(%s, %s, %s)", ledger.context())
        ledger.connection.execute("select app.seal_change_set(%s)", (reverted,))
    assert ledger.statuses()[reverted] == ("reverted", rollback)


def test_a_rollback_waits_for_a_writer_of_the_same_engagement(ledger: Ledger, second: Ledger) -> None:
    with ledger.change_set(), pytest.raises(psycopg.errors.LockNotAvailable):
        second.revert()


def test_a_writer_waits_for_a_rollback_of_the_same_engagement(ledger: Ledger, second: Ledger) -> None:
    with ledger.connection.transaction():
        ledger.revert()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            second.write([A_ROW])


def test_a_write_past_the_beginning_function_waits_for_a_rollback_too(ledger: Ledger, second: Ledger) -> None:
    with ledger.change_set(seal=False) as change_set:
        pass
    with ledger.connection.transaction():
        ledger.revert()
        with pytest.raises(psycopg.errors.LockNotAvailable), _context(second.connection, second, change_set):
            second.connection.execute(UPDATE)


def test_reading_does_not_wait_for_a_rollback(ledger: Ledger, second: Ledger) -> None:
    with ledger.connection.transaction():
        ledger.revert()
        assert len(second.rows()["assets"]) == 1


def test_a_sibling_engagement_does_not_wait_for_a_rollback(
    ledger: Ledger, second: Ledger, make_scope: ScopeFactory
) -> None:
    sibling = Ledger(second.connection, make_scope(client=ledger.scope.client_account_id))
    with ledger.connection.transaction():
        ledger.revert()
        sibling.write([A_ROW])
    assert len(sibling.rows()["assets"]) == 1


def test_two_writers_of_one_engagement_do_not_wait_for_each_other(ledger: Ledger, second: Ledger) -> None:
    with ledger.change_set():
        second.write([("insert", (1, 1, ("vm", 1.0, "{}")))])
    assert len(ledger.rows()["assets"]) == 2
