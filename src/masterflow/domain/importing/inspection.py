"""Summarises a file without keeping its rows: sheets, roles, samples, source and findings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from masterflow.domain.importing.model import (
    Dialect,
    FileSummary,
    Limits,
    SheetEnd,
    SheetSummary,
)
from masterflow.domain.importing.reading import read
from masterflow.domain.importing.sources import detect_source
from masterflow.domain.records import Cell, Issue, Record, SheetHeader, SheetRole

SAMPLES = 200
_DEFAULT = Limits()
_IGNORED = SheetRole("ignored")


@dataclass(slots=True)
class _Sample:
    """Every n-th value of a column; n doubles whenever twice the wanted number has come together."""

    values: list[Cell] = field(default_factory=list)
    step: int = 1
    wait: int = 0

    def add(self, value: Cell) -> None:
        if self.wait:
            self.wait -= 1
            return
        self.values.append(value)
        self.wait = self.step - 1
        if len(self.values) == 2 * SAMPLES:
            self.values = self.values[::2]
            self.step *= 2

    def spread(self) -> list[Cell]:
        count = len(self.values)
        if count <= SAMPLES:
            return self.values
        return [self.values[index * count // SAMPLES] for index in range(SAMPLES)]


@dataclass(slots=True)
class _Sheet:
    header: SheetHeader
    samples: dict[str, _Sample]
    end: SheetEnd


def inspect(content: bytes, *, file_name: str, limits: Limits = _DEFAULT) -> FileSummary:
    """Reads the whole file once and says what is in it. Raises `FileRefused` as `read` does."""
    sheets: list[_Sheet] = []
    issues: list[Issue] = []
    dialect = Dialect("csv", "", "", ())
    for event in read(content, file_name=file_name, limits=limits):
        if isinstance(event, Record):
            _sample(sheets[-1], event)
        elif isinstance(event, Issue):
            issues.append(event)
        elif isinstance(event, SheetHeader):
            empty = {column.key: _Sample() for column in event.columns}
            sheets.append(_Sheet(event, empty, SheetEnd(event.name, 0, 0, 0)))
        elif isinstance(event, SheetEnd):
            sheets[-1].end = event
        else:
            dialect = event.dialect
    source = detect_source([sheet.header for sheet in sheets])
    return FileSummary(
        file_name=file_name,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        dialect=dialect,
        source=source,
        sheets=tuple(_summary(sheet, source.roles) for sheet in sheets),
        issues=tuple(issues),
    )


def _sample(sheet: _Sheet, record: Record) -> None:
    for key, value in record.values.items():
        if value is not None:
            sheet.samples[key].add(value)


def _summary(sheet: _Sheet, roles: dict[str, SheetRole]) -> SheetSummary:
    samples = {key: sample.spread() for key, sample in sheet.samples.items()}
    role = roles.get(sheet.header.name, _IGNORED)
    end = sheet.end
    return SheetSummary(sheet.header, end.records, end.empty_rows, end.rejected, role, samples)
