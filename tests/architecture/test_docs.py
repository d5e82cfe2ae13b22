"""What the documentation names exists, and what exists is named: decisions, pages, flow types, rooms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from masterflow.app import registry_of_types

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DECISIONS = sorted(ROOT.glob("docs/adr/0*.md"))
SECTIONS = (
    "**Context.**",
    "**Decision.**",
    "**Consequences.**",
    "**Alternatives.**",
    "**Violated when**",
    "**Enforced by**",
)
PATH = re.compile(r"`((?:src|tests|docs|locks|scripts|flows|kernel|store|engine|web)/[\w./-]+)`")
MAKE = re.compile(r"(?:`|^)make ([a-z-]+)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def named_paths(text: str) -> list[str]:
    """Paths in code marks, without patterns such as flows/<name>/."""
    return PATH.findall(text)


def missing_paths(text: str) -> list[str]:
    """Named paths that are neither below the root nor below the package."""
    roots = (ROOT, ROOT / "src" / "masterflow")
    return [path for path in named_paths(text) if not any((root / path).exists() for root in roots)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    assert missing_paths(page.read_text(encoding="utf-8")) == []


def test_a_page_that_names_a_file_that_does_not_exist_is_found() -> None:
    assert missing_paths("see `tests/store/test_nothing.py` and `kernel/status.py`") == ["tests/store/test_nothing.py"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda page: page.stem)
def test_every_decision_says_when_it_is_violated_and_what_enforces_it(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    assert [section for section in SECTIONS if section not in text] == []
    assert text.startswith(f"# {decision.name[:4]} ")


def test_the_numbers_of_decisions_have_no_gap() -> None:
    numbers = [int(page.name[:4]) for page in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_flow_type_and_phase_is_documented() -> None:
    registry = registry_of_types()
    text = (ROOT / "docs/reference/flow-types.md").read_text(encoding="utf-8")
    for name in registry.list_flow_types():
        config = registry.get(name).config
        assert f"## {name}" in text
        assert [phase.name for phase in config.phases if f"`{phase.name}`" not in text] == []


def test_every_room_of_the_package_is_on_the_page_for_newcomers() -> None:
    text = (ROOT / "AGENTS.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "masterflow"
    rooms = {path.name for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    unnamed = {room for room in rooms - {"__init__.py", "__main__.py"} if f"`{room}" not in text}
    assert unnamed == set()


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {target for page in PAGES for target in MAKE.findall(page.read_text(encoding="utf-8"))}
    assert named <= targets
    assert {"run", "test"} <= named
