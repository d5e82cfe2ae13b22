"""Which actions a caller may take on a flow now: table, capabilities and permissions together."""

from __future__ import annotations

from collections.abc import Collection

from masterflow.kernel.decisions import next_phase
from masterflow.kernel.definition import FlowTypeConfig
from masterflow.kernel.status import ENGINE_ACTIONS, Action, FlowStatus, may

PERMISSION_OF = {
    Action.EXECUTE: "flow:execute",
    Action.APPROVE: "flow:approve",
    Action.REJECT: "flow:approve",
    Action.SKIP: "flow:skip",
    Action.PAUSE: "flow:pause",
    Action.RESUME: "flow:resume",
    Action.CANCEL: "flow:cancel",
    Action.ROLLBACK: "flow:rollback",
    Action.ITERATE: "flow:iterate",
    Action.DELETE: "flow:delete",
    Action.RESTORE: "flow:restore",
}
OFFERED = tuple(action for action in Action if action not in ENGINE_ACTIONS and action is not Action.ROLLBACK)
"""Actions that this release carries out."""


def allowed_actions(
    config: FlowTypeConfig,
    *,
    status: FlowStatus,
    completed: Collection[str],
    iteration: int,
    permissions: Collection[str],
) -> list[str]:
    """Names of the actions that would be accepted now, in the order of the table."""
    return [
        action.value
        for action in OFFERED
        if may(status, action)
        and PERMISSION_OF[action] in permissions
        and _capable(config, action, completed=completed, iteration=iteration)
    ]


def _capable(config: FlowTypeConfig, action: Action, *, completed: Collection[str], iteration: int) -> bool:
    upcoming = next_phase(config, list(completed))
    if action in (Action.PAUSE, Action.RESUME):
        pausable = upcoming is None or upcoming.can_pause
        return config.capabilities.supports_pause_resume and pausable
    if action is Action.ITERATE:
        return config.capabilities.supports_iterations and iteration < config.capabilities.max_iterations
    if action is Action.SKIP:
        return upcoming is not None and upcoming.can_skip
    if action is Action.EXECUTE:
        return upcoming is not None
    return True
