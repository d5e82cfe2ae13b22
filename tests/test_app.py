"""The composition root: what it refuses before it touches a database, and a worker that runs flows end to end."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from masterflow import app
from masterflow.engine.state import FlowStateManager
from masterflow.errors import ConfigurationInvalid
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.cursors import Cursors
from masterflow.orchestrator.feed import EventFeed, Notices
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.requests import CreateFlow, FlowOptions
from masterflow.settings import Settings
from masterflow.store.database import Database
from masterflow.store.ddl import API, BACKUP, MIGRATOR, WORKER
from masterflow.store.link import Link
from masterflow.store.provision import Provisioned, Urls
from masterflow.store.sealing import Sealer
from support.server import Server

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
KEY = base64.b64encode(bytes(range(32))).decode()


def test_an_external_database_needs_a_key(tmp_path):
    with pytest.raises(ConfigurationInvalid, match="MASTERFLOW_KEK_FILE"):
        app.open_core(Settings(home=tmp_path / "home", database_url=NOWHERE))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "\n\n", "not base64!", base64.b64encode(b"short").decode(), KEY + "\nnonsense"])
def test_a_wrong_key_file_is_refused_before_the_database_is_reached(tmp_path, text):
    file = tmp_path / "kek"
    file.write_text(text, encoding="ascii")
    with pytest.raises(ConfigurationInvalid, match="key-encryption key") as refused:
        app.open_core(Settings(home=tmp_path / "home", database_url=NOWHERE, kek_file=file))
    assert text not in str(refused.value) or not text.strip()


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(ConfigurationInvalid, match="no-such-kek"):
        app.open_core(Settings(home=tmp_path, database_url=NOWHERE, kek_file=tmp_path / "no-such-kek"))


def test_the_home_is_the_setting_or_the_users_data_folder(tmp_path):
    assert app.home_of(Settings(home=tmp_path)) == tmp_path
    assert app.home_of(Settings()).is_absolute()


def test_every_bundled_flow_type_is_registered():
    assert "discovery" in app.registry_of_types().list_flow_types()


@pytest.fixture
def core(server: Server, database_name: str, tmp_path: Path) -> app.Core:
    """The core of a process over the test database, with a key of its own."""
    roles = {role: server.url(database_name, role) for role in (API, WORKER, MIGRATOR, BACKUP)}
    urls = Urls(roles[MIGRATOR], roles[MIGRATOR], roles[API], roles[WORKER], roles[BACKUP])
    state = FlowStateManager(Sealer({"key-1": secrets.token_bytes(32)}, nonce=partial(os.urandom, 12)))
    database = Provisioned(urls, lambda: None, None, None)
    settings = Settings(home=tmp_path, pool_size=4, compute_processes=1, heartbeat_seconds=0.5)
    return app.Core(settings, tmp_path, database, app.registry_of_types(), state, Cursors(secrets.token_bytes(32)))


@pytest.fixture
async def api_database(core: app.Core) -> AsyncIterator[Database]:
    """The connections of requests."""
    opened = app.api_database(core)
    yield opened
    await opened.close()


async def one_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_a_worker_runs_a_flow_to_its_review_and_to_its_end(core: app.Core, api_database: Database, scope: Scope):
    access = app.access_to(core, api_database)
    orchestrator, inventory = app.orchestrator_of(core, api_database), Inventory(access)
    notices = Notices(partial(Link.open, core.database.urls.api, application_name="tests"))
    feed, listening = EventFeed(access, notices), asyncio.create_task(notices.run())
    async with app.running_worker(core):
        upload = await inventory.upload(
            scope, file_name="a.csv", media_type="text/csv", content=one_piece(b"Name,CPU\nweb,4\n"), max_bytes=100
        )
        data, options = {"import_file_id": str(upload.import_id)}, FlowOptions(auto_execute=True)
        request = CreateFlow(flow_type="discovery", initial_data=data, options=options)
        flow = await orchestrator.create_flow(scope, request)
        seen = []
        async with asyncio.timeout(60):
            async for event in await feed.open(scope, flow.flow_id):
                seen.append(event.kind)
                if event.kind == "review_requested":
                    await orchestrator.approve(scope, flow.flow_id)
                if event.kind == "flow_completed":
                    break
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert seen.count("phase_started") == 6
    assert (await inventory.inventory_summary(scope))["assets"] == 1
