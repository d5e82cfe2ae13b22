"""The real application over the real database, called through ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from masterflow import flows
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.feed import Notices
from masterflow.settings import Settings
from masterflow.store.database import Database
from masterflow.store.link import Link
from masterflow.store.sealing import Sealer
from masterflow.web.server import create_web
from masterflow.web.services import Probes, services_over
from support.flows import toy_registry
from support.services import Keys, TestWorker, access_over

SETTINGS = Settings(max_upload_bytes=200_000, max_json_bytes=50_000)
Client = httpx.AsyncClient
MakeClient = Callable[..., Client]


@pytest.fixture
def access(database: Database, sealer: Sealer) -> Access:
    """The ports over the role of requests, with the toy types and the product's own."""
    return access_over(database, toy_registry(*flows.discover()), sealer)


@pytest.fixture
async def notices(database: Database) -> AsyncIterator[Notices]:
    """The listening connection of the application."""
    made = Notices(partial(Link.open, database.url, application_name="tests-feed"))
    listening = asyncio.create_task(made.run())
    yield made
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


@pytest.fixture
def web(access: Access, notices: Notices) -> FastAPI:
    """The application; it has started and is ready."""

    async def reachable() -> bool:
        return bool(await access.database.call("select 1 as one", ()))

    probes = Probes(started=lambda: True, checks={"database": reachable})
    return create_web(services_over(access, notices=notices, probes=probes), SETTINGS)


@pytest.fixture
def keys(admin: psycopg.Connection) -> Keys:
    """Makes API keys."""
    return Keys(admin)


@pytest.fixture
async def make_client(web: FastAPI, keys: Keys) -> AsyncIterator[MakeClient]:
    """Makes clients: of a scope with a role, or without a credential."""
    async with AsyncExitStack() as stack:

        async def make(scope: Scope | None = None, role: str = "client_admin") -> Client:
            headers = {}
            if scope is not None:
                token, _ = keys.grant(scope.client_account_id, (role, scope.engagement_id))
                headers["Authorization"] = f"Bearer {token}"
            transport = httpx.ASGITransport(app=web, client=("192.0.2.7", 4711))
            return await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
            )

        yield make


@pytest.fixture
async def client(make_client: MakeClient, scope: Scope) -> Client:
    """A client admin."""
    return await make_client(scope)


@pytest.fixture
async def stranger(make_client: MakeClient, other_scope: Scope) -> Client:
    """A client admin of another client account."""
    return await make_client(other_scope)


@pytest.fixture
async def anonymous(make_client: MakeClient) -> Client:
    """A caller without a credential."""
    return await make_client()


@pytest.fixture
def work(admin: psycopg.Connection, worker_database: Database, access: Access) -> TestWorker:
    """Runs queued jobs."""
    return TestWorker.over(admin, worker_database, access)
