"""Routes of imports: upload, list, show, mappings and findings."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from masterflow.errors import InvalidInput
from masterflow.orchestrator.inventory_views import ImportView
from masterflow.orchestrator.transaction import Answered, Commands
from masterflow.web.answers import paged, plain, problems, respond
from masterflow.web.auth import CurrentScope, Services
from masterflow.web.deps import AnyCommand, Paging, RepeatableCommand
from masterflow.web.schemas import ImportPage, IssuePage, MappingChanges, MappingList

router = APIRouter(prefix="/imports", tags=["imports"])
_PIECE = 1024 * 1024
_IN_MEMORY = 1024 * 1024
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "application/octet-stream": _BINARY,
            "text/csv": _BINARY,
        },
    }
}


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived completely: its name, type, bytes and digest."""

    file_name: str
    media_type: str
    file: IO[bytes]
    digest: bytes

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes in pieces, from the beginning."""
        await anyio.to_thread.run_sync(self.file.seek, 0)
        while piece := await anyio.to_thread.run_sync(self.file.read, _PIECE):
            yield piece

    @property
    def fingerprint(self) -> bytes:
        """What makes another upload the same one."""
        return self.digest + f"|{self.media_type}|{self.file_name}".encode()


@router.post("", status_code=201, response_model=ImportView, responses=problems(409, 413), openapi_extra=_BODY)
async def create_import(
    request: Request,
    services: Services,
    command: RepeatableCommand,
    file_name: Annotated[str | None, Query(max_length=255, description="Name of a file sent as plain body.")] = None,
) -> Response:
    """Upload a file: multipart field `file`, or the bytes as the body with `file_name`.

    The file is received completely before the database is touched, so a slow sender holds no connection.
    """
    async with _received(request, file_name) as received:

        async def action(commands: Commands) -> Answered:
            made = await commands.inventory.upload(
                command.scope,
                file_name=received.file_name,
                media_type=received.media_type,
                content=received.content(),
                max_bytes=request.app.state.settings.max_upload_bytes,
            )
            return Answered(201, plain(made))

        answered = await command.run("import:create", action, content=received.fingerprint)
    return respond(answered, dry_run=command.dry_run)


@router.get("", response_model=ImportPage)
async def list_imports(services: Services, scope: CurrentScope, wanted: Paging) -> Response:
    """Uploads from newest to oldest."""
    page = await services.inventory.list_imports(scope, limit=wanted.limit, after=wanted.cursor)
    return paged(wanted, page, page.items)


@router.get("/{import_id}", response_model=ImportView, responses=problems(404))
async def get_import(services: Services, scope: CurrentScope, import_id: UUID) -> Response:
    """One upload with what was found in it."""
    return JSONResponse(plain(await services.inventory.get_import(scope, import_id)))


@router.get("/{import_id}/mappings", response_model=MappingList, responses=problems(404))
async def get_mappings(services: Services, scope: CurrentScope, import_id: UUID) -> Response:
    """The mapping of every column; empty before field mapping ran."""
    return JSONResponse({"items": plain(await services.inventory.get_mappings(scope, import_id))})


@router.patch("/{import_id}/mappings", response_model=MappingList, responses=problems(404, 409))
async def set_mappings(command: AnyCommand, import_id: UUID, body: MappingChanges) -> Response:
    """Decide what columns mean, all or none; the mapping of every column afterwards."""

    async def action(commands: Commands) -> Answered:
        rows = await commands.inventory.set_mappings(command.scope, import_id, body.mappings)
        return Answered(200, {"items": plain(rows)})

    return respond(await command.run("mapping:update", action), dry_run=command.dry_run)


@router.get("/{import_id}/issues", response_model=IssuePage, responses=problems(404))
async def list_issues(
    services: Services,
    scope: CurrentScope,
    wanted: Paging,
    import_id: UUID,
    code: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
) -> Response:
    """Findings about the rows of an import, by sheet and row."""
    page = await services.inventory.list_issues(scope, import_id, limit=wanted.limit, after=wanted.cursor, code=code)
    return paged(wanted, page, page.items)


@asynccontextmanager
async def _received(request: Request, file_name: str | None) -> AsyncIterator[Received]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()[:255]
    if media_type == "multipart/form-data":
        async with request.form(max_files=1, max_fields=5) as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise InvalidInput("the form has no file", where={"field": "file"}, next_step="Send it as field file.")
            yield await _digested(upload.filename or "", upload.content_type or "", upload.file)
        return
    if file_name is None:
        raise InvalidInput(
            "a file sent as the body needs a name", where={"field": "file_name"}, next_step="Add ?file_name=."
        )
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        async for piece in request.stream():
            await anyio.to_thread.run_sync(file.write, piece)
        yield await _digested(file_name, media_type, file)


async def _digested(file_name: str, media_type: str, file: Any) -> Received:
    return await anyio.to_thread.run_sync(
        lambda: Received(file_name, media_type or "application/octet-stream", file, _digest(file))
    )


def _digest(file: IO[bytes]) -> bytes:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
