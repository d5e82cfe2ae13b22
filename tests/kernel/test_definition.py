"""Flow types: aliases, and every mistake that stops a registration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import BaseModel

from masterflow.kernel.definition import FlowCapabilities, FlowTypeConfig, RetryConfig, mistakes
from support.toy import PHASE, toy_type


def found_in(config: FlowTypeConfig) -> list[str]:
    """Mistakes of a type in whose folder only the toy's names exist."""
    known = {"read_file", "is_readable", "is_complete"}
    return mistakes(config, handlers=lambda name: name in known or None, validators=lambda name: name in known or None)


def test_a_sound_type_has_no_mistakes() -> None:
    assert found_in(toy_type()) == []


def test_a_phase_is_found_by_name_and_by_alias() -> None:
    config = toy_type()
    assert config.phase("map") is config.phase("mapping") is config.phases[1]
    assert config.phase("unknown") is None
    assert config.phase_names == ["read", "map", "assess"]


PHASE_MISTAKES = [
    ({"handlers": []}, "toy.read: a phase needs at least one handler"),
    ({"handlers": ["read_file", "read_file"]}, "toy.read: handler 'read_file' is listed twice"),
    ({"handlers": ["read_all"]}, "toy.read: unknown handler 'read_all'"),
    ({"validators": ["is_odd"]}, "toy.read: unknown validator 'is_odd'"),
    ({"output_validators": ["is_odd"]}, "toy.read: unknown validator 'is_odd'"),
    ({"required_inputs": ["file", "size"]}, "toy.read: input 'size' is not a field of ToyInputs"),
    ({"optional_inputs": ["size"]}, "toy.read: input 'size' is not a field of ToyInputs"),
    ({"required_inputs": []}, "toy.read: ToyInputs.file is required but not in required_inputs"),
    ({"timeout_seconds": 0}, "toy.read: timeout_seconds is positive"),
    ({"name": "Read It"}, "'Read It': a name begins with a lower case letter and goes on with those, digits and"),
]


@pytest.mark.parametrize(("change", "mistake"), PHASE_MISTAKES)
def test_a_mistake_in_a_phase_is_found(change: dict[str, object], mistake: str) -> None:
    (found,) = found_in(toy_type(replace(PHASE, **change)))
    assert found.startswith(mistake)


RETRY_MISTAKES = [
    ({"max_attempts": 0}, "attempts >= 1"),
    ({"initial_delay_seconds": -1}, "delay >= 0"),
    ({"initial_delay_seconds": float("nan")}, "delay >= 0"),
    ({"backoff_multiplier": 0.5}, "multiplier 1 to 10"),
    ({"backoff_multiplier": 11}, "multiplier 1 to 10"),
    ({"jitter": -0.1}, "jitter"),
    ({"jitter": 1.1}, "jitter"),
    ({"max_delay_seconds": 0.5}, "max_delay_seconds"),
    ({"max_delay_seconds": float("inf")}, "max_delay_seconds"),
]


@pytest.mark.parametrize(("change", "mistake"), RETRY_MISTAKES)
def test_a_mistake_in_the_retries_is_found(change: dict[str, float], mistake: str) -> None:
    found = found_in(toy_type(replace(PHASE, retry_config=replace(RetryConfig(), **change))))
    assert any(text.startswith("toy.read: retry_config:") and mistake in text for text in found)


TYPE_MISTAKES = [
    ({"phases": [], "phase_aliases": {}}, "toy: a flow type needs at least one phase"),
    ({"phases": [PHASE, PHASE], "phase_aliases": {}}, "toy: phase 'read' is listed twice"),
    ({"name": "Toy"}, "'Toy': a name begins with a lower case letter"),
    ({"name": "tóy"}, "'tóy': a name begins with a lower case letter"),
    ({"phase_aliases": {"x": "gone"}}, "toy: alias 'x' points to unknown phase 'gone'"),
    ({"phase_aliases": {"map": "read"}}, "toy: alias 'map' is also a phase"),
    ({"capabilities": FlowCapabilities(max_iterations=0)}, "toy: max_iterations is at least 1"),
]


@pytest.mark.parametrize(("change", "mistake"), TYPE_MISTAKES)
def test_a_mistake_in_a_type_is_found(change: dict[str, object], mistake: str) -> None:
    (found,) = found_in(toy_type(**change))
    assert found.startswith(mistake)


def test_all_mistakes_are_listed_at_once() -> None:
    class Nothing(BaseModel):
        """No field at all."""

    wrong = replace(PHASE, handlers=["a", "b"], validators=["c"], inputs=Nothing, timeout_seconds=-1)
    assert len(found_in(toy_type(wrong, name="Wrong", phase_aliases={"x": "y"}))) == 8


@pytest.mark.parametrize(("asked", "attempts"), [(None, 3), (0, 1), (1, 2), (9, 3)])
def test_retries_are_limited_but_never_extended(asked: int | None, attempts: int) -> None:
    assert RetryConfig(max_attempts=3).limited(asked).max_attempts == attempts
