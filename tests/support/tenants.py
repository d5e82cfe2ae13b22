"""Fresh client accounts and engagements: row-level security keeps the tests apart."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg

from masterflow.kernel.permission import Scope, permissions_of


@dataclass(frozen=True, slots=True)
class ScopeFactory:
    """Makes scopes; `admin` is an autocommit connection of the superuser."""

    admin: psycopg.Connection

    def __call__(self, role: str = "client_admin", *, client: UUID | None = None, actor: str = "ada") -> Scope:
        """A scope in a new engagement, of a new client account unless `client` is given."""
        account, engagement = client or uuid4(), uuid4()
        self.admin.execute(
            "insert into app.client_accounts (client_account_id, name) values (%s, 'Client') on conflict do nothing",
            (account,),
        )
        self.admin.execute(
            "insert into app.engagements (client_account_id, engagement_id, name) values (%s, %s, 'Engagement')",
            (account, engagement),
        )
        return Scope(
            client_account_id=account,
            engagement_id=engagement,
            actor=actor,
            permissions=permissions_of([role]),
            ip="192.0.2.1",
            user_agent="tests",
            request_id=str(uuid4()),
        )
