"""Column types and keys that the mapped classes share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Double, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

TENANT = ("client_account_id", "engagement_id")
FLOWS = "app.crewai_flow_state_extensions"

Str = Annotated[str, mapped_column(Text)]
Empty = Annotated[str, mapped_column(Text, server_default=text("''::text"))]
"""Text that is "" unless given."""
Word = Annotated[str, mapped_column(Text(collation="C"))]
"""Text that is sorted or compared by bytes."""
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Now = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))]
"""The database's clock at the time of the insert."""
Big = Annotated[int, mapped_column(BigInteger)]
Figure = Annotated[float, mapped_column(Double)]
Object = Annotated[dict[str, Any], mapped_column(JSONB)]
Objects = Annotated[dict[str, Any], mapped_column(JSONB, server_default=text("'{}'::jsonb"))]
"""A JSON object, {} unless given."""
Items = Annotated[list[Any], mapped_column(JSONB, server_default=text("'[]'::jsonb"))]
"""A JSON array, [] unless given."""
Maybe = Annotated[dict[str, Any] | None, mapped_column(JSONB(none_as_null=True), nullable=True)]
"""A JSON object or SQL NULL; Python's None never becomes the JSON value null."""


def refers(column: str, target: str, *, key: str | None = None, deferrable: bool | None = None) -> ForeignKeyConstraint:
    """Foreign key from (tenant columns, `column`) to the same columns of `target`, whose own key is `key`."""
    own = (*TENANT, column)
    there = [f"{target}.{name}" for name in (*TENANT, key or "id")]
    return ForeignKeyConstraint(own, there, deferrable=deferrable)


def of_client(column: str, target: str, *, key: str = "id") -> ForeignKeyConstraint:
    """Foreign key within a client account."""
    there = [f"{target}.client_account_id", f"{target}.{key}"]
    return ForeignKeyConstraint(("client_account_id", column), there)


def of_engagement() -> ForeignKeyConstraint:
    """Foreign key of the tenant columns to the engagement."""
    return ForeignKeyConstraint(TENANT, [f"app.engagements.{name}" for name in TENANT])


def of_flow(column: str = "flow_id") -> ForeignKeyConstraint:
    """Foreign key to the master row of a flow."""
    return refers(column, FLOWS, key="flow_id")


def unique(*columns: str) -> UniqueConstraint:
    """Unique within the engagement."""
    return UniqueConstraint(*TENANT, *columns)


def index(table: str, *columns: str) -> Index:
    """An index led by the tenant columns, under the name PostgreSQL gives it."""
    full = (*TENANT, *columns)
    return Index(_given_name(table, full), *full)


def _given_name(table: str, columns: tuple[str, ...]) -> str:
    """Name that PostgreSQL makes for an unnamed index: 63 bytes, the longer part cut first (makeObjectName)."""
    parts = [table, "_".join(columns)]
    while len(parts[0]) + len(parts[1]) > 63 - len("__idx"):
        longer = 0 if len(parts[0]) > len(parts[1]) else 1
        parts[longer] = parts[longer][:-1]
    return f"{parts[0]}_{parts[1]}_idx"
