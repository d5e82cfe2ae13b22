"""Flows as text for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from rich.console import Console

from masterflow.cli.output import facts, put, table
from masterflow.orchestrator.inventory_views import FieldLineage
from masterflow.orchestrator.views import FlowStatusView, FlowView, HistoryView, NextAction, Page

_WIDE = 120
_CELLS = 3
"""Cells of a value that are shown among other values; --field shows all."""
NEEDS_WORKER = "A worker has to run it: `masterflow serve`, `masterflow worker`, or repeat with --wait."


def show_flow(console: Console, flow: FlowView) -> None:
    """A flow after a command."""
    put(
        console,
        facts(
            [
                ("flow", flow.flow_id),
                ("name", f"{flow.flow_name} ({flow.flow_type} {flow.flow_version})"),
                ("status", flow.status),
                ("phase", flow.current_phase),
                ("progress", f"{flow.progress_percentage:g} %"),
                ("can now", ", ".join(flow.allowed_actions) or "nothing"),
            ]
        ),
    )
    _show_next(console, flow.next_action, str(flow.flow_id))


def show_status(console: Console, view: FlowStatusView) -> None:
    """Status with progress and times."""
    times, done = view.performance.phase_times, view.progress.phases_completed
    put(
        console,
        facts(
            [
                ("flow", view.flow_id),
                ("name", f"{view.flow_name} ({view.flow_type})"),
                ("status", view.status),
                ("phase", view.current_phase),
                ("progress", f"{view.progress.percentage:g} %"),
                (
                    "done",
                    ", ".join(f"{name} {times.get(name, 0) / 1000:.2f} s" for name in done),
                ),
                ("to do", ", ".join(view.progress.phases_remaining) or "nothing"),
                ("can now", ", ".join(view.allowed_actions) or "nothing"),
            ]
        ),
    )
    _show_next(console, view.next_action, str(view.flow_id))


def _show_next(console: Console, action: NextAction, flow_id: str) -> None:
    commands = {
        "execute_phase": f"masterflow flow execute {flow_id} --wait",
        "provide_input": f"masterflow flow execute {flow_id} --inputs JSON --wait",
        "approve": f"masterflow flow approve {flow_id} --wait",
        "resume": f"masterflow flow resume {flow_id}",
    }
    if action.type == "wait":
        put(console, f"{action.message}. {NEEDS_WORKER}")
    elif action.type in commands:
        reason = f"{action.message}: " if action.message else ""
        put(console, f"Next: {reason}{commands[action.type]}")


def show_flows(console: Console, page: Page) -> None:
    """A page of flows."""
    if not page.items:
        put(console, "There are no such flows.")
        return
    columns: dict[str, Callable[[FlowView], object]] = {
        "flow": lambda flow: flow.flow_id,
        "status": lambda flow: flow.status,
        "progress": lambda flow: f"{flow.progress_percentage:g} %",
        "name": lambda flow: flow.flow_name,
    }
    if console.width >= _WIDE:
        columns |= {
            "type": lambda flow: flow.flow_type,
            "phase": lambda flow: flow.current_phase,
            "created (UTC)": lambda flow: _time(flow.created_at),
        }
    rows = [[show(flow) for show in columns.values()] for flow in page.items]
    put(console, table(list(columns), rows, right=["progress"], whole=["flow", "status"]))
    if page.next_cursor:
        put(console, f"More: --cursor {page.next_cursor}")


def show_history(console: Console, view: HistoryView) -> None:
    """Runs, then events."""
    runs = [
        (run.phase, run.status, run.attempt, _milliseconds(run.execution_time_ms), _error(run.error), run.run_id)
        for run in view.runs
    ]
    put(
        console,
        table(
            ["run of phase", "status", "attempt", "time", "error", "id"], runs, right=["attempt", "time"], whole=["id"]
        ),
    )
    put(console, "")
    events = [(event.seq, _time(event.created_at), event.kind, event.payload.get("phase")) for event in view.events]
    put(console, table(["#", "at (UTC)", "event", "phase"], events, right=["#"]))
    if view.next_after is not None:
        put(console, f"More events follow number {view.next_after}.")


def show_source(console: Console, source: dict[str, Any]) -> None:
    """File, sheets and mapped columns of a flow."""
    put(console, facts([("file", source["file"]), ("sha256", source["sha256"]), ("written by", source["source"])]))
    put(
        console,
        table(["sheet", "role", "records"], [tuple(row.values()) for row in source["sheets"]], right=["records"]),
    )
    put(console, "")
    rows = [
        (row["sheet"], row["column"], row["field"] or "-", f"{row['confidence']:.2f}", row["status"])
        for row in source["columns"]
    ]
    put(console, table(["sheet", "column", "asset field", "confidence", "status"], rows, right=["confidence"]))


def show_lineage(console: Console, asset: str, found: list[FieldLineage]) -> None:
    """The values of an asset with their cells, then who changed them."""
    named = (source.get("file") for item in found for source in item.sources)
    files = list(dict.fromkeys(name for name in named if name))
    put(console, f"Where the values of {asset} come from: {', '.join(files) or 'no file'}")
    most = _CELLS if len(found) > 1 else None
    rows = [row for item in found for row in _cells(item, files, most)]
    put(console, table(["field", "value", "sheet, row, column", "cell", "how"], rows, whole=["field"]))
    edits = [
        (item.field, edit["before"], edit["after"], edit["by"], _time(edit["at"]))
        for item in found
        for edit in item.edits
    ]
    if edits:
        put(console, "")
        put(console, table(["changed field", "before", "after", "by", "at (UTC)"], edits))


def _cells(item: FieldLineage, files: list[str], most: int | None) -> Iterator[tuple[object, ...]]:
    """A row for each of the first `most` cells; field and value stand in the first one."""
    value = "(see --json)" if isinstance(item.value, dict) else item.value
    head: tuple[object, object] = (item.field, value)
    for source in item.sources[:most]:
        yield (*head, _cell(source, files), source.get("raw"), _steps(source))
        head = ("", "")
    if most is not None and len(item.sources) > most:
        yield ("", "", f"and {len(item.sources) - most} more cells: --field {item.field}", "", "")


def _cell(source: dict[str, Any], files: list[str]) -> str:
    file = source.get("file") if len(files) > 1 else None
    row = f"row {source['row']}" if source.get("row") else None
    return ", ".join(str(part) for part in (file, source.get("sheet"), row, source.get("column")) if part)


def _steps(source: dict[str, Any]) -> str:
    transform = source.get("transform") or ()
    return ", ".join([*transform, *([source["rule"]] if source.get("rule") else [])])


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _milliseconds(value: int | None) -> str:
    return "" if value is None else f"{value / 1000:.2f} s"


def _error(error: dict[str, Any] | None) -> str:
    return "" if error is None else str(error.get("detail") or error.get("code") or "")
