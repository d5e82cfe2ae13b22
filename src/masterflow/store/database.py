"""Connections to PostgreSQL: a session exists only with a scope, a transaction only with its context."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from masterflow.errors import Unavailable
from masterflow.kernel.permission import Scope
from masterflow.store.faults import translate

Kind = Literal["none", "run", "human"]


class Database:
    """One role's pool of connections.

    `url` is a psycopg URL of that role. Everything that reads or writes tenant rows goes through
    `read`, `write` or `call`, each of which sets the tenant context as its first statement.
    """

    def __init__(self, url: str | URL, *, pool_size: int = 10, application_name: str = "masterflow") -> None:
        self.url = make_url(url)
        self._engine = create_async_engine(
            self.url.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            pool_recycle=1800,
            hide_parameters=True,
            connect_args={"application_name": application_name, "connect_timeout": 10},
        )
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[AsyncSession]:
        """A read-only session of one engagement; sees one snapshot per statement."""
        async with self._session() as session:
            await session.connection(execution_options={"postgresql_readonly": True})
            await _first(session, "select app.enter(%s, %s, %s)", _context(scope))
            yield session
            session.expunge_all()  # a roll-back would expire what was read
            await session.rollback()

    @asynccontextmanager
    async def write(
        self, scope: Scope, *, kind: Kind = "none", change_set: UUID | None = None
    ) -> AsyncIterator[AsyncSession]:
        """A session whose one transaction commits when the block ends and rolls back when it raises.

        `kind` "human" makes `change_set` the change set of this edit and closes it at the end; "run"
        writes into the open change set of a phase run.
        """
        async with self._session() as session:
            await _first(session, "select app.begin(%s, %s, %s, %s, %s)", (*_context(scope), change_set, kind))
            yield session
            await session.flush()
            if kind == "human":
                await _first(session, "select app.seal_change_set(%s)", (change_set,))
            await session.commit()

    @asynccontextmanager
    async def step(
        self, scope: Scope, *, flow_id: UUID, run_id: UUID, fence: int
    ) -> AsyncIterator[AsyncSession | None]:
        """The transaction of one step; None when the fence is stale and nothing may be written."""
        async with self._session() as session:
            arguments = (*_context(scope), flow_id, run_id, fence)
            rows = await driver_rows(session, "select app.begin_step(%s, %s, %s, %s, %s, %s) as ours", arguments)
            if not rows[0]["ours"]:
                yield None
                await session.rollback()
                return
            yield session
            await session.commit()

    async def call(self, statement: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
        """Run one statement as a transaction of its own; its rows as dictionaries."""
        try:
            async with self._autocommit.connect() as connection:
                raw = await _driver(connection)
                cursor = raw.cursor(row_factory=dict_row)
                await cursor.execute(statement, arguments)
                return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise translate(error) from error
        except DBAPIError as error:
            raise _translated(error) from error
        except PoolTimeout as error:
            raise _exhausted() from error

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                yield session
        except psycopg.Error as error:
            raise translate(error) from error
        except DBAPIError as error:
            raise _translated(error) from error
        except PoolTimeout as error:
            raise _exhausted() from error


def _context(scope: Scope) -> tuple[UUID, UUID, Jsonb]:
    return scope.client_account_id, scope.engagement_id, Jsonb(scope.actor_document())


async def driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection under a session, inside its transaction: for COPY and plain functions."""
    return await _driver(await session.connection())


async def driver_rows(
    session: AsyncSession, statement: str, arguments: Sequence[Any] | Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Run a statement on the session's own connection; its rows as dictionaries."""
    raw = await driver_connection(session)
    cursor = raw.cursor(row_factory=dict_row)
    await cursor.execute(statement, arguments)
    return await cursor.fetchall() if cursor.description else []


async def _driver(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    raw = (await connection.get_raw_connection()).driver_connection
    if not isinstance(raw, psycopg.AsyncConnection):
        raise TypeError(f"expected a psycopg connection, got {type(raw).__name__}")
    return raw


async def _first(session: AsyncSession, statement: str, arguments: Sequence[Any]) -> None:
    await driver_rows(session, statement, arguments)


def _translated(error: DBAPIError) -> Exception:
    return translate(error.orig) if isinstance(error.orig, psycopg.Error) else error


def _exhausted() -> Unavailable:
    where = {"sqlstate": "53300"}  # as the server says it: this is about connections, not about the request
    return Unavailable("all database connections are in use", where=where, next_step="Try again in a moment.")
