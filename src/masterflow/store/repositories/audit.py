"""Writing and reading the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, select, tuple_

from masterflow.store.repositories.base import Repository, check_limit, restrictions
from masterflow.store.tables import AuditEntry

_ADD = """
    insert into app.access_audit_log
        (user_id, action_type, resource_type, resource_id, result, reason, ip_address, user_agent, request_id, details)
    values (app.actor_id(), %s, %s, %s, %s, %s, app.actor() ->> 'ip', app.actor() ->> 'user_agent',
            app.actor() ->> 'request_id', %s)"""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which audit rows a page shows; None does not restrict. `since` is inclusive, `until` exclusive."""

    user_id: str | None = None
    action_type: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL conditions."""
        return restrictions(
            (self.user_id, lambda value: AuditEntry.user_id == value),
            (self.action_type, lambda value: AuditEntry.action_type == value),
            (self.resource_type, lambda value: AuditEntry.resource_type == value),
            (self.resource_id, lambda value: AuditEntry.resource_id == value),
            (self.result, lambda value: AuditEntry.result == value),
            (self.since, lambda value: AuditEntry.created_at >= value),
            (self.until, lambda value: AuditEntry.created_at < value),
        )


EVERY_ENTRY = AuditFilter()


@dataclass(frozen=True, slots=True)
class AuditedAction:
    """An action on anything but a flow's life cycle; `result` is success, denied or error."""

    action_type: str
    resource_type: str
    resource_id: str | None
    result: str
    reason: str | None = None


class Audit(Repository):
    """The audit log of the engagement; rows are only added."""

    async def add(self, action: AuditedAction, details: Mapping[str, Any] | None = None) -> None:
        """Record an action of the session's actor, with address and request id of the scope."""
        who = (action.action_type, action.resource_type, action.resource_id, action.result, action.reason)
        await self._rows(_ADD, (*who, Jsonb(dict(details or {}))))

    async def page(
        self, wanted: AuditFilter = EVERY_ENTRY, *, limit: int = 50, after: tuple[datetime, UUID] | None = None
    ) -> list[AuditEntry]:
        """Entries from newest to oldest; `after` is (created_at, id) of the last one seen."""
        found = select(AuditEntry).where(*wanted.conditions())
        if after is not None:
            found = found.where(tuple_(AuditEntry.created_at, AuditEntry.id) < after)
        order = (AuditEntry.created_at.desc(), AuditEntry.id.desc())
        return await self._all(found.order_by(*order).limit(check_limit(limit)))
