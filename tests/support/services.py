"""The real services over the test database, keys for callers, and a worker that runs what is queued."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import psycopg

from masterflow.engine.executor import Executor, Ports
from masterflow.engine.pgqueuer import parse_payload
from masterflow.engine.pool import ProcessPool
from masterflow.engine.state import FlowStateManager
from masterflow.kernel.permission import Scope
from masterflow.kernel.registry import FlowTypeRegistry
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.cursors import Cursors
from masterflow.orchestrator.identity import new_key
from masterflow.store.database import Database
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Sealer

SECRET = secrets.token_bytes(32)


def access_over(database: Database, registry: FlowTypeRegistry, sealer: Sealer) -> Access:
    """The ports of the orchestrator's room."""
    return Access(database, registry, FlowStateManager(sealer), uuid4, Cursors(SECRET))


@dataclass(frozen=True, slots=True)
class TestWorker:
    """Runs the jobs of one engagement in this process, as a worker would."""

    __test__ = False
    admin: psycopg.Connection
    executor: Executor

    @classmethod
    def over(cls, admin: psycopg.Connection, database: Database, access: Access) -> TestWorker:
        """A worker over the worker role's connections."""
        ports = Ports(
            database=database,
            registry=access.registry,
            state=access.state,
            pool=ProcessPool(size=1),
            repositories=lambda session, scope: Repositories(session, scope=scope, new_id=uuid4),
            new_id=uuid4,
            new_fence=partial(secrets.randbits, 62),
            chance=random.random,
            worker="test-worker",
            heartbeat=timedelta(seconds=3),
        )
        return cls(admin, Executor(ports))

    async def run_all(self, scope: Scope) -> int:
        """Run jobs until none of the engagement is left; how many."""
        count = 0
        while found := self._next(scope):
            job_id, payload = found
            await self.executor.run(parse_payload(payload), job_id)
            self.admin.execute("delete from queue.pgqueuer where id = %s", (job_id,))
            count += 1
        return count

    def _next(self, scope: Scope) -> tuple[int, bytes] | None:
        start = f"{scope.client_account_id},{scope.engagement_id},"
        return self.admin.execute(
            "select id, payload from queue.pgqueuer where status = 'queued'"
            " and starts_with(convert_from(payload, 'UTF8'), %s) order by id limit 1",
            (start,),
        ).fetchone()


@dataclass(frozen=True, slots=True)
class Keys:
    """Makes principals with grants and API keys, as the superuser."""

    admin: psycopg.Connection

    def grant(
        self, client: UUID, *grants: tuple[str, UUID | None], scopes: Sequence[str] = (), expired: bool = False
    ) -> tuple[str, UUID]:
        """(token, principal) of a new principal with (role, engagement or None for all) grants."""
        principal, key = uuid4(), new_key()
        self.admin.execute(
            "insert into app.principals (client_account_id, id, name) values (%s, %s, 'Ada')", (client, principal)
        )
        for role, engagement in grants:
            self.admin.execute(
                "insert into app.role_grants (client_account_id, principal_id, engagement_id, role, granted_by)"
                " values (%s, %s, %s, %s, 'tests')",
                (client, principal, engagement, role),
            )
        self.admin.execute(
            "insert into app.api_keys (client_account_id, principal_id, prefix, key_hash, scopes, expires_at)"
            " values (%s, %s, %s, %s, %s, case when %s then now() - interval '1 second' end)",
            (client, principal, key.prefix, key.key_hash, json.dumps(list(scopes)), expired),
        )
        return key.token, principal
