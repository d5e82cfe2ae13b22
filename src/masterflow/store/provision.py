"""From settings to a database that can be used: server, roles, database, schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from masterflow.errors import ConfigurationInvalid, Unavailable
from masterflow.store import schema
from masterflow.store.ddl import API, BACKUP, MIGRATOR, WORKER
from masterflow.store.embedded import Cluster, EmbeddedPostgres, role_password
from masterflow.store.roles import LOGIN_ROLES, ensure_database, ensure_roles

DATABASE = "masterflow"
OLDEST_SERVER = 150000
_ROLES_LOCK = 7_305_411_226


@dataclass(frozen=True, slots=True)
class Urls:
    """One URL per role that may log in, and the administrator's."""

    admin: URL
    migrator: URL
    api: URL
    worker: URL
    backup: URL


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A database in use. `release` lets the embedded server go; `bin_dir` holds its programs."""

    urls: Urls
    release: Callable[[], None]
    bin_dir: Path | None
    revision: str | None


def provision(*, home: Path, database_url: str | None, migrate: bool = True) -> Provisioned:
    """Start or reach the server, make roles and database, and bring the schema to this code's revision.

    Safe to call from several processes at once. Raises Unavailable when the server does not answer and
    ConfigurationInvalid when it is too old or its schema is newer than this code.
    """
    if database_url is None:
        server = EmbeddedPostgres(home)
        cluster = server.start()
        try:
            return _prepared(_embedded_urls(cluster), home, server.release, cluster.bin_dir, migrate)
        except BaseException:
            server.release()
            raise
    url = make_url(database_url)
    return _prepared(_external_urls(url, home), home, lambda: None, None, migrate)


def _embedded_urls(cluster: Cluster) -> Urls:
    def of(role: str) -> URL:
        return make_url(cluster.url(DATABASE, user=role))

    return Urls(make_url(cluster.url("postgres")), of(MIGRATOR), of(API), of(WORKER), of(BACKUP))


def _external_urls(url: URL, home: Path) -> Urls:
    database = url.database or DATABASE

    def of(role: str) -> URL:
        return url.set(username=role, password=role_password(home, role), database=database)

    return Urls(url.set(database=database), of(MIGRATOR), of(API), of(WORKER), of(BACKUP))


def _prepared(urls: Urls, home: Path, release: Callable[[], None], bin_dir: Path | None, migrate: bool) -> Provisioned:
    if migrate:
        _ensure(urls, home)
    return Provisioned(urls, release, bin_dir, schema.current(_sqlalchemy(urls.migrator)) if migrate else None)


def _ensure(urls: Urls, home: Path) -> None:
    database = urls.api.database or DATABASE
    try:
        with psycopg.connect(_libpq(urls.admin), autocommit=True, connect_timeout=10) as admin:
            if admin.info.server_version < OLDEST_SERVER:
                raise ConfigurationInvalid(
                    f"PostgreSQL {admin.info.server_version // 10000} is too old",
                    next_step="Use PostgreSQL 15 or newer.",
                )
            admin.execute("select pg_advisory_lock(%s)", (_ROLES_LOCK,))
            ensure_roles(admin, {role: role_password(home, role) for role in LOGIN_ROLES})
            ensure_database(admin, database)
            _migrate(_sqlalchemy(urls.migrator))
    except psycopg.OperationalError as error:
        raise Unavailable(
            "the database server does not answer or refuses the login",
            where={"host": urls.admin.host or urls.admin.query.get("host", "")},
            next_step="Check MASTERFLOW_DATABASE_URL, or start the server.",
        ) from error


def _migrate(migrator: str) -> None:
    found = schema.current(migrator)
    if found is not None and found not in schema.known():
        raise ConfigurationInvalid(
            f"the database has revision {found}, which this version does not know",
            next_step="Use the version of masterflow that upgraded it, or a newer one.",
        )
    if found != schema.head():
        schema.upgrade(migrator)


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _sqlalchemy(url: URL) -> str:
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
