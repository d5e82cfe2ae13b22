"""Flow state: sealed on the way to the database, opened and checked on the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from masterflow.errors import Conflict
from masterflow.kernel.permission import Scope
from masterflow.store.database import Database
from masterflow.store.repositories import Repositories
from masterflow.store.sealing import Place, SealBroken, Sealer


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
            checkpoints = await found.runs.checkpoints(flow_id)
        for checkpoint in checkpoints:
            reason = _damage(checkpoint.state, checkpoint.digest)
            if not reason:
                try:
                    state = self.open(scope, flow_id, checkpoint.state)
                except SealBroken as error:
                    reason = error.detail
                else:
                    done = list(checkpoint.phases_completed)
                    return Recovered(checkpoint.phase, checkpoint.kind, state, done, tuple(skipped))
            skipped.append((checkpoint.id, reason))
        raise Conflict("no checkpoint of this flow passes its checks", where={"skipped": len(skipped)})


def _place(scope: Scope, flow_id: UUID) -> Place:
    return Place(scope.client_account_id, scope.engagement_id, flow_id)


def _damage(state: bytes, digest: bytes) -> str:
    return "" if hashlib.sha256(state).digest() == digest else "the digest does not fit the stored bytes"
