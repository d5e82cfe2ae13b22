"""What callers may ask for when they create or execute a flow, checked in shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from masterflow.errors import InvalidInput
from masterflow.kernel.definition import PhaseConfig

EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]


class FlowOptions(BaseModel):
    """Options of a flow. `auto_execute` runs phase after phase until one needs a person."""

    model_config = ConfigDict(extra="forbid")
    auto_execute: bool = False
    notification_emails: list[EmailAddress] = Field(default_factory=list, max_length=20)


class CreateFlow(BaseModel):
    """Request to create a flow of any type."""

    model_config = ConfigDict(extra="forbid")
    flow_type: str = Field(max_length=50)
    flow_name: str | None = Field(default=None, max_length=255)
    flow_description: str | None = Field(default=None, max_length=4000)
    flow_tags: list[str] = Field(default_factory=list, max_length=50)
    initial_data: dict[str, Any] = Field(default_factory=dict)
    options: FlowOptions = FlowOptions()


class ExecutionOptions(BaseModel):
    """Options of one execution; None keeps what the phase says. Seconds and counts."""

    model_config = ConfigDict(extra="forbid")
    timeout_seconds: int | None = Field(default=None, ge=1, le=86_400)
    retry_on_failure: bool = True
    max_retries: int | None = Field(default=None, ge=0, le=20)
    validate_inputs: bool = True
    validate_outputs: bool = True


class ExecuteFlow(BaseModel):
    """Request to execute the next phase, or the named one."""

    model_config = ConfigDict(extra="forbid")
    phase_name: str | None = Field(default=None, max_length=50)
    inputs: dict[str, Any] = Field(default_factory=dict)
    options: ExecutionOptions = ExecutionOptions()


def phase_inputs(phase: PhaseConfig, given: Mapping[str, Any], initial_data: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a run: what was given, completed from the flow's initial data.

    Raises:
        InvalidInput: with a pointer to each field that is missing, unknown or wrong.
    """
    known = {name: initial_data[name] for name in phase.inputs.model_fields if name in initial_data}
    merged = {**known, **{name: value for name, value in given.items() if name != "approval"}}
    try:
        phase.inputs.model_validate(merged)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        places = {"/".join(("inputs", *map(str, item["loc"]))): item["msg"] for item in found}
        raise InvalidInput(
            f"the inputs of phase '{phase.name}' are not valid: "
            + "; ".join(f"{place}: {text}" for place, text in places.items()),
            where={"phase": phase.name, "fields": list(places)},
            next_step=f"Required: {', '.join(phase.required_inputs) or 'none'}; optional: "
            f"{', '.join(phase.optional_inputs) or 'none'}.",
        ) from error
    return merged
