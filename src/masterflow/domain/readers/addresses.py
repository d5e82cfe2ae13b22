"""Read network names and addresses: IP, MAC, FQDN, host name, and lists in one cell."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from masterflow.domain.readers.reading import EMPTY, Derived, Problem, Reading, refused
from masterflow.domain.readers.text import DEFAULT_LIMIT, as_text, is_empty, tidy, trim_step
from masterflow.domain.records import Cell

LIST_TARGETS = frozenset({"ip_address", "mac_address"})
"""Fields that hold a list even for one address; other address fields hold one text when there is one."""

_ADDRESS_SEPARATORS = re.compile(r"[;,|\s]+")
_BRACKETS = "[](){}\"' "
_MAC_DIGITS = re.compile(r"[0-9a-f]{12}")
_MAC_MARKS = re.compile(r"[:.\-]")
_NO_MAC = frozenset({"000000000000", "ffffffffffff"})
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MEANINGLESS_HOSTS = frozenset({"localhost", "localhost.localdomain", "localhost6", "template"})
_ReadOne = Callable[[str], str | Problem]


def split_list(text: str) -> tuple[str, ...]:
    """The items of "[a,b];", "a;b;", "a|b", "a, b" or lines, each once, in order.

    A comma separates only when no semicolon, bar or line break does ("Doe, John; Roe, Jane" is two).
    """
    mark = r"[;|\n]" if re.search(r"[;|\n]", text.rstrip("; ")) or text.rstrip().endswith(";") else ","
    if text.strip().startswith("[") and "," in text:
        mark = r"[;|\n,]"
    items = (item.strip().strip("[]\"' ").strip() for item in re.split(mark, text))
    return tuple(dict.fromkeys(item for item in items if item and not is_empty(item)))


def read_list(raw: Cell) -> Reading:
    """A list of texts from one cell; an item longer than a field takes is refused."""
    text = tidy(as_text(raw), keep_lines=True)
    if is_empty(text):
        return EMPTY
    items = split_list(text)
    long = [item for item in items if len(item) > DEFAULT_LIMIT]
    kept = [item for item in items if len(item) <= DEFAULT_LIMIT]
    problems = tuple(
        Problem("text_too_long", "error", f"at most {DEFAULT_LIMIT} characters per item, found {len(item)}")
        for item in long
    )
    return Reading(kept or None, ("split list",), problems)


def read_ips(raw: Cell, *, target: str) -> Reading:
    """IPv4 and IPv6 addresses in normal form, each once, in the order written.

    Addresses that no other machine can reach (0.0.0.0, ::, loopback) and texts that are no address
    are left out, one problem each.
    """
    return _read_addresses(raw, target=target, read_one=_read_ip, step="IP normal form")


def read_macs(raw: Cell, *, target: str) -> Reading:
    """MAC addresses as six lower-case pairs with colons, each once; all zeros or all ones are left out."""
    return _read_addresses(raw, target=target, read_one=_read_mac, step="MAC normal form")


def _read_addresses(raw: Cell, *, target: str, read_one: _ReadOne, step: str) -> Reading:
    text = tidy(as_text(raw))
    if is_empty(text):
        return EMPTY
    pieces = [piece.strip(_BRACKETS) for piece in _ADDRESS_SEPARATORS.split(text)]
    answers = [read_one(piece) for piece in pieces if not is_empty(piece)]
    problems = tuple(answer for answer in answers if isinstance(answer, Problem))
    found = list(dict.fromkeys(answer for answer in answers if isinstance(answer, str)))
    if not found:
        return Reading(problems=problems)
    value = found if target in LIST_TARGETS or len(found) > 1 else found[0]
    unchanged = "".join(found) == text
    return Reading(value, () if unchanged else (step,), problems)


def _read_ip(piece: str) -> str | Problem:
    try:
        address = ipaddress.ip_address(piece.split("/", 1)[0].split("%", 1)[0])
    except ValueError:
        return Problem("ip_invalid", "error", f"an IPv4 or IPv6 address, found {piece[:60]!r}")
    if address.is_unspecified or address.is_loopback:
        return Problem("ip_unusable", "warning", f"an address other machines can reach, found {piece!r}")
    return str(address)


def _read_mac(piece: str) -> str | Problem:
    digits = _MAC_MARKS.sub("", piece.lower())
    if not _MAC_DIGITS.fullmatch(digits) or len(piece) > 17:
        return Problem("mac_invalid", "error", f"a MAC address of 12 hexadecimal digits, found {piece[:60]!r}")
    if digits in _NO_MAC:
        return Problem("mac_unusable", "warning", f"the address of one network card, found {piece!r}")
    return ":".join(digits[start : start + 2] for start in range(0, 12, 2))


def is_ip(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def short_name(host: str) -> str:
    """The first label of a host name in lower case; an IP address stays whole."""
    lowered = host.strip().lower().rstrip(".")
    return lowered if is_ip(lowered) else lowered.split(".", 1)[0]


def read_host(raw: Cell, *, target: str) -> Reading:
    """A host name or FQDN in lower case without a trailing dot.

    Target "fqdn" derives "hostname" (the first label); target "hostname" takes the first label and
    derives "fqdn" when the cell has dots. An IP address is a name only for other targets (host_name).
    """
    text = tidy(as_text(raw))
    if is_empty(text):
        return EMPTY
    name = text.lower().rstrip(".")
    own_name = target in {"fqdn", "hostname"}
    if name in _MEANINGLESS_HOSTS and own_name:
        return refused("hostname_meaningless", "a name that identifies one machine")
    if is_ip(name):
        return _ip_as_name(name, refuse=own_name, steps=trim_step(raw, name))
    if len(name) > DEFAULT_LIMIT or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        return refused("hostname_invalid", "a host name of letters, digits, hyphens and dots")
    return _named(name, target=target, steps=() if raw == name else ("lower",))


def _ip_as_name(name: str, *, refuse: bool, steps: tuple[str, ...]) -> Reading:
    if refuse:
        return refused("hostname_is_ip", "a host name, not an IP address")
    return Reading(name, steps)


def _named(name: str, *, target: str, steps: tuple[str, ...]) -> Reading:
    short = name.split(".", 1)[0]
    if target == "fqdn":
        return Reading(name, steps, derived=(Derived("hostname", short, "short name of fqdn"),))
    if target == "hostname" and short != name:
        return Reading(short, (*steps, "short name"), derived=(Derived("fqdn", name, "full name"),))
    return Reading(name, steps)
