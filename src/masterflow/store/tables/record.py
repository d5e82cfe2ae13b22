"""What is only ever added: events, audit rows, insights; and the answers kept for repeated requests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from masterflow.store.tables.base import Base, EngagementScoped
from masterflow.store.tables.columns import Now, Object, Objects, Str, index, of_flow

_MADE = text("gen_random_uuid()")


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, read as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type in DDL."""
        return "xid8"


ischema_names["xid8"] = TransactionId  # reflection does not know the type and would warn


class FlowEvent(EngagementScoped, Base):
    """A numbered event of a flow; `seq` starts at 1 and has no gaps."""

    __tablename__ = "flow_events"
    __table_args__ = (of_flow(),)

    flow_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Str]
    payload: Mapped[Object]
    version: Mapped[int]
    created_at: Mapped[Now]


class AuditEntry(EngagementScoped, Base):
    """Who did what, or was refused, with which result."""

    __tablename__ = "access_audit_log"
    __table_args__ = (
        index("access_audit_log", "resource_type", "resource_id", "created_at"),
        index("access_audit_log", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    transaction_id: Mapped[str] = mapped_column(TransactionId, server_default=text("pg_current_xact_id()"))
    user_id: Mapped[Str]
    action_type: Mapped[Str]
    resource_type: Mapped[Str]
    resource_id: Mapped[Str | None]
    result: Mapped[Str]
    reason: Mapped[Str | None]
    from_status: Mapped[Str | None]
    to_status: Mapped[Str | None]
    version: Mapped[int | None]
    ip_address: Mapped[Str | None]
    user_agent: Mapped[Str | None]
    request_id: Mapped[Str | None]
    details: Mapped[Objects]
    created_at: Mapped[Now]


class AgentInsight(EngagementScoped, Base):
    """What an agent contributed to a flow."""

    __tablename__ = "agent_insights"
    __table_args__ = (of_flow(),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    flow_id: Mapped[UUID]
    run_id: Mapped[UUID | None]
    phase: Mapped[Str | None]
    insight: Mapped[Object]
    created_at: Mapped[Now]


class LearningPattern(EngagementScoped, Base):
    """A pattern learned from decisions of people in this engagement."""

    __tablename__ = "learning_patterns"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    flow_id: Mapped[UUID | None]
    pattern: Mapped[Object]
    created_by: Mapped[Str]
    created_at: Mapped[Now]


class IdempotencyKey(EngagementScoped, Base):
    """A request that must have one effect; `status_code` and `body` are its answer once it is known."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[Str] = mapped_column(primary_key=True)
    key: Mapped[Str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status_code: Mapped[int | None]
    body: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    created_at: Mapped[Now]
