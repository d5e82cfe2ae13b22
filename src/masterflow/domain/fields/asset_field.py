"""The target schema as data: every asset field a column can be mapped to, with its names abroad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldKind = Literal["text", "integer", "number", "percent", "boolean", "date", "ip", "mac", "fqdn", "list", "enum"]

MULTI_VALUED = frozenset({"ip_address", "mac_address", "asset_tags"})
"""Targets that may take several columns of one sheet; every other target takes at most one."""

IDENTITY = ("name", "hostname", "fqdn", "ip_address", "source_id")
"""A row without any of these cannot be told from another asset."""

RELATION = frozenset(
    {
        "source_name",
        "source_ip",
        "target_name",
        "target_ip",
        "target_port",
        "protocol",
        "process_name",
        "relation_type",
        "connection_count",
    }
)
"""Targets of sheets whose rows are dependencies."""


@dataclass(frozen=True, slots=True)
class AssetField:
    """One column of the asset model.

    `unit` is the unit the stored value has ("GiB", "MHz", "percent", ""); `aliases` are headers
    seen for it in English, German, French, Spanish, Portuguese and Japanese; `values` are the
    allowed values of an enum; `applies_to` lists asset types, empty for all.
    """

    name: str
    kind: FieldKind
    unit: str
    description: str
    aliases: tuple[str, ...]
    values: tuple[str, ...] = ()
    applies_to: tuple[str, ...] = ()


def define(
    name: str,
    kind: FieldKind,
    description: str,
    aliases: str,
    *,
    unit: str = "",
    values: tuple[str, ...] = (),
) -> AssetField:
    """A field whose aliases are written as one text separated by " | "."""
    names = tuple(part.strip() for part in aliases.split("|") if part.strip())
    return AssetField(name, kind, unit, description, names, values)
