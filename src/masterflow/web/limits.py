"""What every request passes: an id, limits on its body, security headers, and the last resort."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from masterflow.web.problems import http_problem, problem

LARGEST_DEPTH = 32
MULTIPART_OVERHEAD = 64 * 1024
UPLOAD_PATH = "/api/v1/imports"
SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
# An unclosed string counts to the end, so that each byte is looked at once.
_STRING = re.compile(rb'"(?:[^"\\]+|\\.)*+\\?(?:"|\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_log = structlog.get_logger("masterflow.web")


class RequestContext:
    """Outermost layer: the request id, security headers on each answer, 500 for what nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(MutableHeaders(scope=message), scope, request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception as error:  # the rim: whatever it was, the caller learns nothing of it
                _log.error("request_failed", path=scope["path"], error_type=type(error).__name__, exc_info=error)
                if started:
                    raise
                await http_problem(scope, 500)(scope, receive, send_with_headers)


class BodyLimits:
    """Bodies have a largest size, and JSON a largest depth and only what can be stored."""

    def __init__(self, app: ASGIApp, *, max_json_bytes: int, max_upload_bytes: int) -> None:
        self._app = app
        self._max_json, self._max_upload = max_json_bytes, max_upload_bytes + MULTIPART_OVERHEAD

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, upload = Headers(scope=scope), scope["path"] == UPLOAD_PATH
        most = self._max_upload if upload else self._max_json
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            await http_problem(scope, 413, headers={"Connection": "close"})(scope, receive, send)
            return
        counted = _counted(receive, most)
        if upload or "json" not in headers.get("content-type", ""):
            await self._app(scope, counted, send)
            return
        try:
            body = await _whole(counted)
        except HTTPException as error:
            await http_problem(scope, error.status_code)(scope, receive, send)
            return
        fault = json_fault(body)
        if fault:
            await problem(scope, 422, "invalid_request", fault)(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)


def json_fault(body: bytes) -> str:
    """Why a JSON body is not taken; "" when it is, or when the parser will say it better."""
    structure = _STRING.sub(b"", body)
    depth = 0
    for bracket in _BRACKET.finditer(structure):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > LARGEST_DEPTH:
            return f"the body is nested deeper than {LARGEST_DEPTH} levels"
    if b"NaN" in structure or b"Infinity" in structure:
        return "NaN and Infinity are not JSON"
    return _text_fault(body) if b"\\u" in body else ""


def _text_fault(body: bytes) -> str:
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        return "a text holds half of a surrogate pair"
    except ValueError:
        return ""
    return "text with a NUL character cannot be stored" if "\\u0000" in text else ""


def _add_headers(headers: MutableHeaders, scope: Scope, request_id: str) -> None:
    headers["X-Request-ID"] = request_id
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _counted(receive: Receive, most: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413)
        return message

    return counted


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
