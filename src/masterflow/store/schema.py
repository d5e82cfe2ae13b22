"""Bring a database to a revision of the schema, and say which one it has."""

from __future__ import annotations

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine


def upgrade(migrator_url: str, revision: str = "head") -> None:
    """Run the revisions up to `revision` as the migrator role, in one transaction."""
    _run(migrator_url, lambda config: command.upgrade(config, revision))


def downgrade(migrator_url: str, revision: str) -> None:
    """Run the revisions down to `revision` as the migrator role, in one transaction."""
    _run(migrator_url, lambda config: command.downgrade(config, revision))


def head() -> str:
    """Newest revision that this code knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def known() -> frozenset[str]:
    """Every revision that this code knows."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def current(migrator_url: str) -> str | None:
    """Revision of the database; None when it has no schema yet."""
    engine = create_engine(migrator_url, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table_schema": "app"})
        return context.get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "masterflow:store/migrations")
    config.set_main_option("path_separator", "os")
    return config


def _run(migrator_url: str, work: Callable[[Config], None]) -> None:
    engine = create_engine(migrator_url, poolclass=NullPool)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        work(config)
