"""Base of the mapped classes and the tenant columns that lead their keys."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import MetaData, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All classes live in schema `app`."""

    metadata = MetaData(schema="app")


class ClientScoped:
    """Table class "client": the client account leads the key and is filled from the context."""

    client_account_id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=text("app.client_id()"), sort_order=-2
    )


class EngagementScoped(ClientScoped):
    """Table class "engagement": client account and engagement lead the key."""

    engagement_id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=text("app.engagement_id()"), sort_order=-1
    )
