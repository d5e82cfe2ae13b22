"""MasterFlowOrchestrator: the verbs of a flow's life, one method each."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from masterflow.engine.endings import Settled, after_acceptance, next_run
from masterflow.errors import Conflict, InvalidInput, NotFound, NotPermitted
from masterflow.kernel.decisions import next_phase, phase_to_run, progress
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig
from masterflow.kernel.permission import Scope
from masterflow.kernel.status import Action, FlowStatus, check_move
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.guard import guarded, requires
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow, phase_inputs
from masterflow.orchestrator.showing import flow_view
from masterflow.orchestrator.views import Accepted, FlowView
from masterflow.store.database import driver_rows
from masterflow.store.tables.flow import MasterFlow
from masterflow.store.transitions import Move, Transitions


@guarded
class MasterFlowOrchestrator:
    """Central service for all flow types. Each method is one transaction and answers the flow after it.

    `version`: when given, the move happens only if the flow is still at that version (StaleVersion
    otherwise). An unknown flow, or one of another tenant, is NotFound.
    """

    def __init__(self, access: Access) -> None:
        self.audits = access
        self._access = access
        self._transitions = Transitions(access.database.call)

    @requires("flow:create")
    async def create_flow(self, scope: Scope, request: CreateFlow) -> FlowView:
        """Create a flow; with `auto_execute` its first phase is dispatched in the same transaction."""
        config = self._access.registry.require(request.flow_type).config
        flow_id, first = self._access.new_id(), config.phases[0]
        options = request.options.model_dump()
        flow = {
            "flow_id": str(flow_id),
            "flow_type": config.name,
            "flow_version": config.version,
            "flow_name": request.flow_name or config.display_name,
            "flow_description": request.flow_description,
            "flow_tags": request.flow_tags,
            "flow_configuration": options,
            "current_phase": first.name,
        }
        state = self._access.state.seal(scope, flow_id, {"initial_data": request.initial_data, "phases": {}})
        run = next_run(first, options, request.initial_data)
        if run is not None and "flow:execute" in scope.permissions:
            phase_inputs(first, run["inputs"], {})
        async with self._access.database.write(scope) as session:
            transitions = Transitions(partial(driver_rows, session))
            row = MasterFlow(**await transitions.create(scope, flow, state))
            if run is not None and "flow:execute" in scope.permissions:
                inputs = self._access.state.seal(scope, flow_id, run.pop("inputs"))
                run["permissions"] = sorted(scope.permissions)
                await transitions.execute(scope, flow_id=flow_id, version=row.version, run=run, inputs=inputs)
        return flow_view(self._access.registry, row, permissions=scope.permissions, initial_data=request.initial_data)

    @requires("flow:execute")
    async def execute_phase(
        self, scope: Scope, flow_id: UUID, request: ExecuteFlow, version: int | None = None
    ) -> Accepted:
        """Dispatch the next phase, or the named one when it is the next.

        Input `approval: true` accepts: a waiting review as it is, or, with other inputs, the result of
        running the phase again with them.
        """
        row, config, state = await self._load(scope, flow_id)
        accepts = request.inputs.get("approval") is True
        if accepts and "flow:approve" not in scope.permissions:
            await self._access.record_denied(scope, action="approve", permission="flow:approve")
            raise NotPermitted(
                "accepting a phase needs the permission flow:approve",
                where={"permission": "flow:approve"},
                next_step="Execute without `approval`, or ask somebody who may approve.",
            )
        others = [name for name in request.inputs if name != "approval"]
        if row.flow_status == FlowStatus.WAITING_FOR_APPROVAL and accepts and not others:
            return await self._approve(scope, row, config, state, version=version, note="")
        waiting = row.flow_status == FlowStatus.WAITING_FOR_APPROVAL and accepts
        status = FlowStatus.WAITING_FOR_INPUT if waiting else FlowStatus(row.flow_status)
        check_move(status, Action.EXECUTE, FlowStatus.QUEUED)
        phase = phase_to_run(
            config,
            requested=request.phase_name,
            completed=row.phases_completed,
            current=row.current_phase,
            status=status,
        )
        inputs = phase_inputs(phase, request.inputs, state.get("initial_data", {}))
        run = _run_document(phase, scope, {**request.options.model_dump(), "accepted": accepts})
        sealed = self._access.state.seal(scope, flow_id, inputs)
        if waiting:
            return await self._run_again(scope, row, run, sealed, version)
        moved = await self._transitions.execute(
            scope, flow_id=flow_id, version=row.version if version is None else version, run=run, inputs=sealed
        )
        return self._accepted(scope, moved, state)

    @requires("flow:approve")
    async def approve(self, scope: Scope, flow_id: UUID, note: str = "", version: int | None = None) -> Accepted:
        """Release a gated phase, or accept the result of a reviewed one."""
        row, config, state = await self._load(scope, flow_id)
        return await self._approve(scope, row, config, state, version=version, note=note)

    @requires("flow:approve")
    async def reject(self, scope: Scope, flow_id: UUID, reason: str, version: int | None = None) -> Accepted:
        """Refuse a gated phase (the flow is ready again) or a result (the phase needs other input)."""
        if not reason.strip():
            raise InvalidInput("a rejection needs a reason", where={"field": "reason"})
        row, _, _ = await self._load(scope, flow_id)
        gate = row.waiting_for.get("for") == "gate"
        target = FlowStatus.READY if gate else FlowStatus.WAITING_FOR_INPUT
        waiting = {} if gate else {"for": "input", "code": "rejected", "message": reason, "issues": []}
        patch = {
            "event": "phase_rejected",
            "run_status": "cancelled" if gate else "superseded",
            "waiting_for": waiting,
            "details": {"reason": reason},
        }
        return await self._move(scope, row, Move(Action.REJECT, target, patch), version)

    @requires("flow:skip")
    async def skip(self, scope: Scope, flow_id: UUID, reason: str = "", version: int | None = None) -> Accepted:
        """Count the next phase as completed without running it, where its type allows that."""
        row, config, _ = await self._load(scope, flow_id)
        phase = next_phase(config, row.phases_completed)
        if phase is None or not phase.can_skip:
            raise Conflict(
                f"phase '{phase.name if phase else row.current_phase}' cannot be skipped",
                next_step="Execute it.",
            )
        done = [*row.phases_completed, phase.name]
        following = next_phase(config, done)
        target = FlowStatus.READY if following else FlowStatus.COMPLETED
        patch = {
            "event": "phase_skipped",
            "phases_completed": done,
            "progress": progress(config, done),
            "current_phase": following.name if following else phase.name,
            "details": {"phase": phase.name, "reason": reason},
        }
        return await self._move(scope, row, Move(Action.SKIP, target, patch), version)

    @requires("flow:cancel")
    async def cancel(self, scope: Scope, flow_id: UUID, reason: str = "", version: int | None = None) -> Accepted:
        """End a flow. A running phase writes nothing more; what it wrote is reverted."""
        row, _, _ = await self._load(scope, flow_id)
        live = row.flow_status in (FlowStatus.QUEUED, FlowStatus.RUNNING)
        patch: dict[str, Any] = {"event": "flow_cancelled", "details": {"reason": reason}, "revert": live}
        if live or row.waiting_for.get("for") == "gate":
            patch["run_status"] = "cancelled"
        return await self._move(scope, row, Move(Action.CANCEL, FlowStatus.CANCELLED, patch), version)

    @requires("flow:pause")
    async def pause(self, scope: Scope, flow_id: UUID, version: int | None = None) -> Accepted:
        """Stop a flow that is not running from going on; `resume` puts it back where it was."""
        row, config, _ = await self._load(scope, flow_id)
        phase = config.phase(row.current_phase or "")
        if not config.capabilities.supports_pause_resume or (phase is not None and not phase.can_pause):
            raise Conflict("this flow cannot be paused here", where={"phase": row.current_phase})
        patch = {"event": "flow_paused", "status_before": _before(row)}
        return await self._move(scope, row, Move(Action.PAUSE, FlowStatus.PAUSED, patch), version)

    @requires("flow:resume")
    async def resume(self, scope: Scope, flow_id: UUID, version: int | None = None) -> Accepted:
        """Put a paused flow back where it was; a queued phase is dispatched again."""
        return await self._put_back(scope, flow_id, Action.RESUME, "flow_resumed", version)

    @requires("flow:iterate")
    async def iterate(self, scope: Scope, flow_id: UUID, version: int | None = None) -> Accepted:
        """Begin the phases anew with the next iteration number; earlier results stay."""
        row, config, _ = await self._load(scope, flow_id)
        most = config.capabilities.max_iterations
        if not config.capabilities.supports_iterations or row.iteration_number >= most:
            raise Conflict(
                f"flow type {config.name} allows {most} iterations", where={"iteration": row.iteration_number}
            )
        patch = {
            "event": "iteration_started",
            "iteration": row.iteration_number + 1,
            "phases_completed": [],
            "progress": 0,
            "current_phase": config.phases[0].name,
        }
        return await self._move(scope, row, Move(Action.ITERATE, FlowStatus.READY, patch), version)

    @requires("flow:delete")
    async def delete_flow(self, scope: Scope, flow_id: UUID, reason: str = "", version: int | None = None) -> Accepted:
        """Hide a flow that is at rest; its rows stay and `restore` brings it back."""
        row, _, _ = await self._load(scope, flow_id)
        metadata = {"deleted_by": scope.actor, "reason": reason, "status": row.flow_status}
        patch = {"event": "flow_deleted", "status_before": _before(row), "deletion_metadata": metadata}
        return await self._move(scope, row, Move(Action.DELETE, FlowStatus.DELETED, patch), version)

    @requires("flow:restore")
    async def restore(self, scope: Scope, flow_id: UUID, version: int | None = None) -> Accepted:
        """Bring a deleted flow back to the status it had."""
        return await self._put_back(scope, flow_id, Action.RESTORE, "flow_restored", version)

    async def _approve(
        self, scope: Scope, row: MasterFlow, config: FlowTypeConfig, state: Mapping[str, Any], **options: Any
    ) -> Accepted:
        version, details = options["version"], {"note": options["note"]}
        if row.flow_status == FlowStatus.WAITING_FOR_APPROVAL and row.waiting_for.get("for") == "gate":
            patch = {"event": "phase_released", "run_status": "queued", "details": details}
            return await self._move(scope, row, Move(Action.APPROVE, FlowStatus.QUEUED, patch), version)
        check_move(FlowStatus(row.flow_status), Action.APPROVE, FlowStatus.READY)
        settled = Settled(row.phases_completed, row.flow_configuration, state.get("initial_data", {}))
        accepted = after_acceptance(config, [*row.phases_completed, row.current_phase or ""], settled)
        following = accepted.get("next")
        if following is not None:
            sealed = self._access.state.seal(scope, row.flow_id, following.pop("inputs"))
            following |= {
                "inputs": base64.b64encode(sealed).decode(),
                "permissions": sorted(scope.permissions),
            }
        patch = {
            "event": "phase_accepted",
            "phases_completed": accepted["phases_completed"],
            "progress": accepted["progress"],
            "details": details,
        }
        move = Move(Action.APPROVE, FlowStatus(accepted["to"]), patch, following)
        return await self._move(scope, row, move, version)

    async def _run_again(
        self, scope: Scope, row: MasterFlow, run: dict[str, Any], sealed: bytes, version: int | None
    ) -> Accepted:
        """Replace a result that waits for its review by a new run of the same phase."""
        patch = {"event": "phase_repeated", "run_status": "superseded"}
        run = {**run, "inputs": base64.b64encode(sealed).decode()}
        move = Move(Action.REJECT, FlowStatus.WAITING_FOR_INPUT, patch, run)
        return await self._move(scope, row, move, version)

    async def _put_back(self, scope: Scope, flow_id: UUID, action: Action, event: str, version: int | None) -> Accepted:
        row, _, _ = await self._load(scope, flow_id)
        before = row.status_before or {}
        target = FlowStatus(before.get("status", FlowStatus.READY))
        patch = {
            "event": event,
            "waiting_for": before.get("waiting_for", {}),
            "status_before": before.get("status_before"),
        }
        return await self._move(scope, row, Move(action, target, patch), version)

    async def _move(self, scope: Scope, row: MasterFlow, move: Move, version: int | None) -> Accepted:
        check_move(FlowStatus(row.flow_status), move.action, move.to)
        expected = row.version if version is None else version
        moved = await self._transitions.move(scope, flow_id=row.flow_id, version=expected, move=move)
        return self._accepted(scope, moved, self._access.state.open(scope, row.flow_id, moved.flow_state))

    async def _load(self, scope: Scope, flow_id: UUID) -> tuple[MasterFlow, FlowTypeConfig, dict[str, Any]]:
        row = await self._transitions.read(scope, flow_id)
        if row is None:
            raise NotFound("there is no such flow", where={"flow_id": str(flow_id)})
        config = self._access.registry.get(row.flow_type).config
        return row, config, self._access.state.open(scope, flow_id, row.flow_state)

    def _accepted(self, scope: Scope, row: MasterFlow, state: Mapping[str, Any]) -> Accepted:
        view = flow_view(
            self._access.registry, row, permissions=scope.permissions, initial_data=state.get("initial_data", {})
        )
        return Accepted(view, row.run_id)


def _before(row: MasterFlow) -> dict[str, Any]:
    """What `resume` and `restore` put back; a paused flow that is deleted keeps what it was paused in."""
    return {"status": row.flow_status, "waiting_for": row.waiting_for, "status_before": row.status_before}


def _run_document(phase: PhaseConfig, scope: Scope, options: Mapping[str, Any]) -> dict[str, Any]:
    gate = phase.approval == "gate" and not options.get("accepted")
    return {
        "phase": phase.name,
        "to": (FlowStatus.WAITING_FOR_APPROVAL if gate else FlowStatus.QUEUED).value,
        "options": {name: value for name, value in options.items() if value is not None},
        "permissions": sorted(scope.permissions),
        "waiting_for": {"for": "gate", "phase": phase.name} if gate else {},
    }
