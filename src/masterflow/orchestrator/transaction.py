"""One transaction for a whole request: its answer is kept with its effect, or all of it is rolled back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from masterflow.errors import Conflict, Unavailable
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.store.database import Database, Kind, driver_rows
from masterflow.store.repositories import Repositories
from masterflow.store.repositories.idempotency import StoredResponse

LOCK_TIMEOUT = "55P03"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a request the same as an earlier one: the caller's key and a digest of the request."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it was given; `replayed` when it was given before."""

    status: int
    body: Any
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Commands:
    """The guarded classes that write, over the same ports."""

    orchestrator: MasterFlowOrchestrator
    inventory: Inventory


Action = Callable[[Commands], Awaitable[Answered]]


def commands_over(access: Access) -> Commands:
    """Commands whose methods are transactions of these ports."""
    return Commands(MasterFlowOrchestrator(access), Inventory(access))


class _RolledBack(Exception):
    """Ends a transaction without its effect."""

    def __init__(self, answer: Answered) -> None:
        self.answer = answer


class RequestTransaction:
    """Runs commands in one transaction; `commands` are the same ones with a transaction each.

    The permission is checked by the commands themselves; it is named here so that a caller without it
    is refused before a transaction is opened.
    """

    def __init__(self, access: Access) -> None:
        self.commands = commands_over(access)
        self._access = access

    async def once(self, scope: Scope, permission: str, key: RequestKey, action: Action) -> Answered:
        """Carry out a request once for its key: later the same answer, without a second effect.

        Raises:
            InvalidInput: the key was used for another request.
            Conflict: the first request with this key is still being carried out.
        """
        if permission not in scope.permissions:
            return await action(self.commands)
        claiming = False
        try:
            async with self._access.database.write(scope) as session:
                stored = Repositories(session, scope=scope, new_id=self._access.new_id).idempotency
                claiming = True
                known = await stored.claim(scope.actor, key.key, key.fingerprint)
                claiming = False
                if known is not None:
                    return Answered(known.status_code, known.body, replayed=True)
                answer = await action(self._joined(session))
                await stored.store(scope.actor, key.key, StoredResponse(answer.status, answer.body))
        except Unavailable as error:
            if claiming and error.where.get("sqlstate") == LOCK_TIMEOUT:
                raise _in_progress() from error
            raise
        return answer

    async def rehearse(self, scope: Scope, permission: str, action: Action) -> Answered:
        """The answer a request would get now; its transaction is rolled back."""
        if permission not in scope.permissions:
            return await action(self.commands)
        try:
            async with self._access.database.write(scope) as session:
                answer = await action(self._joined(session))
                await driver_rows(session, "set constraints all immediate", ())
                raise _RolledBack(answer)
        except _RolledBack as ended:
            return ended.answer

    def _joined(self, session: Any) -> Commands:
        access = self._access
        ports = (_JoinedDatabase(session), access.registry, access.state, access.new_id, access.cursors)
        return commands_over(_JoinedAccess(*ports, outer=access))


@dataclass(frozen=True, slots=True)
class _JoinedAccess(Access):
    """The ports inside an open transaction; refused attempts are still recorded outside of it."""

    outer: Access

    async def record_denied(self, scope: Scope, *, action: str, permission: str) -> None:
        """One audit row for a refused attempt, committed by itself."""
        await self.outer.record_denied(scope, action=action, permission=permission)


class _JoinedDatabase(Database):
    """A database whose reads, writes and calls all run in one open session, which the caller ends."""

    def __init__(self, session: Any) -> None:
        self._session_in_use = session

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Any]:
        """The open session; its context is set already."""
        yield self._session_in_use

    @asynccontextmanager
    async def write(self, scope: Scope, *, kind: Kind = "none", change_set: UUID | None = None) -> AsyncIterator[Any]:
        """The open session, with a change set of its own for an edit by a person."""
        session = self._session_in_use
        await self.call("select app.begin(%s, %s, %s::jsonb, %s, %s)", (*_context(scope), change_set, kind))
        yield session
        await session.flush()
        if kind == "human":
            await self.call("select app.seal_change_set(%s)", (change_set,))

    async def call(self, statement: str, arguments: Sequence[Any]) -> list[dict[str, Any]]:
        """Run one statement in the open session; its rows as dictionaries."""
        return await driver_rows(self._session_in_use, statement, arguments)


def _context(scope: Scope) -> tuple[UUID, UUID, str]:
    return scope.client_account_id, scope.engagement_id, json.dumps(scope.actor_document())


def _in_progress() -> Conflict:
    return Conflict(
        "the first request with this key is still being carried out",
        where={"header": "Idempotency-Key"},
        next_step="Repeat the request in a few seconds.",
    )
