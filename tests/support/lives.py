# ruff: noqa: S608 - names in the statements are those of the schema
"""A hypothesis state machine: orchestrator, workers and reconciler on real flows beside a small pure model."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from masterflow.errors import IllegalTransition
from masterflow.kernel.permission import Scope
from masterflow.kernel.status import MOVES, Action, FlowStatus, check_move, may
from support.life import inconsistencies

S = FlowStatus
LIVE = {S.QUEUED, S.RUNNING}
ENDED = {S.COMPLETED, S.CANCELLED, S.DELETED}
FINISHES = {
    S.READY: "succeeded",
    S.COMPLETED: "succeeded",
    S.WAITING_FOR_APPROVAL: "succeeded",
    S.WAITING_FOR_INPUT: "failed",
    S.FAILED: "failed",
    S.QUEUED: "queued",
    S.PAUSED: "pending",
}
PLAIN = [Action.APPROVE, Action.REJECT, Action.SKIP, Action.PAUSE, Action.CANCEL, Action.ITERATE, Action.DELETE,
         Action.GIVE_UP]  # fmt: skip
"""Moves without a worker whose target is free; resume and restore go back to where the flow was."""


@dataclass(slots=True)
class Model:
    """What a flow should look like."""

    flow_id: UUID
    status: FlowStatus = S.INITIALIZED
    version: int = 1
    run_id: UUID | None = None
    run_status: str = ""
    attempt: int = 1
    fence: int | None = None
    phase: int = 1
    iteration: int = 1
    revert_pending: bool = False
    before: list[FlowStatus] = field(default_factory=list)
    old_fences: list[int] = field(default_factory=list)


_CHOICE = st.integers(0, 999)


def _has(*statuses: FlowStatus) -> Callable[[LifeCycle], bool]:
    return lambda self: any(flow.status in statuses for flow in self.models[-3:])


class LifeCycle(RuleBasedStateMachine):
    """Orchestrator, two workers and a reconciler on the flows of one engagement."""

    def __init__(self, connection: psycopg.Connection, admin: psycopg.Connection, scopes: tuple[Scope, Scope]) -> None:
        super().__init__()
        self.connection = connection
        self.admin = admin
        self.scope, self.foreign = scopes
        self.models: list[Model] = []

    def call(self, statement: str, *arguments: object, scope: Scope | None = None) -> list[dict[str, object]]:
        """Run one function in its own transaction."""
        who = scope or self.scope
        context = (who.client_account_id, who.engagement_id, Jsonb(who.actor_document()))
        cursor = self.connection.cursor(row_factory=dict_row)
        return cursor.execute(f"select * from app.{statement}", (*context, *arguments)).fetchall()

    def refused(self, sqlstate: str, statement: str, *arguments: object, scope: Scope | None = None) -> None:
        """Run one function and see it refuse with this code."""
        with pytest.raises(psycopg.Error) as refusal:
            self.call(statement, *arguments, scope=scope)
        assert refusal.value.sqlstate == sqlstate, refusal.value

    def of(self, choice: int, *statuses: FlowStatus) -> Model:
        """One of the flows, in one of these statuses if any are given."""
        found = [flow for flow in self.models[-3:] if not statuses or flow.status in statuses]
        return found[choice % len(found)]

    @precondition(lambda self: sum(flow.status not in ENDED for flow in self.models[-3:]) < 2)
    @rule()
    def create(self) -> None:
        document = {"flow_type": "discovery", "flow_version": "1", "flow_name": "x"}
        row = self.call("create_flow(%s, %s, %s, %s, %s)", Jsonb(document), b"J{}")[0]
        self.models.append(Model(UUID(str(row["flow_id"]))))

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE, to=st.sampled_from(sorted(FINISHES)), old=st.booleans())
    def go_on(self, choice: int, to: FlowStatus, old: bool) -> None:
        """The usual next thing, so that lives get far."""
        flow = self.of(choice)
        if flow.revert_pending:
            self._execute(flow, gate=False, stale=0)
            self._revert(flow)
        elif may(flow.status, Action.EXECUTE):
            self._execute(flow, gate=False, stale=0)
        elif flow.status is S.QUEUED:
            self._start(flow, alive=True, other_job=False, wrong=0)
        elif flow.status is S.RUNNING:
            self._finish(flow, to, revert=True, old=old, goes_on=False)
        elif flow.status is S.COMPLETED:
            self._move(flow, Action.ITERATE, S.READY)

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE, to=st.sampled_from(sorted(FINISHES)), old=st.booleans())
    def go_on_further(self, choice: int, to: FlowStatus, old: bool) -> None:
        """The same, to make it more frequent."""
        self.go_on(choice, to, old)
        self.go_on(choice, to, False)

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE, gate=st.booleans(), stale=st.sampled_from([0, 0, 0, 1]))
    def execute(self, choice: int, gate: bool, stale: int) -> None:
        self._execute(self.of(choice), gate=gate, stale=stale)

    def _execute(self, flow: Model, *, gate: bool, stale: int) -> None:
        target = S.WAITING_FOR_APPROVAL if gate else S.QUEUED
        run = Jsonb({"phase": f"phase {flow.phase}", "to": target.value})
        arguments = ("execute_flow(%s, %s, %s, %s, %s, %s, %s)", flow.flow_id, flow.version - stale, run, b"J{}")
        if stale:
            self.refused("MF012", *arguments)
        elif not _allowed(flow.status, Action.EXECUTE, target):
            self.refused("MF011", *arguments)
        elif flow.revert_pending:
            self.refused("MF013", *arguments)
        else:
            row = self.call(*arguments)[0]
            self._moved(flow, target)
            flow.run_id, flow.run_status, flow.attempt = UUID(str(row["run_id"])), _opened(target), 1

    @precondition(_has(*LIVE))
    @rule(choice=_CHOICE, alive=st.booleans(), other_job=st.booleans(), wrong=st.sampled_from([0, 0, 0, 1]))
    def start(self, choice: int, alive: bool, other_job: bool, wrong: int) -> None:
        self._start(self.of(choice, *LIVE), alive=alive, other_job=other_job, wrong=wrong)

    def _start(self, flow: Model, *, alive: bool, other_job: bool, wrong: int) -> None:
        if flow.run_id is None:
            return
        job = self._pick(flow, alive=alive)
        lost = flow.status is S.RUNNING and (job is None or not alive or not other_job)
        fence = secrets.randbits(62)
        asked = 2**40 if other_job or job is None else job
        rows = self.call(
            "start_run(%s, %s, %s, %s, %s, %s, %s, %s, '30 s')",
            flow.flow_id,
            flow.run_id,
            flow.attempt + wrong,
            asked,
            fence,
        )
        if wrong or not (flow.status is S.QUEUED or lost):
            assert rows == []
            return
        assert rows[0]["phase"] == f"phase {flow.phase}"
        self._bind(flow, asked, job)
        self._moved(flow, S.RUNNING, fence=fence)
        flow.run_status = "running"

    @precondition(_has(S.RUNNING))
    @rule(choice=_CHOICE, number=st.integers(1, 3), old=st.booleans())
    def step(self, choice: int, number: int, old: bool) -> None:
        flow = self.of(choice, S.RUNNING)
        fence = flow.old_fences[-1] if old and flow.old_fences else flow.fence
        if flow.run_id is None or fence is None:
            return
        with self.connection.transaction():
            row = self.call("begin_step(%s, %s, %s, %s, %s, %s) as ours", flow.flow_id, flow.run_id, fence)[0]
            assert row["ours"] is (fence == flow.fence)
            if row["ours"]:
                with suppress(psycopg.errors.UniqueViolation), self.connection.transaction():
                    self.connection.execute("select app.record_step(%s, %s, 'h', 'J{}')", (flow.run_id, number))

    @precondition(_has(S.RUNNING))
    @rule(
        choice=_CHOICE,
        to=st.sampled_from(sorted(FINISHES)),
        revert=st.booleans(),
        old=st.booleans(),
        goes_on=st.booleans(),
    )
    def finish(self, choice: int, to: FlowStatus, revert: bool, old: bool, goes_on: bool) -> None:
        self._finish(self.of(choice, S.RUNNING), to, revert=revert, old=old, goes_on=goes_on)

    def _finish(self, flow: Model, to: FlowStatus, *, revert: bool, old: bool, goes_on: bool) -> None:
        fence = flow.old_fences[-1] if old and flow.old_fences else flow.fence
        if flow.run_id is None or fence is None:
            return
        run_status = FINISHES[to]
        outcome: dict[str, object] = {"to": to.value, "run_status": run_status, "event": "finished"}
        if run_status == "failed":
            outcome["revert"] = revert
        goes_on = goes_on and to is S.READY
        if goes_on:
            outcome["next"] = {"phase": f"phase {flow.phase + 1}", "to": "queued", "inputs": "Snt9"}
        rows = self.call(
            "finish_run(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            flow.flow_id, flow.run_id, fence, Jsonb(outcome), b"J{}", None,
        )  # fmt: skip
        if fence != flow.fence:
            assert rows == []
            return
        self._moved(flow, to)
        flow.run_status = run_status
        flow.revert_pending = bool(outcome.get("revert"))
        flow.attempt += run_status == "queued"
        flow.phase += run_status == "succeeded"
        if to is S.PAUSED:
            flow.before.append(S.QUEUED)
        if goes_on:
            self._moved(flow, S.QUEUED)
            flow.run_id, flow.run_status, flow.attempt = self._current_run(flow), "queued", 1

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE, action=st.sampled_from(PLAIN), to=st.sampled_from(sorted(S)))
    def try_any_move(self, choice: int, action: Action, to: FlowStatus) -> None:
        flow = self.of(choice)
        self._move(flow, action, to)

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE, which=_CHOICE)
    def make_a_legal_move(self, choice: int, which: int) -> None:
        flow = self.of(choice)
        legal = [(action, to) for action in PLAIN for to in sorted(MOVES[action].get(flow.status, ()))]
        if legal:
            self._move(flow, *legal[which % len(legal)])

    def _move(self, flow: Model, action: Action, to: FlowStatus) -> None:
        if to is S.QUEUED and action is Action.APPROVE and flow.run_status != "pending":
            return  # the orchestrator releases a gate, nothing else
        patch = self._patch(flow, action, to)
        arguments = (
            "move_flow(%s, %s, %s, %s, %s, %s, %s, %s, null)",
            flow.flow_id, flow.version, action.value, to.value, Jsonb(patch),
        )  # fmt: skip
        if not _allowed(flow.status, action, to):
            self.refused("MF011", *arguments)
            return
        self.call(*arguments)
        if action in (Action.PAUSE, Action.DELETE):
            flow.before.append(flow.status)
        self._moved(flow, to)
        flow.run_status = str(patch.get("run_status", flow.run_status))
        flow.iteration += action is Action.ITERATE
        flow.phase += action in (Action.SKIP, Action.ITERATE)
        flow.revert_pending = flow.revert_pending or bool(patch.get("revert"))
        if action is Action.CANCEL and flow.run_status in ("pending", "queued", "running"):
            flow.run_status, flow.revert_pending = "cancelled", True

    @precondition(_has(S.PAUSED, S.DELETED))
    @rule(choice=_CHOICE)
    def put_back(self, choice: int) -> None:
        flow = self.of(choice, S.PAUSED, S.DELETED)
        action = Action.RESTORE if flow.status is S.DELETED else Action.RESUME
        target = flow.before[-1] if flow.before else S.READY
        patch = {"event": "put_back"} | ({"run_status": "queued"} if target is S.QUEUED else {})
        arguments = (
            "move_flow(%s, %s, %s, %s, %s, %s, %s, %s, null)",
            flow.flow_id, flow.version, action.value, target.value, Jsonb(patch),
        )  # fmt: skip
        if not _allowed(flow.status, action, target):
            self.refused("MF011", *arguments)
            return
        self.call(*arguments)
        flow.before.pop()
        self._moved(flow, target)
        flow.run_status = str(patch.get("run_status", flow.run_status))

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE)
    def revert(self, choice: int) -> None:
        self._revert(self.of(choice))

    def _revert(self, flow: Model) -> None:
        if flow.run_id is not None:
            self.call("revert_run(%s, %s, %s, %s, %s)", flow.flow_id, flow.run_id)
            flow.version += flow.revert_pending
            flow.revert_pending = False

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE)
    def lose_the_job_and_reconcile(self, choice: int) -> None:
        flow = self.of(choice)
        self.connection.execute("delete from queue.pgqueuer where dedupe_key like %s", (f"{flow.run_id}:%",))
        rows = self.connection.execute("select run_id from app.reconcile('0 s')").fetchall()
        assert ((flow.run_id,) in rows) == (flow.status in LIVE)

    @precondition(lambda self: self.models)
    @rule(choice=_CHOICE)
    def another_tenant_tries(self, choice: int) -> None:
        flow = self.of(choice)
        self.refused(
            "MF010",
            "move_flow(%s, %s, %s, %s, %s, 'cancel', 'cancelled', '{}', null)",
            flow.flow_id,
            flow.version,
            scope=self.foreign,
        )

    @invariant()
    def the_database_agrees(self) -> None:
        for flow in self.models:
            row = self.admin.execute(
                "select flow_status, version, run_id, fence, revert_pending, iteration_number,"
                " (select status from app.phase_runs r where r.id = f.run_id) from app.crewai_flow_state_extensions f"
                " where flow_id = %s",
                (flow.flow_id,),
            ).fetchone()
            expected = (flow.status, flow.version, flow.run_id, flow.fence, flow.revert_pending, flow.iteration)
            assert row == (*expected, flow.run_status or None)
            assert inconsistencies(self.admin, flow.flow_id) == []

    def _moved(self, flow: Model, target: FlowStatus, *, fence: int | None = None) -> None:
        if flow.fence is not None:
            flow.old_fences.append(flow.fence)
        flow.status, flow.fence = target, fence
        flow.version += 1

    def _patch(self, flow: Model, action: Action, target: FlowStatus) -> dict[str, object]:
        patch: dict[str, object] = {"event": action.value}
        if action is Action.GIVE_UP:
            patch |= {"run_status": "failed", "revert": True}
        if action is Action.APPROVE and target is S.QUEUED:
            patch["run_status"] = "queued"
        if action is Action.REJECT:
            patch["run_status"] = "cancelled" if flow.run_status == "pending" else "superseded"
        if action is Action.ITERATE:
            patch["iteration"] = flow.iteration + 1
        return patch

    def _pick(self, flow: Model, *, alive: bool) -> int | None:
        found = self.connection.execute(
            "update queue.pgqueuer set status = 'picked', heartbeat = now() - %s::interval where dedupe_key = %s"
            " returning id",
            ("0 s" if alive else "60 s", f"{flow.run_id}:{flow.attempt}"),
        ).fetchone()
        return found[0] if found and self._is_current_job(flow, found[0]) else None

    def _is_current_job(self, flow: Model, job: int) -> bool:
        """A running flow is bound to the job that started it; another one is as good as none."""
        if flow.status is not S.RUNNING:
            return True
        found = self.admin.execute(
            "select job_id from app.crewai_flow_state_extensions where flow_id = %s", (flow.flow_id,)
        ).fetchone()
        return found == (job,)

    def _bind(self, flow: Model, asked: int, job: int | None) -> None:
        found = self.admin.execute(
            "select job_id from app.crewai_flow_state_extensions where flow_id = %s", (flow.flow_id,)
        ).fetchone()
        assert found == (asked,)
        assert job is None or asked in (job, 2**40)

    def _current_run(self, flow: Model) -> UUID:
        found = self.admin.execute(
            "select run_id from app.crewai_flow_state_extensions where flow_id = %s", (flow.flow_id,)
        ).fetchone()
        assert found is not None
        assert found[0] != flow.run_id
        return UUID(str(found[0]))


def _allowed(status: FlowStatus, action: Action, target: FlowStatus) -> bool:
    with suppress(IllegalTransition):
        return check_move(status, action, target) is target
    return False


def _opened(target: FlowStatus) -> str:
    return "queued" if target is S.QUEUED else "pending"
