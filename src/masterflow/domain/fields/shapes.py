"""Measures what the values of a column look like; the figures are evidence for a mapping."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from masterflow.domain.fields.vocabulary import VOCABULARY
from masterflow.domain.records import Cell, Column

SAMPLE_SIZE = 200
LONGEST_LOOKED_AT = 200
_BLANK = frozenset({"", "-", "--", "n/a", "na", "null", "none", "nil", "#n/a", "[]", "[];", "unknown", "n.a."})


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What is known of a column from its values.

    `count` is the number of rows seen, `filled` those with a value, `distinct` the different
    values among them. `shares` gives, for each value shape found ("ipv4", "mac", "fqdn", "uuid",
    "number", "os", "unit:GiB" and so on), the share (0..1) among at most 200 sampled values;
    `samples` are up to five different values, of each the first 200 characters.
    `minimum` and `maximum` are over all numbers.
    """

    name: str
    key: str
    position: int
    count: int
    filled: int
    distinct: int
    shares: dict[str, float]
    samples: tuple[str, ...]
    minimum: float | None
    maximum: float | None

    @property
    def sampled(self) -> int:
        """How many values the shares were measured on."""
        return min(self.filled, SAMPLE_SIZE)

    def share(self, *shapes: str) -> float:
        """The largest share among the named shapes."""
        return max((self.shares.get(shape, 0.0) for shape in shapes), default=0.0)


_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?")
_SIZED = re.compile(rf"({_NUMBER.pattern})\s*([KMGT]i?B|[KMGT]o|bytes|[KMG]Hz|%)", re.IGNORECASE)
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.IGNORECASE)
_UUID = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?|[0-9a-f]{32}", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"/subscriptions/\S+|arn:aws\S+|i-[0-9a-f]{8,17}|(?:vm|host|group|domain-c)-\d+|[sd]-server-\w+"
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOSTNAME = re.compile(rf"(?=.*[a-z]){_LABEL}", re.IGNORECASE)
_FQDN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+", re.IGNORECASE)
_TLD = re.compile(r".*\.[a-z][a-z0-9-]{1,62}", re.IGNORECASE)
_EMAIL = re.compile(r"(?:.*<)?[^@\s<>]+@[^@\s<>]+\.[a-z]{2,}>?", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_DATE = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?: .*)?"
    r"|\d{1,2}[- ][a-z]{3,9}[- ]\d{2,4}(?: .*)?",
    re.IGNORECASE,
)
_VERSION = re.compile(r"v?\d+(?:\.\w+)+(?:[ -].*)?|(?:19|20)\d\d(?: ?r2)?", re.IGNORECASE)
_TAG = re.compile(r"[^=:;,\s][^=:;,]*[=:][^=;,]*(?:[;,]\s*[^=:;,]+[=:][^=;,]*)*;?")
_OS = re.compile(
    r"windows|linux|ubuntu|debian|centos|red ?hat|rhel|suse|sles|solaris|aix|hp-?ux|esxi?\b|vmware esx"
    r"|freebsd|photon|macos|darwin|oracle enterprise|rocky|alma|fedora|amazon linux|i5/os|z/os|os/400",
    re.IGNORECASE,
)
_CPU = re.compile(r"xeon|intel|amd|epyc|opteron|core\(tm\)|power\d|sparc|pentium|\bghz\b", re.IGNORECASE)
_DISK_PATH = re.compile(r"[a-z]:\\?.*|/.*|hard disk \d+", re.IGNORECASE)
_LIST = re.compile(r"[;,|\n]")

_UNIT_NAMES = {
    name.lower(): name for name in ("KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB", "MHz", "GHz", "KHz")
} | {"ko": "KB", "mo": "MB", "go": "GB", "to": "TB", "bytes": "B", "%": "%"}
_MAGNITUDES = {"over_256": 256.0, "over_20k": 20_000.0, "over_1m5": 1_500_000.0, "over_1g": 1e9}


def _is_ip(text: str) -> str:
    bare = text.partition("/")[0].partition("%")[0]
    if not (bare[:1].isalnum() or bare[:1] == ":") or not ("." in bare or ":" in bare):
        return ""
    try:
        return f"ipv{ipaddress.ip_address(bare).version}"
    except ValueError:
        return ""


def as_number(text: str) -> float | None:
    """The number a text states in English or continental notation, or None when it states none."""
    if not _NUMBER.fullmatch(text):
        return None
    digits = text.replace(" ", "").replace("\u00a0", "").replace("\u202f", "").replace("'", "")
    last_comma, last_dot = digits.rfind(","), digits.rfind(".")
    if last_comma > last_dot and not re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+", digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif last_dot > last_comma and digits.count(".") > 1:
        digits = digits.replace(".", "")
    return float(digits.replace(",", ""))


def _number_shapes(text: str) -> set[str]:
    value = as_number(text)
    if value is not None:
        shapes = {"number"} | {name for name, floor in _MAGNITUDES.items() if value >= floor}
        if value == int(value):
            shapes.add("integer")
        if 0 <= value <= 1 and value != int(value):
            shapes.add("fraction")
        return shapes | ({"percent_range"} if 0 <= value <= 100 else set())
    sized = _SIZED.match(text)
    if not sized:
        return set()
    unit = _UNIT_NAMES.get(sized[2].lower(), "")
    return {"percent" if unit == "%" else "sized", f"unit:{unit}"}


_PATTERNS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("mac", _MAC.fullmatch),
    ("uuid", _UUID.fullmatch),
    ("identifier", _IDENTIFIER.fullmatch),
    ("email", _EMAIL.fullmatch),
    ("url", _URL.fullmatch),
    ("date", _DATE.fullmatch),
    ("version", _VERSION.fullmatch),
    ("tag", _TAG.fullmatch),
    ("cpu", _CPU.search),
    ("os", _OS.search),
    ("disk_path", _DISK_PATH.fullmatch),
    ("hostname", _HOSTNAME.fullmatch),
)


def _element_shapes(text: str) -> set[str]:
    version = _is_ip(text)
    if version:
        return {"ip", version}
    shapes = {name for name, matches in _PATTERNS if matches(text)}
    if _FQDN.fullmatch(text) and _TLD.fullmatch(text) and "version" not in shapes:
        shapes.add("fqdn")
    if "cpu" in shapes:
        shapes.discard("os")
    return shapes


@lru_cache(maxsize=20_000)
def shapes_of(text: str) -> frozenset[str]:
    """The shapes one value has; the elements of a list all have to agree for a list to have one."""
    lowered = text.lower()
    shapes = _number_shapes(text) | {name for name, words in VOCABULARY.items() if lowered in words}
    bare = text.rstrip(";").strip().strip("[]{}")
    elements = [part.strip() for part in _LIST.split(bare) if part.strip()]
    if not elements:
        return frozenset(shapes | {"text"})
    if len(elements) > 1:
        shapes.add("list")
        shapes |= set.intersection(*(_element_shapes(part) for part in elements)) & {"ip", "ipv4", "ipv6", "mac"}
        if _TAG.fullmatch(text):
            shapes.add("tag")
        if _OS.search(text):
            shapes.add("os")
    else:
        shapes |= _element_shapes(elements[0])
    return frozenset(shapes if shapes & {"number", "boolean"} else shapes | {"text"})


def _as_text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = str(value).strip()
    return "" if text.lower() in _BLANK else text


def _spread(texts: Sequence[str]) -> Sequence[str]:
    """At most SAMPLE_SIZE of the texts, evenly spaced, the same ones every time."""
    if len(texts) <= SAMPLE_SIZE:
        return texts
    return [texts[index * len(texts) // SAMPLE_SIZE] for index in range(SAMPLE_SIZE)]


def profile(column: Column, values: Sequence[Cell]) -> ColumnProfile:
    """Describe a column by its values (raw cells, one per row, blanks included).

    Blank cells and the usual words for "nothing" are not filled. The same values give the same
    profile; of more than 200 filled ones, 200 evenly spaced are looked at.
    """
    texts = [text for text in map(_as_text, values) if text]
    sample = [text[:LONGEST_LOOKED_AT] for text in _spread(texts)]
    counted = Counter(shape for text in sample for shape in shapes_of(text))
    numbers = [number for number in map(as_number, texts) if number is not None]
    return ColumnProfile(
        name=column.name,
        key=column.key,
        position=column.position,
        count=len(values),
        filled=len(texts),
        distinct=len(set(texts)),
        shares={shape: counted[shape] / len(sample) for shape in sorted(counted)},
        samples=tuple(dict.fromkeys(sample))[:5],
        minimum=min(numbers, default=None),
        maximum=max(numbers, default=None),
    )
