"""`masterflow db ...`, `backup` and `restore`, rehearsed on real homes."""

from __future__ import annotations

import json
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from masterflow.store.backup import compare, read_content
from masterflow.store.embedded import EmbeddedPostgres
from support.console import Console, command, temporary_home


@contextmanager
def _connected(home: Path, database: str = "masterflow") -> Iterator[psycopg.Connection[Any]]:
    server = EmbeddedPostgres(home)
    cluster = server.start()
    try:
        with psycopg.connect(cluster.dsn(database), autocommit=True) as connection:
            yield connection
    finally:
        server.release()


def test_the_life_of_a_schema_from_nothing_up_down_and_up(nowhere: Console) -> None:
    nothing = nowhere("db", "status", "--json")
    assert (nothing.code, nothing.document["revision"]) == (1, None)
    assert not nowhere.home.exists()
    assert "no schema yet" in nowhere("db", "status").out
    made = nowhere.json("db", "upgrade")
    assert made["up_to_date"] is True
    assert nowhere.json("db", "status") == made
    unknown = nowhere("db", "downgrade", "nosuch", "--yes", "--json")
    assert (unknown.code, unknown.document["error"]["code"]) == (1, "invalid_input")
    assert nowhere.json("db", "downgrade", "base", "--yes")["revision"] is None
    ended = nowhere("doctor", "--json")
    assert ended.code == 1
    assert nowhere.json("db", "upgrade")["up_to_date"] is True
    assert nowhere("doctor").code == 0


@pytest.mark.parametrize(
    "arguments",
    [("doctor",), ("doctor", "--prove"), ("backup", "/nowhere/b"), ("db", "downgrade", "base", "--yes")],
    ids=" ".join,
)
def test_without_a_database_nothing_is_made_and_the_next_step_is_told(
    nowhere: Console, arguments: tuple[str, ...]
) -> None:
    ended = nowhere(*arguments, "--json")
    assert (ended.code, ended.document["error"]["code"]) == (1, "not_found")
    assert "db upgrade" in ended.document["error"]["next_step"]
    assert not nowhere.home.exists()


@pytest.fixture(scope="module")
def saved(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the home with the demo, with its keys."""
    target = tmp_path_factory.mktemp("backup") / "demo.dump"
    ended = command(demo_home, "backup", target, "--with-keys", "--json")
    assert ended.code == 0, ended
    return target


def test_a_backup_is_private_says_what_it_holds_and_leaves_no_draft(saved: Path) -> None:
    names = {"demo.dump", "demo.dump.json", "demo.dump.keys.tar"}
    assert {path.name for path in saved.parent.iterdir()} == names
    assert {stat.S_IMODE(path.stat().st_mode) for path in saved.parent.iterdir()} == {0o600}
    assert read_content(saved).tables["app.assets"][0] >= 875
    with tarfile.open(f"{saved}.keys.tar") as archive:
        assert "keys/key_encryption_key" in archive.getnames()


def test_a_backup_never_overwrites_and_says_that_keys_are_elsewhere(
    console: Console, saved: Path, tmp_path: Path
) -> None:
    assert console("backup", saved, "--json").document["error"]["code"] == "conflict"
    assert "keys are not in it" in console("backup", tmp_path / "plain.dump").out
    assert not (tmp_path / "plain.dump.keys.tar").exists()
    assert console("backup", tmp_path / "no" / "such" / "folder", "--json").document["error"]["code"] == "invalid_input"


def test_a_demo_comes_back_in_a_new_home_with_the_same_summary_audit_and_policies(demo_home: Path, saved: Path) -> None:
    with temporary_home() as home:
        restored = command(home, "restore", saved, "--keys", f"{saved}.keys.tar", "--json")
        assert restored.code == 0, restored
        assert restored.document["verified"] is True
        before, after = (command(place, "demo", "--json").document for place in (demo_home, home))
        assert after["made_before"] is True
        assert {k: v for k, v in after.items() if k != "seconds"} == {k: v for k, v in before.items() if k != "seconds"}
        with _connected(demo_home) as old, _connected(home) as new:
            count = "select count(*) from pg_policies where schemaname in ('app', 'hist')"
            assert old.execute(count).fetchone() == new.execute(count).fetchone()
            audit = "select id, user_id, action_type, resource_id, details, created_at from app.access_audit_log"
            kept = {row[0]: row for row in old.execute(audit)}
            assert all(kept[row[0]] == row for row in new.execute(audit))
        healthy = command(home, "doctor", "--json")
        assert healthy.code == 0, healthy.document


def test_a_rehearsal_beside_the_database_is_made_once(console: Console, saved: Path) -> None:
    assert console.json("restore", saved, "--into", "rehearsal")["database"] == "rehearsal"
    assert console("restore", saved, "--into", "rehearsal", "--json").document["error"]["code"] == "conflict"
    own = console("restore", saved, "--json")
    assert "MASTERFLOW_HOME" in own.document["error"]["next_step"]
    with _connected(console.home, "postgres") as connection:
        connection.execute("drop database rehearsal with (force)")


def test_a_backup_that_lost_rows_is_refused_and_not_kept(console: Console, saved: Path, tmp_path: Path) -> None:
    lying = tmp_path / "lying.dump"
    lying.write_bytes(saved.read_bytes())
    document = json.loads(saved.with_name(f"{saved.name}.json").read_text())
    document["tables"]["app.assets"][0] += 1
    lying.with_name("lying.dump.json").write_text(json.dumps(document))
    ended = console("restore", lying, "--into", "lying", "--json")
    assert ended.code == 1
    assert "app.assets" in ended.document["error"]["detail"]
    with _connected(console.home, "postgres") as connection:
        assert connection.execute("select 1 from pg_database where datname = 'lying'").fetchone() is None


def test_a_damaged_dump_is_refused_and_not_kept(console: Console, saved: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.dump"
    damaged.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    damaged.with_name("damaged.dump.json").write_bytes(saved.with_name(f"{saved.name}.json").read_bytes())
    ended = console("restore", damaged, "--into", "damaged", "--json")
    assert (ended.code, ended.document["error"]["code"]) == (1, "backup_failed")
    with _connected(console.home, "postgres") as connection:
        assert connection.execute("select 1 from pg_database where datname = 'damaged'").fetchone() is None


def test_what_is_no_backup_or_no_keys_is_refused(console: Console, saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("hello")
    other.with_name("other.json").write_text("{}")
    assert console("restore", other, "--into", "x", "--json").document["error"]["code"] == "invalid_input"
    assert console("restore", saved, "--keys", other, "--json").document["error"]["code"] == "invalid_input"
    assert console("restore", tmp_path / "missing", "--json").document["error"]["code"] == "invalid_input"


def test_a_home_with_another_key_keeps_it(nowhere: Console, saved: Path) -> None:
    nowhere.json("db", "upgrade")
    nowhere("flow", "list")
    key = (nowhere.home / "keys" / "key_encryption_key").read_bytes()
    ended = nowhere("restore", saved, "--keys", f"{saved}.keys.tar", "--json")
    assert ended.document["error"]["code"] == "conflict"
    assert (nowhere.home / "keys" / "key_encryption_key").read_bytes() == key


def test_every_kind_of_difference_is_found(saved: Path) -> None:
    content = read_content(saved)
    assert compare(content, content) == []
    count, digest = content.tables["app.assets"]
    other = {**content.tables, "app.assets": (count, digest + "1")}
    assert "app.assets" in compare(content, replace(content, tables=other))[0]
    fewer = {name: value for name, value in content.tables.items() if name != "app.assets"}
    assert "missing" in compare(content, replace(content, tables=fewer))[0]
    assert "policies" in compare(content, replace(content, objects={**content.objects, "policies": 1}))[0]
    assert "revision" in compare(content, replace(content, revision="0000"))[0]
