"""Run one dispatch job: fenced start, attempt, and one commit that ends it."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import anyio
import structlog

from masterflow.context import PhaseContext
from masterflow.engine.attempt import Plan, Progress, Step, run_attempt
from masterflow.engine.endings import Ending, Settled, failed, needs_input, storable, succeeded
from masterflow.engine.pool import Limits, ProcessPool, Usage
from masterflow.engine.state import FlowStateManager
from masterflow.errors import InvalidInput, MasterflowError, NotFound, PhaseTimeout, Unavailable, WorkerLost
from masterflow.kernel.decisions import resolve_error
from masterflow.kernel.definition import PhaseConfig, RetryConfig
from masterflow.kernel.outcome import Effects
from masterflow.kernel.permission import Scope
from masterflow.kernel.registry import FlowType, FlowTypeRegistry
from masterflow.store.database import Database, driver_rows
from masterflow.store.repositories import Repositories
from masterflow.store.transitions import Job, Started, Transitions

MOST_TAKEOVERS = 10
"""After so many lost workers a run fails: it may be what ends them."""
_AWAY = ("08", "53", "57P")
"""Classes of SQLSTATE that say nothing about the statement: connection, resources, shutdown."""
_log = structlog.get_logger("masterflow.engine")


class Abandoned(Exception):
    """The run is no longer ours: another worker took it over, or it was cancelled."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What an executor works with. `new_fence` gives random 62-bit numbers, `chance` numbers in 0..1."""

    database: Database
    registry: FlowTypeRegistry
    state: FlowStateManager
    pool: ProcessPool
    repositories: Callable[[Any, Scope], Repositories]
    new_id: Callable[[], UUID]
    new_fence: Callable[[], int]
    chance: Callable[[], float]
    worker: str
    heartbeat: timedelta


class Executor:
    """Runs jobs. Each write is fenced; what cannot be finished is left to a retry or the reconciler."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._transitions = Transitions(ports.database.call)

    async def run(self, job: Job, job_id: int) -> None:
        """Run one delivery of a job; returns quietly when it is stale or the run was taken away."""
        worker = Scope(job.client_account_id, job.engagement_id, self._ports.worker)
        fence = self._ports.new_fence()
        started = await self._transitions.start(
            worker, job, job_id=job_id, fence=fence, heartbeat=self._ports.heartbeat
        )
        if started is None:
            return
        run = _Run(self._ports, self._transitions, job, fence, started)
        with structlog.contextvars.bound_contextvars(
            flow_id=str(job.flow_id), run_id=str(job.run_id), phase=started.phase
        ):
            try:
                await run.execute()
            except Abandoned:
                _log.info("run_abandoned", attempt=started.attempt)


class _Run:
    """One attempt of one run, with everything it was started with."""

    def __init__(self, ports: Ports, transitions: Transitions, job: Job, fence: int, started: Started) -> None:
        self._ports, self._transitions, self._job, self._fence, self._started = ports, transitions, job, fence, started
        self._scope = Scope(
            job.client_account_id, job.engagement_id, started.requested_by, frozenset(started.permissions)
        )
        self._begun = time.perf_counter()
        self._usage = Usage()
        self._progress = Progress()

    async def execute(self) -> None:
        """Run the attempt and end it in one commit; then revert what an unsuccessful run wrote.

        Raises Unavailable when the database is away: the run is as it was and is dispatched again.
        """
        try:
            ending = await self._attempt()
        except Exception as error:  # the worker's rim: any error of a handler becomes the run's outcome
            ending = self._failure(error)
        try:
            await self._finish(ending)
        except Unavailable:
            raise
        except Exception as error:  # what cannot be stored ends the run too, or it would run for ever
            ending = self._failure(error)
            await self._finish(ending)
        if ending.outcome.get("revert"):
            await self._revert()

    async def _attempt(self) -> Ending:
        flow_type, phase = self._definition()
        options = self._started.options
        plan = Plan(flow_type, phase, options.get("validate_inputs", True), options.get("validate_outputs", True))
        self._progress = self._resume()
        if self._started.takeovers > MOST_TAKEOVERS:
            raise WorkerLost(
                f"{self._started.takeovers} workers in a row ended while they ran this phase",
                where={"phase": phase.name},
                next_step="See the workers' logs and memory, then execute the phase again.",
            )
        state = self._open(self._started.state)
        seconds = float(options.get("timeout_seconds") or phase.timeout_seconds)
        with anyio.move_on_after(seconds) as deadline:
            complete = await run_attempt(
                plan,
                self._context(phase, state),
                inputs=self._open(self._started.inputs),
                progress=self._progress,
                write=self._write,
            )
        if deadline.cancelled_caught:
            raise PhaseTimeout(
                f"the phase was stopped after {seconds:g} seconds",
                where={"phase": phase.name},
                next_step="Execute it again with a larger timeout_seconds.",
            )
        if not complete:
            return needs_input(self._progress)
        return self._success(flow_type, phase, state)

    def _definition(self) -> tuple[FlowType, PhaseConfig]:
        """What this worker knows of the phase; a flow runs under the major version it was created with."""
        flow_type = self._ports.registry.get(self._started.flow_type)
        config, pinned = flow_type.config, self._started.flow_version
        if config.version.partition(".")[0] != pinned.partition(".")[0]:
            raise NotFound(
                f"the flow needs version {pinned} of flow type {config.name}, this worker has {config.version}",
                next_step="Run a worker that has it, or create a new flow.",
            )
        phase = config.phase(self._started.phase)
        if phase is None:
            raise NotFound(f"flow type {config.name} has no phase '{self._started.phase}' any more")
        return flow_type, phase

    def _success(self, flow_type: FlowType, phase: PhaseConfig, state: dict[str, Any]) -> Ending:
        outputs = self._progress.outputs()
        phases = {**state.get("phases", {}), phase.name: outputs}
        settled = Settled(
            completed=self._started.phases_completed,
            configuration=self._started.configuration,
            initial_data=state.get("initial_data", {}),
            accepted=self._started.options.get("accepted", False),
        )
        ending = succeeded(flow_type.config, phase, progress=self._progress, started=settled)
        if "next" in ending.outcome:
            sealed = self._seal(ending.outcome["next"].pop("inputs"))
            ending.outcome["next"] |= {
                "inputs": base64.b64encode(sealed).decode(),
                "permissions": self._started.permissions,
            }
        return Ending(ending.outcome, outputs, {**state, "phases": phases})

    def _failure(self, error: Exception) -> Ending:
        """The ending for an error of the attempt; one that says nothing about the run is raised again."""
        if isinstance(error, Abandoned) or _database_is_away(error):
            raise error
        options = self._started.options
        retry = self._retry_config()
        attempt = self._started.attempt if options.get("retry_on_failure", True) else retry.max_attempts
        resolution = resolve_error(error, attempt=attempt, retry=retry, jitter=self._ports.chance())
        if isinstance(error, MasterflowError):
            _log.warning("attempt_failed", error=error.detail, code=error.code, action=resolution.action)
        else:
            _log.error("attempt_failed", error_type=type(error).__name__, action=resolution.action, exc_info=error)
        return failed(error, resolution, self._progress, attempt=self._started.attempt)

    def _retry_config(self) -> RetryConfig:
        limit = self._started.options.get("max_retries")
        try:
            _, phase = self._definition()
        except NotFound:
            return RetryConfig().limited(limit)
        return phase.retry_config.limited(limit)

    async def _finish(self, ending: Ending) -> None:
        outcome = {
            **ending.outcome,
            "execution_ms": round(1000 * (time.perf_counter() - self._begun)),
            "resource_usage": self._usage.document(),
            "validation": [asdict(issue) for issue in self._progress.issues],
        }
        steps = [row for step in self._progress.unrecorded if (row := self._step_row(step))]
        outputs = self._seal(ending.outputs) if ending.outputs is not None else None
        state = self._seal(ending.state) if ending.state is not None else None
        moved = await self._transitions.finish(
            self._worker_scope(),
            self._job,
            self._fence,
            outcome={**storable(outcome), "steps": steps},
            sealed=(outputs, state),
        )
        if moved is None:
            raise Abandoned

    async def _revert(self) -> None:
        """Undo at once; what stands in the way is left to the reconciler, which tries again."""
        try:
            await self._transitions.revert_run(self._worker_scope(), flow_id=self._job.flow_id, run_id=self._job.run_id)
        except MasterflowError as error:
            _log.warning("revert_postponed", error=error.detail, code=error.code)

    async def _write(self, step: Step, effects: Effects, unrecorded: Sequence[Step]) -> None:
        job, ports = self._job, self._ports
        async with ports.database.step(
            self._scope, flow_id=job.flow_id, run_id=job.run_id, fence=self._fence
        ) as session:
            if session is None:
                raise Abandoned
            record = Transitions(partial(driver_rows, session)).record_step
            for earlier in unrecorded:
                await record(job.run_id, earlier.number, earlier.handler, self._seal(earlier.document()))
            await effects(ports.repositories(session, self._scope))
            await session.flush()
            await record(job.run_id, step.number, step.handler, self._seal(step.document()))

    def _resume(self) -> Progress:
        rows = self._started.steps
        steps = [
            Step(row["step"], row["handler"], **self._open(base64.b64decode(row["outputs"].replace("\n", ""))))
            for row in rows
        ]
        return Progress(steps=steps, wrote=bool(rows))

    def _context(self, phase: PhaseConfig, state: Mapping[str, Any]) -> PhaseContext:
        @asynccontextmanager
        async def read() -> AsyncIterator[Repositories]:
            async with self._ports.database.read(self._scope) as session:
                yield self._ports.repositories(session, self._scope)

        return PhaseContext(
            scope=self._scope,
            flow_id=self._job.flow_id,
            run_id=self._job.run_id,
            phase=phase.name,
            iteration=self._started.iteration,
            attempt=self._started.attempt,
            now=datetime.now(UTC),
            configuration=self._started.configuration,
            initial_data=state.get("initial_data", {}),
            outputs=state.get("phases", {}),
            steps={},
            read=read,
            compute=partial(self._ports.pool.run, self._usage, Limits()),
            new_id=self._ports.new_id,
        )

    def _step_row(self, step: Step) -> dict[str, Any] | None:
        """A finished step to record; None when its outputs cannot be stored: it runs again then."""
        try:
            sealed = self._seal(step.document())
        except InvalidInput:
            return None
        return {"step": step.number, "handler": step.handler, "outputs": base64.b64encode(sealed).decode()}

    def _seal(self, document: Mapping[str, Any]) -> bytes:
        return self._ports.state.seal(self._scope, self._job.flow_id, document)

    def _open(self, packed: bytes) -> dict[str, Any]:
        return self._ports.state.open(self._scope, self._job.flow_id, packed)

    def _worker_scope(self) -> Scope:
        return Scope(self._job.client_account_id, self._job.engagement_id, self._ports.worker)


def _database_is_away(error: Exception) -> bool:
    """Whether our own database failed, not the run: such an attempt does not count."""
    state = error.where.get("sqlstate") if isinstance(error, Unavailable) else None
    return isinstance(state, str) and (not state or state.startswith(_AWAY))
