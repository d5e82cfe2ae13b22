"""Server-sent events of a flow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from masterflow.orchestrator.views import EventView
from masterflow.web.answers import plain, problems
from masterflow.web.auth import CurrentScope, Services
from masterflow.web.problems import TooManyStreams

router = APIRouter(prefix="/flows/{flow_id}", tags=["flows"])
STREAMS_PER_CLIENT = 50
HEARTBEAT_SECONDS = 15
LASTING_SECONDS = 300
"""After this time a stream ends and the reader comes back, so that its permission is checked again."""


class StreamSlots:
    """How many streams each client account has open in this process."""

    def __init__(self, most: int = STREAMS_PER_CLIENT) -> None:
        self._most = most
        self._open: Counter[UUID] = Counter()

    def take(self, client: UUID) -> None:
        """Count one more stream. Raises TooManyStreams at the limit."""
        if self._open[client] >= self._most:
            raise TooManyStreams(
                f"{self._most} event streams of this client account are open",
                next_step="Close one, or read GET /flows/{flow_id}/history instead.",
            )
        self._open[client] += 1

    def give_back(self, client: UUID) -> None:
        """Count one less."""
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]


class FlowEventStream(EventSourceResponse):
    """The answer of the stream; it holds a slot as long as it lasts."""

    def __init__(self, messages: AsyncIterator[ServerSentEvent], slots: StreamSlots, client: UUID) -> None:
        super().__init__(messages, ping=HEARTBEAT_SECONDS, sep="\n")
        self._slots, self._client = slots, client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, then give the slot back."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slots.give_back(self._client)


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {"description": "Events as they commit.", "content": {"text/event-stream": {}}},
        **problems(404, 429),
    },
)
async def stream_flow_events(
    request: Request,
    services: Services,
    scope: CurrentScope,
    flow_id: UUID,
    after: Annotated[int, Query(ge=0, le=2_147_483_647, description="Number of the last event seen.")] = 0,
    last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2_147_483_647)] = None,
) -> Response:
    """Server-sent events: `id` is the event's number, `event` its kind, `data` its JSON.

    A comment every 15 seconds keeps the connection open; after 5 minutes the stream ends and the reader
    comes back with Last-Event-ID, as browsers do by themselves.
    """
    start = after if last_event_id is None else last_event_id
    events = await services.feed.open(scope, flow_id, start, LASTING_SECONDS)
    slots: StreamSlots = request.app.state.stream_slots
    slots.take(scope.client_account_id)
    return FlowEventStream(_messages(events), slots, scope.client_account_id)


async def _messages(events: AsyncGenerator[EventView, None]) -> AsyncGenerator[ServerSentEvent, None]:
    async with aclosing(events):
        async for event in events:
            yield ServerSentEvent(data=json.dumps(plain(event)), event=event.kind, id=str(event.seq), sep="\n")
