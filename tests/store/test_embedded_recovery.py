"""The embedded PostgreSQL after kill -9, with stale files, and with a server that hangs."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from masterflow.errors import Unavailable
from masterflow.store.embedded import Cluster, EmbeddedPostgres
from masterflow.store.embedded.postmaster import cluster_name
from support.homes import (
    is_alive,
    other_process,
    query,
    wait_until,
)


def test_a_killed_postmaster_is_recovered_with_its_data(home: Path) -> None:
    server = EmbeddedPostgres(home)
    cluster = server.start()
    query(cluster, "create table kept as select 42 as answer")
    killed = server.status().pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not server.status().is_running)
    assert (cluster.socket_dir / ".s.PGSQL.5432.lock").exists()
    assert query(server.start(), "select answer from kept") == 42
    assert server.status().pid != killed


def test_a_busy_process_of_a_killed_postmaster_does_not_stop_the_recovery(home: Path) -> None:
    server = EmbeddedPostgres(home)
    cluster = server.start()
    endless = threading.Thread(target=run_until_cut_off, args=(cluster,))
    endless.start()
    find = "select max(pid) from pg_stat_activity where query like 'select count(*)%' and state = 'active'"
    wait_until(lambda: query(cluster, find))
    backend = query(cluster, find)
    os.kill(server.status().pid, signal.SIGKILL)
    wait_until(lambda: not server.status().is_running)
    assert is_alive(backend)
    assert query(server.start(), "select 1") == 1
    assert not is_alive(backend)
    endless.join()


def run_until_cut_off(cluster: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError):
        query(cluster, "select count(*) from generate_series(1, 1000000000000)")


@pytest.mark.parametrize("new_owner", ["a program", "the server of another home"])
def test_pid_and_socket_files_with_a_reused_number_are_stale(home: Path, made_home: Path, new_owner: str) -> None:
    server, other = EmbeddedPostgres(home), EmbeddedPostgres(made_home)
    cluster = server.start()
    other.start()
    number = os.getpid() if new_owner == "a program" else other.status().pid
    pid_file = home / "data" / "postmaster.pid"
    left = pid_file.read_text().splitlines()
    server.stop("immediate")
    owner = pid_file.parent.stat()
    for path in (pid_file, cluster.socket_dir / ".s.PGSQL.5432.lock"):
        path.write_text("\n".join([str(number), *left[1:], ""]))
        os.chown(path, owner.st_uid, owner.st_gid)
    assert query(server.start(), "show data_directory") == str(home / "data")
    assert is_alive(number)
    other.release()


def test_a_starter_killed_during_initdb_leaves_nothing_half_made(new_home: Path) -> None:
    with other_process(new_home) as starter:
        wait_until(lambda: list(new_home.glob(".initdb-*/data/PG_VERSION")))
        initdb = processes_of(f"--pgdata={new_home}/.initdb-")  # with the programs it is just starting
        for number in initdb:
            os.kill(number, signal.SIGSTOP)
        starter.kill()
        starter.wait()
    try:
        with pytest.raises(Unavailable, match="Another process"):  # initdb itself lives on
            EmbeddedPostgres(new_home, start_timeout=0.1).start()
    finally:
        for number in initdb:
            os.kill(number, signal.SIGCONT)
    (new_home / ".initdb-older" / "data" / "base").mkdir(parents=True)
    assert not (new_home / "data").exists()
    assert query(EmbeddedPostgres(new_home).start(), "select 1") == 1
    assert not list(new_home.glob(".initdb-*"))


def test_a_lost_socket_is_repaired_once_nobody_uses_the_server(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with other_process(home) as other:
        pid = int(other.stdout.readline())
        server.status().socket.unlink()
        with pytest.raises(Unavailable, match="socket of the running server is gone"):
            server.start()
        assert is_alive(pid)
    assert query(server.start(), "select 1") == 1
    assert not is_alive(pid)


def test_a_start_during_a_slow_stop_waits_for_its_end(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with psycopg.connect(server.start().dsn("postgres")):
        stopping = server.status().pid
        os.kill(stopping, signal.SIGTERM)  # a "smart" stop waits for the connection to end
        wait_until(lambda: server.status().state == "stopping")
        with pytest.raises(Unavailable, match=r"is still stopping after 0\.2 s"):
            EmbeddedPostgres(home, start_timeout=0.2).start()
    assert query(server.start(), "select 1") == 1
    assert server.status().pid != stopping


def test_a_start_during_crash_recovery_waits_for_its_end(home: Path) -> None:
    server = EmbeddedPostgres(home)
    cluster = server.start()
    slow = query(cluster, "select pid from pg_stat_activity where backend_type = 'walwriter'")
    os.kill(slow, signal.SIGSTOP)  # recovery begins when every process has ended, this one too
    with psycopg.connect(cluster.dsn("postgres")) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
    try:
        with pytest.raises(Unavailable, match=r"does not answer after 0\.5 s"):
            EmbeddedPostgres(home, start_timeout=0.5).start()
    finally:
        os.kill(slow, signal.SIGCONT)
    assert query(EmbeddedPostgres(home).start(), "select 1") == 1


def test_a_server_without_a_free_connection_says_so(home: Path) -> None:
    settings = {"max_connections": "3", "superuser_reserved_connections": "1", "max_wal_senders": "0"}
    cluster = EmbeddedPostgres(home, settings=settings).start()
    with ExitStack() as full:
        for _ in range(3):
            full.enter_context(psycopg.connect(cluster.dsn("postgres")))
        with pytest.raises(Unavailable, match="too many clients"):
            EmbeddedPostgres(home).start()


def test_a_process_that_outlives_its_server_holds_up_stop_and_start(home: Path) -> None:
    server = EmbeddedPostgres(home, start_timeout=1)
    server.start()
    (logger,) = processes_of(f"postgres: {cluster_name(home)}: logger ")
    os.kill(logger, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match="a process of it has not ended"):
            server.stop()
        with pytest.raises(Unavailable, match="processes of an earlier start that do not end"):
            server.start()
    finally:
        os.kill(logger, signal.SIGCONT)
    assert query(server.start(), "select 1") == 1


def processes_of(words: str) -> list[int]:
    """Process ids whose command line, or title, holds these words."""
    found = []
    for command_line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if os.fsencode(words) in command_line.read_bytes():
                found.append(int(command_line.parent.name))
    return found


def test_a_server_that_turns_up_while_waiting_is_attached_to(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    pid_file, aside = home / "data" / "postmaster.pid", home / "aside"
    pid_file.rename(aside)
    second = EmbeddedPostgres(home)
    starter = threading.Thread(target=second.start)
    starter.start()
    own = Path("/proc/self/fd")
    wait_until(lambda: str(home / "server.lock") in {os.path.realpath(entry) for entry in own.iterdir()})
    aside.rename(pid_file)
    starter.join()
    assert server.status().users == (os.getpid(), os.getpid())


def test_a_server_that_does_not_answer_in_time_is_unavailable(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    pid = server.status().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable, match="does not answer after 1 s"):
            EmbeddedPostgres(home, start_timeout=1).start()
        with pytest.raises(Unavailable, match="does not stop after 1 s"):
            EmbeddedPostgres(home, start_timeout=1).stop()
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not server.status().is_running)


def test_a_start_that_outlasts_the_wait_goes_on_and_the_next_one_attaches(home: Path) -> None:
    with pytest.raises(Unavailable, match=r"does not answer yet after 0\.5 s"):
        EmbeddedPostgres(home, start_timeout=0.5).start()
    assert query(EmbeddedPostgres(home).start(), "select 1") == 1
