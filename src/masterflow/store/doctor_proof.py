"""The checks of the doctor checked: in a scratch database each planted violation has to turn its check red."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from sqlalchemy import URL

from masterflow.kernel.permission import ROLES, Scope
from masterflow.store import schema
from masterflow.store.database import Database
from masterflow.store.doctor import CHECKS, Check, examine, parameters
from masterflow.store.provision import Urls
from masterflow.store.repositories import Repositories
from masterflow.store.roles import ensure_database
from masterflow.store.tenants import Tenant, TenantAdministration
from masterflow.store.transitions import Job, Transitions

_PHASE = "proof"
_STATE = b"J{}"
_FENCE = 1


@dataclass(frozen=True, slots=True)
class Proof:
    """One planted violation; `caught` says whether its check turned red."""

    check: str
    planted: str
    caught: bool


async def prove(urls: Urls) -> list[Proof]:
    """Make a scratch database with one finished flow, plant each violation, and drop the database.

    The first entry says whether the untouched database passes every check. Needs a superuser.
    """
    with _scratch(urls.admin) as name:
        schema.upgrade(_text(urls.migrator.set(database=name), "postgresql+psycopg"))
        await _one_flow(urls, name)
        with psycopg.connect(_text(urls.admin.set(database=name)), autocommit=True) as connection:
            values = parameters()
            wrong = [check.name for check in CHECKS if not examine(connection, check, values).passed]
            proofs = [Proof("all", f"nothing: {', '.join(wrong) or 'every check passes'}", not wrong)]
            return proofs + [proof for check in CHECKS for proof in _planted(connection, check)]


@contextmanager
def _scratch(admin: URL) -> Iterator[str]:
    name = f"masterflow_proof_{secrets.token_hex(6)}"
    with psycopg.connect(_text(admin), autocommit=True) as connection:
        ensure_database(connection, name)
        try:
            yield name
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _planted(connection: psycopg.Connection, check: Check) -> Iterator[Proof]:
    values = parameters(check)
    for text in check.plant or ("",):
        with connection.transaction(force_rollback=True):
            if text:
                connection.execute("set local session_replication_role = replica")
                connection.execute(text.encode())
            result = examine(connection, check, values)
        yield Proof(check.name, text or f"expectation {dict(check.planted)}", not result.passed)


async def _one_flow(urls: Urls, name: str) -> None:
    """A tenant with one completed flow of one phase, an upload and an asset, made as the product does."""
    tenant = Tenant(uuid4(), uuid4())
    TenantAdministration(urls.migrator.set(database=name)).ensure_tenant(
        tenant, client_name="Proof", engagement_name="Proof"
    )
    scope = Scope(tenant.client_account_id, tenant.engagement_id, "doctor", ROLES["client_admin"])
    database = Database(urls.worker.set(database=name), pool_size=2, application_name="masterflow-proof")
    try:
        await _run_flow(scope, Transitions(database.call))
        async with database.write(scope, kind="human", change_set=uuid4()) as session:
            repositories = Repositories(session, scope=scope, new_id=uuid4)
            blob, _ = await repositories.blobs.add(b"name\nproof\n", "text/csv")
            await repositories.imports.add(blob_id=blob.id, file_name="proof.csv")
    finally:
        await database.close()


async def _run_flow(scope: Scope, transitions: Transitions) -> UUID:
    flow = {"flow_type": "proof", "flow_version": "1", "flow_name": "Proof", "current_phase": _PHASE}
    row = await transitions.create(scope, flow, _STATE)
    run = {"phase": _PHASE, "to": "queued", "permissions": []}
    moved = await transitions.execute(scope, flow_id=row["flow_id"], version=row["version"], run=run, inputs=_STATE)
    if moved.run_id is None:
        raise LookupError("the flow that was just executed has no run")
    job = Job(scope.client_account_id, scope.engagement_id, row["flow_id"], moved.run_id, 1)
    await transitions.start(scope, job, job_id=1, fence=_FENCE, heartbeat=timedelta(seconds=3))
    outcome = {
        "to": "completed",
        "run_status": "succeeded",
        "event": "phase_completed",
        "phases_completed": [_PHASE],
        "progress": 100,
    }
    await transitions.finish(scope, job, _FENCE, outcome=outcome, sealed=(_STATE, _STATE))
    return job.flow_id


def _text(url: URL, driver: str = "postgresql") -> str:
    return url.set(drivername=driver).render_as_string(hide_password=False)
