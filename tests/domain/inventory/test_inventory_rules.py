"""Identity, merging, details, operating systems and the account of rows on small inputs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.inventory.small import CLUSTER, GUEST, PART, SERVER, build, codes, keys, row
from masterflow.domain.inventory import Reconciliation, summarise
from masterflow.domain.inventory.identity import MAX_NAMESAKES
from masterflow.domain.records import CleanRecord, CleanValue, SheetRole
from masterflow.errors import MasterflowError


def test_a_row_without_identity_is_listed_and_no_asset():
    inventory = build(row(2, memory_gb=4.0), row(3, name="a"))
    assert keys(inventory) == ["virtual_machine:a"]
    assert codes(inventory) == ["row_without_identity"]
    assert inventory.issues[0].place.row == 2
    assert inventory.reconciliation.quarantined == 1


@pytest.mark.parametrize(
    ("values", "name", "rule"),
    [
        ({"hostname": "web"}, "web", "name"),
        ({"fqdn": "web.example.com"}, "web.example.com", "name"),
        ({"ip_address": ["10.0.0.5", "10.0.0.6"]}, "10.0.0.5", "name"),
        ({"source_id": "Vm-7"}, "Vm-7", "source_id"),
        ({"name": "Web", "serial_number": "S1"}, "Web", "serial_number"),
        ({"name": "Web", "fqdn": "web.x.com", "ip_address": ["10.0.0.5"]}, "Web", "hostname+ip"),
    ],
)
def test_an_asset_is_called_by_its_best_name_and_known_by_its_best_identifier(values, name, rule):
    (asset,) = build(row(2, **values)).assets
    assert (asset.name, asset.identity_rule, asset.key) == (name, rule, f"virtual_machine:{name.lower()}")
    assert asset.values["name"] == name
    assert asset.sources["name"][0].column in values


def test_equal_names_in_a_sheet_are_merged_with_an_issue_and_a_conflict():
    inventory = build(row(2, name="Web", memory_gb=4.0), row(3, name="web", memory_gb=8.0, model="x"))
    (asset,) = inventory.assets
    assert (asset.values["memory_gb"], asset.values["model"]) == (4.0, "x")
    (conflict,) = asset.conflicts
    assert (conflict.field, conflict.chosen, conflict.rejected) == ("memory_gb", 4.0, 8.0)
    assert [source.row for source in conflict.sources] == [2, 3]
    assert codes(inventory) == ["duplicate_row_merged"]
    assert inventory.reconciliation.merged == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"source_id": "1"}, {"source_id": "2"}),
        ({"serial_number": "1"}, {"serial_number": "2"}),
        ({"ip_address": ["10.0.0.1"]}, {"ip_address": ["10.0.0.2"]}),
    ],
)
def test_equal_names_with_different_identifiers_stay_apart(first, second):
    inventory = build(row(2, name="web", **first), row(3, name="web", **second))
    assert len(set(keys(inventory))) == 2
    assert all(key.startswith("virtual_machine:web#") for key in keys(inventory))


def test_control_equal_addresses_do_not_keep_equal_names_apart():
    inventory = build(row(2, name="web", ip_address=["10.0.0.1"]), row(3, name="web", ip_address=["10.0.0.1"]))
    assert keys(inventory) == ["virtual_machine:web"]


def test_link_local_addresses_tell_nothing_apart():
    inventory = build(row(2, name="web", ip_address=["fe80::1"]), row(3, name="web", ip_address=["169.254.1.1"]))
    assert keys(inventory) == ["virtual_machine:web"]
    assert inventory.assets[0].values["ip_address"] == ["fe80::1", "169.254.1.1"]


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        ({"source_id": "1", "name": "a"}, {"source_id": "1", "name": "b"}, "source_id"),
        ({"serial_number": "1", "name": "a"}, {"serial_number": "1", "name": "b"}, "serial_number"),
        (
            {"name": "a", "hostname": "h", "ip_address": ["10.0.0.1"]},
            {"name": "b", "fqdn": "h.x.com", "ip_address": ["10.0.0.1"]},
            "hostname+ip",
        ),
        ({"name": "A", "source_id": "1"}, {"name": "a"}, "name"),
    ],
)
def test_rows_of_two_sheets_are_one_asset_by_the_strongest_common_rule(first, second, rule):
    inventory = build(row(2, **first), row(2, sheet="vMore", **second))
    (asset,) = inventory.assets
    assert asset.identity_rule == rule
    assert inventory.reconciliation.merged == 1
    assert codes(inventory) == []


def test_the_weakest_rule_that_joined_the_rows_is_told():
    rows = (row(2, source_id="1", name="a"), row(2, sheet="B", source_id="1"), row(2, sheet="C", name="a"))
    (asset,) = build(*rows).assets
    assert asset.identity_rule == "name"


def test_an_identifier_that_a_sheet_gives_to_two_names_is_not_used():
    inventory = build(row(2, name="a", source_id="1"), row(3, name="b", source_id="1"))
    assert keys(inventory) == ["virtual_machine:a", "virtual_machine:b"]
    assert codes(inventory) == ["identifier_shared"]


def test_a_row_that_fits_two_assets_stays_apart():
    inventory = build(row(2, name="a", source_id="1"), row(3, name="a", source_id="2"), row(4, name="a"))
    assert len(inventory.assets) == 3
    assert codes(inventory) == ["identity_ambiguous"]
    assert "virtual_machine:a#vinfo:4" in keys(inventory)


def test_many_assets_of_one_name_stay_apart():
    rows = [row(n, name="a", source_id=str(n)) for n in range(2, MAX_NAMESAKES + 20)]
    inventory = build(*rows, row(1000, name="a"))
    assert len(inventory.assets) == len(rows) + 1
    assert codes(inventory) == ["identity_ambiguous"]


def test_two_assets_of_one_name_and_one_identifier_text_have_two_keys():
    inventory = build(
        row(2, name="a", source_id="9", ip_address=["10.0.0.1"]),
        row(3, name="a", serial_number="9", ip_address=["10.0.0.2"]),
    )
    assert keys(inventory) == ["virtual_machine:a#9", "virtual_machine:a#9#vinfo:3"]


def test_the_sheet_with_most_rows_is_the_primary_one():
    rows = (row(2, name="a", model="x"), row(3, name="b"), row(2, sheet="aExtra", name="a", model="y"))
    asset = build(*rows).assets[0]
    assert asset.values["model"] == "x"
    assert asset.sources["model"][0].rule == "vInfo is the primary sheet"
    assert asset.conflicts[0].rule == "vInfo is the primary sheet"


def test_a_further_sheet_fills_what_the_primary_one_lacks():
    asset = build(row(2, name="a"), row(3, name="b"), row(2, sheet="Extra", name="a", model="y")).assets[0]
    assert asset.sources["model"][0].rule == "further row in Extra"


def test_a_derived_name_tells_its_rule():
    fqdn = CleanValue("web", "web.x.com", "DNS", ("short name of fqdn",))
    record = CleanRecord("r", "", 2, GUEST, {"name": CleanValue("w", "w", "VM"), "hostname": fqdn})
    asset = build(record).assets[0]
    assert asset.sources["hostname"][0].rule == "derived from fqdn"
    assert asset.sources["name"][0].rule == "the only table is the primary sheet"


def test_a_row_may_state_its_own_asset_type():
    assert keys(build(row(2, SERVER, name="a", asset_type="database"))) == ["database:a"]
    assert keys(build(row(2, SheetRole("asset"), name="a"))) == ["other:a"]


def test_templates_and_powered_off_machines_are_flagged_and_not_sized():
    inventory = build(
        row(2, name="a", power_state="poweredOn", cpu_cores=4),
        row(3, name="b", power_state="poweredOn", cpu_cores=8, is_template=True),
        row(4, name="c", power_state="poweredOff", cpu_cores=16),
        row(5, name="d", cpu_cores=32),
    )
    assert [asset.flags for asset in inventory.assets] == [(), ("template",), ("powered_off",), ()]
    summary = summarise(inventory)
    assert (summary.vcpu, summary.memory_gib, summary.power_unknown) == (4, None, 1)
    assert summary.sizing_gaps["memory_gb"] == 1


def test_a_state_that_only_a_detail_row_tells_is_flagged():
    inventory = build(row(2, name="a"), row(2, PART, "D", name="a", power_state="poweredOff", is_template=True))
    assert inventory.assets[0].flags == ("powered_off", "template")


def test_an_empty_input_is_an_empty_inventory():
    inventory = build()
    assert (inventory.assets, inventory.placements, inventory.issues) == ((), (), ())
    assert summarise(inventory).vcpu is None


def test_detail_rows_find_their_asset_without_regard_to_case():
    inventory = build(
        row(2, name="Web"),
        row(2, PART, "vNetwork", name="WEB", ip_address=["10.0.0.1"], network_name="LAN"),
        row(3, PART, "vNetwork", name="web", ip_address=["10.0.0.2"], network_name="DMZ"),
    )
    asset = next(asset for asset in inventory.assets if asset.asset_type == "virtual_machine")
    assert asset.values["ip_address"] == ["10.0.0.1", "10.0.0.2"]
    assert asset.values["network_name"] == ["LAN", "DMZ"]
    assert {(p.target, p.record_ids) for p in inventory.placements} == {
        ("network:lan", ("vNetwork:2",)),
        ("network:dmz", ("vNetwork:3",)),
    }
    assert summarise(inventory).networks == 2


def test_a_text_that_meets_a_list_becomes_part_of_it():
    rows = (row(2, name="a", owners="x"), row(2, sheet="vMore", name="a", owners=["y", "x"]))
    assert build(*rows).assets[0].values["owners"] == ["x", "y"]


def test_the_sum_of_parts_fills_an_empty_size_but_replaces_none():
    parts = [row(n, PART, "vDisk", name="a", storage_gb=float(n)) for n in (2, 3)]
    filled = build(row(2, name="a"), *parts).assets[0]
    assert filled.values["storage_gb"] == 5.0
    assert filled.sources["storage_gb"][0].rule == "sum of 2 rows of vDisk"
    kept = build(row(2, name="a", storage_gb=100.0), *parts).assets[0]
    assert kept.values["storage_gb"] == 100.0
    assert kept.values["technical_details"]["vDisk"] == {
        "count": 2,
        "sums": {"storage_gb": 5.0},
        "rows": [{"storage_gb": 2.0}, {"storage_gb": 3.0}],
    }
    assert kept.conflicts == ()


def test_a_detail_value_fills_a_gap_only_when_the_rows_agree():
    agreeing = build(row(2, name="a"), row(2, PART, "D", name="a", model="x"), row(3, PART, "D", name="a", model="X"))
    assert agreeing.assets[0].values["model"] == "x"
    assert agreeing.assets[0].sources["model"][0].rule == "first non-empty of detail rows"
    differing = build(row(2, name="a"), row(2, PART, "D", name="a", model="x"), row(3, PART, "D", name="a", model="y"))
    assert "model" not in differing.assets[0].values
    assert differing.assets[0].values["technical_details"]["D"]["rows"] == [{"model": "x"}, {"model": "y"}]


def test_a_detail_value_that_contradicts_the_asset_sheet_is_a_conflict():
    asset = build(row(2, name="a", model="x"), row(2, PART, "D", name="a", model="y")).assets[0]
    assert asset.values["model"] == "x"
    assert asset.conflicts[0].rule == "asset sheet over detail sheet"


def test_a_detail_row_without_its_asset_is_kept_and_told():
    inventory = build(row(2, name="a"), row(2, PART, "D", name="b"), row(3, PART, "D", model="x"))
    assert codes(inventory) == ["detail_without_asset", "row_without_identity"]
    assert inventory.reconciliation.unattached == 2


def test_a_detail_row_of_two_namesakes_needs_a_source_id():
    assets = (row(2, name="a", source_id="1"), row(3, name="a", source_id="2"))
    unclear = build(*assets, row(2, PART, "D", name="a", model="x"))
    assert codes(unclear) == ["detail_ambiguous"]
    clear = build(*assets, row(2, PART, "D", name="a", source_id="2", model="x"))
    assert [asset.values.get("model") for asset in clear.assets] == [None, "x"]


def test_a_detail_row_prefers_the_asset_type_of_its_sheet():
    inventory = build(row(2, name="a"), row(2, SERVER, "Servers", name="a"), row(2, PART, "D", name="a", model="x"))
    assert {asset.asset_type: asset.values.get("model") for asset in inventory.assets} == {
        "virtual_machine": "x",
        "server": None,
    }


@pytest.mark.parametrize(
    ("configured", "tools", "chosen", "conflicts", "codes_found"),
    [
        ("Windows Server 2012", None, "Windows Server 2012", 0, []),
        (None, "Windows Server 2012", "Windows Server 2012", 0, []),
        ("Windows Server 2012", "Windows Server 2016", "Windows Server 2016", 1, ["os_conflict"]),
        ("Windows Server 2012 (32-bit)", "Windows Server 2012 (64-bit)", None, 1, ["os_detail_differs"]),
        ("Windows Server 2012", "Zorblax", "Windows Server 2012", 0, []),
        ("Zorblax", "Windows Server 2012", "Windows Server 2012", 0, []),
        ("Zorblax", "Quux", "Quux", 0, []),
        ("Windows Server 2012", "windows server 2012", "Windows Server 2012", 0, []),
    ],
)
def test_the_guest_tools_win_where_they_are_recognised(configured, tools, chosen, conflicts, codes_found):
    values = {"operating_system": configured, "os_tools": tools}
    inventory = build(row(2, name="a", **{target: text for target, text in values.items() if text}))
    (asset,) = inventory.assets
    assert asset.values["operating_system"] == (chosen or tools)
    assert len(asset.conflicts) == conflicts
    assert codes(inventory) == codes_found


def test_the_version_follows_the_chosen_system_unless_it_is_mapped():
    named = build(row(2, name="a", operating_system="Windows Server 2012", os_tools="Windows Server 2016"))
    assert named.assets[0].values["os_version"] == "2016"
    mapped = build(row(2, name="a", operating_system="Windows Server 2012", os_version="6.2"))
    assert mapped.assets[0].values["os_version"] == "6.2"
    assert "os_version" not in build(row(2, name="a", operating_system="Zorblax")).assets[0].values


def test_a_dependency_declared_in_an_application_sheet_is_no_duplicate():
    application = SheetRole("asset", "application")
    inventory = build(
        row(2, application, name="shop", description="x"),
        row(3, application, name="shop", target_name="billing", relation_type="northbound"),
        row(4, application, name="billing", target_name="ledger", description="y"),
    )
    assert keys(inventory) == ["application:billing", "application:shop"]
    assert all("target_name" not in asset.values for asset in inventory.assets)
    assert codes(inventory) == []
    assert inventory.reconciliation.merged == 1


def test_relation_and_ignored_rows_are_counted_and_left_alone():
    inventory = build(row(2, SheetRole("relation"), source_name="a"), row(3, SheetRole("ignored")))
    account = inventory.reconciliation
    assert (account.rows_in, account.relation_rows, account.ignored_rows) == (2, 1, 1)
    assert inventory.assets == ()


@pytest.mark.parametrize(
    "counts",
    [{"rows_in": 1}, {"rows_in": 1, "asset_rows": 1}, {"rows_in": 1, "detail_rows": 1}],
)
def test_control_rows_that_do_not_add_up_are_an_error(counts):
    with pytest.raises(MasterflowError, match="do not add up"):
        Reconciliation(**counts)


TEXTS = st.sampled_from(["a", "b", "web", "WEB"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS,
        "source_id": st.sampled_from(["1", "2"]),
        "serial_number": st.sampled_from(["s1", "s2"]),
        "hostname": st.sampled_from(["a", "web"]),
        "ip_address": st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2"]), min_size=1, unique=True),
        "host_name": st.sampled_from(["h1", "h1.x.com", "h1.y.com", "bh1"]),
        "cluster_name": TEXTS,
        "network_name": TEXTS,
        "storage_gb": st.sampled_from([0.1, 0.2, 0.3]),
        "model": TEXTS,
        "operating_system": st.sampled_from(["Windows Server 2012", "Zorblax"]),
        "os_tools": st.sampled_from(["Windows Server 2012 R2", "RHEL 6"]),
        "is_template": st.booleans(),
    },
)
ROLES = st.sampled_from([(GUEST, "vInfo"), (GUEST, "vMore"), (SERVER, "vHost"), (PART, "vNetwork"), (CLUSTER, "C")])
ROWS = st.lists(st.tuples(ROLES, VALUES), max_size=9).map(
    lambda drawn: [row(n, role, sheet, **values) for n, ((role, sheet), values) in enumerate(drawn, start=2)]
)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_never_changes_the_inventory(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert build(*shuffled) == build(*rows)


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_every_value_rests_on_cells_of_the_input_and_keys_are_unique(rows):
    inventory = build(*rows)
    cells = {record.record_id: record.values for record in rows}
    assert len(set(keys(inventory))) == len(inventory.assets)
    for asset in inventory.assets:
        assert asset.values.keys() == asset.sources.keys()
        for sources in asset.sources.values():
            assert sources
            assert all(cells[source.record_id][source.column].raw == source.raw for source in sources)
    assert {p.asset for p in inventory.placements} | {p.target for p in inventory.placements} <= set(keys(inventory))
