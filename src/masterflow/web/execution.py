"""Routes of a flow's moves: execute, approve, reject, skip, cancel, pause, resume, iterate, restore."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Response
from fastapi.responses import JSONResponse

from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.requests import ExecuteFlow
from masterflow.orchestrator.transaction import Answered, Commands
from masterflow.orchestrator.views import Accepted, PhaseResult
from masterflow.web import examples
from masterflow.web.answers import Responses, accepted, plain, problems, respond
from masterflow.web.deps import AnyCommand, Command, RepeatableCommand, Version, Wait
from masterflow.web.schemas import AcceptedBody, NoteBody, ReasonBody, RejectBody

router = APIRouter(prefix="/flows/{flow_id}", tags=["execution"])
_DISPATCHED: Responses = {
    202: {
        "description": "A run was dispatched; `Location` names it.",
        "model": AcceptedBody,
        "content": {"application/json": {"example": examples.ACCEPTED}},
        "headers": {
            "Location": {"description": "Address of the run.", "schema": {"type": "string"}},
            "Retry-After": {"description": "Seconds until asking makes sense.", "schema": {"type": "string"}},
        },
    }
}
_MOVE = {**_DISPATCHED, **problems(404, 409, 412)}
_WAITED: Responses = {
    200: {
        "description": "The result, with `Prefer: wait=N`; or the flow, when no run was dispatched.",
        "model": PhaseResult | AcceptedBody,
        "content": {"application/json": {"example": examples.RESULT}},
    }
}
Verb = Callable[[MasterFlowOrchestrator], Awaitable[Accepted]]


@router.post("/execute", status_code=202, responses={**_WAITED, **_MOVE})
async def execute_phase(
    command: RepeatableCommand,
    flow_id: UUID,
    version: Version,
    wait: Wait,
    body: Annotated[ExecuteFlow | None, Body(openapi_examples=examples.EXECUTE)] = None,
) -> Response:
    """Execute the next phase, or the named one when it is the next.

    Input `approval: true` accepts a result that waits for review.
    """
    request = body or ExecuteFlow()
    answered = await _moved(
        command, "flow:execute", lambda flows: flows.execute_phase(command.scope, flow_id, request, version)
    )
    if wait and not command.dry_run and answered.body["run_id"]:
        finished = await _result(command, flow_id, UUID(answered.body["run_id"]), wait)
        if finished is not None:
            return _with_result(answered, finished, wait)
    return respond(answered, dry_run=command.dry_run)


@router.post("/approve", response_model=AcceptedBody, responses=_MOVE)
async def approve_phase(command: AnyCommand, flow_id: UUID, version: Version, body: NoteBody | None = None) -> Response:
    """Release a gated phase, or accept the result of a reviewed one."""
    note = (body or NoteBody()).note
    return await _move(command, "flow:approve", lambda flows: flows.approve(command.scope, flow_id, note, version))


@router.post("/reject", response_model=AcceptedBody, responses=_MOVE)
async def reject_phase(command: AnyCommand, flow_id: UUID, version: Version, body: RejectBody) -> Response:
    """Refuse a gated phase, or the result of a reviewed one."""
    reason = body.reason
    return await _move(command, "flow:approve", lambda flows: flows.reject(command.scope, flow_id, reason, version))


@router.post("/skip", response_model=AcceptedBody, responses=_MOVE)
async def skip_phase(command: AnyCommand, flow_id: UUID, version: Version, body: ReasonBody | None = None) -> Response:
    """Count the next phase as completed without running it, where its type allows that."""
    reason = (body or ReasonBody()).reason
    return await _move(command, "flow:skip", lambda flows: flows.skip(command.scope, flow_id, reason, version))


@router.post("/cancel", response_model=AcceptedBody, responses=_MOVE)
async def cancel_flow(command: AnyCommand, flow_id: UUID, version: Version, body: ReasonBody | None = None) -> Response:
    """End a flow; what a running phase wrote is reverted."""
    reason = (body or ReasonBody()).reason
    return await _move(command, "flow:cancel", lambda flows: flows.cancel(command.scope, flow_id, reason, version))


@router.post("/pause", response_model=AcceptedBody, responses=_MOVE)
async def pause_flow(command: AnyCommand, flow_id: UUID, version: Version) -> Response:
    """Stop a flow that is not running from going on."""
    return await _move(command, "flow:pause", lambda flows: flows.pause(command.scope, flow_id, version))


@router.post("/resume", response_model=AcceptedBody, responses=_MOVE)
async def resume_flow(command: AnyCommand, flow_id: UUID, version: Version) -> Response:
    """Put a paused flow back where it was."""
    return await _move(command, "flow:resume", lambda flows: flows.resume(command.scope, flow_id, version))


@router.post("/iterate", response_model=AcceptedBody, responses=_MOVE)
async def iterate_flow(command: AnyCommand, flow_id: UUID, version: Version) -> Response:
    """Begin the phases anew with the next iteration number."""
    return await _move(command, "flow:iterate", lambda flows: flows.iterate(command.scope, flow_id, version))


@router.post("/restore", response_model=AcceptedBody, responses=_MOVE)
async def restore_flow(command: AnyCommand, flow_id: UUID, version: Version) -> Response:
    """Bring a deleted flow back to the status it had."""
    return await _move(command, "flow:restore", lambda flows: flows.restore(command.scope, flow_id, version))


async def _move(command: Command, permission: str, verb: Verb) -> Response:
    return respond(await _moved(command, permission, verb), dry_run=command.dry_run)


async def _moved(command: Command, permission: str, verb: Verb) -> Answered:
    async def action(commands: Commands) -> Answered:
        return accepted(await verb(commands.orchestrator))

    return await command.run(permission, action)


async def _result(command: Command, flow_id: UUID, run_id: UUID, seconds: int) -> PhaseResult | None:
    """The result of a run when it ends in time; None otherwise, or when the caller may not read it."""
    scope, services = command.scope, command.services
    if not {"event:read", "flow:read"} <= scope.permissions:
        return None
    if not await services.feed.wait_for_run(scope, flow_id, run_id, seconds):
        return None
    return await services.queries.phase_result(scope, flow_id, run_id)


def _with_result(answered: Answered, result: PhaseResult, wait: int) -> Response:
    headers = {"Preference-Applied": f"wait={wait}"}
    if answered.replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(plain(result), headers=headers)
