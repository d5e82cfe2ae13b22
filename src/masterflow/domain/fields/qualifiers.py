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
_OWN_RESOURCES = frozenset(
    {"cpu_cores", "cpu_sockets", "memory_gb", "storage_gb", "storage_used_gb"}
    | {"nic_count", "disk_count", "cores_per_socket"}
)
_SUBJECTS: dict[str, frozenset[str]] = {
    "processor": frozenset({"cpu", "vcpu", "core", "socket"}),
    "memory": frozenset({"memory"}),
    "storage": frozenset({"disk", "storage"}),
    "network": frozenset({"nic", "network", "adapter", "interface"}),
    "ports": frozenset({"port"}),
}
_SUBJECT_OF: dict[str, str] = {
    **dict.fromkeys(("cpu_cores", "cpu_sockets", "cores_per_socket", "cpu_speed_mhz", "cpu_model"), "processor"),
    **dict.fromkeys(("cpu_utilization_percent", "cpu_utilization_percent_max"), "processor"),
    **dict.fromkeys(("memory_gb", "memory_utilization_percent", "memory_utilization_percent_max"), "memory"),
    **dict.fromkeys(("storage_gb", "storage_used_gb", "storage_free_gb", "disk_count", "disk_iops"), "storage"),
    **dict.fromkeys(("nic_count", "network_throughput_mbps"), "network"),
}
_HOLDS_GUESTS = frozenset({"host", "cluster"})


def _is_numbered(terms: frozenset[str]) -> bool:
    return any(term.isdigit() for term in terms)


def _about_guests(target: str, header: str, role: SheetRole) -> bool:
    if role.asset_type not in _HOLDS_GUESTS or target not in _OWN_RESOURCES:
        return False
    return bool(_OF_GUESTS & set(normalise_header(header).split()))


def _other_subject(target: str, terms: frozenset[str]) -> str:
    own = _SUBJECT_OF.get(target)
    if own is None or terms & _SUBJECTS[own]:
        return ""
    return next((subject for subject, words in _SUBJECTS.items() if terms & words), "")


def _wrong_statistic(target: str, terms: frozenset[str]) -> bool:
    return (target in _AVERAGES and bool(terms & _PEAK)) or (target in _PEAKS and not terms & _PEAK)


def disqualified(target: str, header: str, role: SheetRole) -> str:
    """Why a word of the header excludes the field, in words; "" when none does."""
    terms = frozenset(header_terms(header))
    return _wrong_part(target, terms) or _wrong_matter(target, header, terms, role)


def _wrong_part(target: str, terms: frozenset[str]) -> str:
    if target in _BOTH_DIRECTIONS and terms & _ONE_DIRECTION:
        return "the header names one direction, the field holds both together"
    if target == "memory_gb" and terms & _PART_OF_MEMORY:
        return "the header names a part of the memory, the field holds all of it"
    if target == "storage_gb" and _is_numbered(terms):
        return "the header numbers one of several disks, the field holds all of them"
    if target == "os_version" and terms & _OTHER_VERSIONS and "os" not in terms:
        return "the header names the version of something else"
    return ""


def _wrong_matter(target: str, header: str, terms: frozenset[str], role: SheetRole) -> str:
    subject = _other_subject(target, terms)
    if subject:
        return f"the header is about {subject}"
    if _wrong_statistic(target, terms):
        return "the header and the field differ in average and peak"
    if _about_guests(target, header, role):
        return "the header is about the guests, the rows are hosts"
    return ""
