# ruff: noqa: S608 - names in the statements are those of the schema
"""The schema's revisions: up, down and up again, one head, and all or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DataError, ProgrammingError

from masterflow.store import schema
from masterflow.store.database import Database
from masterflow.store.ddl import API, BACKUP, OWNER
from support import catalog, catalog_capture
from support.factories import FACTORIES, plant
from support.server import Server
from support.tenants import ScopeFactory

REVISIONS = Path(schema.__file__).parent / "migrations" / "versions"
FAILING = """
from alembic import op
revision, down_revision = "9999", "{head}"
def upgrade():
    op.execute("create table app.half_done (id uuid)")
    op.execute("select 1 / 0")
def downgrade():
    op.execute("drop table app.half_done")
"""


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The name of a database with roles and grants but without a schema."""
    with server.empty_database(f"empty_{secrets.token_hex(6)}") as name:
        yield name


@pytest.fixture
def populated(server: Server) -> Iterator[str]:
    """The name of a migrated database with a row in every table."""
    with server.copy(f"populated_{secrets.token_hex(6)}") as name:
        with server.superuser(name) as admin:
            plant(admin, ScopeFactory(admin)())
        yield name


def _objects(admin: psycopg.Connection) -> set[str]:
    """Everything in the schemas of the product, and the schemas themselves."""
    return {
        row[0]
        for row in admin.execute(
            """select format('%s.%s', n.nspname, o.name) from pg_namespace n, lateral (
                   select relname as name from pg_class where relnamespace = n.oid and relkind <> 'i'
                   union all select proname from pg_proc where pronamespace = n.oid
                   union all select typname from pg_type where typnamespace = n.oid and typtype in ('e', 'd')
                   union all select '' ) o
               where n.nspname in ('app', 'hist', 'queue')"""
        )
    }


def test_there_is_one_head_and_every_revision_can_be_undone() -> None:
    script = ScriptDirectory(str(REVISIONS.parent), version_locations=[str(REVISIONS)])
    revisions = list(script.walk_revisions())
    assert script.get_heads() == [schema.head()]
    assert all(callable(revision.module.downgrade) for revision in revisions)


def test_a_new_database_has_no_revision_and_then_the_head(server: Server, empty: str) -> None:
    url = server.migrator_url(empty)
    before = schema.current(url)
    schema.upgrade(url)
    assert (before, schema.current(url)) == (None, schema.head())


def test_upgrading_twice_changes_nothing(server: Server, populated: str) -> None:
    with server.superuser(populated) as admin:
        before = _objects(admin)
        schema.upgrade(server.migrator_url(populated))
        assert _objects(admin) == before


def test_a_downgrade_of_a_populated_database_leaves_the_version_table_only(server: Server, populated: str) -> None:
    schema.downgrade(server.migrator_url(populated), "base")
    with server.superuser(populated) as admin:
        assert _objects(admin) == {"app.", "app.alembic_version"}


def test_up_down_and_up_again_gives_the_same_schema(server: Server, populated: str) -> None:
    url = server.migrator_url(populated)
    with server.superuser(populated) as admin:
        before = _objects(admin)
        schema.downgrade(url, "base")
        schema.upgrade(url)
        assert _objects(admin) == before
        assert [*catalog.policies(admin), *catalog.grants(admin), *catalog_capture.capture_triggers(admin)] == []
        plant(admin, ScopeFactory(admin)())


def test_an_upgrade_that_fails_half_way_leaves_nothing(server: Server, empty: str) -> None:
    with server.superuser(empty) as admin:
        admin.execute(f"create schema queue authorization {OWNER}; create table queue.pgqueuer (id bigint)")
        with pytest.raises(psycopg.errors.DuplicateTable):
            schema.upgrade(server.migrator_url(empty))
        assert _objects(admin) == {"queue.", "queue.pgqueuer"}


def test_a_failing_revision_leaves_the_database_at_the_revision_before(
    server: Server, populated: str, tmp_path: Path
) -> None:
    (tmp_path / "r9999.py").write_text(FAILING.format(head=schema.head()), encoding="utf-8")
    config = Config()
    config.set_main_option("script_location", str(REVISIONS.parent))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", f"{REVISIONS}:{tmp_path}")
    url = server.migrator_url(populated)
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(DataError, match="division by zero"):
            command.upgrade(config, "head")
    with server.superuser(populated) as admin:
        assert schema.current(url) == schema.head()
        assert "app.half_done" not in _objects(admin)


def test_rows_survive_a_repeated_upgrade(server: Server, populated: str) -> None:
    schema.upgrade(server.migrator_url(populated))
    with server.superuser(populated) as admin:
        empty = [name for name in FACTORIES if not admin.execute(f"select exists (select from {name})").fetchone()[0]]
    assert empty == []


def test_the_owner_owns_what_the_migrator_made(server: Server, populated: str) -> None:
    with server.superuser(populated) as admin:
        assert catalog.ownership(admin) == []


async def test_the_application_cannot_migrate(server: Server, empty: str) -> None:
    url = server.url(empty, API).render_as_string(hide_password=False)
    with pytest.raises(ProgrammingError, match="permission denied to set role"):
        schema.upgrade(url)


async def test_a_database_without_a_schema_is_an_error_of_the_product(server: Server, empty: str) -> None:
    database = Database(server.url(empty, API))
    with pytest.raises(Exception, match="the database refused a statement"):
        await database.call("select * from app.pending_reverts()", ())
    await database.close()


def test_a_backup_reads_every_table_and_sequence(server: Server, populated: str) -> None:
    with psycopg.connect(server.dsn(populated, BACKUP)) as backup:
        names = [row[0] for row in backup.execute("select schemaname || '.' || tablename from pg_tables"
                 " where schemaname in ('app', 'hist', 'queue')")]  # fmt: skip
        counts = {name: backup.execute(f"select count(*) from {name}").fetchone()[0] for name in names}
        sequences = backup.execute("select last_value from app.change_seq").fetchone()
    assert sequences is not None
    assert all(counts[name] == 1 for name in ("app.assets", "hist.assets", "app.checkpoints"))
