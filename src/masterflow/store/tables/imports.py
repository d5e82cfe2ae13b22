"""Uploaded files, the rows read from them, their mapping and what was found wrong."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Text, text
from sqlalchemy.orm import Mapped, mapped_column

from masterflow.store.tables.base import Base, EngagementScoped
from masterflow.store.tables.columns import (
    Big,
    Empty,
    Figure,
    Items,
    Now,
    Object,
    Objects,
    Str,
    index,
    of_engagement,
    refers,
    unique,
)

_CHANGE_SET = text("app.change_set_id()")


class Blob(EngagementScoped, Base):
    """Stored bytes, once per content and engagement; `size` in bytes."""

    __tablename__ = "blobs"
    __table_args__ = (unique("sha256"), of_engagement())

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes]
    size: Mapped[Big]
    media_type: Mapped[Str]
    created_by: Mapped[str] = mapped_column(Text, server_default=text("app.actor_id()"))
    created_at: Mapped[Now]


class BlobChunk(EngagementScoped, Base):
    """At most 1 MiB of a blob; `seq` counts from 0."""

    __tablename__ = "blob_chunks"
    __table_args__ = (refers("blob_id", "app.blobs"),)

    blob_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class DataImport(EngagementScoped, Base):
    """A file given to a flow and how it was read."""

    __tablename__ = "data_imports"
    __table_args__ = (
        refers("blob_id", "app.blobs"),
        index("data_imports", "flow_id"),
        index("data_imports", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_id: Mapped[UUID | None]
    blob_id: Mapped[UUID]
    file_name: Mapped[Str]
    source: Mapped[Empty]
    source_title: Mapped[Empty]
    dialect: Mapped[Objects]
    sheets: Mapped[Items]
    status: Mapped[str] = mapped_column(Text, server_default=text("'uploaded'::text"))
    total_records: Mapped[int | None]
    rejected_records: Mapped[int | None]
    issues: Mapped[Items]
    created_by: Mapped[Str]
    created_at: Mapped[Now]


class RawImportRecord(EngagementScoped, Base):
    """A row as it stands in the file; read through `app.current_raw_records`."""

    __tablename__ = "raw_import_records"
    __table_args__ = (
        refers("change_set_id", "app.change_sets"),
        index("raw_import_records", "import_id", "sheet", "row_number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID]
    change_set_id: Mapped[UUID] = mapped_column(server_default=_CHANGE_SET)
    sheet: Mapped[Str]
    row_number: Mapped[int]
    values: Mapped[Object]


class ImportFieldMapping(EngagementScoped, Base):
    """What a column of a sheet means, as suggested and as decided."""

    __tablename__ = "import_field_mappings"
    __table_args__ = (
        unique("import_id", "sheet", "source_column"),
        refers("import_id", "app.data_imports", deferrable=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID]
    sheet: Mapped[Str]
    source_column: Mapped[Str]
    position: Mapped[int]
    target_field: Mapped[Str | None]
    suggested_field: Mapped[Str | None]
    confidence: Mapped[Figure]
    unit: Mapped[Empty]
    evidence: Mapped[Items]
    alternatives: Mapped[Items]
    sample_values: Mapped[Items]
    decided_by: Mapped[Str]
    status: Mapped[Str]
    updated_by: Mapped[Str | None]


class CleansedRecord(EngagementScoped, Base):
    """A row after mapping and cleansing; read through `app.current_cleansed_records`."""

    __tablename__ = "cleansed_records"
    __table_args__ = (
        refers("change_set_id", "app.change_sets"),
        index("cleansed_records", "import_id", "sheet", "row_number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID]
    change_set_id: Mapped[UUID] = mapped_column(server_default=_CHANGE_SET)
    raw_record_id: Mapped[UUID]
    sheet: Mapped[Str]
    row_number: Mapped[int]
    role: Mapped[Object]
    values: Mapped[Object]
    quarantine_reason: Mapped[Str | None]


class QualityIssue(EngagementScoped, Base):
    """A finding about a file, a row or a cell; read through `app.current_quality_issues`."""

    __tablename__ = "quality_issues"
    __table_args__ = (
        refers("change_set_id", "app.change_sets"),
        index("quality_issues", "import_id", "code"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID]
    change_set_id: Mapped[UUID] = mapped_column(server_default=_CHANGE_SET)
    code: Mapped[Str]
    severity: Mapped[Str]
    message: Mapped[Str]
    sheet: Mapped[Str]
    row_number: Mapped[int | None]
    column_name: Mapped[Str | None]
