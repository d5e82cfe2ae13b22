"""Edits of assets by hand: which fields people may change, and of which kind their values are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from masterflow.domain.fields import FIELDS
from masterflow.errors import InvalidInput
from masterflow.store.repositories.asset_upsert import CONTENT

_MULTIPLE = frozenset({"asset_tags"})
EDITABLE = frozenset(name for name in FIELDS if name in CONTENT) - {"name", "asset_type"}
"""Fields that have a column of their own; name and type are what an asset is known by."""


def checked_edit(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes, if every field is editable and every value of its kind; None clears a field.

    Raises:
        InvalidInput: names every field that is wrong and what it takes.
    """
    problems = {name: text for name, value in changes.items() if (text := _problem(name, value))}
    if problems or not changes:
        raise InvalidInput(
            "; ".join(f"{name}: {text}" for name, text in problems.items()) or "no field to change",
            where={"fields": sorted(problems)},
            next_step="Nothing was changed. See /assets/{id} for the fields of an asset.",
        )
    return dict(changes)


def _problem(name: str, value: Any) -> str:
    if name not in EDITABLE:
        return "is no field that people change"
    if value is None:
        return ""
    field = FIELDS[name]
    if field.kind in ("integer", "number", "percent"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number and abs(value) < 1e15 else "takes a number"
    if field.kind == "boolean":
        return "" if isinstance(value, bool) else "takes true or false"
    if name in _MULTIPLE:
        texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if texts else "takes a list of texts"
    if not isinstance(value, str) or len(value) > 4000 or "\x00" in value:
        return "takes a text of at most 4,000 characters"
    if field.values and value not in field.values:
        return f"takes one of {', '.join(field.values)}"
    return ""
