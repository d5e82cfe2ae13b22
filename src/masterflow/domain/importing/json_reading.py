"""Turns JSON and NDJSON into the same events as a sheet: header, records, issues, counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from masterflow.domain.importing.issue_log import IssueLog
from masterflow.domain.importing.jsontext import (
    JsonFault,
    JsonTable,
    RowFault,
    find_tables,
    flattened,
    objects,
    parse_line,
)
from masterflow.domain.importing.model import Dialect, Event, FileStart, Format, Limits, SheetEnd
from masterflow.domain.importing.refusal import refusal
from masterflow.domain.importing.sniffing import TextFile, encoding_issues, extension_issues
from masterflow.domain.records import Cell, Column, Issue, Place, Record, SheetHeader
from masterflow.errors import FileRefused

_LINES = re.compile(r"\s*\{[^\r\n]*\}[ \t]*\r?\n\s*\{")
_LONGEST_LINE = 16_777_216

Item = tuple[int, dict[str, Cell] | str | None]
"""The number of a row with its values, or with why it is rejected, or None for an empty one."""


@dataclass(frozen=True, slots=True)
class _Table:
    file: str
    name: str
    header_row: int
    unit: str
    items: Callable[[], Iterator[Item]]
    limits: Limits


def json_events(content: bytes, text_file: TextFile, *, file: str, limits: Limits) -> Iterator[Event]:
    """The events of a JSON or NDJSON file. Raises `FileRefused` before the first record for a JSON
    document that is not acceptable as a whole; a line of NDJSON that is not is one rejected row.
    """
    encoding = text_file.encoding
    lines = _LINES.match(text_file.sample) is not None
    form: Format = "ndjson" if lines else "json"
    evidence = "one JSON object a line" if lines else "one JSON document"
    yield FileStart(Dialect(form, encoding.name, "", (evidence, encoding.evidence)))
    yield from extension_issues(file, form)
    yield from encoding_issues(file, encoding)
    if lines:
        tables = [_lines_table(content, text_file, file=file, limits=limits)]
    else:
        tables = _document_tables(content, text_file, file=file, limits=limits)
    rows = 0
    for table in tables:
        for event in _table_events(table, rows):
            if isinstance(event, SheetEnd):
                rows += event.records + event.rejected
            yield event


def _lines_table(content: bytes, text_file: TextFile, *, file: str, limits: Limits) -> _Table:
    def items() -> Iterator[Item]:
        stream = text_file.encoding.stream(content)
        number = 0
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if len(line) >= _LONGEST_LINE:
                raise refusal(f"A line has more than {_LONGEST_LINE:,} characters.", file=file, row=number)
            yield number, _line_values(line, text_file, limits)

    return _Table(file, "", 0, "line", items, limits)


def _line_values(line: str, text_file: TextFile, limits: Limits) -> dict[str, Cell] | str | None:
    if not line.strip():
        return None
    if text_file.encoding.lossy and "\ufffd" in line:
        return f"it holds bytes that are not valid {text_file.encoding.name}"
    try:
        return flattened(parse_line(line), limits) or None
    except (JsonFault, RowFault) as fault:
        return str(fault)


def _document_tables(content: bytes, text_file: TextFile, *, file: str, limits: Limits) -> list[_Table]:
    if text_file.encoding.lossy:
        raise _refused(f"some bytes are not valid {text_file.encoding.name}", file)
    text = content[text_file.encoding.mark :].decode(text_file.encoding.name)
    try:
        found = find_tables(text)
    except JsonFault as fault:
        raise _refused(str(fault), file) from fault

    return [
        _Table(file, table.name, 0, "object", partial(_document_items, text, table, file, limits), limits)
        for table in found
    ]


def _document_items(text: str, table: JsonTable, file: str, limits: Limits) -> Iterator[Item]:
    number = 0
    try:
        for number, value in enumerate(objects(text, table), 1):
            try:
                yield number, flattened(value, limits) or None
            except RowFault as fault:
                yield number, str(fault)
    except JsonFault as fault:
        raise _refused(str(fault), file, row=number + 1) from fault


def _refused(why: str, file: str, row: int | None = None) -> FileRefused:
    step = "Correct the JSON document, or export it again, and upload the new copy."
    return refusal(f"The JSON document cannot be used: {why}.", file=file, row=row, next_step=step)


def _table_events(table: _Table, rows_before: int) -> Iterator[Event]:
    keys = _keys(table, rows_before)
    place = Place(table.file, table.name)
    if not keys:
        raise refusal(
            "The file holds no object with values.",
            file=table.file,
            sheet=table.name,
            next_step="Upload an array of objects, or one object a line.",
        )
    log = IssueLog(file=table.file, sheet=table.name, limit=table.limits.max_issues)
    yield SheetHeader(table.name, table.header_row, tuple(Column(k, n, k) for n, k in enumerate(keys, 1)))
    records = empty = rejected = 0
    for number, values in table.items():
        if isinstance(values, dict):
            records += 1
            yield Record(table.name, number, {key: values.get(key) for key in keys})
        elif values is None:
            empty += 1
        else:
            rejected += 1
            message = f"The {table.unit} is left out: {values}. Correct it and upload the file again."
            yield from log.listed([Issue("unreadable_row", "error", message, Place(table.file, table.name, number))])
    yield from log.closing()
    yield SheetEnd(place.sheet, records, empty, rejected)


def _keys(table: _Table, rows_before: int) -> list[str]:
    """The columns in the order in which the objects first use them; a pass over the whole table."""
    keys: dict[str, None] = {}
    limits = table.limits
    rows = rows_before
    for number, values in table.items():
        rows += values is not None
        if isinstance(values, dict):
            keys.update(dict.fromkeys(values))
        if len(keys) > limits.max_columns:
            detail = f"The objects have more than {limits.max_columns:,} different keys."
            step = "Leave out the keys that do not describe the inventory."
            raise refusal(detail, file=table.file, sheet=table.name, row=number, next_step=step)
        if rows > limits.max_rows:
            step = "Split it and upload the pieces one by one."
            detail = f"The file has more than {limits.max_rows:,} rows."
            raise refusal(detail, file=table.file, sheet=table.name, row=number, next_step=step)
    return list(keys)
