"""Streams the rows of one worksheet from its XML, holding no more than one piece of it in memory.

The declared dimension is ignored. Rows without a value are counted, not built, so formatted empty rows
and a single cell in the last corner cost next to nothing. Measured against openpyxl's read-only
reader, which keeps an object per formatted row: a sheet of 1,048,576 of them took it 546 MB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from xml.parsers.expat import XMLParserType
from zipfile import ZipFile

from openpyxl.utils.datetime import CALENDAR_MAC_1904, WINDOWS_EPOCH, from_excel

from masterflow.domain.importing.model import Limits, RawRow
from masterflow.domain.importing.refusal import refusal
from masterflow.domain.importing.workbook import SheetPart, Workbook, fed, unescaped, xml_parser
from masterflow.domain.records import Cell, Issue, Place

LAST_ROW = 1_048_576
LAST_COLUMN = 16_384
_SAFE_DIGITS = 18


@dataclass(frozen=True, slots=True)
class SheetContext:
    """What the reader of one sheet needs to know."""

    file: str
    part: SheetPart
    workbook: Workbook
    limits: Limits


def sheet_rows(archive: ZipFile, context: SheetContext) -> Iterator[RawRow]:
    """The rows of a sheet in order, runs of empty rows as one item; can be called again for a new pass.

    Raises `FileRefused` for damaged XML, cells out of order or beyond Excel's own limits.
    """
    scanner = _RowScanner(context)
    parser = xml_parser(context.file, context.part.path)
    scanner.attach(parser)
    for _ in fed(parser, archive, context.part.path, file=context.file):
        yield from scanner.rows
        scanner.rows.clear()
    if scanner.row > scanner.last_filled:
        yield RawRow(scanner.last_filled + 1, [], empties=scanner.row - scanner.last_filled)


def column_letters(position: int) -> str:
    """Excel's name of a column: 1 is A, 27 is AA."""
    letters = ""
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """The position of a column from its name, counted from 1; 0 when it is no column of Excel."""
    number = 0
    for letter in letters[:4]:
        if not "A" <= letter <= "Z":
            return 0
        number = number * 26 + ord(letter) - ord("A") + 1
    return number if number <= LAST_COLUMN else 0


class _RowScanner:
    """Turns the parser's callbacks into rows; its state is the cell that is being read."""

    def __init__(self, context: SheetContext) -> None:
        self.rows: list[RawRow] = []
        self.row = 0
        self.last_filled = 0
        self._context = context
        self._prefix = ""
        self._cells: list[Cell] = []
        self._issues: list[Issue] = []
        self._rejected = False
        self._beyond = 0
        self._columns: dict[str, int] = {}
        self._reset_cell({})
        self._column = 0
        self._taking = False
        self._phonetic = False

    def attach(self, parser: XMLParserType) -> None:
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take

    def _reset_cell(self, attributes: dict[str, str]) -> None:
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "")
        self._parts: list[str] = []
        self._size = 0
        self._formula = False

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._prefix:
            tag = tag.removeprefix(self._prefix)
        if tag == "c":
            self._start_cell(attributes)
        elif tag in ("v", "t"):
            self._taking = not self._phonetic
        elif tag == "row":
            self._start_row(attributes.get("r", ""))
        elif tag == "f":
            self._formula = True
        elif tag == "rPh":
            self._phonetic = True
        elif tag.endswith(":worksheet"):
            self._prefix = tag.removesuffix("worksheet")

    def _end(self, tag: str) -> None:
        if self._prefix:
            tag = tag.removeprefix(self._prefix)
        if tag in ("v", "t"):
            self._taking = False
        elif tag == "c":
            self._end_cell()
        elif tag == "row":
            self._end_row()
        elif tag == "rPh":
            self._phonetic = False

    def _take(self, text: str) -> None:
        if self._taking:
            self._size += len(text)
            if self._size <= self._context.limits.max_cell_chars:
                self._parts.append(text)

    def _start_row(self, reference: str) -> None:
        number = int(reference) if reference.isascii() and reference.isdigit() else self.row + 1
        if not self.row < number <= LAST_ROW:
            raise self._out_of_order()
        self.row = number
        self._column = 0
        self._cells = []
        self._issues = []
        self._rejected = False
        self._beyond = 0

    def _start_cell(self, attributes: dict[str, str]) -> None:
        letters = attributes.get("r", "").rstrip("0123456789")
        column = self._column + 1
        if letters:
            column = self._columns.get(letters) or self._columns.setdefault(letters, column_number(letters))
        if not self._column < column <= LAST_COLUMN:
            raise self._out_of_order()
        self._column = column
        self._reset_cell(attributes)

    def _end_cell(self) -> None:
        if self._size > self._context.limits.max_cell_chars:
            self._reject_long_cell()
        elif self._parts:
            value = self._value("".join(self._parts))
            if value is not None and value != "":
                self._place(value)
        elif self._formula and self._kind != "str":
            message = (
                "The formula has no stored value. Open the file in a spreadsheet program, let it calculate "
                "and save it again."
            )
            self._note("formula_without_value", message)

    def _place(self, value: Cell) -> None:
        if self._column > self._context.limits.max_columns:
            self._beyond = self._beyond or self._column
            return
        missing = self._column - 1 - len(self._cells)
        if missing:
            self._cells.extend([None] * missing)
        self._cells.append(value)

    def _end_row(self) -> None:
        if not (self._cells or self._issues or self._beyond):
            return
        gap = self.row - self.last_filled - 1
        if gap:
            self.rows.append(RawRow(self.last_filled + 1, [], empties=gap))
        self.last_filled = self.row
        issues = tuple(self._issues)
        self.rows.append(RawRow(self.row, self._cells, issues=issues, rejected=self._rejected, beyond=self._beyond))

    def _value(self, text: str) -> Cell:
        kind = self._kind
        if kind == "s":
            return self._shared(text)
        if kind == "n":
            return self._number(text)
        if kind == "b":
            return text.strip() in ("1", "true")
        if kind == "e":
            self._note("cell_error", f"The cell holds the error {text}; it counts as empty.")
            return None
        return unescaped(text)

    def _shared(self, text: str) -> Cell:
        index = text.strip()
        texts = self._context.workbook.texts
        if not (index.isascii() and index.isdigit() and int(index[:_SAFE_DIGITS]) < len(texts)):
            raise refusal(
                "A cell refers to a text that the workbook does not contain.",
                file=self._context.file,
                sheet=self._context.part.name,
                row=self.row,
            )
        value = texts[int(index)]
        if len(value) > self._context.limits.max_cell_chars:
            self._reject_long_cell()
            return None
        return value

    def _number(self, text: str) -> Cell:
        number = _number(text)
        style = self._context.workbook.date_styles.get(self._style)
        if style is None or isinstance(number, str):
            return number
        epoch = CALENDAR_MAC_1904 if self._context.workbook.epoch_1904 else WINDOWS_EPOCH
        try:
            moment = from_excel(number, epoch, timedelta=style == "duration")
        except (OverflowError, ValueError):
            self._note("date_out_of_range", f"The number {text} is no date; it is kept as a number.")
            return number
        return _iso(moment, date_only=style == "date")

    def _reject_long_cell(self) -> None:
        limit = self._context.limits.max_cell_chars
        self._rejected = True
        self._note(
            "cell_too_long",
            f"The cell has more than {limit:,} characters; the row is left out. Shorten the cell.",
            error=True,
        )

    def _note(self, code: str, message: str, *, error: bool = False) -> None:
        place = Place(self._context.file, self._context.part.name, self.row, column_letters(self._column))
        self._issues.append(Issue(code, "error" if error else "warning", message, place))

    def _out_of_order(self) -> Exception:
        return refusal(
            "Rows or cells are out of order or beyond the size of an Excel sheet; the file is damaged.",
            file=self._context.file,
            sheet=self._context.part.name,
            row=self.row,
        )


def _number(text: str) -> int | float | str:
    """The number as int or float; the text itself where neither can hold it."""
    digits = text.strip().removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= _SAFE_DIGITS:
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) and "_" not in text and not digits.isdigit() else text


def _iso(moment: datetime | date | time | timedelta, *, date_only: bool) -> str:
    if isinstance(moment, timedelta):
        seconds = f"{moment.total_seconds():.6f}".rstrip("0").rstrip(".")
        return f"PT{seconds}S"
    if isinstance(moment, datetime) and date_only:
        return moment.date().isoformat()
    return moment.isoformat()
