"""A command's own session on the database of the home: who acts, where, and the commands of the flows."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from masterflow import app
from masterflow.app import DEMO, Commands, Core
from masterflow.errors import InvalidInput
from masterflow.kernel.permission import ROLES, Scope
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.views import FlowView, RunView
from masterflow.settings import read_settings

T = TypeVar("T")
BUSY = frozenset({FlowStatus.QUEUED, FlowStatus.RUNNING, FlowStatus.ROLLING_BACK})
_LOOK_EVERY_SECONDS = 0.5

Watch = Callable[[FlowView, list[RunView]], None]
"""Told about a flow each time something about it changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """For whom a command acts; both None means the demo account and its engagement."""

    client: UUID | None = None
    engagement: UUID | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with."""

    core: Core
    scope: Scope
    commands: Commands


def actor() -> str:
    """Who acts, as the audit log shows it: "cli:" and the name of the account."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:uid {os.geteuid()}"


def with_core(work: Callable[[Core], Awaitable[T]]) -> T:
    """Open the home's database, do the work, and let the database go. Blocking."""
    core = app.open_core(read_settings(os.environ))
    try:
        return asyncio.run(_awaited(work, core))
    finally:
        core.database.release()


async def _awaited(work: Callable[[Core], Awaitable[T]], core: Core) -> T:
    return await work(core)


def in_session(place: Place, work: Callable[[Session], Awaitable[T]], *, worker: bool = False) -> T:
    """The same with a scope and the commands of the flows; `worker` runs phases in this process too."""

    async def inside(core: Core) -> T:
        async with session_of(core, place) as session, app.running_worker(core) if worker else nullcontext():
            return await work(session)

    return with_core(inside)


@asynccontextmanager
async def session_of(core: Core, place: Place) -> AsyncIterator[Session]:
    """A session in an engagement. Raises InvalidInput for half a place, NotFound for an unknown one."""
    if (place.client is None) != (place.engagement is None):
        raise InvalidInput(
            "a client account and an engagement belong together",
            next_step="Give --client and --engagement, or neither.",
        )
    scope = Scope(
        place.client or DEMO.client_account_id,
        place.engagement or DEMO.engagement_id,
        actor(),
        ROLES["client_admin"],
        user_agent="masterflow cli",
    )
    database = app.api_database(core)
    try:
        if place.client is None:
            app.ensure_demo_tenant(core)
        else:
            await app.require_engagement(database, scope)
        yield Session(core, scope, app.commands_of(core, database))
    finally:
        await database.close()


async def follow(session: Session, flow_id: UUID, watch: Watch) -> FlowView:
    """Wait until a flow rests: completed, failed, paused, or waiting for a person. The flow then."""
    commands, scope = session.commands, session.scope
    seen: tuple[str, str | None, int] | None = None
    while True:
        flow = (await commands.queries.get_flow(scope, flow_id)).flow
        now = (flow.status, flow.current_phase, len(flow.phases_completed))
        if now != seen:
            seen = now
            watch(flow, await commands.queries.list_runs(scope, flow_id))
        if flow.status not in BUSY:
            return flow
        if flow.current_run_id is None:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        else:
            await commands.feed.wait_for_run(scope, flow_id, flow.current_run_id, _LOOK_EVERY_SECONDS)
