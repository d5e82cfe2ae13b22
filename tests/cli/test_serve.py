"""`masterflow serve` and `worker` as processes: ready, running already, stopped, killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from masterflow.cli.listening import address_of, listen
from masterflow.cli.presence import present, running_server
from masterflow.errors import ConfigurationInvalid, Unavailable
from masterflow.store.embedded import EmbeddedPostgres
from support.console import COMMAND, Ended, command, environment, temporary_home

LONGEST_SECONDS = 120


@contextmanager
def _process(home: Path, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(home, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(LONGEST_SECONDS, process.kill)  # reading what never comes would wait for ever
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.kill()
        process.communicate()


def _document(process: subprocess.Popen[str]) -> Any:
    """The JSON document that a process prints when it is ready."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            return json.loads("".join(lines))
    raise AssertionError(process.stderr.read() if process.stderr else "")


def _stopped(process: subprocess.Popen[str], number: int) -> Ended:
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home in which the demo was not made."""
    with temporary_home() as made:
        yield made


def test_serve_prints_token_then_ready_and_a_second_one_the_running_address(fresh_home: Path) -> None:
    with _process(fresh_home, "serve", "--port", "0", MASTERFLOW_DEMO="no") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip("\n")]
        while lines[-1] and not lines[-1].startswith("Ready: "):
            lines.append(process.stdout.readline().rstrip("\n"))
        assert len(lines) == 5
        assert lines[-1].startswith("Ready: http://127.0.0.1:")
        address, token = lines[-1].removeprefix("Ready: "), lines[1].strip()
        assert lines[3].strip() == f"curl -H 'Authorization: Bearer {token}' {address}/api/v1/flows"
        answer = httpx.get(f"{address}/api/v1/flows", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["items"]) == (200, [])
        assert httpx.get(f"{address}/api/v1/flows").status_code == 401
        assert httpx.get(f"{address}/readyz").status_code == 200
        began = time.monotonic()
        second = command(fresh_home, "serve", "--json")
        assert time.monotonic() - began < 10
        assert second.code == 0
        assert (second.document["address"], second.document["running_already"]) == (address, True)
        ended = _stopped(process, signal.SIGINT)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines()[-1] == "Stopped."
    assert "Traceback" not in ended.err
    assert not (fresh_home / "data" / "postmaster.pid").exists()


def test_after_kill_9_the_next_serve_starts_and_shows_no_second_token(home: Path) -> None:
    """Whatever came before: the first of the two has shown a token, or an earlier one had."""
    with _process(home, "serve", "--port", "0", "--json", MASTERFLOW_DEMO="no") as process:
        first = _document(process)
        process.kill()
        process.wait()
    assert running_server(home) is None
    with _process(home, "serve", "--port", "0", "--json", MASTERFLOW_DEMO="no") as process:
        second = _document(process)
        assert second["running_already"] is False
        assert second["token"] is None
        assert httpx.get(f"{second['address']}/livez").status_code == 200
        assert _stopped(process, signal.SIGTERM).code == 0
    assert first["address"]


def test_a_taken_port_means_the_next_free_one(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _process(home, "serve", "--port", str(port), MASTERFLOW_DEMO="no") as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            while lines[-1] and not lines[-1].startswith("Ready: "):
                lines.append(process.stdout.readline())
            ended = _stopped(process, signal.SIGTERM)
    assert lines[-1].startswith("Ready: http://127.0.0.1:")
    assert lines[-1].strip() != f"Ready: http://127.0.0.1:{port}"
    assert f"Port {port} is taken" in ended.err


def test_serve_makes_the_demo_first_and_a_worker_beside_it_runs_what_is_imported(
    fresh_home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "servers.csv"
    path.write_text("server name,operating system,ip address\nweb1,Debian 12,10.0.0.1\nweb2,Debian 11,10.0.0.2\n")
    with _process(fresh_home, "serve", "--port", "0", "--json") as process:
        served = _document(process)
        headers = {"Authorization": f"Bearer {served['token']}"}
        flows = httpx.get(f"{served['address']}/api/v1/flows", headers=headers).json()["items"]
        assert [flow["status"] for flow in flows] == ["completed"]
        (row,) = command(fresh_home, "import", path, "--json").document
        deadline = time.monotonic() + 60
        while (seen := command(fresh_home, "flow", "status", row["flow_id"], "--json").document)["status"] in (
            "queued",
            "running",
        ):
            assert time.monotonic() < deadline
        assert seen["status"] == "waiting_for_approval"
        assert _stopped(process, signal.SIGTERM).code == 0
    with _process(fresh_home, "worker", "--json") as process:
        _document(process)
        assert command(fresh_home, "flow", "approve", row["flow_id"], "--json").code == 0
        while command(fresh_home, "flow", "status", row["flow_id"], "--json").document["status"] != "completed":
            assert time.monotonic() < deadline + 60
        ended = _stopped(process, signal.SIGINT)
    assert ended.code == 0
    assert "Traceback" not in ended.err
    assert command(fresh_home, "doctor").code == 0


def test_a_signal_in_the_middle_of_the_demo_stops_in_order_and_serve_goes_on_with_it_later(fresh_home: Path) -> None:
    with _process(fresh_home, "serve", "--port", "0") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Discovery of" in line:
                break
        ended = _stopped(process, signal.SIGTERM)
    assert ended.code == 0, ended
    assert "Traceback" not in ended.err
    assert not (fresh_home / "data" / "postmaster.pid").exists()
    done = command(fresh_home, "demo", "--json")
    assert done.code == 0
    assert command(fresh_home, "flow", "list", "--json").document["items"][0]["flow_id"] == done.document["flow_id"]
    assert len(command(fresh_home, "flow", "list", "--json").document["items"]) == 1


def test_only_one_process_is_the_server_of_a_home(tmp_path: Path) -> None:
    assert running_server(tmp_path) is None
    with present(tmp_path) as first, present(tmp_path) as second:
        assert first is not None
        assert second is None
        first.announce("http://127.0.0.1:9")
        with pytest.raises(Unavailable, match="does not answer"):
            running_server(tmp_path)
    assert running_server(tmp_path) is None
    assert os.stat(tmp_path / "server.json").st_mode & 0o077 == 0


def test_an_address_is_one_that_a_browser_can_open() -> None:
    with listen("0.0.0.0", 0) as listening:  # noqa: S104 - the case itself
        assert address_of("0.0.0.0", listening).startswith("http://127.0.0.1:")  # noqa: S104
        assert address_of("::1", listening).startswith("http://[::1]:")


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 8000), ("203.0.113.1", 8000)])
def test_a_host_that_is_not_ours_is_refused(host: str, port: int) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        listen(host, port)
    assert caught.value.next_step


def test_no_free_port_is_an_error() -> None:
    with listen("127.0.0.1", 65_535), pytest.raises(ConfigurationInvalid, match="taken"):
        listen("127.0.0.1", 65_535)


def test_a_server_of_postgresql_that_went_away_is_found_by_the_next_start(home: Path) -> None:
    with _process(home, "serve", "--port", "0", "--json", MASTERFLOW_DEMO="no") as process:
        address = _document(process)["address"]
        EmbeddedPostgres(home).stop("immediate")
        assert httpx.get(f"{address}/livez").status_code == 200
        assert httpx.get(f"{address}/readyz").status_code == 503
        ended = _stopped(process, signal.SIGTERM)
    assert "Traceback" not in ended.err
    server = EmbeddedPostgres(home)
    psycopg.connect(server.start().dsn("masterflow")).close()
    server.release()
