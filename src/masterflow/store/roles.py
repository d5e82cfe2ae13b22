"""The database roles: made once per cluster, granted per database."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from masterflow.store.ddl import API, BACKUP, CAPTURE, DISPATCH, MIGRATOR, OWNER, WORKER

LOGIN_ROLES = (MIGRATOR, API, WORKER, BACKUP)
_ATTRIBUTES = {
    OWNER: "nologin",
    MIGRATOR: "login bypassrls",
    API: "login nobypassrls",
    WORKER: "login nobypassrls",
    CAPTURE: "nologin",
    DISPATCH: "nologin",
    BACKUP: "login bypassrls",
}
_SETTINGS = {
    API: {
        "statement_timeout": "15s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "30s",
        "client_connection_check_interval": "500ms",
    },
    WORKER: {
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "120s",
        "client_connection_check_interval": "500ms",
    },
}
_MEMBERSHIPS = ((OWNER, MIGRATOR), (CAPTURE, OWNER), (DISPATCH, OWNER))


def ensure_roles(admin: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Create missing roles and set attributes, passwords and settings; safe to repeat.

    `admin` is an autocommit connection of a superuser (or of a role that may create roles and grant
    BYPASSRLS); `passwords` has one entry per login role. The server gets a SCRAM verifier only, so no
    password can reach its log.
    """
    for role, attributes in _ATTRIBUTES.items():
        name = sql.Identifier(role)
        known = admin.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
        if not known:
            admin.execute(sql.SQL("create role {}").format(name))
        admin.execute(sql.SQL("alter role {} with {}").format(name, sql.SQL(attributes)))
        _withdraw(admin, role)
        if role in LOGIN_ROLES:
            verifier = admin.pgconn.encrypt_password(passwords[role].encode(), role.encode(), b"scram-sha-256")
            admin.execute(sql.SQL("alter role {} password {}").format(name, sql.Literal(verifier.decode())))
        for setting, value in _SETTINGS.get(role, {}).items():
            admin.execute(
                sql.SQL("alter role {} set {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
            )
    for granted, member in _MEMBERSHIPS:
        admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(granted), sql.Identifier(member)))


def _withdraw(admin: psycopg.Connection, role: str) -> None:
    """Take back what a role of that name may have had before; none of ours makes roles or databases."""
    powers = {"superuser": "rolsuper", "createrole": "rolcreaterole", "createdb": "rolcreatedb"}
    columns = sql.SQL(", ").join(map(sql.Identifier, powers.values()))
    found = admin.execute(sql.SQL("select {} from pg_roles where rolname = %s").format(columns), (role,)).fetchone()
    held = [power for power, has in zip(powers, found or (), strict=False) if has]
    for power in held:
        admin.execute(sql.SQL("alter role {} with {}").format(sql.Identifier(role), sql.SQL(f"no{power}")))


def ensure_database(admin: psycopg.Connection, database: str) -> None:
    """Create the database if it is missing and set what a copy of a template would lack."""
    name = sql.Identifier(database)
    known = admin.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
    if not known:
        admin.execute(sql.SQL("create database {} template template0").format(name))
    grant_database(admin, database)


def grant_database(admin: psycopg.Connection, database: str) -> None:
    """Grants on the database itself; they are not copied from a template database."""
    name = sql.Identifier(database)
    roles = sql.SQL(", ").join(map(sql.Identifier, LOGIN_ROLES))
    admin.execute(sql.SQL("revoke all on database {} from public").format(name))
    admin.execute(sql.SQL("grant connect on database {} to {}").format(name, roles))
    admin.execute(sql.SQL("grant create on database {} to {}").format(name, sql.Identifier(OWNER)))
    temporary = sql.SQL(", ").join(map(sql.Identifier, (API, WORKER, MIGRATOR)))
    admin.execute(sql.SQL("grant temporary on database {} to {}").format(name, temporary))
