"""Assets as rows to store, and what an import may change of assets that are stored already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from masterflow.domain.inventory import AssetDraft, Conflict, FieldSource
from masterflow.domain.inventory.columns import ASSET_COLUMNS, CUSTOM

Row = dict[str, Any]
_LISTS = {"ip_address": "ip_addresses", "mac_address": "mac_addresses"}
_STATED_BY = {"power_state": "powered_off", "is_template": "template"}
"""Fields that a flag repeats."""


class Stored(Protocol):
    """An asset of the inventory; its columns are attributes."""

    natural_key: str
    field_sources: dict[str, Any]
    flags: list[Any]


def asset_row(asset: AssetDraft) -> Row:
    """A draft as columns. Lists keep all values and show the first in the plain column; fields without
    a column of their own go to `custom_attributes`.
    """
    row: Row = {}
    custom: Row = {}
    for name, value in asset.values.items():
        if name in _LISTS and isinstance(value, list):
            row[_LISTS[name]] = value
            row[name] = value[0] if value else None
        elif name not in ASSET_COLUMNS:
            custom[name.removeprefix(CUSTOM)] = value
        elif isinstance(value, list) and name != "asset_tags":
            row[name] = ", ".join(map(str, value))
        else:
            row[name] = value
    return {
        **row,
        "natural_key": asset.key,
        "asset_type": asset.asset_type,
        "name": asset.name,
        "flags": list(asset.flags),
        "conflicts": [_conflict(conflict) for conflict in asset.conflicts],
        "identity_rule": asset.identity_rule,
        "custom_attributes": custom,
        "field_sources": {field: [_source(s) for s in sources] for field, sources in asset.sources.items()},
    }


def external_row(name: str) -> Row:
    """An endpoint that relations name and no inventory row describes."""
    return {
        "natural_key": f"external:{name.lower()}",
        "asset_type": "external",
        "name": name,
        "flags": ["external"],
        "conflicts": [],
        "identity_rule": "name",
    }


def linked(rows: Iterable[Row], *, flow_id: UUID, phase: str) -> list[Row]:
    """The rows with the flow and the phase that bring them in."""
    links = {"master_flow_id": flow_id, "discovery_flow_id": flow_id}
    return [{**row, **links, "source_phase": phase, "current_phase": "discovery"} for row in rows]


def settled(rows: Iterable[Row], stored: Mapping[str, Stored]) -> list[Row]:
    """What an import changes: rows that say nothing new are left out, and edits by people stand.

    An imported value that differs from an edited one becomes a conflict whose chosen side is the edit.
    Rows that differ from the stored ones in nothing but record ids say nothing new.
    """
    found: list[Row] = []
    for row in rows:
        known = stored.get(row["natural_key"])
        kept = row if known is None else _beside_edits(row, known)
        if known is None or not _says_the_same(kept, known):
            found.append(kept)
    return found


def _beside_edits(row: Row, known: Stored) -> Row:
    """The row without the fields that people edited, which become conflicts where they differ."""
    edited = {name: source for name in known.field_sources if (source := _edit(known, name)) is not None}
    if not edited:
        return row
    dropped = {*edited, *(_LISTS[name] for name in edited if name in _LISTS)}
    sources = row.get("field_sources", {})
    conflicts = [
        _disagreement(name, getattr(known, name), row[name], f"{edited[name]['rule']}; imports do not change it")
        | {"sources": sources.get(name, [])}
        for name in sorted(edited)
        if row.get(name) is not None and row[name] != getattr(known, name)
    ]
    return {
        **{name: value for name, value in row.items() if name not in dropped},
        "flags": _flags(row["flags"], known, edited),
        "conflicts": [*row["conflicts"], *conflicts],
        "field_sources": {name: found for name, found in sources.items() if name not in edited},
    }


def _edit(known: Stored, name: str) -> Mapping[str, Any] | None:
    """The entry of a person's edit: it names no record."""
    return next((source for source in known.field_sources[name] if source.get("record_id") is None), None)


def _disagreement(name: str, chosen: object, rejected: object, rule: str) -> Row:
    return {"field": name, "chosen": chosen, "rejected": rejected, "rule": rule}


def _flags(imported: Iterable[str], known: Stored, edited: Iterable[str]) -> list[str]:
    """A flag that repeats an edited field stays as it is stored."""
    kept = {_STATED_BY[name] for name in edited if name in _STATED_BY}
    return sorted({flag for flag in imported if flag not in kept} | {flag for flag in known.flags if flag in kept})


def _says_the_same(row: Row, known: Stored) -> bool:
    return all(_same(name, value, getattr(known, name)) for name, value in row.items())


def _same(name: str, value: Any, present: Any) -> bool:
    if name in ("flags", "conflicts"):
        return bool(_without_records(value) == _without_records(present))
    if value is None or value == []:
        return True
    if isinstance(value, dict):
        return all(_without_records(inner) == _without_records(present.get(key)) for key, inner in value.items())
    return bool(value == present)


def _without_records(value: Any) -> Any:
    """A document without the record ids in it: the same cell read again has another id."""
    if isinstance(value, dict):
        return {key: _without_records(inner) for key, inner in value.items() if key != "record_id"}
    return [_without_records(inner) for inner in value] if isinstance(value, list) else value


def _source(source: FieldSource) -> Row:
    # By hand: dataclasses.asdict takes ten times as long, and an inventory has a source for every cell.
    return {
        "record_id": source.record_id,
        "sheet": source.sheet,
        "row": source.row,
        "column": source.column,
        "raw": source.raw,
        "transform": list(source.transform),
        "rule": source.rule,
    }


def _conflict(conflict: Conflict) -> Row:
    found = _disagreement(conflict.field, conflict.chosen, conflict.rejected, conflict.rule)
    return {**found, "sources": [_source(source) for source in conflict.sources]}
