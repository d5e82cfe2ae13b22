"""Rules for single rows that a source's own importer enforces; a row that breaks one is rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

from masterflow.domain.importing.sources import detect_source
from masterflow.domain.records import Record, SheetHeader

RowRule = Callable[[Record], str | None]
"""Says why a row is rejected and what to do, or None."""

_DIRECTIONS = ("northbound", "southbound")


def rule_for(header: SheetHeader) -> RowRule | None:
    """The rule for the rows under a header; None for most sources."""
    maker = _MAKERS.get(detect_source([header]).name)
    return maker(header) if maker else None


def _konveyor(header: SheetHeader) -> RowRule:
    """Record type 1 is an application, 2 a dependency with a direction; there is no other type."""
    kind_key = _key(header, ("record type", "record type 1"))
    name_key, other_key, way_key = (
        _key(header, (name,)) for name in ("application name", "dependency", "dependency direction")
    )

    def rule(record: Record) -> str | None:
        def text(key: str) -> str:
            value = record.values.get(key)
            return "" if value is None else str(value).strip()

        kind = text(kind_key)
        if kind not in ("1", "2"):
            return f"The record type is {kind!r}. Use 1 for an application or 2 for a dependency."
        if not text(name_key):
            return "The application name is missing. Add it."
        if kind == "2" and not text(other_key):
            return "The dependency is missing. Name the application that this one depends on."
        if kind == "2" and text(way_key).lower() not in _DIRECTIONS:
            return f"The direction is {text(way_key)!r}. Use northbound or southbound."
        return None

    return rule


def _key(header: SheetHeader, names: Sequence[str]) -> str:
    return next((c.key for c in header.columns if c.key.casefold() in names), "")


_MAKERS = MappingProxyType({"konveyor": _konveyor})
