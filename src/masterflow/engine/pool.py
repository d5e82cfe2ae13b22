"""Warm worker processes for heavy calculations: limited in memory and CPU time, killed on cancellation."""

from __future__ import annotations

import functools
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from masterflow.errors import ResourceLimitReached

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one calculation may use."""

    memory_bytes: int = 4 * 1024**3
    cpu_seconds: int = 600


@dataclass(slots=True)
class Usage:
    """What the calculations of one run used: CPU seconds in all, largest resident memory in bytes."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    calls: int = field(default=0)

    def add(self, cpu_seconds: float, peak_memory_bytes: int) -> None:
        """Count one more calculation."""
        self.cpu_seconds += cpu_seconds
        self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_bytes)
        self.calls += 1

    def document(self) -> dict[str, float | int]:
        """As stored with the run."""
        return {
            "cpu_seconds": round(self.cpu_seconds, 4),
            "peak_memory_bytes": self.peak_memory_bytes,
            "calculations": self.calls,
        }


class ProcessPool:
    """Runs module-level functions in at most `size` processes; processes are kept and used again."""

    def __init__(self, *, size: int) -> None:
        self._limiter = CapacityLimiter(size)

    async def run(
        self, usage: Usage, limits: Limits, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The function's result; cancelling the caller kills the process.

        Raises:
            ResourceLimitReached: the process ran out of memory or CPU time, or died.
        """
        call = functools.partial(limited, limits, function, args, kwargs)
        try:
            result, cpu_seconds, peak = await to_process.run_sync(call, cancellable=True, limiter=self._limiter)
        except (BrokenWorkerProcess, MemoryError) as error:
            raise ResourceLimitReached(
                f"the calculation needed more than {limits.memory_bytes // 1024**2} MiB of memory or "
                f"{limits.cpu_seconds} seconds of processor time",
                where={"function": getattr(function, "__name__", type(function).__name__)},
                next_step="Split the file, or raise the limits of the phase.",
            ) from error
        usage.add(cpu_seconds, peak)
        return result


def limited(
    limits: Limits, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[T, float, int]:
    """Run in the worker process: set its limits, call, and measure."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    used = before.ru_utime + before.ru_stime
    _, hard_memory = resource.getrlimit(resource.RLIMIT_AS)
    _, hard_cpu = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, hard_memory))
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + 1 + limits.cpu_seconds, hard_cpu))
    result = function(*args, **kwargs)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return result, after.ru_utime + after.ru_stime - used, after.ru_maxrss * 1024
