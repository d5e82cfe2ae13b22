# ruff: noqa: S608 - names in the statements are those of the schema
"""Flows moved through the SQL functions as orchestrator and worker do it, and what must hold afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from masterflow.kernel.permission import Scope
from masterflow.kernel.status import Action, FlowStatus
from masterflow.store.database import Database, driver_rows
from masterflow.store.transitions import Job, Move, Moved, Started, Transitions

HEARTBEAT = timedelta(seconds=30)
STATE = b'J{"state":1}'
SUCCESS = {"to": "ready", "run_status": "succeeded", "event": "phase_completed"}
FAILURE = {"to": "failed", "run_status": "failed", "event": "phase_failed"}
RETRY = {"to": "queued", "run_status": "queued", "event": "retry_scheduled"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A started attempt: its job, its fence and what the start returned."""

    job: Job
    fence: int
    started: Started


@dataclass(frozen=True, slots=True)
class Life:
    """The life of flows in one scope."""

    database: Database
    scope: Scope

    @property
    def moves(self) -> Transitions:
        """The SQL functions as typed calls."""
        return Transitions(self.database.call)

    async def create(self, **given: object) -> UUID:
        """A flow in status initialized."""
        flow = {"flow_type": "discovery", "flow_version": "1.0.0", "flow_name": "Flow", "current_phase": "data_import"}
        row = await self.moves.create(self.scope, flow | given, STATE)
        return UUID(str(row["flow_id"]))

    async def row(self, flow_id: UUID) -> dict[str, Any]:
        """The flow as it is now."""
        return (await self.select("select * from app.crewai_flow_state_extensions where flow_id = %s", flow_id))[0]

    async def run(self, run_id: UUID) -> dict[str, Any]:
        """A run as it is now."""
        return (await self.select("select * from app.phase_runs where id = %s", run_id))[0]

    async def select(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        """Rows of a query in this scope, under its policies."""
        async with self.database.read(self.scope) as session:
            return await driver_rows(session, statement, arguments)

    async def execute(self, flow_id: UUID, version: int | None = None, **run: object) -> Moved:
        """Ask for a phase; at the current version unless one is given."""
        if version is None:
            version = (await self.row(flow_id))["version"]
        asked = {"phase": "data_import", "to": "queued"} | run
        return await self.moves.execute(self.scope, flow_id=flow_id, version=version, run=asked, inputs=b"J{}")

    async def move(
        self,
        flow_id: UUID,
        action: Action,
        to: FlowStatus,
        *,
        following: Mapping[str, object] | None = None,
        **patch: object,
    ) -> Moved:
        """A move that needs no worker, at the current version."""
        version = (await self.row(flow_id))["version"]
        decided = Move(action=action, to=to, patch={"event": action.value} | patch, following=following)
        return await self.moves.move(self.scope, flow_id=flow_id, version=version, move=decided)

    async def jobs(self, run_id: UUID) -> list[dict[str, Any]]:
        """The dispatch jobs of a run, oldest first."""
        return await self.database.call(
            "select id, status::text, dedupe_key, payload, execute_after from queue.pgqueuer"
            " where dedupe_key like %s order by id",
            (f"{run_id}:%",),
        )

    async def pick(self, job_id: int, *, alive: bool = True) -> None:
        """Mark a job as picked by a worker that is alive, or whose heartbeat is long past."""
        await self.database.call(
            "update queue.pgqueuer set status = 'picked', heartbeat = now() - %s where id = %s",
            (timedelta() if alive else 2 * HEARTBEAT, job_id),
        )

    async def drop_job(self, run_id: UUID) -> None:
        """Lose the jobs of a run, as after a crash between two commits."""
        await self.database.call("delete from queue.pgqueuer where dedupe_key like %s", (f"{run_id}:%",))

    def job_of(self, flow_id: UUID, run_id: UUID, attempt: int = 1) -> Job:
        """What the dispatch job of a run says."""
        return Job(self.scope.client_account_id, self.scope.engagement_id, flow_id, run_id, attempt)

    async def start(
        self, flow_id: UUID, run_id: UUID, *, attempt: int = 1, job_id: int | None = None
    ) -> Attempt | None:
        """Start an attempt by its newest job, which is picked, under a fresh fence; None when refused."""
        if job_id is None:
            job_id = (await self.jobs(run_id))[-1]["id"]
            await self.pick(job_id)
        job, fence = self.job_of(flow_id, run_id, attempt), secrets.randbits(62)
        started = await self.moves.start(self.scope, job, job_id=job_id, fence=fence, heartbeat=HEARTBEAT)
        return Attempt(job, fence, started) if started else None

    async def begin(self, **run: object) -> Attempt:
        """A flow that was created, executed and started."""
        flow_id = await self.create()
        moved = await self.execute(flow_id, **run)
        assert moved.run_id is not None
        attempt = await self.start(flow_id, moved.run_id)
        assert attempt is not None
        return attempt

    async def step(self, attempt: Attempt, number: int = 1, *, writes: bool = False) -> bool:
        """Record a step, with an asset written in its transaction if asked; False when the fence is stale."""
        job = attempt.job
        async with self.database.step(
            self.scope, flow_id=job.flow_id, run_id=job.run_id, fence=attempt.fence
        ) as session:
            if session is None:
                return False
            raw = await session.connection()
            await raw.exec_driver_sql(
                "select app.record_step(%s, %s, 'read_file', %s)", (job.run_id, number, b'J{"rows":1}')
            )
            if writes:
                await raw.exec_driver_sql(
                    "insert into app.assets (id, natural_key, name, asset_type, created_by, updated_by)"
                    " values (%s, %s, 'vm', 'server', 'a', 'a')",
                    (uuid4(), f"step {number} of {job.run_id}"),
                )
        return True

    async def finish(
        self, attempt: Attempt, outcome: Mapping[str, object] | None = None, *, state: bytes | None = None
    ) -> Moved | None:
        """End an attempt, successfully unless told otherwise; None when the fence is stale."""
        return await self.moves.finish(
            self.scope, attempt.job, attempt.fence, outcome=outcome or SUCCESS, sealed=(b'J{"done":true}', state)
        )


_INVARIANTS = {
    "version is the number of its audit rows": """f.version = (select count(*) from app.access_audit_log a
        where a.resource_type = 'flow' and a.resource_id = f.flow_id::text)""",
    "audit rows count the versions without gap": """(select array_agg(a.version order by a.version) from
        app.access_audit_log a where a.resource_id = f.flow_id::text) = (select array_agg(generate_series)
        from generate_series(1, f.version))""",
    "event numbers have no gap": """(select array_agg(e.seq order by e.seq) from app.flow_events e
        where e.flow_id = f.flow_id) = (select array_agg(generate_series) from generate_series(1, f.event_seq))""",
    "each audit row has its event from the same transaction": """f.event_seq = f.version and not exists (
        select from app.access_audit_log a where a.resource_id = f.flow_id::text and not exists (select from
        app.flow_events e where e.flow_id = f.flow_id and e.version = a.version and e.xmin = a.xmin))""",
    "every recorded move is an edge": """not exists (select from app.access_audit_log a
        where a.resource_id = f.flow_id::text and a.action_type not in ('create', 'revert') and not exists (
            select from app.flow_transitions t where t.action = a.action_type
            and t.from_status = a.from_status and t.to_status = a.to_status))""",
    "each move starts where the last one ended": """not exists (select from (select a.from_status,
        lag(a.to_status) over (order by a.version) as before from app.access_audit_log a
        where a.resource_id = f.flow_id::text) m where m.from_status is distinct from m.before)""",
    "a running flow has a fence, others have none": "(f.fence is not null) = (f.flow_status = 'running')",
    "at most one run is under way": """(select count(*) from app.phase_runs r
        where r.flow_id = f.flow_id and r.status = 'running') <= 1""",
    "a running flow has a running run": """f.flow_status <> 'running' or exists (select from app.phase_runs r
        where r.id = f.run_id and r.status = 'running')""",
    "a queued flow has a queued run": """f.flow_status <> 'queued' or exists (select from app.phase_runs r
        where r.id = f.run_id and r.status = 'queued')""",
    "checkpoint digests are right": """not exists (select from app.checkpoints c
        where c.flow_id = f.flow_id and c.digest <> sha256(c.state))""",
    "a phase has one result per iteration": """not exists (select from app.phase_runs r where r.flow_id = f.flow_id
        and r.status = 'succeeded' group by r.phase, r.iteration having count(*) > 1)""",
    "a succeeded run has closed its change set": """not exists (select from app.phase_runs r
        join app.change_sets c on c.id = r.change_set_id where r.flow_id = f.flow_id
        and r.status = 'succeeded' and c.status = 'open')""",
}
_BROKEN = ", ".join(f"case when not ({test}) then '{name}' end" for name, test in _INVARIANTS.items())
_CHECK = f"""select array_remove(array[{_BROKEN}], null) from app.crewai_flow_state_extensions f
    where f.flow_id = %s"""


def inconsistencies(admin: psycopg.Connection, flow_id: UUID) -> list[str]:
    """What must hold for every flow at every moment and does not, checked on the rows alone."""
    found = admin.execute(_CHECK, (flow_id,)).fetchone()
    assert found is not None, "the flow is gone"
    return list(found[0])
