"""Builds the dependency graph of an estate and reads groups, order, hubs and gaps from it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

import rustworkx as rx

from masterflow.domain.dependency_rules import (
    DEPENDENCY_KINDS,
    FAILURE_KINDS,
    NOISE_PORTS,
    PLACEMENT_KINDS,
    RELATION_WORDS,
    EdgeKind,
)
from masterflow.domain.records import CleanRecord, Issue, Place
from masterflow.errors import InvalidInput, NotFound

__all__ = [
    "DEPENDENCY_KINDS",
    "FAILURE_KINDS",
    "NOISE_PORTS",
    "PLACEMENT_KINDS",
    "RELATION_WORDS",
    "Edge",
    "EdgeKind",
    "GraphReport",
    "Node",
    "Resolution",
    "analyse",
    "blast_radius",
    "resolve_relations",
]


@dataclass(frozen=True, slots=True)
class Node:
    """One asset of the graph; `id` is unique."""

    id: str
    name: str
    asset_type: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` stands to `target` as `kind` says; for dependencies the source needs the target.

    `confidence` is 0 to 1; `evidence` says in words where the edge comes from and `record_ids`
    names the records behind it.
    """

    source: str
    target: str
    kind: EdgeKind
    confidence: float
    evidence: tuple[str, ...]
    record_ids: tuple[str, ...] = ()
    port: int | None = None
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class GraphReport:
    """What a dependency graph shows; every list is sorted, so equal input gives equal output.

    `edges` and `by_kind` count the edges between known nodes, the others stand in `unresolved` as
    sentences. `strongly_connected` holds the sets of nodes that need each other in a circle and
    have to move together. `isolated` nodes have no edge to another node, of any kind. `shared` are
    the nodes that more than max(20, 5 % of the nodes) others depend on, with that number;
    `placement_fan_in` the same for placement edges. `layers[0]` depends on nothing, each later
    layer only on earlier ones or, within a circle, on itself; every node is in exactly one layer.
    """

    nodes: int
    edges: int
    by_kind: dict[str, int]
    strongly_connected: tuple[tuple[str, ...], ...]
    isolated: tuple[str, ...]
    shared: tuple[tuple[str, int], ...]
    placement_fan_in: tuple[tuple[str, int], ...]
    layers: tuple[tuple[str, ...], ...]
    unresolved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Relation rows turned into edges.

    `external` are the nodes for endpoints outside the inventory. `noise` names the edges (by
    position in `edges`) on administration and shared-service ports, with the reason; they are kept
    in `edges`. `issues` holds one finding per row that gave no edge or a doubtful one.
    """

    edges: tuple[Edge, ...]
    external: tuple[Node, ...]
    noise: tuple[tuple[int, str], ...]
    issues: tuple[Issue, ...]


def analyse(nodes: Sequence[Node], edges: Sequence[Edge]) -> GraphReport:
    """Groups, order, hubs and gaps of the graph.

    Circles and layers are the strongly connected components (Tarjan) and the topological layers of
    their condensation over `DEPENDENCY_KINDS`. Raises InvalidInput when a node id repeats.
    """
    ids = _ids(nodes)
    known = [edge for edge in edges if _known(edge, ids)]
    needs = [edge for edge in known if edge.kind in DEPENDENCY_KINDS and edge.source != edge.target]
    placed = [edge for edge in known if edge.kind in PLACEMENT_KINDS and edge.source != edge.target]
    linked = {end for edge in (*needs, *placed) for end in (edge.source, edge.target)}
    groups = _circles(ids, needs)
    limit = max(20.0, 0.05 * len(ids))
    return GraphReport(
        nodes=len(ids),
        edges=len(known),
        by_kind=dict(sorted(Counter(str(edge.kind) for edge in known).items())),
        strongly_connected=tuple(group for group in groups if len(group) > 1),
        isolated=tuple(sorted(set(ids) - linked)),
        shared=_hubs(needs, limit),
        placement_fan_in=_hubs(placed, limit),
        layers=_layers(groups, needs),
        unresolved=tuple(sorted(_unresolved(edge, ids) for edge in edges if not _known(edge, ids))),
    )


def blast_radius(nodes: Sequence[Node], edges: Sequence[Edge], start: str) -> tuple[str, ...]:
    """The ids of everything that a failure of `start` reaches, sorted, without `start` itself.

    Follows `FAILURE_KINDS` against their direction: what needs `start`, runs on it or is attached
    to it, transitively. Edges to unknown nodes are left out (`analyse` lists them). Raises NotFound
    when `start` is not among the nodes.
    """
    ids = _ids(nodes)
    if start not in ids:
        raise NotFound("The graph has no such node.", where={"node": start})
    known = [edge for edge in edges if edge.kind in FAILURE_KINDS and _known(edge, ids)]
    graph = _graph(ids, known)
    names = list(ids)
    reached = rx.ancestors(graph, ids[start]) - {ids[start]}
    return tuple(sorted(names[index] for index in reached))


def _ids(nodes: Sequence[Node]) -> dict[str, int]:
    """Position by id, in sorted order so that results do not depend on the order of the input."""
    counts = Counter(node.id for node in nodes)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise InvalidInput("A node id stands more than once.", where={"node": repeated[0]})
    return {name: index for index, name in enumerate(sorted(counts))}


def _graph(ids: Mapping[str, int], edges: Iterable[Edge]) -> rx.PyDiGraph:
    graph = rx.PyDiGraph(multigraph=False)
    graph.add_nodes_from(list(ids))
    graph.add_edges_from_no_data(sorted({(ids[edge.source], ids[edge.target]) for edge in edges}))
    return graph


def _circles(ids: Mapping[str, int], needs: Sequence[Edge]) -> list[tuple[str, ...]]:
    names = list(ids)
    found = rx.strongly_connected_components(_graph(ids, needs))
    return sorted(tuple(sorted(names[index] for index in group)) for group in found)


def _layers(groups: Sequence[tuple[str, ...]], needs: Sequence[Edge]) -> tuple[tuple[str, ...], ...]:
    owner = {name: index for index, group in enumerate(groups) for name in group}
    pairs = {(owner[edge.target], owner[edge.source]) for edge in needs}
    order = rx.PyDiGraph(multigraph=False)
    order.add_nodes_from(list(range(len(groups))))
    order.add_edges_from_no_data(sorted(pair for pair in pairs if pair[0] != pair[1]))
    generations = rx.topological_generations(order)
    return tuple(tuple(sorted(name for index in layer for name in groups[index])) for layer in generations)


def _hubs(edges: Sequence[Edge], limit: float) -> tuple[tuple[str, int], ...]:
    sources: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        sources[edge.target].add(edge.source)
    counts = ((name, len(found)) for name, found in sources.items() if len(found) > limit)
    return tuple(sorted(counts, key=lambda row: (-row[1], row[0])))


def _known(edge: Edge, ids: Mapping[str, int]) -> bool:
    return edge.source in ids and edge.target in ids


def _unresolved(edge: Edge, ids: Mapping[str, int]) -> str:
    missing = " and ".join(name for name in (edge.source, edge.target) if name not in ids)
    return f"{edge.source} -> {edge.target} ({edge.kind}): {missing} not among the nodes"


def resolve_relations(rows: Sequence[CleanRecord], assets: Mapping[str, Mapping[str, str]]) -> Resolution:
    """Edges from the rows of relation sheets.

    `assets` holds the indexes {"name": {lower-case name: id}, "fqdn": {lower-case fqdn: id},
    "ip": {address: id}}; a missing one counts as empty. Row fields read: source_name (else name),
    source_ip, target_name, target_ip, target_port, protocol, relation_type. An endpoint is looked
    up by name, fqdn, short host name (only when one asset bears it), then address. What is not in
    the inventory becomes a node "external:<name or address>". `RELATION_WORDS` says what a
    relation_type means and which end needs the other; without a word that stands there an edge
    with a port is "communicates_with" and any other "depends_on". Rows with the same ends, kind,
    port and protocol become one edge that names all their records.
    """
    directory = _Directory.build(assets)
    merged: dict[tuple[str, str, EdgeKind, int | None, str], list[_Link]] = defaultdict(list)
    external: dict[str, Node] = {}
    issues: list[Issue] = []
    for row in rows:
        ends = _ends(row, directory, issues)
        if ends is None:
            continue
        external |= {end.id: Node(end.id, end.name, "external") for end in ends if end.method == "external"}
        port, protocol = _port(row, issues), _text(row, "protocol").lower()
        kind, turned = _relation(row, port)
        source, target = reversed(ends) if turned else ends
        key = (source.id, target.id, kind, port, protocol)
        merged[key].append(_Link(row.record_id, source, target))
    edges = tuple(_edge(key, merged[key]) for key in sorted(merged, key=repr))
    noise = tuple(
        (index, f"port {edge.port}: {NOISE_PORTS[edge.port]}")
        for index, edge in enumerate(edges)
        if edge.port is not None and edge.port in NOISE_PORTS
    )
    return Resolution(edges, tuple(external[name] for name in sorted(external)), noise, tuple(issues))


# An exact name or fqdn identifies; an address may have been given to another machine since, a
# short host name may exist in a second domain, an outside endpoint is only what the row says.
_CONFIDENCE = {
    "name": 1.0,
    "fqdn": 1.0,
    "ip": 0.9,
    "short host name": 0.8,
    "name against its address": 0.5,
    "external": 0.5,
}


@dataclass(frozen=True, slots=True)
class _End:
    id: str
    name: str
    method: str


@dataclass(frozen=True, slots=True)
class _Link:
    record_id: str
    source: _End
    target: _End


@dataclass(frozen=True, slots=True)
class _Directory:
    names: Mapping[str, str]
    fqdns: Mapping[str, str]
    addresses: Mapping[str, str]
    shorts: Mapping[str, frozenset[str]]

    @classmethod
    def build(cls, assets: Mapping[str, Mapping[str, str]]) -> _Directory:
        names, fqdns = assets.get("name", {}), assets.get("fqdn", {})
        shorts: dict[str, set[str]] = defaultdict(set)
        for name, asset in (*names.items(), *fqdns.items()):
            if not _is_address(name):
                shorts[name.split(".", maxsplit=1)[0]].add(asset)
        frozen = {name: frozenset(found) for name, found in shorts.items()}
        return cls(names, fqdns, assets.get("ip", {}), frozen)

    def by_name(self, name: str) -> tuple[str, str]:
        """(id, method) of the asset with that name, ("", "") when there is none or several."""
        for index, method in ((self.names, "name"), (self.fqdns, "fqdn"), (self.addresses, "ip")):
            if name in index:
                return index[name], method
        found = frozenset() if _is_address(name) else self.shorts.get(name.split(".", maxsplit=1)[0], frozenset())
        return (next(iter(found)), "short host name") if len(found) == 1 else ("", "")


def _ends(row: CleanRecord, directory: _Directory, issues: list[Issue]) -> tuple[_End, _End] | None:
    source = _end(row, "source", directory, issues)
    target = _end(row, "target", directory, issues)
    if source is None or target is None:
        side = "source" if source is None else "target"
        issues.append(_issue(row, "relation_without_end", "error", f"The row names no {side}: not used."))
        return None
    if source.id == target.id:
        text = f"Source and target are the same asset ({source.name}): not used."
        issues.append(_issue(row, "relation_to_itself", "info", text))
        return None
    return source, target


def _end(row: CleanRecord, side: str, directory: _Directory, issues: list[Issue]) -> _End | None:
    name, address = _text(row, f"{side}_name"), _text(row, f"{side}_ip")
    if side == "source":
        name = name or _text(row, "name")
    if not name and not address:
        return None
    lowered = name.lower()
    asset, method = directory.by_name(lowered) if name else ("", "")
    by_address = directory.addresses.get(address, "")
    if asset and by_address and asset != by_address:
        method = "name against its address"
        text = f"{side}: {name} and {address} belong to different assets; the name was used."
        issues.append(_issue(row, "relation_ends_disagree", "warning", text))
    if asset or by_address:
        return _End(asset or by_address, name or address, method or "ip")
    several = directory.shorts.get(lowered.split(".", maxsplit=1)[0], frozenset()) if not _is_address(lowered) else ()
    if len(several) > 1:
        text = f"{side}: {len(several)} assets are called {name} in different domains; kept as external."
        issues.append(_issue(row, "relation_end_ambiguous", "warning", text))
    return _End(f"external:{lowered or address}", name or address, "external")


def _edge(key: tuple[str, str, EdgeKind, int | None, str], links: Sequence[_Link]) -> Edge:
    source, target, kind, port, protocol = key
    # The best row counts: more rows of the same fact do not weaken it.
    confidence = max(min(_CONFIDENCE[link.source.method], _CONFIDENCE[link.target.method]) for link in links)
    evidence = {
        f"{side} {end.name} found by {end.method}" if end.method != "external" else f"{side} {end.name} external"
        for link in links
        for side, end in (("source", link.source), ("target", link.target))
    }
    records = tuple(dict.fromkeys(link.record_id for link in links))
    return Edge(source, target, kind, confidence, tuple(sorted(evidence)), records, port, protocol)


def _relation(row: CleanRecord, port: int | None) -> tuple[EdgeKind, bool]:
    # ServiceNow writes both readings, "Depends on::Used by"; the first is that of the source.
    word = re.sub(r"[\W_]+", " ", _text(row, "relation_type").split("::", maxsplit=1)[0]).strip().lower()
    if word in RELATION_WORDS:
        return RELATION_WORDS[word]
    return ("communicates_with" if port is not None else "depends_on"), False


def _port(row: CleanRecord, issues: list[Issue]) -> int | None:
    text = _text(row, "target_port").removesuffix(".0")
    if not text:
        return None
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    issues.append(_issue(row, "port_unreadable", "warning", f"{text!r} is not a port: left out."))
    return None


def _text(row: CleanRecord, field: str) -> str:
    found = row.values.get(field)
    value = found.value if found else None
    if isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value).strip()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _issue(row: CleanRecord, code: str, severity: Literal["error", "warning", "info"], text: str) -> Issue:
    return Issue(code, severity, text, Place(sheet=row.sheet, row=row.row))
