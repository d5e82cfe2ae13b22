"""Imports: a file given to a flow, and how far its reading got."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_, update

from masterflow.errors import InvalidInput, NotFound
from masterflow.store.repositories.base import Repository, check_limit
from masterflow.store.tables import Blob, DataImport

CHANGEABLE = frozenset(
    {"flow_id", "source", "source_title", "sheets", "dialect", "status", "total_records", "rejected_records", "issues"}
)


class Imports(Repository):
    """Imported files of the engagement; writes need an open change set."""

    async def add(self, *, blob_id: UUID, file_name: str, flow_id: UUID | None = None) -> DataImport:
        """A new import in status uploaded."""
        made = DataImport(
            id=self._new_id(),
            blob_id=blob_id,
            file_name=file_name,
            flow_id=flow_id,
            created_by=self._scope.actor,
        )
        self._session.add(made)
        await self._session.flush()
        await self._session.refresh(made)
        return made

    async def get(self, import_id: UUID) -> DataImport | None:
        """The import; None when this engagement has none."""
        return await self._first(
            select(DataImport).where(DataImport.id == import_id).execution_options(populate_existing=True)
        )

    async def of_flow(self, flow_id: UUID) -> list[DataImport]:
        """Imports of a flow, oldest first."""
        found = select(DataImport).where(DataImport.flow_id == flow_id)
        return await self._all(found.order_by(DataImport.created_at, DataImport.id))

    async def page(self, *, limit: int = 50, after: tuple[datetime, UUID] | None = None) -> list[DataImport]:
        """Imports from newest to oldest; `after` is (created_at, id) of the last one seen."""
        found = select(DataImport)
        if after is not None:
            found = found.where(tuple_(DataImport.created_at, DataImport.id) < after)
        return await self._all(
            found.order_by(DataImport.created_at.desc(), DataImport.id.desc()).limit(check_limit(limit))
        )

    async def by_hash(self, sha256: bytes) -> list[DataImport]:
        """Imports of files with this content, newest first; `sha256` is the digest as 32 bytes."""
        found = select(DataImport).join(Blob, Blob.id == DataImport.blob_id).where(Blob.sha256 == sha256)
        return await self._all(found.order_by(DataImport.created_at.desc(), DataImport.id.desc()))

    async def update(self, import_id: UUID, changes: Mapping[str, Any]) -> DataImport:
        """Change source, sheets, dialect, status, counts or issues; the import afterwards.

        Raises:
            InvalidInput: another column is named.
            NotFound: no such import here.
        """
        unknown = sorted(changes.keys() - CHANGEABLE)
        if unknown or not changes:
            raise InvalidInput("these fields of an import do not change", where={"fields": unknown})
        changed = await self._session.scalars(
            update(DataImport).where(DataImport.id == import_id).values(**changes).returning(DataImport),
            execution_options={"populate_existing": True},
        )
        found = changed.first()
        if found is None:
            raise NotFound("no such import", where={"import_id": str(import_id)})
        return found
