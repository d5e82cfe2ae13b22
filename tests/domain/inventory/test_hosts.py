"""Hosts and clusters that rows describe or only name, and guesses about their names."""

from domain.inventory.small import CLUSTER, SERVER, build, keys, row
from masterflow.domain.inventory import summarise
from masterflow.domain.records import SheetRole


def test_a_short_name_and_an_fqdn_of_that_label_are_one_host():
    inventory = build(row(2, name="a", host_name="esx1.example.com"), row(2, SERVER, "vHost", name="ESX1"))
    assert keys(inventory) == ["server:esx1", "virtual_machine:a"]
    assert inventory.assets[0].flags == ("described",)
    assert inventory.placements[0].target == "server:esx1"
    assert inventory.guesses == ()


def test_a_short_name_that_fits_two_fqdns_stays_apart():
    rows = (row(2, name="a", host_name="esx1.x.com"), row(3, name="b", host_name="esx1.y.com"))
    inventory = build(*rows, row(2, SERVER, "vHost", name="esx1"))
    summary = summarise(inventory)
    assert (summary.hosts_described, summary.hosts_named_only) == (1, 2)
    assert {guess.described for guess in inventory.guesses} == {"esx1"}


def test_hosts_that_are_addresses_are_compared_whole():
    inventory = build(row(2, name="a", host_name="10.0.0.1"), row(3, name="b", host_name="10.0.0.2"))
    assert summarise(inventory).hosts_named_only == 2


def test_a_named_host_without_description_keeps_the_rows_that_name_it():
    inventory = build(
        row(2, name="a", host_name="ESX1", cluster_name="C1", datacenter="D"),
        row(3, name="b", host_name="esx1", cluster_name="C1", datacenter="E"),
    )
    host = next(asset for asset in inventory.assets if asset.asset_type == "host")
    assert (host.name, host.flags, host.values["cluster_name"]) == ("ESX1", ("named_only",), "C1")
    assert "datacenter" not in host.values
    assert [source.row for source in host.sources["name"]] == [2, 3]
    assert host.sources["name"][0].rule == "named by 2 assets"


def test_servers_are_hosts_only_where_guests_or_the_sheet_say_so():
    inventory = build(
        row(2, SERVER, "Racks", name="db9"),
        row(2, name="a", host_name="esx1"),
        row(2, SERVER, "Blades", name="esx1"),
        row(3, SERVER, "Blades", name="esx2"),
        row(2, SERVER, "ESXi Hosts", name="esx3"),
        row(2, SheetRole("asset", "hypervisor"), "HV", name="hv1"),
    )
    assert [asset.name for asset in inventory.assets if "described" in asset.flags] == ["hv1", "esx1", "esx2", "esx3"]
    assert summarise(inventory).servers == 1


def test_other_numbers_or_too_little_likeness_give_no_guess():
    named = (row(2, name="a", host_name="xesx-02"), row(3, name="b", host_name="q-01"))
    assert build(*named, row(2, SERVER, "vHost", name="esx-01")).guesses == ()


def test_a_described_host_that_is_named_is_nobody_elses_guess():
    rows = (row(2, name="a", host_name="esx-01"), row(3, name="b", host_name="old-esx-01"))
    assert build(*rows, row(2, SERVER, "vHost", name="esx-01")).guesses == ()


def test_a_guess_outside_the_cluster_is_weaker():
    rows = (row(2, name="a", host_name="boesx-01", cluster_name="C1"),)
    same = build(*rows, row(2, SERVER, "vHost", name="esx-01", cluster_name="c1")).guesses[0]
    other = build(*rows, row(2, SERVER, "vHost", name="esx-01", cluster_name="C2")).guesses[0]
    assert other.confidence < same.confidence


def test_a_guess_may_rest_on_likeness_alone():
    inventory = build(
        row(2, name="a", host_name="esxa-prod-01", cluster_name="C"),
        row(2, SERVER, "vHost", name="esxb-prod-01", cluster_name="C"),
    )
    assert len(inventory.guesses[0].evidence) == 2


def test_a_cluster_with_a_row_of_its_own_is_described():
    inventory = build(row(2, name="a", cluster_name="Prod"), row(2, CLUSTER, "vCluster", name="PROD"))
    assert keys(inventory) == ["cluster:prod", "virtual_machine:a"]
    assert inventory.assets[0].flags == ("described",)
    assert inventory.placements[0].record_ids == ("vInfo:2",)
