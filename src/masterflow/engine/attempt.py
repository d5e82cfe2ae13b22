"""One attempt of a phase run: checks, steps and their result; knows nothing of the queue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from masterflow.context import PhaseContext
from masterflow.domain.records import Issue, Place
from masterflow.errors import NotFound
from masterflow.kernel.definition import PhaseConfig
from masterflow.kernel.outcome import Effects, NeedsInput
from masterflow.kernel.registry import FlowType


@dataclass(frozen=True, slots=True)
class Step:
    """A finished handler: position counted from 1, name, outputs, and why a person has to accept them."""

    number: int
    handler: str
    outputs: Mapping[str, Any]
    needs_review: str = ""

    def document(self) -> dict[str, Any]:
        """As stored with the run."""
        return {"outputs": self.outputs, "needs_review": self.needs_review}


@dataclass(slots=True)
class Progress:
    """What an attempt has done so far.

    `unrecorded` are finished steps without effects: they are recorded together with the next write or
    with the finish. `wrote` says whether a step of the run, of this attempt or an earlier one, may have been
    recorded in the database: it is set before a write, because a commit that is cut off may have happened.
    """

    steps: list[Step] = field(default_factory=list)
    unrecorded: list[Step] = field(default_factory=list)
    wrote: bool = False
    issues: list[Issue] = field(default_factory=list)
    message: str = ""

    @property
    def needs_review(self) -> list[str]:
        """The reasons of all steps, those of earlier attempts included."""
        return [step.needs_review for step in self.steps if step.needs_review]

    def outputs(self) -> dict[str, Any]:
        """Outputs of all steps merged in order."""
        merged: dict[str, Any] = {}
        for step in self.steps:
            merged.update(step.outputs)
        return merged


@dataclass(frozen=True, slots=True)
class Plan:
    """What an attempt runs: a phase of a flow type, with or without its checks."""

    flow_type: FlowType
    phase: PhaseConfig
    validate_inputs: bool = True
    validate_outputs: bool = True


class WriteStep(Protocol):
    """Runs a step's effects and records it, with what was unrecorded, in one fenced transaction."""

    def __call__(self, step: Step, effects: Effects, unrecorded: Sequence[Step], /) -> Awaitable[None]: ...


async def run_attempt(
    plan: Plan, context: PhaseContext, *, inputs: Mapping[str, Any], progress: Progress, write: WriteStep
) -> bool:
    """Run what is left of a phase into `progress`; False when a person has to supply something.

    Errors of handlers pass through.
    """
    flow_type, phase = plan.flow_type, plan.phase
    _check_recorded(phase, progress.steps)
    model = _parse(phase, inputs, progress)
    if model is None:
        return False
    first = plan.validate_inputs and not progress.steps
    if first and not await _validate(flow_type, phase.validators, context, model, progress):
        return False
    recorded = {step.number for step in progress.steps}
    for number, (name, handler) in enumerate(flow_type.handlers_of(phase), 1):
        if number in recorded:
            continue
        seen = replace(context, steps={step.handler: step.outputs for step in progress.steps})
        outcome = await handler(seen, model)
        if isinstance(outcome, NeedsInput):
            progress.message = outcome.message
            progress.issues += outcome.issues
            return False
        await _keep(Step(number, name, outcome.outputs, outcome.needs_review), outcome.effects, progress, write)
    if not plan.validate_outputs:
        return True
    return await _validate(flow_type, phase.output_validators, context, progress.outputs(), progress)


async def _keep(step: Step, effects: Effects | None, progress: Progress, write: WriteStep) -> None:
    if effects is None:
        progress.unrecorded.append(step)
    else:
        progress.wrote = True
        await write(step, effects, tuple(progress.unrecorded))
        progress.unrecorded.clear()
    progress.steps.append(step)


def _check_recorded(phase: PhaseConfig, steps: Sequence[Step]) -> None:
    """Refuse to go on after steps that the phase does not have any more, or has in another order."""
    for step in steps:
        if step.handler not in phase.handlers[step.number - 1 : step.number]:
            raise NotFound(
                f"step {step.number} of the run was '{step.handler}', which the phase has no more",
                where={"phase": phase.name},
                next_step="Execute the phase again.",
            )


def _parse(phase: PhaseConfig, inputs: Mapping[str, Any], progress: Progress) -> BaseModel | None:
    try:
        return phase.inputs.model_validate(dict(inputs))
    except ValidationError as error:
        progress.message = "the inputs of the phase are not complete or not valid"
        progress.issues += [
            Issue("invalid_input", "error", f"{'/'.join(map(str, found['loc']))}: {found['msg']}", Place())
            for found in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        return None


async def _validate(
    flow_type: FlowType, names: Sequence[str], context: PhaseContext, subject: object, progress: Progress
) -> bool:
    before = len(progress.issues)
    for name in names:
        check: Callable[..., Awaitable[Sequence[Issue]]] = flow_type.validators[name]
        progress.issues += await check(context, subject)
    errors = [issue for issue in progress.issues[before:] if issue.severity == "error"]
    if errors:
        progress.message = errors[0].message
    return not errors
