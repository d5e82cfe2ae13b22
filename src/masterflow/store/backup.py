"""Dump and restore a database with PostgreSQL's own programs, and verify that nothing was lost on the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL

from masterflow.errors import Conflict, InvalidInput, MasterflowError, Unavailable

KEY_NAME = "key_encryption_key"
"""The key in a home that opens sealed values; the other files there are passwords of that home."""
SCHEMAS = ("app", "hist", "queue")
_SETTINGS = "set datestyle = 'ISO'; set timezone = 'UTC'; set bytea_output = 'hex'; set extra_float_digits = 1"
_OBJECTS = """
    select 'tables with forced row security' as what, count(*)::integer as number from pg_class c
    where c.relnamespace::regnamespace::text = any(%(schemas)s) and c.relforcerowsecurity
    union all select 'policies', count(*)::integer from pg_policies where schemaname = any(%(schemas)s)
    union all select 'functions', count(*)::integer from pg_proc
    where pronamespace::regnamespace::text = any(%(schemas)s)
    union all select 'triggers', count(*)::integer from pg_trigger g join pg_class c on c.oid = g.tgrelid
    where not g.tgisinternal and c.relnamespace::regnamespace::text = any(%(schemas)s)
    union all select 'indexes', count(*)::integer from pg_indexes where schemaname = any(%(schemas)s)
    union all select 'constraints', count(*)::integer from pg_constraint
    where connamespace::regnamespace::text = any(%(schemas)s) and contype <> 'n'
    order by 1"""
_TABLES = """
    select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%(schemas)s) and c.relkind = 'r' order by 1"""
# The sum of a digest of each row does not depend on the order of the rows.
_DIGEST = """
    select count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text from {} t"""


class BackupFailed(MasterflowError):
    """A program of PostgreSQL refused, or what was restored is not what was saved."""

    code = "backup_failed"
    status = 500


@dataclass(frozen=True, slots=True)
class Content:
    """What a database holds: rows and digest of each table, and how many objects guard them."""

    revision: str
    tables: dict[str, tuple[int, str]]
    objects: dict[str, int]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(count for count, _ in self.tables.values())


@dataclass(frozen=True, slots=True)
class Programs:
    """Where pg_dump and pg_restore are; None means on the PATH."""

    bin_dir: Path | None

    def path(self, name: str) -> str:
        """The program. Raises Unavailable when there is none."""
        found = str(self.bin_dir / name) if self.bin_dir else shutil.which(name)
        if found is None:
            raise Unavailable(
                f"{name} is not installed",
                next_step="Install the client programs of PostgreSQL (as new as the server).",
            )
        return found


def dump(backup: URL, programs: Programs, target: Path) -> Content:
    """Write a dump in PostgreSQL's custom format, and beside it `<target>.json` with what it holds.

    Both are of one snapshot. The file appears under its name only when it is complete.

    Raises:
        Conflict: the file exists.
        BackupFailed: pg_dump refused.
    """
    if target.exists():
        raise Conflict("the file exists already", where={"file": str(target)}, next_step="Choose another name.")
    draft = target.with_name(f".{target.name}.part")
    with psycopg.connect(_text(backup)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        snapshot = connection.execute("select pg_export_snapshot()").fetchone()
        found = content(connection)
        options = ["--format=custom", f"--snapshot={snapshot[0] if snapshot else ''}", f"--file={draft}"]
        schemas = [f"--schema={name}" for name in SCHEMAS]
        try:
            draft.touch(mode=0o600)
            _run([programs.path("pg_dump"), *options, *schemas, "--no-password"], backup)
        except OSError as error:
            raise _unwritable(target, error) from error
    try:
        _write_private(target.with_name(f"{target.name}.json"), json.dumps(asdict(found), indent=1).encode())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return found


def restore(admin: URL, backup: URL, programs: Programs, source: Path) -> Content:
    """Fill an empty database from a dump, in one transaction, and compare it with what was saved.

    `admin` is a superuser's URL of the empty database; the roles exist.

    Raises:
        InvalidInput: the file, or the one that says what it holds, is missing or damaged.
        BackupFailed: pg_restore refused, or rows, digests or objects differ.
    """
    expected = read_content(source)
    options = ["--exit-on-error", "--single-transaction", "--no-password", f"--dbname={admin.database}"]
    _run([programs.path("pg_restore"), *options, str(source)], admin)
    with psycopg.connect(_text(backup)) as connection:
        connection.read_only = True
        found = content(connection)
    if differences := compare(expected, found):
        raise BackupFailed(
            "the restored database differs from the saved one: " + "; ".join(differences[:10]),
            where={"file": str(source), "differences": len(differences)},
            next_step="Do not use it. Restore from another backup.",
        )
    return found


def compare(expected: Content, found: Content) -> list[str]:
    """What differs, in words; empty when nothing does."""
    names = sorted(expected.tables.keys() | found.tables.keys())
    wrong = [
        f"{name}: {_rows(expected.tables.get(name))}, now {_rows(found.tables.get(name))}"
        for name in names
        if expected.tables.get(name) != found.tables.get(name)
    ]
    wrong += [
        f"{what}: {expected.objects.get(what)}, now {found.objects.get(what)}"
        for what in sorted(expected.objects.keys() | found.objects.keys())
        if expected.objects.get(what) != found.objects.get(what)
    ]
    return wrong + ([] if expected.revision == found.revision else [f"revision {expected.revision}, {found.revision}"])


def content(connection: psycopg.Connection[Any]) -> Content:
    """Rows, digests and objects of the database, within the connection's transaction."""
    connection.execute(_SETTINGS)
    values = {"schemas": list(SCHEMAS)}
    names = [row[0] for row in connection.execute(_TABLES, values).fetchall()]
    tables: dict[str, tuple[int, str]] = {}
    for name in names:
        row = connection.execute(sql.SQL(_DIGEST).format(sql.Identifier(*name.split(".")))).fetchone()
        tables[name] = (row[0], row[1]) if row else (0, "0")
    objects = dict(connection.execute(_OBJECTS, values).fetchall())
    revision = connection.execute("select max(version_num) from app.alembic_version").fetchone()
    return Content(str(revision[0]) if revision else "", tables, objects)


def read_content(source: Path) -> Content:
    """What a dump holds, from the file beside it. Raises InvalidInput."""
    beside = source.with_name(f"{source.name}.json")
    try:
        document = json.loads(beside.read_text(encoding="utf-8"))
        with source.open("rb") as stream:
            if stream.read(5) != b"PGDMP":
                raise ValueError("it is no dump")
        tables = {name: (int(rows), str(digest)) for name, (rows, digest) in document["tables"].items()}
        return Content(document["revision"], tables, dict(document["objects"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"this is no backup: {getattr(error, 'strerror', None) or error}",
            where={"file": str(source), "with": str(beside)},
            next_step="A backup is two files, FILE and FILE.json, as `masterflow backup FILE` writes them.",
        ) from error


def save_keys(keys: Path, target: Path) -> None:
    """Copy a home's keys folder into a tar that only its owner reads."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in sorted(keys.iterdir()):
            archive.add(path, arcname=f"keys/{path.name}", recursive=False)
    _write_private(target, stream.getvalue())


def key_in(source: Path) -> bytes:
    """The key-encryption key in a saved keys folder. Raises InvalidInput."""
    try:
        with tarfile.open(source) as archive:
            member = archive.extractfile(f"keys/{KEY_NAME}")
            if member is None:
                raise KeyError(KEY_NAME)
            return member.read(1024)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise InvalidInput(
            "the file holds no saved keys",
            where={"file": str(source)},
            next_step="Give the file FILE.keys.tar that `masterflow backup FILE --with-keys` wrote.",
        ) from error


def put_key(keys: Path, key: bytes) -> None:
    """Place a key-encryption key in a home. Raises Conflict when the home has another one."""
    path = keys / KEY_NAME
    if path.exists():
        if path.read_bytes().strip() != key.strip():
            raise Conflict(
                "the home has another key-encryption key",
                where={"file": str(path)},
                next_step="Restore into a new home (MASTERFLOW_HOME).",
            )
        return
    _write_private(path, key)


def _environment(url: URL) -> dict[str, str]:
    """Environment for a program: the connection, so that no password stands on a command line."""
    query: Mapping[str, Any] = url.query
    names = {"host": "PGHOST", "port": "PGPORT", "require_auth": "PGREQUIREAUTH", "sslmode": "PGSSLMODE"}
    given = {"host": url.host, "port": url.port, **query}
    place = {variable: str(given[name]) for name, variable in names.items() if given.get(name) is not None}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PG", "MASTERFLOW_"))},
        **place,
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.database or "",
    }


def _run(command: list[str], url: URL) -> None:
    ended = subprocess.run(command, env=_environment(url), capture_output=True, text=True, check=False)  # noqa: S603 - our own list of arguments
    if ended.returncode != 0:
        reason = " ".join(ended.stderr.split())[:500]
        raise BackupFailed(
            f"{Path(command[0]).name} refused: {reason}",
            next_step="Correct the cause and repeat; nothing was left behind.",
        )


def _write_private(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _unwritable(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"the file cannot be written: {error.strerror}", where={"file": str(path)}, next_step="Choose another place."
    )


def _rows(table: tuple[int, str] | None) -> str:
    return "missing" if table is None else f"{table[0]} rows ({table[1][-8:]})"


def _text(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
