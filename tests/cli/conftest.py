"""Homes and consoles for the tests of the command line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from support.console import Console, command, open_home, temporary_home


@pytest.fixture(autouse=True)
def _logging_stays() -> Iterator[None]:
    """A command sets up the logs of its process; here they have to stay as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def demo_home() -> Iterator[Path]:
    """A home whose server is up and in which the demo journey was made."""
    with open_home() as home:
        made = command(home, "demo", "--json")
        assert made.code == 0, made
        yield home


@pytest.fixture
def fresh_home() -> Iterator[Path]:
    """A home that does not exist yet."""
    with temporary_home() as home:
        yield home


@pytest.fixture
def console(demo_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Console:
    """Commands in the home with the demo."""
    return Console(demo_home, capsys, monkeypatch)


@pytest.fixture
def nowhere(fresh_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Console:
    """Commands in a home that does not exist: what they make there shows that they used a database."""
    return Console(fresh_home, capsys, monkeypatch)
