"""Turns a score and its lead over the next best field into a confidence."""

from __future__ import annotations

import numpy as np

PRESET_CONFIDENCE = 0.99
MEMORY_CONFIDENCE = 0.98

# Support points of a non-decreasing curve. Set between what the golden headers give with their own
# preset switched off (0.99 right from strength 0.85 on) and what eight families gave at first sight
# (0.94), because the golden headers were known while the aliases were written.
_STRENGTH = (0.30, 0.50, 0.60, 0.70, 0.75, 0.80, 0.85, 0.90, 1.00)
_CONFIDENCE = (0.05, 0.25, 0.50, 0.62, 0.78, 0.87, 0.93, 0.955, 0.97)
_CLEAR_LEAD = 0.10
_NO_LEAD_FACTOR = 0.15


def strength(score: float, lead: float) -> float:
    """The score, lowered where another field is nearly as good or better (`lead` below 0.10)."""
    missing = min(max(_CLEAR_LEAD - lead, 0.0), 2 * _CLEAR_LEAD) / _CLEAR_LEAD
    return score - _NO_LEAD_FACTOR * missing


def confidence(score: float, lead: float) -> float:
    """Expected share of right answers among suggestions like this, 0..1, rounded to 3 digits."""
    return round(float(np.interp(strength(score, lead), _STRENGTH, _CONFIDENCE)), 3)
