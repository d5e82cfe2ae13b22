"""Healing: dispatch again what lost its job, revert what unsuccessful runs left behind."""

from __future__ import annotations

from datetime import timedelta

import structlog

from masterflow.errors import MasterflowError
from masterflow.kernel.permission import Scope
from masterflow.store.database import Database
from masterflow.store.transitions import Transitions

_log = structlog.get_logger("masterflow.recovery")


class Recovery:
    """Sweeps over all tenants; the database lets one sweep run at a time."""

    def __init__(self, database: Database, *, worker: str, every: timedelta, grace: timedelta) -> None:
        self.every = every
        self._transitions = Transitions(database.call)
        self._worker, self._grace = worker, grace

    async def sweep(self) -> None:
        """One pass. Raises Unavailable when the database is away."""
        again = await self._transitions.reconcile(self._grace)
        if again:
            _log.info("runs_dispatched_again", count=again)
        for client, engagement, flow, run in await self._transitions.pending_reverts():
            scope = Scope(client, engagement, self._worker)
            try:
                await self._transitions.revert_run(scope, flow_id=flow, run_id=run)
            except MasterflowError as error:  # one flow does not keep the others from being healed
                _log.warning("revert_blocked", flow_id=str(flow), run_id=str(run), error=error.detail)
