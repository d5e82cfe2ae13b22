"""Public routes for supervisors: is the process alive, ready, started. They say nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from masterflow.web.auth import Services

router = APIRouter(tags=["health"])
LONGEST_CHECK_SECONDS = 1.0
_log = structlog.get_logger("masterflow.health")


class Health(BaseModel):
    """State of the process."""

    status: Literal["ok", "unavailable"]


_UNAVAILABLE: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "Not yet, or not now."}}


@router.get("/livez", response_model=Health)
async def live() -> Response:
    """Whether the process answers; touches nothing else."""
    return _answer(ok=True)


@router.get("/startupz", response_model=Health, responses=_UNAVAILABLE)
async def started(services: Services) -> Response:
    """Whether the process has started."""
    return _answer(ok=services.probes.started())


@router.get("/readyz", response_model=Health, responses=_UNAVAILABLE)
async def ready(services: Services) -> Response:
    """Whether requests can be served: started, and every check passes within a second."""
    results = [await _passes(name, check) for name, check in services.probes.checks.items()]
    return _answer(ok=services.probes.started() and all(results))


async def _passes(name: str, check: Callable[[], Awaitable[bool]]) -> bool:
    try:
        passed = await asyncio.wait_for(check(), LONGEST_CHECK_SECONDS)
    except Exception as error:  # a check that fails in any way is a check that does not pass
        _log.warning("check_failed", check=name, error_type=type(error).__name__)
        return False
    return passed


def _answer(*, ok: bool) -> JSONResponse:
    return JSONResponse({"status": "ok" if ok else "unavailable"}, status_code=200 if ok else 503)
