"""What every repository shares: its session, its scope, and the limits of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from psycopg import sql
from sqlalchemy import ColumnElement, Executable, Select, TableClause, column, table
from sqlalchemy.ext.asyncio import AsyncSession

from masterflow.errors import InvalidInput
from masterflow.kernel.permission import Scope
from masterflow.store.database import driver_rows
from masterflow.store.tables import Base

T = TypeVar("T")
LARGEST_PAGE = 200


class Repository:
    """Rows of one kind, as far as the session's engagement has them: row-level security filters each query."""

    def __init__(self, session: AsyncSession, *, scope: Scope, new_id: Callable[[], UUID]) -> None:
        self._session = session
        self._scope = scope
        self._new_id = new_id

    async def _all(self, statement: Select[T]) -> list[T]:
        return list((await self._session.scalars(statement)).all())

    async def _first(self, statement: Select[T]) -> T | None:
        return (await self._session.scalars(statement)).first()

    async def _count(self, statement: Executable) -> int:
        """Execute a write; the number of rows it touched."""
        return int((await self._session.execute(statement)).rowcount)  # type: ignore[attr-defined]

    async def _rows(
        self, statement: str | sql.Composed, arguments: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """Run a plain statement after pending objects are written; its rows as dictionaries."""
        await self._session.flush()
        text = statement if isinstance(statement, str) else statement.as_string(None)
        return await driver_rows(self._session, text, arguments)


def check_limit(limit: int) -> int:
    """`limit`, if it is a page size.

    Raises:
        InvalidInput: outside 1..200.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise InvalidInput(
            f"a page has 1 to {LARGEST_PAGE} rows", where={"field": "limit", "value": limit}, next_step="Page on."
        )
    return limit


def restrictions(*wanted: tuple[Any, Callable[[Any], ColumnElement[bool]]]) -> list[ColumnElement[bool]]:
    """The conditions of those (value, condition) pairs whose value is given: not None, False or ()."""
    return [condition(value) for value, condition in wanted if value not in (None, False, ())]


def repeated(keys: Iterable[T]) -> T | None:
    """The first key that comes a second time; None when all differ."""
    seen: set[T] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None


def view(name: str, like: type[Base]) -> TableClause:
    """A view of schema `app` with the columns of a mapped class."""
    return table(name, *(column(c.name, c.type) for c in like.__table__.c), schema="app")
