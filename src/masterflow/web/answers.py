"""Answers with their headers, and how they are described in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from starlette.datastructures import URL
from starlette.responses import Response

from masterflow.orchestrator.transaction import Answered
from masterflow.orchestrator.views import Accepted, FlowView, Page
from masterflow.web.deps import PageWanted, etag, is_current
from masterflow.web.problems import MEDIA_TYPE
from masterflow.web.schemas import AcceptedBody, flow_body, flow_fields

FLOWS = "/api/v1/flows"
Responses = dict[int | str, dict[str, Any]]

_MEANINGS = {
    401: "No credential that is valid now.",
    403: "The permission is missing.",
    404: "No such object in the caller's engagement.",
    409: "The state of the object does not allow it.",
    412: "If-Match names an older version.",
    413: "The body is larger than the limit.",
    422: "A part of the request cannot be used.",
    429: "Too many event streams of this client account are open.",
    503: "A part the product depends on does not answer now.",
}


def plain(value: Any) -> Any:
    """A body as JSON values."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return to_jsonable_python(value, inf_nan_mode="strings")


def problems(*statuses: int) -> Responses:
    """Descriptions of problem answers for a route."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}


COMMON = problems(401, 403, 422, 503)


def shown(body: Any, version: int, if_none_match: str | None) -> Response:
    """A body with its entity tag; 304 without a body when the caller has it."""
    headers = {"ETag": etag(version), "Vary": "Authorization, X-Engagement-ID"}
    if is_current(if_none_match, version):
        return Response(status_code=304, headers=headers)
    return JSONResponse(plain(body), headers=headers)


def paged(wanted: PageWanted, page: Page, body: Any) -> JSONResponse:
    """A page; `Link` (RFC 8288) points to the next one."""
    headers = {}
    if page.next_cursor is not None:
        following = URL(scope=wanted.request.scope).include_query_params(cursor=page.next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return JSONResponse({"items": plain(body), "next_cursor": page.next_cursor}, headers=headers)


def created_flow(flow: FlowView) -> Answered:
    """The answer to a created flow."""
    return Answered(201, plain(flow_body(flow)))


def accepted(moved: Accepted) -> Answered:
    """The answer to a move: 202 when a run was dispatched, 200 when nothing more happens by itself."""
    body = AcceptedBody(**flow_fields(moved.flow), run_id=moved.run_id)
    return Answered(202 if moved.flow.status == "queued" and moved.run_id else 200, plain(body))


def respond(answered: Answered, *, dry_run: bool = False) -> JSONResponse:
    """An answer with the headers that follow from its body."""
    headers = dict(_headers(answered.status, answered.body, dry_run=dry_run))
    if answered.replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(answered.body, status_code=answered.status, headers=headers)


def _headers(status: int, body: Mapping[str, Any], *, dry_run: bool) -> Mapping[str, str]:
    if dry_run:
        return {"Dry-Run": "true"}
    tag = {"ETag": etag(body["version"])} if "version" in body else {}
    if status == 202:
        return {**tag, "Location": f"{FLOWS}/{body['flow_id']}/runs/{body['run_id']}", "Retry-After": "1"}
    if status == 201:
        place = f"/api/v1/imports/{body['import_id']}" if "import_id" in body else f"{FLOWS}/{body['flow_id']}"
        return {**tag, "Location": place}
    return tag
