"""EventFeed: events of a flow as they commit, without a database connection per reader."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog

from masterflow.errors import MasterflowError, NotFound
from masterflow.kernel.permission import Scope
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.guard import guarded, requires
from masterflow.orchestrator.showing import event_view
from masterflow.orchestrator.views import EventView
from masterflow.store.link import Link

CHANNEL = "masterflow_events"
POLL_SECONDS = 1.0
_BATCH = 200
_BUSY = (FlowStatus.QUEUED, FlowStatus.RUNNING)
_log = structlog.get_logger("masterflow.feed")


class Notices:
    """One listening connection of this process; wakes the readers of the flow that a notice names.

    A notice says only "client,engagement,flow,number". `run` keeps the connection open, and opens it
    again when it was lost, until it is cancelled; readers also look by themselves each second.
    """

    def __init__(self, open_link: Callable[[], Awaitable[Link]], *, poll_seconds: float = POLL_SECONDS) -> None:
        self.poll_seconds = poll_seconds
        self._open_link = open_link
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except MasterflowError as error:
                _log.warning("feed_interrupted", code=error.code, error=error.detail)
            await asyncio.sleep(self.poll_seconds)

    @contextmanager
    def watch(self, scope: Scope, flow_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever a notice names this flow."""
        key, changed = f"{scope.client_account_id},{scope.engagement_id},{flow_id}", asyncio.Event()
        self._waiting[key].add(changed)
        try:
            yield changed
        finally:
            self._waiting[key].discard(changed)
            if not self._waiting[key]:
                del self._waiting[key]

    async def _listen(self) -> None:
        link = await self._open_link()
        try:
            await link.listen(CHANNEL)
            async for _, payload in link.notifications():
                for changed in self._waiting.get(payload.rpartition(",")[0], ()):
                    changed.set()
        finally:
            await link.close()


@guarded
class EventFeed:
    """Events of flows, and waiting for a run to end. Between events no database connection is held."""

    def __init__(self, access: Access, notices: Notices) -> None:
        self.audits = access
        self._access, self._notices = access, notices

    @requires("event:read")
    async def open(
        self, scope: Scope, flow_id: UUID, after: int = 0, seconds: float = 300
    ) -> AsyncGenerator[EventView, None]:
        """Events with a number above `after`, then for `seconds` each next one as it commits.

        A reader comes back after that time, so that its permission is checked again. Raises NotFound for
        an unknown flow, or another tenant's.
        """
        await self._state(scope, flow_id)
        return self._events(scope, flow_id, after, asyncio.get_running_loop().time() + seconds)

    @requires("event:read")
    async def wait_for_run(self, scope: Scope, flow_id: UUID, run_id: UUID, seconds: float) -> bool:
        """Whether the run ended, or its flow came to rest, within `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        with self._notices.watch(scope, flow_id) as changed:
            while True:
                changed.clear()
                status, current = await self._state(scope, flow_id)
                if status not in _BUSY or current != run_id:
                    return True
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    return False
                await self._pause(changed, left)

    async def _events(
        self, scope: Scope, flow_id: UUID, after: int, deadline: float
    ) -> AsyncGenerator[EventView, None]:
        with self._notices.watch(scope, flow_id) as changed:
            while (left := deadline - asyncio.get_running_loop().time()) > 0:
                changed.clear()
                async with self._access.read(scope) as repositories:
                    rows = await repositories.events.after(flow_id, after, limit=_BATCH)
                for row in rows:
                    after = row.seq
                    yield event_view(row)
                if len(rows) < _BATCH:
                    await self._pause(changed, left)

    async def _state(self, scope: Scope, flow_id: UUID) -> tuple[str, UUID | None]:
        async with self._access.read(scope) as repositories:
            row = await repositories.flows.get(flow_id)
        if row is None:
            raise NotFound("there is no such flow", where={"flow_id": str(flow_id)})
        return row.flow_status, row.run_id

    async def _pause(self, changed: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), min(seconds, self._notices.poll_seconds))
