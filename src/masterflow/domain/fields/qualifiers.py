"""Words in a header that rule a field out although the rest of the header fits it."""

from __future__ import annotations

from masterflow.domain.fields.words import header_terms, normalise_header
from masterflow.domain.records import SheetRole

_DIRECTIONS = """
read reads write writes in out inbound outbound sent received send receive rx tx ingress egress
"""
_ONE_DIRECTION = frozenset(_DIRECTIONS.split())
_PARTS = """
used active reserved reservation swapped swap ballooned balloon limit overhead free shared private utilized
consumed guaranteed demand entitlement
"""
_PART_OF_MEMORY = frozenset(_PARTS.split())
_PEAK = frozenset({"maximum", "p95", "95"})
_OF_GUESTS = frozenset({"vcpu", "vcpus", "vm", "vms", "vram", "guest", "guests"})
_AVERAGES = frozenset({"cpu_utilization_percent", "memory_utilization_percent"})
_PEAKS = frozenset({f"{name}_max" for name in _AVERAGES})
_VERSIONED = """
bios database driver tool binary hardware hw firmware agent api sdk schema application evc
"""
_OTHER_VERSIONS = frozenset(_VERSIONED.split())
_BOTH_DIRECTIONS = frozenset({"disk_iops", "network_throughput_mbps"})
_OWN_RESOURCES = frozenset({"cpu_cores", "cpu_sockets", "memory_gb", "storage_gb", "storage_used_gb"})
_HOLDS_GUESTS = frozenset({"host", "cluster"})


def _is_numbered(terms: frozenset[str]) -> bool:
    return any(term.isdigit() for term in terms)


def _about_guests(target: str, header: str, role: SheetRole) -> bool:
    if role.asset_type not in _HOLDS_GUESTS or target not in _OWN_RESOURCES:
        return False
    return bool(_OF_GUESTS & set(normalise_header(header).split()))


def _wrong_statistic(target: str, terms: frozenset[str]) -> bool:
    return (target in _AVERAGES and bool(terms & _PEAK)) or (target in _PEAKS and not terms & _PEAK)


def disqualified(target: str, header: str, role: SheetRole) -> str:
    """Why a word of the header excludes the field, in words; "" when none does."""
    terms = frozenset(header_terms(header))
    if target in _BOTH_DIRECTIONS and terms & _ONE_DIRECTION:
        return "the header names one direction, the field holds both together"
    if target == "memory_gb" and terms & _PART_OF_MEMORY:
        return "the header names a part of the memory, the field holds all of it"
    if target == "storage_gb" and _is_numbered(terms):
        return "the header numbers one of several disks, the field holds all of them"
    if target == "os_version" and terms & _OTHER_VERSIONS and "os" not in terms:
        return "the header names the version of something else"
    if _wrong_statistic(target, terms):
        return "the header and the field differ in average and peak"
    if _about_guests(target, header, role):
        return "the header is about the guests, the rows are hosts"
    return ""
