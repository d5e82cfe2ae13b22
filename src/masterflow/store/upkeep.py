"""What an administrator does with a whole database: its revision, backup, restore and checks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from masterflow.errors import Conflict, InvalidInput, MasterflowError, NotFound, Unavailable
from masterflow.store import schema
from masterflow.store.backup import Content, Programs, dump, put_key, read_content, restore, save_keys
from masterflow.store.doctor import Result, examine_all
from masterflow.store.doctor_proof import Proof, prove
from masterflow.store.embedded import role_password
from masterflow.store.embedded.accounts import current_account
from masterflow.store.embedded.homes import prepare_home, private_directory
from masterflow.store.provision import DATABASE, Provisioned, provision
from masterflow.store.roles import LOGIN_ROLES, ensure_database, ensure_roles

Open = Callable[[UUID, UUID, UUID, bytes], object]
"""Opens the sealed state of a flow (client account, engagement, flow, bytes) or raises MasterflowError."""
_OPENED = 100
_NEWEST = """
    select client_account_id, engagement_id, flow_id, flow_state from app.crewai_flow_state_extensions
    order by created_at desc limit %s"""


@dataclass(frozen=True, slots=True)
class Revision:
    """The schema's revision beside the program's newest; None where there is no database or no schema."""

    database: str | None
    program: str
    server_version: str | None

    @property
    def is_current(self) -> bool:
        """Whether nothing has to be done."""
        return self.database == self.program


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The database of a home, or the external one at `database_url`. Every method blocks."""

    home: Path
    database_url: str | None

    def revision(self) -> Revision:
        """The revision; makes and changes nothing."""
        if not self._exists():
            return Revision(None, schema.head(), None)
        with self._reached() as reached:
            return self._revision(reached)

    def upgrade(self) -> Revision:
        """Bring the schema to the newest revision, making the database if there is none."""
        with self._reached(migrate=True) as reached:
            return self._revision(reached)

    def downgrade(self, revision: str) -> Revision:
        """Bring the schema back to an older revision, "base" for none at all.

        Raises:
            InvalidInput: this program does not know the revision.
        """
        if revision != "base" and revision not in schema.known():
            raise InvalidInput(
                f"there is no revision '{revision}'",
                next_step=f"Revisions: base, {', '.join(sorted(schema.known()))}.",
            )
        self._require()
        with self._reached() as reached, _translated():
            schema.downgrade(_sqlalchemy(reached.urls.migrator), revision)
            return self._revision(reached)

    def backup(self, target: Path, *, keys: bool) -> Content:
        """Dump the database to a file, and with `keys` the home's keys to `<target>.keys.tar`."""
        self._require()
        with self._reached() as reached, _translated():
            found = dump(reached.urls.backup, Programs(reached.bin_dir), target)
        if keys:
            save_keys(self.home / "keys", target.with_name(f"{target.name}.keys.tar"))
        return found

    def restore(self, source: Path, *, into: str | None, key: bytes | None) -> Content:
        """Fill a fresh database from a dump: the home's own, or one named `into` beside it.

        Raises:
            Conflict: the database exists.
        """
        read_content(source)
        if key is not None:
            prepare_home(self.home)
            private_directory(self.home / "keys", current_account())
            put_key(self.home / "keys", key)
        with self._reached() as reached, _translated():
            name = into or reached.urls.api.database or DATABASE
            self._make_database(reached.urls.admin, name)
            try:
                return restore(
                    reached.urls.admin.set(database=name),
                    reached.urls.backup.set(database=name),
                    Programs(reached.bin_dir),
                    source,
                )
            except BaseException:
                _drop(reached.urls.admin, name)
                raise

    def examine(self, open_state: Open) -> list[Result]:
        """Every check of the doctor, and whether the newest flows' states open with the keys at hand."""
        self._require()
        with self._reached() as reached, _translated():
            backup = _libpq(reached.urls.backup)
            return [*examine_all(backup), _keys(backup, open_state)]

    def prove(self) -> list[Proof]:
        """Every check of the doctor against a planted violation, in a scratch database."""
        self._require()
        with self._reached() as reached, _translated():
            return asyncio.run(prove(reached.urls))

    def _exists(self) -> bool:
        return self.database_url is not None or (self.home / "data").exists()

    def _require(self) -> None:
        if not self._exists():
            raise NotFound(
                "there is no database in this home yet",
                where={"home": str(self.home)},
                next_step="`masterflow db upgrade` makes one; MASTERFLOW_HOME names another home.",
            )

    @contextmanager
    def _reached(self, *, migrate: bool = False) -> Iterator[Provisioned]:
        reached = provision(home=self.home, database_url=self.database_url, migrate=migrate)
        try:
            yield reached
        finally:
            reached.release()

    def _revision(self, reached: Provisioned) -> Revision:
        try:
            with psycopg.connect(_libpq(reached.urls.migrator), connect_timeout=10) as connection:
                version = connection.info.parameter_status("server_version")
        except psycopg.OperationalError:  # the server runs, but roles or database were never made
            return Revision(None, schema.head(), None)
        return Revision(schema.current(_sqlalchemy(reached.urls.migrator)), schema.head(), version)

    def _make_database(self, admin: URL, name: str) -> None:
        with psycopg.connect(_libpq(admin.set(database="postgres")), autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                raise Conflict(
                    f"the database '{name}' exists already",
                    where={"home": str(self.home)},
                    next_step="Restore into a new home (MASTERFLOW_HOME), or beside it with --into NAME.",
                )
            ensure_roles(connection, {role: role_password(self.home, role) for role in LOGIN_ROLES})
            ensure_database(connection, name)


def _drop(admin: URL, name: str) -> None:
    with (
        suppress(psycopg.Error),
        psycopg.connect(_libpq(admin.set(database="postgres")), autocommit=True) as connection,
    ):
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _keys(conninfo: str, open_state: Open) -> Result:
    found: list[tuple[str, str]] = []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for client, engagement, flow, state in connection.execute(_NEWEST, (_OPENED,)).fetchall():
            try:
                open_state(client, engagement, flow, state)
            except MasterflowError as error:
                found.append((f"flow {flow}", error.detail))
    says = f"the states of the newest flows (at most {_OPENED}) open with the keys at hand"
    return Result("keys", says, found, "Put back the key-encryption key of this installation (keys/ in its home).")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, DBAPIError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())[:300]
        raise Unavailable(
            f"the database refused: {reason}", next_step="See `masterflow db status` and `masterflow doctor`."
        ) from error


def _libpq(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _sqlalchemy(url: URL) -> str:
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
