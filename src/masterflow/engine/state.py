"""Flow state: sealed on the way to the database, opened and checked on the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from masterflow.errors import Conflict
from masterflow.kernel.permission import Scope
from masterflow.store.database import Database
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Place, SealBroken, Sealer
from masterflow.store.tables import Checkpoint

_log = structlog.get_logger("masterflow.state")


@dataclass(frozen=True, slots=True)
class Recovered:
    """The newest checkpoint that passes its checks, and the ones that were skipped with the reason."""

    phase: str
    kind: str
    state: dict[str, Any]
    phases_completed: list[str]
    skipped: tuple[tuple[UUID, str], ...]


class FlowStateManager:
    """Seals and opens the documents of a flow: its state, and inputs and outputs of its runs."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, scope: Scope, flow_id: UUID, document: Mapping[str, Any]) -> bytes:
        """Bytes to store. Raises InvalidInput when a value cannot be stored."""
        return self._sealer.seal(document, _place(scope, flow_id))

    def open(self, scope: Scope, flow_id: UUID, packed: bytes | None, *, reveal: bool = True) -> dict[str, Any]:
        """The document that was sealed; empty when nothing was. Raises SealBroken."""
        if packed is None:
            return {}
        return self._sealer.open(packed, _place(scope, flow_id), reveal=reveal)

    async def recover(self, database: Database, repositories: Any, scope: Scope, flow_id: UUID) -> Recovered:
        """State of the newest checkpoint whose digest and seal hold.

        Raises:
            Conflict: no checkpoint of the flow is usable.
        """
        skipped: list[tuple[UUID, str]] = []
        async with database.read(scope) as session:
            found: Repositories = repositories(session, scope)
            async for checkpoint in found.runs.newest_checkpoints(flow_id):
                try:
                    state = self._checked(scope, checkpoint)
                except SealBroken as error:
                    _log.warning("checkpoint_skipped", checkpoint_id=str(checkpoint.id), reason=error.detail)
                    skipped.append((checkpoint.id, error.detail))
                else:
                    done = list(checkpoint.phases_completed)
                    return Recovered(checkpoint.phase, checkpoint.kind, state, done, tuple(skipped))
        raise Conflict("no checkpoint of this flow passes its checks", where={"skipped": len(skipped)})

    def _checked(self, scope: Scope, checkpoint: Checkpoint) -> dict[str, Any]:
        if hashlib.sha256(checkpoint.state).digest() != checkpoint.digest:
            raise SealBroken("the digest does not fit the stored bytes")
        return self.open(scope, checkpoint.flow_id, checkpoint.state)


def _place(scope: Scope, flow_id: UUID) -> Place:
    return Place(scope.client_account_id, scope.engagement_id, flow_id)
