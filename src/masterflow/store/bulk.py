"""Many rows at once: COPY into a temporary table, then INSERT..SELECT.

PostgreSQL refuses COPY into a table under row-level security for the application's roles. A statement
takes at most CHUNK rows, so that transition tables and locks stay small.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from masterflow.errors import InvalidInput
from masterflow.store.database import driver_connection
from masterflow.store.tables import Base

CHUNK = 50_000
Row = Sequence[Any]
Connection = psycopg.AsyncConnection[Any]

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


async def copy_rows(session: AsyncSession, table: type[Base], columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Insert rows given as sequences in the order of `columns`, which holds `id`; the number of rows.

    JSON columns take Python values, other columns what psycopg adapts; columns not named get their
    defaults. Each statement inserts its rows in the order of their ids.

    Raises:
        InvalidInput: names row and column of a NUL character, half of a surrogate pair, or a number
            that JSON cannot hold.
    """
    total, checked = 0, storable(table, columns, rows)
    insert = sql.SQL("insert into {} ({}) select {} from {} order by id").format(
        qualified(table), listed(columns), listed(columns), temporary(table)
    )
    while chunk := list(islice(checked, CHUNK)):
        async with _copied(session, table, columns, chunk) as connection:
            await connection.execute(insert)
        total += len(chunk)
    return total


@asynccontextmanager
async def staged(
    session: AsyncSession, table: type[Base], columns: Sequence[str], rows: Iterable[Row]
) -> AsyncIterator[Connection]:
    """Rows in the table `temporary(table)` with these columns, without constraints, for the block.

    Raises InvalidInput as `copy_rows` does, before anything is sent: the transaction can go on.
    """
    checked = list(storable(table, columns, rows))
    async with _copied(session, table, columns, checked) as connection:
        yield connection


@asynccontextmanager
async def _copied(
    session: AsyncSession, table: type[Base], columns: Sequence[str], rows: Iterable[Row]
) -> AsyncIterator[Connection]:
    await session.flush()
    connection = await driver_connection(session)
    name = temporary(table)
    await connection.execute(
        sql.SQL("create temp table {} on commit drop as select {} from {} with no data").format(
            sql.Identifier(_temporary_name(table)), listed(columns), qualified(table)
        )
    )
    copy = sql.SQL("copy {} ({}) from stdin").format(name, listed(columns))
    async with connection.cursor() as cursor, cursor.copy(copy) as target:
        for row in rows:
            await target.write_row(row)
    yield connection
    await connection.execute(sql.SQL("drop table {}").format(name))


def storable(table: type[Base], columns: Sequence[str], rows: Iterable[Row]) -> Iterator[Row]:
    """Rows as COPY takes them: JSON columns as text. Raises InvalidInput as `copy_rows` does."""
    known = table.__table__.c
    documents = [isinstance(known[name].type, JSONB) for name in columns]
    for number, row in enumerate(rows, start=1):
        cells = []
        for name, is_document, value in zip(columns, documents, row, strict=True):
            try:
                cells.append(_cell(value, is_document=is_document))
            except ValueError as error:
                place = _place(columns, row, number) | {"column": _culprit(name, value)}
                raise InvalidInput(
                    f"a value cannot be stored: {error}",
                    where=place,
                    next_step="Correct the cell in the file and import it again.",
                ) from None
        yield cells


def qualified(table: type[Base]) -> sql.Identifier:
    """Schema and name of a mapped class's table."""
    return sql.Identifier("app", table.__tablename__)


def temporary(table: type[Base]) -> sql.Identifier:
    """Schema and name of the temporary table that `staged` makes for a mapped class."""
    return sql.Identifier("pg_temp", _temporary_name(table))


def listed(columns: Iterable[str], prefix: LiteralString = "") -> sql.Composed:
    """Column names for a statement, each after `prefix` ("new.")."""
    return sql.SQL(", ").join(sql.SQL(prefix) + sql.Identifier(column) for column in columns)


def _temporary_name(table: type[Base]) -> str:
    return f"staged_{table.__tablename__}"


def _cell(value: Any, *, is_document: bool) -> Any:
    if value is None:
        return None
    if is_document:
        return _checked(_encode(value), is_document=True)
    return _checked(value, is_document=False) if isinstance(value, str) else value


def _checked(text: str, *, is_document: bool) -> str:
    if "\x00" in text or (is_document and "\\u0000" in text and _ESCAPED_NUL.search(text)):
        raise ValueError("text with a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("text with half of a surrogate pair") from None
    return text


def _place(columns: Sequence[str], row: Row, number: int) -> dict[str, Any]:
    """Sheet and row as in the file where the columns hold them, else the position among the rows."""
    known = dict(zip(columns, row, strict=True))
    place = {"sheet": known["sheet"]} if known.get("sheet") else {}
    return place | {"row": known.get("row_number") or number}


def _culprit(name: str, value: Any) -> str:
    """The column, with the key inside a JSON object that holds the value."""
    if not isinstance(value, dict):
        return name
    return f"{name}/{next(key for key, inner in value.items() if _is_refused({key: inner}))}"


def _is_refused(document: Any) -> bool:
    try:
        _cell(document, is_document=True)
    except ValueError:
        return True
    return False
