"""Database errors as errors of the product; SQL, parameters and details of other tenants never pass."""

from __future__ import annotations

import psycopg

from masterflow.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    MasterflowError,
    NotFound,
    StaleVersion,
    Unavailable,
)


class ScopeMissing(MasterflowError):
    """A transaction was begun without client account, engagement and actor."""

    code = "scope_missing"


class ChangeSetClosed(Conflict):
    """A captured table was written outside an open change set."""

    code = "change_set_closed"


class RevertPending(Conflict):
    """Changes of a failed run are still to be reverted before the flow can go on."""

    code = "revert_pending"


class LaterChanges(Conflict):
    """Rows that would be restored were changed later by others."""

    code = "later_changes"


_OWN: dict[str, tuple[type[MasterflowError], str]] = {
    "MF001": (ScopeMissing, "Name a client account, an engagement and an actor."),
    "MF002": (ChangeSetClosed, "Begin the transaction with an open change set."),
    "MF003": (Conflict, "Rows of this table are only added."),
    "MF004": (Conflict, "Create a new row instead."),
    "MF005": (LaterChanges, "Look at the later changes first; undo them or leave these."),
    "MF010": (NotFound, "Check the id and the engagement."),
    "MF011": (IllegalTransition, "Read the flow's allowed_actions."),
    "MF012": (StaleVersion, "Read the flow again and repeat with its current ETag."),
    "MF013": (RevertPending, "Wait until the changes are reverted, or look at the flow's history."),
    "MF014": (Conflict, "Read the flow again and repeat."),
}
_BUSY = {"55P03", "40001", "40P01", "57014"}
_AWAY_CLASSES = ("08", "53", "57P")


def translate(error: psycopg.Error) -> MasterflowError:
    """The product's error for a database error; an unknown one stays internal and says no SQL."""
    state = error.sqlstate or ""
    if state in _OWN:
        kind, next_step = _OWN[state]
        return kind(error.diag.message_primary or "refused by the database", next_step=next_step)
    if state in _BUSY:
        return Unavailable(
            "the database is busy with the same rows",
            where={"sqlstate": state},
            next_step="Try again in a moment.",
        )
    if not state or state.startswith(_AWAY_CLASSES):
        return Unavailable(
            "the database does not answer",
            where={"sqlstate": state},
            next_step="Try again; see `masterflow doctor`.",
        )
    if state == "23505":
        return Conflict(
            "an object with this key exists already", where={"constraint": error.diag.constraint_name or ""}
        )
    if state == "23503":
        return LaterChanges(
            "other rows refer to a row that would go, or a row that is referred to is gone",
            where={"constraint": error.diag.constraint_name or ""},
            next_step="Undo or change what refers to it first.",
        )
    if state.startswith("22"):
        return InvalidInput("a value cannot be stored", where={"sqlstate": state})
    return MasterflowError("the database refused a statement", where={"sqlstate": state})
