"""Reads headers: normal form, unit, fingerprint, and the English terms a header consists of."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from masterflow.domain.fields.lexicon import COUNTED, DROPPED, PARTS, PHRASES, STOP_WORDS, TERMS

_UPPER = "A-ZÀ-ÖØ-ÞŒ"
_LOWER = "a-zß-öø-ÿāăąćčďđēęěğīıłńňőœřśşšţťūůűźżž"
_TOKENS = re.compile(
    rf"""
      (?:[KMGT]i?[Bb](?:ps|/s)?|[KMG]Hz|[Ii][Pp][Vv][46]|IDs?|IPs?|OS)(?![{_LOWER}])
    | v(?:CPU|RAM|NIC|Center|Disk|Host|App)s?(?![{_LOWER}])
    | (?:VMware|vSphere|SMB(?:ios|IOS)|iSCSI|MoRef|ServiceNow)(?![{_LOWER}])
    | [{_UPPER}]{{2,}}s(?![{_LOWER}{_UPPER}])
    | [{_UPPER}]+(?![{_LOWER}])
    | [{_UPPER}]?[{_LOWER}]+
    | [{_UPPER}]+
    | \d+
    | (?:(?![{_UPPER}{_LOWER}\d_])\w)+
    | [%#]
    """,
    re.VERBOSE,
)

_UNITS: dict[str, str] = {
    **{unit.lower(): unit for unit in ("KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB", "MHz", "GHz")},
    "bytes": "B",
    "byte": "B",
    "kbytes": "KB",
    "mbytes": "MB",
    "gbytes": "GB",
    "megabytes": "MB",
    "gigabytes": "GB",
    "terabytes": "TB",
    **dict.fromkeys(("kbps", "mbps", "gbps"), ""),
    **dict.fromkeys(("percent", "percentage", "pct", "prozent"), "%"),
}
_SCALES = frozenset(_UNITS) - {"percent", "percentage", "pct", "prozent", "bytes", "byte"}
# "mgn:server:name": the first part names the tool.
_NAMESPACE = re.compile(r"^\s*\w{2,8}:(?=\w)")
_SIGNS = {"%": "percent", "#": "number"}
_RATE = re.compile(r"\b([KMGkmg])(i?)(?:(B|b)(?:ps|/s(?:ec)?)|(bit)/s|(B|b)\b (?:per|/) ?sec)")
# "octets": only written so in brackets or after a word, never alone ("To" is also a column name).
_OCTETS = re.compile(r"(?<=\()([KMGT])o(?=\))|(?<=\w )([KMG])o$")
_LONGEST_WORD = 48
_MARKS = dict.fromkeys(range(0x300, 0x370))


def _tokens(text: str) -> list[str]:
    composed = unicodedata.normalize("NFKC", text).replace("İ", "I").strip()
    in_bytes = _OCTETS.sub(lambda match: f"{match[1] or match[2]}B", composed)
    whole = in_bytes.replace("(s)", "s").replace("(es)", "es").replace("B/s", "Bps").replace("b/s", "bps")
    found = [unicodedata.normalize("NFKC", token.casefold()) for token in _TOKENS.findall(whole)]
    return [_SIGNS.get(token, token) for token in found]


def _without_units(words: list[str]) -> list[str]:
    followed = zip(words, [*words[1:], ""], strict=False)
    kept = [word for word, after in followed if word not in _SCALES and not (word == "in" and after in _SCALES)]
    return kept or words


@lru_cache(maxsize=8192)
def normalise_header(text: str) -> str:
    """The header in lower case with single blanks: camelCase split, punctuation and scale units gone.

    Compatible and composed characters are unified (NFKC). "%" stays, as "percent": it tells a share
    from a size ("Free %", "Free MB"), which a scale such as MB does not. A header made of nothing
    but a unit keeps it. Applying the function again changes nothing.
    """
    return " ".join(_without_units(_tokens(text)))


@lru_cache(maxsize=8192)
def header_unit(text: str) -> str:
    """The unit a header names ("KB", "MiB", "%", "MHz", "MB/s", "Mbit/s"), or "" when it names none."""
    rate = _RATE.search(unicodedata.normalize("NFKC", text))
    if rate:
        in_bytes = "B" in (rate[3], rate[5])
        return f"{rate[1].upper()}{rate[2]}{'B' if in_bytes else 'bit'}/s"
    named = (_UNITS[token] for token in reversed(_tokens(text)) if token in _UNITS)
    return next(named, "")


def fingerprint(headers: Sequence[str]) -> str:
    """SHA-256 (hex) over the sorted normal forms of the headers; the order of columns is irrelevant."""
    joined = "\n".join(sorted(normalise_header(header) for header in headers))
    return hashlib.sha256(joined.encode()).hexdigest()


def _plain(token: str) -> str:
    if not any(character.isascii() or "À" <= character <= "ſ" for character in token):
        return token
    split = unicodedata.normalize("NFKD", token.replace("œ", "oe")).translate(_MARKS)
    return unicodedata.normalize("NFC", split)


def _split_compound(token: str) -> list[str]:
    """Known words the token is made of, longest first; empty when it is not made of known words."""
    if not token:
        return []
    for end in range(len(token), 0, -1):
        head, rest = token[:end], token[end:]
        if head not in PARTS:
            continue
        if not rest:
            return [PARTS[head]]
        for linked in (rest, rest[1:] if rest[0] in "sn" else ""):
            tail = _split_compound(linked)
            if tail:
                return [PARTS[head], *tail]
    return []


def _singular(token: str) -> str:
    if len(token) > 4 and token.endswith("s") and not token.endswith(("ss", "us", "is")):
        return token[:-1]
    return token


def _term(token: str) -> list[str]:
    plain = _plain(token)
    if plain in TERMS:
        return [TERMS[plain]]
    if len(plain) <= _LONGEST_WORD and (len(plain) >= 6 or not plain.isascii()):
        parts = _split_compound(plain)
        if parts:
            return parts
    single = _singular(plain)
    return [TERMS.get(single, single)]


def _join_phrases(terms: list[str]) -> list[str]:
    joined: list[str] = []
    for term in terms:
        merged = PHRASES.get((joined[-1], term)) if joined else None
        if merged:
            joined[-1] = merged
        else:
            joined.append(term)
    return joined


def _read_nombre(tokens: list[str], terms: list[str]) -> list[str]:
    if "nombre" in tokens and COUNTED & set(terms):
        return ["count" if term == "name" else term for term in terms]
    return terms


@lru_cache(maxsize=8192)
def header_terms(text: str) -> tuple[str, ...]:
    """The English terms of a header in its order, without articles and without scale units.

    Words of other languages, abbreviations and compounds are translated with the project's
    lexicon; unknown words stay as they are.
    """
    tokens = normalise_header(_NAMESPACE.sub("", text)).split()
    phrased = _join_phrases(tokens)
    meaning = [token for token in phrased if token not in STOP_WORDS and token not in DROPPED]
    terms = [term for token in meaning for term in _term(token)]
    if {"percent", "used"} <= set(terms):
        terms = ["utilization" if term == "used" else term for term in terms]
    if "utilization" in terms:
        terms = [term for term in terms if term != "percent"]
    once = [term for place, term in enumerate(terms) if term not in terms[:place]]
    return tuple(_join_phrases(_read_nombre(tokens, once)) or tokens)
