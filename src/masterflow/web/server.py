"""create_web: the ASGI application over the services; every route but the public four needs a credential."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from masterflow.settings import Settings
from masterflow.web import (
    analytics,
    audit,
    execution,
    flow_types,
    flows,
    health,
    imports,
    inventory,
    problems,
    stream,
)
from masterflow.web.answers import COMMON
from masterflow.web.auth import current_scope
from masterflow.web.deps import known_query
from masterflow.web.limits import BodyLimits, RequestContext
from masterflow.web.problems import Problem
from masterflow.web.services import WebServices

PUBLIC = ("/livez", "/readyz", "/startupz", "/openapi.json")
"""The routes that need no credential."""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]
_DESCRIPTION = (
    "Flows of a cloud migration, from discovery to decommission, under one orchestrator. Errors are problem "
    "documents (RFC 9457) with a stable `code`. Lists continue with `cursor`. Unknown parameters and "
    "fields are refused."
)
_NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False}


def create_web(services: WebServices, settings: Settings, *, lifespan: Lifespan | None = None) -> FastAPI:
    """The application. `lifespan` is entered when the server starts; it may open what `services` need."""
    app = bare_application(settings, lifespan=lifespan)
    app.state.services = services
    return app


def bare_application(settings: Settings, *, lifespan: Lifespan | None = None) -> FastAPI:
    """The application without services: enough for its OpenAPI document."""
    app = _Web(
        title="Master Flow Orchestrator",
        version=version("masterflow"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        generate_unique_id_function=_operation_id,
        telemetry=_NO_TELEMETRY,
    )
    app.state.settings = settings
    app.state.stream_slots = stream.StreamSlots()
    app.include_router(health.router)
    app.include_router(_secured())
    problems.install(app)
    app.add_middleware(BodyLimits, max_json_bytes=settings.max_json_bytes, max_upload_bytes=settings.max_upload_bytes)
    app.add_middleware(RequestContext)
    return app


class _Web(FastAPI):
    """FastAPI with the problem document among the schemas."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made once."""
        document = super().openapi()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= {**schema.pop("$defs"), "Problem": schema}
        return document


def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the interface."""
    return bare_application(Settings()).openapi()


def _secured() -> APIRouter:
    # /flows/analytics comes before /flows/{flow_id}, which would take its name for an id.
    parent = APIRouter(prefix="/api/v1", dependencies=[Depends(current_scope), Depends(known_query)], responses=COMMON)
    for module in (analytics, flows, execution, stream, flow_types, imports, inventory, audit):
        parent.include_router(module.router)
    return parent


def _operation_id(route: APIRoute) -> str:
    return route.name
