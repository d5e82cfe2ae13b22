"""Finding flow types: the folders beside the package, installed packages, and what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from masterflow import flows
from masterflow.errors import ConfigurationInvalid
from masterflow.kernel.registry import FlowTypeRegistry, public

TYPE = """
from types import ModuleType
from pydantic import BaseModel
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig
from . import handlers, validators

class Inputs(BaseModel):
    note: str = ""

FLOW = FlowTypeConfig(
    name="{name}", display_name="A", description="A", output_schema=Inputs, phase_aliases={aliases},
    phases=[
        PhaseConfig(name=name, display_name="A", description="A", inputs=Inputs, handlers=handlers_,
                    validators=checks, required_inputs=required)
        for name, handlers_, checks, required in {phases}
    ],
)
"""
GOOD = '[("first", ["work"], ["check"], ["note"])]'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Puts a distribution with an entry point of our group on sys.path; its package's name."""
    before = set(sys.modules)

    def written(package: str, *, phases: str = GOOD, aliases: str = "{}", name: str = "") -> str:
        folder = tmp_path / package
        folder.mkdir()
        text = TYPE.replace("{name}", name or package).replace("{aliases}", aliases).replace("{phases}", phases)
        (folder / "__init__.py").write_text(text, encoding="utf-8")
        (folder / "handlers.py").write_text("async def work(ctx, inputs): ...\n_hidden = work\n", encoding="utf-8")
        (folder / "validators.py").write_text("async def check(ctx, inputs): ...\n", encoding="utf-8")
        meta = tmp_path / f"{package}-1.0.dist-info"
        meta.mkdir()
        (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        (meta / "entry_points.txt").write_text(f"[masterflow.flows]\n{package} = {package}\n", encoding="utf-8")
        return package

    monkeypatch.syspath_prepend(str(tmp_path))
    yield written
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_the_bundled_folders_are_found():
    assert "discovery" in [found.config.name for found in flows.discover()]


def test_every_name_of_the_discovery_type_is_a_function_of_its_folder():
    (candidate,) = [found for found in flows.discover() if found.config.name == "discovery"]
    registry = FlowTypeRegistry()
    registry.register_all([candidate])
    found = registry.get("discovery")
    phases = found.config.phases
    assert found.handlers == {n: public(candidate.handlers, n) for phase in phases for n in phase.handlers}
    assert found.validators == {n: public(candidate.validators, n) for phase in phases for n in phase.validators}
    assert None not in (*found.handlers.values(), *found.validators.values())


def test_an_installed_package_is_found_and_can_be_registered(install):
    install("toy_flow")
    registry = FlowTypeRegistry()
    registry.register_all(flows.discover())
    assert registry.list_flow_types() == sorted({"toy_flow", *(c.config.name for c in flows.discover())})
    assert list(registry.get("toy_flow").handlers) == ["work"]


def test_a_folder_without_a_flow_type_is_refused(tmp_path, monkeypatch):
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(flows, "__path__", [*flows.__path__, str(tmp_path)])
    try:
        with pytest.raises(ConfigurationInvalid, match=r"masterflow\.flows\.stray is no flow type: FLOW, handlers"):
            flows.discover()
    finally:
        sys.modules.pop("masterflow.flows.stray", None)
        vars(flows).pop("stray", None)


def test_parts_of_the_wrong_kind_are_refused():
    module = ModuleType("odd")
    module.FLOW, module.handlers, module.validators = "no configuration", ModuleType("h"), ModuleType("v")
    with pytest.raises(ConfigurationInvalid, match="FLOW missing or of the wrong kind"):
        flows.candidate(module)


def test_every_mistake_of_every_type_is_listed_at_once(install):
    phases = (
        '[("first", ["work", "wrok"], ["check", "chekc"], ["note"]), ("first", ["_hidden"], [], ["colour"]),'
        ' ("last", [], [], [])]'
    )
    install("toy_wrong", phases=phases, aliases='{"start": "frist", "last": "first"}')
    install("toy_twin", name="discovery")
    registry = FlowTypeRegistry()
    with pytest.raises(ConfigurationInvalid) as refused:
        registry.register_all(flows.discover())
    for mistake in (
        *("flow type 'discovery' is registered twice", "unknown handler 'wrok'", "unknown validator 'chekc'"),
        *("unknown handler '_hidden'", "phase 'first' is listed twice", "alias 'start' points to unknown phase"),
        *("alias 'last' is also a phase", "input 'colour' is not a field of Inputs", "at least one handler"),
    ):
        assert mistake in refused.value.detail
    assert registry.list_flow_types() == []


def test_a_package_that_cannot_be_imported_is_named(install, tmp_path):
    install("toy_broken")
    (tmp_path / "toy_broken" / "__init__.py").write_text("raise ImportError('no such library')", encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="toy_broken"):
        flows.discover()
