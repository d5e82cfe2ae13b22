"""Reads JSON: an array of objects, an object that holds such arrays, or one object a line (NDJSON).

A file is read twice: first to find its tables and columns, then for the records, so that no more than
one object is in memory beside the text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from masterflow.domain.importing.model import Limits
from masterflow.domain.records import Cell

_BLANKS = re.compile(r"[ \t\r\n]*")
_LARGEST = 2**63


class JsonFault(ValueError):
    """The text is no acceptable JSON; the message says why."""


class RowFault(ValueError):
    """One object cannot become a record; the message says why."""


@dataclass(frozen=True, slots=True)
class JsonTable:
    """An array of objects: its name (the key that holds it) and where its "[" stands in the text."""

    name: str
    start: int
    whole: bool = False
    """Nothing may follow the array: it is the document."""


def _refuse_constant(name: str) -> NoReturn:
    raise JsonFault(f"{name} is not a JSON value")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise JsonFault("an object has the same key twice")
    return result


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant)


def _value(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at a position, and where it ends."""
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError as fault:
        raise JsonFault("the values are nested too deeply") from fault
    except json.JSONDecodeError as fault:
        raise JsonFault(f"{fault.msg} at line {fault.lineno}, column {fault.colno}") from fault
    except JsonFault:
        raise
    except ValueError as fault:
        raise JsonFault("a number has too many digits") from fault


def _skip(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, wanted: str) -> int:
    at = _skip(text, at)
    if not text.startswith(wanted, at):
        line = text.count("\n", 0, at) + 1
        raise JsonFault(f"{wanted!r} is missing at line {line}")
    return at + len(wanted)


@dataclass(slots=True)
class Elements:
    """Iterates the values of an array; `end` is the position behind its "]" once it is used up."""

    text: str
    start: int
    end: int = 0

    def __iter__(self) -> Iterator[Any]:
        at = _skip(self.text, _expect(self.text, self.start, "["))
        if self.text.startswith("]", at):
            self.end = at + 1
            return
        while True:
            value, at = _value(self.text, at)
            yield value
            at = _skip(self.text, at)
            if self.text.startswith("]", at):
                self.end = at + 1
                return
            at = _skip(self.text, _expect(self.text, at, ","))


def find_tables(text: str) -> list[JsonTable]:
    """The arrays of objects in a JSON text: itself, or the values of the object it is.

    An object without such an array is one record: the table then starts at its "{". Raises
    `JsonFault` when an object is no acceptable JSON or something follows it; an array is only
    checked by `objects`.
    """
    start = _skip(text, 0)
    if text.startswith("[", start):
        return [JsonTable("", start, whole=True)]
    tables, end = _tables_in_object(text, start)
    _expect_end(text, end)
    if len(tables) == 1:
        return [JsonTable("", tables[0].start)]
    return tables or [JsonTable("", start)]


def _expect_end(text: str, at: int) -> None:
    at = _skip(text, at)
    if at < len(text):
        line = text.count("\n", 0, at) + 1
        raise JsonFault(f"more text follows the end of the document at line {line}")


def _tables_in_object(text: str, start: int) -> tuple[list[JsonTable], int]:
    tables: dict[str, JsonTable] = {}
    seen: set[str] = set()
    at = _skip(text, _expect(text, start, "{"))
    if text.startswith("}", at):
        return [], at + 1
    while True:
        key, at = _value(text, at)
        if not isinstance(key, str) or key in seen:
            raise JsonFault("a key is no text or occurs twice")
        seen.add(key)
        at = _skip(text, _expect(text, at, ":"))
        start = at
        at, is_table = _pass_value(text, start)
        if is_table:
            tables[key] = JsonTable(key, start)
        at = _skip(text, at)
        if text.startswith("}", at):
            return list(tables.values()), at + 1
        at = _skip(text, _expect(text, at, ","))


def _pass_value(text: str, at: int) -> tuple[int, bool]:
    """The position behind a value, and whether it is an array of objects, judged by its first."""
    if not text.startswith("[", at):
        return _value(text, at)[1], False
    elements = Elements(text, at)
    is_table = False
    for index, value in enumerate(elements):
        is_table = is_table or (index == 0 and isinstance(value, dict))
    return elements.end, is_table


def objects(text: str, table: JsonTable) -> Iterator[Any]:
    """The values of a table, one after the other. Raises `JsonFault`."""
    if not text.startswith("[", table.start):
        yield _value(text, table.start)[0]
        return
    elements = Elements(text, table.start)
    yield from elements
    if table.whole:
        _expect_end(text, elements.end)


def parse_line(line: str) -> Any:
    """The value of one NDJSON line. Raises `JsonFault`."""
    value, end = _value(line, _skip(line, 0))
    _expect_end(line, end)
    return value


def flattened(value: Any, limits: Limits) -> dict[str, Cell]:
    """An object as one flat row: nested keys joined by dots, arrays kept as JSON text.

    Raises `RowFault` for what is no object, and for values that the inventory cannot store.
    Raises `JsonFault` above `Limits.max_json_depth`.
    """
    if not isinstance(value, dict):
        raise RowFault("it is no JSON object")
    check_depth(value, limits.max_json_depth)
    row: dict[str, Cell] = {}
    for path, leaf in _leaves(value, ""):
        if path in row:
            raise RowFault(f"the key {path!r} occurs twice once nested keys are joined by dots")
        row[_checked(path, limits)] = _cell(leaf, limits)
    return row


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def check_depth(value: Any, levels: int) -> None:
    """Raises `JsonFault` if a value is nested more than `levels` deep."""
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise JsonFault("the values are nested too deeply")
    for inner in value.values() if isinstance(value, dict) else value:
        check_depth(inner, levels - 1)


def _cell(value: Any, limits: Limits) -> Cell:
    if value is None or value in ({}, []):
        return None
    if isinstance(value, str):
        return _checked(value, limits) or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_LARGEST <= value < _LARGEST else str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RowFault("a number is too large")
        return value
    return _checked(json.dumps(value, ensure_ascii=False), limits)


def _checked(text: str, limits: Limits) -> str:
    if len(text) > limits.max_cell_chars:
        raise RowFault(f"a value has more than {limits.max_cell_chars:,} characters")
    if "\0" in text:
        raise RowFault("it holds a zero byte")
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise RowFault("a text holds half of a surrogate pair") from fault
    return text
