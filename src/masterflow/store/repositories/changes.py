"""Reading change sets and the history of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import sql
from sqlalchemy import select

from masterflow.errors import InvalidInput
from masterflow.store.repositories.base import Repository
from masterflow.store.tables import CapturedTable, ChangeSet

Operation = Literal["insert", "update", "delete"]
_OPERATIONS: dict[str, Operation] = {"I": "insert", "U": "update", "D": "delete"}
_HISTORY = sql.SQL(
    """select h."~seq" as seq, h."~op"::text as op, h."~cs" as change_set_id, c.kind, c.status, c.flow_id, c.phase,
           c.created_by, c.created_at,
           case when h."~op" <> 'I' then to_jsonb(h) - array['~seq', '~op', '~cs'] end as image
    from {history} h join app.change_sets c on c.id = h."~cs"
    where h.id = %(id)s order by h."~seq" """
)
_LIVE = sql.SQL("select to_jsonb(l) as image from {live} l where l.id = %(id)s")
_TOUCHED = """
    select table_name, count(distinct id) as rows, count(*) filter (where op = 'I') as inserted,
           count(*) filter (where op = 'U') as updated, count(*) filter (where op = 'D') as deleted
    from app.row_changes where change_set_id = %s group by table_name order by table_name"""


@dataclass(frozen=True, slots=True)
class RowChange:
    """One change of a row. `fields` maps each changed field to (value before, value after).

    Values are as JSON shows them. An insert has the values after (before is None), a delete those
    before. `status` is the change set's: a "reverted" change was undone by a later one.
    """

    seq: int
    operation: Operation
    change_set_id: UUID
    kind: str
    status: str
    flow_id: UUID | None
    phase: str | None
    created_by: str
    created_at: datetime
    fields: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class TouchedTable:
    """What a change set did to one table: distinct rows, and changes by kind."""

    table_name: str
    rows: int
    inserted: int
    updated: int
    deleted: int


class Changes(Repository):
    """Change sets of the engagement and what they changed."""

    async def change_set(self, change_set_id: UUID) -> ChangeSet | None:
        """The change set; None when this engagement has none."""
        return await self._first(
            select(ChangeSet).where(ChangeSet.id == change_set_id).execution_options(populate_existing=True)
        )

    async def touched(self, change_set_id: UUID) -> list[TouchedTable]:
        """The captured tables that a change set wrote, with counts; empty when it wrote none."""
        return [TouchedTable(**row) for row in await self._rows(_TOUCHED, (change_set_id,))]

    async def history_of(self, table_name: str, row_id: UUID) -> list[RowChange]:
        """Every change of a row of a captured table, oldest first; empty for an unknown row.

        The value after a change is the old image of the row's next change, or the live row.

        Raises:
            InvalidInput: the table's changes are not kept.
        """
        known = set(await self._all(select(CapturedTable.table_name)))
        if table_name not in known:
            raise InvalidInput(
                f"no history is kept of '{table_name}'", next_step=f"Tables with history: {', '.join(sorted(known))}."
            )
        history, live = sql.Identifier("hist", table_name), sql.Identifier("app", table_name)
        changes = await self._rows(_HISTORY.format(history=history), {"id": row_id})
        current = await self._rows(_LIVE.format(live=live), {"id": row_id})
        return _with_fields(changes, current[0]["image"] if current else None)


def _with_fields(changes: Sequence[dict[str, Any]], live: dict[str, Any] | None) -> list[RowChange]:
    """Each change with its field differences; the image before change k + 1 is the one after change k."""
    images = [*(change["image"] for change in changes), live]
    made = []
    for change, before, after in zip(changes, images[:-1], images[1:], strict=True):
        rest = {name: value for name, value in change.items() if name not in ("op", "image")}
        made.append(RowChange(**rest, operation=_OPERATIONS[change["op"]], fields=_differences(before, after)))
    return made


def _differences(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, tuple[Any, Any]]:
    old, new = before or {}, after or {}
    return {
        name: (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }
