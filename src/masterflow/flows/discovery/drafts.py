"""Assets as rows to store. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from masterflow.domain.inventory import AssetDraft
from masterflow.store.repositories.asset_upsert import CONTENT

_LISTS = {"ip_address": "ip_addresses", "mac_address": "mac_addresses"}
_OWN_COLUMNS = frozenset(CONTENT)


def asset_rows(assets: Iterable[AssetDraft], *, flow_id: UUID) -> list[dict[str, Any]]:
    """One row per draft. Lists keep all values and show the first in the plain column; fields without
    a column of their own go to `custom_attributes`.
    """
    links = {"master_flow_id": flow_id, "discovery_flow_id": flow_id}
    phases = {"source_phase": "asset_inventory", "current_phase": "discovery"}
    return [{**_content(asset), **links, **phases} for asset in assets]


def external_rows(names: Iterable[str], *, flow_id: UUID) -> list[dict[str, Any]]:
    """Endpoints that relations name and no inventory row describes."""
    return [
        {
            "natural_key": f"external:{name.lower()}",
            "asset_type": "external",
            "name": name,
            "flags": ["external"],
            "identity_rule": "name",
            "master_flow_id": flow_id,
            "discovery_flow_id": flow_id,
            "source_phase": "dependency_analysis",
            "current_phase": "discovery",
        }
        for name in dict.fromkeys(names)
    ]


def _content(asset: AssetDraft) -> dict[str, Any]:
    row: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for name, value in asset.values.items():
        if name in _LISTS and isinstance(value, list):
            row[_LISTS[name]] = value
            row[name] = value[0] if value else None
        elif name not in _OWN_COLUMNS:
            custom[name] = value
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
        "conflicts": [asdict(conflict) for conflict in asset.conflicts],
        "identity_rule": asset.identity_rule,
        "custom_attributes": custom,
        "field_sources": {field: [asdict(s) for s in sources] for field, sources in asset.sources.items()},
    }
