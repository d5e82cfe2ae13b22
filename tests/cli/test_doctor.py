"""`masterflow doctor`: clean on a real home, red for each planted violation."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from masterflow.store.doctor import CHECKS
from masterflow.store.embedded import EmbeddedPostgres
from support.console import Console, command, temporary_home


def test_a_home_with_the_demo_is_clean_and_every_check_has_its_line(console: Console) -> None:
    spoken = console("doctor")
    assert spoken.code == 0, spoken.out
    lines = spoken.out.splitlines()
    assert [line[:4] for line in lines] == ["ok  "] * (len(CHECKS) + 1)
    document = console.json("doctor")
    assert document["ok"] is True
    assert [check["check"] for check in document["checks"]] == [*(check.name for check in CHECKS), "keys"]


def test_each_check_is_turned_red_by_its_planted_violation(console: Console) -> None:
    proofs = console.json("doctor", "--prove")["proofs"]
    assert [proof for proof in proofs if not proof["caught"]] == []
    assert {proof["check"] for proof in proofs} == {"all", *(check.name for check in CHECKS)}
    assert "MISSED" not in console("doctor", "--prove").out
    with psycopg.connect(EmbeddedPostgres(console.home).start().dsn("postgres")) as connection:
        left = connection.execute("select datname from pg_database where datname like 'masterflow_proof%'").fetchall()
    assert left == []


def test_a_check_without_a_planted_violation_would_be_noticed() -> None:
    assert [check.name for check in CHECKS if not check.plant and not check.planted] == []


def test_findings_in_a_real_database_are_listed_with_place_and_next_step_and_end_with_1(demo_home: Path) -> None:
    with temporary_home() as home:
        assert command(home, "db", "upgrade", "--json").code == 0
        server = EmbeddedPostgres(home)
        with psycopg.connect(server.start().dsn("masterflow"), autocommit=True) as connection:
            connection.execute("alter table app.assets no force row level security")
            for table in range(12):
                connection.execute(f"create table app.stray_{table} (id integer)".encode())
            connection.execute("grant select on all tables in schema app to masterflow_backup")
        ended = command(home, "doctor")
        document = command(home, "doctor", "--json").document
        server.release()
    assert ended.code == 1
    assert "FAIL row security" in ended.out
    assert "and 3 more" in ended.out
    assert "now: Stop the service" in ended.out
    (check,) = [check for check in document["checks"] if not check["ok"]]
    assert {"where": "app.assets", "what": "row-level security is not forced"} in check["findings"]


def test_a_lost_key_is_found(demo_home: Path, tmp_path: Path) -> None:
    with temporary_home() as home:
        dump = tmp_path / "a.dump"
        assert command(demo_home, "backup", dump, "--json").code == 0
        assert command(home, "restore", dump, "--json").code == 0
        (home / "keys" / "key_encryption_key").unlink(missing_ok=True)
        server = EmbeddedPostgres(home)
        with psycopg.connect(server.start().dsn("masterflow"), autocommit=True) as connection:
            connection.execute("alter table app.crewai_flow_state_extensions disable trigger all")
            connection.execute(
                "update app.crewai_flow_state_extensions set flow_state = convert_to("
                """'J{"password": {"$enc": "00000000:AAAA:AAAA"}}', 'UTF8')"""
            )
            connection.execute("alter table app.crewai_flow_state_extensions enable trigger all")
        document = command(home, "doctor", "--json").document
        server.release()
    assert "keys" in {check["check"] for check in document["checks"] if not check["ok"]}
    shutil.rmtree(tmp_path)
