"""The reference of commands and settings is complete and current."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

from masterflow.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """scripts/command_reference.py."""
    spec = importlib.util.spec_from_file_location("command_reference", ROOT / "scripts" / "command_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "settings.md"])
def test_the_page_is_what_the_program_says(generator: ModuleType, name: str) -> None:
    text = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert text == generator.documents()[name], "run: python scripts/command_reference.py"


def test_every_command_and_option_has_a_text(generator: ModuleType) -> None:
    commands = dict(generator.commands())
    assert len(commands) >= 26
    assert [name for name, command in commands.items() if not command.help] == []
    silent = [f"{name} {p.name}" for name, command in commands.items() for p in command.params if not p.help]
    assert silent == []


def test_every_command_takes_json(generator: ModuleType) -> None:
    without = [
        name
        for name, command in generator.commands()
        if not any("--json" in parameter.opts for parameter in command.params)
    ]
    assert without == []


def test_every_setting_is_documented_with_a_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", (ROOT / "docs/reference/settings.md").read_text(), re.M)
    meanings = {name: text.strip() for name, text in rows}
    assert set(meanings) == {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}
    assert all(meanings.values())
