"""`masterflow bench`: our figures as ratios to the bare commit of the same server, layer by layer."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console

from masterflow.cli.bench_data import first_phases, sealing_seconds, upserts, without_capture, workbook_to_inventory
from masterflow.cli.bench_phases import (
    flow_seconds,
    function_seconds,
    new_flows,
    phases_per_second,
    prepare,
    without_audit,
)
from masterflow.cli.bench_site import Site, fingerprint, middle, share, site
from masterflow.cli.options import Json
from masterflow.cli.output import Output, facts, table
from masterflow.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    commits: int
    flows: int
    burst: int
    imports: int
    rows: int
    assets: int


FULL = Size(rounds=3, commits=400, flows=150, burst=300, imports=100, rows=50, assets=10_000)
QUICK = Size(rounds=1, commits=20, flows=5, burst=10, imports=2, rows=5, assets=200)
Samples = defaultdict[str, list[float]]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="A few of everything; the figures mean little.")] = False,
    as_json: Json = False,
) -> None:
    """Measure this installation's server in a scratch database, which is removed at the end."""
    output = Output(as_json=as_json)
    document = asyncio.run(measured(read_settings(os.environ), QUICK if quick else FULL, output))
    output.answer(document, lambda console: _show(console, document))


async def measured(settings: Settings, size: Size, output: Output) -> dict[str, Any]:
    """Every figure, from interleaved rounds on one server."""
    began = time.perf_counter()
    output.say("A scratch database is made ...")
    async with site(settings) as place:
        host = await fingerprint(place.owner)
        await prepare(place)
        samples, audit = await _without_worker(place, size, output)
        async with place.worker():
            output.say("Phases with a worker ...")
            rates, whole = await _with_worker(place, size, samples)
        output.say("Capture and roll-back ...")
        capture = await _capture(place, size)
        document = {
            "host": {**host, "load_after": round(os.getloadavg()[0], 2)},
            "rounds": size.rounds,
            "floor_ms": _milliseconds(samples["commit p50"]),
            "floor_beside_a_worker_ms": _milliseconds(samples["commit beside a worker p50"]),
            "phase_ms": _milliseconds(samples["phase beside a worker p50"]),
            "in_floors": _in_floors(samples),
            "layers": _layers(samples, audit, place, size),
            "phases_per_second": round(middle(rates), 1),
            **whole,
            "capture": capture,
        }
    return {**document, "seconds": round(time.perf_counter() - began, 1)}


async def _without_worker(place: Site, size: Size, output: Output) -> tuple[Samples, Samples]:
    samples, audit = Samples(list), Samples(list)
    scope = place.new_scope()
    for number in range(size.rounds):
        output.say(f"Round {number + 1} of {size.rounds}: commits and functions ...")
        for name, times in (await function_seconds(place, scope, size.flows)).items():
            _keep(samples, name, times)
        audit["with"].append(samples["finish p50"][-1] / samples["commit p50"][-1])

        async def finish() -> float:
            times = await function_seconds(place, scope, size.flows)
            return share(times["finish"], 0.5) / share(times["commit"], 0.5)

        audit["without"].append(await without_audit(place, finish))
    return samples, audit


async def _with_worker(place: Site, size: Size, samples: Samples) -> tuple[list[float], dict[str, Any]]:
    scope, rates = place.new_scope(), list[float]()
    for _ in range(size.rounds):
        for name, times in (await flow_seconds(place, scope, size.flows)).items():
            _keep(samples, f"{name} beside a worker", times)
        rates.append(await phases_per_second(place, scope, await new_flows(place, scope, size.burst)))
    imports = [await first_phases(place, size.imports, size.rows) for _ in range(size.rounds)]
    books = [await workbook_to_inventory(place) for _ in range(min(size.rounds, 3))]
    return rates, {
        "first_phases": {
            **imports[0],
            "seconds": _seconds(imports),
            "failures": sum(found["failures"] for found in imports),
        },
        "workbook_to_inventory": {
            **books[0],
            "seconds": _seconds(books),
            "each_seconds": [round(book["seconds"], 2) for book in books],
        },
    }


async def _capture(place: Site, size: Size) -> dict[str, Any]:
    on, off = Samples(list), Samples(list)
    for _ in range(size.rounds):
        for samples, found in (
            (on, await upserts(place, size.assets)),
            (off, await without_capture(place, lambda: upserts(place, size.assets))),
        ):
            for name, value in found.items():
                samples[name].append(value)
    return {
        "assets": size.assets,
        "compared": "an upsert that inserts, then one that changes every asset, with and without the table's triggers",
        "insert_ratio": _ratio(on["insert"], off["insert"]),
        "change_ratio": _ratio(on["change"], off["change"]),
        "insert_seconds": round(middle(on["insert"]), 3),
        "change_seconds": round(middle(on["change"]), 3),
        "revert_of_the_change_seconds": round(middle(on["revert"]), 3),
        "captured_rows": [int(on["captured_rows"][0]), int(off["captured_rows"][0])],
    }


def _layers(samples: Samples, audit: Samples, place: Site, size: Size) -> dict[str, Any]:
    sealing = sealing_seconds(place, size.commits)
    floor = samples["commit p50"]
    return {
        "one_round_trip": _ratio(samples["one round trip p50"], floor),
        "start": _ratio(samples["start p50"], floor),
        "finish": _ratio(samples["finish p50"], floor),
        "finish_without_audit": round(middle(audit["without"]), 2),
        "audit_share_of_finish": round(1 - middle(audit["without"]) / middle(audit["with"]), 3),
        "sealing_ms": round(1000 * share(sealing["sealed"], 0.5), 4),
        "plain_json_ms": round(1000 * share(sealing["plain"], 0.5), 4),
        "compared": "functions called alone on a pooled connection, in bare commits; finish with and without its "
        "audit row; a state of about 4 kB with one secret sealed and opened, against plain JSON",
    }


def _in_floors(samples: Samples) -> dict[str, float]:
    floor = samples["commit beside a worker p50"]
    return {
        f"{name}_{part}": _ratio(samples[f"{name} beside a worker {part}"], floor)
        for name in ("phase", "create")
        for part in ("p50", "p99")
    }


def _keep(samples: Samples, name: str, times: Sequence[float]) -> None:
    for part in (0.5, 0.99):
        samples[f"{name} p{round(100 * part)}"].append(share(times, part))


def _ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Median of the ratios of the rounds."""
    return round(middle([a / b for a, b in zip(over, under, strict=True)]), 2)


def _milliseconds(rounds: Sequence[float]) -> float:
    return round(1000 * middle(rounds), 3)


def _seconds(found: Sequence[dict[str, Any]]) -> float:
    return round(middle([one["seconds"] for one in found]), 2)


def _show(console: Console, document: dict[str, Any]) -> None:
    host = document["host"]
    console.print(facts([(name, value) for name, value in host.items() if name != "postgresql"]))
    console.print(facts(sorted(host["postgresql"].items())))
    beside = document["floor_beside_a_worker_ms"]
    console.print(f"\nBare commit beside a worker: {beside} ms, taken between the actions. In such commits:")
    console.print(table(["what", "figure"], list(document["in_floors"].items()), right=["figure"]))
    console.print(f"\nBare commit alone: {document['floor_ms']} ms. In such commits:")
    rows = [row for row in document["layers"].items() if row[0] != "compared"]
    console.print(table(["what", "figure"], rows, right=["figure"]))
    console.print(f"({document['layers']['compared']})\n")
    console.print(facts([("phases without work per second, one worker", document["phases_per_second"])]))
    for name in ("first_phases", "workbook_to_inventory", "capture"):
        console.print(f"\n{name.replace('_', ' ').capitalize()}:")
        console.print(facts(document[name].items()))
