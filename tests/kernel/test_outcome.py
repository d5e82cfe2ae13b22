"""What a handler returns: values that cannot be changed afterwards."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from masterflow.domain.records import Issue
from masterflow.kernel.outcome import Completed, NeedsInput


def test_a_completed_step_has_no_outputs_effects_or_review_unless_given() -> None:
    first, second = Completed(), Completed({"rows": 1})
    assert (first.outputs, first.effects, first.needs_review) == ({}, None, "")
    assert first.outputs is not Completed().outputs
    assert second.outputs == {"rows": 1}


def test_an_outcome_cannot_be_changed() -> None:
    found = NeedsInput("which column?", (Issue("ambiguous", "error", "two columns"),))
    with pytest.raises(FrozenInstanceError):
        found.message = "none"  # type: ignore[misc]
