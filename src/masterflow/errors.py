"""The one error tree: what happened, where, and what to do now; the rims decide how it looks."""

from __future__ import annotations

from collections.abc import Mapping


class MasterflowError(Exception):
    """Base of every error the product raises on purpose.

    `code` is stable and documented, `status` is the HTTP status it becomes, `where` names the
    place (file, sheet, row, column, field, phase, flow), `next_step` says what the reader can do.
    """

    code = "internal_error"
    status = 500

    def __init__(self, detail: str, *, where: Mapping[str, object] | None = None, next_step: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.where = dict(where or {})
        self.next_step = next_step

    def __str__(self) -> str:
        place = ", ".join(f"{key} {value}" for key, value in self.where.items())
        parts = [f"{self.detail} ({place})" if place else self.detail, self.next_step]
        return " ".join(part for part in parts if part)


class InvalidInput(MasterflowError):
    """The request or file has the right shape but a value in it cannot be used."""

    code = "invalid_input"
    status = 422


class FileRefused(InvalidInput):
    """A file cannot be read as an inventory: wrong format, damaged, hostile or over a limit."""

    code = "file_refused"


class NotFound(MasterflowError):
    """No such object in the caller's scope; another tenant's object looks the same."""

    code = "not_found"
    status = 404


class Unauthenticated(MasterflowError):
    """The request carries no credential that is valid now."""

    code = "unauthenticated"
    status = 401


class NotPermitted(MasterflowError):
    """The caller is known but lacks the permission."""

    code = "not_permitted"
    status = 403


class Conflict(MasterflowError):
    """The state of the object does not allow what was asked."""

    code = "conflict"
    status = 409


class IllegalTransition(Conflict):
    """The life cycle table has no such move."""

    code = "illegal_transition"


class StaleVersion(MasterflowError):
    """If-Match names a version that is no longer current."""

    code = "stale_version"
    status = 412


class Unavailable(MasterflowError):
    """A part the product depends on does not answer now; trying again later may work."""

    code = "unavailable"
    status = 503


class ResourceLimitReached(MasterflowError):
    """A calculation needed more time or memory than its phase may use."""

    code = "resource_limit_reached"
    status = 422


class PhaseTimeout(MasterflowError):
    """A phase ran longer than its timeout and was stopped."""

    code = "phase_timeout"
    status = 504


class WorkerLost(MasterflowError):
    """The workers that ran a phase died again and again; it is not given to another one."""

    code = "worker_lost"


class ConfigurationInvalid(MasterflowError):
    """The process cannot start with these settings, flow types or keys."""

    code = "configuration_invalid"
