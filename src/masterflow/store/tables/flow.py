"""The master row of a flow and the logs of its runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Text, desc, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from masterflow.store.tables.base import Base, EngagementScoped
from masterflow.store.tables.columns import (
    TENANT,
    Big,
    Items,
    Maybe,
    Moment,
    Now,
    Objects,
    Str,
    Word,
    of_engagement,
    of_flow,
    refers,
    unique,
)

_MADE = text("gen_random_uuid()")


class KnownStatus(Base):
    """A status of the life cycle; equal to kernel/status.py."""

    __tablename__ = "flow_statuses"

    status: Mapped[Word] = mapped_column(primary_key=True)


class KnownTransition(Base):
    """A legal move of the life cycle; equal to kernel/status.py."""

    __tablename__ = "flow_transitions"

    action: Mapped[Word] = mapped_column(primary_key=True)
    from_status: Mapped[Word] = mapped_column(ForeignKey("app.flow_statuses.status"), primary_key=True)
    to_status: Mapped[Word] = mapped_column(ForeignKey("app.flow_statuses.status"), primary_key=True)


class MasterFlow(Base):
    """One row per flow. Only the transition functions of the database write it.

    `flow_state` is a sealed document (store.sealing).
    """

    __tablename__ = "crewai_flow_state_extensions"
    __table_args__ = (
        of_engagement(),
        of_flow("parent_flow_id"),
        unique("flow_id"),
        Index("idx_flow_type_status", *TENANT, "flow_type", "flow_status"),
        Index("idx_client_engagement", *TENANT, desc("created_at"), desc("flow_id")),
        Index("idx_created_at", *TENANT, "created_at"),
        Index("idx_current_phase", *TENANT, "current_phase"),
        Index("idx_flow_live", "updated_at", postgresql_where=text("flow_status in ('queued', 'running')")),
        Index("idx_flow_revert", "flow_id", postgresql_where=text("revert_pending")),
    )

    client_account_id: Mapped[UUID] = mapped_column(server_default=text("app.client_id()"))
    engagement_id: Mapped[UUID] = mapped_column(server_default=text("app.engagement_id()"))
    flow_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    flow_type: Mapped[Word]
    flow_version: Mapped[Str]
    user_id: Mapped[Str]
    flow_name: Mapped[Str]
    flow_description: Mapped[Str | None]
    flow_tags: Mapped[Items]
    flow_status: Mapped[str] = mapped_column(Text(collation="C"), ForeignKey("app.flow_statuses.status"))
    current_phase: Mapped[Word | None]
    phases_completed: Mapped[Items]
    progress_percentage: Mapped[float] = mapped_column(Double, server_default=text("0"))
    flow_configuration: Mapped[Objects]
    flow_state: Mapped[bytes]
    waiting_for: Mapped[Objects]
    status_before: Mapped[Maybe]
    revert_pending: Mapped[bool] = mapped_column(server_default=text("false"))
    run_id: Mapped[UUID | None]
    fence: Mapped[Big | None]
    job_id: Mapped[Big | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    event_seq: Mapped[int] = mapped_column(server_default=text("1"))
    parent_flow_id: Mapped[UUID | None]
    dependent_flow_ids: Mapped[Items]
    iteration_number: Mapped[int] = mapped_column(server_default=text("1"))
    cross_phase_context: Mapped[Objects]
    flow_metadata: Mapped[Objects]
    deletion_metadata: Mapped[Maybe]
    created_at: Mapped[Now]
    updated_at: Mapped[Now]
    created_by: Mapped[Str]
    updated_by: Mapped[Str]


class PhaseRun(EngagementScoped, Base):
    """One execution of a phase in an iteration; its attempts share the row and the change set."""

    __tablename__ = "phase_runs"
    __table_args__ = (
        refers("change_set_id", "app.change_sets"),
        of_flow(),
        Index(
            "one_result_per_phase",
            *TENANT,
            "flow_id",
            "phase",
            "iteration",
            unique=True,
            postgresql_where=text("status = 'succeeded'"),
        ),
        Index("idx_runs_of_flow", *TENANT, "flow_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_id: Mapped[UUID]
    phase: Mapped[Word]
    iteration: Mapped[int]
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    takeovers: Mapped[int] = mapped_column(server_default=text("0"))
    status: Mapped[Str]
    change_set_id: Mapped[UUID | None]
    requested_by: Mapped[Str]
    permissions: Mapped[Items]
    inputs: Mapped[bytes]
    options: Mapped[Objects]
    outputs: Mapped[bytes | None]
    validation: Mapped[Items]
    error: Mapped[Maybe]
    blocked_by: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    due_at: Mapped[Moment | None]
    created_at: Mapped[Now]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    execution_time_ms: Mapped[Big | None]
    resource_usage: Mapped[Objects]
    next_phase: Mapped[Str | None]


class RunStep(EngagementScoped, Base):
    """A finished step of a run with its sealed outputs."""

    __tablename__ = "run_steps"
    __table_args__ = (refers("run_id", "app.phase_runs"),)

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    handler: Mapped[Str]
    outputs: Mapped[bytes]
    finished_at: Mapped[Now]


class Checkpoint(EngagementScoped, Base):
    """The sealed state of a flow before or after a run; `digest` is its SHA-256."""

    __tablename__ = "checkpoints"
    __table_args__ = (of_flow(), unique("run_id", "kind"))

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    flow_id: Mapped[UUID]
    run_id: Mapped[UUID]
    phase: Mapped[Str]
    kind: Mapped[Str]
    state: Mapped[bytes]
    digest: Mapped[bytes]
    phases_completed: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[Now]


class ChangeSet(EngagementScoped, Base):
    """The unit of undo: all captured writes of one run, one human edit or one roll-back."""

    __tablename__ = "change_sets"
    __table_args__ = (
        of_flow(),
        Index("change_sets_client_account_id_engagement_id_flow_id_seq_idx", *TENANT, "flow_id", "seq"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Str]
    status: Mapped[str] = mapped_column(Text, server_default=text("'open'::text"))
    flow_id: Mapped[UUID | None]
    phase: Mapped[Str | None]
    reverted_by: Mapped[UUID | None]
    seq: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('app.change_seq'::regclass)"))
    created_by: Mapped[Str]
    created_at: Mapped[Now]
    sealed_at: Mapped[Moment | None]


class CapturedTable(Base):
    """Name of a table whose changes are kept in schema `hist`."""

    __tablename__ = "captured_tables"

    table_name: Mapped[Str] = mapped_column(primary_key=True)
