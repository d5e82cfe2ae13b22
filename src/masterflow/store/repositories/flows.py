"""Reading master flows: by id, in pages, counted, and with every field of the older record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import defer

from masterflow.kernel.status import FlowStatus
from masterflow.store.repositories.base import Repository, check_limit, restrictions
from masterflow.store.tables import MasterFlow

ENDED = (FlowStatus.COMPLETED, FlowStatus.CANCELLED, FlowStatus.DELETED)
_LISTED = defer(MasterFlow.flow_state, raiseload=True)


@dataclass(frozen=True, slots=True)
class FlowFilter:
    """Which flows a page shows; an empty tuple or None does not restrict.

    `created_after` is inclusive, `created_before` exclusive; `name_contains` ignores case.
    """

    statuses: tuple[str, ...] = ()
    flow_types: tuple[str, ...] = ()
    phase: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    name_contains: str | None = None
    include_deleted: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL conditions."""
        return restrictions(
            (self.statuses, MasterFlow.flow_status.in_),
            (self.flow_types, MasterFlow.flow_type.in_),
            (self.phase, lambda value: MasterFlow.current_phase == value),
            (self.created_after, lambda value: MasterFlow.created_at >= value),
            (self.created_before, lambda value: MasterFlow.created_at < value),
            (self.name_contains, lambda value: MasterFlow.flow_name.icontains(value, autoescape=True)),
            (not self.include_deleted, lambda _: MasterFlow.flow_status != FlowStatus.DELETED),
        )


EVERY_FLOW = FlowFilter()


@dataclass(frozen=True, slots=True)
class FlowCount:
    """How many flows of a type have a status."""

    flow_type: str
    flow_status: str
    flows: int


class Flows(Repository):
    """Master flows. Lists leave out `flow_state`; touching it on a listed flow raises."""

    async def get(self, flow_id: UUID) -> MasterFlow | None:
        """The flow with its sealed state, deleted ones included; None when this engagement has none."""
        return await self._first(
            select(MasterFlow).where(MasterFlow.flow_id == flow_id).execution_options(populate_existing=True)
        )

    async def page(
        self, wanted: FlowFilter = EVERY_FLOW, *, limit: int = 50, after: tuple[datetime, UUID] | None = None
    ) -> list[MasterFlow]:
        """Flows from newest to oldest; `after` is (created_at, flow_id) of the last one seen."""
        found = select(MasterFlow).options(_LISTED).where(*wanted.conditions())
        if after is not None:
            found = found.where(tuple_(MasterFlow.created_at, MasterFlow.flow_id) < after)
        order = (MasterFlow.created_at.desc(), MasterFlow.flow_id.desc())
        return await self._all(found.order_by(*order).limit(check_limit(limit)))

    async def active(self) -> list[MasterFlow]:
        """Every flow that is not completed, cancelled or deleted, newest first."""
        found = select(MasterFlow).options(_LISTED).where(MasterFlow.flow_status.not_in(ENDED))
        return await self._all(found.order_by(MasterFlow.created_at.desc(), MasterFlow.flow_id.desc()))

    async def counts(self) -> list[FlowCount]:
        """Flows per type and status, sorted; combinations without flows are left out."""
        group = (MasterFlow.flow_type, MasterFlow.flow_status)
        rows = await self._session.execute(select(*group, func.count()).group_by(*group).order_by(*group))
        return [FlowCount(*row) for row in rows]

    async def record(self, flow_id: UUID) -> dict[str, Any] | None:
        """One row of the view `app.master_flow_record`: every field, the growing ones aggregated."""
        rows = await self._rows("select * from app.master_flow_record where flow_id = %s", (flow_id,))
        return rows[0] if rows else None
