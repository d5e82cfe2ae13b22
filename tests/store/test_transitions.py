"""The SQL functions of the life cycle: what each move writes, and which moves are refused."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from masterflow.errors import IllegalTransition, MasterflowError, NotFound, StaleVersion
from masterflow.kernel.permission import Scope
from masterflow.kernel.status import Action, FlowStatus, check_move
from masterflow.store.database import Database
from masterflow.store.faults import RevertPending
from masterflow.store.transitions import Move
from support.life import FAILURE, RETRY, STATE, SUCCESS, Life, inconsistencies
from support.tenants import ScopeFactory

S = FlowStatus


@pytest.fixture
async def life(worker_database: Database, scope: Scope, admin: psycopg.Connection) -> AsyncIterator[Life]:
    """Flows in a fresh scope; at the end every one of them is consistent."""
    lived = Life(worker_database, scope)
    yield lived
    flows = admin.execute(
        "select flow_id from app.crewai_flow_state_extensions where engagement_id = %s", (scope.engagement_id,)
    ).fetchall()
    assert {row[0]: found for row in flows if (found := inconsistencies(admin, row[0]))} == {}


async def test_a_created_flow_is_initialized_with_its_first_event_and_audit_row(life: Life) -> None:
    flow_id = await life.create(flow_tags=["a"])
    row = await life.row(flow_id)
    audit = await life.select("select action_type, from_status, to_status, ip_address from app.access_audit_log")
    assert (row["flow_status"], row["version"], row["flow_tags"], bytes(row["flow_state"])) == (
        "initialized",
        1,
        ["a"],
        STATE,
    )
    assert audit == [
        {"action_type": "create", "from_status": None, "to_status": "initialized", "ip_address": "192.0.2.1"}
    ]


async def test_the_api_role_may_create_and_execute(database: Database, scope: Scope) -> None:
    life = Life(database, scope)
    moved = await life.execute(await life.create())
    assert (moved.version, moved.flow_status) == (2, "queued")


async def test_execute_opens_a_run_a_change_set_and_one_job(life: Life) -> None:
    flow_id = await life.create()
    moved = await life.execute(flow_id, options={"x": 1}, permissions=["flow:execute"])
    assert moved.run_id is not None
    run, (job,) = await life.run(moved.run_id), await life.jobs(moved.run_id)
    change_sets = await life.select("select id, kind, status, flow_id from app.change_sets")
    assert (run["status"], run["attempt"]) == ("queued", 1)
    assert (run["options"], run["permissions"]) == ({"x": 1}, ["flow:execute"])
    assert change_sets == [{"id": moved.run_id, "kind": "run", "status": "open", "flow_id": flow_id}]
    ids = [life.scope.client_account_id, life.scope.engagement_id, flow_id, moved.run_id, 1]
    assert (job["dedupe_key"], job["payload"].decode()) == (f"{moved.run_id}:1", ",".join(map(str, ids)))


async def test_a_gate_makes_the_run_wait_without_a_job_until_it_is_approved(life: Life) -> None:
    flow_id = await life.create()
    moved = await life.execute(flow_id, to="waiting_for_approval", waiting_for={"for": "gate"})
    assert moved.run_id is not None
    waiting = (await life.row(flow_id))["waiting_for"], (await life.run(moved.run_id))["status"]
    before = await life.jobs(moved.run_id)
    await life.move(flow_id, Action.APPROVE, S.QUEUED, run_status="queued")
    assert (waiting, before, len(await life.jobs(moved.run_id))) == (({"for": "gate"}, "pending"), [], 1)


async def test_start_returns_what_the_worker_needs_and_keeps_the_state_before(life: Life) -> None:
    attempt = await life.begin(permissions=["flow:execute"])
    started = attempt.started
    checkpoints = await life.select("select kind, state, digest from app.checkpoints")
    assert (started.phase, started.attempt, started.state, started.steps) == ("data_import", 1, STATE, [])
    assert (started.change_set_id, started.permissions) == (attempt.job.run_id, ["flow:execute"])
    assert checkpoints == [{"kind": "before", "state": STATE, "digest": hashlib.sha256(STATE).digest()}]


async def test_finish_writes_results_progress_checkpoint_and_seals_the_change_set(life: Life) -> None:
    attempt = await life.begin()
    assert await life.step(attempt, writes=True)
    outcome = SUCCESS | {"phases_completed": ["data_import"], "progress": 16.7, "steps": [
        {"step": 2, "handler": "count", "outputs": "Snt9"}]}  # fmt: skip
    moved = await life.finish(attempt, outcome, state=b"Jnew")
    row, run = await life.row(attempt.job.flow_id), await life.run(attempt.job.run_id)
    assert moved is not None
    assert (moved.flow_status, row["phases_completed"], row["progress_percentage"]) == ("ready", ["data_import"], 16.7)
    assert (bytes(row["flow_state"]), run["status"], bytes(run["outputs"])) == (b"Jnew", "succeeded", b'J{"done":true}')
    steps = await life.select("select step, handler, outputs from app.run_steps order by step")
    assert [(step["step"], step["handler"]) for step in steps] == [(1, "read_file"), (2, "count")]
    assert await life.select("select status from app.change_sets") == [{"status": "sealed"}]
    assert await life.select("select state from app.checkpoints where kind = 'after'") == [{"state": b"Jnew"}]


async def test_a_finish_can_open_the_next_run(life: Life) -> None:
    attempt = await life.begin()
    following = {"phase": "field_mapping", "to": "queued", "inputs": "Snt9"}
    moved = await life.finish(attempt, SUCCESS | {"phases_completed": ["data_import"], "next": following})
    row = await life.row(attempt.job.flow_id)
    assert moved is not None
    assert (moved.flow_status, row["current_phase"]) == ("queued", "field_mapping")
    assert row["run_id"] != attempt.job.run_id
    assert len(await life.jobs(row["run_id"])) == 1


async def test_a_finish_tells_listeners_the_ids_only(life: Life, admin: psycopg.Connection) -> None:
    attempt = await life.begin()
    admin.execute("listen masterflow_events")
    await life.finish(attempt)
    notes = [note.payload for note in admin.notifies(timeout=5, stop_after=1)]
    admin.execute("unlisten *")
    scope = life.scope
    assert notes == [f"{scope.client_account_id},{scope.engagement_id},{attempt.job.flow_id},4"]


async def test_a_retry_keeps_the_run_counts_the_attempt_and_is_due_later(life: Life) -> None:
    attempt = await life.begin()
    await life.step(attempt)
    await life.finish(attempt, RETRY | {"due_seconds": 60, "error": {"code": "busy"}})
    run, jobs = await life.run(attempt.job.run_id), await life.jobs(attempt.job.run_id)
    assert (run["status"], run["attempt"], run["finished_at"], run["error"]) == ("queued", 2, None, {"code": "busy"})
    assert run["due_at"] - datetime.now(UTC) > timedelta(seconds=50)
    assert (jobs[-1]["dedupe_key"], jobs[-1]["execute_after"]) == (f"{run['id']}:2", run["due_at"])
    assert await life.select("select status from app.change_sets") == [{"status": "open"}]


async def test_a_retried_run_goes_on_after_its_last_step(life: Life) -> None:
    first = await life.begin()
    await life.step(first)
    await life.finish(first, RETRY | {"due_seconds": 0})
    second = await life.start(first.job.flow_id, first.job.run_id, attempt=2)
    assert second is not None
    assert [step["step"] for step in second.started.steps] == [1]
    assert (await life.run(first.job.run_id))["due_at"] is None


async def test_a_step_is_recorded_once(life: Life) -> None:
    attempt = await life.begin()
    await life.step(attempt)
    with pytest.raises(MasterflowError, match="exists already"):
        await life.step(attempt)


async def test_a_paused_run_is_kept_and_its_last_checkpoint_is_of_its_end(life: Life) -> None:
    attempt = await life.begin()
    await life.step(attempt)
    await life.finish(attempt, {"to": "paused", "run_status": "pending", "event": "flow_paused"}, state=b"Jhalf")
    paused = await life.run(attempt.job.run_id)
    await life.drop_job(attempt.job.run_id)  # the worker acknowledges the job of a run that it left
    await life.move(attempt.job.flow_id, Action.RESUME, S.QUEUED, run_status="queued")
    again = await life.start(attempt.job.flow_id, attempt.job.run_id)
    assert again is not None
    await life.finish(again, state=b"Jend")
    kept = await life.select("select kind, state from app.checkpoints order by kind")
    assert (paused["status"], paused["attempt"], paused["finished_at"]) == ("pending", 1, None)
    assert kept == [{"kind": "after", "state": b"Jend"}, {"kind": "before", "state": STATE}]


async def test_the_changes_of_a_failed_run_are_reverted_once_and_block_it_until_then(life: Life) -> None:
    attempt = await life.begin()
    await life.step(attempt, writes=True)
    await life.finish(attempt, FAILURE | {"revert": True})
    flow_id, run_id = attempt.job.flow_id, attempt.job.run_id
    waiting = (life.scope.client_account_id, life.scope.engagement_id, flow_id, run_id)
    assert waiting in await life.moves.pending_reverts()
    with pytest.raises(RevertPending):
        await life.execute(flow_id)
    with pytest.raises(RevertPending):
        await life.move(flow_id, Action.SKIP, S.READY, following={"phase": "x", "to": "queued", "inputs": "Snt9"})
    assert await life.moves.revert_run(life.scope, flow_id=flow_id, run_id=run_id) == [
        {"table_name": "assets", "removed": 1, "changed": 0, "restored": 0}
    ]
    assert await life.moves.revert_run(life.scope, flow_id=flow_id, run_id=run_id) == []
    assert waiting not in await life.moves.pending_reverts()
    assert (await life.execute(flow_id)).flow_status == "queued"


async def test_a_cancelled_run_is_marked_for_reverting(life: Life) -> None:
    attempt = await life.begin()
    await life.step(attempt, writes=True)
    await life.move(attempt.job.flow_id, Action.CANCEL, S.CANCELLED, run_status="cancelled", revert=True)
    row, run = await life.row(attempt.job.flow_id), await life.run(attempt.job.run_id)
    assert (row["revert_pending"], run["status"], run["finished_at"] is not None) == (True, "cancelled", True)
    assert await life.finish(attempt) is None


async def test_deleting_remembers_and_restoring_brings_back(life: Life) -> None:
    flow_id = await life.create()
    before = {"flow_status": "initialized"}
    await life.move(flow_id, Action.DELETE, S.DELETED, status_before=before, deletion_metadata={"reason": "x"})
    deleted = await life.row(flow_id)
    moved = await life.move(flow_id, Action.RESTORE, S.INITIALIZED)
    assert (deleted["status_before"], deleted["deletion_metadata"]) == (before, {"reason": "x"})
    assert (moved.flow_status, (await life.row(flow_id))["deletion_metadata"]) == ("initialized", None)


async def test_iterating_counts_up_and_opens_the_chosen_run(life: Life) -> None:
    attempt = await life.begin()
    await life.finish(attempt, SUCCESS | {"to": "completed", "phases_completed": ["data_import"]})
    following = {"phase": "data_import", "to": "queued", "inputs": "Snt9"}
    moved = await life.move(
        attempt.job.flow_id, Action.ITERATE, S.READY, iteration=2, phases_completed=[], following=following
    )
    assert moved.run_id is not None
    assert (moved.flow_status, (await life.run(moved.run_id))["iteration"]) == ("queued", 2)


Refused = Callable[[Life, UUID, int], Awaitable[object]]
CALLS: dict[str, Refused] = {
    "execute": lambda life, flow_id, version: life.execute(flow_id, version),
    "move": lambda life, flow_id, version: life.moves.move(
        life.scope, flow_id=flow_id, version=version, move=Move(Action.PAUSE, S.PAUSED, {"event": "x"})
    ),
}


@pytest.mark.parametrize("call", CALLS)
async def test_a_stale_version_is_refused_and_changes_nothing(life: Life, call: str) -> None:
    flow_id = await life.create()
    await life.move(flow_id, Action.PAUSE, S.PAUSED)
    with pytest.raises(StaleVersion, match="at version 2, not 1"):
        await CALLS[call](life, flow_id, 1)
    assert (await life.row(flow_id))["version"] == 2


@pytest.mark.parametrize("call", CALLS)
async def test_a_foreign_flow_looks_like_one_that_does_not_exist(
    life: Life, make_scope: ScopeFactory, call: str
) -> None:
    sibling = Life(life.database, make_scope(client=life.scope.client_account_id))
    answers = []
    for flow_id in (await sibling.create(), uuid4()):
        with pytest.raises(NotFound) as refused:
            await CALLS[call](life, flow_id, 1)
        answers.append((refused.value.detail, refused.value.where))
    assert answers[0] == answers[1]


async def test_a_parent_of_another_tenant_is_refused(life: Life, make_scope: ScopeFactory) -> None:
    foreign = await Life(life.database, make_scope()).create()
    with pytest.raises(MasterflowError):
        await life.create(parent_flow_id=str(foreign))


async def test_an_illegal_execution_is_refused_and_changes_nothing(life: Life) -> None:
    flow_id = await life.create()
    await life.execute(flow_id)
    with pytest.raises(IllegalTransition, match="queued cannot execute"):
        await life.execute(flow_id)
    assert (await life.row(flow_id))["version"] == 2


async def test_an_outcome_that_the_table_lacks_is_refused(life: Life) -> None:
    attempt = await life.begin()
    with pytest.raises(IllegalTransition):
        await life.finish(attempt, SUCCESS | {"to": "initialized"})


def test_the_database_allows_exactly_the_moves_of_the_kernel(admin: psycopg.Connection) -> None:
    different = []
    for action in Action:
        for source in FlowStatus:
            for target in FlowStatus:
                if _database_allows(admin, action, source, target) != _kernel_allows(action, source, target):
                    different.append((action, source, target))
    assert different == []


def _database_allows(admin: psycopg.Connection, action: Action, source: FlowStatus, target: FlowStatus) -> bool:
    refusal = ""
    try:
        admin.execute("select app.require_move(%s, %s, %s)", (action.value, source.value, target.value))
    except psycopg.Error as error:
        refusal = error.sqlstate or "unknown"
    assert refusal in ("", "MF011")
    return not refusal


def _kernel_allows(action: Action, source: FlowStatus, target: FlowStatus) -> bool:
    try:
        return check_move(source, action, target) is target
    except IllegalTransition:
        return False
