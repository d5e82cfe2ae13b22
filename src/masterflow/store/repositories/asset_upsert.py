"""The statement that brings many asset rows into the inventory by their natural key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from psycopg import sql
from sqlalchemy.dialects.postgresql import JSONB

from masterflow.errors import InvalidInput
from masterflow.store.bulk import listed, temporary
from masterflow.store.repositories.base import repeated
from masterflow.store.tables import Asset

Missing = Literal["keep", "clear"]

_FIXED = frozenset({"client_account_id", "engagement_id", "id", "version"}) | {
    f"{verb}_{part}" for verb in ("created", "updated") for part in ("by", "at")
}
REQUIRED = ("natural_key", "name", "asset_type")
CONTENT = tuple(c.name for c in Asset.__table__.c if c.name not in _FIXED and c.name != "natural_key")
"""Columns that a row may set and that count as a change."""
_DEFAULTS = {
    c.name: "[]" if "[]" in str(getattr(c.server_default, "arg", "")) else "{}"
    for c in Asset.__table__.c
    if isinstance(c.type, JSONB)
}
_STATED = frozenset({"flags", "conflicts"})
"""Lists that an empty value empties; other lists and objects are left when the row says nothing."""

_UPSERT = """
    insert into app.assets as a (id, natural_key, {columns}, created_by, updated_by)
    select s.id, s.natural_key, {given}, %(actor)s, %(actor)s
    from {staged} s left join app.assets e on e.natural_key = s.natural_key
    order by e.id, s.natural_key
    on conflict (client_account_id, engagement_id, natural_key) do update
        set ({columns}, version, updated_by, updated_at) =
            row({target}, a.version + 1, excluded.updated_by, clock_timestamp())
        where row({present})::record operator(pg_catalog.*<>) row({target})::record
    returning a.id, a.natural_key, a.xmax = 0 as is_new"""


def check_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Content columns that any of the rows names, in table order.

    Raises:
        InvalidInput: a row lacks natural key, name or type, a column does not exist or is not for
            callers, or two rows share a natural key.
    """
    for row in rows:
        if lacking := [name for name in REQUIRED if row.get(name) is None]:
            place = {"natural_key": row.get("natural_key"), "fields": lacking}
            raise InvalidInput("an asset needs a natural key, a name and a type", where=place)
    given = {name for row in rows for name in row}
    unknown = sorted(given - {*CONTENT, "natural_key"})
    if unknown:
        raise InvalidInput("assets have no such fields to set", where={"fields": unknown})
    doubled = repeated(row["natural_key"] for row in rows)
    if doubled is not None:
        raise InvalidInput("two rows have the same natural key", where={"natural_key": doubled})
    return tuple(name for name in CONTENT if name in given)


def upsert_statement(columns: Sequence[str], missing: Missing) -> sql.Composed:
    """INSERT..SELECT..ON CONFLICT from the staged rows; rows that would not change are not written.

    With `missing` "keep", a value that a row lacks leaves the stored one, and objects are merged.
    """
    target = [
        _kept(name) if missing == "keep" else sql.SQL("excluded.{}").format(sql.Identifier(name)) for name in columns
    ]
    return sql.SQL(_UPSERT).format(
        columns=listed(columns),
        given=sql.SQL(", ").join(map(_given, columns)),
        staged=temporary(Asset),
        target=sql.SQL(", ").join(target),
        present=listed(columns, "a."),
    )


def _given(name: str) -> sql.Composable:
    column = sql.SQL("s.{}").format(sql.Identifier(name))
    if name not in _DEFAULTS:
        return sql.SQL("coalesce({}, '')").format(column) if name == "identity_rule" else column
    return sql.SQL("coalesce({}, {}::jsonb)").format(column, sql.Literal(_DEFAULTS[name]))


def _kept(name: str) -> sql.Composable:
    new, old = (sql.SQL("{}.{}").format(sql.SQL(row), sql.Identifier(name)) for row in ("excluded", "a"))
    if name in _STATED:
        return new
    if _DEFAULTS.get(name) == "{}":
        return sql.SQL("{} || {}").format(old, new)
    if name in _DEFAULTS:
        return sql.SQL("case when {} = '[]' then {} else {} end").format(new, old, new)
    return sql.SQL("coalesce({}, {})").format(new, old)
