"""`masterflow demo`: a whole journey on the bundled workbook."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.console import Console

from masterflow.cli.journey import DemoPorts, Mapped, find_demo, run_demo
from masterflow.cli.options import Json
from masterflow.cli.output import Output, facts, put, table
from masterflow.cli.progress import PhaseProgress
from masterflow.cli.session import Place, Session, in_session
from masterflow.kernel.status import FlowStatus

Again = Annotated[bool, typer.Option("--again", help="Run the journey anew even if it was made before.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(again: Again = False, as_json: Json = False) -> None:
    """Bring the bundled real workbook (805 virtual machines) through all six discovery phases.

    Made once: later calls answer from the same flow. The mapping is accepted on your behalf.
    """
    began = time.monotonic()
    output = Output(as_json=as_json)
    output.say("Opening the database ...")
    place = Place()
    document = in_session(place, lambda session: journey(session, output, again=again), worker=True)
    document["seconds"] = round(time.monotonic() - began, 2)
    output.answer(document, lambda console: show(console, document))


async def journey(session: Session, output: Output, *, again: bool = False) -> dict[str, Any]:
    """The journey with its progress on standard error; the figures."""
    types = await session.commands.queries.get_flow_type(session.scope, "discovery")
    with PhaseProgress(output, [phase["name"] for phase in types.phases]) as progress:
        known = None if again else await find_demo(session)
        if known is None or known.status != FlowStatus.COMPLETED:
            output.say("Discovery of the bundled workbook rvtools-workshop.xlsx:")
        ports = DemoPorts(watch=progress, approving=lambda mapped: output.say(_approving(mapped)))
        return await run_demo(session, ports, again=again)


def _approving(mapped: Mapped) -> str:
    return (
        f"       Mapping accepted: {mapped.columns} columns, {mapped.confident} at confidence 0.9 or more, "
        f"{mapped.likely} at 0.7 to 0.9, {mapped.doubtful} below, {mapped.unmapped} left unmapped"
    )


def show(console: Console, document: dict[str, Any]) -> None:
    """The figures for people."""
    eol = document["eol"]["by_state"]
    if document["made_before"]:
        put(console, f"Made before by flow {document['flow_id']}; `masterflow demo --again` makes a new one.")
    put(console, "")
    put(
        console,
        facts(
            [
                ("virtual machines", f"{document['vms']:,} ({document['templates']} of them templates)"),
                ("hosts", f"{document['hosts_described']} described, {document['hosts_named_only']} only named by VMs"),
                ("clusters", document["clusters"]),
                ("powered on, no templates", f"{document['powered_on_non_templates']:,}"),
                ("  their vCPU", f"{document['vcpu']:,}"),
                ("  their memory", f"{document['memory_gib']:,.2f} GiB"),
                ("  their provisioned disks", f"{document['provisioned_tib']:,.2f} TiB"),
                ("operating system conflicts", f"{document['os_conflicts']} (two columns of the file disagree)"),
                ("data quality", f"{document['quality_score']:.3f} of 1"),
                ("dependencies", f"{document['dependencies']:,}"),
            ]
        ),
    )
    put(console, "")
    put(console, f"Support of operating systems on {document['eol']['as_of']}:")
    states = [(state.replace("_", " "), count) for state, count in eol.items()]
    put(console, table(["state", "assets"], states, right=["assets"]))
    put(console, "", f"Flow {document['flow_id']}, {document['seconds']} s.")
    put(console, f"Next: masterflow flow lineage {document['flow_id']} lvmbeasm003")
