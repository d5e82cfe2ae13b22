"""Errors as RFC 9457 problem documents: what happened, where, and what to do now; never internals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from masterflow.errors import MasterflowError, Unauthenticated
from masterflow.web.examples import PROBLEM

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
HTTP_CODES: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "The address does not take this method; `Allow` lists the ones it takes."),
    413: ("payload_too_large", "The body is larger than the limit of this route."),
    422: ("invalid_request", "The request has an unknown, missing or unusable part; `errors` lists each."),
    500: ("internal_error", "An unexpected error; the server's log has it under the request id."),
}
"""Status -> (code, meaning) of problems that are not one of the product's own errors."""


Handler = Callable[[Request, Exception], Awaitable[Response]]


class ProblemError(BaseModel):
    """One part of the request that is wrong. `pointer`: `#/field` of the body, `query:name` or `header:name`."""

    pointer: str
    code: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROBLEM]})
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[ProblemError] = Field(default_factory=list)
    where: dict[str, Any] = Field(default_factory=dict)
    next_step: str = ""


class TooManyStreams(MasterflowError):
    """The client account has as many event streams open as it may have."""

    code = "too_many_streams"
    status = 429


def problem(
    scope: Mapping[str, Any],
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """The answer for a problem; `scope` is the ASGI scope of the request."""
    document = Problem(
        type=f"urn:masterflow:error:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=scope["path"],
        code=code,
        request_id=scope.get("state", {}).get("request_id", ""),
        **more,
    )
    body = document.model_dump(
        mode="json", exclude={name for name in ("errors", "where", "next_step") if not more.get(name)}
    )
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def http_problem(scope: Mapping[str, Any], status: int, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for a status that no error of the product stands behind."""
    code, meaning = HTTP_CODES.get(status, ("http_error", "The request was refused."))
    return problem(scope, status, code, meaning, headers=headers)


def install(app: FastAPI) -> None:
    """Register the handlers of every kind of error but the last resort, which the outermost layer has."""
    handlers = {MasterflowError: _own, RequestValidationError: _invalid, HTTPException: _http}
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, cast(Handler, handler))


async def _own(request: Request, error: MasterflowError) -> Response:
    # The address names the ids it asked for; leaving them out makes a foreign id answer like an unknown one.
    where = {key: _plain(value) for key, value in error.where.items() if str(value) not in request.url.path}
    return problem(
        request.scope,
        error.status,
        error.code,
        error.detail,
        headers=_headers(error),
        errors=_fields(request, error),
        where=where,
        next_step=error.next_step,
    )


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    errors = [
        ProblemError(pointer=_pointer(found["loc"]), code=found["type"], message=found["msg"])
        for found in error.errors()[:100]
    ]
    code, meaning = HTTP_CODES[422]
    return problem(request.scope, 422, code, meaning, errors=errors)


async def _http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        return http_problem(request.scope, 405, headers={"Allow": ", ".join(_methods(request))})
    return http_problem(request.scope, error.status_code, headers=error.headers)


def _methods(request: Request) -> list[str]:
    """What the address takes; the framework names the methods of the first route that fits only."""
    wanted = request.url.path.split("/")
    taken = (item for path, item in request.app.openapi()["paths"].items() if _fits(path.split("/"), wanted))
    return sorted({method.upper() for item in taken for method in item})


def _fits(template: Sequence[str], path: Sequence[str]) -> bool:
    same = len(template) == len(path)
    return same and all(part.startswith("{") or part == given for part, given in zip(template, path, strict=True))


def _headers(error: MasterflowError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if error.status in (429, 503) else {}


def _fields(request: Request, error: MasterflowError) -> list[ProblemError]:
    named = error.where.get("fields") or [error.where["field"]] if {"field", "fields"} & error.where.keys() else []
    pointers = [f"query:{name}" if name in request.query_params else f"#/{name}" for name in _sequence(named)]
    if "header" in error.where:
        pointers.append(f"header:{error.where['header']}")
    return [ProblemError(pointer=pointer, code=error.code, message=error.detail) for pointer in pointers]


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else [value]


def _pointer(location: Sequence[object]) -> str:
    place, *rest = [str(part) for part in location]
    if place == "body":
        return "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in rest)
    return f"{place}:{'.'.join(rest)}"


def _plain(value: object) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
