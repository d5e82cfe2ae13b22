"""The command line as tests use it: homes of their own, commands in this process and in others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from masterflow.cli.program import run
from masterflow.store.embedded import EmbeddedPostgres

DATA = Path(__file__).parents[1] / "data"
WORKBOOK = Path(__file__).parents[2] / "src" / "masterflow" / "data" / "rvtools-workshop.xlsx"
_DROPPED = ("MASTERFLOW_", "COV_", "PYTHONUNBUFFERED")
COMMAND = [sys.executable, "-m", "masterflow"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Console:
    """Runs commands of one home in this process."""

    home: Path
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: object) -> Ended:
        self.monkeypatch.setenv("MASTERFLOW_HOME", str(self.home))
        self.capture.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = self.capture.readouterr()
        return Ended(code, printed.out, printed.err)

    def json(self, *arguments: object) -> Any:
        """The document of a command that has to succeed."""
        ended = self(*arguments, "--json")
        assert ended.code == 0, ended
        return ended.document


def environment(home: Path, **more: str) -> dict[str, str]:
    """Environment of a process of the product that uses `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    return {**kept, "MASTERFLOW_HOME": str(home), **more}


def command(home: Path, *arguments: object, timeout: float = 120, **more: str) -> Ended:
    """Run a command in a process of its own."""
    ended = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home that may be created; its server is stopped and it is deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mf-cli-"))
    folder.chmod(0o755)  # root's cluster runs under another account, which has to get in
    try:
        yield folder / "home"
    finally:
        if (folder / "home").exists():
            EmbeddedPostgres(folder / "home").stop("immediate")
        shutil.rmtree(folder)


@contextmanager
def open_home() -> Iterator[Path]:
    """A home whose server stays up until the end, so that commands only attach to it."""
    with temporary_home() as home:
        server = EmbeddedPostgres(home)
        server.start()
        try:
            yield home
        finally:
            server.release()
