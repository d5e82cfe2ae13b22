"""The registry of flow types: all or nothing, and names resolved once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from masterflow.errors import ConfigurationInvalid, InvalidInput, NotFound
from masterflow.kernel.registry import FlowTypeRegistry, public
from support.toy import PHASE, is_readable, read_file, toy_candidate, toy_type


def test_a_registered_type_has_its_handlers_and_validators() -> None:
    registry = FlowTypeRegistry()
    registry.register_all([toy_candidate()])
    known = registry.get("toy")
    assert known.handlers_of(known.config.phases[0]) == (("read_file", read_file),)
    assert known.validators == {"is_readable": is_readable, "is_complete": is_readable}
    assert registry.list_flow_types() == ["toy"]


def test_one_mistake_registers_nothing_and_every_mistake_is_told() -> None:
    registry = FlowTypeRegistry()
    wrong = [
        toy_candidate(toy_type(replace(PHASE, handlers=[name]), name=f"type_{index}"))
        for index, name in enumerate(["gone", "_hidden", "number"])
    ]
    with pytest.raises(ConfigurationInvalid) as refused:
        registry.register_all([toy_candidate(), *wrong])
    assert [f"unknown handler '{name}'" in str(refused.value) for name in ("gone", "_hidden", "number")] == [True] * 3
    assert registry.list_flow_types() == []


def test_a_name_is_registered_once() -> None:
    registry = FlowTypeRegistry()
    with pytest.raises(ConfigurationInvalid, match="'toy' is registered twice"):
        registry.register_all([toy_candidate(), toy_candidate()])
    registry.register_all([toy_candidate()])
    with pytest.raises(ConfigurationInvalid, match="'toy' is registered twice"):
        registry.register_all([toy_candidate()])


def test_an_unknown_type_is_not_found_or_invalid_input_and_names_the_known_ones() -> None:
    registry = FlowTypeRegistry()
    registry.register_all([toy_candidate()])
    with pytest.raises(NotFound, match="Flow types: toy"):
        registry.get("other")
    with pytest.raises(InvalidInput, match="Flow types: toy") as refused:
        registry.require("other")
    assert (refused.value.where, registry.require("toy")) == ({"field": "flow_type"}, registry.get("toy"))


def test_only_public_functions_are_resolved() -> None:
    handlers = toy_candidate().handlers
    assert [public(handlers, name) for name in ("read_file", "_hidden", "number", "gone")] == [
        read_file,
        None,
        None,
        None,
    ]
