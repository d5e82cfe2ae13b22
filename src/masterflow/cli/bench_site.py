"""Where `masterflow bench` measures: a scratch database, a worker process beside it, and plain connections."""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from masterflow import app
from masterflow.cli.bench_flow import registry_with_nothing
from masterflow.errors import Unavailable
from masterflow.kernel.permission import Scope, permissions_of
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.settings import Settings
from masterflow.store.database import Database
from masterflow.store.link import Link

_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "server_version")
READY_SECONDS = 60.0


@dataclass(slots=True)
class Finishes:
    """Which flows finished something; a flow may be waited for before or after it did."""

    events: dict[UUID, asyncio.Event]

    def of(self, flow_id: UUID) -> asyncio.Event:
        """Set when the flow's next finish, approval or other notified move is committed."""
        return self.events.setdefault(flow_id, asyncio.Event())

    async def listen(self, link: Link) -> None:
        """Note every notification."""
        async for _, payload in link.notifications():
            self.of(UUID(payload.split(",")[2])).set()


@dataclass(frozen=True, slots=True)
class Site:
    """The parts that measurements use. `owner` is a connection that may change the schema."""

    core: app.Core
    settings: Settings
    database: Database
    orchestrator: MasterFlowOrchestrator
    inventory: Inventory
    owner: Link
    plain: Link
    finishes: Finishes

    def new_scope(self) -> Scope:
        """A client administrator in a new engagement of a new client account."""
        tenant = app.create_tenant(self.core, client_name="Bench", engagement_name="Bench")
        permissions = permissions_of(["client_admin"])
        return Scope(tenant.client_account_id, tenant.engagement_id, "bench", permissions)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """One worker process of its own while the block runs."""
        arguments = [str(self.settings.home)] + ([self.settings.database_url] if self.settings.database_url else [])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "masterflow.cli.bench_worker", *arguments, stdout=asyncio.subprocess.PIPE
        )
        try:
            if process.stdout is None or not await asyncio.wait_for(process.stdout.readline(), READY_SECONDS):
                raise Unavailable("the worker process of the measurement did not start")
            yield
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


@asynccontextmanager
async def site(settings: Settings) -> AsyncIterator[Site]:
    """A site in a scratch home, or in a scratch database of the configured server; removed at the end."""
    scratch = _scratch(settings)
    core = replace(await asyncio.to_thread(app.open_core, scratch), registry=registry_with_nothing())
    try:
        async with _opened(core, scratch) as made:
            yield made
    finally:
        await _removed(core, scratch, settings)


def _scratch(settings: Settings) -> Settings:
    if settings.database_url is not None:
        url = urlsplit(settings.database_url)._replace(path=f"/masterflow_bench_{secrets.token_hex(4)}")
        return replace(settings, database_url=url.geturl(), home=app.home_of(settings))
    folder = Path(tempfile.mkdtemp(prefix="masterflow-bench-"))
    folder.chmod(0o755)  # as root the server runs under another account, which has to get in
    return replace(settings, home=folder / "home")


async def _removed(core: app.Core, scratch: Settings, settings: Settings) -> None:
    await asyncio.to_thread(core.database.release)
    if settings.database_url is None and scratch.home is not None:
        await asyncio.to_thread(shutil.rmtree, scratch.home.parent)
        return
    link = await Link.open(core.database.urls.admin.set(database="postgres"), application_name="masterflow-bench")
    await link.execute(f'drop database "{core.database.urls.api.database}" with (force)')
    await link.close()


@asynccontextmanager
async def _opened(core: app.Core, settings: Settings) -> AsyncIterator[Site]:
    urls = core.database.urls
    owner, plain, listener = [
        await Link.open(url, application_name="masterflow-bench") for url in (urls.migrator, urls.api, urls.api)
    ]
    await listener.listen("masterflow_events")
    finishes = Finishes({})
    listening = asyncio.create_task(finishes.listen(listener))
    database = app.api_database(core)
    access = app.access_to(core, database)
    try:
        yield Site(core, settings, database, MasterFlowOrchestrator(access), Inventory(access), owner, plain, finishes)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await database.close()
        for link in (owner, plain, listener):
            await link.close()


async def fingerprint(link: Link) -> dict[str, Any]:
    """The machine and the server: what a figure depends on."""
    rows = await link.fetch("select name, setting, unit from pg_settings where name = any($1)", list(_DURABILITY))
    return {
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "postgresql": {row["name"]: f"{row['setting']}{row['unit'] or ''}" for row in rows},
        "load_before": round(os.getloadavg()[0], 2),
    }


def share(values: Sequence[float], part: float) -> float:
    """The value below which that part of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def middle(rounds: Sequence[float]) -> float:
    """Median over the rounds."""
    return float(median(rounds))
