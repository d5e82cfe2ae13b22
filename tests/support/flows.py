"""A small flow type for tests: each phase shows one thing that flows can do."""

from __future__ import annotations

from types import ModuleType

from pydantic import BaseModel, ConfigDict, Field

from masterflow.context import PhaseContext
from masterflow.errors import Conflict
from masterflow.kernel.definition import FlowCapabilities, FlowTypeConfig, PhaseConfig, RetryConfig
from masterflow.kernel.outcome import Completed, NeedsInput, Outcome
from masterflow.kernel.registry import Candidate, FlowTypeRegistry

_ONCE = RetryConfig(max_attempts=1)


class Names(BaseModel):
    """Inputs of the first phase."""

    model_config = ConfigDict(extra="forbid")
    names: list[str] = Field(max_length=10)
    api_token: str | None = None
    broken: bool = False


class Nothing(BaseModel):
    """A phase without inputs."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """What the flow hands on."""

    gather: dict[str, int] = Field(default_factory=dict)


async def gather(context: PhaseContext, inputs: Names) -> Outcome:
    """Count the names; asks for some when there are none and fails when told to."""
    if inputs.broken:
        raise Conflict("told to fail")
    if not inputs.names:
        return NeedsInput("at least one name is needed")
    return Completed({"count": len(inputs.names), "client_secret": "s3cret-value"})


async def check(context: PhaseContext, inputs: Nothing) -> Outcome:
    """Say what the first phase counted."""
    return Completed({"checked": context.outputs["gather"]["count"]})


async def done(context: PhaseContext, inputs: Nothing) -> Outcome:
    """Do nothing."""
    return Completed({"phase": context.phase})


def _module(**functions: object) -> ModuleType:
    made = ModuleType("toy")
    vars(made).update(functions)
    return made


def _phase(name: str, handler: str, inputs: type[BaseModel] = Nothing, **more: object) -> PhaseConfig:
    title = name.capitalize()
    return PhaseConfig(name, title, f"{title} phase", [handler], inputs, retry_config=_ONCE, **more)


TOY = FlowTypeConfig(
    name="toy",
    display_name="Toy",
    description="A flow for tests",
    output_schema=Output,
    capabilities=FlowCapabilities(max_iterations=2),
    phases=[
        _phase("gather", "gather", Names, required_inputs=["names"], optional_inputs=["api_token", "broken"]),
        _phase("check", "check", approval="review"),
        _phase("release", "done", approval="gate"),
        _phase("tidy", "done", can_skip=True),
    ],
)
RIGID = FlowTypeConfig(
    name="rigid",
    display_name="Rigid",
    description="A flow that can neither pause nor iterate",
    output_schema=Output,
    capabilities=FlowCapabilities(supports_pause_resume=False, supports_iterations=False),
    phases=[_phase("only", "done")],
)


def toy_registry(*others: Candidate) -> FlowTypeRegistry:
    """A registry with the toy types and `others`."""
    handlers = _module(gather=gather, check=check, done=done)
    registry = FlowTypeRegistry()
    registry.register_all([*(Candidate(config, handlers, _module()) for config in (TOY, RIGID)), *others])
    return registry
