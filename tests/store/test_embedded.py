"""The embedded PostgreSQL: start, attach, release, settings and isolation, on real servers."""

from __future__ import annotations

import os
import signal
import socket
import stat
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from masterflow.store.embedded import EmbeddedPostgres, role_password
from support.homes import (
    is_alive,
    other_process,
    query,
)


def listens_on_tcp(pid: int) -> bool:
    """Whether a process holds a listening TCP socket (state 0A of /proc/net/tcp and tcp6)."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    listening = {f"socket:[{line.split()[9]}]" for table in tables for line in table if line.split()[3] == "0A"}
    return any(os.readlink(entry) in listening for entry in Path(f"/proc/{pid}/fd").iterdir())


def test_the_first_start_makes_a_cluster_with_checksums_and_the_builtin_locale(new_home: Path) -> None:
    cluster = EmbeddedPostgres(new_home).start()
    provider = query(cluster, "select concat(datlocprovider, datlocale) from pg_database where datname = 'postgres'")
    assert (provider, query(cluster, "show data_checksums")) == ("bC.UTF-8", "on")
    assert str(query(cluster, "show server_version")).startswith("18.")
    assert not list(new_home.glob(".*"))


def test_the_log_takes_no_parameter_values_and_commits_are_durable(home: Path) -> None:
    cluster = EmbeddedPostgres(home).start()
    names = "log_parameter_max_length log_parameter_max_length_on_error fsync synchronous_commit full_page_writes"
    shown = [query(cluster, f"show {name}") for name in names.split()]
    assert shown == ["0", "0", "on", "on", "on"]
    with psycopg.connect(cluster.dsn("postgres")) as connection, pytest.raises(psycopg.DataError):
        connection.execute("select %s::int / (length(%s) - 6)", ["4", "secret"])
    query(cluster, "create table once (word text unique)")
    with psycopg.connect(cluster.dsn("postgres")) as connection, pytest.raises(psycopg.IntegrityError, match="secret"):
        connection.cursor().executemany("insert into once values (%s)", [["secret"], ["secret"]])
    assert "secret" not in "".join(log.read_text() for log in (home / "log").iterdir())


def test_a_given_setting_replaces_the_default(home: Path) -> None:
    cluster = EmbeddedPostgres(home, settings={"work_mem": "5MB", "application_name": "it's \\ here"}).start()
    assert query(cluster, "show work_mem") == "5MB"
    assert query(cluster, "select reset_val from pg_settings where name = 'application_name'") == "it's \\ here"


def test_a_second_process_attaches_and_the_last_user_stops_the_server(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    pid = server.status().pid
    with other_process(home) as other:
        assert int(other.stdout.readline()) == pid
        assert set(server.status().users) == {os.getpid(), other.pid}
        server.release()
        assert is_alive(pid)
        other.communicate("release\n")
    assert not server.status().is_running
    assert not is_alive(pid)


def test_starting_twice_counts_once(home: Path) -> None:
    server = EmbeddedPostgres(home)
    assert server.start() == server.start()
    assert server.status().users == (os.getpid(),)
    server.release()
    server.release()
    assert server.status().state == "stopped"


def test_a_killed_user_does_not_count(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    with other_process(home) as other:
        other.stdout.readline()
        other.kill()
        other.wait()
        assert server.status().users == (os.getpid(),)
    server.release()
    assert not server.status().is_running
    assert not list((home / "users").iterdir())


def test_processes_that_start_at_once_share_one_server(new_home: Path) -> None:
    with other_process(new_home) as first, other_process(new_home) as second, other_process(new_home) as third:
        pids = {process.stdout.readline() for process in (first, second, third)}
        assert len(pids) == 1
        assert len(EmbeddedPostgres(new_home).status().users) == 3


def test_a_forked_child_does_not_release_for_its_parent(home: Path) -> None:
    script = """
        import os, sys
        from pathlib import Path
        from masterflow.store.embedded import EmbeddedPostgres
        server = EmbeddedPostgres(Path(sys.argv[1]))
        server.start()
        if os.fork() == 0:
            server.release()
            os._exit(0)
        os.wait()
        print(server.status().users == (os.getpid(),), flush=True)
        server.release()
        print(server.status().state, flush=True)
    """
    with other_process(home, script) as other:
        assert other.stdout.read().split() == ["True", "stopped"]


def test_asking_for_the_status_or_a_stop_makes_nothing(parent: Path) -> None:
    server = EmbeddedPostgres(parent / "absent")
    server.stop()
    status = server.status()
    assert (status.state, status.is_running, status.pid, status.users) == ("stopped", False, None, ())
    assert status.version.startswith("18.")
    assert not (parent / "absent").exists()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(home: Path) -> None:
    with other_process(home) as other:
        pid = int(other.stdout.readline())
        os.killpg(other.pid, signal.SIGINT)
        assert other.stdout.readline() == "interrupted\n"
        assert query(EmbeddedPostgres(home).start(), "select 1") == 1
        assert EmbeddedPostgres(home).status().pid == pid


def test_a_long_home_uses_a_short_private_socket_directory(parent: Path) -> None:
    server = EmbeddedPostgres(parent / ("long-" * 20) / "home")
    cluster = server.start()
    assert len(os.fsencode(cluster.socket_dir / ".s.PGSQL.5432")) <= 100
    assert stat.S_IMODE(cluster.socket_dir.stat().st_mode) == 0o700
    assert cluster.home not in cluster.socket_dir.parents
    assert query(cluster, "select 1") == 1
    server.stop()
    assert not cluster.socket_dir.exists()


@pytest.mark.parametrize("name", ["with space, comma and 'quote'", "zwölf-ß", "plain;semi&colon%41"])
def test_a_home_with_an_unusual_name_works(parent: Path, name: str) -> None:
    server = EmbeddedPostgres(parent / name)
    cluster = server.start()
    engine = create_engine(cluster.url("postgres").replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert connection.execute(text("show data_directory")).scalar() == str(parent / name / "data")
    engine.dispose()
    server.release()
    assert server.status().state == "stopped"


def test_two_homes_run_side_by_side(parent: Path) -> None:
    first, second = EmbeddedPostgres(parent / "first"), EmbeddedPostgres(parent / "second")
    clusters = first.start(), second.start()
    assert [query(cluster, "show data_directory") for cluster in clusters] == [str(c.data) for c in clusters]
    assert clusters[0].password != clusters[1].password
    first.release()
    assert query(clusters[1], "select 1") == 1


def test_only_the_right_password_is_accepted(home: Path) -> None:
    cluster = EmbeddedPostgres(home).start()
    query(cluster, f"create role reader login password '{role_password(home, 'reader')}'")
    with psycopg.connect(cluster.dsn("postgres", user="reader")) as connection:
        assert connection.info.user == "reader"
    for user in (None, "reader"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(cluster.dsn("postgres", user=user, password="wrong"))
    assert cluster.password not in repr(cluster)


def test_the_server_has_no_tcp_listener(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    assert not listens_on_tcp(server.status().pid)
    with socket.create_server(("127.0.0.1", 0)):
        assert listens_on_tcp(os.getpid())


def test_nothing_of_the_environment_reaches_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGDATA": "/nowhere", "LC_ALL": "xx_XX", "LD_LIBRARY_PATH": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTERFLOW_SECRET", "hidden")
    server = EmbeddedPostgres(home)
    server.start()
    environment = Path(f"/proc/{server.status().pid}/environ").read_bytes()
    assert b"hidden" not in environment
    assert b"/nowhere" not in environment
