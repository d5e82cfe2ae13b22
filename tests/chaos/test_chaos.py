"""Workers that are killed or frozen and a server that crashes: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from pathlib import Path

import psycopg
import pytest

from chaos.arena import TAKE_OVERS, Arena, Client, client_of
from chaos.checker import Line, main, violations
from chaos.conftest import MakeArena, Postgres
from chaos.worker_process import OPEN
from support.ledger import replace_function

pytestmark = pytest.mark.chaos
WORKERS = 4
KILLS, CRASHES, FREEZES = 10, 5, 3
TAKE_OVER_SECONDS = 5.0


def _take_overs(arena: Arena) -> list[float]:
    """Seconds from each kill to the next start of each run that the killed worker had."""
    kills = [line for line in arena.lines() if line["what"] == "kill"]
    with psycopg.connect(arena.server.dsn(arena.database_name)) as admin:
        return [row[0] for row in admin.execute(TAKE_OVERS, (json.dumps(kills),))]


async def _checked(arena: Arena, capsys: pytest.CaptureFixture[str], title: str) -> None:
    arena.finals()
    assert main(Path(arena.configuration["history"])) == 0, capsys.readouterr().out
    lines = arena.lines()
    counts = {what: sum(line["what"] == what for line in lines) for what in ("executed", "begun", "made", "final_run")}
    with capsys.disabled():
        print(f"\n{title}: {counts}")


async def test_killed_workers_lose_and_double_nothing(
    arena: MakeArena, rounds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with arena() as place, client_of(place) as client:
        for _ in range(WORKERS):
            place.start_worker()
        driving = asyncio.create_task(_always_busy(client, KILLS * rounds, place))
        killed = 0
        while killed < KILLS * rounds:
            # At least two live workers are left to take over.
            await place.until(
                lambda lines, killed=killed: _count(lines, "worker") >= min(killed + 3, KILLS * rounds + 2)
            )
            place.kill(random.choice(await place.until(place.busy)))
            killed += 1
            if killed < KILLS * rounds - 1:
                place.start_worker()
        await driving
        took = _take_overs(place)
        await _checked(place, capsys, f"{killed} workers killed -9")
        with capsys.disabled():
            print(f"take-over of {len(took)} runs: median {took[len(took) // 2]:.2f} s, longest {took[-1]:.2f} s")
        assert 0 < took[len(took) // 2] < TAKE_OVER_SECONDS


async def _always_busy(client: Client, kills: int, place: Arena) -> None:
    """Drive flows, a few at a time, until that many workers were killed."""
    while _count(place.lines(), "kill") < kills:
        await client.drive(8)


async def test_a_crashing_server_loses_and_doubles_nothing(
    arena: MakeArena, stop_postgres: Postgres, rounds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with arena() as place, client_of(place) as client:
        for _ in range(2):
            place.start_worker()
        await place.until(lambda lines: _count(lines, "worker") == 2)
        drives = []
        for _ in range(CRASHES * rounds):
            drives.append(asyncio.create_task(client.drive(10)))
            begun = len(place.lines())
            await place.until(lambda lines, begun=begun: len(lines) > begun + 12)
            await asyncio.to_thread(stop_postgres)
        await asyncio.gather(*drives)
        await _checked(place, capsys, f"{CRASHES * rounds} immediate stops of the server")


async def test_frozen_workers_write_nothing_when_they_wake_up(
    arena: MakeArena, rounds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with arena(heartbeat=1.0) as place, client_of(place) as client:
        for _ in range(2):
            place.start_worker()
        await place.until(lambda lines: _count(lines, "worker") == 2)
        for _ in range(FREEZES * rounds):
            driving = asyncio.create_task(client.drive(6))
            frozen = (await place.until(place.busy))[0]
            frozen.send_signal(signal.SIGSTOP)
            place.say("stop", worker=frozen.pid)
            await driving  # the other worker takes over everything
            frozen.send_signal(signal.SIGCONT)
        await _checked(place, capsys, f"{FREEZES * rounds} workers frozen for longer than their heartbeat")


async def _frozen_in_a_step(place: Arena) -> None:
    """Worker A freezes in a step, B begins the same step, A wakes up and tries to write, then B writes."""
    gates = Path(place.configuration["gates"])
    for _ in range(2):
        place.start_worker()
    await place.until(lambda lines: _count(lines, "worker") == 2)
    async with client_of(place) as client:
        driving = asyncio.create_task(client.drive(1))
        begun = (await place.until(lambda lines: [line for line in lines if line["what"] == "begun"]))[0]
        first, other = sorted(place.workers, key=lambda worker: worker.pid != begun["pid"])
        first.send_signal(signal.SIGSTOP)
        await place.until(lambda lines: _count(lines, "begun", other.pid))
        first.send_signal(signal.SIGCONT)
        for worker in (first, other):
            (gates / f"{worker.pid}-{begun['step']}").touch()
            await place.until(lambda lines, pid=worker.pid: _has_passed(lines, pid))
        (gates / OPEN).touch()
        await driving


def _has_passed(lines: list[Line], pid: int) -> bool:
    """Whether a worker has written its first step, or has given up."""
    return _count(lines, "begun", pid) > 1 or _count(lines, "delivered", pid) > 0


def _count(lines: list[Line], what: str, pid: int | None = None) -> int:
    return sum(line["what"] == what and pid in (None, line["pid"]) for line in lines)


async def test_a_worker_that_wakes_up_in_a_step_that_another_has_begun_writes_nothing(
    arena: MakeArena, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with arena(heartbeat=1.0, gates=str(tmp_path)) as place:
        await _frozen_in_a_step(place)
        await _checked(place, capsys, "a worker frozen in a step")


async def test_without_fence_and_step_key_the_checker_finds_doubled_effects(arena: MakeArena, tmp_path: Path) -> None:
    async with arena(heartbeat=1.0, gates=str(tmp_path)) as place:
        with place.server.superuser(place.database_name) as admin:
            replace_function(admin, "step.v1.sql", ("and f.fence = p_fence ", ""))
            replace_function(admin, "finish_run.v1.sql", ("and f.fence = p_fence ", ""))
            admin.execute("alter table app.run_steps drop constraint run_steps_pkey")
        await _frozen_in_a_step(place)
        place.finals()
        found = violations(place.lines())
    assert any("had its effect 2 times" in text for text in found), found
    assert any("was recorded 2 times" in text for text in found), found


_NO_AUDIT_OF_WORKERS = (
    ("    insert into app.access", "    if p_action not in ('start', 'finish') then insert into app.access"),
    ("            p_details);\nend $$;\n\n-- Refuse", "            p_details); end if;\nend $$;\n\n-- Refuse"),
)
_AUDIT_LATER = """
create function app.write_audit_later(p_client uuid, p_engagement uuid, p_actor jsonb, p_flow uuid, p_action text)
returns void language plpgsql as $$ begin
    perform app.begin(p_client, p_engagement, p_actor, null, 'none');
    insert into app.access_audit_log (user_id, action_type, resource_type, resource_id, result, version)
    select app.actor_id(), p_action, 'flow', f.flow_id::text, 'success', f.version
    from app.crewai_flow_state_extensions f where f.flow_id = p_flow;
end $$"""


async def test_an_audit_row_outside_of_the_transaction_is_found(arena: MakeArena) -> None:
    async with arena(heartbeat=1.0, audit_apart=True) as place:
        with place.server.superuser(place.database_name) as admin:
            replace_function(admin, "record.v1.sql", *_NO_AUDIT_OF_WORKERS)
            admin.execute(_AUDIT_LATER)
        worker = place.start_worker()
        async with client_of(place) as client:
            driving = asyncio.create_task(client.drive(1))
            await place.until(lambda lines: any(line["what"] == "audit_due" for line in lines))
            place.kill(worker)
            place.start_worker()
            await driving
        place.finals()
        found = violations(place.lines())
    assert any("its audit rows are" in text for text in found), found
