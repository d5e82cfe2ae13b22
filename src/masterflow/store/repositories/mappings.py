"""Field mappings of imports: what was suggested for each column and what people decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import select, update

from masterflow.domain.fields import Suggestion
from masterflow.domain.records import Cell
from masterflow.errors import NotFound
from masterflow.store.bulk import listed, staged, temporary
from masterflow.store.repositories.base import Repository
from masterflow.store.tables import ImportFieldMapping

_KEY = ("id", "import_id", "sheet", "source_column")
_SUGGESTED = (
    *("position", "target_field", "suggested_field", "confidence", "unit", "evidence", "alternatives"),
    *("sample_values", "decided_by"),
)
_COLUMNS = (*_KEY, *_SUGGESTED, "status")
_FORGET = sql.SQL(
    """delete from app.import_field_mappings m where m.import_id = %s and m.status = 'suggested'
    and not exists (select 1 from {staged} s where s.sheet = m.sheet and s.source_column = m.source_column)"""
).format(staged=temporary(ImportFieldMapping))
_REPLACE = sql.SQL(
    """insert into app.import_field_mappings as m ({columns}) select {columns} from {staged} order by id
    on conflict (client_account_id, engagement_id, import_id, sheet, source_column) do update
        set ({suggested}) = row({excluded})
        where m.status = 'suggested'
          and row({present})::record operator(pg_catalog.*<>) row({excluded})::record"""
).format(
    columns=listed(_COLUMNS),
    staged=temporary(ImportFieldMapping),
    suggested=listed(_SUGGESTED),
    excluded=listed(_SUGGESTED, "excluded."),
    present=listed(_SUGGESTED, "m."),
)


@dataclass(frozen=True, slots=True)
class SuggestedColumn:
    """A suggestion with the position of its column (from 1) and examples of its cells."""

    suggestion: Suggestion
    position: int
    sample_values: tuple[Cell, ...] = ()


class Mappings(Repository):
    """Mappings of columns to fields; writes need an open change set."""

    async def replace_suggestions(self, import_id: UUID, columns: Iterable[SuggestedColumn]) -> None:
        """Store suggestions in place of earlier ones; what people changed or approved stays."""
        rows = [self._row(import_id, column) for column in columns]
        async with staged(self._session, ImportFieldMapping, _COLUMNS, rows) as connection:
            await connection.execute(_FORGET, (import_id,))
            await connection.execute(_REPLACE)

    async def of_import(self, import_id: UUID) -> list[ImportFieldMapping]:
        """All columns of an import by sheet and position."""
        found = select(ImportFieldMapping).where(ImportFieldMapping.import_id == import_id)
        order = (ImportFieldMapping.sheet, ImportFieldMapping.position, ImportFieldMapping.source_column)
        return await self._all(found.order_by(*order).execution_options(populate_existing=True))

    async def set_target(
        self, import_id: UUID, *, sheet: str, column: str, target: str | None, user: str
    ) -> ImportFieldMapping:
        """What a person says a column means; `target` None leaves it unmapped.

        Raises:
            NotFound: the import has no such column.
        """
        changed = await self._session.scalars(
            update(ImportFieldMapping)
            .where(
                ImportFieldMapping.import_id == import_id,
                ImportFieldMapping.sheet == sheet,
                ImportFieldMapping.source_column == column,
            )
            .values(target_field=target, status="changed", decided_by="person", updated_by=user)
            .returning(ImportFieldMapping),
            execution_options={"populate_existing": True},
        )
        found = changed.first()
        if found is None:
            raise NotFound("no such column", where={"sheet": sheet, "column": column})
        return found

    async def approve_all(self, import_id: UUID, *, user: str) -> int:
        """Approve every column that is not approved yet; their number."""
        return await self._count(
            update(ImportFieldMapping)
            .where(ImportFieldMapping.import_id == import_id, ImportFieldMapping.status != "approved")
            .values(status="approved", updated_by=user)
        )

    def _row(self, import_id: UUID, column: SuggestedColumn) -> tuple[Any, ...]:
        made = column.suggestion
        alternatives = [
            {"target": other.target, "confidence": other.confidence, "evidence": other.evidence}
            for other in made.alternatives
        ]
        key = (self._new_id(), import_id, made.sheet, made.column)
        suggested = (column.position, made.target, made.target, made.confidence, made.unit, made.evidence)
        return (*key, *suggested, alternatives, column.sample_values, made.decided_by, "suggested")
