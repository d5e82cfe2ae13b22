"""Steps, checks and what is left of a phase, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from masterflow.context import PhaseContext
from masterflow.domain.records import Issue, Place
from masterflow.engine.attempt import Plan, Progress, Step, run_attempt
from masterflow.errors import NotFound
from masterflow.kernel.outcome import Completed, Effects, NeedsInput, Outcome
from masterflow.kernel.permission import Scope
from support.engine import Number, Toy, named, phase, registry_of, says, toy, writes


class Records:
    """Remembers what would be written; `broken` makes the write fail."""

    def __init__(self, *, broken: bool = False) -> None:
        self.written: list[tuple[str, list[str]]] = []
        self.broken = broken

    async def __call__(self, step: Step, effects: Effects, unrecorded: Sequence[Step], /) -> None:
        if self.broken:
            raise ConnectionError
        self.written.append((step.handler, [earlier.handler for earlier in unrecorded]))


def _context() -> PhaseContext:
    async def compute(function: Any, /, *arguments: Any, **named_ones: Any) -> Any:
        return function(*arguments, **named_ones)

    return PhaseContext(
        scope=Scope(uuid4(), uuid4(), "ada"),
        flow_id=uuid4(),
        run_id=uuid4(),
        phase="one",
        iteration=1,
        attempt=1,
        now=datetime(2026, 11, 20, tzinfo=UTC),
        configuration={},
        initial_data={},
        outputs={},
        steps={},
        read=SimpleNamespace,
        compute=compute,
        new_id=uuid4,
    )


async def _run(
    made: Toy, *, inputs: Any = None, progress: Progress | None = None, write: Records | None = None, **plan: bool
) -> tuple[bool, Progress]:
    flow_type = registry_of(toy(made)).get("toy")
    progress = progress or Progress()
    complete = await run_attempt(
        Plan(flow_type, flow_type.config.phases[0], **plan),
        _context(),
        inputs=inputs or {},
        progress=progress,
        write=write or Records(),
    )
    return complete, progress


def _check(name: str, *severities: str) -> Any:
    async def check(context: PhaseContext, subject: object) -> list[Issue]:
        return [Issue(name, severity, f"{name} {severity}", Place()) for severity in severities]

    return named(name, check)


async def test_steps_run_in_order_and_see_the_ones_before() -> None:
    seen: list[dict[str, Any]] = []

    async def last(context: PhaseContext, inputs: BaseModel) -> Outcome:
        seen.append(dict(context.steps))
        return Completed({"b": 3})

    complete, progress = await _run(phase("one", says("first", a=1), says("second", b=2), last))
    assert (complete, seen) == (True, [{"first": {"a": 1}, "second": {"b": 2}}])
    assert progress.outputs() == {"a": 1, "b": 3}


async def test_steps_without_effects_go_along_with_the_next_write() -> None:
    write = Records()
    _, progress = await _run(phase("one", says("a"), writes("b"), says("c"), writes("d"), says("e")), write=write)
    assert write.written == [("b", ["a"]), ("d", ["c"])]
    assert ([step.handler for step in progress.unrecorded], progress.wrote) == (["e"], True)


async def test_an_attempt_goes_on_after_the_last_recorded_step() -> None:
    progress = Progress(steps=[Step(1, "a", {"x": 1})], wrote=True)
    write = Records()
    complete, progress = await _run(phase("one", writes("a"), writes("b")), progress=progress, write=write)
    assert (complete, write.written, progress.outputs()) == (True, [("b", [])], {"x": 1, "b": "written"})


async def test_a_gap_among_the_recorded_steps_is_filled() -> None:
    progress = Progress(steps=[Step(2, "b", {})])
    _, progress = await _run(phase("one", says("a"), says("b")), progress=progress)
    assert sorted(step.number for step in progress.steps) == [1, 2]


@pytest.mark.parametrize("recorded", [Step(1, "b", {}), Step(3, "a", {})], ids=["other order", "fewer steps"])
async def test_recorded_steps_of_another_definition_are_refused(recorded: Step) -> None:
    with pytest.raises(NotFound, match=f"step {recorded.number}"):
        await _run(phase("one", says("a"), says("b")), progress=Progress(steps=[recorded]))


async def test_a_write_that_fails_may_have_been_committed() -> None:
    progress = Progress()
    with pytest.raises(ConnectionError):
        await _run(phase("one", says("a"), writes("b")), progress=progress, write=Records(broken=True))
    assert (progress.wrote, [step.handler for step in progress.unrecorded]) == (True, ["a"])


async def test_a_step_that_needs_input_ends_the_attempt() -> None:
    async def asks(context: PhaseContext, inputs: BaseModel) -> Outcome:
        return NeedsInput("which one?", (Issue("choose", "error", "two fit", Place()),))

    complete, progress = await _run(phase("one", says("a"), asks, says("c")))
    assert (complete, progress.message, len(progress.steps)) == (False, "which one?", 1)
    assert [issue.code for issue in progress.issues] == ["choose"]


async def test_wrong_inputs_are_told_with_their_place_and_without_their_value() -> None:
    made = phase("one", says("a"), inputs=Number, required_inputs=["number"])
    complete, progress = await _run(made, inputs={"number": "s3cret"})
    assert (complete, progress.steps) == (False, [])
    assert progress.issues[0].message.startswith("number: ")
    assert "s3cret" not in progress.issues[0].message


@pytest.mark.parametrize(
    ("severities", "complete"), [(["error"], False), (["warning"], True), (["warning", "error"], False), ([], True)]
)
async def test_only_errors_of_an_input_validator_stop_the_phase(severities: list[str], complete: bool) -> None:
    found, progress = await _run(phase("one", says("a"), validators=[_check("check", *severities)]))
    assert (found, len(progress.issues), bool(progress.steps)) == (complete, len(severities), complete)
    assert progress.message == ("" if complete else "check error")


async def test_output_validators_see_the_merged_outputs() -> None:
    seen: list[object] = []

    async def check(context: PhaseContext, outputs: object) -> list[Issue]:
        seen.append(outputs)
        return []

    await _run(phase("one", says("a", x=1), says("b", y=2), output_validators=[check]))
    assert seen == [{"x": 1, "y": 2}]


async def test_an_error_of_an_output_validator_ends_the_attempt_after_its_steps() -> None:
    complete, progress = await _run(phase("one", says("a"), output_validators=[_check("check", "error")]))
    assert (complete, len(progress.steps)) == (False, 1)


async def test_validators_can_be_switched_off() -> None:
    made = phase("one", says("a"), validators=[_check("x", "error")], output_validators=[_check("y", "error")])
    complete, progress = await _run(made, validate_inputs=False, validate_outputs=False)
    assert (complete, progress.issues) == (True, [])


async def test_a_run_that_goes_on_does_not_validate_its_inputs_again() -> None:
    made = phase("one", says("a"), says("b"), validators=[_check("x", "error")])
    complete, _ = await _run(made, progress=Progress(steps=[Step(1, "a", {})]))
    assert complete is True


async def test_the_reasons_for_a_review_are_those_of_all_steps() -> None:
    progress = Progress(steps=[Step(1, "a", {}, "earlier")])
    _, progress = await _run(phase("one", says("a"), writes("b", needs_review="now"), says("c")), progress=progress)
    assert progress.needs_review == ["earlier", "now"]


async def test_an_error_of_a_handler_passes_through() -> None:
    async def breaks(context: PhaseContext, inputs: BaseModel) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await _run(phase("one", breaks))
