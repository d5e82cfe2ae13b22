"""Looks up what a known tool means by a column: source, sheet and header to target and unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from masterflow.domain.fields import presets_other as other
from masterflow.domain.fields.presets_vmware import RVTOOLS
from masterflow.domain.fields.words import header_terms, normalise_header

ANY_SHEET = "*"
_LINE = re.compile(r"(?P<header>.+?) =(?: (?P<target>\w+))?(?: \[(?P<unit>\w+)\])?")


@dataclass(frozen=True, slots=True)
class KnownColumn:
    """A column of a known tool: `target` is None where the product has no field for it."""

    header: str
    target: str | None
    unit: str = ""


Sheets = Mapping[str, Mapping[str, KnownColumn]]


@dataclass(frozen=True, slots=True)
class Preset:
    """What one tool writes; `sheets` maps sheet name (ANY_SHEET for all) and normal header to column."""

    title: str
    sheets: Sheets
    binary_megabytes: bool = False
    """True where the tool writes "MB" and means MiB."""


def read_columns(lines: str) -> dict[str, KnownColumn]:
    """Known columns by normal header, from lines "header = target [unit]"; the last line wins."""
    columns: dict[str, KnownColumn] = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"preset line cannot be read: {line!r}")
        known = KnownColumn(match["header"], match["target"], match["unit"] or "")
        columns[normalise_header(known.header)] = known
    return columns


def _preset(title: str, sheets: Mapping[str, str], *, binary_megabytes: bool = False) -> Preset:
    return Preset(title, {name: read_columns(text) for name, text in sheets.items()}, binary_megabytes)


PRESETS: dict[str, Preset] = {
    "rvtools": _preset("RVTools", RVTOOLS, binary_megabytes=True),
    "azure_migrate_discovery": _preset("Azure Migrate discovery", {ANY_SHEET: other.AZURE_DISCOVERY}),
    "azure_migrate_import": _preset("Azure Migrate import", {ANY_SHEET: other.AZURE_IMPORT}),
    "azure_migrate_dependencies": _preset("Azure Migrate dependency export", {ANY_SHEET: other.AZURE_DEPENDENCIES}),
    "aws_ads": _preset("AWS Application Discovery", {ANY_SHEET: other.AWS_ADS}),
    "aws_cmf": _preset("AWS Cloud Migration Factory", {ANY_SHEET: other.AWS_CMF}),
    "aws_mgn": _preset("AWS Application Migration Service", {ANY_SHEET: other.AWS_MGN}),
    "google_migration_center": _preset(
        "Google Migration Center",
        {
            "vmInfo": other.GOOGLE_VM_INFO,
            "diskInfo": other.GOOGLE_DISK_INFO,
            "tagInfo": other.GOOGLE_TAG_INFO,
            "perfInfo": other.GOOGLE_PERF_INFO,
        },
    ),
    "servicenow_cmdb": _preset(
        "ServiceNow CMDB", {ANY_SHEET: other.SERVICENOW, "cmdb_rel_ci": other.SERVICENOW_RELATION}
    ),
    "nutanix": _preset("Nutanix Prism", {ANY_SHEET: other.NUTANIX}),
    "konveyor": _preset("Konveyor", {ANY_SHEET: other.KONVEYOR}),
    "cast_highlight": _preset("CAST Highlight", {ANY_SHEET: other.CAST_HIGHLIGHT}),
    "device42": _preset("Device42", {ANY_SHEET: other.DEVICE42}),
}
"""Source name -> what that tool writes."""


def known_columns(preset: Preset | None, sheet: str, headers: Sequence[str]) -> Mapping[str, KnownColumn]:
    """The columns known for a sheet, by normal header; empty when the tool is not known.

    A sheet name the tool does not use (a CSV has none) is recognised by its headers: the sheet
    with most of them known.
    """
    if preset is None:
        return {}
    wanted = normalise_header(sheet)
    for name, columns in preset.sheets.items():
        if wanted and normalise_header(name) == wanted:
            return columns
    normal = [normalise_header(header) for header in headers]
    return max(preset.sheets.values(), key=lambda columns: sum(header in columns for header in normal))


@dataclass(frozen=True, slots=True)
class Foreign:
    """A column other tools agree about, used as one more name of its target."""

    terms: tuple[str, ...]
    header: str
    title: str
    target: str | None


# "Host" names the row itself only in sheets about hosts; such columns say nothing about other files.
_SHEET_BOUND = frozenset({"name"})


def foreign_columns(presets: Mapping[str, Preset], *, without: str) -> tuple[Foreign, ...]:
    """Columns of all tools but one, where every tool that has the column means the same by it."""
    found: dict[tuple[str, ...], list[Foreign]] = {}
    for source, preset in sorted(presets.items()):
        if source == without:
            continue
        for columns in preset.sheets.values():
            for known in columns.values():
                terms = header_terms(known.header)
                found.setdefault(terms, []).append(Foreign(terms, known.header, preset.title, known.target))
    agreed = (group[0] for group in found.values() if len({entry.target for entry in group}) == 1)
    return tuple(entry for entry in agreed if entry.target not in _SHEET_BOUND)
