"""Alembic environment: runs as the migrator, makes objects as the owner."""

from alembic import context
from sqlalchemy import Connection, text

from masterflow.store.ddl import OWNER
from masterflow.store.tables import Base


def migrate(connection: Connection) -> None:
    """Run the revisions on a connection of the migrator role, one transaction for all of them."""
    context.configure(
        connection=connection, target_metadata=Base.metadata, version_table_schema="app", include_schemas=True
    )
    with context.begin_transaction():
        connection.execute(text(f"set role {OWNER}"))
        connection.execute(text("create schema if not exists app"))
        context.run_migrations()
        connection.execute(text("reset role"))


migrate(context.config.attributes["connection"])
