"""One embedded PostgreSQL for a whole test session, shared by all its processes: a template and copies of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL

from masterflow.store.ddl import MIGRATOR
from masterflow.store.embedded import Cluster, EmbeddedPostgres, role_password
from masterflow.store.embedded.locks import try_lock
from masterflow.store.roles import LOGIN_ROLES, ensure_database, ensure_roles, grant_database
from masterflow.store.schema import upgrade

TEMPLATE = "masterflow_template"
# What a test session writes need not outlive the machine.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


@dataclass(frozen=True, slots=True)
class Server:
    """The running cluster of a test session."""

    cluster: Cluster

    def dsn(self, database: str, role: str | None = None) -> str:
        """A libpq connection string of a role, or of the superuser."""
        return self.cluster.dsn(database, user=role)

    def url(self, database: str, role: str) -> URL:
        """A SQLAlchemy URL of a role."""
        return URL.create(
            "postgresql+psycopg",
            username=role,
            password=role_password(self.cluster.home, role),
            database=database,
            query={"host": str(self.cluster.socket_dir), "port": str(self.cluster.port)},
        )

    def migrator_url(self, database: str) -> str:
        """The migrator's URL as text, password included."""
        return self.url(database, MIGRATOR).render_as_string(hide_password=False)

    @contextmanager
    def superuser(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """An autocommit connection of the superuser."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            yield connection

    @contextmanager
    def empty_database(self, name: str) -> Iterator[str]:
        """A database without a schema, dropped at the end."""
        with self.superuser() as connection:
            ensure_database(connection, name)
        try:
            yield name
        finally:
            self.drop(name)

    @contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """A migrated database of its own, dropped at the end."""
        self.create_copy(name)
        try:
            yield name
        finally:
            self.drop(name)

    def create_copy(self, name: str) -> None:
        """Copy the template and grant what a copy lacks."""
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
            )
            grant_database(connection, name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@contextmanager
def running_server(folder: Path, *, settings: Mapping[str, str] = SETTINGS) -> Iterator[Server]:
    """The server in `folder`, started by the first process that asks, with the template migrated once."""
    folder.mkdir(mode=0o755, exist_ok=True)
    folder.chmod(0o755)  # root's cluster runs under another account, which has to get in
    embedded = EmbeddedPostgres(folder / "home", settings=settings)
    server = Server(embedded.start())
    try:
        _ensure_template(server, folder / "template.lock")
        yield server
    finally:
        embedded.release()


def remove_server(folder: Path) -> None:
    """Stop what still runs in `folder` and delete it; nothing happens when it was never made."""
    if folder.exists():
        EmbeddedPostgres(folder / "home").stop("immediate")
        shutil.rmtree(folder)


def _ensure_template(server: Server, lock_path: Path) -> None:
    lock = try_lock(lock_path, timeout=120)
    assert lock is not None, "another process has been making the template for two minutes"
    try:
        with server.superuser() as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", (TEMPLATE,)).fetchone()
            if not known:
                _make_template(server, connection)
    finally:
        os.close(lock)


def _make_template(server: Server, connection: psycopg.Connection) -> None:
    draft = f"{TEMPLATE}_draft"
    ensure_roles(connection, {role: role_password(server.cluster.home, role) for role in LOGIN_ROLES})
    ensure_database(connection, draft)
    upgrade(server.migrator_url(draft))
    renamed = sql.SQL("alter database {} rename to {}")
    connection.execute(renamed.format(sql.Identifier(draft), sql.Identifier(TEMPLATE)))
