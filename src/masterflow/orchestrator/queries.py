"""FlowQueries: what can be asked about flows, their runs, their types and the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from masterflow.errors import InvalidInput, NotFound
from masterflow.kernel.definition import FlowTypeConfig
from masterflow.kernel.permission import Scope
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.cursors import Listing
from masterflow.orchestrator.estimates import Estimates, remaining_ms, whole_seconds
from masterflow.orchestrator.filters import AuditFilter, FlowFilter, FlowFilters
from masterflow.orchestrator.guard import guarded, requires
from masterflow.orchestrator.showing import (
    audit_view,
    event_view,
    flow_type_view,
    flow_view,
    phase_result,
    run_view,
)
from masterflow.orchestrator.views import (
    FlowDetail,
    FlowStatusView,
    FlowTypeView,
    FlowView,
    HistoryView,
    NextAction,
    Page,
    Performance,
    PhaseResult,
    Progress,
    RunView,
)
from masterflow.store.repositories import Repositories
from masterflow.store.tables import MasterFlow, PhaseRun

ACTIVE = tuple(
    status for status in FlowStatus if status not in (FlowStatus.COMPLETED, FlowStatus.CANCELLED, FlowStatus.DELETED)
)
ALIASES = {"processing": (FlowStatus.QUEUED, FlowStatus.RUNNING)}
"""Statuses of the older product as filters."""
_GOES_ON = {FlowStatus.INITIALIZED, FlowStatus.READY, FlowStatus.QUEUED, FlowStatus.RUNNING}
_NEWEST_RUNS = 200
_FINISHED = ("succeeded", "failed", "superseded", "cancelled")


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


@guarded
class FlowQueries:
    """Reads; each method is one read-only transaction. An unknown flow, or another tenant's, is NotFound.

    Values of sensitive fields read "***" unless the scope has flow:read_sensitive.
    """

    def __init__(self, access: Access, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.audits = access
        self._access, self._cursors, self._clock = access, access.cursors, clock
        self._estimates = Estimates(access, clock=clock)

    @requires("flow:read")
    async def get_flow(self, scope: Scope, flow_id: UUID) -> FlowDetail:
        """A flow with its state, deleted ones included."""
        async with self._access.read(scope) as repositories:
            row = await _existing(repositories, flow_id)
        state = self._open(scope, flow_id, row.flow_state)
        return FlowDetail(self._view(scope, row, state), state)

    @requires("flow:read")
    async def get_flow_status(self, scope: Scope, flow_id: UUID) -> FlowStatusView:
        """Status with progress, times and what comes next.

        `estimated_completion` is now plus the median times of the phases that remain, as if nobody kept
        the flow waiting; None when it cannot go on by itself or a phase has no history.
        """
        async with self._access.read(scope) as repositories:
            row = await _existing(repositories, flow_id)
            runs = await repositories.runs.of_flow(flow_id)
        view = self._view(scope, row, self._open(scope, flow_id, row.flow_state))
        medians = await self._estimates.medians(scope, row.flow_type)
        elapsed = self._elapsed_ms(row, runs)
        remaining = _remaining(self._config(row), row)
        return FlowStatusView(
            flow_id=row.flow_id,
            flow_type=row.flow_type,
            flow_name=row.flow_name,
            status=row.flow_status,
            current_phase=row.current_phase,
            progress=Progress(
                percentage=row.progress_percentage,
                phases_completed=list(row.phases_completed),
                phases_remaining=remaining,
                estimated_completion=self._completion(row, remaining_ms(remaining, medians, elapsed)),
            ),
            performance=_performance(runs),
            next_action=_with_duration(view.next_action, medians.get(view.next_action.phase or ""), elapsed),
            allowed_actions=view.allowed_actions,
            version=row.version,
        )

    @requires("flow:read")
    async def list_flows(
        self, scope: Scope, filters: FlowFilters, *, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Flows (FlowView) from newest to oldest, 1 to 200.

        Lists do not open states: `next_action.required_inputs` is empty here.
        """
        wanted = _flow_filter(filters)
        listing = Listing("flows", scope, asdict(filters))
        after = self._cursors.time_and_id(listing, cursor)
        async with self._access.read(scope) as repositories:
            rows = await repositories.flows.page(wanted, limit=limit, after=after)
        last = [rows[-1].created_at, rows[-1].flow_id] if len(rows) == limit else None
        return Page([self._listed(scope, row) for row in rows], self._cursors.make(listing, last) if last else None)

    @requires("flow:read")
    async def get_active_flows(self, scope: Scope, *, limit: int = 200) -> list[FlowView]:
        """The newest flows that are neither completed, cancelled nor deleted, at most 200."""
        wanted = FlowFilter(statuses=ACTIVE)
        async with self._access.read(scope) as repositories:
            rows = await repositories.flows.page(wanted, limit=limit)
        return [self._listed(scope, row) for row in rows]

    @requires("flow:read")
    async def get_history(self, scope: Scope, flow_id: UUID, *, after: int = 0, limit: int = 200) -> HistoryView:
        """Events after number `after`, and the newest 200 runs without their outputs."""
        async with self._access.read(scope) as repositories:
            await _existing(repositories, flow_id)
            runs = await repositories.runs.of_flow(flow_id)
            events = await repositories.events.after(flow_id, after, limit=limit)
        return HistoryView(
            flow_id=flow_id,
            runs=[run_view(row, {}) for row in runs[-_NEWEST_RUNS:]],
            total_runs=len(runs),
            events=[event_view(row) for row in events],
            next_after=events[-1].seq if len(events) == limit else None,
        )

    @requires("flow:read")
    async def list_runs(self, scope: Scope, flow_id: UUID) -> list[RunView]:
        """The newest 200 runs of a flow, oldest first, without their outputs."""
        async with self._access.read(scope) as repositories:
            await _existing(repositories, flow_id)
            rows = await repositories.runs.of_flow(flow_id)
        return [run_view(row, {}) for row in rows[-_NEWEST_RUNS:]]

    @requires("flow:read")
    async def get_run(self, scope: Scope, flow_id: UUID, run_id: UUID) -> RunView:
        """A run with its outputs."""
        return (await self._run(scope, flow_id, run_id))[1]

    @requires("flow:read")
    async def phase_result(self, scope: Scope, flow_id: UUID, run_id: UUID) -> PhaseResult:
        """A run as the result of a phase execution; "paused" while it waits for a person."""
        flow, run = await self._run(scope, flow_id, run_id)
        return phase_result(run, flow)

    @requires("flow_type:read")
    async def list_flow_types(self, scope: Scope) -> list[FlowTypeView]:
        """Every flow type of this installation, by name."""
        registry = self._access.registry
        return [flow_type_view(registry.get(name).config) for name in registry.list_flow_types()]

    @requires("flow_type:read")
    async def get_flow_type(self, scope: Scope, name: str) -> FlowTypeView:
        """One flow type. Raises NotFound with the names that exist."""
        return flow_type_view(self._access.registry.get(name).config)

    @requires("audit:read")
    async def list_audit(
        self, scope: Scope, filters: AuditFilter, *, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Audit rows (AuditView) from newest to oldest, 1 to 200."""
        listing = Listing("audit", scope, asdict(filters))
        after = self._cursors.time_and_id(listing, cursor)
        async with self._access.read(scope) as repositories:
            rows = await repositories.audit.page(filters, limit=limit, after=after)
        last = [rows[-1].created_at, rows[-1].id] if len(rows) == limit else None
        return Page([audit_view(row) for row in rows], self._cursors.make(listing, last) if last else None)

    async def _run(self, scope: Scope, flow_id: UUID, run_id: UUID) -> tuple[MasterFlow, RunView]:
        async with self._access.read(scope) as repositories:
            flow = await _existing(repositories, flow_id)
            row = await repositories.runs.get(run_id)
        if row is None or row.flow_id != flow_id:
            raise NotFound("there is no such run", where={"run_id": str(run_id)})
        return flow, run_view(row, self._open(scope, flow_id, row.outputs))

    def _open(self, scope: Scope, flow_id: UUID, packed: bytes | None) -> dict[str, object]:
        return self._access.state.open(scope, flow_id, packed, reveal="flow:read_sensitive" in scope.permissions)

    def _view(self, scope: Scope, row: MasterFlow, state: dict[str, object]) -> FlowView:
        initial = state.get("initial_data")
        data = initial if isinstance(initial, dict) else {}
        return flow_view(self._access.registry, row, permissions=scope.permissions, initial_data=data)

    def _listed(self, scope: Scope, row: MasterFlow) -> FlowView:
        view = flow_view(self._access.registry, row, permissions=scope.permissions)
        return replace(view, next_action=replace(view.next_action, required_inputs=[]))

    def _config(self, row: MasterFlow) -> FlowTypeConfig | None:
        registry = self._access.registry
        return registry.get(row.flow_type).config if row.flow_type in registry.list_flow_types() else None

    def _elapsed_ms(self, row: MasterFlow, runs: Sequence[PhaseRun]) -> float:
        started = next((run.started_at for run in runs if run.id == row.run_id and run.status == "running"), None)
        return (self._clock() - started) / timedelta(milliseconds=1) if started else 0.0

    def _completion(self, row: MasterFlow, milliseconds: float | None) -> datetime | None:
        if milliseconds is None or row.flow_status not in _GOES_ON:
            return None
        return self._clock() + timedelta(milliseconds=milliseconds)


async def _existing(repositories: Repositories, flow_id: UUID) -> MasterFlow:
    row = await repositories.flows.get(flow_id)
    if row is None:
        raise NotFound("there is no such flow", where={"flow_id": str(flow_id)})
    return row


def _flow_filter(filters: FlowFilters) -> FlowFilter:
    statuses: list[str] = []
    for name in filters.status:
        if name not in ALIASES and name not in list(FlowStatus):
            raise InvalidInput(
                f"there is no flow status '{name}'",
                where={"field": "status"},
                next_step=f"Statuses: {', '.join([*FlowStatus, *ALIASES])}.",
            )
        statuses += ALIASES[name] if name in ALIASES else (FlowStatus(name),)
    return FlowFilter(
        statuses=tuple(statuses),
        flow_types=filters.flow_type,
        phase=filters.current_phase,
        created_after=filters.created_after,
        created_before=filters.created_before,
        name_contains=filters.name_contains,
        include_deleted=filters.include_deleted or FlowStatus.DELETED in statuses,
    )


def _remaining(config: FlowTypeConfig | None, row: MasterFlow) -> list[str]:
    return [name for name in config.phase_names if name not in row.phases_completed] if config else []


def _performance(runs: Sequence[PhaseRun]) -> Performance:
    times: dict[str, int] = {}
    for run in runs:
        if run.status in _FINISHED and run.execution_time_ms is not None:
            times[run.phase] = times.get(run.phase, 0) + run.execution_time_ms
    return Performance(sum(times.values()), times)


def _with_duration(action: NextAction, median: float | None, elapsed: float) -> NextAction:
    if median is None or action.type not in ("wait", "execute_phase"):
        return action
    return replace(action, estimated_duration_seconds=whole_seconds(median - elapsed))
