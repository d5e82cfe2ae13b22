"""What a handler may return and what validators find."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from masterflow.domain.records import Issue

Effects = Callable[[Any], Awaitable[None]]
"""Writes of a step: called with the repositories of the transaction that also records the step."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The step is done: its outputs, and its writes if it has any.

    `needs_review` asks for a person's acceptance of the phase even where the phase does not always
    want one; the text says why.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    effects: Effects | None = None
    needs_review: str = ""


@dataclass(frozen=True, slots=True)
class NeedsInput:
    """The phase cannot go on until a person supplies or corrects something."""

    message: str
    issues: tuple[Issue, ...] = ()


Outcome = Completed | NeedsInput
