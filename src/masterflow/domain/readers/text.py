"""Tidy text: control and invisible characters, empty tokens, length limits of the target field."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from masterflow.domain.readers.reading import EMPTY, Reading, refused
from masterflow.domain.records import Cell

EMPTY_TOKENS = frozenset(
    {"", "null", "(null)", "none", "(none)", "nil", "nan", "n/a", "#n/a", "n.a.", "na", "k.a.", "-", "--"}
    | {"[]", "[];", "{}", "?", "unknown", "(unknown)", "not available", "not applicable", "not collected"}
)
DEFAULT_LIMIT = 255
TEXT_LIMITS: Mapping[str, int] = MappingProxyType(
    {"description": 10_000, "source_id": 1_024, "technology_stack": 4_000, "dependencies": 4_000}
)
"""Longest text per target field, in characters; every other field takes `DEFAULT_LIMIT`."""

JUNK_SERIALS = frozenset(
    {"to be filled by o.e.m.", "default string", "system serial number", "not specified", "0", "123456789"}
)
"""Serial numbers that boards carry when the maker set none; they identify nothing."""

_MULTI_LINE = frozenset({"description"})
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SPACES = re.compile(r"[^\S\n]+")
_LARGEST_WHOLE = 1e15
_LARGEST_BITS = 13_000


def tidy(text: str, *, keep_lines: bool = False) -> str:
    """The text in NFC, without control and invisible characters, trimmed; other spaces become " ".

    Runs of spaces inside stay as written; a line break becomes a space unless `keep_lines`.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(_visible(character, keep_lines=keep_lines) for character in text)
    return unicodedata.normalize("NFC", kept).strip()


def _visible(character: str, *, keep_lines: bool) -> str:
    if character.isprintable():
        return character
    if character == "\n" and keep_lines:
        return character
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in {"Cc", "Cs"} else character


def is_empty(text: str) -> bool:
    """Whether a tidied text says that there is no value (NULL, n/a, -, [];, unknown, ...)."""
    return len(text) <= 14 and text.lower() in EMPTY_TOKENS


def as_text(raw: Cell) -> str:
    """The cell as text; a whole float loses ".0", NaN and infinity are empty."""
    if isinstance(raw, str):
        return raw
    if raw is None or (isinstance(raw, float) and not math.isfinite(raw)):
        return ""
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() and abs(raw) < _LARGEST_WHOLE else str(raw)
    # Python refuses to write integers of more than 4,300 digits in decimal.
    return str(raw) if raw.bit_length() < _LARGEST_BITS else hex(raw)


def read_text(raw: Cell, *, target: str) -> Reading:
    """Text as written but tidied; longer than the field takes it is refused, never cut."""
    text = tidy(as_text(raw), keep_lines=target in _MULTI_LINE)
    if is_empty(text):
        return EMPTY
    limit = TEXT_LIMITS.get(target, DEFAULT_LIMIT)
    if len(text) > limit:
        return refused("text_too_long", f"at most {limit} characters for {target}, found {len(text)}")
    if target == "serial_number" and text.lower() in JUNK_SERIALS:
        return refused("serial_meaningless", "a serial number that identifies one machine")
    return Reading(text, trim_step(raw, text))


def trim_step(raw: Cell, text: str) -> tuple[str, ...]:
    """The step that names tidying, when it changed the cell."""
    if isinstance(raw, str):
        return () if raw == text else ("trim",)
    return ("as text",)


def one_line(text: str) -> str:
    """The text with runs of spaces as one, for comparing words."""
    return _SPACES.sub(" ", text).lower()
