"""Check a saved history: python tests/chaos/checker.py FILE prints every violation, exit code 1 if there are any.

A history is JSON lines. What happened: `created` (flow), `executed` (flow, run: acknowledged to a client),
`result` (run, result_id: seen by a client), `made` (run, step, result_id: by a worker), `kill`, `stop`. What was
found at the end: `final_flow`, `final_run`, `final_effects`. It knows nothing of the product but these lines.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]
UNDER_WAY = {"queued", "running", "rolling_back"}


def violations(lines: Iterable[Line]) -> list[str]:
    """Everything in a history that must not be; empty when all promises were kept."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line["what"]].append(line)
    return [
        *_nothing_to_check(found),
        *_results(found),
        *_effects(found),
        *_flows(found["final_flow"]),
        *_runs(found["final_run"]),
    ]


def _nothing_to_check(found: dict[str, list[Line]]) -> Iterator[str]:
    for what in ("executed", "result", "made", "final_flow", "final_run", "final_effects"):
        if not found[what]:
            yield f"the history has no line '{what}': it proves nothing"


def _results(found: dict[str, list[Line]]) -> Iterator[str]:
    """Each acknowledged run has one result, the one that was seen, and a worker made it."""
    final = {line["run"]: line for line in found["final_run"]}
    made = {(line["run"], line["result_id"]) for line in found["made"]}
    for line in found["executed"]:
        run = final.get(line["run"])
        if run is None:
            yield f"acknowledged run {line['run']} is gone"
        elif run["status"] != "succeeded":
            yield f"acknowledged run {line['run']} ended as {run['status']}"
        elif (line["run"], run["result_id"]) not in made:
            yield f"run {line['run']} has a result that no worker made: {run['result_id']}"
    for line in found["result"]:
        stored = final.get(line["run"], {}).get("result_id")
        if stored != line["result_id"]:
            yield f"run {line['run']} showed result {line['result_id']}, stored is {stored}"


def _effects(found: dict[str, list[Line]]) -> Iterator[str]:
    """Each step of a succeeded run had its effect once; other runs left nothing."""
    counts = {(line["run"], line["step"]): line["count"] for line in found["final_effects"]}
    steps = sorted({line["step"] for line in found["made"]})
    succeeded = {line["run"] for line in found["final_run"] if line["status"] == "succeeded"}
    for run in succeeded:
        for step in steps:
            if (count := counts.get((run, step), 0)) != 1:
                yield f"step {step} of run {run} had its effect {count} times"
    for run, step in counts:
        if run not in succeeded:
            yield f"step {step} of run {run}, which did not succeed, left its effect"


def _flows(flows: list[Line]) -> Iterator[str]:
    for flow in flows:
        name = f"flow {flow['flow']}"
        if flow["status"] in UNDER_WAY:
            yield f"{name} is stuck in {flow['status']}"
        if flow["revert_pending"]:
            yield f"{name} has changes that were never reverted"
        if flow["audited"] != list(range(1, flow["version"] + 1)):
            yield f"{name} is at version {flow['version']}, its audit rows are {flow['audited']}"
        if flow["events"] != list(range(1, flow["event_seq"] + 1)):
            yield f"{name} has event number {flow['event_seq']}, its events are {flow['events']}"


def _runs(runs: list[Line]) -> Iterator[str]:
    succeeded = Counter((run["flow"], run["phase"]) for run in runs if run["status"] == "succeeded")
    for (flow, phase), count in succeeded.items():
        if count > 1:
            yield f"phase {phase} of flow {flow} succeeded {count} times"
    for run in runs:
        if run["status"] not in ("queued", "running", "pending") and run["change_set"] == "open":
            yield f"run {run['run']} ended and its change set is open"
        for step, count in Counter(run["steps"]).items():
            if count > 1:
                yield f"step {step} of run {run['run']} was recorded {count} times"


def read(path: Path) -> Iterator[Line]:
    """The lines of a history; a last line that a killed process left unfinished does not count."""
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            continue


def main(path: Path) -> int:
    """Print the violations of a saved history."""
    found = violations(read(path))
    print("\n".join(found) or "no violation")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
