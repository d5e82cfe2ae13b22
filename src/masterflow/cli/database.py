"""`masterflow db ...`, `backup` and `restore`: the database as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from masterflow import app as root
from masterflow.cli.options import Json
from masterflow.cli.output import Output, facts, put
from masterflow.settings import read_settings
from masterflow.store.backup import Content, key_in
from masterflow.store.upkeep import Revision, Upkeep

app = typer.Typer(help="The revision of the database.", no_args_is_help=True, rich_markup_mode=None)

_KEYS_ARE_ELSEWHERE = (
    "The keys are not in it: without keys/key_encryption_key of this home (or your MASTERFLOW_KEK) sealed values "
    "cannot be read. Keep them apart from the backup."
)


def register(program: typer.Typer) -> None:
    """Add the commands that stand for themselves."""
    program.command("backup")(backup)
    program.command("restore")(restore)


def _upkeep() -> Upkeep:
    return root.upkeep_of(read_settings(os.environ))


@app.command()
def status(as_json: Json = False) -> None:
    """Revision of the database beside the program's. Exit code 1 unless they are equal. Changes nothing."""
    found = _upkeep().revision()
    _show(found, as_json=as_json)
    if not found.is_current:
        raise typer.Exit(1)


@app.command()
def upgrade(as_json: Json = False) -> None:
    """Bring the database to the program's revision; makes it when there is none."""
    _show(_upkeep().upgrade(), as_json=as_json)


@app.command()
def downgrade(
    revision: Annotated[
        str, typer.Argument(metavar="REVISION", help="An older revision, or base.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Really: data of later revisions is lost.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the database back to an older revision. Stop servers and workers, and make a backup, before."""
    if not yes:
        raise typer.BadParameter("this deletes data of later revisions; repeat with --yes", param_hint="--yes")
    _show(_upkeep().downgrade(revision), as_json=as_json)


def _show(found: Revision, *, as_json: bool) -> None:
    document = {
        "revision": found.database,
        "program_revision": found.program,
        "server_version": found.server_version,
        "up_to_date": found.is_current,
    }
    rows = [
        ("database", found.database or "no schema yet"),
        ("program", found.program),
        ("server", f"PostgreSQL {found.server_version}" if found.server_version else "not started yet"),
        ("up to date", "yes" if found.is_current else "no: run `masterflow db upgrade`"),
    ]
    Output(as_json=as_json).answer(document, lambda console: put(console, facts(rows)))


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The dump to write.", show_default=False)],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Also write FILE.keys.tar with the home's keys (mode 0600).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Dump the database to FILE, and to FILE.json what it holds. Servers and workers may go on."""
    output = Output(as_json=as_json)
    found = _upkeep().backup(file, keys=with_keys)
    keys = f"{file}.keys.tar" if with_keys else None
    document = {**_document(file, found), "size": file.stat().st_size, "keys_file": keys}
    note = f"Keys: {keys}. Keep it apart from the backup." if keys else _KEYS_ARE_ELSEWHERE
    output.answer(
        document,
        lambda console: put(console, facts([*_facts(file, found), ("size", f"{file.stat().st_size:,} bytes")]), note),
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A dump that `backup` wrote.", show_default=False)],
    into: Annotated[
        str | None, typer.Option("--into", metavar="NAME", help="Restore beside the home's own database, to rehearse.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="FILE", help="FILE.keys.tar: put its key-encryption key in place.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fill a fresh database from a dump, and verify rows, digests and policies. Nothing is kept when they differ."""
    found = _upkeep().restore(file, into=into, key=key_in(keys) if keys else None)
    document = {**_document(file, found), "database": into, "verified": True}
    Output(as_json=as_json).answer(
        document,
        lambda console: put(
            console,
            facts(_facts(file, found)),
            "Rows, digests and policies are those of the backup.",
            "Next: masterflow doctor",
        ),
    )


def _document(file: Path, found: Content) -> dict[str, object]:
    return {
        "file": str(file),
        "revision": found.revision,
        "tables": len(found.tables),
        "rows": found.rows,
        "objects": found.objects,
    }


def _facts(file: Path, found: Content) -> list[tuple[str, object]]:
    return [
        ("file", file),
        ("revision", found.revision),
        ("tables", len(found.tables)),
        ("rows", f"{found.rows:,}"),
        ("policies", found.objects.get("policies")),
    ]
