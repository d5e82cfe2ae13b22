"""What short headers mean in the company of their sheet: "Size" in a sheet about memory or databases."""

from __future__ import annotations

from masterflow.domain.fields.words import header_terms
from masterflow.domain.records import SheetRole

_GENERIC = frozenset(
    {"size", "used", "free", "version", "type", "utilization", "count", "active", "limit", "reservation"}
)
_TOPICS = frozenset({"memory", "database", "disk", "partition", "cpu", "network"})
_SAME_TOPIC = {"partition": "disk"}

# Headers with another meaning where the rows are assets of a type: type -> (terms, field).
_BY_TYPE: dict[str, tuple[tuple[str, str], ...]] = {
    "database": (
        ("database name", "name"),
        ("database", "name"),
        ("instance name", "name"),
        ("server", "host_name"),
        ("server name", "host_name"),
        ("host", "host_name"),
        ("hostname", "host_name"),
    ),
    "application": (("application", "name"), ("application name", "name")),
    "host": (("host", "name"), ("esx host", "name"), ("esxi host", "name"), ("hypervisor", "name")),
    "cluster": (("cluster", "name"), ("cluster name", "name")),
    "storage": (("datastore", "name"), ("volume", "name"), ("lun", "name"), ("array", "name")),
}


def _sorted_terms(text: str) -> tuple[str, ...]:
    return tuple(sorted(header_terms(text)))


_READINGS: dict[str, dict[tuple[str, ...], str]] = {
    asset_type: {_sorted_terms(text): target for text, target in readings} for asset_type, readings in _BY_TYPE.items()
}


def reading(header: str, role: SheetRole) -> str:
    """The field a header means for this type of asset in particular, or ""."""
    if role.kind != "asset":
        return ""
    return _READINGS.get(role.asset_type, {}).get(_sorted_terms(header), "")


def _topic(sheet: str, role: SheetRole) -> str:
    found = [term for term in (*header_terms(role.asset_type), *header_terms(sheet)) if term in _TOPICS]
    return _SAME_TOPIC.get(found[0], found[0]) if found else ""


def in_context(header: str, sheet: str, role: SheetRole) -> str:
    """The header, with the topic of its sheet in front when it says only "size" or "version"."""
    terms = set(header_terms(header))
    topic = _topic(sheet, role)
    return f"{topic} {header}" if topic and terms and terms <= _GENERIC else header
