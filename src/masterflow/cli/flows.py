"""`masterflow flow ...`: the life of flows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from masterflow.cli.flow_source import asset_lineage, flow_source
from masterflow.cli.flow_text import show_flow, show_flows, show_history, show_lineage, show_source, show_status
from masterflow.cli.options import Client, Engagement, FlowId, Json, Reason, Wait
from masterflow.cli.output import Output
from masterflow.cli.progress import PhaseProgress
from masterflow.cli.session import Place, Session, follow, in_session
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.filters import FlowFilters
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow, FlowOptions
from masterflow.orchestrator.views import Accepted, FlowView

app = typer.Typer(help="Create, run and look at flows.", no_args_is_help=True, rich_markup_mode=None)

STUCK = frozenset({FlowStatus.FAILED, FlowStatus.WAITING_FOR_INPUT})
"""Statuses in which a flow that was waited for did not do what was asked."""
Document = Annotated[str, typer.Option(metavar="JSON", help="A JSON object; @FILE reads it from a file.")]


@app.command()
def create(  # noqa: PLR0913, PLR0917 - one parameter per option
    flow_type: Annotated[str, typer.Argument(metavar="TYPE", help="Flow type, e.g. discovery.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="Name of the flow.")] = None,
    data: Document = "{}",
    auto: Annotated[bool, typer.Option("--auto", help="Run phase after phase until one needs a person.")] = False,
    client: Client = None,
    engagement: Engagement = None,
    as_json: Json = False,
) -> None:
    """Create a flow. With --auto its first phase is dispatched at once."""
    request = CreateFlow(
        flow_type=flow_type,
        flow_name=name,
        initial_data=_object("--data", data),
        options=FlowOptions(auto_execute=auto),
    )
    flow = in_session(Place(client, engagement), lambda s: s.commands.orchestrator.create_flow(s.scope, request))
    Output(as_json=as_json).answer(flow, lambda console: show_flow(console, flow))


@app.command()
def execute(  # noqa: PLR0913, PLR0917 - one parameter per option
    flow_id: FlowId,
    phase: Annotated[str | None, typer.Option("--phase", help="The phase; the next one when not given.")] = None,
    inputs: Document = "{}",
    wait: Wait = False,
    client: Client = None,
    engagement: Engagement = None,
    as_json: Json = False,
) -> None:
    """Run the next phase of a flow."""
    request = ExecuteFlow(phase_name=phase, inputs=_object("--inputs", inputs))
    _move(
        lambda s: s.commands.orchestrator.execute_phase(s.scope, flow_id, request),
        place=Place(client, engagement),
        wait=wait,
        as_json=as_json,
    )


@app.command()
def status(flow_id: FlowId, client: Client = None, engagement: Engagement = None, as_json: Json = False) -> None:
    """Status, progress and what comes next."""
    view = in_session(Place(client, engagement), lambda s: s.commands.queries.get_flow_status(s.scope, flow_id))
    Output(as_json=as_json).answer(view, lambda console: show_status(console, view))


@app.command("list")
def list_flows(  # noqa: PLR0913, PLR0917 - one parameter per option
    status: Annotated[list[str] | None, typer.Option("--status", help="Only this status; repeatable.")] = None,
    flow_type: Annotated[list[str] | None, typer.Option("--type", help="Only this type; repeatable.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Most flows to show.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Where the page before ended.")] = None,
    client: Client = None,
    engagement: Engagement = None,
    as_json: Json = False,
) -> None:
    """Flows from newest to oldest."""
    filters = FlowFilters(status=tuple(status or ()), flow_type=tuple(flow_type or ()))
    page = in_session(
        Place(client, engagement),
        lambda s: s.commands.queries.list_flows(s.scope, filters, limit=limit, cursor=cursor),
    )
    Output(as_json=as_json).answer(page, lambda console: show_flows(console, page))


@app.command()
def approve(
    flow_id: FlowId,
    note: Annotated[str, typer.Option("--note", help="A remark for the audit log.")] = "",
    wait: Wait = False,
    client: Client = None,
    engagement: Engagement = None,
    as_json: Json = False,
) -> None:
    """Release a phase that waits, or accept its result."""
    _move(
        lambda s: s.commands.orchestrator.approve(s.scope, flow_id, note=note),
        place=Place(client, engagement),
        wait=wait,
        as_json=as_json,
    )


@app.command()
def reject(
    flow_id: FlowId, reason: Reason = "", client: Client = None, engagement: Engagement = None, as_json: Json = False
) -> None:
    """Refuse a phase that waits, or its result; needs --reason."""
    _move(
        lambda s: s.commands.orchestrator.reject(s.scope, flow_id, reason),
        place=Place(client, engagement),
        as_json=as_json,
    )


@app.command()
def skip(
    flow_id: FlowId, reason: Reason = "", client: Client = None, engagement: Engagement = None, as_json: Json = False
) -> None:
    """Count the next phase as completed without running it, where its type allows that."""
    _move(
        lambda s: s.commands.orchestrator.skip(s.scope, flow_id, reason),
        place=Place(client, engagement),
        as_json=as_json,
    )


@app.command()
def cancel(
    flow_id: FlowId, reason: Reason = "", client: Client = None, engagement: Engagement = None, as_json: Json = False
) -> None:
    """End a flow; what a running phase wrote is reverted."""
    _move(
        lambda s: s.commands.orchestrator.cancel(s.scope, flow_id, reason),
        place=Place(client, engagement),
        as_json=as_json,
    )


@app.command()
def pause(flow_id: FlowId, client: Client = None, engagement: Engagement = None, as_json: Json = False) -> None:
    """Stop a flow from going on."""
    _move(lambda s: s.commands.orchestrator.pause(s.scope, flow_id), place=Place(client, engagement), as_json=as_json)


@app.command()
def resume(
    flow_id: FlowId, wait: Wait = False, client: Client = None, engagement: Engagement = None, as_json: Json = False
) -> None:
    """Put a paused flow back where it was."""
    _move(
        lambda s: s.commands.orchestrator.resume(s.scope, flow_id),
        place=Place(client, engagement),
        wait=wait,
        as_json=as_json,
    )


@app.command()
def history(flow_id: FlowId, client: Client = None, engagement: Engagement = None, as_json: Json = False) -> None:
    """Runs and events of a flow."""
    view = in_session(Place(client, engagement), lambda s: s.commands.queries.get_history(s.scope, flow_id))
    Output(as_json=as_json).answer(view, lambda console: show_history(console, view))


@app.command()
def lineage(
    flow_id: FlowId,
    asset: Annotated[str | None, typer.Argument(metavar="[ASSET]", help="Name or id of an asset of the flow.")] = None,
    field: Annotated[str | None, typer.Option("--field", help="Only this field of the asset.")] = None,
    client: Client = None,
    engagement: Engagement = None,
    as_json: Json = False,
) -> None:
    """Where values come from: file, sheet, row, column and cell of each value of an asset; else the flow's columns."""
    output, place = Output(as_json=as_json), Place(client, engagement)
    if asset is None:
        source = in_session(place, lambda s: flow_source(s, flow_id))
        output.answer(source, lambda console: show_source(console, source))
        return
    found = in_session(place, lambda s: asset_lineage(s, flow_id, asset, field))
    output.answer(found, lambda console: show_lineage(console, asset, found))


def _move(action: Callable[[Session], Awaitable[Accepted]], *, place: Place, as_json: bool, wait: bool = False) -> None:
    """Make a move; with `wait` follow the flow. Exit code 1 when the flow then failed or lacks input."""
    output = Output(as_json=as_json)

    async def work(session: Session) -> FlowView:
        flow = (await action(session)).flow
        return await watched(session, flow, output) if wait else flow

    flow = in_session(place, work, worker=wait)
    output.answer(flow, lambda console: show_flow(console, flow))
    if wait and flow.status in STUCK:
        raise typer.Exit(1)


async def watched(session: Session, flow: FlowView, output: Output) -> FlowView:
    """Follow a flow with its progress on standard error."""
    kind = await session.commands.queries.get_flow_type(session.scope, flow.flow_type)
    with PhaseProgress(output, [phase["name"] for phase in kind.phases]) as progress:
        progress.skip(flow)
        return await follow(session, flow.flow_id, progress)


def _object(option: str, text: str) -> dict[str, Any]:
    """A JSON object given as text or as @file. Raises BadParameter with the place of the mistake."""
    try:
        content = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        found = json.loads(content)
    except OSError as error:
        raise typer.BadParameter(f"{text[1:]}: {error.strerror}", param_hint=option) from None
    except ValueError as error:
        raise typer.BadParameter(f"this is no JSON: {error}", param_hint=option) from None
    if not isinstance(found, dict):
        raise typer.BadParameter("a JSON object is needed", param_hint=option)
    return found
