"""Read dates: ISO 8601, day-month-year and month-day-year texts, month names and Excel serial numbers."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta

from masterflow.domain.readers.reading import EMPTY, Reading, refused
from masterflow.domain.readers.text import as_text, is_empty, one_line, tidy
from masterflow.domain.records import Cell

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_CLOCK = (
    r"(?:[t ,]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r"\s*(?P<half>[ap]m)?\s*(?P<zone>z|utc|gmt|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})([-/.])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})" + _CLOCK)
_COMPACT = re.compile(r"(?P<year>(?:19|20)[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})" + _CLOCK)
_YEAR_LAST = re.compile(
    r"(?P<first>[0-9]{1,2})(?P<mark>[-/.])(?P<second_part>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})" + _CLOCK
)
_DAY_NAME = re.compile(r"(?P<day>[0-9]{1,2})[ .-]+(?P<name>[a-z]{3})[a-z]*[ .,-]+(?P<year>[0-9]{4})" + _CLOCK)
_NAME_DAY = re.compile(r"(?P<name>[a-z]{3})[a-z]*[ .-]+(?P<day>[0-9]{1,2})[ ,]+(?P<year>[0-9]{4})" + _CLOCK)

_EXCEL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell carries no zone
_FIRST_SERIAL, _LAST_SERIAL = 61, 2_958_465
"""Excel counts a 29 February 1900 that never was; serials below 61 are not reliable dates."""

_EXPECTED = "a date such as 2026-11-20, 20.11.2026, 20-Nov-2026 or an Excel serial number"


def read_date(raw: Cell, *, order: str) -> Reading:
    """An ISO 8601 date, or date and time when the cell has a time; the zone is kept as written.

    `order` is "dmy" or "mdy" and decides texts such as 03/04/2026; without it they are refused.
    A dotted text is day first.
    """
    if isinstance(raw, bool):
        return refused("date_unreadable", _EXPECTED)
    if isinstance(raw, int | float):
        return _from_serial(raw)
    text = one_line(tidy(as_text(raw)))
    if is_empty(text):
        return EMPTY
    if re.fullmatch(r"[0-9]{5}(?:\.[0-9]{1,12})?", text):
        return _from_serial(float(text))
    parts = _parts(text, order.lower())
    if isinstance(parts, Reading):
        return parts
    found, match = parts
    return _with_clock(found, match, raw)


def _from_serial(serial: float) -> Reading:
    if not math.isfinite(serial) or not _FIRST_SERIAL <= serial <= _LAST_SERIAL:
        return refused("date_unreadable", _EXPECTED)
    moment = _EXCEL_ZERO + timedelta(seconds=round(serial * 86_400))
    text = moment.date().isoformat() if moment.time() == time() else moment.isoformat()
    return Reading(text, ("Excel serial to ISO date",))


def _parts(text: str, order: str) -> tuple[date, re.Match[str]] | Reading:
    for pattern in (_YEAR_FIRST, _COMPACT):
        if match := pattern.fullmatch(text):
            return _calendar(match, match["year"], int(match["month"]), int(match["day"]))
    if match := _YEAR_LAST.fullmatch(text):
        return _by_order(match, "dmy" if match["mark"] == "." else order)
    for pattern in (_DAY_NAME, _NAME_DAY):
        if match := pattern.fullmatch(text):
            return _calendar(match, match["year"], _MONTHS.get(match["name"], 0), int(match["day"]))
    return refused("date_unreadable", _EXPECTED)


def _by_order(match: re.Match[str], order: str) -> tuple[date, re.Match[str]] | Reading:
    first, second = int(match["first"]), int(match["second_part"])
    if order == "mdy" or (not order and second > 12):
        return _calendar(match, match["year"], first, second)
    if order == "dmy" or first > 12 or first == second:
        return _calendar(match, match["year"], second, first)
    return refused("date_ambiguous", "the order of day and month in this column")


def _calendar(match: re.Match[str], year: str, month: int, day: int) -> tuple[date, re.Match[str]] | Reading:
    try:
        return date(int(year), month, day), match
    except ValueError:
        return refused("date_unreadable", _EXPECTED)


def _with_clock(found: date, match: re.Match[str], raw: Cell) -> Reading:
    if match["hour"] is None:
        text = found.isoformat()
        return Reading(text, () if text == raw else ("to ISO date",))
    clock = _clock(match)
    text = f"{found.isoformat()}T{clock.isoformat() if clock else '-'}{_zone(match['zone'])}"
    if not _is_moment(text):
        return refused("date_unreadable", _EXPECTED)
    return Reading(text, () if text == raw else ("to ISO date and time",))


def _clock(match: re.Match[str]) -> time | None:
    hour, half = int(match["hour"]), match["half"]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        # PostgreSQL keeps microseconds; further digits of the fraction are dropped.
        return time(
            hour, int(match["minute"]), int(match["second"] or 0), int((match["part"] or "0").ljust(6, "0")[:6])
        )
    except ValueError:
        return None


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _zone(zone: str | None) -> str:
    if zone is None:
        return ""
    if zone in {"z", "utc", "gmt"}:
        return "Z"
    return zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
