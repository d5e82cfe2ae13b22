"""Hosts, clusters and networks: those with a row of their own, those that other rows only name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import JaroWinkler

from masterflow.domain.inventory.draft import Draft, as_items, natural_key
from masterflow.domain.inventory.model import FieldSource, NameGuess, Placement, Relation
from masterflow.domain.readers.addresses import short_name

HOST_TYPES = frozenset({"host", "hypervisor"})
_HOST_SHEETS = frozenset({"vhost", "host", "hosts", "hypervisor", "hypervisors", "esx", "esxhosts", "esxihosts"})
_DIGITS = re.compile(r"[0-9]+")
NAMING_SOURCES = 20
"""How many of the rows that name an asset are listed as its sources; placements list every row."""

GUESS_FLOOR = 0.6


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found around the assets of the input."""

    named: tuple[Draft, ...]
    guesses: tuple[NameGuess, ...]
    placements: tuple[Placement, ...]


@dataclass(slots=True, eq=False)
class Naming:
    """One name of a host, cluster or network with the assets and cells that use it."""

    written: str
    users: list[Draft]
    sources: list[FieldSource]


def find_surroundings(drafts: Sequence[Draft]) -> Surroundings:
    """Flag described hosts and clusters, add those that are only named, and place every asset.

    A short name and an FQDN are one host when their first labels are equal and no other FQDN has
    that label. Anything weaker is a guess for a person.
    """
    namings = _namings(drafts, "host_name")
    described = _described_hosts(drafts, namings)
    for draft in (*described, *(d for d in drafts if d.asset_type == "cluster")):
        draft.flags.add("described")
    host_of, named_hosts = _resolve_hosts(described, namings)
    placements = [_placed(host_of[text], "runs_on", naming) for text, naming in namings.items()]
    others: list[Draft] = []
    for target, asset_type, relation in _MEMBERSHIPS:
        added, places = _named_places((*drafts, *named_hosts), target, asset_type, relation)
        others.extend(added)
        placements.extend(places)
    flat = tuple(sorted({place for group in placements for place in group}, key=_placement_key))
    guesses = _guesses(described, named_hosts, {host_of[text] for text in namings})
    return Surroundings((*named_hosts, *others), guesses, flat)


_MEMBERSHIPS: tuple[tuple[str, str, Relation], ...] = (
    ("cluster_name", "cluster", "member_of"),
    ("network_name", "network", "connected_to"),
)


def _placement_key(place: Placement) -> tuple[str, str, str]:
    return place.asset, place.relation, place.target


def _namings(drafts: Iterable[Draft], target: str) -> dict[str, Naming]:
    """The names that assets give in a field, by lower-case name, in alphabetical order."""
    found: dict[str, Naming] = {}
    for draft in sorted(drafts, key=lambda draft: draft.key):
        if target not in draft.values:
            continue
        for item in as_items(draft.values[target]):
            naming = found.setdefault(item.lower().rstrip("."), Naming(item, [], []))
            naming.users.append(draft)
            naming.sources.extend(_naming_sources(draft, target, item))
    return dict(sorted(found.items()))


def _naming_sources(draft: Draft, target: str, item: str) -> list[FieldSource]:
    """The cells of a draft that hold this name; list cells may hold several."""
    sources = draft.sources[target]
    return [s for s in sources if item.lower() in str(s.raw).lower()] or sources[:1]


def _described_hosts(drafts: Sequence[Draft], namings: dict[str, Naming]) -> list[Draft]:
    """Rows of a host sheet: of a host type, or of a server sheet that is called so or is named by guests."""
    shorts = {short_name(text) for text in namings}
    sheets = {_sheet(d) for d in drafts if d.asset_type == "server" and short_name(d.name) in shorts}
    found = [d for d in drafts if d.asset_type in HOST_TYPES or _is_host_row(d, sheets)]
    return sorted(found, key=lambda draft: draft.key)


def _is_host_row(draft: Draft, sheets: set[str]) -> bool:
    called = re.sub(r"[^a-z]", "", _sheet(draft).lower()) in _HOST_SHEETS
    return draft.asset_type == "server" and "host_name" not in draft.values and (called or _sheet(draft) in sheets)


def _sheet(draft: Draft) -> str:
    return draft.sources["name"][0].sheet


def _resolve_hosts(described: Sequence[Draft], namings: dict[str, Naming]) -> tuple[dict[str, Draft], list[Draft]]:
    """The host that each name means, and the hosts that are only named."""
    full = {draft.name.lower().rstrip("."): draft for draft in described}
    by_short: dict[str, list[str]] = defaultdict(list)
    for text in sorted({*full, *namings}):
        by_short[short_name(text)].append(text)
    asset_type = described[0].asset_type if described else "host"
    host_of: dict[str, Draft] = {}
    added: list[Draft] = []
    for short, texts in by_short.items():
        qualified = [text for text in texts if text != short]
        for members in [texts] if len(qualified) <= 1 else [[text] for text in texts]:
            known = next((full[text] for text in members if text in full), None)
            named = [namings[text] for text in members if text in namings]
            host = known or _named_asset(asset_type, max(members, key=len), named, "host_name")
            if known is None:
                added.append(host)
            host_of.update(dict.fromkeys(members, host))
    return host_of, added


def _named_asset(asset_type: str, text: str, namings: Sequence[Naming], target: str) -> Draft:
    """An asset that only other rows name; its cluster and data centre where all of them agree."""
    users = [user for naming in namings for user in naming.users]
    written = next((naming.written for naming in namings if naming.written.lower() == text), text)
    draft = Draft(asset_type, written, "name", key=natural_key(asset_type, text), flags={"named_only"})
    sources = [source for naming in namings for source in naming.sources]
    draft.put("name", written, _listed(sources, f"named by {len(users)} assets"))
    copied = ("cluster_name", "datacenter") if target == "host_name" else ("datacenter",)
    for place in copied:
        _copy_common(draft, place, users)
    return draft


def _copy_common(draft: Draft, target: str, users: Sequence[Draft]) -> None:
    values = {str(user.values.get(target, "")) for user in users}
    if len(values) == 1 and "" not in values:
        sources = [source for user in users for source in user.sources[target]]
        draft.put(target, values.pop(), _listed(sources, f"the same for all {len(users)} assets that name it"))


def _listed(sources: Sequence[FieldSource], rule: str) -> list[FieldSource]:
    ordered = sorted(sources, key=lambda source: (source.sheet, source.row, source.record_id))
    return [replace(source, rule=rule) for source in ordered[:NAMING_SOURCES]]


def _placed(target: Draft, relation: Relation, naming: Naming) -> list[Placement]:
    field = _FIELD_OF[relation]
    found = []
    for user in naming.users:
        records = dict.fromkeys(s.record_id for s in _naming_sources(user, field, naming.written))
        found.append(Placement(user.key, relation, target.key, tuple(records)))
    return found


_FIELD_OF: dict[Relation, str] = {
    "runs_on": "host_name",
    "member_of": "cluster_name",
    "connected_to": "network_name",
}


def _named_places(
    drafts: Sequence[Draft], target: str, asset_type: str, relation: Relation
) -> tuple[list[Draft], list[list[Placement]]]:
    """Clusters or networks that assets name: the missing ones, and the placements of all."""
    known = {draft.name.lower(): draft for draft in drafts if draft.asset_type == asset_type}
    added: list[Draft] = []
    places: list[list[Placement]] = []
    for text, naming in _namings(drafts, target).items():
        place = known.get(text)
        if place is None:
            place = _named_asset(asset_type, text, [naming], target)
            added.append(place)
        places.append(_placed(place, relation, naming))
    return added, places


def _guesses(described: Sequence[Draft], named: Sequence[Draft], used: set[Draft]) -> tuple[NameGuess, ...]:
    """For each host that is only named, the described host with equal numbers that it resembles most.

    A described host that is named as such is no candidate.
    """
    free: dict[tuple[str, ...], list[Draft]] = defaultdict(list)
    for draft in described:
        if draft not in used:
            free[_numbers(draft)].append(draft)
    found = (_best_guess(host, free[_numbers(host)]) for host in named)
    return tuple(sorted((guess for guess in found if guess), key=lambda guess: (guess.named, guess.described)))


def _numbers(draft: Draft) -> tuple[str, ...]:
    return tuple(_DIGITS.findall(short_name(draft.name)))


def _best_guess(named: Draft, free: Sequence[Draft]) -> NameGuess | None:
    guesses = [guess for host in free if (guess := _guess(named, host)) is not None]
    return max(guesses, key=lambda guess: (guess.confidence, guess.described), default=None)


def _guess(named: Draft, described: Draft) -> NameGuess | None:
    """Compare two host names whose numbers are equal.

    confidence = 0.6 similarity (Jaro-Winkler of the reversed short names, so that endings weigh
    more) + 0.2 when one short name ends with the other + 0.15 when both are in the same cluster.
    The weights order the suggestions; they are not measured probabilities.
    """
    left, right = short_name(named.name), short_name(described.name)
    similarity = JaroWinkler.similarity(left[::-1], right[::-1])
    evidence = [f"short names {left!r} and {right!r} are {similarity:.2f} alike, with the same numbers"]
    confidence = 0.6 * similarity
    if left.endswith(right) or right.endswith(left):
        confidence += 0.2
        evidence.append(f"{max(left, right, key=len)!r} ends with {min(left, right, key=len)!r}")
    clusters = [str(draft.values.get("cluster_name", "")).lower() for draft in (named, described)]
    if clusters[0] and clusters[0] == clusters[1]:
        confidence += 0.15
        evidence.append(f"both are in cluster {described.values['cluster_name']}")
    if confidence < GUESS_FLOOR:
        return None
    return NameGuess(named.name, described.name, round(confidence, 2), tuple(evidence))
