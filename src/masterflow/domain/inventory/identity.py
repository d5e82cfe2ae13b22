"""Decide which rows describe the same asset: source id, serial number, host name with IP, then name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from masterflow.domain.fields.asset_field import RELATION
from masterflow.domain.inventory.model import place_key
from masterflow.domain.readers.addresses import short_name
from masterflow.domain.records import CleanRecord

RULES = ("source_id", "serial_number", "hostname+ip", "name")
"""The identity rules, strongest first."""

IDENTITY_FIELDS = ("name", "hostname", "fqdn", "ip_address", "source_id")
MAX_NAMESAKES = 50
"""How many assets of one name are compared with a row that may belong to one of them."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The identifiers of one row, in lower case; "" or empty where the row has none."""

    source_id: str
    serial: str
    host: str
    ips: frozenset[str]
    name: str

    @property
    def strength(self) -> int:
        """Position in RULES of the strongest identifier."""
        if self.source_id:
            return 0
        if self.serial:
            return 1
        return 2 if self.host and self.ips else 3


@dataclass(slots=True, eq=False)
class Group:
    """The rows of one asset; `rule` is the weakest rule that had to join them."""

    asset_type: str
    records: list[CleanRecord]
    identities: set[Identity]
    rule: str
    is_ambiguous: bool = False


def shared_identifiers(records: Iterable[CleanRecord]) -> frozenset[tuple[str, str]]:
    """Source ids and serial numbers that one sheet gives to differently named rows.

    They tell nothing apart (cloned machines, a default serial number, a wrong mapping) and are not
    used as identity. Pairs of field name and lower-case text.
    """
    names: dict[tuple[str, str, str], str] = {}
    shared: set[tuple[str, str]] = set()
    for record in records:
        name = display_name(record).lower()
        for target in ("source_id", "serial_number"):
            text = _text(record, target)
            if text and names.setdefault((record.sheet, target, text), name) != name:
                shared.add((target, text))
    return frozenset(shared)


def identity_of(record: CleanRecord, shared: frozenset[tuple[str, str]] = frozenset()) -> Identity:
    """The identifiers that a row carries, without the `shared` ones; the name as `display_name` has it."""
    ips = record.values.get("ip_address")
    items = [] if ips is None else ips.value if isinstance(ips.value, list) else [str(ips.value)]
    host = _text(record, "hostname") or short_name(_text(record, "fqdn"))
    return Identity(
        _own(record, "source_id", shared),
        _own(record, "serial_number", shared),
        host,
        frozenset(item for item in items if not item.startswith(("169.254.", "fe80:"))),
        display_name(record).lower(),
    )


def _own(record: CleanRecord, target: str, shared: frozenset[tuple[str, str]]) -> str:
    text = _text(record, target)
    return "" if (target, text) in shared else text


def _text(record: CleanRecord, target: str) -> str:
    value = record.values.get(target)
    return "" if value is None else str(value.value).lower()


def name_field(record: CleanRecord) -> str | None:
    """The first of name, hostname, fqdn, ip_address and source_id that has a value; None without any."""
    if "name" in record.values:
        return "name"
    return next((name for name in IDENTITY_FIELDS if name in record.values), None)


def display_name(record: CleanRecord) -> str:
    """The name as written, or what stands for it; "" for a row without any identity."""
    found = name_field(record)
    if found is None:
        return ""
    value = record.values[found].value
    return value[0] if isinstance(value, list) else str(value)


def quarantine_reason(record: CleanRecord) -> str | None:
    """Why a row cannot become or join an asset; None when it can."""
    if record.role.kind == "asset" and name_field(record) is None:
        return f"none of {', '.join(IDENTITY_FIELDS)} has a value"
    if record.role.kind == "detail" and "name" not in record.values and "source_id" not in record.values:
        return f"the key column {record.role.key_column!r} is empty"
    return None


def are_different(left: Identity, right: Identity) -> bool:
    """Two source ids, two serial numbers, or addresses without a common one: never one asset."""
    if left.source_id and right.source_id:
        return left.source_id != right.source_id
    if left.serial and right.serial:
        return left.serial != right.serial
    return bool(left.ips and right.ips and not left.ips & right.ips)


def weak_rule(left: Identity, right: Identity) -> str | None:
    """The rule below source id and serial number by which two rows are one asset; None without any."""
    if left.ips & right.ips and left.host and left.host == right.host:
        return "hostname+ip"
    return "name" if left.name and left.name == right.name else None


def is_dependency(record: CleanRecord) -> bool:
    """Whether a row of an asset sheet only declares what its asset depends on (Konveyor's type 2 rows)."""
    ends = {"target_name", "target_ip"} & record.values.keys()
    return bool(ends) and record.values.keys() <= RELATION | {"name"}


def asset_type_of(record: CleanRecord) -> str:
    """The row's own asset type, else that of its sheet."""
    own = record.values.get("asset_type")
    return str(own.value) if own is not None else record.role.asset_type or "other"


def group_records(records: Sequence[CleanRecord]) -> list[Group]:
    """One group per asset.

    Rows with strong identifiers come first, so that a row with a name only meets all assets of that
    name: with one it joins, with several it stays apart and is marked ambiguous. The order of
    `records` does not matter.
    """
    shared = shared_identifiers(records)
    pairs = sorted(
        ((identity_of(record, shared), record) for record in records),
        key=lambda pair: (pair[0].strength, place_key(pair[1])),
    )
    groups: list[Group] = []
    index: dict[tuple[str, str, str], dict[int, Group]] = defaultdict(dict)
    for identity, record in pairs:
        asset_type = asset_type_of(record)
        keys = [(asset_type, kind, text) for kind, text in _handles(identity)]
        candidates = _candidates(identity, [index[key] for key in keys])
        group = _chosen(candidates)
        if group is None:
            rule = RULES[identity.strength]
            group = Group(asset_type, [record], {identity}, rule, is_ambiguous=bool(candidates))
            groups.append(group)
        else:
            _join(group, candidates[0][0], identity, record)
        for key in keys:
            index[key][id(group)] = group
    return groups


def _handles(identity: Identity) -> Iterable[tuple[str, str]]:
    """The index entries of a row; the first is its strongest identifier."""
    texts = (
        ("source_id", identity.source_id),
        ("serial_number", identity.serial),
        ("host", identity.host),
        ("name", identity.name),
    )
    return ((kind, text) for kind, text in texts if text)


def _candidates(identity: Identity, buckets: Sequence[dict[int, Group]]) -> list[tuple[str, Group]]:
    """Groups the row may belong to with the rule of each, strongest rule first.

    A source id or serial number that is known decides alone. A name that more than MAX_NAMESAKES
    assets share decides nothing: two of them are returned, which leaves the row apart.
    """
    if identity.strength < 2 and buckets[0]:
        return [(RULES[identity.strength], group) for group in buckets[0].values()]
    nearby = {key: group for bucket in buckets if len(bucket) <= MAX_NAMESAKES for key, group in bucket.items()}
    found = [(rule, group) for group in nearby.values() if (rule := _group_rule(identity, group)) is not None]
    crowded = max(buckets, key=len)
    if not found and identity.strength >= 2 and len(crowded) > MAX_NAMESAKES:
        return [("name", group) for group in islice(crowded.values(), 2)]
    return sorted(found, key=lambda match: RULES.index(match[0]))


def _group_rule(identity: Identity, group: Group) -> str | None:
    """The strongest weak rule that ties the row to a member, unless a member is certainly different."""
    if any(are_different(identity, member) for member in group.identities):
        return None
    rules = {weak_rule(identity, member) for member in group.identities}
    return next((rule for rule in RULES if rule in rules), None)


def _chosen(candidates: Sequence[tuple[str, Group]]) -> Group | None:
    """The group that one rule singles out; None when there is none or the rule fits several."""
    if not candidates or (len(candidates) > 1 and candidates[1][0] == candidates[0][0]):
        return None
    return candidates[0][1]


def _join(group: Group, rule: str, identity: Identity, record: CleanRecord) -> None:
    weakest = rule if len(group.records) == 1 else max(group.rule, rule, key=RULES.index)
    group.rule = weakest
    group.records.append(record)
    group.identities.add(identity)
