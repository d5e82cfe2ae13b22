"""Rows of imported files: as they stand in the file, as cleansed, and what was found wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, TableClause, Text, cast, func, select, tuple_

from masterflow.domain.records import (
    CleanRecord,
    CleanValue,
    Issue,
    PackedClean,
    PackedRaw,
    Place,
    Record,
    SheetRole,
)
from masterflow.store.bulk import copy_rows
from masterflow.store.repositories.base import Repository, check_limit, view
from masterflow.store.tables import ChangeSet, CleansedRecord, QualityIssue, RawImportRecord

ROWS_AT_ONCE = 2_000
_RAW = view("current_raw_records", RawImportRecord)
_CLEANSED = view("current_cleansed_records", CleansedRecord)
_ISSUES = view("current_quality_issues", QualityIssue)
_ISSUE_ORDER = (_ISSUES.c.sheet, func.coalesce(_ISSUES.c.row_number, 0), _ISSUES.c.id)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A row as it stands in the file, with its id."""

    id: UUID
    import_id: UUID
    record: Record


@dataclass(frozen=True, slots=True)
class StoredClean:
    """A cleansed row; `quarantine_reason` says why it is kept out of the inventory, None when it is not."""

    id: UUID
    record: CleanRecord
    quarantine_reason: str | None


@dataclass(frozen=True, slots=True)
class StoredIssue:
    """A finding with its id; `key` continues a page."""

    id: UUID
    issue: Issue

    @property
    def key(self) -> tuple[str, int, UUID]:
        """Position in the order of `Records.issues`."""
        return self.issue.place.sheet, self.issue.place.row or 0, self.id


@dataclass(frozen=True, slots=True)
class IssueFilter:
    """Which findings a page shows; None does not restrict."""

    code: str | None = None
    severity: str | None = None
    run_id: UUID | None = None


EVERY_ISSUE = IssueFilter()


class Records(Repository):
    """Rows of imports. They are only added, in an open change set; undone ones are hidden."""

    async def add_raw(self, import_id: UUID, records: Iterable[Record]) -> int:
        """Store rows as they stand in the file; their number."""
        columns = ("id", "import_id", "sheet", "row_number", "values")
        rows = ((self._new_id(), import_id, r.sheet, r.row, r.values) for r in records)
        return await copy_rows(self._session, RawImportRecord, columns, rows)

    async def add_cleansed(self, import_id: UUID, records: Iterable[tuple[CleanRecord, str | None]]) -> int:
        """Store cleansed rows, each with its quarantine reason or None; `record_id` is the raw record's id."""
        columns = (*("id", "import_id", "raw_record_id", "sheet", "row_number", "role", "values", "quarantine_reason"),)
        rows = (
            (self._new_id(), import_id, UUID(r.record_id), r.sheet, r.row, _role(r.role), _values(r), reason)
            for r, reason in records
        )
        return await copy_rows(self._session, CleansedRecord, columns, rows)

    async def add_issues(self, import_id: UUID, issues: Iterable[Issue]) -> int:
        """Store findings; their number."""
        columns = ("id", "import_id", "code", "severity", "message", "sheet", "row_number", "column_name")
        rows = (
            (self._new_id(), import_id, i.code, i.severity, i.message, i.place.sheet, i.place.row, i.place.column)
            for i in issues
        )
        return await copy_rows(self._session, QualityIssue, columns, rows)

    async def latest_run(self, import_id: UUID) -> UUID | None:
        """The newest finished run that cleansed rows of the import; None when none did."""
        written = select(_CLEANSED.c.id).where(
            _CLEANSED.c.import_id == import_id, _CLEANSED.c.change_set_id == ChangeSet.id
        )
        newest = select(ChangeSet.id).where(ChangeSet.status == "sealed", ChangeSet.kind == "run", written.exists())
        return await self._first(newest.order_by(ChangeSet.seq.desc()).limit(1))

    async def raw(self, import_id: UUID, *, run_id: UUID | None = None) -> AsyncIterator[list[StoredRecord]]:
        """All rows of an import by sheet and row, in lists of up to 2,000.

        A file that was read again has its rows once per run: `run_id` names the run whose rows count.
        """
        async for rows in self._in_order(_RAW, import_id, run_id):
            yield [_stored(row) for row in rows]

    async def raw_by_ids(self, ids: Sequence[UUID]) -> list[StoredRecord]:
        """The rows with these ids by sheet and row, undone ones included: evidence keeps its source."""
        table = RawImportRecord.__table__
        found = select(table).where(table.c.id.in_(ids)).order_by(table.c.sheet, table.c.row_number)
        return [_stored(row) for row in await self._session.execute(found)]

    async def cleansed(self, import_id: UUID, *, run_id: UUID | None = None) -> AsyncIterator[list[StoredClean]]:
        """All cleansed rows of an import by sheet and row, in lists of up to 2,000; `run_id` as in `raw`."""
        async for rows in self._in_order(_CLEANSED, import_id, run_id):
            yield [_cleaned(row) for row in rows]

    async def packed_raw(self, import_id: UUID, *, run_id: UUID) -> list[PackedRaw]:
        """As `raw`, all at once and with the cells still as JSON text: for calculations in other processes."""
        columns = (_RAW.c.id, _RAW.c.sheet, _RAW.c.row_number, cast(_RAW.c["values"], Text))
        rows = await self._packed(_RAW, columns, (import_id, run_id))
        return [(str(record_id), sheet, row, values) for record_id, sheet, row, values in rows]

    async def packed_clean(self, import_id: UUID, *, run_id: UUID) -> list[PackedClean]:
        """As `cleansed` without the quarantined rows, packed as `packed_raw`; ids are the raw records'."""
        documents = (cast(_CLEANSED.c.role, Text), cast(_CLEANSED.c["values"], Text))
        columns = (_CLEANSED.c.raw_record_id, _CLEANSED.c.sheet, _CLEANSED.c.row_number, *documents)
        kept = _CLEANSED.c.quarantine_reason.is_(None)
        rows = await self._packed(_CLEANSED, columns, (import_id, run_id), kept)
        return [(str(record_id), sheet, row, role, values) for record_id, sheet, row, role, values in rows]

    async def issues(
        self,
        import_id: UUID,
        wanted: IssueFilter = EVERY_ISSUE,
        *,
        limit: int = 50,
        after: tuple[str, int, UUID] | None = None,
    ) -> list[StoredIssue]:
        """Findings of an import by sheet, row and id; `after` is the `key` of the last one seen."""
        found = select(_ISSUES).where(_ISSUES.c.import_id == import_id)
        if wanted.code is not None:
            found = found.where(_ISSUES.c.code == wanted.code)
        if wanted.severity is not None:
            found = found.where(_ISSUES.c.severity == wanted.severity)
        if wanted.run_id is not None:
            found = found.where(_ISSUES.c.change_set_id == wanted.run_id)
        if after is not None:
            found = found.where(tuple_(*_ISSUE_ORDER) > after)
        rows = await self._session.execute(found.order_by(*_ISSUE_ORDER).limit(check_limit(limit)))
        return [_found(row) for row in rows]

    async def issue_counts(self, import_id: UUID) -> dict[tuple[str, str], int]:
        """Findings of an import counted by (code, severity)."""
        group = (_ISSUES.c.code, _ISSUES.c.severity)
        counted = select(*group, func.count()).where(_ISSUES.c.import_id == import_id).group_by(*group)
        return {(code, severity): count for code, severity, count in await self._session.execute(counted)}

    async def _packed(
        self,
        source: TableClause,
        columns: Sequence[ColumnElement[Any]],
        written: tuple[UUID, UUID],
        *conditions: ColumnElement[bool],
    ) -> list[tuple[Any, ...]]:
        import_id, run_id = written
        found = select(*columns).where(source.c.import_id == import_id, source.c.change_set_id == run_id, *conditions)
        rows = await self._session.execute(found.order_by(source.c.sheet, source.c.row_number, source.c.id))
        return [tuple(row) for row in rows]

    async def _in_order(
        self, source: TableClause, import_id: UUID, run_id: UUID | None
    ) -> AsyncIterator[Sequence[Row[Any]]]:
        rows_of = [source.c.import_id == import_id] + ([source.c.change_set_id == run_id] if run_id else [])
        ordered = select(source).where(*rows_of).order_by(source.c.sheet, source.c.row_number, source.c.id)
        rows = await self._session.stream(ordered.execution_options(yield_per=ROWS_AT_ONCE))
        async for part in rows.partitions():
            yield part


def _role(role: SheetRole) -> dict[str, str]:
    return {"kind": role.kind, "asset_type": role.asset_type, "key_column": role.key_column}


def _values(record: CleanRecord) -> dict[str, Any]:
    return {
        target: {"value": v.value, "raw": v.raw, "column": v.column, "transform": v.transform}
        for target, v in record.values.items()
    }


def _stored(row: Row[Any]) -> StoredRecord:
    return StoredRecord(row.id, row.import_id, Record(row.sheet, row.row_number, row._mapping["values"]))


def _cleaned(row: Row[Any]) -> StoredClean:
    values = {
        target: CleanValue(v["value"], v["raw"], v["column"], tuple(v["transform"]))
        for target, v in row._mapping["values"].items()
    }
    record = CleanRecord(str(row.raw_record_id), row.sheet, row.row_number, SheetRole(**row.role), values)
    return StoredClean(row.id, record, row.quarantine_reason)


def _found(row: Row[Any]) -> StoredIssue:
    place = Place(sheet=row.sheet, row=row.row_number, column=row.column_name)
    return StoredIssue(row.id, Issue(row.code, row.severity, row.message, place))
