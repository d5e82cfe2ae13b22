"""Phase runs, their steps and results, the checkpoints, and figures about run times."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import defer

from masterflow.store.repositories.base import Repository
from masterflow.store.tables import Checkpoint, MasterFlow, PhaseRun, RunStep

_STATISTICS = """
    select f.flow_type, r.phase, count(*) as runs,
           count(*) filter (where r.status in ('succeeded', 'superseded')) as succeeded,
           count(*) filter (where r.status = 'failed') as failed,
           avg(r.execution_time_ms)::float8 as mean_ms,
           percentile_cont(0.5) within group (order by r.execution_time_ms) as p50_ms,
           percentile_cont(0.95) within group (order by r.execution_time_ms) as p95_ms
    from app.phase_runs r join app.crewai_flow_state_extensions f on f.flow_id = r.flow_id
    where r.status in ('succeeded', 'superseded', 'failed')
      and r.finished_at >= %(since)s and r.finished_at < %(until)s
    group by f.flow_type, r.phase order by f.flow_type, r.phase"""


@dataclass(frozen=True, slots=True)
class PhaseStatistics:
    """Finished runs of one phase of a flow type; skipped and cancelled runs do not count.

    Times are `execution_time_ms` in milliseconds, None when no run has one. `succeeded` includes
    results that a later roll-back or iteration superseded.
    """

    flow_type: str
    phase: str
    runs: int
    succeeded: int
    failed: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None

    @property
    def success_share(self) -> float:
        """Succeeded runs of all, 0..1."""
        return self.succeeded / self.runs


class Runs(Repository):
    """Phase runs of flows. Lists leave out the sealed inputs and outputs."""

    async def get(self, run_id: UUID) -> PhaseRun | None:
        """The run with its sealed inputs and outputs."""
        return await self._first(
            select(PhaseRun).where(PhaseRun.id == run_id).execution_options(populate_existing=True)
        )

    async def of_flow(self, flow_id: UUID) -> list[PhaseRun]:
        """All runs of a flow, oldest first."""
        listed = (defer(PhaseRun.inputs, raiseload=True), defer(PhaseRun.outputs, raiseload=True))
        found = select(PhaseRun).options(*listed).where(PhaseRun.flow_id == flow_id)
        return await self._all(found.order_by(PhaseRun.created_at, PhaseRun.id))

    async def outputs(self, flow_id: UUID) -> dict[str, bytes]:
        """Sealed outputs of the succeeded run of each phase in the flow's current iteration, by phase."""
        rows = await self._session.execute(
            select(PhaseRun.phase, PhaseRun.outputs)
            .join(MasterFlow, MasterFlow.flow_id == PhaseRun.flow_id)
            .where(
                PhaseRun.flow_id == flow_id,
                PhaseRun.status == "succeeded",
                PhaseRun.iteration == MasterFlow.iteration_number,
                PhaseRun.outputs.is_not(None),
            )
            .order_by(PhaseRun.finished_at)
        )
        return {phase: outputs for phase, outputs in rows if outputs is not None}

    async def steps(self, run_id: UUID) -> list[RunStep]:
        """Finished steps of a run in order."""
        return await self._all(select(RunStep).where(RunStep.run_id == run_id).order_by(RunStep.step))

    async def checkpoints(self, flow_id: UUID) -> list[Checkpoint]:
        """Checkpoints of a flow, oldest first, without the sealed state."""
        found = select(Checkpoint).options(defer(Checkpoint.state, raiseload=True))
        return await self._all(found.where(Checkpoint.flow_id == flow_id).order_by(Checkpoint.created_at))

    async def newest_checkpoints(self, flow_id: UUID) -> AsyncIterator[Checkpoint]:
        """Checkpoints of a flow with their sealed state, newest first; one state at a time is read."""
        newest = (Checkpoint.created_at.desc(), Checkpoint.id.desc())
        for key in await self._all(select(Checkpoint.id).where(Checkpoint.flow_id == flow_id).order_by(*newest)):
            whole = select(Checkpoint).where(Checkpoint.id == key).execution_options(populate_existing=True)
            found = await self._first(whole)
            if found is not None:
                yield found
                self._session.expunge(found)

    async def statistics(self, *, since: datetime, until: datetime) -> list[PhaseStatistics]:
        """Figures per flow type and phase over the runs that finished from `since` until before `until`."""
        rows = await self._rows(_STATISTICS, {"since": since, "until": until})
        return [PhaseStatistics(**row) for row in rows]
