"""Questions about flows: estimates from history, lists, what strangers see, and the figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.errors import InvalidInput, NotFound
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator import estimates
from masterflow.orchestrator.analytics import ENOUGH_FOR_A_P95, FlowAnalytics, summarised
from masterflow.orchestrator.estimates import FRESH, remaining_ms, whole_seconds
from masterflow.orchestrator.filters import AuditFilter, FlowFilters
from masterflow.orchestrator.queries import FlowQueries, utc_now
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow
from masterflow.store.repositories.flows import FlowCount
from masterflow.store.repositories.runs import PhaseStatistics
from support.factories import plant

NAMES = {"names": ["a"]}
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


class Clock:
    """A clock that tests set; starts now."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


async def created(orchestrator, scope, **more):
    return await orchestrator.create_flow(scope, CreateFlow(flow_type="toy", initial_data=NAMES, **more))


async def completed(orchestrator, scope, work):
    """A toy flow that went through all its phases."""
    flow = await created(orchestrator, scope, options={"auto_execute": True})
    await work.run_all(scope)
    await orchestrator.approve(scope, flow.flow_id)
    await orchestrator.approve(scope, flow.flow_id)
    await work.run_all(scope)
    return flow


def took(admin, scope, phase, milliseconds):
    """Let the finished runs of a phase have taken a known time."""
    admin.execute(
        "update app.phase_runs set execution_time_ms = %s where client_account_id = %s and phase = %s"
        " and status = 'succeeded'",
        (milliseconds, scope.client_account_id, phase),
    )


async def test_an_estimate_is_now_plus_the_medians_of_what_remains(access, orchestrator, scope, work, admin):
    done = await completed(orchestrator, scope, work)
    for phase, milliseconds in (("gather", 1_000), ("check", 20_000), ("release", 3_000), ("tidy", 500)):
        took(admin, scope, phase, milliseconds)
    clock = Clock()
    queries = FlowQueries(access, clock=clock)
    flow = await created(orchestrator, scope)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    await work.run_all(scope)
    status = await queries.get_flow_status(scope, flow.flow_id)
    assert status.progress.estimated_completion == clock.now + timedelta(milliseconds=23_500)
    assert status.next_action.estimated_duration_seconds == 20
    ended = await queries.get_flow_status(scope, done.flow_id)
    assert (ended.status, ended.progress.estimated_completion) == ("completed", None)


async def test_a_running_phase_counts_with_what_is_left_of_it(access, orchestrator, scope, work, admin):
    await completed(orchestrator, scope, work)
    for phase in ("gather", "check", "release", "tidy"):
        took(admin, scope, phase, 10_000)
    flow = await created(orchestrator, scope)
    run = (await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())).run_id
    clock = Clock()
    admin.execute(
        "update app.phase_runs set status = 'running', started_at = %s where id = %s",
        (clock.now - timedelta(seconds=4), run),
    )
    status = await FlowQueries(access, clock=clock).get_flow_status(scope, flow.flow_id)
    assert status.next_action.estimated_duration_seconds == 6
    assert status.progress.estimated_completion == clock.now + timedelta(seconds=36)


async def test_without_history_there_is_no_estimate(queries, orchestrator, scope):
    status = await queries.get_flow_status(scope, (await created(orchestrator, scope)).flow_id)
    assert status.progress.estimated_completion is None
    assert status.next_action.estimated_duration_seconds is None


async def test_history_is_read_again_after_a_minute(access, orchestrator, scope, work, admin):
    flow = await created(orchestrator, scope)
    clock = Clock()
    queries = FlowQueries(access, clock=clock)

    async def estimate():
        return (await queries.get_flow_status(scope, flow.flow_id)).next_action.estimated_duration_seconds

    assert await estimate() is None
    await completed(orchestrator, scope, work)
    took(admin, scope, "gather", 7_000)
    assert await estimate() is None, "the answer of less than a minute ago is used"
    clock.now = utc_now() + FRESH
    assert await estimate() == 7


async def test_figures_of_many_engagements_are_not_kept_for_ever(access, scope, other_scope, monkeypatch):
    monkeypatch.setattr(estimates, "_KEPT", 1)
    known = estimates.Estimates(access, clock=Clock())
    for asking in (scope, other_scope):
        assert await known.medians(asking, "toy") == {}
    assert list(known._known) == [(other_scope.client_account_id, other_scope.engagement_id)]


async def test_a_waiting_flow_has_no_estimate_of_its_own(queries, orchestrator, scope, work):
    await completed(orchestrator, scope, work)
    flow = await created(orchestrator, scope, options={"auto_execute": True})
    await work.run_all(scope)
    status = await queries.get_flow_status(scope, flow.flow_id)
    assert (status.status, status.progress.estimated_completion) == ("waiting_for_approval", None)


async def test_a_flow_of_a_type_that_is_gone_is_still_shown(queries, scope, admin):
    world = plant(admin, scope)
    status = await queries.get_flow_status(scope, world.flow_id)
    assert (status.flow_type, status.progress.phases_remaining, status.allowed_actions) == ("discovery", [], [])


async def test_another_tenants_flow_and_run_do_not_exist(queries, orchestrator, scope, other_scope, work):
    flow = await created(orchestrator, scope)
    run = (await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())).run_id
    questions = (queries.get_flow, queries.get_flow_status, queries.get_history, queries.list_runs)
    for question in questions:
        with pytest.raises(NotFound):
            await question(other_scope, flow.flow_id)
    for question in (queries.get_run, queries.phase_result):
        for flow_id, run_id in ((flow.flow_id, run), (uuid4(), run)):
            with pytest.raises(NotFound):
                await question(other_scope, flow_id, run_id)
    assert (await queries.list_flows(other_scope, FlowFilters())).items == []
    assert (await queries.list_audit(other_scope, AuditFilter())).items == []


async def test_active_flows_are_those_that_may_go_on(queries, orchestrator, scope):
    flow, gone = await created(orchestrator, scope), await created(orchestrator, scope)
    await orchestrator.cancel(scope, gone.flow_id)
    assert [view.flow_id for view in await queries.get_active_flows(scope)] == [flow.flow_id]


async def test_every_status_is_a_filter(queries, scope):
    for status in FlowStatus:
        assert (await queries.list_flows(scope, FlowFilters(status=(status,)))).items == []
    with pytest.raises(InvalidInput, match="no flow status 'asleep'"):
        await queries.list_flows(scope, FlowFilters(status=("asleep",)))


async def test_outputs_of_a_run_are_masked_like_the_state(queries, orchestrator, make_scope, work):
    analyst = make_scope("analyst")
    flow = await created(orchestrator, analyst)
    run = (await orchestrator.execute_phase(analyst, flow.flow_id, ExecuteFlow())).run_id
    await work.run_all(analyst)
    assert (await queries.get_run(analyst, flow.flow_id, run)).outputs == {"count": 1, "client_secret": "***"}
    assert (await queries.phase_result(analyst, flow.flow_id, run)).outputs["client_secret"] == "***"


async def test_figures_cover_the_time_range_only(access, orchestrator, scope, work):
    await completed(orchestrator, scope, work)
    analytics = FlowAnalytics(access)
    now = await analytics.get_flow_analytics(scope)
    before = await analytics.get_flow_analytics(scope, since=SINCE, until=UNTIL)
    assert [figures.phase for figures in now.phases] == ["check", "gather", "release", "tidy"]
    assert (before.phases, before.total_flows) == ([], 1)
    with pytest.raises(InvalidInput, match="range is empty"):
        await analytics.get_flow_analytics(scope, since=UNTIL, until=SINCE)


def row(phase, runs, p95, *, flow_type="toy"):
    """Statistics of a phase."""
    return PhaseStatistics(flow_type, phase, runs, runs, 0, p95, p95, p95)


def test_the_bottleneck_is_the_phase_with_the_largest_share_of_the_p95():
    view = summarised(
        [FlowCount("toy", "ready", 2), FlowCount("toy", "failed", 1), FlowCount("rigid", "ready", 4)],
        [row("gather", 20, 100.0), row("check", 40, 300.0)],
        since=SINCE,
        until=UNTIL,
    )
    assert (view.total_flows, view.by_status) == (7, {"ready": 6, "failed": 1})
    (found,) = view.bottlenecks
    assert (found.phase, found.share, found.note) == ("check", 0.75, "")
    assert all(figures.notes == [] for figures in view.phases)


def test_no_bottleneck_is_named_where_runs_are_too_few_or_took_no_time():
    few = summarised([], [row("gather", 19, 100.0), row("check", 40, 300.0)], since=SINCE, until=UNTIL)
    none = summarised([], [row("gather", 20, 0.0)], since=SINCE, until=UNTIL)
    assert (few.bottlenecks[0].phase, few.bottlenecks[0].note) == (None, "insufficient data: gather 19 runs, 20 needed")
    assert (none.bottlenecks[0].phase, none.bottlenecks[0].note) == (None, "no phase took measurable time")


@given(st.integers(1, 60))
def test_a_figure_is_shown_only_with_enough_runs(runs):
    (figures,) = summarised([], [row("gather", runs, 5.0)], since=SINCE, until=UNTIL).phases
    assert (figures.p95_ms is not None) == (runs >= ENOUGH_FOR_A_P95)
    assert (figures.p50_ms is not None) == (runs >= 3)
    assert len(figures.notes) == (runs < 20) + (runs < 3)


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=6), st.floats(0, 1e8))
def test_what_remains_is_never_less_than_the_later_phases(times, elapsed):
    phases = [f"phase {number}" for number in range(len(times))]
    medians = dict(zip(phases, times, strict=True))
    found = remaining_ms(phases, medians, elapsed)
    assert found >= sum(times[1:]) - 1e-6
    assert found <= sum(times) + 1e-6
    assert remaining_ms([*phases, "new"], medians, elapsed) is None
    assert remaining_ms([], medians, elapsed) is None


@given(st.floats(-1e6, 1e9))
def test_seconds_are_rounded_up_and_at_least_one(milliseconds):
    seconds = whole_seconds(milliseconds)
    assert seconds >= 1
    assert seconds * 1000 >= milliseconds
