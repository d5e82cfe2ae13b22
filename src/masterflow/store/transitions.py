"""The life cycle's SQL functions as typed calls; Python decides, they guard and carry out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from masterflow.kernel.permission import Scope
from masterflow.kernel.status import Action, FlowStatus
from masterflow.store.tables import MasterFlow

Call = Callable[[str, Sequence[Any]], Awaitable[list[dict[str, Any]]]]
"""Runs one statement: `Database.call` for a transaction of its own, or a session's own connection."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a dispatch job says: which attempt of which run of which flow."""

    client_account_id: UUID
    engagement_id: UUID
    flow_id: UUID
    run_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Move:
    """A decided move: `patch` changes the row, `following` is a run to open after it."""

    action: Action
    to: FlowStatus
    patch: Mapping[str, Any]
    following: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A flow after the end of an attempt."""

    run_id: UUID
    version: int
    flow_status: str


@dataclass(frozen=True, slots=True)
class Started:
    """What a worker needs to run an attempt; bytes are sealed documents."""

    flow_type: str
    flow_version: str
    phase: str
    iteration: int
    change_set_id: UUID
    requested_by: str
    permissions: list[str]
    inputs: bytes
    options: dict[str, Any]
    attempt: int
    state: bytes
    configuration: dict[str, Any]
    phases_completed: list[str]
    steps: list[dict[str, Any]]
    started_at: datetime
    takeovers: int


class Transitions:
    """One method per SQL function; each is one round trip."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def create(self, scope: Scope, flow: Mapping[str, Any], state: bytes) -> dict[str, Any]:
        """Create a flow in status initialized; the whole row."""
        rows = await self._call(
            "select * from app.create_flow(%s, %s, %s, %s, %s)", (*_context(scope), Jsonb(dict(flow)), state)
        )
        return rows[0]

    async def read(self, scope: Scope, flow_id: UUID) -> MasterFlow | None:
        """The flow; None when the engagement has none of that id."""
        rows = await self._call("select * from app.read_flow(%s, %s, %s, %s)", (*_context(scope), flow_id))
        return MasterFlow(**rows[0]) if rows else None

    async def execute(
        self, scope: Scope, *, flow_id: UUID, version: int, run: Mapping[str, Any], inputs: bytes
    ) -> MasterFlow:
        """Open a run and dispatch it, or make it wait for its approval; the flow after it."""
        rows = await self._call(
            "select * from app.execute_flow(%s, %s, %s, %s, %s, %s, %s)",
            (*_context(scope), flow_id, version, Jsonb(dict(run)), inputs),
        )
        return MasterFlow(**rows[0])

    async def start(self, scope: Scope, job: Job, *, job_id: int, fence: int, heartbeat: timedelta) -> Started | None:
        """Begin or take over an attempt; None when the job is stale or doubled."""
        rows = await self._call(
            "select * from app.start_run(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*_context(scope), job.flow_id, job.run_id, job.attempt, job_id, fence, heartbeat),
        )
        return Started(**rows[0]) if rows else None

    async def record_step(self, run_id: UUID, step: int, handler: str, outputs: bytes) -> None:
        """Record a finished step; to be called in the transaction of the step's effects."""
        await self._call("select app.record_step(%s, %s, %s, %s)", (run_id, step, handler, outputs))

    async def finish(
        self,
        scope: Scope,
        job: Job,
        fence: int,
        *,
        outcome: Mapping[str, Any],
        sealed: tuple[bytes | None, bytes | None],
    ) -> Moved | None:
        """End an attempt; `sealed` are outputs and state. None when the fence is stale."""
        rows = await self._call(
            "select * from app.finish_run(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*_context(scope), job.flow_id, job.run_id, fence, Jsonb(dict(outcome)), *sealed),
        )
        return Moved(run_id=job.run_id, **rows[0]) if rows else None

    async def move(self, scope: Scope, *, flow_id: UUID, version: int, move: Move) -> MasterFlow:
        """A move that needs no worker; the flow after it."""
        following = Jsonb(dict(move.following)) if move.following is not None else None
        rows = await self._call(
            "select * from app.move_flow(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*_context(scope), flow_id, version, move.action, move.to, Jsonb(dict(move.patch)), following),
        )
        return MasterFlow(**rows[0])

    async def reconcile(self, grace: timedelta) -> int:
        """Dispatch again what lost its job; how many runs that were."""
        return len(await self._call("select * from app.reconcile(%s)", (grace,)))

    async def pending_reverts(self) -> list[tuple[UUID, UUID, UUID, UUID]]:
        """(client, engagement, flow, run) of runs whose changes are still to be reverted."""
        rows = await self._call("select * from app.pending_reverts()", ())
        return [(r["client_account_id"], r["engagement_id"], r["flow_id"], r["run_id"]) for r in rows]

    async def revert_run(self, scope: Scope, *, flow_id: UUID, run_id: UUID) -> list[dict[str, Any]]:
        """Undo what a failed or cancelled run wrote; counts per table."""
        return await self._call("select * from app.revert_run(%s, %s, %s, %s, %s)", (*_context(scope), flow_id, run_id))


def _context(scope: Scope) -> tuple[UUID, UUID, Jsonb]:
    return scope.client_account_id, scope.engagement_id, Jsonb(scope.actor_document())
