"""The port to the queue: it hands dispatch jobs to a worker and loses none for long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from masterflow.store.transitions import Job

Work = Callable[[Job, int], Awaitable[None]]
"""Runs one job; the number identifies the delivery (the queue's own job id)."""


class Dispatcher(Protocol):
    """What a worker needs of a queue. Jobs are put in by the transition functions, in SQL."""

    heartbeat: timedelta
    """After this long without a sign of life a worker's jobs are given to another."""

    async def run(self, work: Work) -> None:
        """Deliver jobs until `stop`; reconnects by itself when the database was away."""

    def stop(self) -> None:
        """Take no further job; `run` returns when the running ones are done."""

    async def prune(self, keep: timedelta) -> int:
        """Delete the queue's own log and held jobs older than `keep`; how many rows."""
