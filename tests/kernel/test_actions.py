"""What a caller may do with a flow now: the table, the type's capabilities and the caller's permissions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.kernel.actions import OFFERED, PERMISSION_OF, allowed_actions
from masterflow.kernel.definition import FlowCapabilities, FlowTypeConfig
from masterflow.kernel.permission import PERMISSIONS
from masterflow.kernel.status import ENGINE_ACTIONS, Action, FlowStatus, may
from support.toy import PHASE, toy_type

S = FlowStatus
CONFIG = toy_type()


def allowed(
    config: FlowTypeConfig = CONFIG,
    status: FlowStatus = S.READY,
    *,
    completed: list[str] | None = None,
    iteration: int = 1,
) -> list[str]:
    """Actions of somebody who may do everything."""
    return allowed_actions(
        config, status=status, completed=completed or [], iteration=iteration, permissions=PERMISSIONS
    )


def test_a_ready_flow_offers_what_the_table_and_the_type_allow() -> None:
    assert allowed() == ["execute", "pause", "cancel", "iterate", "delete"]


def test_every_action_of_a_person_needs_one_permission() -> None:
    assert set(PERMISSION_OF) == set(Action) - ENGINE_ACTIONS
    assert set(OFFERED) <= set(PERMISSION_OF)


@given(
    status=st.sampled_from(FlowStatus),
    permissions=st.sets(st.sampled_from(sorted(PERMISSIONS))),
    completed=st.lists(st.sampled_from(CONFIG.phase_names)),
    iteration=st.integers(1, 12),
)
def test_nothing_is_offered_that_table_or_permissions_refuse(
    status: FlowStatus, permissions: set[str], completed: list[str], iteration: int
) -> None:
    found = allowed_actions(CONFIG, status=status, completed=completed, iteration=iteration, permissions=permissions)
    assert all(may(status, Action(name)) and PERMISSION_OF[Action(name)] in permissions for name in found)


def test_skipping_is_offered_only_where_the_next_phase_can_be_skipped() -> None:
    skippable = toy_type(replace(PHASE, can_skip=True), replace(PHASE, name="map"))
    assert "skip" in allowed(skippable)
    assert "skip" not in allowed(skippable, completed=["read"])
    assert "skip" not in allowed(skippable, completed=["read", "map"])


def test_executing_is_not_offered_when_every_phase_is_done() -> None:
    assert "execute" not in allowed(completed=CONFIG.phase_names)


@pytest.mark.parametrize(
    ("config", "offered"),
    [
        (CONFIG, True),
        (replace(CONFIG, capabilities=FlowCapabilities(supports_pause_resume=False)), False),
        (toy_type(replace(PHASE, can_pause=False)), False),
    ],
)
def test_pausing_and_resuming_need_the_type_and_the_phase(config: FlowTypeConfig, offered: bool) -> None:
    assert ("pause" in allowed(config)) is offered
    assert ("resume" in allowed(config, S.PAUSED)) is offered


def test_a_flow_after_its_last_phase_can_be_paused_whatever_its_phases_say() -> None:
    assert "pause" in allowed(toy_type(replace(PHASE, can_pause=False)), completed=["read"])


@pytest.mark.parametrize(
    ("capabilities", "iteration", "offered"),
    [
        (FlowCapabilities(max_iterations=2), 1, True),
        (FlowCapabilities(max_iterations=2), 2, False),
        (FlowCapabilities(supports_iterations=False), 1, False),
    ],
)
def test_iterating_needs_the_type_and_an_iteration_that_is_left(
    capabilities: FlowCapabilities, iteration: int, offered: bool
) -> None:
    config = replace(CONFIG, capabilities=capabilities)
    assert ("iterate" in allowed(config, S.COMPLETED, iteration=iteration)) is offered
