"""Client accounts, engagements, people and what they may do."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from masterflow.store.tables.base import Base, ClientScoped, EngagementScoped
from masterflow.store.tables.columns import Items, Moment, Now, Str, of_client

_MADE = text("gen_random_uuid()")


class ClientAccount(ClientScoped, Base):
    """A customer; the widest border of a query."""

    __tablename__ = "client_accounts"

    name: Mapped[Str]
    created_at: Mapped[Now]


class Engagement(EngagementScoped, Base):
    """A migration project of a client account; the usual border of a query."""

    __tablename__ = "engagements"
    __table_args__ = (ForeignKeyConstraint(["client_account_id"], ["app.client_accounts.client_account_id"]),)

    name: Mapped[Str]
    created_at: Mapped[Now]


class Principal(ClientScoped, Base):
    """A person or program that may hold keys and roles."""

    __tablename__ = "principals"
    __table_args__ = (ForeignKeyConstraint(["client_account_id"], ["app.client_accounts.client_account_id"]),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    name: Mapped[Str]
    email: Mapped[Str | None]
    created_at: Mapped[Now]
    disabled_at: Mapped[Moment | None]


class RoleGrant(ClientScoped, Base):
    """A role of a principal in one engagement, or in all of the client account."""

    __tablename__ = "role_grants"
    __table_args__ = (
        of_client("principal_id", "app.principals"),
        of_client("engagement_id", "app.engagements", key="engagement_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    principal_id: Mapped[UUID]
    engagement_id: Mapped[UUID | None]
    role: Mapped[Str]
    expires_at: Mapped[Moment | None]
    granted_by: Mapped[Str]
    created_at: Mapped[Now]


class ApiKey(ClientScoped, Base):
    """The hash of an API key; the key itself is shown once and not kept."""

    __tablename__ = "api_keys"
    __table_args__ = (of_client("principal_id", "app.principals"), UniqueConstraint("prefix"))

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=_MADE)
    principal_id: Mapped[UUID]
    prefix: Mapped[Str]
    key_hash: Mapped[bytes]
    scopes: Mapped[Items]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    created_at: Mapped[Now]
