"""The verbs of a flow's life on a small flow type, with a real worker."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from masterflow.errors import Conflict, IllegalTransition, InvalidInput, NotFound, NotPermitted, StaleVersion
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow
from masterflow.orchestrator.views import FlowView
from support.services import TestWorker
from support.tenants import ScopeFactory

NAMES = {"names": ["a", "b"]}


async def created(orchestrator: MasterFlowOrchestrator, scope: Scope, **more: object) -> FlowView:
    """A toy flow."""
    return await orchestrator.create_flow(scope, CreateFlow(flow_type="toy", **more))


async def gathered(orchestrator: MasterFlowOrchestrator, scope: Scope, work: TestWorker) -> FlowView:
    """A toy flow whose first phase is done."""
    flow = await created(orchestrator, scope, initial_data=NAMES)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    await work.run_all(scope)
    return flow


async def test_a_flow_goes_through_phase_review_gate_and_skip_to_its_end(orchestrator, queries, scope, work):
    flow = await gathered(orchestrator, scope, work)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow(phase_name="check"))
    await work.run_all(scope)
    waiting = (await queries.get_flow(scope, flow.flow_id)).flow
    assert (waiting.status, waiting.next_action.type) == ("waiting_for_approval", "approve")
    accepted = await orchestrator.approve(scope, flow.flow_id, note="fine")
    assert (accepted.flow.status, accepted.flow.phases_completed) == ("ready", ["gather", "check"])
    gate = await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    assert gate.flow.status == "waiting_for_approval"
    released = await orchestrator.approve(scope, flow.flow_id)
    assert released.flow.status == "queued"
    await work.run_all(scope)
    skipped = await orchestrator.skip(scope, flow.flow_id, reason="nothing to tidy")
    assert (skipped.flow.status, skipped.flow.progress_percentage) == ("completed", 100)


async def test_auto_execute_runs_until_a_person_is_needed(orchestrator, queries, scope, work):
    flow = await created(orchestrator, scope, initial_data=NAMES, options={"auto_execute": True})
    assert flow.status == "initialized"
    assert await work.run_all(scope) == 2
    assert (await queries.get_flow(scope, flow.flow_id)).flow.status == "waiting_for_approval"
    await orchestrator.approve(scope, flow.flow_id)
    view = (await queries.get_flow(scope, flow.flow_id)).flow
    assert (view.status, view.waiting_for["for"]) == ("waiting_for_approval", "gate")


async def test_a_rejected_result_waits_for_input_and_a_rejected_gate_is_ready_again(orchestrator, scope, work):
    flow = await gathered(orchestrator, scope, work)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    await work.run_all(scope)
    rejected = await orchestrator.reject(scope, flow.flow_id, reason="count again")
    assert (rejected.flow.status, rejected.flow.next_action.message) == ("waiting_for_input", "count again")
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow(inputs={"approval": True}))
    await work.run_all(scope)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    refused = await orchestrator.reject(scope, flow.flow_id, reason="not today")
    assert (refused.flow.status, refused.flow.phases_completed) == ("ready", ["gather", "check"])


async def test_a_rejection_needs_a_reason(orchestrator, scope):
    flow = await created(orchestrator, scope)
    with pytest.raises(InvalidInput, match="needs a reason"):
        await orchestrator.reject(scope, flow.flow_id, reason="  ")


async def test_missing_and_unknown_inputs_are_refused_and_change_nothing(orchestrator, queries, scope):
    flow = await created(orchestrator, scope)
    for inputs in ({}, {"names": "a"}, {"names": [], "other": 1}):
        with pytest.raises(InvalidInput, match="not valid"):
            await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow(inputs=inputs))
    assert (await queries.get_flow(scope, flow.flow_id)).flow.version == flow.version


async def test_a_phase_that_asks_for_input_goes_on_with_it(orchestrator, queries, scope, work):
    flow = await created(orchestrator, scope, initial_data={"names": []})
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    await work.run_all(scope)
    asked = (await queries.get_flow(scope, flow.flow_id)).flow
    assert asked.next_action.message == "at least one name is needed"
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow(inputs=NAMES))
    await work.run_all(scope)
    assert (await queries.get_flow(scope, flow.flow_id)).flow.phases_completed == ["gather"]


async def test_a_failed_phase_fails_the_flow_and_may_be_executed_again(orchestrator, queries, scope, work):
    flow = await created(orchestrator, scope, initial_data=NAMES)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow(inputs={**NAMES, "broken": True}))
    await work.run_all(scope)
    assert (await queries.get_flow(scope, flow.flow_id)).flow.status == "failed"
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    await work.run_all(scope)
    assert (await queries.get_flow(scope, flow.flow_id)).flow.status == "ready"


async def test_another_phase_than_the_next_and_an_unknown_one_are_refused(orchestrator, scope):
    flow = await created(orchestrator, scope, initial_data=NAMES)
    with pytest.raises(Conflict, match="is not next"):
        await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow(phase_name="tidy"))
    with pytest.raises(InvalidInput, match="has no phase"):
        await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow(phase_name="nothing"))


async def test_pause_and_resume_put_a_queued_flow_back_and_its_run_is_done_once(orchestrator, queries, scope, work):
    flow = await created(orchestrator, scope, initial_data=NAMES)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    paused = await orchestrator.pause(scope, flow.flow_id)
    assert paused.flow.status == "paused"
    await work.run_all(scope)
    assert (await queries.get_flow(scope, flow.flow_id)).flow.status == "paused"
    assert (await orchestrator.resume(scope, flow.flow_id)).flow.status == "queued"
    await work.run_all(scope)
    assert [run.status for run in await queries.list_runs(scope, flow.flow_id)] == ["succeeded"]


async def test_a_type_without_the_capability_refuses_pause_and_iteration(orchestrator, scope):
    flow = await orchestrator.create_flow(scope, CreateFlow(flow_type="rigid"))
    assert not {"pause", "iterate"} & set(flow.allowed_actions)
    with pytest.raises(Conflict, match="cannot be paused"):
        await orchestrator.pause(scope, flow.flow_id)
    with pytest.raises(Conflict, match="iterations"):
        await orchestrator.iterate(scope, flow.flow_id)


async def test_iterate_begins_anew_up_to_the_limit_and_keeps_earlier_runs(orchestrator, queries, scope, work):
    flow = await gathered(orchestrator, scope, work)
    again = await orchestrator.iterate(scope, flow.flow_id)
    assert (again.flow.iteration_number, again.flow.phases_completed) == (2, [])
    with pytest.raises(Conflict, match="allows 2 iterations"):
        await orchestrator.iterate(scope, flow.flow_id)
    assert len(await queries.list_runs(scope, flow.flow_id)) == 1


async def test_a_phase_that_may_not_be_skipped_is_not(orchestrator, scope):
    flow = await created(orchestrator, scope, initial_data=NAMES)
    with pytest.raises(Conflict, match="cannot be skipped"):
        await orchestrator.skip(scope, flow.flow_id)


async def test_a_cancelled_flow_runs_no_more(orchestrator, queries, scope, work):
    flow = await created(orchestrator, scope, initial_data=NAMES)
    await orchestrator.execute_phase(scope, flow.flow_id, ExecuteFlow())
    await orchestrator.cancel(scope, flow.flow_id, reason="wrong file")
    await work.run_all(scope)
    view = (await queries.get_flow(scope, flow.flow_id)).flow
    assert (view.status, view.phases_completed) == ("cancelled", [])
    with pytest.raises(IllegalTransition, match="cannot cancel"):
        await orchestrator.cancel(scope, flow.flow_id)


async def test_a_deleted_flow_leaves_the_list_and_comes_back(orchestrator, queries, scope):
    flow = await created(orchestrator, scope)
    gone = await orchestrator.delete_flow(scope, flow.flow_id, reason="test")
    assert (gone.flow.status, gone.flow.allowed_actions) == ("deleted", ["restore"])
    assert await queries.get_active_flows(scope) == []
    assert (await orchestrator.restore(scope, flow.flow_id)).flow.status == "initialized"


async def test_an_old_version_is_refused_by_every_verb(orchestrator, scope):
    flow = await created(orchestrator, scope, initial_data=NAMES)
    await orchestrator.pause(scope, flow.flow_id, version=flow.version)
    for verb in (orchestrator.resume, orchestrator.cancel, orchestrator.delete_flow):
        with pytest.raises(StaleVersion):
            await verb(scope, flow.flow_id, version=flow.version)


async def test_another_tenants_flow_does_not_exist_for_any_verb(orchestrator, scope, other_scope):
    flow = await created(orchestrator, scope)
    verbs = (orchestrator.approve, orchestrator.skip, orchestrator.cancel, orchestrator.pause, orchestrator.resume)
    for verb in (*verbs, orchestrator.iterate, orchestrator.delete_flow, orchestrator.restore):
        with pytest.raises(NotFound):
            await verb(other_scope, flow.flow_id)
    with pytest.raises(NotFound):
        await orchestrator.execute_phase(other_scope, flow.flow_id, ExecuteFlow())
    with pytest.raises(NotFound):
        await orchestrator.cancel(scope, uuid4())


async def test_accepting_by_execute_needs_the_permission_to_approve(
    orchestrator: MasterFlowOrchestrator, access: Access, make_scope: ScopeFactory, admin: psycopg.Connection
):
    analyst = make_scope("analyst")
    flow = await created(orchestrator, analyst, initial_data=NAMES)
    request = ExecuteFlow(inputs={"approval": True})
    with pytest.raises((IllegalTransition, NotPermitted), match="flow:approve"):
        await orchestrator.execute_phase(analyst, flow.flow_id, request)
    denied = admin.execute(
        "select action_type from app.access_audit_log where client_account_id = %s and result = 'denied'",
        (analyst.client_account_id,),
    ).fetchall()
    assert denied == [("approve",)]


async def test_every_move_leaves_one_audit_row_and_one_event(orchestrator, queries, scope, admin, work):
    flow = await gathered(orchestrator, scope, work)
    await orchestrator.pause(scope, flow.flow_id)
    rows = admin.execute(
        "select action_type from app.access_audit_log where resource_id = %s order by created_at", (str(flow.flow_id),)
    ).fetchall()
    assert [row[0] for row in rows] == ["create", "execute", "start", "finish", "pause"]
    history = await queries.get_history(scope, flow.flow_id)
    assert [event.seq for event in history.events] == [1, 2, 3, 4, 5]
