"""Properties of suggestions that must hold for any table."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from masterflow.domain.fields import FIELDS, MULTI_VALUED, profile, suggest
from masterflow.domain.records import Column, SheetRole

ALIASES = sorted({alias for field in FIELDS.values() for alias in field.aliases})
CELLS = {
    "names": ["app01", "web02", "db03"],
    "addresses": ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
    "counts": [2, 4, 8],
    "sizes": [4096, 8192, 16384],
    "systems": ["Windows Server 2019", "Ubuntu 22.04", "RHEL 8"],
    "nothing": [None, None, None],
}
ROLES = [
    SheetRole("asset", "server"),
    SheetRole("asset", "virtual_machine"),
    SheetRole("asset", "application"),
    SheetRole("detail", "virtual_machine", "VM"),
    SheetRole("relation"),
]
tables = st.dictionaries(
    st.sampled_from(ALIASES) | st.text(max_size=12), st.sampled_from(sorted(CELLS)), min_size=1, max_size=12
)


def described(table):
    return [profile(Column(name, place, name), CELLS[kind]) for place, (name, kind) in enumerate(table.items(), 1)]


@given(table=tables, role=st.sampled_from(ROLES), source=st.sampled_from(["unknown", "rvtools", "device42"]))
@settings(max_examples=60, deadline=None)
def test_every_column_gets_one_honest_suggestion(table, role, source):
    found = suggest("", role, source, described(table))
    assert [each.column for each in found] == list(table)
    for each in found:
        assert 0 <= each.confidence <= 1
        assert each.evidence
        assert all(0 <= other.confidence <= 1 for other in each.alternatives)
    taken = Counter(each.target for each in found if each.target)
    assert all(times == 1 for target, times in taken.items() if target not in MULTI_VALUED)


@given(table=tables, role=st.sampled_from(ROLES), seed=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_columns_changes_nothing(table, role, seed):
    columns = described(table)
    shuffled = columns[:]
    seed.shuffle(shuffled)
    before = {each.column: each for each in suggest("", role, "unknown", columns)}
    after = {each.column: each for each in suggest("", role, "unknown", shuffled)}
    assert after == before


@given(table=tables, role=st.sampled_from(ROLES[:3]))
@settings(max_examples=60, deadline=None)
def test_an_unrelated_column_changes_no_confident_target(table, role):
    before = suggest("", role, "unknown", described(table))
    added = [*described(table), profile(Column("Zyklotron Qx", 99, "added"), ["qq", "ww", "ee"])]
    after = {each.column: each.target for each in suggest("", role, "unknown", added)}
    assert all(after[each.column] == each.target for each in before if each.confidence >= 0.8)
