"""One transaction for a whole request: its answer is kept with its effect, or all of it is rolled back."""

from __future__ import annotations

from typing import TypeVar

S = TypeVar("S")
