"""Single connections outside the pool: one to run a queue's statements, one to listen on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Self

import psycopg
from psycopg import AsyncRawCursor, sql
from psycopg.rows import dict_row
from sqlalchemy import URL, make_url

from masterflow.errors import Unavailable


class Link:
    """One autocommit connection. Statements use PostgreSQL's own placeholders ($1, $2)."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str | URL, *, application_name: str, disposable_writes: bool = False) -> Self:
        """Connect. `disposable_writes` turns synchronous_commit off: only for rows that may be lost."""
        options = "-c synchronous_commit=off" if disposable_writes else ""
        conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, application_name=application_name, options=options, connect_timeout=10
            )
        except psycopg.OperationalError as error:
            raise Unavailable("the database does not answer", next_step="Try again in a moment.") from error
        return cls(connection)

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.closed

    async def fetch(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        """Rows of a statement."""
        cursor = AsyncRawCursor(self._connection, row_factory=dict_row)
        await cursor.execute(statement.encode(), arguments or None)
        return await cursor.fetchall()

    async def execute(self, statement: str, *arguments: object) -> str:
        """Run a statement; its command tag, as in "INSERT 0 1"."""
        cursor = AsyncRawCursor(self._connection)
        await cursor.execute(statement.encode(), arguments or None)
        return cursor.statusmessage or ""

    async def listen(self, channel: str) -> None:
        """Ask for the notifications of a channel."""
        await self._connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))

    async def notifications(self) -> AsyncIterator[tuple[str, str]]:
        """(channel, payload) of each notification. Raises Unavailable when the connection is lost."""
        try:
            async for note in self._connection.notifies():
                yield note.channel, note.payload
        except psycopg.OperationalError as error:
            raise Unavailable("the listening connection is lost", next_step="Connect again.") from error

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()
