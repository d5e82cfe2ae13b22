"""The queue on PgQueuer: stock, with a driver of two connections (one runs statements, one listens)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import structlog
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from pgqueuer.models import Job as QueueJob
from pgqueuer.queries import Queries

from masterflow.engine.dispatch import Work
from masterflow.errors import Unavailable
from masterflow.store.link import Link
from masterflow.store.transitions import Job

ENTRYPOINT = "phase_run"
SETTINGS = DBSettings(db_schema="queue", prefix="", channel=Channel("ch_pgqueuer"))
LARGEST_BATCH = 25
MOST_CONCURRENT = 100
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
HEALTHY_SECONDS = 5.0
WATCH_SECONDS = 0.5
_log = structlog.get_logger("masterflow.dispatch")


class TwoConnectionDriver:
    """PgQueuer's driver protocol. Listening has its own connection: waiting for a notification holds it."""

    def __init__(self, statements: Link, listener: Link) -> None:
        self._statements, self._listener = statements, listener
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()
        self._callbacks: dict[str, list[Callable[[str | bytes | bytearray], None]]] = {}
        self.watcher: asyncio.Task[None] | None = None

    @property
    def shutdown(self) -> asyncio.Event:
        """Set when no new work is to be taken."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """PgQueuer's list of background tasks."""
        return self._tasks

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Rows of a statement."""
        return await self._statements.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Command tag of a statement."""
        return await self._statements.execute(query, *args)

    async def notify(self, channel: str, payload: str) -> None:
        """Send a notification."""
        await self._statements.execute("select pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: Callable[[str | bytes | bytearray], None]) -> None:
        """Hand the payloads of a channel to a callback."""
        if channel not in self._callbacks:
            await self._listener.listen(channel)
        self._callbacks.setdefault(channel, []).append(callback)
        if self.watcher is None:
            self.watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        async for channel, payload in self._listener.notifications():
            for callback in self._callbacks.get(channel, []):
                callback(payload)

    async def __aenter__(self) -> Self:
        return self

    @property
    def lost(self) -> bool:
        """Whether one of the connections is gone; after the shutdown nothing is listened to any more."""
        deaf = self.watcher is not None and self.watcher.done() and not self._shutdown.is_set()
        return deaf or self._statements.closed

    async def __aexit__(self, *_: object) -> None:
        self._shutdown.set()
        await self._stop_watching()
        await self._tasks.gather_tasks()

    async def close(self) -> None:
        """Close both connections."""
        await self._stop_watching()
        await self._listener.close()
        await self._statements.close()

    async def _stop_watching(self) -> None:
        if self.watcher is not None:
            self.watcher.cancel()
            await asyncio.gather(self.watcher, return_exceptions=True)


class PgQueuerDispatcher:
    """Delivers jobs to `work`; a lost connection means a new queue manager, not a lost worker.

    What runs then goes on. Its jobs look abandoned, so the new manager gets them again (unless another
    worker is faster): a job that still runs here is not run twice but kept alive until it is done.
    """

    def __init__(self, url: Any, *, name: str, heartbeat: timedelta = timedelta(seconds=3)) -> None:
        self.heartbeat = heartbeat
        self._url, self._name = url, name
        self._stopping = asyncio.Event()
        self._manager: QueueManager | None = None
        self._running: dict[int, asyncio.Task[None]] = {}
        self._left: set[asyncio.Task[None]] = set()

    async def run(self, work: Work) -> None:
        """Deliver jobs until `stop`; reconnect with growing pauses while the database is away."""
        failures = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                await self._serve(work)
            except Unavailable as error:
                failures = 0 if time.monotonic() - begun > HEALTHY_SECONDS else failures
                pause = RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)]
                failures += 1
                _log.warning("queue_connection_lost", error=error.detail, retry_in_seconds=pause)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
        await asyncio.gather(*self._running.values(), *self._left, return_exceptions=True)

    def stop(self) -> None:
        """Take no further job; running ones are finished."""
        self._stopping.set()
        if self._manager is not None:
            self._manager.shutdown.set()

    async def prune(self, keep: timedelta) -> int:
        """Delete log rows and held jobs older than `keep`."""
        link = await Link.open(self._url, application_name=f"{self._name}-prune")
        try:
            tags = [
                await link.execute("delete from queue.pgqueuer_log where created < now() - $1::interval", keep),
                await link.execute(
                    "delete from queue.pgqueuer where status = 'failed' and updated < now() - $1::interval", keep
                ),
            ]
        finally:
            await link.close()
        return sum(int(tag.split()[-1]) for tag in tags)

    async def _serve(self, work: Work) -> None:
        """One queue manager on fresh connections, until it stops or loses one of them."""
        driver = await self._connect()
        manager = self._manager = QueueManager(queries(driver), SETTINGS.channel)

        @manager.entrypoint(ENTRYPOINT, on_failure="hold")
        async def deliver(job: QueueJob) -> None:
            await self._deliver(work, job)

        if self._stopping.is_set():
            manager.shutdown.set()
        try:
            await self._supervise(manager, driver)
        finally:
            self._manager = None
            await driver.close()

    async def _connect(self) -> TwoConnectionDriver:
        statements = await Link.open(self._url, application_name=f"{self._name}-queue", disposable_writes=True)
        try:
            listener = await Link.open(self._url, application_name=f"{self._name}-listen")
        except Unavailable:
            await statements.close()
            raise
        return TwoConnectionDriver(statements, listener)

    async def _deliver(self, work: Work, job: QueueJob) -> None:
        """Run a job, or wait for it when it runs here already."""
        key = int(job.id)
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(_run(work, job.payload or b"", key))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        await asyncio.shield(task)

    async def _supervise(self, manager: QueueManager, driver: TwoConnectionDriver) -> None:
        running = asyncio.create_task(
            manager.run(
                dequeue_timeout=timedelta(seconds=1),
                batch_size=LARGEST_BATCH,
                max_concurrent_tasks=MOST_CONCURRENT,
                heartbeat_timeout=self.heartbeat,
                log_aggregation_interval=timedelta(0),
            )
        )
        self._left.add(running)
        running.add_done_callback(self._forget)
        while not running.done() and not driver.lost:
            watched = {running} if driver.watcher is None else {running, driver.watcher}
            await asyncio.wait(watched, timeout=WATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        manager.shutdown.set()  # without its connections it takes no more, and waits for what runs
        cause = running.exception() if running.done() else None
        if cause is not None or not self._stopping.is_set():
            raise Unavailable("the queue's connection ended") from cause

    def _forget(self, manager: asyncio.Task[None]) -> None:
        self._left.discard(manager)
        if not manager.cancelled() and (error := manager.exception()) is not None:
            _log.info("queue_manager_ended", error_type=type(error).__name__)


async def _run(work: Work, payload: bytes, job_id: int) -> None:
    await work(parse_payload(payload), job_id)


def queries(driver: TwoConnectionDriver) -> Queries:
    """PgQueuer's statements with our schema, whatever its environment variables say."""
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(SETTINGS),
        qbq=QueryQueueBuilder(SETTINGS),
        qbs=QuerySchedulerBuilder(SETTINGS),
    )


def parse_payload(payload: bytes) -> Job:
    """The job in a payload "client,engagement,flow,run,attempt". ValueError when it is none of ours."""
    client, engagement, flow, run, attempt = payload.decode("ascii").split(",")
    return Job(UUID(client), UUID(engagement), UUID(flow), UUID(run), int(attempt))
