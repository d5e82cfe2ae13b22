"""Tells from its headers which tool wrote a file and what the rows of each of its sheets describe."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from masterflow.domain.importing.generic import judge_unknown
from masterflow.domain.importing.signatures import SOURCES, SheetSignature, SourceSignature
from masterflow.domain.records import SheetHeader, SheetRole, Source

_BLANKS = re.compile(r"\s+")
_IGNORED = SheetRole("ignored")


@dataclass(frozen=True, slots=True)
class _Match:
    """How a sheet fits a signature: `columns` are the recognised headers as written."""

    header: SheetHeader
    signature: SheetSignature
    columns: tuple[str, ...]
    share: float
    role: SheetRole


def detect_source(headers: Sequence[SheetHeader]) -> Source:
    """The source of a file by its headers; sheet and file names only decide between equal headers.

    `confidence` is 0.5 for the least that tells a source and rises to 1.0 when half of the further
    headers that the tool writes are there; at most 0.4 for an unknown source. `roles` has every sheet.
    """
    best: tuple[SourceSignature, list[_Match]] | None = None
    for signature in SOURCES:
        matches = [match for header in headers if (match := _match(header, signature))]
        if matches and (best is None or _weight(matches) > _weight(best[1])):
            best = signature, matches
    if best is None:
        return judge_unknown(headers)
    return _source(best[0], best[1], headers)


def _weight(matches: list[_Match]) -> float:
    assets = 2 * sum(match.signature.kind == "asset" for match in matches)
    return assets + sum(len(match.columns) * match.share for match in matches)


def _source(signature: SourceSignature, matches: list[_Match], headers: Sequence[SheetHeader]) -> Source:
    roles = {header.name: _IGNORED for header in headers}
    roles |= {match.header.name: match.role for match in matches}
    evidence = [_evidence(match, signature) for match in matches]
    left = [header.name for header in headers if header.name not in {match.header.name for match in matches}]
    if left:
        evidence.append(f"Not read as inventory: {', '.join(left)}.")
    if signature.note:
        evidence.append(signature.note)
    confidence = max(match.share for match in matches)
    return Source(signature.name, signature.title, round(confidence, 3), tuple(evidence), roles)


def _evidence(match: _Match, signature: SourceSignature) -> str:
    where = f"Sheet {match.header.name}" if match.header.name else "The table"
    columns = ", ".join(match.columns[:6])
    return f"{where} has columns of {signature.title}: {columns}."


def normal(header: str) -> str:
    """A header for comparison: NFC, lower case, single blanks, without the star of mandatory columns."""
    text = unicodedata.normalize("NFC", header).casefold()
    return _BLANKS.sub(" ", text).strip(" *")


def _match(header: SheetHeader, source: SourceSignature) -> _Match | None:
    """The best fit among the tables of a source.

    A sheet that bears the name of one of them is compared with that one only, and then the column
    that names the asset is enough.
    """
    columns = {normal(column.key): column.key for column in reversed(header.columns)}
    name = normal(header.name).removeprefix("rvtools_").removeprefix("tab")
    named = [sheet for sheet in source.sheets if sheet.sheet and sheet.sheet == name]
    matches = [
        match
        for sheet in named or source.sheets
        if (match := _match_sheet(header, columns, sheet, by_name=bool(named)))
    ]
    return max(matches, key=lambda match: len(match.columns), default=None)


def _match_sheet(
    header: SheetHeader, columns: dict[str, str], sheet: SheetSignature, *, by_name: bool
) -> _Match | None:
    required = [_find(columns, names) for names in sheet.required]
    typical = [found for names in sheet.typical if (found := _find(columns, names))]
    key = _find(columns, sheet.key)
    by_headers = bool(required) and all(required) and len(typical) >= sheet.least
    if not (by_headers or (by_name and key)):
        return None
    share = 0.8
    if sheet.typical:
        share = 0.5 + 0.5 * min(1.0, 2 * len(typical) / len(sheet.typical))
    role = SheetRole(sheet.kind, sheet.asset_type, key)
    recognised = tuple(dict.fromkeys(filter(None, [*required, *typical])))
    return _Match(header, sheet, recognised, share, role)


def _find(columns: dict[str, str], names: str) -> str:
    """The key of the first column that has one of the names "a|b"; "" if there is none."""
    return next((columns[name] for name in names.split("|") if name in columns), "")
