"""Keeps quantities apart: a header that names a unit can only mean a field of that dimension."""

from __future__ import annotations

from masterflow.domain.fields.asset_field import AssetField

_SIZE_UNITS = frozenset({"B", "KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB"})


def dimension_of_unit(unit: str) -> str:
    """What a source unit measures: "size", "rate", "frequency", "share", or "" for none."""
    if unit in _SIZE_UNITS:
        return "size"
    if unit.endswith("/s"):
        return "rate"
    if unit.endswith("Hz"):
        return "frequency"
    return "share" if unit == "%" else ""


def dimension_of_field(target: AssetField) -> str:
    """What a field measures, in the same words; "" for counts, texts and plain numbers."""
    units = {"GiB": "size", "MHz": "frequency", "percent": "share", "Mbit/s": "rate"}
    return units.get(target.unit, "")
