"""The mapped classes describe the database that the revisions make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, MetaData, NullPool, Table, Text, create_engine, inspect, text

from masterflow.store.tables import Base


@pytest.fixture
def migrated(migrator_url: str) -> Iterator[Connection]:
    """The migrated database as the migrator sees it; nothing is committed."""
    engine = create_engine(migrator_url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """What Alembic would write to make schema app equal to `metadata`: columns, types, nullability, defaults, keys."""
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table_schema": "app",
            "include_schemas": True,
            "include_name": lambda name, kind, parents: name == "app" if kind == "schema" else True,
            "compare_type": True,
            "compare_server_default": defaults_differ,
        },
    )
    return compare_metadata(context, metadata)


def defaults_differ(context: Any, inspected: Any, column: Column[Any], stored: str | None, *rest: Any) -> bool:
    """Whether a default of the database is written otherwise in the class."""
    return stored != (None if column.server_default is None else str(column.server_default.arg))


def copied(metadata: MetaData) -> MetaData:
    """The same tables, free to be changed."""
    copy = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(copy)
    return copy


def test_the_classes_and_the_migrated_database_do_not_differ(migrated):
    assert differences(migrated, Base.metadata) == []


def test_every_class_has_the_primary_key_and_collations_of_its_table(migrated):
    inspector = inspect(migrated)
    for table in Base.metadata.tables.values():
        stored = inspector.get_pk_constraint(table.name, "app")["constrained_columns"]
        assert stored == [column.name for column in table.primary_key.columns], table.name
        collations = {
            c["name"]: getattr(c["type"], "collation", None) for c in inspector.get_columns(table.name, "app")
        }
        assert collations == {c.name: getattr(c.type, "collation", None) for c in table.columns}, table.name


def test_every_table_of_the_schema_has_a_class(migrated):
    stored = set(inspect(migrated).get_table_names("app")) - {"alembic_version"}
    assert stored == {table.name for table in Base.metadata.tables.values()}


def change_type(assets: Table) -> None:
    assets.c.name.type = Integer()


def change_nullability(assets: Table) -> None:
    assets.c.vendor.nullable = False


def change_default(assets: Table) -> None:
    assets.c.version.server_default.arg = text("2")


def add_column(assets: Table) -> None:
    assets.append_column(Column("added", Text))


def drop_index(assets: Table) -> None:
    assets.indexes.pop()


@pytest.mark.parametrize("plant", [change_type, change_nullability, change_default, add_column, drop_index])
def test_a_planted_difference_is_found(migrated, plant):
    planted = copied(Base.metadata)
    plant(planted.tables["app.assets"])
    assert differences(migrated, planted)


@pytest.mark.parametrize(
    "statement",
    [
        "alter table app.assets alter name drop not null",
        "alter table app.learning_patterns alter created_by type varchar",
        "alter table app.phase_runs drop constraint phase_runs_client_account_id_engagement_id_flow_id_fkey",
        "drop index app.idx_created_at",
        "alter table app.assets drop constraint assets_client_account_id_engagement_id_natural_key_key",
    ],
)
def test_a_change_planted_in_the_database_is_found(migrated, statement):
    migrated.execute(text("set role masterflow_owner"))
    migrated.execute(text(statement))
    assert differences(migrated, Base.metadata)
