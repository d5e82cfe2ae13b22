"""Read figures: numbers, whole numbers and percentages, with their units and both decimal notations."""

from __future__ import annotations

import math

from masterflow.domain import units
from masterflow.domain.readers.reading import EMPTY, Problem, Reading, refused
from masterflow.domain.readers.text import as_text, is_empty, tidy
from masterflow.domain.records import Cell
from masterflow.domain.units import Decimal
from masterflow.errors import InvalidInput

NEVER_NEGATIVE = frozenset(
    {"cpu_cores", "cpu_sockets", "cores_per_socket", "cpu_speed_mhz", "nic_count", "disk_count"}
    | {"memory_gb", "storage_gb", "storage_used_gb", "storage_free_gb", "database_size_gb"}
    | {"disk_iops", "network_throughput_mbps", "source_port", "target_port", "connection_count"}
    | {"cpu_utilization_percent", "cpu_utilization_percent_max"}
    | {"memory_utilization_percent", "memory_utilization_percent_max"}
)
"""Fields where -1 means "not collected" and any other negative figure is an error."""

_FRACTION_UNITS = frozenset({"fraction", "ratio"})
_EXACT_INTEGERS = 2**53


def read_number(raw: Cell, *, target: str, unit: str, target_unit: str, decimal: Decimal | None) -> Reading:
    """A number in the unit of the target field; a unit inside the cell wins over the column's unit."""
    found = _figure(raw, decimal)
    if isinstance(found, Reading):
        return found
    value, cell_unit, steps = found
    absent = _negative(value, target)
    if absent is not None:
        return absent
    return _converted(value, cell_unit or unit, target_unit, steps)


def read_integer(raw: Cell, *, target: str, unit: str, target_unit: str, decimal: Decimal | None) -> Reading:
    """A whole number; a fraction is refused, not rounded."""
    reading = read_number(raw, target=target, unit=unit, target_unit=target_unit, decimal=decimal)
    if not isinstance(reading.value, float):
        return reading
    if not reading.value.is_integer() or abs(reading.value) > _EXACT_INTEGERS:
        return refused("not_a_whole_number", f"a whole number, found {reading.value:g}")
    return Reading(int(reading.value), reading.steps, reading.problems)


def read_percent(raw: Cell, *, target: str, unit: str, decimal: Decimal | None) -> Reading:
    """A percentage 0..100; unit "fraction" means 0..1 and is multiplied by 100.

    Without a unit the figure counts as a percentage, with a note where it could be a fraction.
    """
    found = _figure(raw, decimal)
    if isinstance(found, Reading):
        return found
    value, cell_unit, steps = found
    absent = _negative(value, target)
    if absent is not None:
        return absent
    if cell_unit not in {"", "%"}:
        return refused("number_unreadable", f"a percentage, found the unit {cell_unit!r}")
    if cell_unit == "" and units.normal_unit(unit) in _FRACTION_UNITS:
        value, steps = value * 100, (*steps, "fraction->percent *100")
    return Reading(value, steps, _percent_notes(value, is_certain=bool(cell_unit or unit)))


def _percent_notes(value: float, *, is_certain: bool) -> tuple[Problem, ...]:
    if not 0 <= value <= 100:
        return (Problem("percent_out_of_range", "warning", f"0 to 100, found {value:g}; kept as written"),)
    if 0 < value <= 1 and not is_certain:
        detail = "the unit of the column (percent or fraction); read as percent"
        return (Problem("percent_or_fraction", "warning", detail),)
    return ()


def _figure(raw: Cell, decimal: Decimal | None) -> tuple[float, str, tuple[str, ...]] | Reading:
    """The figure, the unit inside the cell and the steps; or the reading of a cell without a figure."""
    if isinstance(raw, bool):
        return refused("number_unreadable", "a number, found a yes or no value")
    if isinstance(raw, int | float):
        return _plain(raw)
    text = tidy(as_text(raw))
    if is_empty(text):
        return EMPTY
    quantity = units.parse_quantity(text, decimal=decimal)
    if quantity is None:
        return _no_figure(text)
    value, unit = quantity
    return value, unit, ("text to number",) if not unit else ("text to number", f"unit {unit} in the cell")


def _plain(raw: float) -> tuple[float, str, tuple[str, ...]] | Reading:
    try:
        value = float(raw)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        return refused("number_unreadable", "a finite number")
    return value, "", ()


def _no_figure(text: str) -> Reading:
    if units.parse_quantity(text, decimal=".") is None:
        return refused("number_unreadable", "one number, with at most one unit")
    return refused(
        "number_ambiguous", "the decimal mark of this column: the text is a different number with . and with ,"
    )


def _negative(value: float, target: str) -> Reading | None:
    if value >= 0 or target not in NEVER_NEGATIVE:
        return None
    if value == -1:
        return Reading(problems=(Problem("not_collected", "info", "a figure; -1 means not collected"),))
    return refused("number_negative", f"a figure that is not negative, found {value:g}")


def _converted(value: float, unit: str, target_unit: str, steps: tuple[str, ...]) -> Reading:
    if not target_unit:
        return _as_counted(value, unit, steps)
    if not unit:
        return refused("unit_unknown", f"the unit of the column, to give {target_unit}")
    try:
        result = units.convert(value, unit, target_unit)
    except InvalidInput:
        return refused("unit_unknown", f"a unit that converts to {target_unit}, found {unit!r}")
    if not math.isfinite(result):
        return refused("number_unreadable", "a finite number")
    if unit == target_unit or units.normal_unit(unit) == units.normal_unit(target_unit):
        return Reading(result, steps)
    return Reading(result, (*steps, f"{unit}->{target_unit}{units.factor_text(unit, target_unit)}"))


def _as_counted(value: float, unit: str, steps: tuple[str, ...]) -> Reading:
    return Reading(value, steps if not unit else (*steps, f"kept in {unit}"))
