"""The anchors of the two real workbooks, recomputed from the cells without the product's code."""

from dataclasses import replace

import openpyxl
import pytest

from domain.inventory.workbooks import AZURE, RVTOOLS, RVTOOLS_MAPPING, RVTOOLS_ROLES, cleansed
from masterflow.domain.inventory import build_inventory, summarise

CONFIGURED = "OS according to the configuration file"
REPORTED = "OS according to the VMware Tools"


def plain_rows(path, sheet):
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    header, *rows = book[sheet].iter_rows(values_only=True)
    book.close()
    return [dict(zip(header, row, strict=True)) for row in rows if row[0] is not None]


@pytest.fixture(scope="module")
def guests():
    return plain_rows(RVTOOLS, "vInfo")


@pytest.fixture(scope="module")
def inventory(rvtools_clean):
    return build_inventory(rvtools_clean[0], source="rvtools")


@pytest.fixture(scope="module")
def summary(inventory):
    return summarise(inventory)


@pytest.fixture(scope="module")
def azure(azure_clean):
    return build_inventory(azure_clean[0], source="azure_migrate")


def test_every_virtual_machine_of_the_workbook_is_one_asset(summary, guests):
    assert summary.vms == len({row["VM"].lower() for row in guests}) == 805


def test_hosts_are_those_described_and_those_only_named(summary, guests):
    described = {row["Host"].lower().split(".")[0] for row in plain_rows(RVTOOLS, "vHost")}
    named = {row["Host"].lower().split(".")[0] for row in guests}
    assert summary.hosts_described == len(described) == 34
    assert summary.hosts_named_only == len(named - described) == 32


def test_clusters_are_those_that_machines_and_hosts_name(summary, guests):
    assert summary.cluster_names == tuple(sorted({row["Cluster"] for row in guests}))
    assert summary.cluster_names == ("Cluster1", "Cluster2", "DMZ", "Mgmt")
    assert summary.vms_by_cluster == {"Cluster2": 695, "Cluster1": 47, "DMZ": 41, "Mgmt": 22}


def test_sizing_covers_what_is_powered_on_and_no_template(summary, guests):
    running = [row for row in guests if row["Powerstate"] == "poweredOn" and row["Template"] != "True"]
    assert summary.powered_on_non_templates == len(running) == 763
    assert summary.vcpu == sum(row["CPUs"] for row in running) == 2629
    assert summary.memory_gib == sum(row["Memory"] for row in running) / 1024
    assert summary.provisioned_tib == pytest.approx(sum(r["Provisioned MB"] for r in running) / 1024**2)
    assert summary.in_use_tib == pytest.approx(sum(row["In Use MB"] for row in running) / 1024**2)


def test_sizing_figures_are_the_published_ones(summary):
    assert round(summary.memory_gib, 2) == 10176.26
    assert round(summary.provisioned_tib, 2) == 215.86
    assert round(summary.in_use_tib, 2) == 118.59
    assert set(summary.sizing_gaps.values()) == {0}


def test_templates_and_power_states_are_counted(summary, guests):
    assert summary.templates == sum(row["Template"] == "True" for row in guests) == 10
    assert summary.powered_off == sum(row["Powerstate"] == "poweredOff" for row in guests) == 42


def test_every_difference_of_configured_and_reported_system_is_a_conflict(summary, guests):
    differing = [row for row in guests if row[REPORTED] and row[REPORTED] != row[CONFIGURED]]
    assert summary.os_conflicts == len(differing) == 17
    assert summary.no_tools_os == sum(row[REPORTED] is None for row in guests) == 19


def test_a_conflict_keeps_both_cells_and_the_tools_win(inventory):
    asset = next(a for a in inventory.assets if a.key == "virtual_machine:lvmbeasm003")
    (conflict,) = asset.conflicts
    assert conflict.chosen == asset.values["operating_system"] == "Red Hat Enterprise Linux 6 (64-bit)"
    assert conflict.rejected == "Microsoft Windows Server 2008 R2 (64-bit)"
    assert [source.column for source in conflict.sources] == [REPORTED, CONFIGURED]
    assert {source.rule for source in asset.sources["operating_system"]} == {"guest tools over configuration"}


def test_operating_systems_are_counted_by_the_chosen_text(summary, guests):
    chosen = [row[REPORTED] or row[CONFIGURED] for row in guests]
    assert summary.by_operating_system == {text: chosen.count(text) for text in set(chosen)}


def test_network_cards_give_every_machine_its_address(inventory, summary):
    cards = {row["VM"]: row["IPv4 Address"] for row in plain_rows(RVTOOLS, "vNetwork")}
    machines = [asset for asset in inventory.assets if asset.asset_type == "virtual_machine"]
    assert {asset.name: asset.values["ip_address"] for asset in machines} == {n: [ip] for n, ip in cards.items()}
    assert summary.without_ip == 0


def test_partitions_are_listed_and_summed_beside_the_provisioned_size(inventory, guests):
    parts = plain_rows(RVTOOLS, "vPartition")
    provisioned = {row["VM"]: row["Provisioned MB"] / 1024 for row in guests}
    for asset in inventory.assets:
        if asset.asset_type != "virtual_machine":
            continue
        own = [row["Capacity MB"] / 1024 for row in parts if row["VM"] == asset.name]
        listed = asset.values.get("technical_details", {}).get("vPartition")
        assert (listed["sums"]["storage_gb"], listed["count"]) == (sum(own), len(own)) if own else listed is None
        assert asset.values["storage_gb"] == provisioned[asset.name]


def test_a_host_with_another_prefix_is_a_guess_and_never_merged(inventory):
    guesses = {guess.named: guess for guess in inventory.guesses}
    guess = guesses["bovmsp-01.customer.com"]
    assert guess.described == "vmsp-01"
    assert 0.6 <= guess.confidence < 1
    assert len(guess.evidence) == 3
    keys = {asset.key for asset in inventory.assets}
    assert {"host:vmsp-01", "host:bovmsp-01.customer.com"} <= keys


def test_a_host_without_a_counterpart_has_no_guess(inventory):
    named = {guess.named for guess in inventory.guesses}
    assert "bovmsp-15.customer.com" not in named
    assert len(named) == 27


def test_every_machine_is_placed_on_its_host_and_in_its_cluster(inventory, guests):
    keys = {asset.key for asset in inventory.assets}
    on = {p.asset: p for p in inventory.placements if p.relation == "runs_on"}
    member = [p for p in inventory.placements if p.relation == "member_of"]
    assert len(on) == 805
    assert len(member) == 805 + 34 + 32
    assert {p.target for p in inventory.placements} <= keys
    assert on["virtual_machine:wowas3"].target == "host:bovmsp-15.customer.com"
    assert "vInfo:4" in on["virtual_machine:wowas3"].record_ids


def test_every_row_of_the_workbook_is_accounted_for(inventory, rvtools_rows):
    account = inventory.reconciliation
    assert account.rows_in == len(rvtools_rows) == 805 + 805 + 1618 + 34
    assert account.assets_from_rows == 805 + 34
    assert (account.merged, account.quarantined, account.unattached) == (0, 0, 0)
    assert account.named_assets == 32 + 4


def test_every_value_rests_on_a_cell_that_stands_in_the_workbook(inventory, rvtools_rows):
    cells = {(row.sheet, row.row): row.values for row in rvtools_rows}
    for asset in inventory.assets:
        assert asset.values.keys() == asset.sources.keys()
        for sources in asset.sources.values():
            assert sources
            assert all(cells[s.sheet, s.row][s.column] == s.raw is not None for s in sources)


def test_the_order_of_the_rows_does_not_change_the_inventory(inventory, rvtools_clean):
    rows = rvtools_clean[0]
    shuffled = rows[::2][::-1] + rows[1::2]
    assert build_inventory(shuffled, source="rvtools") == inventory


def test_the_azure_report_gives_its_servers_with_power_and_addresses(azure):
    rows = plain_rows(AZURE, "Discovery_Report")
    summary = summarise(azure)
    assert summary.servers == len(rows) == 294
    assert summary.powered_on == sum(row["Power Stats"] == "ON" for row in rows) == 250
    assert summary.powered_off == sum(row["Power Stats"] == "OFF" for row in rows) == 44
    assert summary.without_ip == sum(row["IP Addresses"] == "[];" for row in rows) == 53
    assert summary.provisioned_tib is None
    assert summary.no_tools_os is None


def test_azure_servers_are_known_by_their_machine_id(azure):
    assert {asset.identity_rule for asset in azure.assets} == {"source_id"}


def swapped(rows, sheet, first, second, column):
    """The rows with one cell of two rows exchanged."""
    cells = {row.row: row.values[column] for row in rows if row.sheet == sheet}
    exchange = {first: cells[second], second: cells[first]}
    return tuple(
        replace(row, values={**row.values, column: exchange[row.row]})
        if row.sheet == sheet and row.row in exchange
        else row
        for row in rows
    )


def test_control_swapping_two_cells_is_seen(summary, rvtools_rows):
    info = [row for row in rvtools_rows if row.sheet == "vInfo"]
    on = next(row for row in info if row.values["Powerstate"] == "poweredOn" and row.values["CPUs"] == 6)
    off = next(row for row in info if row.values["Powerstate"] == "poweredOff" and row.values["CPUs"] != 6)
    rows = swapped(rvtools_rows, "vInfo", on.row, off.row, "CPUs")
    clean, _ = cleansed(rows, RVTOOLS_ROLES, RVTOOLS_MAPPING)
    changed = summarise(build_inventory(clean, source="rvtools"))
    assert changed.vcpu != summary.vcpu
    assert changed.memory_gib == summary.memory_gib


def test_control_swapping_two_reported_systems_is_seen(summary, rvtools_rows):
    info = [row for row in rvtools_rows if row.sheet == "vInfo"]
    windows = next(row for row in info if "2012" in str(row.values[REPORTED]))
    linux = next(row for row in info if "Red Hat" in str(row.values[REPORTED]))
    rows = swapped(rvtools_rows, "vInfo", windows.row, linux.row, REPORTED)
    clean, _ = cleansed(rows, RVTOOLS_ROLES, RVTOOLS_MAPPING)
    assert summarise(build_inventory(clean, source="rvtools")).os_conflicts > summary.os_conflicts
