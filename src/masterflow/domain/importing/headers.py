"""Finds the header row of a table and gives every column a unique key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from masterflow.domain.importing.model import RawRow
from masterflow.domain.importing.workbook import unique
from masterflow.domain.records import Cell, Column, Issue, Place

SCAN_ROWS = 30
_FOLLOWERS = 10
_NUMBERLIKE = re.compile(r"[\s\d.,:/%+\-€$£]*\d[\s\d.,:/%+\-€$£]*$")
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class FoundHeader:
    """The position of the header among the scanned rows; `sure` is False if no row looks like one."""

    index: int
    sure: bool


def find_header(rows: Sequence[RawRow]) -> FoundHeader:
    """The header among the first rows that hold a value.

    A header has many distinct texts and is followed by rows that are about as wide. The first row
    within 60 % of the best score is taken, since titles above score low and data below comes later.
    """
    scores = [_score(rows, index) for index in range(len(rows))]
    best = max(scores)
    if best <= 0:
        return FoundHeader(0, False)
    index = next(index for index, score in enumerate(scores) if score >= 0.6 * best)
    return FoundHeader(index, True)


def _score(rows: Sequence[RawRow], index: int) -> float:
    cells = rows[index].cells
    filled = [cell for cell in cells if not is_blank(cell)]
    texts = [cell.strip().casefold() for cell in filled if isinstance(cell, str) and _is_name(cell)]
    if not texts or len(texts) < 0.7 * len(filled):
        return 0.0
    names = set(texts)
    below = rows[index + 1 : index + 1 + _FOLLOWERS]
    if not below:
        return 0.1 * len(names)
    width = _width(cells)
    similar = sum(1 for row in below if 0.3 * width <= max(len(row.cells), 1) and _width(row.cells) <= width)
    return len(names) * max(similar / len(below), 0.05)


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing that can be seen."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_name(text: str) -> bool:
    return len(text) <= _MAX_NAME and not _NUMBERLIKE.match(text.strip())


def _width(cells: Sequence[Cell]) -> int:
    return max((position for position, cell in enumerate(cells, 1) if not is_blank(cell)), default=0)


def unnamed_positions(cells: Sequence[Cell]) -> list[int]:
    """The positions, from 1, of header cells without a name."""
    return [position for position, cell in enumerate(cells, 1) if is_blank(cell)]


def name_columns(cells: Sequence[Cell], *, with_values: set[int]) -> tuple[Column, ...]:
    """The columns of a header. One without a name is kept, as "column 7", only if it holds values.

    `name` is the cell as written, `key` the name in Unicode NFC without blanks around it, with
    " (2)", " (3)" behind a repeated one.
    """
    seen: set[str] = set()
    columns = []
    for position, cell in enumerate(cells, 1):
        name = "" if cell is None else str(cell)
        key = unicodedata.normalize("NFC", name).strip()
        if key or position in with_values:
            columns.append(Column(name, position, unique(key or f"column {position}", seen)))
    return tuple(columns)


def header_issues(columns: Sequence[Column], *, place: Place, sure: bool) -> list[Issue]:
    """Warnings about a header: repeated names, columns without a name, no row that looks like one."""
    issues = []
    if not sure:
        message = f"No row looks like a header; row {place.row} was taken. Put column names above the data."
        issues.append(Issue("header_uncertain", "warning", message, place))
    for column in columns:
        at = Place(place.file, place.sheet, place.row, column.key)
        plain = unicodedata.normalize("NFC", column.name).strip()
        if not plain:
            message = f"Column {column.position} has values but no name; it is called {column.key!r}."
            issues.append(Issue("unnamed_column", "warning", message, at))
        elif plain != column.key:
            message = f"The column name {plain!r} occurs more than once; this one is called {column.key!r}."
            issues.append(Issue("duplicate_column", "warning", message, at))
    return issues
