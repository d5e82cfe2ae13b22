"""Reading the numbered events of a flow."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from masterflow.store.repositories.base import Repository, check_limit
from masterflow.store.tables import FlowEvent


class Events(Repository):
    """Events of flows; the transition functions of the database write them."""

    async def after(self, flow_id: UUID, seq: int = 0, *, limit: int = 200) -> list[FlowEvent]:
        """Events of a flow with a number above `seq`, in order."""
        found = select(FlowEvent).where(FlowEvent.flow_id == flow_id, FlowEvent.seq > seq)
        return await self._all(found.order_by(FlowEvent.seq).limit(check_limit(limit)))
