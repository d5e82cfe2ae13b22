"""Sessions with repositories, and flows, runs and rows to read back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from masterflow.kernel.permission import Scope
from masterflow.store.database import Database
from masterflow.store.repositories import Repositories
from masterflow.store.tables import PhaseRun


@asynccontextmanager
async def editing(database: Database, scope: Scope, change_set: UUID | None = None) -> AsyncIterator[Repositories]:
    """Repositories in one committed edit with a change set of its own."""
    async with database.write(scope, kind="human", change_set=change_set or uuid4()) as session:
        yield Repositories(session, scope=scope, new_id=uuid4)


@asynccontextmanager
async def writing(database: Database, scope: Scope) -> AsyncIterator[Repositories]:
    """Repositories in a committed transaction without a change set."""
    async with database.write(scope) as session:
        yield Repositories(session, scope=scope, new_id=uuid4)


@asynccontextmanager
async def reading(database: Database, scope: Scope) -> AsyncIterator[Repositories]:
    """Repositories in a read-only session."""
    async with database.read(scope) as session:
        yield Repositories(session, scope=scope, new_id=uuid4)


def packed(document: dict[str, object]) -> bytes:
    """A document in the plain stored format."""
    return b"J" + json.dumps(document).encode()


async def new_flow(database: Database, scope: Scope, *, name: str = "Discovery", kind: str = "discovery") -> UUID:
    """The id of a new flow in status initialized."""
    flow = {"flow_type": kind, "flow_version": "1.0.0", "flow_name": name, "current_phase": "data_import"}
    rows = await database.call(
        "select flow_id from app.create_flow(%s, %s, %s, %s, %s)",
        (scope.client_account_id, scope.engagement_id, Jsonb(scope.actor_document()), Jsonb(flow), packed({"a": 1})),
    )
    return rows[0]["flow_id"]


async def new_run(repositories: Repositories, flow_id: UUID, **values: object) -> UUID:
    """The id of a run with the given columns."""
    given = {"phase": "data_import", "iteration": 1, "status": "succeeded", "inputs": packed({}), **values}
    run = PhaseRun(id=uuid4(), flow_id=flow_id, requested_by="ada", **given)
    repositories.session.add(run)
    await repositories.session.flush()
    return run.id
