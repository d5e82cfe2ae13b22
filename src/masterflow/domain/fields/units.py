"""Finds the unit a column is written in: from the header, the cells, the tool, or the magnitude."""

from __future__ import annotations

from dataclasses import dataclass

from masterflow.domain.fields.asset_field import AssetField
from masterflow.domain.fields.shapes import ColumnProfile
from masterflow.domain.fields.words import header_unit

_BINARY = {"KB": "KiB", "MB": "MiB", "GB": "GiB", "TB": "TiB"}
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Unit:
    """A source unit ("" when undetermined or not needed) and the evidence for it in words."""

    name: str
    words: str = ""


def _from_cells(profile: ColumnProfile) -> Unit | None:
    written = {shape[5:]: share for shape, share in profile.shares.items() if shape.startswith("unit:")}
    if not written or sum(written.values()) < _MOSTLY:
        return None
    names = sorted(written, key=lambda name: (-written[name], name))
    if len(names) > 1:
        return Unit("", f"each cell states its own unit ({', '.join(names)})")
    return Unit(names[0], f"unit {names[0]} stands in the cells")


def _over(profile: ColumnProfile, shape: str) -> bool:
    return profile.share(shape) >= _MOSTLY


def _size_by_magnitude(profile: ColumnProfile, *, memory: bool) -> Unit:
    """Memory of 256 and more in most rows is read as MB; disk space from 20,000 on."""
    if profile.maximum is None:
        return Unit("", "no unit in the header and no values to infer it from")
    span = f"most values lie in {profile.minimum:g} to {profile.maximum:g}"
    if _over(profile, "over_1g"):
        return Unit("B", f"{span}: read as bytes")
    if memory and _over(profile, "over_1m5"):
        return Unit("KB", f"{span}: read as KB")
    if _over(profile, "over_256" if memory else "over_20k"):
        return Unit("MB", f"{span}: read as MB by magnitude")
    ceiling = 256.0 if memory else 20_000.0
    if profile.maximum <= ceiling:
        return Unit("GB", f"{span}: read as GB by magnitude")
    return Unit("", f"no unit in the header, and {span}: too mixed to tell MB from GB")


def _by_magnitude(target: AssetField, profile: ColumnProfile) -> Unit:
    if target.unit == "GiB":
        return _size_by_magnitude(profile, memory=target.name == "memory_gb")
    if profile.maximum is None:
        return Unit("")
    if target.unit == "MHz":
        name = "GHz" if profile.maximum < 20 else "MHz"
        return Unit(name, f"values up to {profile.maximum:g}: read as {name} by magnitude")
    if target.kind == "percent":
        if profile.maximum <= 1 and profile.share("fraction") > 0:
            return Unit("fraction", "all values lie between 0 and 1: read as fractions, not percentages")
        return Unit("%")
    return Unit("")


def _from_header(target: AssetField, profile: ColumnProfile, *, binary_megabytes: bool, title: str) -> Unit | None:
    name = header_unit(profile.name)
    if not name or (target.unit == "GiB" and name == "%"):
        return None
    if binary_megabytes and name in _BINARY:
        return Unit(_BINARY[name], f"{title} writes {name} and means {_BINARY[name]}")
    return Unit(name, f"unit {name} from the header")


def find_unit(
    target: AssetField,
    profile: ColumnProfile,
    *,
    known: str = "",
    binary_megabytes: bool = False,
    title: str = "",
) -> Unit:
    """The unit of a column mapped to `target`, "" for fields that have none.

    The order is: header, cells, what the tool is known to write (`known`), magnitude of the values.
    """
    if not target.unit:
        return Unit("")
    named = _from_header(target, profile, binary_megabytes=binary_megabytes, title=title)
    if named is not None:
        return named
    written = _from_cells(profile)
    if written is not None:
        return written
    if known:
        return Unit(known, f"{title} writes this column in {known}")
    return _by_magnitude(target, profile)
