"""The dependency graph keeps every edge, finds circles and order, and says what it could not resolve."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.dependencies import Edge, Node, analyse, blast_radius, resolve_relations
from masterflow.domain.records import CleanRecord, CleanValue, SheetRole
from masterflow.errors import InvalidInput, NotFound

SAMPLE = Path(__file__).parents[1] / "data/dependencies/shabbirnkhan_dependency-export-sample.csv"
RELATION = SheetRole("relation")


def nodes(names):
    return [Node(name, name.upper(), "virtual_machine") for name in names]


def edge(source, target, kind="depends_on"):
    return Edge(source, target, kind, 1.0, ("declared",))


def row(number=1, **values):
    clean = {key: CleanValue(value, value, key) for key, value in values.items()}
    return CleanRecord(f"r{number}", "relations", number, RELATION, clean)


def reaches(pairs, start):
    """Brute force: everything that can be reached from `start` along the pairs."""
    seen, todo = set(), [start]
    while todo:
        current = todo.pop()
        for source, target in pairs:
            if source == current and target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def violations(layers, pairs):
    """The edges that run inside a layer or against the order, circles left out."""
    level = {name: index for index, layer in enumerate(layers) for name in layer}
    return [
        (source, target)
        for source, target in pairs
        if level[target] >= level[source] and source not in reaches(pairs, target)
    ]


graphs = st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")), max_size=20)


@given(graphs)
def test_circles_are_those_of_a_brute_force_search(pairs):
    found = analyse(nodes("abcdefg"), [edge(*pair) for pair in pairs]).strongly_connected
    expected = set()
    for name in "abcdefg":
        circle = {other for other in reaches(pairs, name) if name in reaches(pairs, other)} | {name}
        if len(circle) > 1:
            expected.add(tuple(sorted(circle)))
    assert found == tuple(sorted(expected))


@given(graphs)
def test_layers_hold_every_node_once_and_never_violate_an_edge(pairs):
    layers = analyse(nodes("abcdefg"), [edge(*pair) for pair in pairs]).layers
    assert sorted(name for layer in layers for name in layer) == list("abcdefg")
    assert violations(layers, pairs) == []


def test_the_check_of_the_layers_sees_a_planted_violation():
    pairs = [("a", "b"), ("b", "c")]
    assert violations((("c",), ("b",), ("a",)), pairs) == []
    assert violations((("b", "c"), ("a",)), pairs) == [("b", "c")]
    assert violations((("a",), ("b",), ("c",)), pairs) == pairs


@given(graphs, st.sampled_from("abcdefg"))
def test_the_blast_radius_is_everything_that_reaches_the_start(pairs, start):
    found = blast_radius(nodes("abcdefg"), [edge(*pair) for pair in pairs], start)
    assert found == tuple(name for name in "abcdefg" if name != start and start in reaches(pairs, name))


@given(st.permutations(range(6)))
def test_the_report_does_not_depend_on_the_order_of_the_input(order):
    edges = [
        edge("a", "b"),
        edge("b", "a"),
        edge("c", "a", "communicates_with"),
        edge("c", "h", "runs_on"),
        edge("c", "x"),
        edge("d", "c"),
    ]
    names = list("abcdhe")
    expected = analyse(nodes(names), edges)
    assert analyse(nodes([names[i] for i in order]), [edges[i] for i in order]) == expected


def test_a_small_estate_is_reported_in_full():
    edges = [
        edge("web", "app"),
        edge("app", "db", "communicates_with"),
        edge("db", "app", "communicates_with"),
        edge("web", "host", "runs_on"),
        edge("web", "gone"),
        edge("lost", "gone", "attached_to"),
        edge("web", "web"),
    ]
    report = analyse(nodes(["web", "app", "db", "host", "alone"]), edges)
    assert (report.nodes, report.edges) == (5, 5)
    assert report.by_kind == {"communicates_with": 2, "depends_on": 2, "runs_on": 1}
    assert report.strongly_connected == (("app", "db"),)
    assert report.isolated == ("alone",)
    assert report.layers == (("alone", "app", "db", "host"), ("web",))
    assert report.unresolved == (
        "lost -> gone (attached_to): lost and gone not among the nodes",
        "web -> gone (depends_on): gone not among the nodes",
    )


def test_an_edge_to_itself_does_not_link_a_node():
    report = analyse(nodes("a"), [edge("a", "a")])
    assert (report.isolated, report.strongly_connected, report.layers) == (("a",), (), (("a",),))


def test_an_empty_graph_has_an_empty_report():
    report = analyse([], [])
    assert (report.nodes, report.edges, report.layers, report.isolated) == (0, 0, (), ())


def test_a_node_is_shared_above_20_sources_in_a_small_graph():
    names = [f"vm{number:02}" for number in range(21)]
    twenty = [edge(name, "dns") for name in names[:20]]
    assert analyse(nodes([*names, "dns"]), twenty).shared == ()
    more = [*twenty, edge(names[20], "dns")]
    assert analyse(nodes([*names, "dns"]), more).shared == (("dns", 21),)
    repeated = [*twenty, edge(names[0], "dns", "communicates_with")]
    assert analyse(nodes([*names, "dns"]), repeated).shared == ()


def test_a_node_is_shared_above_5_percent_of_a_large_graph():
    names = [f"vm{number:04}" for number in range(999)]
    fifty = [edge(name, "ldap") for name in names[:50]]
    assert analyse(nodes([*names, "ldap"]), fifty).shared == ()
    assert analyse(nodes([*names, "ldap"]), [*fifty, edge(names[50], "ldap")]).shared == (("ldap", 51),)


def test_placement_counts_apart_from_dependency():
    names = [f"vm{number:02}" for number in range(30)]
    report = analyse(nodes([*names, "cluster"]), [edge(name, "cluster", "member_of") for name in names])
    assert report.shared == ()
    assert report.placement_fan_in == (("cluster", 30),)
    assert report.layers == (tuple(sorted([*names, "cluster"])),)
    assert report.isolated == ()


def test_a_failure_spreads_along_placement_but_not_along_membership():
    edges = [
        edge("vm", "host", "runs_on"),
        edge("app", "vm"),
        edge("other", "host", "member_of"),
        edge("app", "nowhere"),
        edge("vm", "datastore", "attached_to"),
    ]
    names = nodes(["vm", "host", "app", "other", "datastore"])
    assert blast_radius(names, edges, "host") == ("app", "vm")
    assert blast_radius(names, edges, "datastore") == ("app", "vm")
    assert blast_radius(names, edges, "app") == ()


def test_the_blast_radius_of_an_unknown_node_is_refused():
    with pytest.raises(NotFound) as refused:
        blast_radius(nodes("a"), [], "b")
    assert refused.value.where == {"node": "b"}


def test_a_repeated_node_is_refused():
    with pytest.raises(InvalidInput) as refused:
        analyse(nodes("aba"), [])
    assert refused.value.where == {"node": "a"}


def test_a_long_chain_is_layered_without_recursion():
    names = [f"n{number:06}" for number in range(20_000)]
    edges = [edge(left, right) for left, right in itertools.pairwise(names)]
    report = analyse(nodes(names), edges)
    assert len(report.layers) == 20_000
    assert report.layers[0] == ("n019999",)


INDEX = {
    "name": {"app1": "A1", "db1.corp.local": "D1", "web.one.local": "W1", "web.two.local": "W2"},
    "fqdn": {"app1.corp.local": "A1", "mail.corp.local": "M1"},
    "ip": {"10.0.0.1": "A1", "10.0.0.5": "D1"},
}


@pytest.mark.parametrize(
    ("values", "target", "confidence"),
    [
        ({"target_name": "DB1.corp.local"}, "D1", 1.0),
        ({"target_name": "mail.corp.local"}, "M1", 1.0),
        ({"target_name": "db1"}, "D1", 0.8),
        ({"target_name": "db1.other.local"}, "D1", 0.8),
        ({"target_name": "10.0.0.5"}, "D1", 0.9),
        ({"target_ip": "10.0.0.5"}, "D1", 0.9),
        ({"target_ip": ["10.0.0.5", "10.0.0.6"]}, "D1", 0.9),
        ({"target_name": "unheard", "target_ip": "10.0.0.5"}, "D1", 0.9),
        ({"target_name": "Unheard.example"}, "external:unheard.example", 0.5),
        ({"target_ip": "8.8.8.8"}, "external:8.8.8.8", 0.5),
        ({"target_ip": [], "target_name": "10.9.9.9"}, "external:10.9.9.9", 0.5),
    ],
)
def test_an_end_is_found_by_name_fqdn_short_name_or_address(values, target, confidence):
    result = resolve_relations([row(source_name="app1", **values)], INDEX)
    (found,) = result.edges
    assert (found.source, found.target, found.confidence) == ("A1", target, confidence)
    assert result.issues == ()
    assert [node.id for node in result.external] == ([target] if target.startswith("external:") else [])


def test_the_evidence_says_how_each_end_was_found():
    (found,) = resolve_relations([row(source_name="app1", target_ip="8.8.8.8")], INDEX).edges
    assert found.evidence == ("source app1 found by name", "target 8.8.8.8 external")


def test_a_name_that_contradicts_its_address_is_used_with_a_warning():
    result = resolve_relations([row(7, source_name="app1", target_name="db1", target_ip="10.0.0.1")], INDEX)
    (issue,) = result.issues
    assert (issue.code, issue.severity, issue.place.row) == ("relation_ends_disagree", "warning", 7)
    assert (result.edges[0].target, result.edges[0].confidence) == ("D1", 0.5)


def test_a_short_name_of_two_assets_is_not_decided():
    result = resolve_relations([row(source_name="app1", target_name="web")], INDEX)
    assert [issue.code for issue in result.issues] == ["relation_end_ambiguous"]
    assert result.edges[0].target == "external:web"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"source_name": "app1"}, "relation_without_end"),
        ({"target_name": "app1"}, "relation_without_end"),
        ({"source_name": "app1", "target_ip": "10.0.0.1"}, "relation_to_itself"),
    ],
)
def test_a_row_without_two_ends_gives_an_issue_and_no_edge(values, code):
    result = resolve_relations([row(3, **values)], INDEX)
    assert (result.edges, [issue.code for issue in result.issues]) == ((), [code])
    assert result.issues[0].place.row == 3


@pytest.mark.parametrize(
    ("word", "kind", "source"),
    [
        ("Depends on::Used by", "depends_on", "A1"),
        ("Used by::Depends on", "depends_on", "D1"),
        ("Runs on::Runs", "runs_on", "A1"),
        ("Hosts::Hosted on", "runs_on", "D1"),
        ("communicates_with", "communicates_with", "A1"),
        ("southbound", "depends_on", "A1"),
        ("Northbound", "depends_on", "D1"),
        ("database", "depends_on", "A1"),
        (None, "depends_on", "A1"),
    ],
)
def test_the_relation_type_decides_kind_and_direction(word, kind, source):
    rows = [row(source_name="app1", target_name="db1", relation_type=word)]
    (found,) = resolve_relations(rows, INDEX).edges
    assert (found.kind, found.source) == (kind, source)


def test_an_application_row_names_its_source_in_the_name_column():
    (found,) = resolve_relations([row(name="app1", target_name="db1")], INDEX).edges
    assert (found.source, found.target) == ("A1", "D1")


def test_an_asset_named_by_its_address_has_no_short_name():
    index = {"name": {"10.1.1.1": "N1"}}
    edges = resolve_relations([row(source_name="10.1.1.1", target_name="10")], index).edges
    assert [(found.source, found.target) for found in edges] == [("N1", "external:10")]


def test_equal_rows_become_one_edge_with_all_their_records():
    rows = [
        row(1, source_name="app1", target_name="db1", target_port=1433, protocol="TCP"),
        row(2, source_ip="10.0.0.1", target_ip="10.0.0.5", target_port="1433.0", protocol="tcp"),
        row(3, source_name="app1", target_name="db1", target_port=1434, protocol="tcp"),
    ]
    edges = resolve_relations(rows, INDEX).edges
    assert [(found.port, found.record_ids) for found in edges] == [(1433, ("r1", "r2")), (1434, ("r3",))]
    assert edges[0].confidence == 0.9
    assert {found.kind for found in edges} == {"communicates_with"}


@pytest.mark.parametrize("text", ["http", "70000", "0", -1])
def test_a_port_that_is_none_is_left_out_with_a_warning(text):
    result = resolve_relations([row(source_name="app1", target_name="db1", target_port=text)], INDEX)
    assert [issue.code for issue in result.issues] == ["port_unreadable"]
    assert result.edges[0].port is None


def test_the_sample_export_gives_five_edges_of_which_one_is_administration():
    with SAMPLE.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = [
        row(
            number,
            source_name=line["Source server name"],
            target_name=line["Destination server name"],
            target_ip=line["Destination IP"],
            target_port=line["Destination port"],
        )
        for number, line in enumerate(lines, start=2)
    ]
    result = resolve_relations(rows, {"name": {"app1-server": "A1", "db1-server": "D1"}, "ip": {"10.0.0.2": "A2"}})
    assert len(lines) == len(result.edges) == 5
    assert result.issues == ()
    (noise,) = result.noise
    assert result.edges[noise[0]].port == 3389
    assert noise[1] == "port 3389: remote desktop: administration"
    assert ("A1", "A2", 443) in {(found.source, found.target, found.port) for found in result.edges}
    assert [node.name for node in result.external] == [
        "admin-server",
        "api1-server",
        "api2-server",
        "web1-server",
        "web2-server",
    ]
    report = analyse([*nodes(["A1", "A2", "D1"]), *result.external], result.edges)
    assert (report.edges, report.unresolved) == (5, ())


def test_no_relations_give_nothing():
    result = resolve_relations([], {})
    assert (result.edges, result.external, result.noise, result.issues) == ((), (), (), ())
