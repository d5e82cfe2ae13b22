"""The flow type that `masterflow bench` measures with: one phase, one step, no work."""

from __future__ import annotations

import sys

from pydantic import BaseModel

from masterflow import app
from masterflow.context import PhaseContext
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig
from masterflow.kernel.outcome import Completed, Outcome
from masterflow.kernel.registry import Candidate, FlowTypeRegistry

NAME = "bench_nothing"


class Nothing(BaseModel):
    """No inputs and no outputs."""


async def do_nothing(context: PhaseContext, inputs: Nothing) -> Outcome:
    """A step without effects."""
    return Completed()


FLOW = FlowTypeConfig(
    name=NAME,
    display_name="Nothing",
    description="A phase without work, to measure what surrounds it",
    output_schema=Nothing,
    phases=[PhaseConfig("nothing", "Nothing", "No work", ["do_nothing"], Nothing)],
)


def registry_with_nothing() -> FlowTypeRegistry:
    """The product's flow types and this one."""
    module = sys.modules[__name__]
    registry = app.registry_of_types()
    registry.register_all([Candidate(FLOW, module, module)])
    return registry
