"""Composition root: from settings to a running service, API and worker; the one file that knows every room."""

from __future__ import annotations

import asyncio
import hashlib
import os
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

from masterflow import flows
from masterflow.engine.executor import Executor, Ports
from masterflow.engine.pgqueuer import PgQueuerDispatcher
from masterflow.engine.pool import ProcessPool
from masterflow.engine.recovery import Recovery
from masterflow.engine.state import FlowStateManager
from masterflow.engine.worker import Worker
from masterflow.kernel.registry import FlowTypeRegistry
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.cursors import Cursors
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.settings import Settings
from masterflow.store.database import Database
from masterflow.store.embedded import default_home
from masterflow.store.keys import read_keys
from masterflow.store.provision import Provisioned, provision
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Sealer

RECONCILE_EVERY = timedelta(seconds=1)
RECONCILE_GRACE = timedelta(seconds=2)


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
