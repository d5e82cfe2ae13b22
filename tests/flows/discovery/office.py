"""Runs discovery flows with the real executor on the test database; nothing waits and nothing is replaced."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from masterflow import flows
from masterflow.engine.executor import Executor, Ports
from masterflow.engine.pgqueuer import parse_payload
from masterflow.engine.pool import Limits, ProcessPool, Usage
from masterflow.engine.state import FlowStateManager
from masterflow.errors import ResourceLimitReached
from masterflow.kernel.permission import Scope
from masterflow.kernel.registry import FlowTypeRegistry
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.cursors import Cursors
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.inventory_views import ImportView
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.queries import FlowQueries
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow, FlowOptions
from masterflow.orchestrator.views import FlowView
from masterflow.store.database import Database
from masterflow.store.ddl import API, WORKER
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Sealer
from masterflow.store.transitions import Job
from support.server import Server

FILES = Path(__file__).parents[2] / "data"
LIMIT = 64 * 1024 * 1024
PHASES = (
    *("data_import", "field_mapping", "data_cleansing"),
    *("asset_inventory", "dependency_analysis", "tech_debt_assessment"),
)


def workbook() -> bytes:
    """The workshop workbook with 805 machines that ships with the package."""
    return (resources.files("masterflow") / "data" / "rvtools-workshop.xlsx").read_bytes()


def real_file(name: str) -> bytes:
    """A file of tests/data."""
    return (FILES / name).read_bytes()


@dataclass(frozen=True, slots=True)
class Office:
    """The ports that API and worker share, over the two roles' connections."""

    access: Access
    executor: Executor
    queue: Database

    def desk(self, scope: Scope) -> Desk:
        """What a person in this scope works with."""
        flows, inventory = MasterFlowOrchestrator(self.access), Inventory(self.access)
        return Desk(scope, self.access, self.executor, self.queue, flows, inventory, FlowQueries(self.access))


@asynccontextmanager
async def running_office(server: Server, database_name: str) -> AsyncIterator[Office]:
    """An office over a database, with connections of roles api and worker that close at the end."""
    async with AsyncExitStack() as stack:
        api, worker = (Database(server.url(database_name, role), pool_size=5) for role in (API, WORKER))
        stack.push_async_callback(api.close)
        stack.push_async_callback(worker.close)
        await _keep_processes()
        yield _office(api, worker)


async def _keep_processes() -> None:
    """Let the processes for calculations live as long as the event loop.

    anyio ends them with the task in which the first one was started. That is this one: its process
    ends at once, and those of the tests come later.
    """
    with suppress(ResourceLimitReached):
        await ProcessPool(size=1).run(Usage(), Limits(), os._exit, 0)


def _office(api: Database, worker: Database) -> Office:
    registry = FlowTypeRegistry()
    registry.register_all(flows.discover())
    state = FlowStateManager(Sealer({"key-1": secrets.token_bytes(32)}, nonce=partial(os.urandom, 12)))
    ports = Ports(
        database=worker,
        registry=registry,
        state=state,
        pool=ProcessPool(size=1),
        repositories=lambda session, scope: Repositories(session, scope=scope, new_id=uuid4),
        new_id=uuid4,
        new_fence=partial(secrets.randbits, 62),
        chance=random.random,
        worker="worker-of-the-tests",
        heartbeat=timedelta(seconds=30),
    )
    access = Access(api, registry, state, uuid4, Cursors(secrets.token_bytes(32)))
    return Office(access, Executor(ports), worker)


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work: uploads, flows, and the worker that runs what was asked for."""

    scope: Scope
    access: Access
    executor: Executor
    queue: Database
    flows: MasterFlowOrchestrator
    inventory: Inventory
    queries: FlowQueries

    async def upload(self, content: bytes | str, name: str = "servers.csv") -> ImportView:
        """Store a file as a person does, in pieces."""
        data = content.encode() if isinstance(content, str) else content
        return await self.inventory.upload(
            self.scope, file_name=name, media_type="application/octet-stream", content=_pieces(data), max_bytes=LIMIT
        )

    async def create(self, import_id: UUID | str | None, *, auto: bool = False) -> FlowView:
        """A discovery flow for an upload; with `auto` it goes on until a person is needed."""
        data = {} if import_id is None else {"import_file_id": str(import_id)}
        options = FlowOptions(auto_execute=auto)
        return await self.flows.create_flow(
            self.scope, CreateFlow(flow_type="discovery", initial_data=data, options=options)
        )

    async def take(self, flow_id: UUID) -> list[tuple[Job, int]]:
        """The flow's jobs with their queue ids, out of the queue as a dispatcher takes them."""
        rows = await self.queue.call(_TAKE, (f"%,{flow_id},%",))
        return [(parse_payload(row["payload"]), row["id"]) for row in rows]

    async def work(self, flow_id: UUID) -> FlowView:
        """Run jobs of the flow until the queue has none; the flow afterwards."""
        while jobs := await self.take(flow_id):
            for job, job_id in jobs:
                await self.executor.run(job, job_id)
        return await self.shown(flow_id)

    async def shown(self, flow_id: UUID) -> FlowView:
        """The flow now."""
        return (await self.queries.get_flow(self.scope, flow_id)).flow

    async def execute(self, flow_id: UUID, phase: str | None = None, **inputs: Any) -> FlowView:
        """Execute a phase and run it to its end."""
        await self.flows.execute_phase(self.scope, flow_id, ExecuteFlow(phase_name=phase, inputs=inputs))
        return await self.work(flow_id)

    async def approve(self, flow_id: UUID) -> FlowView:
        """Accept what waits, and run what follows from it."""
        await self.flows.approve(self.scope, flow_id)
        return await self.work(flow_id)

    async def started(self, content: bytes | str, name: str = "servers.csv") -> FlowView:
        """A flow of an upload, run until it needs a person."""
        upload = await self.upload(content, name)
        flow = await self.create(upload.import_id, auto=True)
        return await self.work(flow.flow_id)

    async def discover(self, content: bytes | str, name: str = "servers.csv") -> FlowView:
        """A whole journey: every phase, with the mapping accepted as suggested."""
        flow = await self.started(content, name)
        if flow.status == "waiting_for_approval":
            flow = await self.approve(flow.flow_id)
        return flow

    async def outputs(self, flow_id: UUID) -> dict[str, dict[str, Any]]:
        """Outputs of the finished phases, from the sealed state."""
        async with self.access.read(self.scope) as repositories:
            row = await repositories.flows.get(flow_id)
        found: dict[str, dict[str, Any]] = self.access.state.open(self.scope, flow_id, row.flow_state)["phases"]
        return found

    async def import_of(self, flow_id: UUID) -> ImportView:
        """The upload that a flow read."""
        async with self.access.read(self.scope) as repositories:
            rows = await repositories.imports.of_flow(flow_id)
        return await self.inventory.get_import(self.scope, rows[-1].id)

    async def assets(self) -> dict[str, Any]:
        """All assets by natural key."""
        async with self.access.read(self.scope) as repositories:
            found = [row async for row in _every(repositories)]
        return {row.natural_key: row for row in found}

    async def counts(self) -> Mapping[str, int]:
        """How many rows each table of the inventory shows."""
        async with self.access.read(self.scope) as repositories:
            found = await repositories.assets._rows(_COUNTS)
        return dict(found[0])


_TAKE = """
    delete from queue.pgqueuer where convert_from(payload, 'UTF8') like %s returning id, payload"""
_COUNTS = """
    select (select count(*) from app.current_raw_records) as raw,
           (select count(*) from app.current_cleansed_records) as cleansed,
           (select count(*) from app.current_quality_issues) as issues,
           (select count(*) from app.import_field_mappings) as mappings,
           (select count(*) from app.assets) as assets,
           (select count(*) from app.asset_dependencies) as dependencies,
           (select count(*) from app.asset_tech_debt) as findings"""
NOTHING = dict.fromkeys(("raw", "cleansed", "issues", "mappings", "assets", "dependencies", "findings"), 0)


async def _every(repositories: Repositories) -> AsyncIterator[Any]:
    after = None
    while page := await repositories.assets.page(limit=200, after=after):
        for row in page:
            yield row
        after = (page[-1].name, page[-1].id)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]
