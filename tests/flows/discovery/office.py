"""Runs discovery flows with the real executor on the test database; nothing waits and nothing is replaced."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from masterflow import flows
from masterflow.engine.executor import Executor, Ports
from masterflow.engine.pool import ProcessPool
from masterflow.engine.state import FlowStateManager
from masterflow.kernel.permission import Scope
from masterflow.kernel.registry import FlowTypeRegistry
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.cursors import Cursors
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.inventory_views import ImportView
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow, FlowOptions
from masterflow.orchestrator.views import FlowView
from masterflow.store.database import Database
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Sealer
from masterflow.store.transitions import Job

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

    def desk(self, scope: Scope) -> Desk:
        """What a person in this scope works with."""
        return Desk(scope, self.access, self.executor, MasterFlowOrchestrator(self.access), Inventory(self.access))


def new_office(api: Database, worker: Database) -> Office:
    """The office over the connections of roles api and worker."""
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
    return Office(Access(api, registry, state, uuid4, Cursors(secrets.token_bytes(32))), Executor(ports))


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work: uploads, flows, and the worker that runs what was asked for."""

    scope: Scope
    access: Access
    executor: Executor
    flows: MasterFlowOrchestrator
    inventory: Inventory

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

    async def job(self, flow_id: UUID) -> Job | None:
        """The dispatch job of the flow's queued run; None when nothing is queued."""
        async with self.access.read(self.scope) as repositories:
            row = await repositories.flows.get(flow_id)
            run = await repositories.runs.get(row.run_id) if row.run_id else None
        if row.flow_status != "queued":
            return None
        return Job(self.scope.client_account_id, self.scope.engagement_id, flow_id, run.id, run.attempt)

    async def work(self, flow_id: UUID) -> FlowView:
        """Run jobs of the flow until none is queued; the flow afterwards."""
        while (job := await self.job(flow_id)) is not None:
            await self.executor.run(job, random.getrandbits(31))
        return await self.shown(flow_id)

    async def shown(self, flow_id: UUID) -> FlowView:
        """The flow now."""
        return await self.flows._shown(self.scope, flow_id)

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
            return {name: (await repositories.assets._rows(text))[0]["n"] for name, text in _COUNTS.items()}


_COUNTS = {
    name: f"select count(*) as n from app.{name}"
    for name in (
        *("current_raw_records", "current_cleansed_records", "current_quality_issues", "import_field_mappings"),
        *("assets", "asset_dependencies", "asset_tech_debt"),
    )
}


async def _every(repositories: Repositories) -> AsyncIterator[Any]:
    after = None
    while page := await repositories.assets.page(limit=200, after=after):
        for row in page:
            yield row
        after = (page[-1].name, page[-1].id)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]
