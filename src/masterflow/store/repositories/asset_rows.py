"""An asset of the domain as a row of the table `assets`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from masterflow.domain.inventory import AssetDraft
from masterflow.store.repositories.asset_upsert import CONTENT

_LISTED_TOO = {"ip_address": "ip_addresses", "mac_address": "mac_addresses"}
"""Fields with several values: the first stands in the column, all of them in the list column."""
_OWN = frozenset({"name", "asset_type"})


def draft_row(draft: AssetDraft) -> dict[str, Any]:
    """Columns and values for `Assets.upsert_drafts`.

    Values of fields without a column of their own stand under `custom_attributes` by field name.
    `field_sources` maps each field to its cells, `conflicts` lists what was rejected.
    """
    row: dict[str, Any] = {
        "natural_key": draft.key,
        "name": draft.name,
        "asset_type": draft.asset_type,
        "identity_rule": draft.identity_rule,
        "flags": list(draft.flags),
        "conflicts": [asdict(conflict) for conflict in draft.conflicts],
        "field_sources": {name: [asdict(source) for source in found] for name, found in draft.sources.items()},
        "custom_attributes": {name: value for name, value in draft.values.items() if name not in CONTENT},
    }
    for name, value in draft.values.items():
        if name in CONTENT and name not in _OWN:
            row |= _columns(name, value)
    return row


def _columns(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, list) or name == "asset_tags":
        return {name: value}
    if name in _LISTED_TOO:
        return {name: value[0] if value else None, _LISTED_TOO[name]: value}
    return {name: ", ".join(map(str, value))}
