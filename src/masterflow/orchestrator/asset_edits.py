"""Edits of assets by hand: which fields people may change, and of which kind their values are. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from masterflow.domain.fields import FIELDS
from masterflow.domain.readers.addresses import read_ips, read_macs
from masterflow.domain.readers.figures import NEVER_NEGATIVE
from masterflow.domain.readers.reading import Reading
from masterflow.domain.readers.words import read_environment, read_power_state
from masterflow.errors import InvalidInput
from masterflow.store.repositories.asset_upsert import CONTENT

_MULTIPLE = frozenset({"asset_tags"})
_LISTS = {"ip_address": "ip_addresses", "mac_address": "mac_addresses"}
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_FLAG_OF = {"power_state": ("powered_off", "poweredOff"), "is_template": ("template", True)}
EDITABLE = frozenset(name for name in FIELDS if name in CONTENT) - {"name", "asset_type"}
"""Fields that have a column of their own; name and type are what an asset is known by."""


def checked_edit(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes in the form that imports store; None or an empty text clears a field.

    An address also becomes the only one of its list column.

    Raises:
        InvalidInput: names every field that is wrong and what it takes.
    """
    read = {name: _read(name, value) for name, value in changes.items()}
    problems = {name: value.text for name, value in read.items() if isinstance(value, _Refused)}
    if problems or not changes:
        raise InvalidInput(
            "; ".join(f"{name}: {text}" for name, text in problems.items()) or "no field to change",
            where={"fields": sorted(problems)},
            next_step="Nothing was changed. See /assets/{id} for the fields of an asset.",
        )
    lists = {_LISTS[name]: [] if value is None else [value] for name, value in read.items() if name in _LISTS}
    return {**read, **lists}


def flags_after(flags: Iterable[str], changes: Mapping[str, Any]) -> list[str]:
    """The flags of an asset, those that repeat an edited field brought in line with it."""
    found = set(flags)
    for name, (flag, means) in _FLAG_OF.items():
        if name in changes:
            found = found | {flag} if changes[name] == means else found - {flag}
    return sorted(found)


class _Refused:
    """Why a value cannot be used."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _read(name: str, value: Any) -> Any:
    if name not in EDITABLE:
        return _Refused("is no field that people change")
    if value is None or value == "":
        return None
    if name in _MULTIPLE:
        texts = isinstance(value, list) and all(_is_text(item) for item in value)
        return value if texts else _Refused("takes a list of texts")
    kind = FIELDS[name].kind
    if kind in ("integer", "number", "percent"):
        return _number(name, kind, value)
    if kind == "boolean":
        return value if isinstance(value, bool) else _Refused("takes true or false")
    return _word(name, value) if _is_text(value) else _Refused("takes a text of at most 4,000 characters")


def _is_text(value: Any) -> bool:
    """Text that can be stored and shown: no control characters but line breaks and tabs."""
    return isinstance(value, str) and len(value) <= 4000 and not _UNSTORABLE.search(value)


def _number(name: str, kind: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) < 1e15:
        return _Refused("takes a number")
    if value < 0 and name in NEVER_NEGATIVE:
        return _Refused("takes a number that is not negative")
    if kind == "integer" and value != int(value):
        return _Refused("takes a whole number")
    if kind == "percent" and value > 100:
        return _Refused("takes a percentage, 0 to 100")
    return value


def _word(name: str, text: str) -> Any:
    reader = _READERS.get(name)
    if reader is not None:
        reading = reader(text)
        found = reading.value[0] if isinstance(reading.value, list) and len(reading.value) == 1 else reading.value
        is_clean = all(problem.severity == "info" for problem in reading.problems)
        return found if is_clean and isinstance(found, str) else _Refused(_TAKES[name])
    allowed = FIELDS[name].values
    return text if not allowed or text in allowed else _Refused(f"takes one of {', '.join(allowed)}")


def _ips(text: str) -> Reading:
    return read_ips(text, target="ip_address")


def _macs(text: str) -> Reading:
    return read_macs(text, target="mac_address")


_READERS: dict[str, Callable[[str], Reading]] = {
    "environment": read_environment,
    "power_state": read_power_state,
    "ip_address": _ips,
    "mac_address": _macs,
}
_TAKES = {
    "environment": "takes the word for an environment",
    "power_state": "takes one of poweredOn, poweredOff, suspended, unknown",
    "ip_address": "takes one IP address",
    "mac_address": "takes one MAC address",
}
