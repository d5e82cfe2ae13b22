"""Checks a field mapping that people or programs propose before it is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rapidfuzz import fuzz, process

from masterflow.domain.fields.asset_field import IDENTITY, MULTI_VALUED
from masterflow.domain.fields.canonical import FIELDS, allowed_targets
from masterflow.domain.records import Issue, Place, SheetRole

_NEAREST = 3


def nearest_targets(name: str) -> tuple[str, ...]:
    """The three field names most like a misspelt one, best first."""
    found = process.extract(name.lower(), sorted(FIELDS), scorer=fuzz.WRatio, limit=_NEAREST)
    return tuple(match for match, _, _ in found)


def _error(code: str, message: str, column: str | None) -> Issue:
    return Issue(code, "error", message, Place(column=column))


def _check_column(column: str, target: str | None, columns: Collection[str], role: SheetRole) -> Issue | None:
    if column not in columns:
        return _error("unknown_column", f"the sheet has no column {column!r}; choose one of its columns", column)
    if target is None:
        return None
    if target not in FIELDS:
        nearest = ", ".join(nearest_targets(target))
        message = f"there is no field {target!r}; the nearest are {nearest}"
        return _error("unknown_target", message, column)
    if target not in allowed_targets(role):
        message = f"a sheet of kind {role.kind!r} cannot fill {target!r}; leave the column unmapped"
        return _error("target_not_allowed", message, column)
    return None


def _doubled(mapping: Mapping[str, str | None]) -> list[Issue]:
    columns: dict[str, list[str]] = {}
    for column, target in mapping.items():
        if target is not None and target in FIELDS and target not in MULTI_VALUED:
            columns.setdefault(target, []).append(column)
    return [
        _error(
            "duplicate_target",
            f"{target!r} takes one column but is given {', '.join(map(repr, named))}; keep one of them",
            column,
        )
        for target, named in columns.items()
        for column in named[1:]
    ]


def _missing_identity(mapping: Mapping[str, str | None], role: SheetRole) -> list[Issue]:
    given = {target for target in mapping.values() if target is not None}
    if role.kind == "relation":
        sides = (("source_name", "source_ip"), ("target_name", "target_ip"))
        return [
            _error("missing_identity", f"map a column to {' or '.join(side)}: both ends are needed", None)
            for side in sides
            if not given & set(side)
        ]
    if role.kind == "ignored" or given & set(IDENTITY):
        return []
    message = f"no column identifies the rows; map one to {', '.join(IDENTITY[:-1])} or {IDENTITY[-1]}"
    return [_error("missing_identity", message, None)]


def validate_mapping(
    mapping: Mapping[str, str | None], *, columns: Collection[str], role: SheetRole
) -> tuple[Issue, ...]:
    """Everything wrong with a mapping (Column.key -> field name, None for unmapped), as error issues.

    `columns` are the keys of the sheet. Codes: `unknown_column`, `unknown_target` (with the three
    nearest names), `target_not_allowed`, `duplicate_target`, `missing_identity`. An empty tuple
    means the mapping can be used.
    """
    checked = (_check_column(column, target, columns, role) for column, target in mapping.items())
    found = [issue for issue in checked if issue is not None]
    return (*found, *_doubled(mapping), *_missing_identity(mapping, role))
