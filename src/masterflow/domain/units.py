"""Read numbers and quantities as inventory tools write them, and convert sizes, frequencies and rates.

Sizes: VMware, Hyper-V, Azure Migrate and Nutanix count KB, MB, GB and TB in steps of 1,024, whatever
the header says (the vSphere API counts memory in MB of 1,048,576 bytes; newer RVTools releases print the
same figures under "MiB" headers). A decimal unit must be written out: "GB decimal" is 10^9 bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from masterflow.errors import InvalidInput

Decimal = Literal[".", ","]

_BYTES = {
    **dict.fromkeys(("b", "byte", "bytes"), 1.0),
    **dict.fromkeys(("k", "kb", "kib", "ko"), 2.0**10),
    **dict.fromkeys(("m", "mb", "mib", "mo"), 2.0**20),
    **dict.fromkeys(("g", "gb", "gib", "go"), 2.0**30),
    **dict.fromkeys(("t", "tb", "tib", "to"), 2.0**40),
    **dict.fromkeys(("p", "pb", "pib", "po"), 2.0**50),
    "kb decimal": 1e3,
    "mb decimal": 1e6,
    "gb decimal": 1e9,
    "tb decimal": 1e12,
    "pb decimal": 1e15,
}
_HERTZ = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}
_BITS_PER_SECOND = {
    **dict.fromkeys(("bit/s", "bps"), 1.0),
    **dict.fromkeys(("kbit/s", "kbps"), 1e3),
    **dict.fromkeys(("mbit/s", "mbps"), 1e6),
    **dict.fromkeys(("gbit/s", "gbps"), 1e9),
    "b/s": 8.0,
    "bytes/s": 8.0,
    **dict.fromkeys(("kb/s", "kib/s"), 8 * 2.0**10),
    **dict.fromkeys(("mb/s", "mib/s"), 8 * 2.0**20),
    **dict.fromkeys(("gb/s", "gib/s"), 8 * 2.0**30),
}
_TABLES = (_BYTES, _HERTZ, _BITS_PER_SECOND)
_GIB = 2.0**30

_GROUP_MARKS = str.maketrans("", "", "'\u2019_ \u00a0\u202f\u2009")
_INNER_GROUPS = re.compile(r"(?<=[0-9])['\u2019_ \u00a0\u202f\u2009](?=[0-9]{3}(?![0-9]))")
_QUANTITY = re.compile(
    r"(?P<number>[+\-\u2212]?[0-9.,'\u2019_ \u00a0\u202f\u2009]*[0-9](?:[eE][+\-]?[0-9]{1,3})?)"
    r"\s*(?P<unit>[A-Za-z%\u00b5][A-Za-z/%]*(?: decimal)?)?"
)
_PLAIN = re.compile(r"[+-]?(?:[0-9]+|[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][+-]?[0-9]{1,3})?")
_AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
_MAX_LENGTH = 64


def to_gib(value: float, unit: str) -> float:
    """Convert a size to GiB (2^30 bytes); `unit` is any case of B, KB, KiB, ... PB, PiB or "GB decimal".

    Raises InvalidInput for a unit that is not a size.
    """
    return value * (_factor(_BYTES, unit) / _GIB)


def convert(value: float, unit: str, target_unit: str) -> float:
    """Convert between two sizes, frequencies or network rates; an equal or no target unit changes nothing.

    Raises InvalidInput when the two do not measure the same thing.
    """
    return value * _factor_between(unit, target_unit)


@lru_cache(maxsize=1_024)
def _factor_between(unit: str, target_unit: str) -> float:
    if not target_unit or normal_unit(unit) == normal_unit(target_unit):
        return 1.0
    table = next((table for table in _TABLES if normal_unit(target_unit) in table), _BYTES)
    return _factor(table, unit) / _factor(table, target_unit)


def normal_unit(unit: str) -> str:
    """The unit in lower case with single spaces."""
    return " ".join(unit.lower().split())


def _factor(table: dict[str, float], unit: str) -> float:
    factor = table.get(normal_unit(unit))
    if factor is None:
        raise InvalidInput(
            f"{unit!r} is not a unit this figure can have",
            where={"unit": unit},
            next_step=f"Give one of {', '.join(sorted(table))}.",
        )
    return factor


def is_ambiguous(text: str) -> bool:
    """Whether the text is a different number in US and in European notation, such as 1.234 or 12,345."""
    return bool(_AMBIGUOUS.fullmatch(_without_groups(text)))


def decimal_mark(texts: Iterable[str]) -> Decimal | None:
    """The decimal mark that the numbers of a column show, or None when they show none or both.

    A number shows it when it can be read in one notation only: "1,5" and "1.234,56" a comma, "0.75" and
    "1,234.5" a point. Cells with other text say nothing.
    """
    marks = {mark for text in texts if (mark := _shown_mark(text)) is not None}
    return marks.pop() if len(marks) == 1 else None


def _shown_mark(text: str) -> Decimal | None:
    compact = _without_groups(text)
    if not {".", ","} & set(compact) or is_ambiguous(text) or parse_number(text) is None:
        return None
    last, other = (".", ",") if compact.rfind(".") > compact.rfind(",") else (",", ".")
    shown = other if compact.count(last) > 1 else last  # a mark that stands twice groups thousands
    return "." if shown == "." else ","


def parse_number(text: str, *, decimal: Decimal | None = None) -> float | None:
    """The number in US or European notation, or None.

    `decimal` is the decimal mark of the column and decides texts that are a different number in
    either notation; without it such a text gives None (see `is_ambiguous`).
    """
    compact = _without_groups(text)
    if len(compact) > _MAX_LENGTH:
        return None
    if _AMBIGUOUS.fullmatch(compact):
        return _decided(compact, decimal)
    plain = _with_point(compact)
    if plain is None or not _PLAIN.fullmatch(plain):
        return None
    number = float(plain)
    return number if math.isfinite(number) else None


def parse_quantity(text: str, *, decimal: Decimal | None = None) -> tuple[float, str] | None:
    """Split "16 GiB" into (16.0, "GiB"); a bare number has the unit "".

    Returns None when the text is not exactly one number with at most one unit word, or when the
    number is ambiguous and `decimal` does not decide it.
    """
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= 2 * _MAX_LENGTH else None
    if match is None:
        return None
    number = parse_number(match["number"], decimal=decimal)
    return None if number is None else (number, match["unit"] or "")


def _without_groups(text: str) -> str:
    """Without spaces and apostrophes that group three digits; others stay and make the text unreadable."""
    stripped = text.strip().replace("\u2212", "-")
    joined = _INNER_GROUPS.sub("", stripped)
    return joined if joined.translate(_GROUP_MARKS) == joined else stripped


def _decided(compact: str, decimal: Decimal | None) -> float | None:
    if decimal is None:
        return None
    mark = "." if "." in compact else ","
    return float(compact.replace(mark, "." if mark == decimal else ""))


def _with_point(compact: str) -> str | None:
    """The text with grouping marks removed and a decimal point, or None if the marks make no sense."""
    points, commas = compact.count("."), compact.count(",")
    if not commas:
        return compact if points <= 1 else _ungrouped(compact, ".")
    if not points:
        return compact.replace(",", ".") if commas == 1 else _ungrouped(compact, ",")
    decimal, group = (",", ".") if compact.rindex(",") > compact.rindex(".") else (".", ",")
    if compact.count(decimal) > 1:
        return None
    whole, fraction = compact.split(decimal)
    grouped = _ungrouped(whole, group)
    return None if grouped is None else f"{grouped}.{fraction}"


def _ungrouped(whole: str, mark: str) -> str | None:
    head, *groups = whole.split(mark)
    digits = head.lstrip("+-")
    is_grouped = 1 <= len(digits) <= 3 and all(len(group) == 3 and group.isdecimal() for group in groups)
    return whole.replace(mark, "") if is_grouped else None


@lru_cache(maxsize=1_024)
def factor_text(unit: str, target_unit: str) -> str:
    """How `convert` gets from one unit to the other, for people: " /1024", " *1024", "" when equal."""
    factor = convert(1.0, unit, target_unit)
    if factor == 1:
        return ""
    return f" *{factor:g}" if factor > 1 else f" /{1 / factor:g}"
