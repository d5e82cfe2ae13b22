"""Tables of the dependency analysis: kinds of edges, relation words, ports that prove little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

EdgeKind = Literal["runs_on", "member_of", "connected_to", "depends_on", "communicates_with", "attached_to"]

DEPENDENCY_KINDS = frozenset({"depends_on", "communicates_with"})
"""Edges whose source needs its target to work: they decide groups and order."""
PLACEMENT_KINDS = frozenset({"runs_on", "member_of", "attached_to", "connected_to"})
"""Edges that say where something stands, not what it needs from other workloads."""
FAILURE_KINDS = frozenset({"depends_on", "communicates_with", "runs_on", "attached_to"})
"""Edges along which a failure of the target reaches the source."""

NOISE_PORTS: Mapping[int, str] = {
    22: "remote shell: administration",
    53: "name service: shared",
    67: "address assignment: shared",
    68: "address assignment: shared",
    88: "Kerberos: shared directory service",
    123: "time service: shared",
    135: "remote procedure call endpoint mapper: shared by Windows services",
    137: "NetBIOS name service: shared",
    138: "NetBIOS datagrams: shared",
    139: "NetBIOS sessions: shared",
    161: "monitoring (SNMP)",
    162: "monitoring (SNMP)",
    389: "directory (LDAP): shared",
    445: "file sharing (SMB): shared or administration",
    464: "Kerberos password change: shared directory service",
    514: "log collection (syslog)",
    636: "directory (LDAPS): shared",
    3268: "directory (global catalogue): shared",
    3269: "directory (global catalogue): shared",
    3389: "remote desktop: administration",
    5985: "remote management (WinRM): administration",
    5986: "remote management (WinRM): administration",
}
"""Ports whose traffic seldom shows that one application needs another, with what they carry."""

RELATION_WORDS: Mapping[str, tuple[EdgeKind, bool]] = {
    "depends on": ("depends_on", False),
    "uses": ("depends_on", False),
    "southbound": ("depends_on", False),
    "northbound": ("depends_on", True),
    "used by": ("depends_on", True),
    "communicates with": ("communicates_with", False),
    "exchanges data with": ("communicates_with", False),
    "runs on": ("runs_on", False),
    "hosted on": ("runs_on", False),
    "runs": ("runs_on", True),
    "hosts": ("runs_on", True),
    "member of": ("member_of", False),
    "members": ("member_of", True),
    "contains": ("member_of", True),
    "contained by": ("member_of", False),
    "connected to": ("connected_to", False),
    "connects to": ("connected_to", False),
    "attached to": ("attached_to", False),
}
"""Word of a relation -> (kind, whether the row names the needed or containing end first)."""
