"""Files as the command line reads them, without a database: suggestions per column, and what a file holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masterflow.cli.output import error_document
from masterflow.domain.fields import Suggestion, profile, suggest
from masterflow.domain.importing import Limits, detect_source, inspect, read
from masterflow.domain.records import Cell, Record, SheetHeader, SheetRole
from masterflow.errors import FileRefused, MasterflowError

PROFILED_ROWS = 2_000
"""Rows of a sheet whose values are looked at, as in the phase field_mapping."""
SHOWN_SAMPLES = 3
_LIMITS = Limits()


@dataclass(slots=True)
class _Sheet:
    header: SheetHeader
    rows: list[dict[str, Cell]]


def content_of(path: Path) -> bytes:
    """The bytes of a file. Raises FileRefused: missing, no plain file, unreadable or too large."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise FileRefused("this is no file", where={"file": str(path)}, next_step="Name the file itself.")
        if size > _LIMITS.max_bytes:
            raise FileRefused(
                f"the file is larger than {_LIMITS.max_bytes // 1024**2} MiB",
                where={"file": str(path)},
                next_step="Split it.",
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise FileRefused(
            f"the file cannot be read: {reason}",
            where={"file": str(path)},
            next_step="Check the path and its permissions.",
        ) from error


def map_rows(path: Path) -> list[dict[str, Any]]:
    """One row per column of each sheet that describes assets or relations.

    Raises:
        FileRefused: the file cannot be read, or none of its sheets is of use.
    """
    sheets = _sheets(content_of(path), path.name)
    source = detect_source(tuple(sheet.header for sheet in sheets))
    rows: list[dict[str, Any]] = []
    for sheet in sheets:
        role = source.roles.get(sheet.header.name, SheetRole("ignored"))
        if role.kind != "ignored":
            rows += [_row(path, made) for made in _suggestions(sheet, role, source.name)]
    if not rows:
        raise FileRefused(
            "no sheet of the file describes assets or their relations",
            where={"file": str(path)},
            next_step="Choose a file with one machine, application or connection per row.",
        )
    return rows


def _sheets(content: bytes, file_name: str) -> list[_Sheet]:
    sheets: dict[str, _Sheet] = {}
    for event in read(content, file_name=file_name):
        if isinstance(event, SheetHeader):
            sheets[event.name] = _Sheet(event, [])
        elif isinstance(event, Record) and len(sheets[event.sheet].rows) < PROFILED_ROWS:
            sheets[event.sheet].rows.append(event.values)
    return list(sheets.values())


def _suggestions(sheet: _Sheet, role: SheetRole, source: str) -> tuple[Suggestion, ...]:
    profiles = [profile(column, [row.get(column.key) for row in sheet.rows]) for column in sheet.header.columns]
    return suggest(sheet.header.name, role, source, profiles)


def _row(path: Path, made: Suggestion) -> dict[str, Any]:
    return {
        "file": str(path),
        "sheet": made.sheet,
        "column": made.column,
        "target": made.target,
        "confidence": round(made.confidence, 3),
        "evidence": list(made.evidence),
        "alternatives": [
            {"target": other.target, "confidence": round(other.confidence, 3), "evidence": list(other.evidence)}
            for other in made.alternatives
        ],
        "unit": made.unit,
        "decided_by": made.decided_by,
    }


def inspected(path: Path) -> dict[str, Any]:
    """What a file holds: dialect, source, sheets with columns and examples, findings. Raises FileRefused."""
    summary = inspect(content_of(path), file_name=path.name)
    return {
        "file": str(path),
        "sha256": summary.sha256,
        "size": summary.size,
        "dialect": summary.dialect,
        "source": {
            "name": summary.source.name,
            "title": summary.source.title,
            "confidence": round(summary.source.confidence, 3),
            "evidence": summary.source.evidence,
        },
        "sheets": [
            {
                "sheet": sheet.header.name,
                "role": sheet.role,
                "header_row": sheet.header.header_row,
                "records": sheet.records,
                "empty_rows": sheet.empty_rows,
                "rejected": sheet.rejected,
                "columns": [
                    {
                        "column": column.key,
                        "position": column.position,
                        "samples": sheet.samples[column.key][:SHOWN_SAMPLES],
                    }
                    for column in sheet.header.columns
                ],
            }
            for sheet in summary.sheets
        ],
        "issues": summary.issues,
    }


def refused_row(path: Path, error: MasterflowError) -> dict[str, Any]:
    """A refused file in its place among the rows of `map`."""
    empty: dict[str, Any] = {
        "sheet": None,
        "column": None,
        "target": None,
        "confidence": None,
        "evidence": [],
        "alternatives": [],
    }
    return {"file": str(path), **empty, "error": error_document(error)}


def media_type(path: Path) -> str:
    """Media type by the ending of a file's name; the reader itself looks at the bytes."""
    known = {
        ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ".csv": "text/csv",
        ".tsv": "text/tab-separated-values",
        ".json": "application/json",
    }
    return known.get(path.suffix.lower(), "application/octet-stream")
