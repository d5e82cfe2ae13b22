"""Who asks: API keys and the scope that a key gives in one engagement."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from masterflow.errors import InvalidInput, NotFound, NotPermitted, Unauthenticated
from masterflow.kernel.permission import Scope, permissions_of
from masterflow.store.database import Database

_ALPHABET = string.ascii_letters + string.digits
_TOKEN = re.compile(r"mf_([A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new API key; the token is shown once, the prefix and the SHA-256 of the token are stored."""

    prefix: str
    token: str
    key_hash: bytes


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says about its caller. The two ids only choose among what the key grants."""

    token: str | None
    client_account_id: str | None = None
    engagement_id: str | None = None
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""


def new_key() -> IssuedKey:
    """A random key `mf_<8 characters>_<43 characters>` with 256 random bits."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    token = f"mf_{prefix}_{secrets.token_urlsafe(32)}"
    return IssuedKey(prefix, token, hash_token(token))


def hash_token(token: str) -> bytes:
    """SHA-256 of a token; enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


class Identity:
    """Turns a presented key into a scope. Grants and scopes of the key are read anew each time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def identify(self, presented: Presented) -> Scope:
        """The scope of a caller; its permissions are those of all roles that apply to the engagement.

        A key with scopes of its own has at most those.

        Raises:
            Unauthenticated: no key, or one that is unknown, revoked, expired or of a disabled owner.
            InvalidInput: an id is not a UUID, or none is given and several engagements are granted.
            NotFound: the named engagement does not exist or is not granted.
            NotPermitted: no engagement is granted at all.
        """
        key = await self._authenticate(presented.token)
        client = _uuid("X-Client-Account-ID", presented.client_account_id)
        wanted = _uuid("X-Engagement-ID", presented.engagement_id)
        if client is not None and client != key["client_account_id"]:
            raise _no_engagement()
        engagement = await self._engagement(key, wanted)
        permissions = permissions_of(_roles(key["grants"], engagement))
        if key["scopes"]:
            permissions &= frozenset(key["scopes"])
        return Scope(
            client_account_id=key["client_account_id"],
            engagement_id=engagement,
            actor=str(key["principal_id"]),
            permissions=permissions,
            ip=presented.ip,
            user_agent=presented.user_agent,
            request_id=presented.request_id,
        )

    async def _authenticate(self, token: str | None) -> Mapping[str, Any]:
        """The key's row. An unknown prefix costs the same look-up and comparison as a wrong secret."""
        if token is None:
            raise _unauthenticated("a credential is needed")
        form = _TOKEN.fullmatch(token)
        if form is None:
            raise _unauthenticated("the credential is not valid")
        rows = await self._database.call("select * from app.authenticate(%s)", (form.group(1),))
        known = rows[0] if rows else None
        matches = hmac.compare_digest(hash_token(token), bytes(known["key_hash"]) if known else _NO_HASH)
        if known is None or not matches or not known["usable"]:
            raise _unauthenticated("the credential is not valid")
        return known

    async def _engagement(self, key: Mapping[str, Any], wanted: UUID | None) -> UUID:
        granted = {UUID(grant["engagement_id"]) for grant in key["grants"] if grant["engagement_id"]}
        if wanted in granted:
            return wanted
        if any(grant["engagement_id"] is None for grant in key["grants"]):
            granted |= await self._all_of(key["client_account_id"])
        if wanted is not None:
            if wanted not in granted:
                raise _no_engagement()
            return wanted
        return _only(granted)

    async def _all_of(self, client: UUID) -> set[UUID]:
        rows = await self._database.call("select engagement_id from app.engagements_of(%s)", (client,))
        return {row["engagement_id"] for row in rows}


def _roles(grants: Iterable[Mapping[str, Any]], engagement: UUID) -> list[str]:
    return [grant["role"] for grant in grants if grant["engagement_id"] in (None, str(engagement))]


def _only(granted: set[UUID]) -> UUID:
    if not granted:
        raise NotPermitted(
            "this key has no role in any engagement",
            next_step="Ask an administrator of your client account for a role.",
        )
    if len(granted) > 1:
        raise InvalidInput(
            "this key is granted several engagements",
            where={"header": "X-Engagement-ID"},
            next_step=f"Send X-Engagement-ID with one of: {', '.join(sorted(map(str, granted)))}.",
        )
    return granted.pop()


def _uuid(header: str, text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            "this header is not a UUID", where={"header": header}, next_step="Send the id, or leave the header out."
        ) from None


def _unauthenticated(detail: str) -> Unauthenticated:
    return Unauthenticated(detail, next_step="Send `Authorization: Bearer <API key>` with a key that is valid now.")


def _no_engagement() -> NotFound:
    return NotFound("there is no such engagement", next_step="Check X-Client-Account-ID and X-Engagement-ID.")
