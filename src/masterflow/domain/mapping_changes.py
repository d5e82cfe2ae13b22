"""Decisions of people about a mapping, checked against every sheet that they touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from masterflow.domain.column_names import Key, column_index, decided
from masterflow.domain.fields import validate_mapping
from masterflow.domain.records import Issue, SheetRole

_UNKNOWN_ROLE = SheetRole("asset", "server")


class MappedRow(Protocol):
    """A stored column with the field it holds now."""

    sheet: str
    source_column: str
    target_field: str | None


def checked_changes(
    rows: Sequence[MappedRow], roles: Mapping[str, SheetRole], mappings: Mapping[str, str | None]
) -> tuple[dict[Key, str | None], list[Issue]]:
    """(sheet, column) -> field for each named column, and everything wrong with the result.

    `roles` are those of the sheets by name. Nothing should be applied while there are issues.
    """
    index = column_index([(row.sheet, row.source_column) for row in rows])
    changes, issues = decided(mappings, index)
    for sheet in sorted({sheet for sheet, _ in changes}):
        mapping = {row.source_column: row.target_field for row in rows if row.sheet == sheet}
        mapping |= {column: target for (name, column), target in changes.items() if name == sheet}
        issues += validate_mapping(mapping, columns=list(mapping), role=roles.get(sheet, _UNKNOWN_ROLE))
    return changes, issues
