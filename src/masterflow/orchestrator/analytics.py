"""FlowAnalytics: counts of flows and times of phases, with the number of runs behind each figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from masterflow.errors import InvalidInput
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.guard import guarded, requires
from masterflow.orchestrator.queries import utc_now
from masterflow.store.repositories.flows import FlowCount
from masterflow.store.repositories.runs import PhaseStatistics

ENOUGH_FOR_A_MEDIAN = 3
ENOUGH_FOR_A_P95 = 20
"""Below 20 runs the 95th percentile is only the largest value."""
_DEFAULT_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """Finished runs of one phase; times in milliseconds. A figure is None where `notes` says why."""

    flow_type: str
    phase: str
    runs: int
    succeeded: int
    failed: int
    success_share: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The phase with the largest share of the summed p95 of its flow type's phases.

    `phase` and `share` (0..1) are None where `note` says why.
    """

    flow_type: str
    phase: str | None
    share: float | None
    note: str


@dataclass(frozen=True, slots=True)
class AnalyticsView:
    """Figures of one engagement: flows as they are now, runs that finished from `since` until before `until`."""

    since: datetime
    until: datetime
    total_flows: int
    by_status: dict[str, int]
    by_type: dict[str, dict[str, int]]
    phases: list[PhaseFigures]
    bottlenecks: list[Bottleneck]


@guarded
class FlowAnalytics:
    """Figures across flows."""

    def __init__(self, access: Access, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.audits = access
        self._access, self._clock = access, clock

    @requires("analytics:read")
    async def get_flow_analytics(
        self,
        scope: Scope,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        flow_type: str | None = None,
    ) -> AnalyticsView:
        """Figures of a time range, of one flow type or of all; the range defaults to the last 30 days.

        Raises:
            InvalidInput: `since` is not before `until`.
        """
        end = until or self._clock()
        start = since or end - _DEFAULT_WINDOW
        if start >= end:
            raise InvalidInput("the range is empty", where={"field": "since"}, next_step="Let since be before until.")
        async with self._access.read(scope) as repositories:
            counts = await repositories.flows.counts()
            statistics = await repositories.runs.statistics(since=start, until=end)
        return summarised(
            [count for count in counts if flow_type in (None, count.flow_type)],
            [row for row in statistics if flow_type in (None, row.flow_type)],
            since=start,
            until=end,
        )


def summarised(
    counts: Sequence[FlowCount], statistics: Sequence[PhaseStatistics], *, since: datetime, until: datetime
) -> AnalyticsView:
    """The view of counted flows and of statistics per phase."""
    by_status: dict[str, int] = {}
    by_type: dict[str, dict[str, int]] = {}
    for count in counts:
        by_status[count.flow_status] = by_status.get(count.flow_status, 0) + count.flows
        by_type.setdefault(count.flow_type, {})[count.flow_status] = count.flows
    types = sorted({row.flow_type for row in statistics})
    return AnalyticsView(
        since=since,
        until=until,
        total_flows=sum(by_status.values()),
        by_status=by_status,
        by_type=by_type,
        phases=[_figures(row) for row in statistics],
        bottlenecks=[_bottleneck(name, [row for row in statistics if row.flow_type == name]) for name in types],
    )


def _figures(row: PhaseStatistics) -> PhaseFigures:
    median = row.runs >= ENOUGH_FOR_A_MEDIAN
    tail = row.runs >= ENOUGH_FOR_A_P95
    notes = [] if median else [_insufficient("mean and median", row.runs, ENOUGH_FOR_A_MEDIAN)]
    notes += [] if tail else [_insufficient("p95", row.runs, ENOUGH_FOR_A_P95)]
    return PhaseFigures(
        flow_type=row.flow_type,
        phase=row.phase,
        runs=row.runs,
        succeeded=row.succeeded,
        failed=row.failed,
        success_share=round(row.success_share, 4),
        mean_ms=row.mean_ms if median else None,
        p50_ms=row.p50_ms if median else None,
        p95_ms=row.p95_ms if tail else None,
        notes=notes,
    )


def _insufficient(figure: str, runs: int, needed: int) -> str:
    return f"insufficient data for {figure}: {runs} runs, {needed} needed"


def _bottleneck(flow_type: str, rows: Sequence[PhaseStatistics]) -> Bottleneck:
    small = [row for row in rows if row.runs < ENOUGH_FOR_A_P95]
    if small:
        counts = ", ".join(f"{row.phase} {row.runs}" for row in small)
        return Bottleneck(flow_type, None, None, f"insufficient data: {counts} runs, {ENOUGH_FOR_A_P95} needed")
    total = sum(row.p95_ms or 0.0 for row in rows)
    slowest = max(rows, key=lambda row: row.p95_ms or 0.0)
    if total == 0:
        return Bottleneck(flow_type, None, None, "no phase took measurable time")
    return Bottleneck(flow_type, slowest.phase, round((slowest.p95_ms or 0.0) / total, 4), "")
