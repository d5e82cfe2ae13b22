"""What a person sees while a flow runs: one line per finished phase, and what runs now."""

from __future__ import annotations

from rich.console import Console
from rich.status import Status

from masterflow.cli.output import Output, put
from masterflow.orchestrator.views import FlowView, RunView


class PhaseProgress:
    """Prints to standard error; silent with --json. Use it as a context manager."""

    def __init__(self, output: Output, phases: list[str]) -> None:
        self._silent = output.as_json
        self._console: Console = output.aside
        self._phases = phases
        self._shown: set[str] = set()
        self._status: Status | None = None

    def __enter__(self) -> PhaseProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._spin("")

    def __call__(self, flow: FlowView, runs: list[RunView]) -> None:
        """Show what changed."""
        if self._silent:
            return
        times = {run.phase: run.execution_time_ms for run in runs if run.status == "succeeded"}
        for phase in flow.phases_completed:
            if phase not in self._shown:
                self._shown.add(phase)
                self._line(phase, times.get(phase))
        busy = flow.status in ("queued", "running")
        self._spin(f"{_title(flow.current_phase or '')} ..." if busy else "")

    def skip(self, flow: FlowView) -> None:
        """Do not show what was finished before."""
        self._shown.update(flow.phases_completed)

    def _line(self, phase: str, milliseconds: int | None) -> None:
        number = self._phases.index(phase) + 1 if phase in self._phases else len(self._shown)
        took = f"{milliseconds / 1000:6.2f} s" if milliseconds is not None else " skipped"
        put(self._console, f"  {number}/{len(self._phases)}  {_title(phase):<22}{took}")

    def _spin(self, text: str) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        if text and self._console.is_terminal:
            self._status = self._console.status(text)
            self._status.start()


def _title(phase: str) -> str:
    return phase.replace("_", " ").capitalize()
