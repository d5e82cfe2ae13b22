"""A worker process: takes jobs, runs them, heals what others left, stops gracefully."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from masterflow.engine.dispatch import Dispatcher
from masterflow.engine.executor import Executor
from masterflow.engine.recovery import Recovery
from masterflow.errors import MasterflowError
from masterflow.store.transitions import Job

_log = structlog.get_logger("masterflow.worker")
_PRUNE_EVERY = timedelta(hours=24)


class Worker:
    """Runs jobs until `stop`. Each process of the product that executes phases has one."""

    def __init__(self, *, dispatcher: Dispatcher, executor: Executor, recovery: Recovery) -> None:
        self._dispatcher, self._executor, self._recovery = dispatcher, executor, recovery
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until stopped; running jobs are finished before it returns."""
        healing = [asyncio.create_task(self._repeat(self._recovery.sweep, self._recovery.every))]
        healing.append(asyncio.create_task(self._repeat(self._prune, _PRUNE_EVERY)))
        try:
            await self._dispatcher.run(self._work)
        finally:
            self._stopping.set()
            await asyncio.gather(*healing)

    def stop(self) -> None:
        """Take no further job; `run` returns when the running ones are done."""
        self._stopping.set()
        self._dispatcher.stop()

    async def _work(self, job: Job, job_id: int) -> None:
        try:
            await self._executor.run(job, job_id)
        except MasterflowError as error:  # the reconciler dispatches the run again
            _log.warning("job_not_finished", run_id=str(job.run_id), code=error.code, error=error.detail)
        except Exception as error:
            _log.error("job_failed", run_id=str(job.run_id), exc_info=error)
            # The queue keeps the text of an error in its log, which no policy guards: it gets none of ours.
            raise RuntimeError("the job was not finished; see the worker's log") from None

    async def _prune(self) -> None:
        await self._dispatcher.prune(timedelta(days=1))

    async def _repeat(self, action: Callable[[], Awaitable[None]], every: timedelta) -> None:
        while not self._stopping.is_set():
            try:
                await action()
            except MasterflowError as error:
                _log.warning("sweep_failed", code=error.code, error=error.detail)
            except Exception as error:  # a lost connection outside the pool among others; the next pass tries again
                _log.error("sweep_failed", exc_info=error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), every.total_seconds())
