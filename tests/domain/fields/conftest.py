"""Builds column profiles from headers and values, and reads the golden sheets with their real files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import masterflow
from masterflow.domain.fields import ColumnProfile, Suggestion, profile
from masterflow.domain.fields.matching import Matcher
from masterflow.domain.fields.presets import PRESETS
from masterflow.domain.records import Cell, Column, SheetRole

HERE = Path(__file__).parent
FILES = HERE.parent.parent / "data"
PACKAGED = Path(masterflow.__file__).parent / "data"
GOLDEN = sorted((HERE / "golden").glob("*.json"))


def column_profiles(table: Mapping[str, Sequence[Cell]]) -> list[ColumnProfile]:
    return [profile(Column(name, place, name), values) for place, (name, values) in enumerate(table.items(), 1)]


@dataclass(frozen=True)
class GoldenSheet:
    family: str
    source: str
    name: str
    role: SheetRole
    expected: dict[str, str | None]
    profiles: tuple[ColumnProfile, ...]

    def suggestions(self, matcher: Matcher) -> tuple[Suggestion, ...]:
        return matcher.suggest(self.name, self.role, self.source, self.profiles)


@cache
def _rows(file: str, sheet: str) -> list[list[Cell]]:
    path = PACKAGED / file.removeprefix("masterflow/data/") if file.startswith("masterflow/data/") else FILES / file
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return [row for row in csv.reader(lines, skipinitialspace=True) if any(row)]
    book = openpyxl.load_workbook(path, read_only=True)
    rows = [list(row) for row in book[sheet].iter_rows(values_only=True) if any(cell is not None for cell in row)]
    book.close()
    return rows


def read_table(file: str, sheet: str) -> dict[str, list[Cell]]:
    header, *rows = _rows(file, sheet)
    return {
        str(name): [row[place] if place < len(row) else None for row in rows]
        for place, name in enumerate(header)
        if name
    }


def _golden_sheet(document: dict[str, Any], sheet: dict[str, Any]) -> GoldenSheet:
    file = sheet.get("file")
    values = read_table(file, sheet["sheet"]) if file else None
    table = {
        column["header"]: values[column["header"]] if values else column["values"] * 4 for column in sheet["columns"]
    }
    expected = {column["header"]: column["target"] for column in sheet["columns"]}
    role = SheetRole(**sheet["role"])
    family, source = document["family"], document["source"]
    return GoldenSheet(family, source, sheet["sheet"], role, expected, tuple(column_profiles(table)))


@cache
def golden_sheets() -> tuple[GoldenSheet, ...]:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in GOLDEN]
    return tuple(_golden_sheet(document, sheet) for document in documents for sheet in document["sheets"])


@cache
def matcher_without(source: str) -> Matcher:
    return Matcher({name: preset for name, preset in PRESETS.items() if name != source})


@pytest.fixture(scope="session")
def golden() -> tuple[GoldenSheet, ...]:
    return golden_sheets()


@pytest.fixture(scope="session")
def without() -> Callable[[str], Matcher]:
    return matcher_without


@pytest.fixture(scope="session")
def profiles() -> Callable[[Mapping[str, Sequence[Cell]]], list[ColumnProfile]]:
    return column_profiles


@pytest.fixture(scope="session")
def table() -> Callable[[str, str], dict[str, list[Cell]]]:
    return read_table
