"""How commands end: exit codes, one document with --json, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.console import COMMAND, DATA, WORKBOOK, Console, command, environment

WRONG_USE = [
    ("nosuch",),
    ("map",),
    ("flow", "status", "not-a-uuid"),
    ("flow", "status"),
    ("map", "--nosuch"),
    ("serve", "--port", "70000"),
    ("db", "downgrade", "base"),
    ("flow", "create", "discovery", "--data", "[1]"),
    ("flow", "create", "discovery", "--data", "{"),
    ("flow", "create", "discovery", "--data", "@/nosuch.json"),
    ("flow", "create", "discovery", "--name", "x" * 300),
    ("admin", "create-token", "--role", "king"),
    ("admin", "create-tenant", " "),
]


@pytest.mark.parametrize("arguments", WRONG_USE, ids=" ".join)
def test_wrong_use_ends_with_2_says_what_to_do_and_touches_nothing(
    nowhere: Console, arguments: tuple[str, ...]
) -> None:
    ended = nowhere(*arguments, "--json")
    assert ended.code == 2
    assert ended.document["error"]["code"] == "wrong_use"
    assert ended.document["error"]["next_step"]
    assert not nowhere.home.exists()
    spoken = nowhere(*arguments)
    assert spoken.code == 2
    assert spoken.out == ""
    assert "Error:" in spoken.err
    assert "Traceback" not in spoken.err


def test_version_and_help_are_answered_without_a_database(nowhere: Console) -> None:
    assert nowhere("--version").out.startswith("masterflow ")
    listed = nowhere("--help").out
    for name in ("serve", "worker", "demo", "import", "map", "inspect", "doctor", "backup", "restore", "flow", "db"):
        assert f"\n  {name} " in listed
    assert not nowhere.home.exists()


def test_an_unknown_setting_is_wrong_use_and_names_the_near_one(
    nowhere: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASTERFLOW_PROT", "9")
    ended = nowhere("demo", "--json")
    assert ended.code == 2
    assert ended.document["error"]["code"] == "configuration_invalid"
    assert "MASTERFLOW_PORT" in ended.document["error"]["detail"]


def test_an_error_nobody_foresaw_is_a_sentence_and_not_a_traceback(
    nowhere: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("masterflow.cli.files.map_rows", broken)
    ended = nowhere("map", WORKBOOK, "--json")
    assert ended.code == 1
    assert ended.document["error"]["code"] == "unexpected_error"
    assert "secret detail" not in ended.out + ended.err
    assert "Traceback" not in ended.err


def test_a_reader_that_goes_away_is_no_error(fresh_home: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "map", *[str(WORKBOOK)] * 6, "--json"],
        env=environment(fresh_home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 1
    assert err == b""


def test_output_that_cannot_be_written_is_an_error_without_traceback(fresh_home: Path) -> None:
    for option in ([], ["--json"]):
        with Path("/dev/full").open("w") as full:
            ended = subprocess.run(
                [*COMMAND, "inspect", str(WORKBOOK), *option],
                env=environment(fresh_home),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert ended.returncode == 1
        assert "No space left on device" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_waiting_command_with_130_and_stops_the_database(fresh_home: Path, number: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "demo"], env=environment(fresh_home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Discovery of" in line:
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "Error: stopped"
    assert "Traceback" not in err
    assert not (fresh_home / "data" / "postmaster.pid").exists()


def test_text_in_any_encoding_of_the_terminal_is_printed(fresh_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text("Servername,Größe,OS\nweb1,5,Debian 12\nweb2,7,Debian 12\n", encoding="utf-8")
    ended = command(fresh_home, "map", path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.code == 0
    assert "Servername" in ended.out


def test_json_on_standard_output_is_one_document_whatever_the_log_level(fresh_home: Path) -> None:
    ended = command(
        fresh_home, "inspect", DATA / "konveyor" / "sample-applications.csv", "--json", MASTERFLOW_LOG_LEVEL="debug"
    )
    assert ended.code == 0
    assert len(ended.document) == 1


def test_the_command_runs_as_a_module_and_as_a_program(fresh_home: Path) -> None:
    program = Path(COMMAND[0]).with_name("masterflow")
    answer = subprocess.run(
        [program, "--version"],
        env={**os.environ, "MASTERFLOW_HOME": str(fresh_home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == command(fresh_home, "--version").out
