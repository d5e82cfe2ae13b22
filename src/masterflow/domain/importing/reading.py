"""Reads an uploaded file into events, whatever its format: the entry point of the package."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from masterflow.domain.importing.archive import open_archive
from masterflow.domain.importing.delimited import TextContext, delimited_rows, judge_delimiting
from masterflow.domain.importing.json_reading import json_events
from masterflow.domain.importing.model import Dialect, Event, FileStart, Limits, SheetEnd
from masterflow.domain.importing.refusal import refusal
from masterflow.domain.importing.sniffing import (
    TextFile,
    check_size,
    encoding_issues,
    extension_issues,
    is_zip,
    sniff_text,
)
from masterflow.domain.importing.table import TableContext, table_events
from masterflow.domain.importing.workbook import read_workbook
from masterflow.domain.importing.worksheet import SheetContext, sheet_rows

_DEFAULT = Limits()


def read(content: bytes, *, file_name: str, limits: Limits = _DEFAULT) -> Iterator[Event]:
    """Reads an inventory file lazily.

    The events are: one `FileStart`; findings about the file; then for each table its `SheetHeader`,
    its `Record`s and `Issue`s in the order of the file, and its `SheetEnd`. A sheet without values is
    one `Issue`. Raises `FileRefused`, at the call or during the iteration, if the file cannot be used.
    """
    check_size(content, file=file_name, limits=limits)
    if is_zip(content):
        return _workbook_events(content, file=file_name, limits=limits)
    text_file = sniff_text(content, file=file_name)
    if text_file.shape == "json":
        return json_events(content, text_file, file=file_name, limits=limits)
    return _text_events(content, text_file, file=file_name, limits=limits)


def _workbook_events(content: bytes, *, file: str, limits: Limits) -> Iterator[Event]:
    with open_archive(content, file=file, limits=limits) as archive:
        workbook = read_workbook(archive, file=file, limits=limits)
        yield FileStart(Dialect("xlsx", "", "", ("a ZIP container with the parts of an Excel workbook",)))
        yield from extension_issues(file, "xlsx")
        rows = tables = 0
        for part in workbook.sheets:
            sheet = SheetContext(file, part, workbook, limits)
            context = TableContext(
                file=file,
                sheet=part.name,
                passes=partial(sheet_rows, archive, sheet),
                limits=limits,
                ragged=False,
                rows_before=rows,
            )
            for event in table_events(context):
                if isinstance(event, SheetEnd):
                    rows += event.records + event.rejected
                    tables += 1
                yield event
        if not tables:
            step = "Save the workbook with the sheet that lists the inventory."
            raise refusal("No sheet of the workbook holds a table.", file=file, next_step=step)


def _text_events(content: bytes, text_file: TextFile, *, file: str, limits: Limits) -> Iterator[Event]:
    encoding = text_file.encoding
    delimiting = judge_delimiting(text_file.sample)
    evidence = (encoding.evidence, delimiting.evidence)
    yield FileStart(Dialect("csv", encoding.name, delimiting.delimiter, evidence))
    yield from extension_issues(file, "csv")
    yield from encoding_issues(file, encoding)
    text = TextContext(file, content, encoding, delimiting, limits)
    context = TableContext(file=file, sheet="", passes=partial(delimited_rows, text), limits=limits, ragged=True)
    tables = 0
    for event in table_events(context):
        tables += isinstance(event, SheetEnd)
        yield event
    if not tables:
        raise refusal("The file holds no values.", file=file)
