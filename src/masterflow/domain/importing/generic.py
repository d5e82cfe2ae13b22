"""Judges tables of unknown origin by their column names: assets, relations, or neither."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

from masterflow.domain.records import SheetHeader, SheetRole, Source

_WORD = re.compile(r"[A-ZÀ-Þ]?[a-zà-ÿ]+|[A-ZÀ-Þ]+(?![a-zà-ÿ])|\d+")
_ASSETS = frozenset(
    {"server", "servers", "host", "vm", "machine", "computer", "device", "node", "instance", "asset", "ci", "guest"}
    | {"rechner", "hostname", "servername", "vmname", "machinename", "computername", "rechnername", "fqdn"}
)
_AROUND = frozenset({"name", "display", "full", "system", "dns", "label", "virtual", "physical"})
_FACTS = MappingProxyType(
    {
        "CPU": frozenset({"cpu", "cpus", "vcpu", "vcpus", "core", "cores", "processor", "processors", "prozessoren"}),
        "memory": frozenset({"memory", "ram", "mem", "arbeitsspeicher"}),
        "operating system": frozenset({"os", "operating", "betriebssystem"}),
        "IP address": frozenset({"ip", "ips", "ipv4", "ipaddress", "ipaddresses"}),
    }
)
_SIZES = frozenset({"CPU", "memory", "operating system"})
_FROM = frozenset({"source", "src", "from", "parent", "client", "consumer", "caller", "upstream", "quelle"})
_TO = frozenset(
    {"destination", "dest", "dst", "target", "to", "child", "server", "provider", "callee", "downstream", "ziel"}
)


def judge_unknown(headers: Sequence[SheetHeader]) -> Source:
    """A source named "unknown" with a judged role for each sheet and the reason for each.

    `confidence` is 0.4 if a sheet can be used by its column names, else 0.
    """
    roles: dict[str, SheetRole] = {}
    evidence = []
    for header in headers:
        role, why = _judge([column.key for column in header.columns])
        roles[header.name] = role
        evidence.append(f"Sheet {header.name}: {why}" if header.name else why)
    usable = any(role.kind != "ignored" for role in roles.values())
    return Source("unknown", "Unknown source", 0.4 if usable else 0.0, tuple(evidence), roles)


def words(text: str) -> list[str]:
    """The words of a column name in lower case: "hostName", "host_name" and "Host name" give the same."""
    return [word.lower() for word in _WORD.findall(text)]


def _judge(keys: Sequence[str]) -> tuple[SheetRole, str]:
    name = max(keys, key=_name_rank, default="")
    if not name or not _name_rank(name):
        name = ""
    facts = {fact: key for fact, marks in _FACTS.items() for key in keys if key != name and marks & {*words(key)}}
    pair = _relation(keys)
    if pair and not facts.keys() & _SIZES:
        return SheetRole("relation", key_column=pair[0]), f"{pair[0]} and {pair[1]} look like a dependency."
    if name and facts:
        found = ", ".join(f"{key} ({fact})" for fact, key in facts.items())
        return SheetRole("asset", "server", name), f"{name} looks like the name of a server, with {found}."
    if not name:
        return SheetRole("ignored"), "No column looks like the name of a server, so the rows are not read as assets."
    return SheetRole("ignored"), f"Beside {name} there is no CPU, memory, operating system or IP address column."


def _name_rank(key: str) -> int:
    """How much a column looks like the name of an asset: 0 not at all, 3 most."""
    found = {*words(key)}
    if not found or not found <= _ASSETS | _AROUND:
        return 0
    if found == {"fqdn"}:
        return 1
    named = "name" in found or any(word.endswith("name") for word in found)
    return 3 if named else 2 if found & _ASSETS else 0


def _relation(keys: Sequence[str]) -> tuple[str, str] | None:
    """A pair of columns whose names begin with words for the two ends of a connection."""
    firsts = [(key, words(key)[:1]) for key in keys]
    start = next((key for key, first in firsts if {*first} & _FROM), "")
    end = next((key for key, first in firsts if {*first} & _TO), "")
    return (start, end) if start and end else None
