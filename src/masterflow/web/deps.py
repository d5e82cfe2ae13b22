"""What routes share: query parameters, conditional requests, and commands that happen once or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie as CookieParameter
from fastapi.params import Header as HeaderParameter
from fastapi.params import Path as PathParameter

from masterflow.errors import InvalidInput, StaleVersion
from masterflow.kernel.permission import Scope
from masterflow.orchestrator.transaction import Answered, Commands, RequestKey
from masterflow.web.auth import CurrentScope, services_of
from masterflow.web.services import WebServices

LONGEST_WAIT = 60
_ELSEWHERE = (PathParameter, HeaderParameter, CookieParameter)
_ETAG = re.compile(r'"v(\d{1,9})"')
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*(\d{1,6})\s*(?:[,;]|$)", re.IGNORECASE)

Limit = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]
DryRun = Annotated[
    bool, Query(description="Carry the request out in a transaction that is rolled back; the answer is the same.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Makes the request happen once: for 24 hours its repetition gets the first answer.",
    ),
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=100, description='Change only this version, as in `"v7"`.')
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=1000, description="Answer 304 while this is current.")
]
Prefer = Annotated[
    str | None,
    Header(alias="Prefer", max_length=200, description="`wait=N`: wait up to N (at most 60) seconds for the result."),
]


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which page of a list is asked for."""

    request: Request
    limit: int
    cursor: str | None


def page_wanted(request: Request, limit: Limit = 50, cursor: Cursor = None) -> PageWanted:
    """The page that the query asks for."""
    return PageWanted(request, limit, cursor)


Paging = Annotated[PageWanted, Depends(page_wanted)]


def known_query(request: Request) -> None:
    """Refuse query parameters that the route does not have, and NUL characters in those it has."""
    fields = get_flat_params(request.scope["route"].dependant)
    known = {field.alias for field in fields if not isinstance(field.field_info, _ELSEWHERE)}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise InvalidInput(
                f"this address has no parameter '{name}'",
                where={"field": name},
                next_step=f"Parameters: {', '.join(sorted(known)) or 'none'}.",
            )
        if "\x00" in value:
            raise InvalidInput("a parameter holds a NUL character", where={"field": name})


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"v{version}"'


def expected_version(if_match: IfMatch = None) -> int | None:
    """The version that If-Match names; None without the header or with `*`.

    Raises:
        StaleVersion: the header names no version that ever was.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    form = _ETAG.fullmatch(if_match.strip())
    if form is None or int(form.group(1)) < 1:
        raise StaleVersion(
            "If-Match does not hold an ETag of this API",
            where={"header": "If-Match"},
            next_step='Send the ETag of the last answer, as in "v7".',
        )
    return int(form.group(1))


Version = Annotated[int | None, Depends(expected_version)]


def is_current(if_none_match: str | None, version: int) -> bool:
    """Whether If-None-Match lists this version (weak comparison, RFC 9110 section 13.1.2)."""
    listed = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag(version) in listed or "*" in listed


def seconds_to_wait(prefer: Prefer = None) -> int:
    """Seconds of `Prefer: wait=N` (RFC 7240), at most 60; 0 without it."""
    found = _WAIT.search(prefer or "")
    return min(int(found.group(1)), LONGEST_WAIT) if found else 0


Wait = Annotated[int, Depends(seconds_to_wait)]


@dataclass(frozen=True, slots=True)
class Command:
    """One writing request: carried out, carried out once for its key, or only rehearsed."""

    scope: Scope
    services: WebServices
    request: Request
    dry_run: bool
    key: str | None = None

    async def run(
        self, permission: str, action: Callable[[Commands], Awaitable[Answered]], *, content: bytes | None = None
    ) -> Answered:
        """The answer. `content` is a digest of what was sent; None takes the JSON body."""
        transactions = self.services.transactions
        if self.dry_run:
            return await transactions.rehearse(self.scope, permission, action)
        if self.key is None:
            return await action(transactions.commands)
        sent = content if content is not None else _canonical(await self.request.body())
        key = RequestKey(self.key, self._fingerprint(sent))
        return await transactions.once(self.scope, permission, key, action)

    def _fingerprint(self, sent: bytes) -> bytes:
        request = self.request
        parts = (request.method, request.url.path, request.url.query, request.headers.get("if-match", ""))
        return hashlib.sha256("|".join(parts).encode() + b"|" + sent).digest()


def command(request: Request, scope: CurrentScope, dry_run: DryRun = False) -> Command:
    """A writing request."""
    return Command(scope, services_of(request), request, dry_run)


def repeatable_command(
    request: Request, scope: CurrentScope, dry_run: DryRun = False, key: IdempotencyKey = None
) -> Command:
    """A writing request that may carry an idempotency key."""
    return Command(scope, services_of(request), request, dry_run, key)


AnyCommand = Annotated[Command, Depends(command)]
RepeatableCommand = Annotated[Command, Depends(repeatable_command)]


def _canonical(body: bytes) -> bytes:
    return json.dumps(json.loads(body or b"null"), sort_keys=True, separators=(",", ":")).encode()
