"""What an import changes of assets that are stored already."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.domain.inventory import AssetDraft, Conflict, FieldSource
from masterflow.domain.inventory.columns import ASSET_COLUMNS
from masterflow.flows.discovery.drafts import asset_row, external_row, linked, settled
from masterflow.store.repositories.asset_upsert import CONTENT


def source(column: str, raw: Any, record: str = "r1") -> FieldSource:
    return FieldSource(record, "vInfo", 2, column, raw, ("trim",), "the primary sheet")


def draft(record: str = "r1", flags: tuple[str, ...] = (), **values: Any) -> AssetDraft:
    conflict = Conflict("vendor", "A", "B", "first row", (source("Vendor", "A", record), source("Vendor", "B", record)))
    sources = {name: (source(name, str(value), record),) for name, value in values.items()}
    return AssetDraft("server:a", "server", "a", values, sources, flags, (conflict,), "name")


@dataclass
class Kept:
    """A stored asset: the columns of a row, and nothing in the others."""

    row: dict[str, Any]
    edits: dict[str, Any] = field(default_factory=dict)
    natural_key: str = "server:a"

    @property
    def field_sources(self) -> dict[str, Any]:
        return self.row["field_sources"] | {name: [{"rule": "edited by ada", "record_id": None}] for name in self.edits}

    def __getattr__(self, name: str) -> Any:
        columns = self.row | self.edits
        return columns.get(name, [] if name in ("ip_addresses", "mac_addresses") else None)


def settle(row: dict[str, Any], kept: Kept) -> dict[str, Any] | None:
    found = settled([row], {"server:a": kept})
    return found[0] if found else None


def test_the_columns_of_an_asset_are_those_that_the_store_lets_callers_set():
    assert frozenset(CONTENT) == ASSET_COLUMNS


def test_a_row_holds_the_columns_lists_and_attributes_of_a_draft():
    made = draft(
        cpu_cores=4,
        ip_address=["10.0.0.1", "10.0.0.2"],
        mac_address=[],
        network_name=["a", "b"],
        asset_tags=["x"],
        odd="y",
        **{"custom_attributes.SRM": "no"},
    )
    row = asset_row(made)
    assert (row["ip_address"], row["ip_addresses"]) == ("10.0.0.1", ["10.0.0.1", "10.0.0.2"])
    assert (row["mac_address"], row["mac_addresses"], row["asset_tags"]) == (None, [], ["x"])
    assert (row["network_name"], row["custom_attributes"]) == ("a, b", {"odd": "y", "SRM": "no"})


def test_a_source_is_written_with_every_field_it_has():
    made = draft(cpu_cores=4)
    row = asset_row(made)
    (found,) = row["field_sources"]["cpu_cores"]
    assert found == asdict(made.sources["cpu_cores"][0]) | {"transform": ["trim"]}
    (conflict,) = row["conflicts"]
    assert conflict.keys() == asdict(made.conflicts[0]).keys()
    assert [s["raw"] for s in conflict["sources"]] == ["A", "B"]


def test_an_address_list_without_an_address_leaves_the_column_empty():
    row = asset_row(draft(ip_address=[]))
    assert (row["ip_address"], row["ip_addresses"]) == (None, [])


def test_an_unknown_asset_is_new():
    row = asset_row(draft(cpu_cores=4))
    assert settled([row], {}) == [row]


def test_the_same_cells_read_again_say_nothing_new():
    stored = Kept(asset_row(draft("r1", cpu_cores=4, odd="y")))
    assert settle(asset_row(draft("r2", cpu_cores=4, odd="y")), stored) is None


@pytest.mark.parametrize(
    "later",
    [draft("r2", cpu_cores=8), draft("r2", flags=("template",), cpu_cores=4), draft("r2", cpu_cores=4, odd="z")],
)
def test_a_new_value_flag_or_attribute_is_written(later):
    stored = Kept(asset_row(draft("r1", cpu_cores=4, odd="y")))
    assert settle(asset_row(later), stored) == asset_row(later)


def test_a_value_that_the_file_lacks_leaves_the_stored_one():
    stored = Kept(asset_row(draft("r1", cpu_cores=4, ip_address=["10.0.0.1"])))
    later = asset_row(draft("r2", cpu_cores=4)) | {"ip_address": None, "ip_addresses": []}
    assert settle(later, stored) is None


def test_another_cell_behind_the_same_value_is_written():
    stored = Kept(asset_row(draft("r1", cpu_cores=4)))
    later = asset_row(draft("r2", cpu_cores=4))
    later["field_sources"]["cpu_cores"][0]["row"] = 3
    assert settle(later, stored) == later


def test_an_edit_stands_and_the_import_becomes_a_conflict():
    stored = Kept(asset_row(draft("r1", cpu_cores=4, memory_gb=8)), {"cpu_cores": 16})
    found = settle(asset_row(draft("r2", cpu_cores=4, memory_gb=9)), stored)
    assert "cpu_cores" not in found
    assert "cpu_cores" not in found["field_sources"]
    assert found["memory_gb"] == 9
    own = [conflict for conflict in found["conflicts"] if conflict["field"] == "cpu_cores"]
    assert [(c["chosen"], c["rejected"], c["rule"]) for c in own] == [
        (16, 4, "edited by ada; imports do not change it")
    ]
    assert own[0]["sources"] == asset_row(draft("r2", cpu_cores=4))["field_sources"]["cpu_cores"]


def test_an_edited_field_that_the_import_lacks_is_no_conflict():
    stored = Kept(asset_row(draft("r1", memory_gb=8)), {"cpu_cores": 16})
    assert settle(asset_row(draft("r2", memory_gb=8)), stored) is None


def test_an_edited_address_keeps_its_list():
    stored = Kept(asset_row(draft("r1", ip_address=["10.0.0.1"])), {"ip_address": "10.9.9.9"})
    found = settle(asset_row(draft("r2", ip_address=["10.0.0.1", "10.0.0.2"])), stored)
    assert "ip_address" not in found
    assert "ip_addresses" not in found


def test_a_flag_that_repeats_an_edited_field_stays():
    stored = Kept(
        asset_row(draft("r1", power_state="poweredOff")) | {"flags": ["described"]}, {"power_state": "poweredOn"}
    )
    found = settle(asset_row(draft("r2", flags=("described", "powered_off"), power_state="poweredOff")), stored)
    assert found["flags"] == ["described"]


VALUES = st.dictionaries(st.sampled_from(["cpu_cores", "memory_gb", "vendor", "odd"]), st.integers(1, 3), max_size=4)


@given(first=VALUES, second=VALUES, edits=VALUES.map(lambda v: {k: x for k, x in v.items() if k != "odd"}))
def test_an_import_never_touches_an_edit_and_repeating_it_says_nothing_new(first, second, edits):
    stored = Kept(asset_row(draft("r1", **first)), edits)
    row = asset_row(draft("r2", **second))
    found = settle(row, stored)
    if found is None:
        return
    assert not edits.keys() & found.keys()
    assert not edits.keys() & found["field_sources"].keys()
    merged = stored.row | {name: value for name, value in found.items() if value is not None}
    for name in ("custom_attributes", "field_sources"):
        merged[name] = stored.row[name] | found[name]
    assert settle(asset_row(draft("r3", **second)), Kept(merged, edits)) is None


def test_rows_carry_the_flow_and_phase_that_bring_them():
    flow_id: UUID = uuid4()
    (row,) = linked([external_row("192.0.2.9")], flow_id=flow_id, phase="dependency_analysis")
    assert row["natural_key"] == "external:192.0.2.9"
    assert {row["master_flow_id"], row["discovery_flow_id"]} == {flow_id}
    assert (row["source_phase"], row["current_phase"], row["flags"]) == (
        "dependency_analysis",
        "discovery",
        ["external"],
    )
