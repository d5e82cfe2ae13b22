"""Probes of tenant isolation: one tenant tries every operation on every table of another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from psycopg import sql

from masterflow.kernel.permission import Scope
from support.catalog import CLIENT, MASTER
from support.factories import FACTORIES, World, enter, insert

VIEWS = (
    "app.row_changes",
    "app.master_flow_record",
    "app.current_raw_records",
    "app.current_cleansed_records",
    "app.current_quality_issues",
)
_REFUSED = {"42501"}  # row-level security or a privilege that is missing
_KEY_CHANGE = "MF004"  # captured tables refuse the change of a key before the policy is asked


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt: what was tried and what came of it; `leak` is empty when nothing got through."""

    name: str
    leak: str


@dataclass(frozen=True, slots=True)
class Intruder:
    """`own` is the world of the one who tries, `foreign` the world he must not reach."""

    connection: psycopg.Connection
    own: World
    foreign: World

    def probes(self, tables: list[str]) -> Iterator[Probe]:
        """Every operation on every table, each in a transaction that is rolled back."""
        for table in tables:
            yield self._reads(table, "sees foreign rows", self._foreign_rows(table))
            yield self._sees_own(table)
            yield self._without_context(table)
            if table.startswith("app.") and table not in VIEWS:
                yield from self._writes(table)

    def _writes(self, table: str) -> Iterator[Probe]:
        where = self._foreign_rows(table)
        name = sql.Identifier(*table.split("."))
        yield self._changes(table, "updates", sql.SQL("update {} set {}{}").format(name, _touch(table), where))
        yield self._changes(table, "deletes", sql.SQL("delete from {}{}").format(name, where))
        yield self._refused(table, "moves own row to the other tenant", self._move(table))
        yield self._inserts(table)

    def _foreign_rows(self, table: str) -> sql.Composed:
        return sql.SQL(" where ") + _tenant_test(table, self.foreign.scope)

    def _reads(self, table: str, what: str, where: sql.Composable) -> Probe:
        with self._attempt(self.own):
            count = _count(self.connection, table, where)
        return Probe(f"{table}: {what}", f"{count} rows" if count else "")

    def _sees_own(self, table: str) -> Probe:
        with self._attempt(self.own):
            everything = _count(self.connection, table, sql.SQL(""))
            own = _count(self.connection, table, sql.SQL(" where ") + _tenant_test(table, self.own.scope))
        return Probe(f"{table}: sees only own rows", "" if everything == own > 0 else f"{own} own of {everything}")

    def _without_context(self, table: str) -> Probe:
        with self._attempt(None):
            count = _count(self.connection, table, sql.SQL(""))
        return Probe(f"{table}: sees rows without context", f"{count} rows" if count else "")

    def _changes(self, table: str, what: str, statement: sql.Composed) -> Probe:
        with self._attempt(self.own):
            try:
                count = self.connection.execute(statement).rowcount
            except psycopg.errors.InsufficientPrivilege:
                count = 0
        return Probe(f"{table}: {what} foreign rows", f"{count} rows" if count else "")

    def _move(self, table: str) -> sql.Composed:
        target = [("client_account_id", self.foreign.scope.client_account_id)]
        if table not in CLIENT:
            target.append(("engagement_id", self.foreign.scope.engagement_id))
        changes = [sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in target]
        if table == MASTER:
            changes.append(sql.SQL("version = version + 1"))
        return sql.SQL("update {} set {}").format(sql.Identifier(*table.split(".")), sql.SQL(", ").join(changes))

    def _refused(self, table: str, what: str, statement: sql.Composed) -> Probe:
        leak = "accepted"
        with self._attempt(self.own):
            try:
                self.connection.execute(statement)
            except psycopg.Error as error:
                leak = "" if error.sqlstate in _REFUSED | {_KEY_CHANGE} else str(error)
        return Probe(f"{table}: {what}", leak)

    def _inserts(self, table: str) -> Probe:
        row = {"client_account_id": self.foreign.scope.client_account_id}
        if table not in CLIENT:
            row["engagement_id"] = self.foreign.scope.engagement_id
        row |= FACTORIES[table](_renewed(self.foreign, table)) if table in FACTORIES else {"name": "x"}
        leak = "accepted"
        with self._attempt(self.own):
            try:
                insert(self.connection, table, row)
            except psycopg.Error as error:
                leak = "" if error.sqlstate in _REFUSED else str(error)
        return Probe(f"{table}: inserts for the other tenant", leak)

    @contextmanager
    def _attempt(self, world: World | None) -> Iterator[None]:
        """A rolled-back transaction in a tenant's context with an open change set, or without any context."""
        with self.connection.transaction(force_rollback=True):
            if world is not None:
                enter(self.connection, world.scope, world.change_set_id)
            yield


def _renewed(world: World, table: str) -> World:
    """The same parents but a new id for the row itself, so that no key stands in the way."""
    own_id = {
        MASTER: "flow_id",
        "app.change_sets": "change_set_id",
        "app.phase_runs": "run_id",
        "app.blobs": "blob_id",
        "app.data_imports": "import_id",
        "app.assets": "asset_id",
        "app.principals": "principal_id",
    }.get(table)
    values = {name: getattr(world, name) for name in World.__dataclass_fields__}
    return World(**values | ({own_id: uuid4()} if own_id else {}))


def _tenant_test(table: str, scope: Scope) -> sql.Composed:
    test = sql.SQL("client_account_id = {}").format(scope.client_account_id)
    if table in CLIENT:
        return test
    return test + sql.SQL(" and engagement_id = {}").format(scope.engagement_id)


def _touch(table: str) -> sql.SQL:
    return sql.SQL("version = version + 1" if table == MASTER else "client_account_id = client_account_id")


def _count(connection: psycopg.Connection, table: str, where: sql.Composable) -> int:
    statement = sql.SQL("select count(*) from {}").format(sql.Identifier(*table.split("."))) + where
    found = connection.execute(statement).fetchone()
    assert found is not None
    return int(found[0])
