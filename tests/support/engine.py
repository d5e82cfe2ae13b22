"""An engine without a queue: flow types made of functions, and jobs that a test delivers one by one."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import psycopg
from pydantic import BaseModel, ConfigDict

from masterflow.context import PhaseContext
from masterflow.engine.executor import Executor, Ports
from masterflow.engine.pool import ProcessPool
from masterflow.engine.state import FlowStateManager
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig, RetryConfig
from masterflow.kernel.outcome import Completed, Outcome
from masterflow.kernel.permission import Scope
from masterflow.kernel.registry import Candidate, FlowTypeRegistry
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.cursors import Cursors
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow, ExecutionOptions, FlowOptions
from masterflow.store.database import Database, driver_rows
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Sealer
from masterflow.store.transitions import Job

ONCE = RetryConfig(max_attempts=1)
AT_ONCE = RetryConfig(max_attempts=3, initial_delay_seconds=0, max_delay_seconds=0)
Handler = Callable[[PhaseContext, BaseModel], Any]


class Anything(BaseModel):
    """Inputs of any kind."""

    model_config = ConfigDict(extra="allow")


class Number(BaseModel):
    """One number, which has to be given."""

    number: int


class Result(BaseModel):
    """What a flow hands on."""


@dataclass(frozen=True, slots=True)
class Toy:
    """A phase as functions; `given` are further fields of its configuration."""

    name: str
    handlers: Sequence[Handler]
    validators: Sequence[Handler] = ()
    output_validators: Sequence[Handler] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


def phase(
    name: str,
    *handlers: Handler,
    validators: Sequence[Handler] = (),
    output_validators: Sequence[Handler] = (),
    **given: Any,
) -> Toy:
    """A phase whose steps are these functions; tried once unless `retry_config` is given."""
    return Toy(name, handlers, validators, output_validators, {"inputs": Anything, "retry_config": ONCE} | given)


def toy(*phases: Toy, name: str = "toy", version: str = "1.0.0") -> Candidate:
    """A flow type of such phases; its functions are known by their own names."""
    handlers, validators = ModuleType(f"{name}_handlers"), ModuleType(f"{name}_validators")
    for part in phases:
        vars(handlers).update({made.__name__: made for made in part.handlers})
        vars(validators).update({made.__name__: made for made in [*part.validators, *part.output_validators]})
    config = FlowTypeConfig(
        name=name,
        display_name=name.capitalize(),
        description="A flow for tests",
        output_schema=Result,
        version=version,
        phases=[_configured(part) for part in phases],
    )
    return Candidate(config, handlers, validators)


def _configured(part: Toy) -> PhaseConfig:
    return PhaseConfig(
        name=part.name,
        display_name=part.name.capitalize(),
        description="A phase for tests",
        handlers=[made.__name__ for made in part.handlers],
        validators=[made.__name__ for made in part.validators],
        output_validators=[made.__name__ for made in part.output_validators],
        **part.given,
    )


def registry_of(*candidates: Candidate) -> FlowTypeRegistry:
    """A registry of these types."""
    registry = FlowTypeRegistry()
    registry.register_all(list(candidates))
    return registry


def named(name: str, handler: Handler) -> Handler:
    """The function under another name, so that one definition can be several steps."""
    handler.__name__ = name
    return handler


def says(name: str, **outputs: Any) -> Handler:
    """A step without effects."""

    async def step(context: PhaseContext, inputs: BaseModel) -> Outcome:
        return Completed(outputs)

    return named(name, step)


def raises(name: str, error: Exception, *, times: int = 10**9) -> Handler:
    """A step that fails the first `times` times."""
    left = [times]

    async def step(context: PhaseContext, inputs: BaseModel) -> Outcome:
        if left[0] > 0:
            left[0] -= 1
            raise error
        return Completed({name: "done"})

    return named(name, step)


def writes(name: str, *, needs_review: str = "") -> Handler:
    """A step that adds an asset named after the run and itself."""

    async def step(context: PhaseContext, inputs: BaseModel) -> Outcome:
        async def effects(repositories: Repositories) -> None:
            await add_asset(repositories, f"{context.run_id}:{name}")

        return Completed({name: "written"}, effects, needs_review)

    return named(name, step)


async def add_asset(repositories: Repositories, key: str) -> None:
    """Insert an asset; a second one with the same key is refused."""
    await driver_rows(
        repositories.session,
        "insert into app.assets (id, natural_key, name, asset_type, created_by, updated_by)"
        " values (%s, %s, %s, 'server', 'a', 'a')",
        (uuid4(), key, key),
    )


@dataclass(frozen=True, slots=True)
class Engine:
    """Flows of one engagement: asked for as a client does, run as a worker does."""

    access: Access
    ports: Ports
    admin: psycopg.Connection
    scope: Scope

    @classmethod
    def over(
        cls, databases: tuple[Database, Database], admin: psycopg.Connection, scope: Scope, sealer: Sealer
    ) -> Engine:
        """An engine over the connections of (api, worker), which knows no flow type yet."""
        state = FlowStateManager(sealer)
        access = Access(databases[0], FlowTypeRegistry(), state, uuid4, Cursors(secrets.token_bytes(32)))
        ports = Ports(
            database=databases[1],
            registry=access.registry,
            state=state,
            pool=ProcessPool(size=1),
            repositories=lambda session, scope: Repositories(session, scope=scope, new_id=uuid4),
            new_id=uuid4,
            new_fence=partial(secrets.randbits, 62),
            chance=random.random,
            worker="test-worker",
            heartbeat=timedelta(seconds=30),
        )
        return cls(access, ports, admin, scope)

    def knowing(self, *candidates: Candidate) -> Engine:
        """The same with these flow types."""
        registry = registry_of(*candidates)
        return replace(
            self, access=replace(self.access, registry=registry), ports=replace(self.ports, registry=registry)
        )

    @property
    def orchestrator(self) -> MasterFlowOrchestrator:
        """The verbs, as a client calls them."""
        return MasterFlowOrchestrator(self.access)

    async def create(self, flow_type: str = "toy", *, auto: bool = False, **initial: Any) -> UUID:
        """A new flow."""
        request = CreateFlow(flow_type=flow_type, initial_data=initial, options=FlowOptions(auto_execute=auto))
        return (await self.orchestrator.create_flow(self.scope, request)).flow_id

    async def execute(self, flow_id: UUID, inputs: Mapping[str, Any] | None = None, **options: Any) -> UUID:
        """Ask for the next phase; the id of the run."""
        request = ExecuteFlow(inputs=dict(inputs or {}), options=ExecutionOptions(**options))
        run_id = (await self.orchestrator.execute_phase(self.scope, flow_id, request)).run_id
        assert run_id is not None
        return run_id

    async def begin(self, *candidates: Candidate, **options: Any) -> tuple[Engine, UUID, UUID]:
        """An engine that knows these types, with a flow of the first one whose first phase is queued."""
        engine = self.knowing(*candidates)
        flow_id = await engine.create(candidates[0].config.name)
        return engine, flow_id, await engine.execute(flow_id, **options)

    def job(self, run_id: UUID) -> tuple[int, Job, timedelta]:
        """The newest job of a run: the queue's number, what it says, and how long it still has to wait."""
        row = self.admin.execute(
            "select q.id, r.flow_id, split_part(q.dedupe_key, ':', 2)::integer, q.execute_after - clock_timestamp()"
            " from queue.pgqueuer q join app.phase_runs r on r.id::text = split_part(q.dedupe_key, ':', 1)"
            " where r.id = %s order by q.id desc limit 1",
            (run_id,),
        ).fetchone()
        assert row is not None, "the run has no job"
        return row[0], Job(self.scope.client_account_id, self.scope.engagement_id, row[1], run_id, row[2]), row[3]

    async def deliver(self, run_id: UUID) -> None:
        """Run the newest job of a run as a worker that picked it, whenever it is due."""
        job_id, job, _ = self.job(run_id)
        self.admin.execute("update queue.pgqueuer set status = 'picked', heartbeat = now() where id = %s", (job_id,))
        await Executor(self.ports).run(job, job_id)
        self.admin.execute("delete from queue.pgqueuer where id = %s", (job_id,))

    async def run(self, *candidates: Candidate, **options: Any) -> dict[str, Any]:
        """Create a flow of the first type, execute its first phase and deliver it; the flow's row."""
        engine, flow_id, run_id = await self.begin(*candidates, **options)
        await engine.deliver(run_id)
        return engine.flow(flow_id)

    def flow(self, flow_id: UUID) -> dict[str, Any]:
        """The flow's row."""
        return self._row("select * from app.crewai_flow_state_extensions where flow_id = %s", flow_id)

    def run_row(self, run_id: UUID | None) -> dict[str, Any]:
        """The run's row."""
        return self._row("select * from app.phase_runs where id = %s", run_id)

    def change_set(self, run_id: UUID) -> str:
        """Status of a run's change set."""
        return str(self._row("select status from app.change_sets where id = %s", run_id)["status"])

    def steps(self, run_id: UUID) -> list[tuple[int, str]]:
        """(number, handler) of the recorded steps."""
        found = self.admin.execute("select step, handler from app.run_steps where run_id = %s order by step", (run_id,))
        return list(found.fetchall())

    def assets(self) -> list[str]:
        """Names of the assets, without the run."""
        found = self.admin.execute(
            "select split_part(name, ':', 2) from app.assets where engagement_id = %s order by 1",
            (self.scope.engagement_id,),
        )
        return [row[0] for row in found]

    def outputs(self, run_id: UUID) -> dict[str, Any]:
        """The opened outputs of a run."""
        row = self.run_row(run_id)
        return self.ports.state.open(self.scope, row["flow_id"], row["outputs"])

    def events(self, flow_id: UUID) -> list[str]:
        """Kinds of the flow's events in order."""
        found = self.admin.execute("select kind from app.flow_events where flow_id = %s order by seq", (flow_id,))
        return [row[0] for row in found]

    def _row(self, statement: str, key: UUID | None) -> dict[str, Any]:
        cursor = self.admin.execute(statement, (key,))
        row = cursor.fetchone()
        assert row is not None
        assert cursor.description is not None
        return dict(zip((column.name for column in cursor.description), row, strict=True))
