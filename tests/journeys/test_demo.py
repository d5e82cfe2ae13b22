"""The demo journey on a fresh home, in a process of its own, against anchors recomputed from the stored rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from masterflow.store.embedded import EmbeddedPostgres
from support.console import command, open_home

ANCHORS = {
    "vms": 805,
    "hosts_described": 34,
    "hosts_named_only": 32,
    "clusters": 4,
    "powered_on_non_templates": 763,
    "vcpu": 2629,
    "memory_gib": 10176.26,
    "provisioned_tib": 215.86,
    "templates": 10,
    "os_conflicts": 17,
}
_ROWS = """
    select count(*) filter (where asset_type = 'virtual_machine') as vms,
           count(*) filter (where is_host and flags ? 'described') as hosts_described,
           count(*) filter (where is_host and flags ? 'named_only') as hosts_named_only,
           count(*) filter (where asset_type = 'cluster') as clusters,
           count(*) filter (where sized) as powered_on_non_templates,
           sum(cpu_cores) filter (where sized)::integer as vcpu,
           round((sum(memory_gb) filter (where sized))::numeric, 2)::float8 as memory_gib,
           round((sum(storage_gb) filter (where sized))::numeric / 1024, 2)::float8 as provisioned_tib,
           count(*) filter (where is_template and asset_type = 'virtual_machine') as templates
    from (select *, asset_type in ('host', 'hypervisor', 'server') as is_host,
                 asset_type = 'virtual_machine' and power_state = 'poweredOn' and not is_template as sized
          from app.assets) a"""


@dataclass(frozen=True, slots=True)
class Made:
    """The first demo of a home."""

    home: Path
    document: dict[str, Any]
    err: str


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    """A demo on a fresh home."""
    with open_home() as home:
        ended = command(home, "demo", "--json")
        assert ended.code == 0, ended
        yield Made(home, ended.document, ended.err)


def _rows(home: Path, statement: str) -> list[tuple[Any, ...]]:
    server = EmbeddedPostgres(home)
    cluster = server.start()
    try:
        with psycopg.connect(cluster.dsn("masterflow")) as connection:
            return connection.execute(statement.encode()).fetchall()
    finally:
        server.release()


def test_the_demo_prints_the_anchors_of_the_workbook(made: Made) -> None:
    assert {name: made.document[name] for name in ANCHORS} == ANCHORS
    assert made.err == ""


def test_the_figures_are_those_of_the_stored_rows(made: Made) -> None:
    columns = [name for name in ANCHORS if name != "os_conflicts"]
    assert dict(zip(columns, _rows(made.home, _ROWS)[0], strict=True)) == {name: ANCHORS[name] for name in columns}


def test_support_states_are_those_of_the_stored_findings_at_a_stated_date(made: Made) -> None:
    eol = made.document["eol"]
    stored = _rows(made.home, "select state, count(*) from app.asset_tech_debt group by state")
    assert dict(stored) == {state: count for state, count in eol["by_state"].items() if count}
    dates = _rows(made.home, "select distinct assessed_on::text, catalog_as_of from app.asset_tech_debt")
    assert dates == [(eol["as_of"], eol["catalog_as_of"])]


def test_a_fresh_home_takes_less_than_55_seconds(made: Made) -> None:
    assert made.document["seconds"] < 55


def test_the_second_demo_answers_from_the_same_flow_with_the_same_figures(made: Made) -> None:
    second, third = (command(made.home, "demo", "--json").document for _ in range(2))
    assert second["made_before"] is True
    assert {**third, "seconds": 0} == {**second, "seconds": 0}
    kept = made.document.keys() - {"seconds", "made_before", "flow_id", "phases"}
    assert {name: second[name] for name in kept} == {name: made.document[name] for name in kept}


def test_people_are_told_that_it_was_made_before(made: Made) -> None:
    ended = command(made.home, "demo")
    assert ended.code == 0
    assert "Made before" in ended.out
    assert "2,629" in ended.out


def test_again_makes_another_flow_with_the_same_figures_and_the_same_assets(made: Made) -> None:
    again = command(made.home, "demo", "--again", "--json").document
    assert again["flow_id"] != made.document["flow_id"]
    assert {name: again[name] for name in ANCHORS} == ANCHORS
    (assets,) = _rows(made.home, "select count(*) from app.assets where asset_type = 'virtual_machine'")
    assert assets == (805,)
