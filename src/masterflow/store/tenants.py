"""Client accounts, engagements, people and keys, as the administrator of the installation makes them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import URL

from masterflow.errors import NotFound


@dataclass(frozen=True, slots=True)
class Tenant:
    """A client account with one of its engagements."""

    client_account_id: UUID
    engagement_id: UUID


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to store: its public prefix and the SHA-256 of the whole token."""

    prefix: str
    key_hash: bytes


class TenantAdministration:
    """Writes as the migrator role, which no tenant's policy binds; each method is one transaction."""

    def __init__(self, migrator: URL) -> None:
        self._conninfo = migrator.set(drivername="postgresql").render_as_string(hide_password=False)

    def ensure_tenant(self, tenant: Tenant, *, client_name: str, engagement_name: str) -> bool:
        """Create the client account and the engagement if they are missing; whether anything was."""
        with psycopg.connect(self._conninfo) as connection:
            client = connection.execute(
                "insert into app.client_accounts (client_account_id, name) values (%s, %s) on conflict do nothing",
                (tenant.client_account_id, client_name),
            )
            engagement = connection.execute(
                "insert into app.engagements (client_account_id, engagement_id, name) values (%s, %s, %s) "
                "on conflict do nothing",
                (tenant.client_account_id, tenant.engagement_id, engagement_name),
            )
            return client.rowcount + engagement.rowcount > 0

    def create_key(self, tenant: Tenant, *, principal: str, role: str, key: NewKey, every_engagement: bool) -> UUID:
        """Store a key for a principal of that name (made if missing) with a role; the principal's id.

        `every_engagement` grants the role in all engagements of the client account. NotFound when the
        engagement does not exist.
        """
        with psycopg.connect(self._conninfo) as connection:
            found = connection.execute(
                "select 1 from app.engagements where client_account_id = %s and engagement_id = %s",
                (tenant.client_account_id, tenant.engagement_id),
            ).fetchone()
            if found is None:
                raise NotFound("there is no such engagement", where={"engagement_id": str(tenant.engagement_id)})
            owner = self._principal(connection, tenant, principal)
            connection.execute(
                "insert into app.role_grants (client_account_id, principal_id, engagement_id, role, granted_by) "
                "values (%s, %s, %s, %s, 'administrator')",
                (tenant.client_account_id, owner, None if every_engagement else tenant.engagement_id, role),
            )
            connection.execute(
                "insert into app.api_keys (client_account_id, principal_id, prefix, key_hash) values (%s, %s, %s, %s)",
                (tenant.client_account_id, owner, key.prefix, key.key_hash),
            )
            connection.execute(
                "insert into app.access_audit_log (client_account_id, engagement_id, user_id, action_type, "
                "resource_type, resource_id, result, details) values (%s, %s, 'administrator', 'create_key', "
                "'api_key', %s, 'success', %s)",
                (tenant.client_account_id, tenant.engagement_id, key.prefix, Jsonb({"role": role, "owner": principal})),
            )
            return owner

    def _principal(self, connection: psycopg.Connection, tenant: Tenant, name: str) -> UUID:
        row = connection.execute(
            "select id from app.principals where client_account_id = %s and name = %s order by created_at limit 1",
            (tenant.client_account_id, name),
        ).fetchone()
        if row is None:
            row = connection.execute(
                "insert into app.principals (client_account_id, name) values (%s, %s) returning id",
                (tenant.client_account_id, name),
            ).fetchone()
        if row is None:
            raise NotFound("the principal was not stored")
        identifier: UUID = row[0]
        return identifier
