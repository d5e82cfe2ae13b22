# ruff: noqa: S608 - names in the statements are those of the schema
"""Writes to the inventory in change sets, and their roll-back, over one plain connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4, uuid5

import psycopg
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from masterflow.kernel.permission import Scope
from masterflow.store.ddl import sql_file

CAPTURED = ("assets", "asset_dependencies", "asset_tech_debt")
Write = tuple[str, tuple[object, ...]]
"""Kind of write and its arguments; small numbers choose among a few ids and keys."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The inventory of one engagement; `connection` is an autocommit one of role api or worker."""

    connection: psycopg.Connection
    scope: Scope

    def context(self) -> tuple[UUID, UUID, Jsonb]:
        """Leading arguments of the SQL functions."""
        return self.scope.client_account_id, self.scope.engagement_id, Jsonb(self.scope.actor_document())

    @contextmanager
    def change_set(self, *, seal: bool = True) -> Iterator[UUID]:
        """A transaction with a change set of its own, closed at the end."""
        change_set = uuid4()
        with self.connection.transaction():
            self.connection.execute("select app.begin(%s, %s, %s, %s, 'human')", (*self.context(), change_set))
            yield change_set
            if seal:
                self.connection.execute("select app.seal_change_set(%s)", (change_set,))

    def write(self, writes: Sequence[Write]) -> UUID:
        """Several writes as one change set; one that a key or a reference refuses changes nothing."""
        with self.change_set() as change_set:
            for kind, arguments in writes:
                try:
                    with self.connection.transaction():
                        WRITES[kind](self, *arguments)
                except psycopg.errors.IntegrityError:
                    continue
        return change_set

    def revert(self, *change_sets: UUID) -> UUID:
        """Undo change sets; the change set that did it."""
        rollback = uuid4()
        self.counts(rollback, change_sets)
        return rollback

    def counts(self, rollback: UUID, change_sets: Sequence[UUID]) -> list[tuple[object, ...]]:
        """What a roll-back did per table: (table, removed, changed, restored)."""
        return self.connection.execute(
            "select * from app.revert(%s, %s, %s, %s, %s)", (*self.context(), rollback, list(change_sets))
        ).fetchall()

    def rows(self) -> dict[str, list[str]]:
        """Every live row of the inventory as text, byte for byte."""
        with self._reading():
            return {
                table: [row[0] for row in self.connection.execute(f"select t::text from app.{table} t order by id")]
                for table in CAPTURED
            }

    def statuses(self) -> dict[UUID, tuple[str, UUID | None]]:
        """Status of each change set and what reverted it."""
        with self._reading():
            rows = self.connection.execute("select id, status, reverted_by from app.change_sets").fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}

    def fetch(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        """Rows of a query in this engagement."""
        with self._reading():
            return self.connection.execute(statement, arguments or None).fetchall()

    def asset_id(self, number: int) -> UUID:
        """One of the ids that writes choose from."""
        return uuid5(self.scope.engagement_id, f"row {number}")

    def run(self, statement: str, *arguments: object) -> None:
        """Run one statement in the open change set."""
        self.connection.execute(statement, arguments)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self.connection.transaction():
            self.connection.execute("select app.enter(%s, %s, %s)", self.context())
            yield


_INSERT = """insert into app.assets (id, natural_key, name, asset_type, cpu_cores, technical_details, flags,
    created_by, updated_by) values (%s, %s, %s, 'server', %s, %s, %s, 'a', 'a')"""


def _insert(ledger: Ledger, asset: int, key: int, values: tuple[object, ...], ending: str = "") -> None:
    name, cores, details = values
    ledger.run(f"{_INSERT} {ending}", ledger.asset_id(asset), f"key {key}", name, cores, details, details)


def _upsert_by_key(ledger: Ledger, asset: int, key: int, values: tuple[object, ...]) -> None:
    changes = "name = excluded.name, cpu_cores = excluded.cpu_cores, technical_details = excluded.technical_details"
    _insert(
        ledger,
        asset,
        key,
        values,
        f"on conflict (client_account_id, engagement_id, natural_key) do update set {changes}",
    )


def _upsert_by_id(ledger: Ledger, asset: int, key: int, values: tuple[object, ...]) -> None:
    changes = "natural_key = excluded.natural_key, name = excluded.name, flags = excluded.flags"
    _insert(ledger, asset, key, values, f"on conflict (client_account_id, engagement_id, id) do update set {changes}")


def _merge(ledger: Ledger, asset: int, key: int, values: tuple[object, ...]) -> None:
    ledger.run(
        """merge into app.assets a using (select %s::uuid as id, %s::text as key, %s::text as name) n on a.id = n.id
           when matched and a.name = n.name then delete
           when matched then update set name = n.name
           when not matched then insert (id, natural_key, name, asset_type, created_by, updated_by)
               values (n.id, n.key, n.name, 'server', 'a', 'a')""",
        ledger.asset_id(asset),
        f"key {key}",
        values[0],
    )


def _update(ledger: Ledger, asset: int, key: int, values: tuple[object, ...]) -> None:
    ledger.run(
        "update app.assets set name = %s, cpu_cores = %s, technical_details = %s where id = %s or natural_key = %s",
        *values,
        ledger.asset_id(asset),
        f"key {key}",
    )


def _delete(ledger: Ledger, asset: int) -> None:
    ledger.run("delete from app.assets where id = %s", ledger.asset_id(asset))


def _delete_with_children(ledger: Ledger, asset: int) -> None:
    row = ledger.asset_id(asset)
    ledger.run("delete from app.asset_dependencies where %s in (source_asset_id, target_asset_id)", row)
    ledger.run("delete from app.asset_tech_debt where asset_id = %s", row)
    _delete(ledger, asset)


def _rewrite_parent(ledger: Ledger, asset: int, key: int, values: tuple[object, ...]) -> None:
    ledger.run("set constraints all deferred")
    _delete(ledger, asset)
    _insert(ledger, asset, key, values)
    ledger.run("set constraints all immediate")


def _swap_keys(ledger: Ledger, asset: int, other: int) -> None:
    rows = ledger.connection.execute(
        "select id, natural_key from app.assets where id = any(%s)",
        ([ledger.asset_id(asset), ledger.asset_id(other)],),
    ).fetchall()
    if len(rows) == 2:
        (first, first_key), (second, second_key) = rows
        for key, row in (("for a moment", first), (first_key, second), (second_key, first)):
            ledger.run("update app.assets set natural_key = %s where id = %s", key, row)


def _link(ledger: Ledger, link: int, source: int, target: int) -> None:
    ledger.run(
        """insert into app.asset_dependencies (id, source_asset_id, target_asset_id, kind, confidence)
           values (%s, %s, %s, 'network', 0.5) on conflict (client_account_id, engagement_id, id) do update
           set source_asset_id = excluded.source_asset_id, target_asset_id = excluded.target_asset_id""",
        ledger.asset_id(100 + link),
        ledger.asset_id(source),
        ledger.asset_id(target),
    )


def _unlink(ledger: Ledger, link: int) -> None:
    ledger.run("delete from app.asset_dependencies where id = %s", ledger.asset_id(100 + link))


def _debt(ledger: Ledger, debt: int, asset: int, days: int | None) -> None:
    ledger.run(
        """insert into app.asset_tech_debt (id, asset_id, subject, found_text, product, cycle, state, severity,
               days_left, assessed_on, catalog_as_of)
           values (%s, %s, 'operating_system', 'x', 'x', '6', 'ended', 'high', %s, '2026-11-20', '2026-11-20')
           on conflict (client_account_id, engagement_id, asset_id, subject) do update
           set days_left = excluded.days_left""",
        ledger.asset_id(200 + debt),
        ledger.asset_id(asset),
        days,
    )


WRITES: dict[str, Callable[..., None]] = {
    "insert": _insert,
    "upsert by key": _upsert_by_key,
    "upsert by id": _upsert_by_id,
    "merge": _merge,
    "update": _update,
    "delete": _delete,
    "delete with children": _delete_with_children,
    "rewrite parent": _rewrite_parent,
    "swap keys": _swap_keys,
    "link": _link,
    "unlink": _unlink,
    "debt": _debt,
}

_ROW = st.integers(0, 3)
_TEXTS = st.sampled_from(["vm", "VM", "", "ü\u0301 'quoted\" \\ \n", "x" * 3000])
_NUMBERS = st.sampled_from([None, 0.0, -0.0, 1.5, 0.1 + 0.2, 1e-300, float("nan"), float("inf")])
_DOCUMENTS = st.sampled_from(["null", "{}", '{"a": 1.5}', '{"a": 1.50}', '[1, null, "x"]', '{"b": {"c": []}}'])
_VALUES = st.tuples(_TEXTS, _NUMBERS, _DOCUMENTS)
_KINDS = {
    "insert": st.tuples(_ROW, _ROW, _VALUES),
    "upsert by key": st.tuples(_ROW, _ROW, _VALUES),
    "upsert by id": st.tuples(_ROW, _ROW, _VALUES),
    "merge": st.tuples(_ROW, _ROW, _VALUES),
    "update": st.tuples(_ROW, _ROW, _VALUES),
    "delete": st.tuples(_ROW),
    "delete with children": st.tuples(_ROW),
    "rewrite parent": st.tuples(_ROW, _ROW, _VALUES),
    "swap keys": st.tuples(_ROW, _ROW),
    "link": st.tuples(_ROW, _ROW, _ROW),
    "unlink": st.tuples(_ROW),
    "debt": st.tuples(_ROW, _ROW, st.sampled_from([None, -1, 90])),
}
some_writes = st.lists(
    st.one_of(*(st.tuples(st.just(kind), arguments) for kind, arguments in _KINDS.items())), min_size=1, max_size=8
)
"""The writes of one change set."""


def replace_function(connection: psycopg.Connection, name: str, *changes: tuple[str, str]) -> None:
    """Plant a mistake: the functions of an SQL file with some of its text replaced; each text must occur."""
    text = sql_file(name).replace("create function", "create or replace function")
    for right, wrong in changes:
        assert right in text, right
        text = text.replace(right, wrong)
    connection.execute(text)
