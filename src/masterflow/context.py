"""PhaseContext: the one thing a handler or validator is handed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

from masterflow.kernel.permission import Scope
from masterflow.store.repositories import Repositories

P = ParamSpec("P")
T = TypeVar("T")


class Compute(Protocol):
    """Runs a pure function in a worker process that can be killed, under the phase's limits."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class PhaseContext:
    """Where a step runs: identity of the run, what came before, and the ports it may use.

    `outputs` are the results of earlier phases by phase name, `steps` those of earlier handlers of this
    run by handler name, `now` is the time at which the attempt started (UTC). `read` opens a read-only
    session; writes are returned as effects and run in the transaction that records the step.
    """

    scope: Scope
    flow_id: UUID
    run_id: UUID
    phase: str
    iteration: int
    attempt: int
    now: datetime
    configuration: Mapping[str, Any]
    initial_data: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]]
    steps: Mapping[str, Mapping[str, Any]]
    read: Callable[[], AbstractAsyncContextManager[Repositories]]
    compute: Compute
    new_id: Callable[[], UUID]
