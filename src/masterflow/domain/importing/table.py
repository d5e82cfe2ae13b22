"""Turns the raw rows of a sheet or a delimited text into events: header, records, issues, counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from masterflow.domain.importing.headers import (
    SCAN_ROWS,
    find_header,
    header_issues,
    is_blank,
    name_columns,
    unnamed_positions,
)
from masterflow.domain.importing.issue_log import IssueLog
from masterflow.domain.importing.model import Event, Limits, RawRow, SheetEnd
from masterflow.domain.importing.refusal import refusal
from masterflow.domain.importing.row_rules import RowRule, rule_for
from masterflow.domain.importing.worksheet import column_letters
from masterflow.domain.records import Column, Issue, Place, Record, SheetHeader


@dataclass(frozen=True, slots=True)
class TableContext:
    """A table to read. `passes` opens the rows anew at each call.

    `ragged`: rows have a number of fields of their own (delimited text), so a long row has shifted
    values and is rejected. In a sheet a value beside the table stays outside and is reported.
    """

    file: str
    sheet: str
    passes: Callable[[], Iterator[RawRow]]
    limits: Limits
    ragged: bool
    rows_before: int = 0


def table_events(context: TableContext) -> Iterator[Event]:
    """The events of one table; only an issue if it is empty. Raises `FileRefused` above a limit."""
    log = IssueLog(file=context.file, sheet=context.sheet, limit=context.limits.max_issues)
    rows = context.passes()
    head = _head(rows, context)
    if not head:
        place = Place(context.file, context.sheet)
        yield Issue("empty_sheet", "info", "The sheet holds no values.", place)
        return
    found = find_header(head)
    top = head[found.index]
    _check_header(top, context)
    place = Place(context.file, context.sheet, top.number)
    columns = name_columns(top.cells, with_values=_positions_with_values(context, top))
    header = SheetHeader(context.sheet, top.number, columns)
    yield header
    yield from log.listed(header_issues(columns, place=place, sure=found.sure))
    yield from _above(head[: found.index], place)
    body = _Body(context, header, width=len(top.cells))
    for row in chain(head[found.index + 1 :], rows):
        yield from log.listed(row.issues)
        if row.rejected or not (row.cells or row.beyond):
            body.count(row)
            yield from log.listed(body.blank_issues(row))
        else:
            record, issues = body.record(row)
            yield from log.listed(issues)
            if record:
                yield record
    if not body.records and not body.rejected:
        yield Issue("no_rows", "warning", "The table has a header but no rows.", place)
    yield from log.closing()
    yield SheetEnd(context.sheet, body.records, body.empty_rows, body.rejected)


def _head(rows: Iterator[RawRow], context: TableContext) -> list[RawRow]:
    """The rows to look for a header in; empty rows among them are kept for the count."""
    head: list[RawRow] = []
    filled = 0
    for row in rows:
        if row.rejected and not filled:
            detail = "The first row that holds anything cannot be read, so the columns are unknown."
            raise refusal(detail, file=context.file, sheet=context.sheet, row=row.number)
        if row.cells:
            filled += 1
        if filled:
            head.append(row)
        if filled == SCAN_ROWS:
            break
    return head


def _check_header(top: RawRow, context: TableContext) -> None:
    if top.beyond or len(top.cells) > context.limits.max_columns:
        raise refusal(
            f"The table has more than {context.limits.max_columns:,} columns.",
            file=context.file,
            sheet=context.sheet,
            row=top.number,
            next_step="Leave out the columns that do not describe the inventory.",
        )


def _positions_with_values(context: TableContext, top: RawRow) -> set[int]:
    """Which of the unnamed columns hold a value; a second pass that ends when all are found."""
    open_positions = set(unnamed_positions(top.cells))
    found: set[int] = set()
    if not open_positions:
        return found
    for row in context.passes():
        if row.number <= top.number or row.rejected or len(row.cells) > len(top.cells):
            continue
        hits = {p for p in open_positions if p <= len(row.cells) and not is_blank(row.cells[p - 1])}
        found |= hits
        open_positions -= hits
        if not open_positions:
            break
    return found


def _above(skipped: list[RawRow], place: Place) -> Iterator[Issue]:
    lines = [row for row in skipped if row.cells]
    if lines:
        shown = " | ".join(str(cell) for cell in lines[0].cells if not is_blank(cell))[:120]
        message = f"{len(lines)} rows above the header are not part of the table, the first: {shown}"
        yield Issue("rows_above_header", "info", message, Place(place.file, place.sheet, lines[0].number))


class _Body:
    """Makes records from the rows under a header and counts what becomes of each."""

    def __init__(self, context: TableContext, header: SheetHeader, *, width: int) -> None:
        self.records = 0
        self.empty_rows = 0
        self.rejected = 0
        self._context = context
        self._columns: tuple[Column, ...] = header.columns
        self._keys = [column.key for column in header.columns]
        self._picks = [column.position - 1 for column in header.columns]
        self._whole = self._picks == list(range(width))
        self._width = width
        self._rule: RowRule | None = rule_for(header)

    def count(self, row: RawRow) -> None:
        if row.rejected:
            self._reject(row)
        else:
            self.empty_rows += row.empties or 1

    def blank_issues(self, row: RawRow) -> list[Issue]:
        """For the sources whose own importer refuses blank rows, one issue for each."""
        if not self._rule or row.rejected or row.empties != 1:
            return []
        return [self._issue("blank_row", "The row is blank and was skipped.", row, error=False)]

    def record(self, row: RawRow) -> tuple[Record | None, list[Issue]]:
        """The record of a row, or None with the issue that says why not."""
        cells = row.cells
        issues: list[Issue] = []
        if len(cells) != self._width or row.beyond:
            issues = self._fit(row)
            if issues and issues[-1].severity == "error":
                self._reject(row)
                return None, issues
            cells = cells[: self._width] + [None] * (self._width - len(cells))
        if not self._whole:
            cells = [cells[pick] for pick in self._picks]
        if is_blank(cells[0]) and all(map(is_blank, cells)):
            self.empty_rows += 1
            return None, issues
        record = Record(self._context.sheet, row.number, dict(zip(self._keys, cells, strict=True)))
        fault = self._rule(record) if self._rule else None
        if fault:
            self._reject(row)
            return None, [*issues, self._issue("row_refused_by_source", fault, row)]
        self.records += 1
        self._check_rows(row)
        return record, issues

    def _fit(self, row: RawRow) -> list[Issue]:
        """What to say about a row that is wider or narrower than the header."""
        extra = next((p for p in range(self._width, len(row.cells)) if not is_blank(row.cells[p])), None)
        if extra is None and not row.beyond:
            return self._short(row)
        if self._context.ragged:
            message = (
                f"The row has {len(row.cells)} fields, the header {self._width}; it is left out. "
                "Put quotation marks around values that contain the delimiter."
            )
            return [self._issue("long_row", message, row)]
        column = column_letters(row.beyond if extra is None else extra + 1)
        place = Place(self._context.file, self._context.sheet, row.number, column)
        message = "A value stands to the right of the last column name; it was left out."
        return [Issue("value_outside_table", "warning", message, place)]

    def _short(self, row: RawRow) -> list[Issue]:
        if not self._context.ragged or len(row.cells) > self._width:
            return []
        message = f"The row has {len(row.cells)} fields, the header {self._width}; the rest counts as empty."
        return [self._issue("short_row", message, row, error=False)]

    def _issue(self, code: str, message: str, row: RawRow, *, error: bool = True) -> Issue:
        place = Place(self._context.file, self._context.sheet, row.number)
        return Issue(code, "error" if error else "warning", message, place)

    def _reject(self, row: RawRow) -> None:
        self.rejected += 1
        self._check_rows(row)

    def _check_rows(self, row: RawRow) -> None:
        rows = self._context.rows_before + self.records + self.rejected
        if rows > self._context.limits.max_rows:
            raise refusal(
                f"The file has more than {self._context.limits.max_rows:,} rows.",
                file=self._context.file,
                sheet=self._context.sheet,
                row=row.number,
                next_step="Split it and upload the pieces one by one.",
            )
