"""What tells a first start from a later one."""

from __future__ import annotations

from uuid import UUID

import psycopg
from sqlalchemy import URL


def has_key(migrator: URL, client_account_id: UUID) -> bool:
    """Whether a client account has any API key, revoked ones included."""
    conninfo = migrator.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        statement = "select exists (select from app.api_keys where client_account_id = %s)"
        row = connection.execute(statement, (client_account_id,)).fetchone()
    return bool(row and row[0])
