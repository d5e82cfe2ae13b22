"""Domain values as rows to store. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from masterflow.domain.inventory import AssetDraft
from masterflow.domain.tech_debt import LifecycleFinding

_LISTS = {"ip_address": "ip_addresses", "mac_address": "mac_addresses"}


def asset_rows(assets: Iterable[AssetDraft], *, flow_id: UUID, actor: str) -> Iterator[dict[str, Any]]:
    """One row per draft. List fields keep all values and show the first in the plain column."""
    for asset in assets:
        values: dict[str, Any] = {}
        for name, value in asset.values.items():
            if name in _LISTS and isinstance(value, list):
                values[_LISTS[name]] = value
                values[name] = value[0] if value else None
            elif isinstance(value, list) and name != "asset_tags":
                values[name] = ", ".join(map(str, value))
            else:
                values[name] = value
        yield {
            **values,
            "natural_key": asset.key,
            "asset_type": asset.asset_type,
            "name": asset.name,
            "flags": list(asset.flags),
            "conflicts": [asdict(conflict) for conflict in asset.conflicts],
            "identity_rule": asset.identity_rule,
            "field_sources": {field: [asdict(s) for s in sources] for field, sources in asset.sources.items()},
            "master_flow_id": flow_id,
            "discovery_flow_id": flow_id,
            "source_phase": "asset_inventory",
            "current_phase": "discovery",
            "created_by": actor,
            "updated_by": actor,
        }


def finding_rows(
    findings: Sequence[tuple[str, LifecycleFinding]], *, flow_id: UUID, on: date
) -> Iterator[dict[str, Any]]:
    """One row per judged asset."""
    for asset_id, finding in findings:
        yield {
            "asset_id": UUID(asset_id),
            "subject": finding.subject,
            "found_text": finding.text,
            "product": finding.product,
            "cycle": finding.cycle,
            "state": finding.state,
            "severity": finding.severity,
            "end_of_life": finding.end_of_life,
            "extended_end": finding.extended_end,
            "days_left": finding.days_left,
            "reasons": list(finding.reasons),
            "assessed_on": on,
            "catalog_as_of": finding.catalog_as_of,
            "flow_id": flow_id,
        }
