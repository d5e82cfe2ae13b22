"""Reads an uploaded inventory (delimited text, XLSX, JSON, NDJSON) from its bytes, without any I/O."""

from masterflow.domain.importing.inspection import inspect
from masterflow.domain.importing.model import (
    Dialect,
    Event,
    FileStart,
    FileSummary,
    Limits,
    SheetEnd,
    SheetSummary,
)
from masterflow.domain.importing.reading import read
from masterflow.domain.importing.sources import detect_source

__all__ = [
    "Dialect",
    "Event",
    "FileStart",
    "FileSummary",
    "Limits",
    "SheetEnd",
    "SheetSummary",
    "detect_source",
    "inspect",
    "read",
]
