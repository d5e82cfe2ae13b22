"""A real worker in a process of its own, with a flow type made for being interrupted. Run by the chaos tests."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import make_url

from masterflow import app
from masterflow.context import PhaseContext
from masterflow.engine.executor import Executor
from masterflow.engine.state import FlowStateManager
from masterflow.kernel.outcome import Completed, Outcome
from masterflow.kernel.registry import Candidate, FlowTypeRegistry
from masterflow.orchestrator.cursors import Cursors
from masterflow.settings import Settings
from masterflow.store.database import Database
from masterflow.store.provision import Provisioned, Urls
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Sealer
from masterflow.store.transitions import Job
from support.engine import AT_ONCE, Handler, add_asset, named, phase, registry_of, toy

PHASES = ("first", "second", "third")
STEPS = ("one", "two")
WORK_SECONDS = 0.03
OPEN = "open"
Say = Callable[..., None]


def history(path: Path) -> Say:
    """Appends a line at once; what was written survives the process."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def say(what: str, **values: object) -> None:
        line = {"what": what, "at": time.time(), "pid": os.getpid(), **values}
        os.write(handle, (json.dumps(line, default=str) + "\n").encode())

    return say


def flow_type(say: Say, gates: Path | None = None) -> Candidate:
    """Three phases of two writing steps and one without effects.

    With `gates` a step waits until that folder has a file "<process id>-<step>" or one that opens all.
    """
    phases = [
        phase(name, *(_step(f"{name}_{step}", say, gates) for step in STEPS), _rests(name), retry_config=AT_ONCE)
        for name in PHASES
    ]
    return toy(*phases, name="chaos")


def _step(name: str, say: Say, gates: Path | None) -> Handler:
    step = name.rpartition("_")[2]

    async def run(context: PhaseContext, inputs: Any) -> Outcome:
        result_id = str(uuid4())
        say("begun", run=context.run_id, step=step)
        await _work(gates, f"{os.getpid()}-{step}")
        say("made", run=context.run_id, step=step, result_id=result_id)

        async def effects(repositories: Repositories) -> None:
            # A key of its own each time: a second effect is a second row, not a refused one.
            await add_asset(repositories, f"{context.run_id}:{step}:{uuid4()}")

        return Completed({"result_id": result_id}, effects)

    return named(name, run)


def _rests(name: str) -> Handler:
    async def run(context: PhaseContext, inputs: Any) -> Outcome:
        return Completed({"phase": name})

    return named(f"{name}_rest", run)


async def _work(gates: Path | None, gate: str) -> None:
    await asyncio.sleep(WORK_SECONDS)
    while gates is not None and not any((gates / name).exists() for name in (gate, OPEN)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def core_of(configuration: dict[str, Any], registry: FlowTypeRegistry) -> app.Core:
    """The parts of the product over the database of the test."""
    api, worker = make_url(configuration["api"]), make_url(configuration["worker"])
    urls = Urls(admin=worker, migrator=worker, api=api, worker=worker, backup=worker)
    key = base64.b64decode(configuration["key"])
    return app.Core(
        settings=Settings(heartbeat_seconds=configuration["heartbeat"], compute_processes=1),
        home=Path(configuration["folder"]),
        database=Provisioned(urls=urls, release=lambda: None, bin_dir=None, revision=None),
        registry=registry,
        state=FlowStateManager(Sealer({"chaos": key}, nonce=partial(os.urandom, 12))),
        cursors=Cursors(key),
    )


def audit_apart(say: Say) -> None:
    """Plant a mistake: the audit row of a start or finish is written after its commit, not with it."""
    together = Database.call

    async def call(self: Database, statement: str, arguments: Any) -> list[dict[str, Any]]:
        rows = await together(self, statement, arguments)
        action = "start" if "start_run" in statement else "finish" if "finish_run" in statement else ""
        if action and rows:
            say("audit_due", flow=arguments[3])
            await asyncio.sleep(0.2)
            await together(self, "select app.write_audit_later(%s, %s, %s, %s, %s)", (*arguments[:4], action))
        return rows

    Database.call = call  # type: ignore[method-assign]


def tell_deliveries(say: Say) -> None:
    """Say when a delivery is over, however it ended."""
    deliver = Executor.run

    async def run(self: Executor, job: Job, job_id: int) -> None:
        try:
            await deliver(self, job, job_id)
        finally:
            say("delivered", run=job.run_id)

    Executor.run = run  # type: ignore[method-assign]


async def main(configuration: dict[str, Any]) -> None:
    """Work until SIGTERM."""
    say = history(Path(configuration["history"]))
    tell_deliveries(say)
    if configuration.get("audit_apart"):
        audit_apart(say)
    gates = Path(configuration["gates"]) if configuration.get("gates") else None
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    working: AbstractAsyncContextManager[Any] = app.running_worker(
        core_of(configuration, registry_of(flow_type(say, gates)))
    )
    async with working:
        say("worker")
        await stopping.wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
