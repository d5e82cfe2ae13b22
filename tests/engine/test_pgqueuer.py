"""The queue's adapter on a database of its own: delivery, reconnection, sharing, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from masterflow.engine.pgqueuer import MOST_CONCURRENT, PgQueuerDispatcher, parse_payload
from masterflow.store.ddl import WORKER
from masterflow.store.transitions import Job
from support.homes import wait_until
from support.server import Server

PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue to put jobs into and to look at."""

    admin: psycopg.Connection
    url: object

    def put(self, payload: bytes | None = None) -> UUID:
        """Put a job in; the run it names."""
        run = uuid4()
        content = payload or ",".join([str(uuid4()), str(uuid4()), str(uuid4()), str(run), "1"]).encode()
        self.admin.execute(
            "insert into queue.pgqueuer (priority, status, entrypoint, dedupe_key, payload)"
            " values (0, 'queued', 'phase_run', %s, %s)",
            (f"{run}:1", content),
        )
        return run

    def statuses(self) -> list[str]:
        """Status of each job that is left."""
        return [row[0] for row in self.admin.execute("select status::text from queue.pgqueuer order by id")]

    def terminate(self, application: str) -> bool:
        """Cut a connection by its name; False when there is none at the moment."""
        found = self.admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
            " and datname = current_database()",
            (application,),
        ).fetchall()
        return found == [(True,)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition on the database."""
        await asyncio.to_thread(wait_until, condition, PATIENCE)


@dataclass(slots=True)
class Deliveries:
    """What a dispatcher delivered; a job is done when `released` is set."""

    runs: list[UUID] = field(default_factory=list)
    done: list[UUID] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, job: Job, job_id: int) -> None:
        async with self.arrived:
            self.runs.append(job.run_id)
            self.arrived.notify_all()
        await self.released.wait()
        self.done.append(job.run_id)

    async def until(self, count: int) -> None:
        """Wait until that many jobs were delivered."""
        async with self.arrived:
            await asyncio.wait_for(self.arrived.wait_for(lambda: len(self.runs) >= count), PATIENCE)


@pytest.fixture
def queue(server: Server, scratch: Callable[[], AbstractContextManager[str]]) -> Iterator[Queue]:
    """An empty queue."""
    with scratch() as name, server.superuser(name) as admin:
        yield Queue(admin, server.url(name, WORKER))


@asynccontextmanager
async def dispatching(
    queue: Queue, work: Callable[[Job, int], Awaitable[None]], *, name: str = "w", heartbeat: float = 10
) -> AsyncIterator[PgQueuerDispatcher]:
    """A dispatcher that runs in the block and is stopped at its end."""
    dispatcher = PgQueuerDispatcher(queue.url, name=name, heartbeat=timedelta(seconds=heartbeat))
    running = asyncio.create_task(dispatcher.run(work))
    try:
        yield dispatcher
    finally:
        if isinstance(work, Deliveries):
            work.released.set()
        dispatcher.stop()
        await asyncio.wait_for(running, PATIENCE)


@pytest.fixture
def free() -> Deliveries:
    """Deliveries that are done at once."""
    made = Deliveries()
    made.released.set()
    return made


@pytest.fixture
def held() -> Deliveries:
    """Deliveries that wait to be released."""
    return Deliveries()


async def test_an_idle_worker_runs_each_job_that_is_put_in(queue: Queue, free: Deliveries) -> None:
    async with dispatching(queue, free, heartbeat=3):
        for count in range(1, 6):
            queue.put()
            await asyncio.wait_for(free.until(count), 3)
        await queue.until(lambda: queue.statuses() == [])


async def test_jobs_put_in_before_the_start_are_delivered(queue: Queue, free: Deliveries) -> None:
    runs = [queue.put() for _ in range(60)]
    async with dispatching(queue, free):
        await free.until(60)
    assert sorted(free.runs) == sorted(runs)


@pytest.mark.parametrize("connection", ["w-queue", "w-listen"])
async def test_a_worker_connects_again_when_a_connection_is_cut(
    queue: Queue, free: Deliveries, connection: str
) -> None:
    async with dispatching(queue, free):
        for count in (1, 2, 3):
            run = queue.put()
            await free.until(count)
            assert free.runs[-1] == run
            await queue.until(lambda: queue.statuses() == [])
            await queue.until(lambda: queue.terminate(connection))
        run = queue.put()
        await free.until(4)
        assert free.runs[-1] == run


@pytest.mark.parametrize("connection", ["w-queue", "w-listen"])
async def test_what_runs_when_a_connection_is_cut_is_not_run_twice_and_others_are_taken(
    queue: Queue, held: Deliveries, connection: str
) -> None:
    async with dispatching(queue, held, heartbeat=1):
        first = queue.put()
        await held.until(1)
        assert queue.terminate(connection)
        second = queue.put()
        await held.until(2)
        for run in (first, second):  # both are kept alive, by the new manager if the old one had them
            before = _last_heartbeat(queue, run)
            later = before + timedelta(seconds=1)  # type: ignore[operator]
            await queue.until(lambda run=run, later=later: _last_heartbeat(queue, run) > later)
        held.released.set()
        await queue.until(lambda: queue.statuses() == [])
    assert (held.runs, sorted(held.done)) == ([first, second], sorted([first, second]))


def _last_heartbeat(queue: Queue, run: UUID) -> object:
    row = queue.admin.execute("select heartbeat from queue.pgqueuer where dedupe_key = %s", (f"{run}:1",)).fetchone()
    assert row is not None
    return row[0]


async def test_two_workers_share_the_jobs(queue: Queue, held: Deliveries) -> None:
    other = Deliveries()
    runs = [queue.put() for _ in range(MOST_CONCURRENT + 20)]
    async with dispatching(queue, held), dispatching(queue, other, name="v"):
        await held.until(1)
        await other.until(1)
        held.released.set()
        other.released.set()
        await queue.until(lambda: queue.statuses() == [])
    assert sorted(held.runs + other.runs) == sorted(runs)


async def test_stopping_finishes_what_runs(queue: Queue, held: Deliveries) -> None:
    async with dispatching(queue, held) as dispatcher:
        run = queue.put()
        await held.until(1)
        dispatcher.stop()
        held.released.set()
    assert (held.done, queue.statuses()) == ([run], [])


async def test_a_dispatcher_that_was_stopped_before_it_started_delivers_nothing(queue: Queue, free: Deliveries) -> None:
    queue.put()
    dispatcher = PgQueuerDispatcher(queue.url, name="w")
    dispatcher.stop()
    await dispatcher.run(free)
    assert (free.runs, queue.statuses()) == ([], ["queued"])


async def test_a_heartbeat_keeps_a_long_job_with_its_worker(queue: Queue, held: Deliveries, free: Deliveries) -> None:
    async with dispatching(queue, held, heartbeat=1):
        run = queue.put()
        await held.until(1)
        begun = _last_heartbeat(queue, run)
        async with dispatching(queue, free, name="v", heartbeat=1):
            await queue.until(lambda: _last_heartbeat(queue, run) > begun + timedelta(seconds=2))  # type: ignore[operator]
            assert (held.runs, free.runs) == ([run], [])


async def test_a_job_that_raises_is_held(queue: Queue) -> None:
    async def breaks(job: Job, job_id: int) -> None:
        raise RuntimeError("broken")

    async with dispatching(queue, breaks):
        queue.put()
        await queue.until(lambda: queue.statuses() == ["failed"])


@pytest.mark.parametrize("payload", [b"garbage", b"\xff\xfe", b"1,2,3,4,5", b",,,,"])
async def test_a_payload_that_is_none_of_ours_is_held_and_others_go_on(
    queue: Queue, free: Deliveries, payload: bytes
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_payload(payload)
    async with dispatching(queue, free):
        queue.put(payload)
        run = queue.put()
        await free.until(1)
        await queue.until(lambda: queue.statuses() == ["failed"])
    assert free.runs == [run]


async def test_a_worker_waits_for_a_database_that_is_not_there(free: Deliveries) -> None:
    dispatcher = PgQueuerDispatcher("postgresql://nobody@/none?host=/nonexistent", name="w")
    running = asyncio.create_task(dispatcher.run(free))
    done, _ = await asyncio.wait({running}, timeout=0.5)
    assert not done
    dispatcher.stop()
    await asyncio.wait_for(running, PATIENCE)


async def test_pruning_removes_old_log_rows_and_held_jobs_only(queue: Queue, free: Deliveries) -> None:
    async with dispatching(queue, free) as dispatcher:
        queue.put(b"garbage")
        queue.put()
        await free.until(1)
        await queue.until(lambda: queue.statuses() == ["failed"])
        assert await dispatcher.prune(timedelta(days=1)) == 0
        assert await dispatcher.prune(timedelta()) >= 3
        queue.put()
    left = queue.admin.execute("select count(*) from queue.pgqueuer where status = 'failed'").fetchone()
    assert left == (0,)
