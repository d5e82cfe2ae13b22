"""The life cycle's table: every edge wanted, none else, and no status from which nothing leads on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.errors import IllegalTransition
from masterflow.kernel.status import AT_REST, ENGINE_ACTIONS, MOVES, WAITING, Action, FlowStatus, check_move, may, table

S = FlowStatus
EVERY = set(FlowStatus)


def test_at_rest_are_the_statuses_in_which_nothing_runs() -> None:
    assert {S.QUEUED, S.RUNNING, S.ROLLING_BACK, S.DELETED} == EVERY - AT_REST
    assert WAITING < AT_REST


@pytest.mark.parametrize(
    ("action", "sources"),
    [
        (Action.EXECUTE, {S.INITIALIZED, S.READY, S.WAITING_FOR_INPUT, S.FAILED}),
        (Action.APPROVE, {S.WAITING_FOR_APPROVAL}),
        (Action.REJECT, {S.WAITING_FOR_APPROVAL}),
        (Action.START, {S.QUEUED, S.RUNNING}),
        (Action.FINISH, {S.RUNNING}),
        (Action.SKIP, {S.INITIALIZED, S.READY, S.WAITING_FOR_INPUT, S.FAILED}),
        (Action.GIVE_UP, {S.QUEUED, S.RUNNING}),
        (Action.PAUSE, {S.INITIALIZED, S.READY, S.QUEUED, *WAITING}),
        (Action.RESUME, {S.PAUSED}),
        (Action.CANCEL, EVERY - {S.COMPLETED, S.CANCELLED, S.DELETED, S.ROLLING_BACK}),
        (Action.ROLLBACK, AT_REST - {S.INITIALIZED}),
        (Action.ITERATE, {S.READY, S.COMPLETED}),
        (Action.DELETE, AT_REST),
        (Action.RESTORE, {S.DELETED}),
    ],
)
def test_an_action_starts_from_the_statuses_of_the_design(action: Action, sources: set[FlowStatus]) -> None:
    assert {status for status in FlowStatus if may(status, action)} == sources


def test_every_action_has_moves_and_every_target_is_a_status() -> None:
    assert set(MOVES) == set(Action)
    assert {to for edges in MOVES.values() for targets in edges.values() for to in targets} <= EVERY


def test_every_status_but_the_one_of_compensations_can_be_left_and_reached() -> None:
    sources = {source for edges in MOVES.values() for source in edges}
    targets = {to for edges in MOVES.values() for found in edges.values() for to in found}
    assert EVERY - sources == {S.ROLLING_BACK}
    assert EVERY - targets == {S.ROLLING_BACK}


def test_what_a_flow_may_be_restored_to_is_what_it_may_be_deleted_from() -> None:
    assert MOVES[Action.RESTORE][S.DELETED] == set(MOVES[Action.DELETE]) == AT_REST


@given(status=st.sampled_from(FlowStatus), action=st.sampled_from(Action), to=st.sampled_from(FlowStatus))
def test_a_move_is_allowed_exactly_when_the_table_has_it(status: FlowStatus, action: Action, to: FlowStatus) -> None:
    allowed = (action.value, status.value, to.value) in table()
    try:
        result = check_move(status, action, to)
    except IllegalTransition:
        result = None
    assert (result is to) is allowed


def test_a_refused_move_says_what_is_possible_and_hides_the_engines_moves() -> None:
    with pytest.raises(IllegalTransition, match="a flow in status running cannot give up") as refused:
        check_move(S.RUNNING, Action.GIVE_UP, S.READY)
    assert refused.value.where == {"status": "running", "action": "give_up"}
    assert refused.value.next_step == "Possible now: cancel."
    assert {Action.START, Action.FINISH, Action.GIVE_UP} == ENGINE_ACTIONS


def test_a_status_without_moves_says_so() -> None:
    with pytest.raises(IllegalTransition) as refused:
        check_move(S.ROLLING_BACK, Action.CANCEL, S.CANCELLED)
    assert refused.value.next_step == "Possible now: nothing."


def test_the_table_is_sorted_and_has_no_row_twice() -> None:
    assert list(table()) == sorted(set(table()))
