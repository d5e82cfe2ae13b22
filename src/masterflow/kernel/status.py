"""The life cycle: statuses, actions and the one table of legal moves."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from masterflow.errors import IllegalTransition


class FlowStatus(StrEnum):
    """Status of a flow. Only `rolling_back` lasts while compensations outside the database run."""

    INITIALIZED = "initialized"
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    WAITING_FOR_INPUT = "waiting_for_input"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ROLLING_BACK = "rolling_back"
    DELETED = "deleted"


class RunStatus(StrEnum):
    """Status of a phase run; `pending` waits for a slot, a person or another flow."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class Action(StrEnum):
    """What can be asked of a flow, by a person or by the engine."""

    EXECUTE = "execute"
    APPROVE = "approve"
    REJECT = "reject"
    START = "start"
    FINISH = "finish"
    SKIP = "skip"
    GIVE_UP = "give_up"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    ROLLBACK = "rollback"
    ITERATE = "iterate"
    DELETE = "delete"
    RESTORE = "restore"


_S = FlowStatus
WAITING = frozenset({_S.WAITING_FOR_INPUT, _S.WAITING_FOR_APPROVAL})
AT_REST = WAITING | {_S.INITIALIZED, _S.READY, _S.PAUSED, _S.FAILED, _S.COMPLETED, _S.CANCELLED}
ENGINE_ACTIONS = frozenset({Action.START, Action.FINISH, Action.GIVE_UP})
_EXECUTABLE = frozenset({_S.INITIALIZED, _S.READY, _S.WAITING_FOR_INPUT, _S.FAILED})
_ENDED = frozenset({_S.COMPLETED, _S.CANCELLED, _S.DELETED, _S.ROLLING_BACK})


def _edges(sources: frozenset[FlowStatus], *targets: FlowStatus) -> dict[FlowStatus, frozenset[FlowStatus]]:
    return {source: frozenset(targets) for source in sources}


MOVES: Mapping[Action, Mapping[FlowStatus, frozenset[FlowStatus]]] = {
    Action.EXECUTE: _edges(_EXECUTABLE, _S.QUEUED, _S.WAITING_FOR_APPROVAL),
    Action.APPROVE: _edges(frozenset({_S.WAITING_FOR_APPROVAL}), _S.QUEUED, _S.READY, _S.COMPLETED),
    Action.REJECT: _edges(frozenset({_S.WAITING_FOR_APPROVAL}), _S.READY, _S.WAITING_FOR_INPUT),
    Action.START: _edges(frozenset({_S.QUEUED, _S.RUNNING}), _S.RUNNING),
    Action.FINISH: _edges(
        frozenset({_S.RUNNING}),
        _S.READY,
        _S.QUEUED,
        _S.COMPLETED,
        _S.WAITING_FOR_INPUT,
        _S.WAITING_FOR_APPROVAL,
        _S.PAUSED,
        _S.FAILED,
    ),
    Action.SKIP: _edges(_EXECUTABLE, _S.READY, _S.COMPLETED),
    Action.GIVE_UP: _edges(frozenset({_S.QUEUED, _S.RUNNING}), _S.FAILED),
    Action.PAUSE: _edges(WAITING | {_S.INITIALIZED, _S.READY, _S.QUEUED}, _S.PAUSED),
    Action.RESUME: _edges(
        frozenset({_S.PAUSED}),
        _S.INITIALIZED,
        _S.READY,
        _S.QUEUED,
        _S.WAITING_FOR_INPUT,
        _S.WAITING_FOR_APPROVAL,
    ),
    Action.CANCEL: _edges(frozenset(_S) - _ENDED, _S.CANCELLED),
    Action.ROLLBACK: _edges(AT_REST - {_S.INITIALIZED}, _S.READY, _S.INITIALIZED),
    Action.ITERATE: _edges(frozenset({_S.READY, _S.COMPLETED}), _S.READY),
    Action.DELETE: _edges(AT_REST, _S.DELETED),
    Action.RESTORE: _edges(frozenset({_S.DELETED}), *AT_REST),
}
"""Action -> status before -> statuses it may lead to. The database holds the same table."""


def may(status: FlowStatus, action: Action) -> bool:
    """Whether the table has any move for `action` from `status`."""
    return status in MOVES[action]


def check_move(status: FlowStatus, action: Action, target: FlowStatus) -> FlowStatus:
    """`target`, if the table allows it.

    Raises:
        IllegalTransition: names the status and what can be done instead.
    """
    if target in MOVES[action].get(status, frozenset()):
        return target
    possible = sorted(a.value for a in Action if may(status, a) and a not in ENGINE_ACTIONS)
    raise IllegalTransition(
        f"a flow in status {status} cannot {action.value.replace('_', ' ')}",
        where={"status": status.value, "action": action.value},
        next_step=f"Possible now: {', '.join(possible) or 'nothing'}.",
    )


def table() -> tuple[tuple[str, str, str], ...]:
    """The table as sorted rows (action, from, to), as the database stores it."""
    return tuple(
        sorted(
            (action.value, source.value, target.value)
            for action, edges in MOVES.items()
            for source, targets in edges.items()
            for target in targets
        )
    )
