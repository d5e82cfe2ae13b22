"""Which edits of assets are taken, and in which form."""

from __future__ import annotations

import pytest

from masterflow.domain.fields import FIELDS
from masterflow.errors import InvalidInput
from masterflow.orchestrator.asset_edits import EDITABLE, checked_edit, flags_after
from masterflow.store.tables import Asset


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"cpu_cores": 4}, {"cpu_cores": 4}),
        ({"cpu_cores": 4.0}, {"cpu_cores": 4.0}),
        ({"memory_gb": 7.5}, {"memory_gb": 7.5}),
        ({"memory_gb": None}, {"memory_gb": None}),
        ({"hostname": ""}, {"hostname": None}),
        ({"cpu_utilization_percent": 100}, {"cpu_utilization_percent": 100}),
        ({"annual_cost_estimate": -12.5}, {"annual_cost_estimate": -12.5}),
        ({"is_template": False}, {"is_template": False}),
        ({"asset_tags": ["a", "b"]}, {"asset_tags": ["a", "b"]}),
        ({"description": "two\nlines\tand a tab"}, {"description": "two\nlines\tand a tab"}),
        ({"power_state": "off"}, {"power_state": "poweredOff"}),
        ({"power_state": "poweredOn"}, {"power_state": "poweredOn"}),
        ({"environment": "prod"}, {"environment": "production"}),
        ({"environment": "Area 51"}, {"environment": "Area 51"}),
        ({"six_r_strategy": "rehost"}, {"six_r_strategy": "rehost"}),
        ({"ip_address": "2001:DB8::1"}, {"ip_address": "2001:db8::1", "ip_addresses": ["2001:db8::1"]}),
        ({"ip_address": None}, {"ip_address": None, "ip_addresses": []}),
        (
            {"mac_address": "00-50-56-AA-BB-CC"},
            {"mac_address": "00:50:56:aa:bb:cc", "mac_addresses": ["00:50:56:aa:bb:cc"]},
        ),
    ],
)
def test_a_value_is_stored_in_the_form_of_imports(given, stored):
    assert checked_edit(given) == stored


@pytest.mark.parametrize(
    ("given", "takes"),
    [
        ({"name": "web"}, "no field that people change"),
        ({"asset_type": "server"}, "no field that people change"),
        ({"version": 3}, "no field that people change"),
        ({"field_sources": {}}, "no field that people change"),
        ({"cpu_cores": "4"}, "takes a number"),
        ({"cpu_cores": True}, "takes a number"),
        ({"cpu_cores": 2.5}, "takes a whole number"),
        ({"cpu_cores": -1}, "not negative"),
        ({"memory_gb": float("nan")}, "takes a number"),
        ({"memory_gb": float("inf")}, "takes a number"),
        ({"memory_gb": 1e15}, "takes a number"),
        ({"cpu_utilization_percent": 101}, "0 to 100"),
        ({"is_template": "yes"}, "true or false"),
        ({"asset_tags": "a"}, "list of texts"),
        ({"asset_tags": ["a", 1]}, "list of texts"),
        ({"hostname": 7}, "a text"),
        ({"hostname": "a\x00b"}, "a text"),
        ({"hostname": "half \ud800"}, "a text"),
        ({"description": "x" * 4001}, "4,000"),
        ({"power_state": "maybe"}, "poweredOn"),
        ({"six_r_strategy": "lift"}, "rehost"),
        ({"ip_address": "10.0.0.300"}, "one IP address"),
        ({"ip_address": "10.0.0.1, 10.0.0.2"}, "one IP address"),
        ({"ip_address": "10.0.0.1 127.0.0.1"}, "one IP address"),
        ({"mac_address": "xx"}, "one MAC address"),
        ({"environment": "n/a"}, "environment"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_what_the_field_takes(given, takes):
    with pytest.raises(InvalidInput, match=takes) as refused:
        checked_edit(given)
    assert refused.value.where == {"fields": sorted(given)}


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(InvalidInput) as refused:
        checked_edit({"cpu_cores": "x", "hostname": "web", "nowhere": 1})
    assert refused.value.where["fields"] == ["cpu_cores", "nowhere"]


def test_an_edit_without_a_field_is_refused():
    with pytest.raises(InvalidInput, match="no field to change"):
        checked_edit({})


def test_what_people_edit_are_fields_with_a_column():
    assert set(FIELDS) > EDITABLE
    assert {column.name for column in Asset.__table__.c} > EDITABLE
    assert not EDITABLE & {"name", "asset_type", "id", "version", "natural_key"}


@pytest.mark.parametrize(
    ("flags", "changes", "after"),
    [
        (["described", "powered_off"], {"power_state": "poweredOn"}, ["described"]),
        ([], {"power_state": "poweredOff"}, ["powered_off"]),
        (["powered_off"], {"power_state": None}, []),
        ([], {"is_template": True}, ["template"]),
        (["template"], {"is_template": False}, []),
        (["template", "powered_off"], {"cpu_cores": 4}, ["powered_off", "template"]),
    ],
)
def test_a_flag_follows_the_field_that_it_repeats(flags, changes, after):
    assert flags_after(flags, changes) == after
