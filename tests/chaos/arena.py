"""A database, clients that use it and workers that are hurt: everything writes one history."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from chaos.checker import Line, read
from chaos.worker_process import PHASES, Say, core_of, flow_type, history
from masterflow import app
from masterflow.errors import Conflict, StaleVersion, Unavailable
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow
from masterflow.store.database import Database
from masterflow.store.ddl import API, WORKER
from support.engine import registry_of
from support.homes import SOURCE
from support.server import Server
from support.tenants import ScopeFactory

PATIENCE = 60.0
_TESTS = Path(__file__).parents[1]
_CURRENT = "select run_id from app.crewai_flow_state_extensions where flow_id = %s"
_RUN = "select status, outputs, flow_id from app.phase_runs where id = %s"


@dataclass(slots=True)
class Arena:
    """One scratch database with its history file; `configuration` is what worker processes are told."""

    server: Server
    database_name: str
    configuration: dict[str, Any]
    scope: Scope
    say: Say
    core: app.Core
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def made(cls, server: Server, database_name: str, folder: Path, **configuration: Any) -> Arena:
        """An arena with one engagement and no worker yet."""
        urls = {
            name: server.url(database_name, role).render_as_string(hide_password=False)
            for name, role in (("api", API), ("worker", WORKER))
        }
        told = {
            "folder": str(folder),
            "history": str(folder / "history.jsonl"),
            "key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "heartbeat": 3.0,
            **urls,
            **configuration,
        }
        (folder / "configuration.json").write_text(json.dumps(told), encoding="utf-8")
        say = history(folder / "history.jsonl")
        core = core_of(told, registry_of(flow_type(say)))
        with server.superuser(database_name) as admin:
            return cls(server, database_name, told, ScopeFactory(admin)(), say, core)

    def lines(self) -> list[Line]:
        """The history so far."""
        path = Path(self.configuration["history"])
        return list(read(path)) if path.exists() else []

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker process."""
        folder = Path(self.configuration["folder"])
        with (folder / "workers.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "chaos.worker_process", folder / "configuration.json"],
                env={"PYTHONPATH": os.pathsep.join((str(SOURCE), str(_TESTS))), "PATH": os.environ["PATH"]},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.workers.append(process)
        return process

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill -9, told to the history before the process can be gone."""
        self.say("kill", worker=worker.pid)
        worker.kill()
        worker.wait()
        self.workers.remove(worker)

    def end(self) -> None:
        """End every worker, kindly if it is not frozen for ever."""
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
        for worker in self.workers:
            worker.wait(PATIENCE)

    async def until(self, condition: Callable[[list[Line]], Any]) -> Any:
        """What a condition on the history gives once it is true."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await asyncio.sleep(0.02)
                if found := condition(self.lines()):
                    return found

    def busy(self, lines: Sequence[Line]) -> list[subprocess.Popen[bytes]]:
        """The workers that are in the middle of a step."""
        last = {line["pid"]: line["what"] for line in lines if line["what"] in ("begun", "made")}
        return [worker for worker in self.workers if last.get(worker.pid) == "begun"]

    def finals(self) -> list[Line]:
        """What the database holds at the end, as lines; they are appended to the history."""
        with psycopg.connect(self.server.dsn(self.database_name), row_factory=dict_row) as admin:
            found = [*self._flows(admin), *self._runs(admin), *_rows(admin, _EFFECTS)]
        for line in found:
            self.say(**line)
        return found

    def _flows(self, admin: psycopg.Connection[Any]) -> list[Line]:
        return list(_rows(admin, _FLOWS))

    def _runs(self, admin: psycopg.Connection[Any]) -> list[Line]:
        state = self.core.state
        made = []
        for row in _rows(admin, _RUNS):
            outputs = state.open(self.scope, row["flow"], row.pop("outputs"))
            made.append({**row, "result_id": outputs.get("result_id")})
        return made


_FLOWS = """select 'final_flow' as what, f.flow_id as flow, f.flow_status as status, f.version, f.event_seq,
    f.revert_pending,
    (select coalesce(array_agg(a.version order by a.version), '{}') from app.access_audit_log a
     where a.resource_type = 'flow' and a.resource_id = f.flow_id::text) as audited,
    (select coalesce(array_agg(e.seq order by e.seq), '{}') from app.flow_events e
     where e.flow_id = f.flow_id) as events
    from app.crewai_flow_state_extensions f"""
_RUNS = """select 'final_run' as what, r.id as run, r.flow_id as flow, r.phase, r.status, r.outputs, r.attempt,
    c.status as change_set, (select coalesce(array_agg(s.handler order by s.step), '{}') from app.run_steps s
    where s.run_id = r.id) as steps from app.phase_runs r join app.change_sets c on c.id = r.change_set_id"""
_EFFECTS = """select 'final_effects' as what, split_part(name, ':', 1) as run, split_part(name, ':', 2) as step,
    count(*) as count from app.assets group by 2, 3"""
TAKE_OVERS = """with killed as (select (k ->> 'worker')::text as pid, to_timestamp((k ->> 'at')::float8) as at
        from jsonb_array_elements(%s::jsonb) k),
    starts as (select e.flow_id, e.payload ->> 'run_id' as run, e.payload ->> 'worker' as worker, e.created_at, e.kind
        from app.flow_events e where e.kind in ('phase_started', 'run_taken_over'))
    select extract(epoch from t.created_at - k.at)::float8 as seconds
    from killed k join starts s on s.created_at < k.at and split_part(s.worker, '-', -2) = k.pid
    join lateral (select n.created_at, n.kind from starts n where n.run = s.run and n.created_at > s.created_at
                  order by n.created_at limit 1) t on t.created_at > k.at
    where not exists (select from killed other where other.at > k.at and other.at < t.created_at) order by 1"""
"""Seconds from a kill to the next start of each run of that worker, where no other worker was killed between."""


def _rows(admin: psycopg.Connection[Any], statement: str) -> list[Line]:
    return [dict(row) for row in admin.execute(statement)]


@dataclass(frozen=True, slots=True)
class Client:
    """Drives flows through their phases as a client would, whatever happens to the database meanwhile."""

    arena: Arena
    database: Database
    orchestrator: MasterFlowOrchestrator

    async def drive(self, count: int) -> None:
        """Create that many flows and bring all of them to their end."""
        await asyncio.gather(*(self._one() for _ in range(count)))

    async def _one(self) -> None:
        scope = self.arena.scope
        flow_id = await self._insist(lambda: self._create(scope))
        for _ in PHASES:
            run_id = await self._execute(scope, flow_id)
            await self._result(scope, flow_id, run_id)

    async def _create(self, scope: Scope) -> UUID:
        flow_id = (await self.orchestrator.create_flow(scope, CreateFlow(flow_type="chaos"))).flow_id
        self.arena.say("created", flow=flow_id)
        return flow_id

    async def _execute(self, scope: Scope, flow_id: UUID) -> UUID:
        """Ask until a run is acknowledged; a refusal means that an earlier ask, of unknown outcome, was heard."""
        asked = False

        async def ask() -> UUID:
            nonlocal asked
            before = asked
            asked = True
            try:
                run_id = (await self.orchestrator.execute_phase(scope, flow_id, ExecuteFlow())).run_id
            except (Conflict, StaleVersion):
                if not before:
                    raise
                run_id = (
                    await self._row("select run_id from app.crewai_flow_state_extensions where flow_id = %s", flow_id)
                )["run_id"]
            assert run_id is not None
            return run_id

        run_id: UUID = await self._insist(ask)
        self.arena.say("executed", flow=flow_id, run=run_id)
        return run_id

    async def _result(self, scope: Scope, flow_id: UUID, run_id: UUID) -> None:
        while True:
            row = await self._insist(lambda: self._row(_RUN, run_id))
            if row["status"] not in ("queued", "running"):
                break
            await asyncio.sleep(0.05)
        outputs = self.arena.core.state.open(scope, flow_id, row["outputs"])
        self.arena.say("result", run=run_id, result_id=outputs.get("result_id"))

    async def _row(self, statement: str, key: UUID) -> dict[str, Any]:
        async with self.database.read(self.arena.scope) as session:
            found = (await (await session.connection()).exec_driver_sql(statement, (key,))).mappings().one()
            return dict(found)

    async def _insist(self, action: Callable[[], Any]) -> Any:
        """Repeat while the database is away."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await action()
                except Unavailable:
                    await asyncio.sleep(0.1)


@asynccontextmanager
async def client_of(arena: Arena) -> AsyncIterator[Client]:
    """A client with connections of its own."""
    core = arena.core
    database = app.api_database(core)
    try:
        yield Client(arena, database, app.orchestrator_of(core, database))
    finally:
        await database.close()
