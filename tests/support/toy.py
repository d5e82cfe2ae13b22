"""A small flow type made of values, for tests that need no database."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from pydantic import BaseModel

from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig
from masterflow.kernel.registry import Candidate


class ToyInputs(BaseModel):
    """One required and one optional input."""

    file: str
    note: str = ""


class ToyOutput(BaseModel):
    """Nothing."""


PHASE = PhaseConfig(
    name="read",
    display_name="Read",
    description="Reads.",
    handlers=["read_file"],
    inputs=ToyInputs,
    required_inputs=["file"],
    optional_inputs=["note"],
    validators=["is_readable"],
    output_validators=["is_complete"],
)


def toy_type(*phases: PhaseConfig, **given: object) -> FlowTypeConfig:
    """A flow type; without phases it has three: read, map (alias "mapping"), assess."""
    made = list(phases) or [PHASE, replace(PHASE, name="map"), replace(PHASE, name="assess")]
    aliases = {} if phases else {"mapping": "map"}
    base = FlowTypeConfig("toy", "Toy", "A toy.", made, ToyOutput, phase_aliases=aliases)
    return replace(base, **given)


def read_file() -> str:
    """A handler."""
    return "read"


def is_readable() -> list[str]:
    """A validator."""
    return []


def toy_candidate(config: FlowTypeConfig | None = None) -> Candidate:
    """A flow type with the modules in which its names are found."""
    handlers, validators = ModuleType("handlers"), ModuleType("validators")
    handlers.__dict__.update(read_file=read_file, _hidden=read_file, number=7)
    validators.__dict__.update(is_readable=is_readable, is_complete=is_readable)
    return Candidate(config or toy_type(), handlers, validators)
