"""What the guarded classes share: database sessions with repositories, state, and denied attempts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from masterflow.engine.state import FlowStateManager
from masterflow.kernel.permission import Scope
from masterflow.kernel.registry import FlowTypeRegistry
from masterflow.orchestrator.cursors import Cursors
from masterflow.store.database import Database
from masterflow.store.repositories import Repositories
from masterflow.store.repositories.audit import AuditedAction


@dataclass(frozen=True, slots=True)
class Access:
    """The ports of this room; one object serves all guarded classes of a process."""

    database: Database
    registry: FlowTypeRegistry
    state: FlowStateManager
    new_id: Callable[[], UUID]
    cursors: Cursors

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Repositories]:
        """Repositories of a read-only session."""
        async with self.database.read(scope) as session:
            yield self._repositories(session, scope)

    @asynccontextmanager
    async def write(self, scope: Scope) -> AsyncIterator[Repositories]:
        """Repositories of one transaction that writes no captured table."""
        async with self.database.write(scope) as session:
            yield self._repositories(session, scope)

    @asynccontextmanager
    async def edit(self, scope: Scope) -> AsyncIterator[Repositories]:
        """Repositories of one edit by a person: a change set of its own."""
        async with self.database.write(scope, kind="human", change_set=self.new_id()) as session:
            yield self._repositories(session, scope)

    async def record_denied(self, scope: Scope, *, action: str, permission: str) -> None:
        """One audit row for a refused attempt, committed by itself."""
        async with self.write(scope) as repositories:
            await repositories.audit.add(AuditedAction(action, "permission", permission, "denied"))

    def _repositories(self, session: Any, scope: Scope) -> Repositories:
        return Repositories(session, scope=scope, new_id=self.new_id)
