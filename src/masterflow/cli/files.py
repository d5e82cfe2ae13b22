"""`masterflow import`, `map` and `inspect`: inventory files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from masterflow.cli.flow_text import NEEDS_WORKER
from masterflow.cli.flows import STUCK, watched
from masterflow.cli.options import Client, Engagement, Json, Wait
from masterflow.cli.output import Output, error_document, error_lines, facts, put, table
from masterflow.cli.reading import content_of, inspected, map_rows, media_type, refused_row
from masterflow.cli.session import Place as Tenant
from masterflow.cli.session import Session, in_session
from masterflow.domain.records import Place
from masterflow.errors import MasterflowError
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.requests import CreateFlow, FlowOptions
from masterflow.orchestrator.views import FlowView

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Inventory files.", show_default=False)]

SHOWN_ISSUES = 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_files)
    app.command("map")(map_files)
    app.command("inspect")(inspect_files)


def import_files(  # noqa: PLR0913, PLR0917 - one parameter per option
    files: Files,
    flow_type: Annotated[str, typer.Option("--type", help="Flow type that reads the files.")] = "discovery",
    wait: Wait = False,
    approve: Annotated[
        bool, typer.Option("--approve", help="With --wait: accept what waits for a review, unseen.")
    ] = False,
    client: Client = None,
    engagement: Engagement = None,
    as_json: Json = False,
) -> None:
    """Upload files and start a flow for each. A file that is refused does not stop the others; exit code 1 then."""
    output = Output(as_json=as_json)
    choice = _Choice(flow_type, wait=wait, approve=approve)

    async def work(session: Session) -> list[dict[str, Any]]:
        return [await _imported(session, path, choice, output) for path in files]

    rows = in_session(Tenant(client, engagement), work, worker=wait)
    output.answer(rows, lambda console: _show_imported(console, rows))
    if any("error" in row or row["status"] in STUCK for row in rows):
        raise typer.Exit(1)


class _Choice:
    """How files are imported."""

    def __init__(self, flow_type: str, *, wait: bool, approve: bool) -> None:
        self.flow_type, self.wait, self.approve = flow_type, wait, approve


async def _imported(session: Session, path: Path, choice: _Choice, output: Output) -> dict[str, Any]:
    try:
        flow = await _start(session, path, choice.flow_type)
        if choice.wait:
            output.say(f"{path.name}:")
            flow = await _to_rest(session, flow, choice, output)
        flow = (await session.commands.queries.get_flow(session.scope, flow.flow_id)).flow
    except MasterflowError as error:
        return {"file": str(path), "error": error_document(error), "message": error_lines(error)}
    return {
        "file": str(path),
        "flow_id": str(flow.flow_id),
        "status": flow.status,
        "current_phase": flow.current_phase,
        "progress_percentage": flow.progress_percentage,
        "next_action": flow.next_action,
    }


async def _start(session: Session, path: Path, flow_type: str) -> FlowView:
    content = content_of(path)

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    upload = await session.commands.inventory.upload(
        session.scope,
        file_name=path.name,
        media_type=media_type(path),
        content=pieces(),
        max_bytes=session.core.settings.max_upload_bytes,
    )
    request = CreateFlow(
        flow_type=flow_type,
        flow_name=f"Import of {path.name}"[:255],
        initial_data={"import_file_id": str(upload.import_id)},
        options=FlowOptions(auto_execute=True),
    )
    return await session.commands.orchestrator.create_flow(session.scope, request)


async def _to_rest(session: Session, flow: FlowView, choice: _Choice, output: Output) -> FlowView:
    """Follow a flow, accepting reviews on the way where that was asked for."""
    while True:
        flow = await watched(session, flow, output)
        if not choice.approve or flow.status != FlowStatus.WAITING_FOR_APPROVAL:
            return flow
        accepted = await session.commands.orchestrator.approve(
            session.scope, flow.flow_id, note="accepted unseen (--approve)", version=flow.version
        )
        flow = accepted.flow


def _show_imported(console: Console, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if "error" in row:
            put(console, row["message"])
            continue
        put(console, facts([("file", row["file"]), ("flow", row["flow_id"]), ("status", row["status"])]))
        if row["status"] == FlowStatus.WAITING_FOR_APPROVAL:
            put(console, f"Next: masterflow flow lineage {row['flow_id']} shows the mapping;")
            put(console, f"      masterflow flow approve {row['flow_id']} --wait accepts it.")
        elif row["status"] in (FlowStatus.QUEUED, FlowStatus.RUNNING):
            put(console, NEEDS_WORKER.replace("repeat with --wait", f"masterflow flow status {row['flow_id']}"))


def map_files(files: Files, as_json: Json = False) -> None:
    """Suggest an asset field for each column, with confidence and evidence. Uses no database."""
    rows: list[dict[str, Any]] = []
    messages: dict[str, str] = {}
    for path in files:
        try:
            rows += map_rows(path)
        except MasterflowError as error:
            rows.append(refused_row(path, error))
            messages[str(path)] = error_lines(error)
    Output(as_json=as_json).answer(rows, lambda console: _show_mapping(console, rows, messages))
    if messages:
        raise typer.Exit(1)


def _show_mapping(console: Console, rows: list[dict[str, Any]], messages: dict[str, str]) -> None:
    for name in dict.fromkeys(row["file"] for row in rows):
        if name in messages:
            put(console, messages[name])
            continue
        of_file = [row for row in rows if row["file"] == name]
        mapped = sum(row["target"] is not None for row in of_file)
        put(console, f"{name}: {mapped} of {len(of_file)} columns mapped")
        shown = [
            (row["sheet"], row["column"], row["target"] or "-", f"{row['confidence']:.2f}", "; ".join(row["evidence"]))
            for row in of_file
        ]
        put(console, table(["sheet", "column", "asset field", "confidence", "evidence"], shown, right=["confidence"]))


def inspect_files(files: Files, as_json: Json = False) -> None:
    """Say what files hold: format, tool that wrote them, sheets, columns, findings. Uses no database."""
    found: list[dict[str, Any]] = []
    messages: dict[str, str] = {}
    for path in files:
        try:
            found.append(inspected(path))
        except MasterflowError as error:
            found.append({"file": str(path), "error": error_document(error)})
            messages[str(path)] = error_lines(error)
    Output(as_json=as_json).answer(found, lambda console: _show_inspected(console, found, messages))
    if messages:
        raise typer.Exit(1)


def _show_inspected(console: Console, found: list[dict[str, Any]], messages: dict[str, str]) -> None:
    for document in found:
        if document["file"] in messages:
            put(console, messages[document["file"]])
            continue
        dialect, source = document["dialect"], document["source"]
        read_as = ", ".join(part for part in (dialect.format, dialect.encoding, repr(dialect.delimiter)[1:-1]) if part)
        put(
            console,
            facts(
                [
                    ("file", document["file"]),
                    ("size", f"{document['size']:,} bytes"),
                    ("read as", read_as),
                    ("written by", f"{source['title']} ({source['name']}, confidence {source['confidence']:.2f})"),
                ]
            ),
        )
        rows = [
            (sheet["sheet"], sheet["role"].kind, sheet["role"].asset_type, sheet["records"], sheet["empty_rows"],
             sheet["rejected"], len(sheet["columns"]))
            for sheet in document["sheets"]
        ]  # fmt: skip
        columns = ["sheet", "role", "of", "records", "empty rows", "rejected", "columns"]
        put(console, table(columns, rows, right=columns[3:]))
        for issue in document["issues"][:SHOWN_ISSUES]:
            place = issue.place
            where = " ".join(
                str(part) for part in (place.sheet, place.row and f"row {place.row}", place.column) if part
            )
            put(
                console,
                (f"  {issue.severity}: {issue.message} ({where})" if where else f"  {issue.severity}: {issue.message}"),
            )
        if len(document["issues"]) > SHOWN_ISSUES:
            put(console, f"  and {len(document['issues']) - SHOWN_ISSUES} more findings; --json lists all")


def _place(place: Place) -> str:
    parts = (place.sheet, f"row {place.row}" if place.row else "", place.column)
    where = ", ".join(part for part in parts if part)
    return f" ({where})" if where else ""
