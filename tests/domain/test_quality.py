"""Shares, rules and quarantine on small sets whose figures are worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.quality import DEFAULT_WEIGHTS, DIMENSIONS, RULES, score
from masterflow.domain.records import CleanRecord, CleanValue, Issue, Place, SheetRole

OTHER = SheetRole("asset", "other")
SERVER = SheetRole("asset", "server")
CARD = SheetRole("detail", "server", "VM")


def row(number, role=OTHER, sheet="S", **values):
    clean = {target: CleanValue(value, value, target) for target, value in values.items()}
    return CleanRecord(f"{sheet}:{number}", sheet, number, role, clean)


def issue(code, number, column="name"):
    return Issue(code, RULES[code].severity, "text", Place("", "S", number, column))


def test_no_rows_have_no_score():
    report = score([], [])
    assert report.score is None
    assert report.by_dimension == dict.fromkeys(DIMENSIONS)
    assert (report.by_field, report.by_rule, report.quarantined) == ({}, {}, ())


def test_relation_rows_alone_have_no_score():
    assert score([row(2, SheetRole("relation"), source_name="a")], []).score is None


def test_faultless_complete_rows_score_one():
    report = score([row(2, name="a"), row(3, name="b")], [])
    assert report.score == 1
    assert set(report.by_dimension.values()) == {1}


def test_completeness_is_the_share_of_expected_fields():
    whole = dict.fromkeys(("operating_system", "environment"), "x")
    figures = dict.fromkeys(("cpu_cores", "memory_gb", "storage_gb"), 1)
    report = score(
        [row(2, SERVER, name="a", ip_address=["10.0.0.1"], **whole, **figures), row(3, SERVER, name="b")], []
    )
    assert report.by_dimension["completeness"] == pytest.approx((7 + 1) / 14)
    assert (report.by_field["name"], report.by_field["memory_gb"]) == (1, 0.5)


def test_a_field_may_come_from_a_detail_row_of_the_same_name():
    rows = [row(2, SERVER, name="A"), row(2, CARD, "vNetwork", name="a", ip_address=["10.0.0.1"])]
    assert score(rows, []).by_field["ip_address"] == 1
    assert score([*rows[:1], row(2, CARD, "vNetwork", ip_address=["10.0.0.1"])], []).by_field["ip_address"] == 0


def test_validity_is_the_share_of_cells_without_a_finding():
    report = score([row(2, name="a", model="x"), row(3, name="b")], [issue("number_unreadable", 3, "cores")])
    assert report.by_dimension["validity"] == pytest.approx(3 / 4)
    assert report.by_rule == {"number_unreadable": 1}


def test_a_row_without_any_cell_has_nothing_invalid():
    assert score([row(2)], []).by_dimension["validity"] == 1


def test_notes_do_not_lower_the_score():
    assert score([row(2, name="a")], [issue("os_unrecognised", 2)]).score == 1


def test_an_issue_of_another_room_is_counted_but_rates_nothing():
    report = score([row(2, name="a")], [Issue("sheet_truncated", "error", "text")])
    assert (report.score, report.by_rule) == (1, {"sheet_truncated": 1})


def test_more_used_than_provisioned_is_inconsistent():
    report = score([row(2, name="a", storage_gb=10.0, storage_used_gb=10.2), row(3, name="b", storage_gb=10.0)], [])
    assert [finding.code for finding in report.findings] == ["used_exceeds_size"]
    assert report.by_dimension["consistency"] == 0.5


def test_control_usage_within_one_percent_is_consistent():
    assert score([row(2, name="a", storage_gb=10.0, storage_used_gb=10.05)], []).findings == ()


@pytest.mark.parametrize(("cores", "codes"), [(16, []), (32, []), (20, ["cores_do_not_multiply"])])
def test_sockets_times_cores_must_give_the_core_count(cores, codes):
    report = score([row(2, name="a", cpu_cores=cores, cpu_sockets=2, cores_per_socket=8)], [])
    assert [finding.code for finding in report.findings] == codes


def test_repeated_identifiers_are_found_within_a_sheet():
    rows = [
        row(2, name="Web", source_id="1", ip_address=["10.0.0.1"]),
        row(3, name="web", source_id="2", ip_address=["10.0.0.2", "10.0.0.1"]),
        row(4, sheet="T", name="web"),
    ]
    report = score(rows, [])
    assert sorted(finding.code for finding in report.findings) == ["ip_repeated", "name_repeated"]
    assert report.by_dimension["uniqueness"] == pytest.approx(2 / 3)
    assert report.findings[0].place == Place("", "S", 3, "name")


def test_a_row_that_only_declares_a_dependency_is_not_rated():
    report = score([row(2, name="a"), row(3, name="a", target_name="b")], [])
    assert (report.score, report.findings) == (1, ())
    assert score([row(2, name="a"), row(3, name="a", target_name="b", model="x")], []).score < 1


def test_the_score_is_the_weighted_mean_of_the_dimensions():
    report = score([row(2, name="a"), row(3, name="a")], [])
    expected = 1 - DEFAULT_WEIGHTS["uniqueness"] * 0.5
    assert report.score == pytest.approx(expected)
    assert score([row(2, name="a"), row(3, name="a")], [], weights={"uniqueness": 2}).score == 0.5
    assert score([row(2, name="a")], [], weights={}).score is None


def test_a_row_without_identity_is_quarantined_with_its_reason():
    rows = [row(2, model="x"), row(3, name="a"), row(4, CARD, ip_address=["10.0.0.1"]), row(5, source_id="7")]
    found = score(rows, []).quarantined
    assert [(item.row, item.record_id) for item in found] == [(2, "S:2"), (4, "S:4")]
    assert found[0].reason == "none of name, hostname, fqdn, ip_address, source_id has a value"
    assert found[1].reason == "the key column 'VM' is empty"


def test_every_rule_has_the_id_it_is_listed_under():
    assert all(code == rule.id and rule.title and rule.dimension in DIMENSIONS for code, rule in RULES.items())


NAMES = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=8)


@given(NAMES, st.lists(st.sampled_from(sorted(RULES)), max_size=5))
def test_a_score_is_a_share_and_does_not_depend_on_row_order(names, codes):
    rows = [row(n, name=name) if name else row(n, model="x") for n, name in enumerate(names, start=2)]
    issues = [issue(code, number) for number, code in enumerate(codes, start=2)]
    report = score(rows, issues)
    assert report.score is None if not rows else 0 <= report.score <= 1
    assert score(rows[::-1], issues[::-1]).by_dimension == report.by_dimension


@given(NAMES.filter(any))
def test_a_further_finding_never_raises_the_score(names):
    rows = [row(n, name=name) if name else row(n, model="x") for n, name in enumerate(names, start=2)]
    assert score(rows, [issue("number_unreadable", 2)]).score <= score(rows, []).score
