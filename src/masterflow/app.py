"""Composition root: from settings to a running service, API and worker; the one file that knows every room."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pkgutil
import random
import secrets
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI

from masterflow import flows
from masterflow.engine.executor import Executor, Ports
from masterflow.engine.pgqueuer import PgQueuerDispatcher
from masterflow.engine.pool import Limits, ProcessPool, Usage
from masterflow.engine.recovery import Recovery
from masterflow.engine.state import FlowStateManager
from masterflow.engine.worker import Worker
from masterflow.errors import NotFound
from masterflow.kernel.permission import Scope
from masterflow.kernel.registry import FlowTypeRegistry
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.cursors import Cursors
from masterflow.orchestrator.feed import EventFeed, Notices
from masterflow.orchestrator.identity import new_key
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.queries import FlowQueries
from masterflow.settings import Settings
from masterflow.store.database import Database
from masterflow.store.doctor import Result
from masterflow.store.embedded import default_home
from masterflow.store.first_run import has_key
from masterflow.store.keys import read_keys
from masterflow.store.link import Link
from masterflow.store.provision import Provisioned, provision
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Sealer
from masterflow.store.tables import Engagement
from masterflow.store.tenants import NewKey, Tenant, TenantAdministration
from masterflow.store.upkeep import Upkeep
from masterflow.web.server import create_web
from masterflow.web.services import Probes, services_over

RECONCILE_EVERY = timedelta(seconds=1)
RECONCILE_GRACE = timedelta(seconds=2)
DEMO = Tenant(UUID("5f0c2a1e-9d53-4f0e-8a43-0d3e6b1c7a01"), UUID("5f0c2a1e-9d53-4f0e-8a43-0d3e6b1c7a02"))
"""The tenant that every installation has: the command line's default, and where the demo journey happens."""
_DEMO_NAMES = {"client_name": "Demo", "engagement_name": "Workshop estate"}
_WARM = "masterflow.flows.discovery.rules:__name__"
"""Resolving it in a compute process imports the calculations there, which takes seconds the first time."""


@dataclass(frozen=True, slots=True)
class Core:
    """What API and worker share: registry, state, and the URLs of the database."""

    settings: Settings
    home: Path
    database: Provisioned
    registry: FlowTypeRegistry
    state: FlowStateManager
    cursors: Cursors


def home_of(settings: Settings) -> Path:
    """The folder of the embedded database and the keys."""
    return settings.home or default_home(is_root=os.geteuid() == 0, environ=os.environ)


def registry_of_types() -> FlowTypeRegistry:
    """Every flow type that can be found. Raises ConfigurationInvalid with all mistakes."""
    registry = FlowTypeRegistry()
    registry.register_all(flows.discover())
    return registry


def open_core(settings: Settings, *, migrate: bool = True) -> Core:
    """Check the flow types and the keys first, then start or reach the database. Blocking."""
    registry = registry_of_types()
    home = home_of(settings)
    keys = read_keys(text=settings.kek, file=settings.kek_file, home=home if settings.database_url is None else None)
    database = provision(home=home, database_url=settings.database_url, migrate=migrate)
    state = FlowStateManager(Sealer(keys, nonce=partial(os.urandom, 12)))
    signing = hashlib.sha256(b"masterflow cursor" + next(iter(keys.values()))).digest()
    return Core(settings, home, database, registry, state, Cursors(signing))


def api_database(core: Core) -> Database:
    """A pool of connections with the rights of requests."""
    return Database(core.database.urls.api, pool_size=core.settings.pool_size, application_name="masterflow-api")


def access_to(core: Core, database: Database) -> Access:
    """The ports of the orchestrator's room over one database."""
    return Access(database=database, registry=core.registry, state=core.state, new_id=uuid.uuid4, cursors=core.cursors)


def orchestrator_of(core: Core, database: Database) -> MasterFlowOrchestrator:
    """The verbs of a flow's life."""
    return MasterFlowOrchestrator(access_to(core, database))


@asynccontextmanager
async def running_worker(core: Core) -> AsyncIterator[Worker]:
    """A worker that takes jobs while the block runs and finishes its running ones at the end."""
    settings = core.settings
    name = f"worker-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
    heartbeat = timedelta(seconds=settings.heartbeat_seconds)
    url = core.database.urls.worker
    database = Database(url, pool_size=settings.pool_size, application_name="masterflow-worker")
    ports = Ports(
        database=database,
        registry=core.registry,
        state=core.state,
        pool=ProcessPool(size=settings.compute_processes),
        repositories=lambda session, scope: Repositories(session, scope=scope, new_id=uuid.uuid4),
        new_id=uuid.uuid4,
        new_fence=partial(secrets.randbits, 62),
        chance=random.random,
        worker=name,
        heartbeat=heartbeat,
    )
    recovery = Recovery(database, worker=name, every=RECONCILE_EVERY, grace=RECONCILE_GRACE)
    dispatcher = PgQueuerDispatcher(url, name="masterflow-worker", heartbeat=heartbeat)
    worker = Worker(dispatcher=dispatcher, executor=Executor(ports), recovery=recovery)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task
        await database.close()


@dataclass(frozen=True, slots=True)
class Commands:
    """What the command line asks of flows and inventory, each call checked for its permission."""

    orchestrator: MasterFlowOrchestrator
    queries: FlowQueries
    inventory: Inventory
    feed: EventFeed


def commands_of(core: Core, database: Database) -> Commands:
    """The commands over one database. Their feed looks five times a second instead of listening."""
    access = access_to(core, database)
    link = partial(Link.open, core.database.urls.api, application_name="masterflow-cli")
    feed = EventFeed(access, Notices(link, poll_seconds=0.2))
    return Commands(MasterFlowOrchestrator(access), FlowQueries(access), Inventory(access), feed)


def ensure_demo_tenant(core: Core) -> None:
    """Make the demo tenant if it is missing. Blocking."""
    TenantAdministration(core.database.urls.migrator).ensure_tenant(DEMO, **_DEMO_NAMES)


async def require_engagement(database: Database, scope: Scope) -> None:
    """Raises NotFound when the scope's engagement does not exist in its client account."""
    async with database.read(scope) as session:
        if await session.get(Engagement, (scope.client_account_id, scope.engagement_id)) is None:
            raise NotFound(
                "there is no such engagement",
                where={"client_account_id": scope.client_account_id, "engagement_id": scope.engagement_id},
                next_step="Make one with `masterflow admin create-tenant`.",
            )


def create_tenant(core: Core, *, client_name: str, engagement_name: str) -> Tenant:
    """A new client account with its first engagement. Blocking."""
    tenant = Tenant(uuid.uuid4(), uuid.uuid4())
    TenantAdministration(core.database.urls.migrator).ensure_tenant(
        tenant, client_name=client_name, engagement_name=engagement_name
    )
    return tenant


def has_token(core: Core, tenant: Tenant) -> bool:
    """Whether a client account has any API token, revoked ones included. Blocking."""
    return has_key(core.database.urls.migrator, tenant.client_account_id)


def create_token(core: Core, tenant: Tenant, *, principal: str, role: str, every_engagement: bool = False) -> str:
    """A new API token for a principal with a role; only its hash is stored. Blocking.

    Raises:
        NotFound: the engagement does not exist.
    """
    issued = new_key()
    TenantAdministration(core.database.urls.migrator).create_key(
        tenant,
        principal=principal,
        role=role,
        key=NewKey(issued.prefix, issued.key_hash),
        every_engagement=every_engagement,
    )
    return issued.token


@asynccontextmanager
async def web_application(core: Core) -> AsyncIterator[FastAPI]:
    """The HTTP interface over a pool of its own, with the event feed listening beside it."""
    database = api_database(core)
    notices = Notices(partial(Link.open, core.database.urls.api, application_name="masterflow-feed"))
    listening = asyncio.create_task(notices.run())

    async def answers() -> bool:
        return bool(await database.call("select 1 as one", ()))

    probes = Probes(started=lambda: True, checks={"database": answers})
    try:
        yield create_web(services_over(access_to(core, database), notices=notices, probes=probes), core.settings)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await database.close()


def upkeep_of(settings: Settings) -> Upkeep:
    """What an administrator does with the database as a whole."""
    return Upkeep(home_of(settings), settings.database_url)


def examine(settings: Settings) -> list[Result]:
    """Every check of the doctor. Blocking; changes nothing."""
    home = home_of(settings)
    upkeep = upkeep_of(settings)

    def open_state(client: UUID, engagement: UUID, flow_id: UUID, state: bytes) -> None:
        keys = read_keys(
            text=settings.kek, file=settings.kek_file, home=home if settings.database_url is None else None
        )
        FlowStateManager(Sealer(keys, nonce=partial(os.urandom, 12))).open(
            Scope(client, engagement, "doctor"), flow_id, state
        )

    return upkeep.examine(open_state)


async def warm_compute(core: Core) -> None:
    """Start the compute processes of this event loop, so that the first phase does not wait for them."""
    pool = ProcessPool(size=core.settings.compute_processes)
    await asyncio.gather(
        *(pool.run(Usage(), Limits(), pkgutil.resolve_name, _WARM) for _ in range(core.settings.compute_processes))
    )
