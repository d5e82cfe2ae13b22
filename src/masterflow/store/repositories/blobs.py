"""Bytes in the database: content-addressed per engagement, in chunks of 1 MiB."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from masterflow.errors import NotFound
from masterflow.store.repositories.base import Repository
from masterflow.store.sealing import SealBroken
from masterflow.store.tables import Blob, BlobChunk

CHUNK_BYTES = 1024 * 1024
_CHUNKS_AT_ONCE = 4
_STAGE = "create temp table staged_chunks (seq integer, content bytea) on commit drop"
_ADD = """
    insert into app.blobs (id, sha256, size, media_type) values (%s, %s, %s, %s)
    on conflict (client_account_id, engagement_id, sha256) do nothing returning id"""
_KEEP = """
    insert into app.blob_chunks (blob_id, seq, content)
    select %s, seq, content from pg_temp.staged_chunks order by seq"""


class Blobs(Repository):
    """Stored bytes. The same content is stored once per engagement."""

    async def get(self, blob_id: UUID) -> Blob | None:
        """Size, digest and media type of a blob."""
        return await self._first(select(Blob).where(Blob.id == blob_id))

    async def by_digest(self, sha256: bytes) -> Blob | None:
        """The blob with this content; `sha256` is the digest as 32 bytes."""
        return await self._first(select(Blob).where(Blob.sha256 == sha256))

    async def add(self, content: AsyncIterator[bytes] | bytes, media_type: str) -> tuple[Blob, bool]:
        """Store bytes; the blob and whether it is new. Pieces of an iterator may have any size.

        Memory stays at one chunk: pieces wait in a temporary table until their digest is known.
        """
        await self._rows(_STAGE)
        digest, size = hashlib.sha256(), 0
        async for seq, chunk in _numbered(_sized(content)):
            digest.update(chunk)
            size += len(chunk)
            await self._rows("insert into pg_temp.staged_chunks values (%s, %s)", (seq, chunk))
        made = await self._rows(_ADD, (self._new_id(), digest.digest(), size, media_type))
        if made:
            await self._rows(_KEEP, (made[0]["id"],))
        await self._rows("drop table pg_temp.staged_chunks")
        stored = await self._session.scalars(select(Blob).where(Blob.sha256 == digest.digest()))
        return stored.one(), bool(made)

    async def read(self, blob_id: UUID) -> bytes:
        """The whole content. Raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks(blob_id)])

    async def chunks(self, blob_id: UUID) -> AsyncIterator[bytes]:
        """The content in pieces of at most 1 MiB, read as they are asked for.

        Raises:
            NotFound: no such blob here.
            SealBroken: after the last piece, when the content does not have its stored digest.
        """
        blob = await self.get(blob_id)
        if blob is None:
            raise NotFound("no such stored file", where={"blob_id": str(blob_id)})
        digest = hashlib.sha256()
        stored = select(BlobChunk.content).where(BlobChunk.blob_id == blob_id).order_by(BlobChunk.seq)
        async for chunk in await self._session.stream_scalars(stored.execution_options(yield_per=_CHUNKS_AT_ONCE)):
            digest.update(chunk)
            yield chunk
        if digest.digest() != blob.sha256:
            raise SealBroken(
                "a stored file does not have the content it was stored with",
                where={"blob_id": str(blob_id)},
                next_step="Upload the file again.",
            )


async def _sized(content: AsyncIterator[bytes] | bytes) -> AsyncIterator[bytes]:
    """The same bytes in chunks of CHUNK_BYTES, the last one shorter."""
    waiting = bytearray()
    async for piece in _pieces(content):
        waiting += piece
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)


async def _pieces(content: AsyncIterator[bytes] | bytes) -> AsyncIterator[bytes]:
    if not isinstance(content, bytes):
        async for piece in content:
            yield piece
        return
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


async def _numbered(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, Any]]:
    seq = 0
    async for chunk in chunks:
        yield seq, chunk
        seq += 1
