"""Turn a mapped row into clean values that each keep the way back to their cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from masterflow.domain.operating_systems import parse_os
from masterflow.domain.readers.addresses import read_host, read_ips, read_list, read_macs
from masterflow.domain.readers.dates import read_date
from masterflow.domain.readers.figures import read_integer, read_number, read_percent
from masterflow.domain.readers.reading import Problem, Reading
from masterflow.domain.readers.text import as_text, read_text
from masterflow.domain.readers.words import (
    read_boolean,
    read_choice,
    read_environment,
    read_power_state,
    suggest_environment,
)
from masterflow.domain.records import Cell, CleanRecord, CleanValue, Issue, Place, Record, SheetRole
from masterflow.domain.units import Decimal

_LIST_KINDS = frozenset({"ip", "mac", "list"})
_NAMED_MACHINES = frozenset({"virtual_machine", "server", "database", "application", "container"})
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column of a sheet and what it means.

    `column` is the `Column.key`, `target` the asset field. `kind` is text, integer, number, percent,
    boolean, date, ip, mac, fqdn, list or enum; any other kind is read as text. `unit` is the unit of
    the cells ("" unknown; "fraction" for percentages written 0..1; "dmy" or "mdy" for dates),
    `target_unit` the unit of the field, `values` the listed values of an enum. `decimal` is the
    decimal mark of the column where its cells show it, None where they do not.
    """

    column: str
    target: str
    kind: str
    unit: str
    target_unit: str
    values: tuple[str, ...] = ()
    decimal: Decimal | None = None


def cleanse(
    record: Record, record_id: str, role: SheetRole, columns: Sequence[MappedColumn]
) -> tuple[CleanRecord, tuple[Issue, ...]]:
    """Read every mapped cell of a row.

    An empty cell gives no value. A cell that cannot be read gives no value and an issue with its
    place and what was expected; the record is kept. Two columns of one target: lists are joined,
    otherwise the first non-empty column stands and a difference is an issue. The key column of a
    detail sheet is read as `name` when no column is mapped to it. An environment that the name
    hints at is an issue of severity info, never a value. Never raises.
    """
    values: dict[str, CleanValue] = {}
    derived: dict[str, CleanValue] = {}
    issues: list[Issue] = []
    for column in _with_key(role, columns):
        raw = record.values.get(column.column)
        if raw is None:
            continue
        reading = _read(raw, column)
        if reading.problems:
            issues.extend(_issue(record, column, raw, problem) for problem in reading.problems)
        if reading.value is not None:
            issues.extend(_keep(record, column, reading, values))
        for item in reading.derived:
            steps = (*reading.steps, item.step)
            derived.setdefault(item.target, CleanValue(item.value, raw, column.column, steps))
    clean = CleanRecord(record_id, record.sheet, record.row, role, {**derived, **values})
    return clean, (*issues, *_environment_hint(clean))


def _with_key(role: SheetRole, columns: Sequence[MappedColumn]) -> Sequence[MappedColumn]:
    needs_key = role.kind == "detail" and role.key_column and all(c.target != "name" for c in columns)
    return (*columns, MappedColumn(role.key_column, "name", "text", "", "")) if needs_key else columns


def _read(raw: Cell, column: MappedColumn) -> Reading:
    reader = _BY_TARGET.get(column.target) or _BY_KIND.get(column.kind, _text)
    return reader(raw, column)


def _text(raw: Cell, column: MappedColumn) -> Reading:
    return read_text(raw, target=column.target)


def _number(raw: Cell, column: MappedColumn) -> Reading:
    return read_number(
        raw, target=column.target, unit=column.unit, target_unit=column.target_unit, decimal=column.decimal
    )


def _integer(raw: Cell, column: MappedColumn) -> Reading:
    return read_integer(
        raw, target=column.target, unit=column.unit, target_unit=column.target_unit, decimal=column.decimal
    )


_parsed = lru_cache(maxsize=4_096)(parse_os)


def _operating_system(raw: Cell, column: MappedColumn) -> Reading:
    """The text as written; the parsed form is a step, so that lineage shows how it was understood."""
    reading = read_text(raw, target=column.target)
    if not isinstance(reading.value, str):
        return reading
    system = _parsed(reading.value)
    if system is None:
        note = Problem("os_unrecognised", "info", "a known operating system; kept as written")
        return Reading(reading.value, reading.steps, (*reading.problems, note))
    words = (system.product, system.version, system.edition, f"{system.bits}-bit" if system.bits else "")
    step = f"recognised as {' '.join(word for word in words if word)}"
    return Reading(reading.value, (*reading.steps, step))


_BY_TARGET: dict[str, Callable[[Cell, MappedColumn], Reading]] = {
    "power_state": lambda raw, _: read_power_state(raw),
    "environment": lambda raw, _: read_environment(raw),
    "operating_system": _operating_system,
    "os_tools": _operating_system,
    "fqdn": lambda raw, column: read_host(raw, target=column.target),
    "hostname": lambda raw, column: read_host(raw, target=column.target),
}

_BY_KIND: dict[str, Callable[[Cell, MappedColumn], Reading]] = {
    "text": _text,
    "number": _number,
    "integer": _integer,
    "percent": lambda raw, c: read_percent(raw, target=c.target, unit=c.unit, decimal=c.decimal),
    "boolean": lambda raw, _: read_boolean(raw),
    "date": lambda raw, column: read_date(raw, order=column.unit),
    "ip": lambda raw, column: read_ips(raw, target=column.target),
    "mac": lambda raw, column: read_macs(raw, target=column.target),
    "fqdn": lambda raw, column: read_host(raw, target=column.target),
    "list": lambda raw, _: read_list(raw),
    "enum": lambda raw, column: read_choice(raw, target=column.target, choices=column.values),
}


def _keep(record: Record, column: MappedColumn, reading: Reading, values: dict[str, CleanValue]) -> tuple[Issue, ...]:
    """Store the value, or join or compare it with the one an earlier column gave."""
    raw = record.values[column.column]
    earlier = values.get(column.target)
    if earlier is None:
        values[column.target] = CleanValue(reading.value, raw, column.column, reading.steps)
        return ()
    if column.kind in _LIST_KINDS:
        values[column.target] = _joined(earlier, reading.value, column.column)
        return ()
    if earlier.value == reading.value:
        return ()
    detail = f"the same {column.target} as column {earlier.column!r}, which is used"
    return (_issue(record, column, raw, Problem("columns_disagree", "warning", detail)),)


def _joined(earlier: CleanValue, value: Cell | list[str], column: str) -> CleanValue:
    items = list(dict.fromkeys([*_items(earlier.value), *_items(value)]))
    return CleanValue(items, earlier.raw, earlier.column, (*earlier.transform, f"joined with column {column!r}"))


def _items(value: Cell | list[str]) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def _issue(record: Record, column: MappedColumn, raw: Cell, problem: Problem) -> Issue:
    shown = as_text(raw)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    message = f"{column.column!r} holds {shown!r}; expected for {column.target}: {problem.detail}"
    place = Place(sheet=record.sheet, row=record.row, column=column.column)
    return Issue(problem.code, problem.severity, message, place)


def _environment_hint(record: CleanRecord) -> tuple[Issue, ...]:
    named = record.values.get("name") or record.values.get("hostname")
    is_machine = record.role.kind == "asset" and record.role.asset_type in _NAMED_MACHINES
    if named is None or not is_machine or "environment" in record.values:
        return ()
    hint = suggest_environment(str(named.value))
    if hint is None:
        return ()
    message = (
        f"The name {str(named.value)[:_SHOWN]!r} holds {hint.token!r}: the environment may be "
        f"{hint.environment} (confidence {hint.confidence}); nothing was set"
    )
    return (Issue("environment_suggested", "info", message, Place("", record.sheet, record.row, named.column)),)
