"""Reads delimited text: judges delimiter and blanks after it, then streams rows with their line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from masterflow.domain.importing.encoding import Encoding
from masterflow.domain.importing.model import Limits, RawRow
from masterflow.domain.importing.refusal import refusal
from masterflow.domain.records import Cell, Issue, Place

_CANDIDATES = ",;\t|"
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_SAMPLE_ROWS = 500
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


@dataclass(frozen=True, slots=True)
class Delimiting:
    """How lines are cut; `skipped_lines` is 1 when the first line is Excel's `sep=;`."""

    delimiter: str
    skip_blanks: bool
    skipped_lines: int
    evidence: str


@dataclass(frozen=True, slots=True)
class TextContext:
    """What the reader of a delimited text needs to know."""

    file: str
    content: bytes
    encoding: Encoding
    delimiting: Delimiting
    limits: Limits


def judge_delimiting(sample: str) -> Delimiting:
    """The delimiter under which the rows of the sample agree best on their number of fields.

    `sample` is the beginning of the file; a line that is cut off at its end does not weigh in.
    """
    separator = _SEPARATOR_LINE.match(sample)
    skipped = 0
    candidates = _CANDIDATES
    if separator and separator[1] in _CANDIDATES:
        skipped, candidates = 1, separator[1]
        sample = sample[separator.end() :]
    lines = list(io.StringIO(sample, newline=""))
    lines = lines[:-1] if len(lines) > 1 and not lines[-1].endswith(("\n", "\r")) else lines
    scored = [(_agreement(lines, delimiter, False), delimiter) for delimiter in candidates]
    (best, fields), delimiter = max(scored, key=lambda item: item[0][0])
    if best <= 0 and not skipped:
        return Delimiting(",", False, 0, "no delimiter found: one column")
    quoted_after_blank = re.search(re.escape(delimiter) + ' +"', sample) is not None
    skipping = _agreement(lines, delimiter, True) if quoted_after_blank else (0.0, fields)
    skip_blanks = skipping[0] > best
    fields = skipping[1] if skip_blanks else fields
    evidence = f"{_NAMES[delimiter]} cuts most rows into {fields} fields"
    if skipped:
        evidence = f"the first line declares the {_NAMES[delimiter]}"
    return Delimiting(delimiter, skip_blanks, skipped, evidence)


def _agreement(lines: list[str], delimiter: str, skip_blanks: bool) -> tuple[float, int]:
    """How well the rows agree on a number of fields above 1: share of rows x fields, and the number."""
    counts: Counter[int] = Counter()
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=skip_blanks)
    for row in reader:
        if row:
            counts[len(row)] += 1
        if reader.line_num >= _SAMPLE_ROWS:
            break
    fields, rows = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 1))
    if fields == 1:
        return 0.0, 1
    share = rows / counts.total()
    return share * share * min(fields, 40) ** 0.5, fields


class _Lines:
    """Hands lines to the csv reader, remembers those of the current record and takes them back."""

    def __init__(self, context: TextContext) -> None:
        self.taken: list[str] = []
        self.ended = False
        self._stream = context.encoding.stream(context.content)
        self._limit = context.limits.max_columns * context.limits.max_cell_chars
        self._file = context.file
        self._again: deque[str] = deque()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._stream.readline(self._limit)
        if not line:
            self.ended = True
            raise StopIteration
        if len(line) >= self._limit:
            raise refusal(f"A line has more than {self._limit:,} characters.", file=self._file)
        self.taken.append(line)
        return line

    def take_back(self) -> None:
        """Returns all lines of the current record but the first, to be read again as rows of their own."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        self.ended = False


def delimited_rows(context: TextContext) -> Iterator[RawRow]:
    """The rows of a delimited text; can be called again for a new pass.

    `RawRow.number` is the physical line on which the row begins. A row that cannot be read comes as
    rejected with an issue; a quote that never closes costs its own line only.
    """
    lines = _Lines(context)
    delimiting = context.delimiting
    reader = csv.reader(lines, delimiter=delimiting.delimiter, skipinitialspace=delimiting.skip_blanks)
    line = delimiting.skipped_lines
    for _ in range(line):
        next(lines)
    broken = 0
    while True:
        lines.taken.clear()
        start = line + 1
        fields = _next_fields(reader, lines)
        if not lines.taken:
            return
        if isinstance(fields, str):
            broken += 1
            _check_broken(broken, start, context)
            lines.take_back()
        line += len(lines.taken)
        yield _row(fields, lines.taken, start, context)


def _next_fields(reader: Iterator[list[str]], lines: _Lines) -> list[str] | str:
    """The fields of the next record, or why there are none."""
    try:
        fields = next(reader)
    except StopIteration:
        return []
    except csv.Error:
        return "a quotation mark is not closed, or a field is too long"
    return "a quotation mark is opened and never closed" if lines.ended else fields


def _check_broken(broken: int, row: int, context: TextContext) -> None:
    if broken > context.limits.max_broken_quotes:
        raise refusal(
            f"More than {context.limits.max_broken_quotes:,} rows have quotation marks that do not close.",
            file=context.file,
            row=row,
        )


def _row(fields: list[str] | str, taken: list[str], number: int, context: TextContext) -> RawRow:
    fault = fields if isinstance(fields, str) else _fault(taken, fields, context)
    if fault:
        issue = Issue("unreadable_row", "error", _message(fault), Place(context.file, row=number))
        return RawRow(number, [], issues=(issue,), rejected=True)
    cells: list[Cell] = [field or None for field in fields]
    if any(field and not field.isspace() for field in fields):
        return RawRow(number, cells)
    return RawRow(number, [], empties=1)


def _message(fault: str) -> str:
    return f"The row is left out: {fault}. Correct the line and upload the file again."


def _fault(taken: list[str], fields: list[str], context: TextContext) -> str:
    """Why the row cannot be used; "" if it can."""
    text = taken[0] if len(taken) == 1 else "".join(taken)
    if not text.isascii() and context.encoding.lossy and "\ufffd" in text:
        return f"it holds bytes that are not valid {context.encoding.name}"
    if "\0" in text:
        return "it holds a zero byte"
    limit = context.limits.max_cell_chars
    if len(text) > limit and any(len(field) > limit for field in fields):
        return f"a field has more than {limit:,} characters"
    if len(fields) > context.limits.max_columns and any(fields[context.limits.max_columns :]):
        return f"it has more than {context.limits.max_columns:,} fields"
    return ""
