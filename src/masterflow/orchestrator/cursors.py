"""Opaque page cursors: signed, and valid only for the tenant and the list that they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from masterflow.errors import InvalidInput
from masterflow.kernel.permission import Scope

_SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Listing:
    """Which list a cursor belongs to: its name, whose it is, and what it was filtered by."""

    name: str
    scope: Scope
    filters: Mapping[str, Any] = field(default_factory=dict)


class Cursors:
    """Signs and reads cursors; `secret` is at least 16 random bytes, the same in every process."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, listing: Listing, position: Sequence[Any]) -> str:
        """The cursor after `position`, the sort key of the last row shown (texts, numbers, times, uuids)."""
        body = json.dumps([_plain(part) for part in position], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(listing, body) + body).decode().rstrip("=")

    def position(self, listing: Listing, cursor: str | None) -> tuple[Any, ...] | None:
        """The position in a cursor; None without one.

        Raises:
            InvalidInput: it was altered, or made for another tenant, list or filter.
        """
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _foreign() from None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(listing, body)):
            raise _foreign()
        return tuple(_typed(part) for part in json.loads(body))

    def time_and_id(self, listing: Listing, cursor: str | None) -> tuple[datetime, UUID] | None:
        """The position in a cursor of a list ordered by time and id."""
        position = self.position(listing, cursor)
        return (position[0], position[1]) if position is not None else None

    def _sign(self, listing: Listing, body: bytes) -> bytes:
        filters = {name: str(value) for name, value in listing.filters.items() if value is not None}
        place = (listing.scope.client_account_id, listing.scope.engagement_id, listing.name)
        head = json.dumps([*map(str, place), filters], sort_keys=True).encode()
        return hmac.digest(self._secret, head + b"|" + body, hashlib.sha256)[:_SIGNATURE_BYTES]


def _plain(part: Any) -> Any:
    if isinstance(part, datetime):
        return {"t": part.isoformat()}
    return {"u": str(part)} if isinstance(part, UUID) else part


def _typed(part: Any) -> Any:
    if isinstance(part, dict):
        return datetime.fromisoformat(part["t"]) if "t" in part else UUID(part["u"])
    return part


def _foreign() -> InvalidInput:
    return InvalidInput(
        "this cursor does not belong to this list", where={"field": "cursor"}, next_step="Start from the first page."
    )
