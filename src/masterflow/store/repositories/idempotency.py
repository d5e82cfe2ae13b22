"""One effect per request: the answer of a request is kept under its key for 24 hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from masterflow.errors import Conflict, InvalidInput
from masterflow.store.repositories.base import Repository
from masterflow.store.tables import IdempotencyKey

_CLAIM = """
    insert into app.idempotency_keys as k (principal, key, fingerprint) values (%s, %s, %s)
    on conflict (client_account_id, engagement_id, principal, key) do update
        set fingerprint = excluded.fingerprint, status_code = null, body = null, created_at = clock_timestamp()
        where k.created_at < clock_timestamp() - interval '24 hours'
    returning true as ours"""
_FIND = "select fingerprint, status_code, body from app.idempotency_keys where principal = %s and key = %s"


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The answer that a repeated request gets."""

    status_code: int
    body: Any


class Idempotency(Repository):
    """Keys of requests and their answers. Claim, effect and store belong in one transaction."""

    async def claim(self, principal: str, key: str, fingerprint: bytes) -> StoredResponse | None:
        """None: the request is new and the caller carries it out. Otherwise the answer it already had.

        A second request with the same key waits here until the first one's transaction ends.

        Raises:
            InvalidInput: the key was used for another request.
            Conflict: the key is claimed, but its request has no answer.
        """
        if await self._rows(_CLAIM, (principal, key, fingerprint)):
            return None
        known = (await self._rows(_FIND, (principal, key)))[0]
        place = {"header": "Idempotency-Key"}
        if known["fingerprint"] != fingerprint:
            raise InvalidInput(
                "this idempotency key belongs to another request", where=place, next_step="Send a new key."
            )
        if known["status_code"] is None:
            raise Conflict("the first request with this key has no answer", where=place, next_step="Send a new key.")
        return StoredResponse(known["status_code"], known["body"])

    async def store(self, principal: str, key: str, response: StoredResponse) -> None:
        """Keep the answer of a claimed request."""
        await self._session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.principal == principal, IdempotencyKey.key == key)
            .values(status_code=response.status_code, body=response.body)
        )
