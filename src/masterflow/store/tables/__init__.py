"""Every table of the schema as SQLAlchemy classes, for repositories and for Alembic."""

from masterflow.store.tables.base import Base

__all__ = ["Base"]
