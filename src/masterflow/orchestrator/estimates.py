"""How long phases took so far: the base of every estimate, read at most once a minute per engagement."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from masterflow.kernel.permission import Scope
from masterflow.orchestrator.access import Access
from masterflow.store.repositories.runs import PhaseStatistics

WINDOW = timedelta(days=90)
FRESH = timedelta(seconds=60)
_KEPT = 1000

_Key = tuple[UUID, UUID]


class Estimates:
    """Median run times in milliseconds by phase, from runs of the same engagement that finished in 90 days."""

    def __init__(self, access: Access, *, clock: Callable[[], datetime]) -> None:
        self._access, self._clock = access, clock
        self._known: dict[_Key, tuple[datetime, list[PhaseStatistics]]] = {}

    async def medians(self, scope: Scope, flow_type: str) -> dict[str, float]:
        """Median of a phase's finished runs; phases that never succeeded are left out."""
        found = await self._statistics(scope)
        return {
            row.phase: row.p50_ms
            for row in found
            if row.flow_type == flow_type and row.succeeded and row.p50_ms is not None
        }

    async def _statistics(self, scope: Scope) -> list[PhaseStatistics]:
        key, now = (scope.client_account_id, scope.engagement_id), self._clock()
        read_at, found = self._known.get(key, (now - 2 * FRESH, []))
        if now - read_at < FRESH:
            return found
        async with self._access.read(scope) as repositories:
            found = await repositories.runs.statistics(since=now - WINDOW, until=now)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[key] = (now, found)
        return found


def remaining_ms(phases: Sequence[str], medians: Mapping[str, float], elapsed_ms: float) -> float | None:
    """Expected milliseconds until all `phases` are done; the first has run for `elapsed_ms` already.

    None when there are no phases or one of them has no history.
    """
    if not phases or any(phase not in medians for phase in phases):
        return None
    first = max(0.0, medians[phases[0]] - elapsed_ms)
    return first + sum(medians[phase] for phase in phases[1:])


def whole_seconds(milliseconds: float) -> int:
    """Milliseconds as seconds, rounded up, at least 1."""
    return max(1, math.ceil(milliseconds / 1000))
