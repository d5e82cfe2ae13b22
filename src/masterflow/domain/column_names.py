"""Columns as people name them: "Sheet!Column", or "Column" where only one sheet has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from masterflow.domain.records import Issue, Place

Key = tuple[str, str]


def column_index(columns: Sequence[Key]) -> dict[str, list[Key]]:
    """Every way to name each (sheet, column)."""
    index: dict[str, list[Key]] = defaultdict(list)
    for sheet, column in columns:
        index[column].append((sheet, column))
        index[f"{sheet}!{column}"].append((sheet, column))
    return dict(index)


def decided(
    mappings: Mapping[str, str | None], index: Mapping[str, Sequence[Key]]
) -> tuple[dict[Key, str | None], list[Issue]]:
    """The named columns with their fields, and an issue for each name that means none or several."""
    found: dict[Key, str | None] = {}
    issues: list[Issue] = []
    for name, target in mappings.items():
        places = index.get(name, ())
        if len(places) == 1:
            found[places[0]] = target
            continue
        if places:
            sheets = ", ".join(sheet for sheet, _ in places)
            text = f"column '{name}' stands in several sheets ({sheets}); write it as Sheet!Column"
            issues.append(Issue("ambiguous_column", "error", text, Place(column=name)))
        else:
            text = f"the file has no column '{name}'"
            issues.append(Issue("unknown_column", "error", text, Place(column=name)))
    return found, issues
