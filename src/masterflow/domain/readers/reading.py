"""What reading one cell gives: a value or none, the steps taken, the problems found."""

from __future__ import annotations

from dataclasses import dataclass

from masterflow.domain.records import Cell, Severity


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding about one cell; `code` is a rule id of `domain.quality`, `detail` says what was expected."""

    code: str
    severity: Severity
    detail: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A further target field that the same cell gives (the short name of an FQDN)."""

    target: str
    value: Cell
    step: str


@dataclass(frozen=True, slots=True)
class Reading:
    """`value` is None when the cell is empty or cannot be read; a problem then says why."""

    value: Cell | list[str] = None
    steps: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    derived: tuple[Derived, ...] = ()


EMPTY = Reading()


def refused(code: str, detail: str) -> Reading:
    """A cell that cannot be used: no value, one error."""
    return Reading(problems=(Problem(code, "error", detail),))
