"""Calculations in processes: limited, killed on cancellation, measured."""

from __future__ import annotations

import asyncio
import os
import signal

import anyio
import pytest

from masterflow.engine.pool import Limits, ProcessPool, Usage
from masterflow.errors import ResourceLimitReached
from support.homes import is_alive, wait_until
from support.processes import children

LIMITS = Limits()


def _take(size: int) -> int:
    return len(bytearray(size))


def _count_forever() -> int:
    number = 0
    while True:
        number += 1


def _end_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail() -> None:
    raise KeyError("from the process")


@pytest.fixture
def pool() -> ProcessPool:
    return ProcessPool(size=2)


async def test_a_calculation_runs_in_another_process_and_is_measured(pool: ProcessPool) -> None:
    usage = Usage()
    assert await pool.run(usage, LIMITS, os.getpid) != os.getpid()
    assert (usage.calls, usage.peak_memory_bytes > 1024**2, usage.cpu_seconds >= 0) == (1, True, True)
    assert set(usage.document()) == {"cpu_seconds", "peak_memory_bytes", "calculations"}


async def test_processes_are_used_again(pool: ProcessPool) -> None:
    assert len({await pool.run(Usage(), LIMITS, os.getpid) for _ in range(3)}) == 1


async def test_usage_of_several_calculations_adds_up(pool: ProcessPool) -> None:
    usage = Usage()
    usage.add(1.5, 100)
    usage.add(0.5, 80)
    assert usage.document() == {"cpu_seconds": 2.0, "peak_memory_bytes": 100, "calculations": 2}


async def test_too_much_memory_is_refused_and_the_process_lives_on(pool: ProcessPool) -> None:
    process = await pool.run(Usage(), LIMITS, os.getpid)
    small = Limits(memory_bytes=600 * 1024**2)
    with pytest.raises(ResourceLimitReached, match="600 MiB"):
        await pool.run(Usage(), small, _take, 1024**3)
    assert await pool.run(Usage(), LIMITS, _take, 1024**3) == 1024**3
    assert await pool.run(Usage(), LIMITS, os.getpid) == process


async def test_too_much_processor_time_ends_the_process(pool: ProcessPool) -> None:
    process = await pool.run(Usage(), LIMITS, os.getpid)
    with pytest.raises(ResourceLimitReached) as caught:
        await pool.run(Usage(), Limits(cpu_seconds=0), _count_forever)
    assert caught.value.where == {"function": "_count_forever"}
    assert not is_alive(process)
    assert await pool.run(Usage(), LIMITS, _take, 1) == 1


async def test_a_killed_process_is_an_error_of_the_product(pool: ProcessPool) -> None:
    with pytest.raises(ResourceLimitReached):
        await pool.run(Usage(), LIMITS, _end_oneself)


async def test_an_error_of_the_calculation_comes_back(pool: ProcessPool) -> None:
    with pytest.raises(KeyError, match="from the process"):
        await pool.run(Usage(), LIMITS, _fail)


async def test_cancelling_kills_the_process(pool: ProcessPool) -> None:
    process = await pool.run(Usage(), LIMITS, os.getpid)
    before = children()
    with anyio.move_on_after(0.2) as scope:
        await pool.run(Usage(), LIMITS, _count_forever)
    assert scope.cancelled_caught
    await asyncio.to_thread(wait_until, lambda: not is_alive(process))
    assert children() < before


async def test_no_more_processes_run_than_the_pool_has(pool: ProcessPool) -> None:
    used = await asyncio.gather(*(pool.run(Usage(), LIMITS, os.getpid) for _ in range(8)))
    assert 1 <= len(set(used)) <= 2
