"""Judges whether the values of a column suit a target field, and says so in words."""

from __future__ import annotations

from dataclasses import dataclass, field

from masterflow.domain.fields.asset_field import AssetField
from masterflow.domain.fields.shapes import ColumnProfile

NEUTRAL = 0.5
_CONTRADICTION = 0.9
_UNFIT = 0.1

_NOUNS = {
    "ip": "IP addresses",
    "ipv4": "IPv4 addresses",
    "ipv6": "IPv6 addresses",
    "mac": "MAC addresses",
    "fqdn": "domain names",
    "hostname": "host names",
    "uuid": "UUIDs",
    "identifier": "resource identifiers",
    "integer": "whole numbers",
    "number": "numbers",
    "sized": "amounts with a unit",
    "percent": "percentages",
    "percent_range": "numbers from 0 to 100",
    "fraction": "fractions of 1",
    "boolean": "yes/no values",
    "date": "dates",
    "os": "operating system names",
    "cpu": "processor names",
    "version": "version numbers",
    "email": "e-mail addresses",
    "tag": "key/value tags",
    "list": "lists",
    "url": "URLs",
    "power_state": "power states",
    "environment": "environment names",
    "level": "levels such as low or high",
    "six_r": "migration strategies",
    "protocol": "protocol names",
    "firmware": "firmware types",
    "virtual": "virtual or physical",
    "disk_path": "disk or partition names",
    "text": "text",
}


@dataclass(frozen=True, slots=True)
class Fit:
    """`score` 0..1 (0.5 where nothing can be said); `veto` when the values contradict the field."""

    score: float
    veto: bool
    words: str


@dataclass(frozen=True, slots=True)
class Rule:
    """`weights`: how well a column wholly of a shape suits; `against`: shapes that rule the field out."""

    weights: dict[str, float]
    hard: bool = False
    against: frozenset[str] = field(default_factory=frozenset)


def _against(shapes: str) -> frozenset[str]:
    return frozenset(shapes.split())


_TYPED = _against("ip mac date email url sized percent")
_NO_NAME = _against("ip mac date email url sized percent power_state fraction")
_SIZE = Rule({"sized": 1.0, "number": 0.85}, hard=True)
_COUNT = Rule({"integer": 0.9}, hard=True)
_TEXT = Rule(
    {"text": 0.6, "number": 0.2},
    against=_TYPED | {"fraction", "uuid", "os", "cpu", "power_state", "boolean", "virtual"},
)
_PLACE = Rule({"text": 0.65, "number": 0.2}, against=_TYPED | {"fraction", "uuid", "os", "power_state", "boolean"})
_LEVEL = Rule({"level": 1.0, "integer": 0.5, "text": 0.4}, against=_TYPED | {"fraction", "uuid", "boolean"})

_BY_KIND: dict[str, Rule] = {
    "ip": Rule({"ip": 1.0}, hard=True),
    "mac": Rule({"mac": 1.0}, hard=True),
    "fqdn": Rule({"fqdn": 1.0, "hostname": 0.5}, hard=True, against=_against("ip mac number date boolean")),
    "integer": _COUNT,
    "number": Rule({"number": 0.85, "sized": 0.7}, hard=True),
    "percent": Rule({"percent": 1.0, "percent_range": 0.85, "number": 0.3}, hard=True),
    "boolean": Rule({"boolean": 0.7}, hard=True),
    "date": Rule({"date": 0.7, "number": 0.2}, hard=True),
    "list": Rule({"list": 0.8, "text": 0.6}, against=_against("ip mac date number boolean")),
    "enum": Rule({"text": 0.5, "integer": 0.3}, against=_TYPED | {"fraction", "uuid"}),
    "text": _TEXT,
}

_BY_FIELD: dict[str, Rule] = {
    "description": Rule({"text": 0.6, "number": 0.2}, against=_TYPED | {"fraction", "uuid"}),
    "status": Rule({"text": 0.6, "integer": 0.3}, against=_TYPED | {"fraction", "uuid", "os"}),
    "name": Rule({"hostname": 0.9, "fqdn": 0.85, "text": 0.75, "number": 0.2}, against=_NO_NAME | {"boolean", "os"}),
    "hostname": Rule({"hostname": 1.0, "fqdn": 0.8, "text": 0.3}, against=_NO_NAME | {"boolean", "os"}),
    "asset_type": Rule({"text": 0.6, "integer": 0.2}, against=_TYPED | {"fraction", "uuid", "virtual", "os"}),
    "host_name": Rule(
        {"hostname": 0.8, "fqdn": 0.9, "ip": 0.7, "text": 0.5}, against=_against("mac date boolean number os")
    ),
    "source_id": Rule({"uuid": 1.0, "identifier": 1.0, "text": 0.5, "integer": 0.5}, against=_NO_NAME),
    "serial_number": Rule({"text": 0.7, "integer": 0.5, "uuid": 0.6}, against=_TYPED | {"os", "boolean"}),
    "operating_system": Rule({"os": 1.0, "text": 0.35}, against=_TYPED | {"number", "boolean", "power_state"}),
    "os_tools": Rule({"os": 1.0, "text": 0.3}, against=_TYPED | {"number", "boolean", "power_state"}),
    "os_version": Rule({"version": 0.95, "number": 0.8, "os": 0.6, "text": 0.4}, against=_TYPED | {"power_state"}),
    "database_version": Rule(
        {"version": 0.95, "number": 0.8, "text": 0.4}, against=_TYPED | {"power_state", "os", "boolean"}
    ),
    "server_role": Rule({"text": 0.6}, against=_TYPED | {"number", "uuid", "os", "virtual", "power_state", "level"}),
    "cpu_model": Rule({"cpu": 1.0, "text": 0.3}, against=_TYPED | {"number", "boolean", "os"}),
    "power_state": Rule(
        {"power_state": 1.0, "text": 0.15, "boolean": 0.4}, against=_TYPED | {"os", "environment", "fqdn"}
    ),
    "environment": Rule({"environment": 1.0, "text": 0.5}, against=_TYPED | {"number", "boolean", "os", "power_state"}),
    "location": _PLACE,
    "datacenter": _PLACE,
    "cluster_name": _PLACE,
    "network_name": _PLACE,
    "vendor": _PLACE,
    "model": _PLACE,
    "criticality": _LEVEL,
    "business_criticality": _LEVEL,
    "risk_level": _LEVEL,
    "migration_complexity": _LEVEL,
    "six_r_strategy": Rule({"six_r": 1.0, "text": 0.12}, against=_TYPED | {"number", "boolean"}),
    "boot_type": Rule({"firmware": 1.0, "text": 0.25}, against=_TYPED | {"number", "boolean"}),
    "virtualization_type": Rule({"virtual": 1.0, "boolean": 0.8, "text": 0.3}, against=_TYPED | {"os", "power_state"}),
    "memory_gb": _SIZE,
    "storage_gb": _SIZE,
    "storage_used_gb": _SIZE,
    "storage_free_gb": _SIZE,
    "database_size_gb": _SIZE,
    "cpu_speed_mhz": Rule({"sized": 1.0, "number": 0.85}, hard=True),
    "asset_tags": Rule({"tag": 1.0, "list": 0.8, "text": 0.6}, against=_against("ip mac date boolean")),
    "business_owner": Rule({"email": 0.9, "text": 0.7}, against=_against("ip mac date number boolean os")),
    "technical_owner": Rule({"email": 0.9, "text": 0.7}, against=_against("ip mac date number boolean os")),
    "protocol": Rule({"protocol": 1.0, "integer": 0.4, "text": 0.2}, against=_TYPED | {"boolean"}),
    "source_name": Rule({"hostname": 0.9, "fqdn": 0.9, "text": 0.7}, against=_NO_NAME | {"number"}),
    "target_name": Rule({"hostname": 0.9, "fqdn": 0.9, "text": 0.7}, against=_NO_NAME | {"number"}),
}

_RANGES: dict[str, tuple[float, float]] = {
    "cpu_cores": (0, 1024),
    "cpu_sockets": (0, 64),
    "cores_per_socket": (0, 256),
    "cpu_speed_mhz": (0.2, 7000),
    "nic_count": (0, 256),
    "disk_count": (0, 1024),
    "target_port": (0, 65535),
    "migration_priority": (0, 100),
    "cpu_utilization_percent": (-1, 101),
    "cpu_utilization_percent_max": (-1, 101),
    "memory_utilization_percent": (-1, 101),
    "memory_utilization_percent_max": (-1, 101),
}
_UNIQUE = frozenset({"source_id", "serial_number", "name", "hostname", "fqdn"})


def describe(profile: ColumnProfile, shape: str) -> str:
    """One sentence part: which share of the sampled values has a shape."""
    share = profile.share(shape)
    for narrower in ("ipv4", "ipv6"):
        if shape == "ip" and profile.share(narrower) == share:
            return describe(profile, narrower)
    return f"{share * 100:.0f} % of {profile.sampled} sampled values are {_NOUNS.get(shape, shape)}"


def rule_for(target: AssetField) -> Rule:
    """The rule of a field: its own, or that of its kind."""
    return _BY_FIELD.get(target.name, _BY_KIND[target.kind])


def _out_of_range(target: str, profile: ColumnProfile) -> bool:
    limits = _RANGES.get(target)
    if limits is None or profile.minimum is None or profile.maximum is None:
        return False
    # -1 is what several tools write for "not collected".
    return profile.maximum > limits[1] or (profile.minimum < limits[0] and profile.minimum != -1)


def _repeats(target: str, profile: ColumnProfile) -> bool:
    return target in _UNIQUE and profile.filled >= 5 and profile.distinct < 0.5 * profile.filled


def fit(target: AssetField, profile: ColumnProfile, *, one_row_each: bool) -> Fit:
    """How the values suit the field. `one_row_each`: a row is one asset, so identifiers are distinct."""
    if not profile.filled:
        return Fit(NEUTRAL, False, "no values to check")
    rule = rule_for(target)
    for shape in sorted(rule.against):
        if profile.share(shape) >= _CONTRADICTION:
            return Fit(0.0, True, describe(profile, shape))
    best = max(rule.weights, key=lambda shape: rule.weights[shape] * profile.share(shape))
    score = rule.weights[best] * profile.share(best)
    if rule.hard and score < _UNFIT:
        return Fit(0.0, True, f"the values are not {_NOUNS[next(iter(rule.weights))]}")
    words = describe(profile, best)
    if _out_of_range(target.name, profile):
        return Fit(score * 0.3, False, f"{words}, but up to {profile.maximum:g}, which is implausible")
    if one_row_each and _repeats(target.name, profile):
        words = f"{words}, but only {profile.distinct} of {profile.filled} are different"
        return Fit(score * 0.5, False, words)
    return Fit(score, False, words)
