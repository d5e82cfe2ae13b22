# ruff: noqa: S608 - names in the statements are those of the schema
"""The catalog of a migrated database keeps every rule, and each rule finds the violation it is there for."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources

import psycopg
import pytest
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.domain.settings import DBSettings

from masterflow.kernel.status import FlowStatus, table
from masterflow.store.ddl import sql_file
from support import catalog, catalog_capture
from support.server import Server

Rule = Callable[[psycopg.Connection], list[str]]
SQL_FILES = sorted(
    entry.name for entry in (resources.files("masterflow.store") / "sql").iterdir() if entry.name.endswith(".sql")
)

VIOLATIONS: list[tuple[Rule, str, str]] = [
    (catalog.row_security, "alter table app.assets no force row level security", "app.assets"),
    (catalog.row_security, "alter table hist.assets disable row level security", "hist.assets"),
    (catalog.row_security, "create table app.stray (id uuid)", "app.stray"),
    (catalog.policies, "drop policy tenant on app.change_sets", "app.change_sets: policy tenant is missing"),
    (catalog.policies, "drop policy tenant_floor on app.assets", "app.assets: policy tenant_floor is missing"),
    (catalog.policies, "create policy more on app.blobs for select using (true)", "app.blobs: policy more"),
    (catalog.policies, "alter policy tenant on app.assets to masterflow_api", "app.assets: policy tenant"),
    (catalog.policies, "alter policy tenant on app.blobs with check (true)", "app.blobs: policy tenant"),
    (
        catalog.policies,
        "alter policy tenant on hist.assets with check "
        "(client_account_id = (select app.client_id()) and engagement_id = (select app.engagement_id()))",
        "hist.assets: policy tenant",
    ),
    (
        catalog.policies,
        "create policy dispatch on app.assets for select to masterflow_dispatch using (true)",
        "app.assets: policy dispatch is not foreseen",
    ),
    (catalog.tenant_columns, "alter table app.assets alter engagement_id drop default", "app.assets.engagement_id"),
    (
        catalog.tenant_columns,
        "alter table app.role_grants drop constraint role_grants_pkey, alter client_account_id drop not null",
        "app.role_grants.client_account_id",
    ),
    (catalog.keys, "create unique index on app.assets (name)", "app.assets: unique (name)"),
    (catalog.keys, "create unique index on app.assets (id, client_account_id)", "app.assets: unique"),
    (catalog.keys, "alter table app.run_steps drop constraint run_steps_pkey", "app.run_steps: no key"),
    (
        catalog.foreign_keys,
        "alter table app.agent_insights add foreign key (flow_id) references app.crewai_flow_state_extensions",
        "app.agent_insights",
    ),
    (
        catalog.foreign_keys,
        "alter table app.phase_runs add foreign key (engagement_id, client_account_id) references app.engagements",
        "app.phase_runs",
    ),
    (catalog.views, "create view app.everything as select * from app.assets", "app.everything: security_invoker"),
    (catalog.views, "alter view app.row_changes set (security_invoker = false)", "app.row_changes"),
    (catalog.views, "create materialized view app.copy as select 1", "app.copy: not allowed"),
    (catalog.role_attributes, "alter role masterflow_api createrole", "masterflow_api"),
    (catalog.role_attributes, "alter role masterflow_worker bypassrls", "masterflow_worker"),
    (catalog.role_attributes, "alter role masterflow_capture login", "masterflow_capture"),
    (catalog.role_attributes, "grant masterflow_owner to masterflow_api", "masterflow_api: member"),
    (catalog.role_attributes, "revoke masterflow_capture from masterflow_owner", "masterflow_owner: member"),
    (catalog.ownership, "alter table app.assets owner to masterflow_worker", "app.assets"),
    (catalog.ownership, "create table public.t (); alter table public.t owner to masterflow_api", "relation t"),
    (catalog.ownership, "create schema s authorization masterflow_api", "masterflow_api"),
    (catalog.grants, "grant truncate on app.assets to masterflow_api", "app.assets: masterflow_api has TRUNCATE"),
    (catalog.grants, "grant references on app.assets to masterflow_worker", "app.assets: masterflow_worker"),
    (catalog.grants, "grant trigger on app.assets to public", "app.assets: public has TRIGGER"),
    (catalog.grants, "grant update on app.flow_events to masterflow_api", "app.flow_events: masterflow_api has UPDATE"),
    (catalog.grants, "grant insert on hist.assets to masterflow_api", "hist.assets: masterflow_api has INSERT"),
    (catalog.grants, "grant insert on app.flow_transitions to masterflow_worker", "app.flow_transitions"),
    (catalog.grants, "grant delete on queue.pgqueuer to masterflow_api", "queue.pgqueuer: masterflow_api has DELETE"),
    (catalog.grants, "grant select on app.assets to masterflow_dispatch", "app.assets: masterflow_dispatch"),
    (catalog.grants, "grant update on app.assets to masterflow_backup", "app.assets: masterflow_backup has UPDATE"),
    (catalog.schema_grants, "grant create on schema hist to masterflow_capture", "hist: masterflow_capture has CREATE"),
    (catalog.schema_grants, "grant usage on schema app to public", "app: public has USAGE"),
    (
        catalog.definer_functions,
        "create function app.sly() returns int language sql security definer set search_path = pg_catalog"
        " as 'select 1'",
        "app.sly(): not a foreseen function",
    ),
    (
        catalog.definer_functions,
        "alter function app.authenticate(text) reset search_path",
        "app.authenticate(text): search_path",
    ),
    (
        catalog.definer_functions,
        "alter function app.authenticate(text) owner to masterflow_owner",
        "app.authenticate(text): not a foreseen function",
    ),
    (
        catalog.definer_functions,
        "grant execute on function hist.assets_capture() to public",
        "hist.assets_capture(): everybody",
    ),
    (catalog.column_types, "alter table app.assets add seen timestamp", "app.assets.seen"),
    (catalog.column_types, "create type app.mood as enum ('good'); alter table app.assets add mood app.mood", "mood"),
    (catalog_capture.captured_list, "insert into app.captured_tables values ('blobs')", "blobs"),
    (catalog_capture.captured_list, "create table hist.stray ()", "stray"),
    (
        catalog_capture.captured_list,
        "delete from app.captured_tables; drop schema hist cascade",
        "no table is captured",
    ),
    (catalog_capture.drift, "alter table app.assets add note text", "assets.note: text live, missing in history"),
    (catalog_capture.drift, "alter table app.assets alter name type varchar(9)", "assets.name"),
    (catalog_capture.drift, "alter table hist.assets drop column name", "assets.name"),
    (
        catalog_capture.drift,
        "alter table app.assets add note text; alter table hist.assets add note text",
        "assets: the capture function",
    ),
    (catalog_capture.capture_triggers, "drop trigger z_update on app.assets", "assets: trigger z_update"),
    (
        catalog_capture.capture_triggers,
        "create or replace trigger z_delete after delete on app.assets referencing old table as old_rows "
        "for each statement execute function hist.data_imports_capture()",
        "assets: trigger z_delete",
    ),
    (catalog_capture.enabled_triggers, "alter table app.assets disable trigger a_guard", "app.assets: trigger a_guard"),
    (
        catalog_capture.enabled_triggers,
        "alter table app.flow_events enable replica trigger append_only",
        "app.flow_events: trigger append_only",
    ),
    (
        catalog_capture.captured_constraints,
        "alter table app.asset_tech_debt add foreign key (client_account_id, engagement_id, asset_id) "
        "references app.assets on delete cascade deferrable",
        "ON DELETE CASCADE",
    ),
    (
        catalog_capture.captured_constraints,
        "alter table app.asset_tech_debt add foreign key (client_account_id, engagement_id, asset_id) "
        "references app.assets",
        "app.asset_tech_debt",
    ),
    (
        catalog_capture.captured_constraints,
        "alter table app.assets add unique (client_account_id, engagement_id, name) deferrable",
        "UNIQUE",
    ),
    (
        catalog_capture.captured_columns,
        "alter table app.assets add number integer generated by default as identity",
        "assets.number",
    ),
    (
        catalog_capture.captured_columns,
        "alter table app.asset_tech_debt drop constraint asset_tech_debt_pkey",
        "asset_tech_debt: the key",
    ),
    (catalog_capture.append_only_list, "drop trigger append_only on app.blobs", "app.blobs"),
    (
        catalog_capture.append_only_list,
        "create trigger x before update or delete on app.assets for each row execute function app.refuse_change()",
        "app.assets",
    ),
    (catalog_capture.sequence_order, "alter sequence app.change_seq cache 20", "app.change_seq"),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in VIOLATIONS))


@pytest.fixture(scope="module")
def pristine(server: Server) -> Iterator[psycopg.Connection]:
    """The superuser on a database that no other test writes to."""
    with server.copy(f"catalog_{secrets.token_hex(6)}") as name, server.superuser(name) as connection:
        yield connection


@contextmanager
def undone(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction that is rolled back."""
    with connection.transaction(force_rollback=True):
        yield


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_migrated_database_keeps_the_rule(pristine: psycopg.Connection, rule: Rule) -> None:
    assert rule(pristine) == []


@pytest.mark.parametrize(
    ("rule", "violation", "named"), VIOLATIONS, ids=[f"{r.__name__}-{n}" for r, _, n in VIOLATIONS]
)
def test_a_planted_violation_is_found_and_named(
    pristine: psycopg.Connection, rule: Rule, violation: str, named: str
) -> None:
    with undone(pristine):
        pristine.execute(violation)
        found = rule(pristine)
    assert any(named in text for text in found), found


def test_a_virtual_generated_column_in_a_captured_table_is_found(pristine: psycopg.Connection) -> None:
    if pristine.info.server_version < 180000:
        pytest.skip("virtual generated columns exist since PostgreSQL 18")
    with undone(pristine):
        pristine.execute(
            "alter table app.assets add twice double precision generated always as (cpu_cores * 2) virtual"
        )
        assert catalog_capture.captured_columns(pristine) == ["assets.twice: virtual or identity column"]


def test_an_alter_of_both_tables_with_a_new_capture_leaves_no_drift(pristine: psycopg.Connection) -> None:
    with undone(pristine):
        pristine.execute("alter table app.assets add note text; alter table hist.assets add note text")
        pristine.execute("select app.create_capture('app.assets')")
        assert catalog_capture.drift(pristine) == []


def test_every_rule_of_the_catalog_modules_has_a_planted_violation() -> None:
    found = {
        value
        for module in (catalog, catalog_capture)
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    }
    assert found - {catalog.tables, catalog.captured, catalog.append_only} == set(RULES)


@pytest.mark.parametrize("statement", ["update {} set {} = {}", "delete from {}", "truncate {} cascade"])
@pytest.mark.parametrize("name", sorted(catalog_capture.APPEND_ONLY))
def test_an_append_only_table_refuses_changes_even_by_the_superuser(
    pristine: psycopg.Connection, name: str, statement: str
) -> None:
    with undone(pristine):
        pristine.execute("set local session_replication_role = replica")  # the row needs no parents here
        pristine.execute(
            "select set_config('app.client_account_id', gen_random_uuid()::text, true),"
            " set_config('app.engagement_id', gen_random_uuid()::text, true),"
            " set_config('app.change_set', gen_random_uuid()::text, true),"
            """ set_config('app.actor', '{"id": "ada"}', true)"""
        )
        _insert_anything(pristine, name)
        pristine.execute("set local session_replication_role = origin")
        with pytest.raises(psycopg.Error) as refused:
            pristine.execute(statement.format(name, "engagement_id", "engagement_id"))
    assert refused.value.sqlstate == "MF003"


def _insert_anything(connection: psycopg.Connection, name: str) -> None:
    values = {"uuid": "gen_random_uuid()", "bytea": "''", "jsonb": "'{}'", "integer": "1", "bigint": "1"}
    checked = {"result": "'success'", "severity": "'info'", "kind": "'before'"}
    needed = connection.execute(
        "select attname, format_type(atttypid, null) from pg_attribute where attrelid = %s::regclass"
        " and attnum > 0 and attnotnull and not atthasdef",
        (name,),
    ).fetchall()
    columns = ", ".join(["client_account_id", *(column for column, _ in needed)])
    row = ", ".join(["app.client_id()", *(checked.get(c, values.get(kind, "''")) for c, kind in needed)])
    connection.execute(f"insert into {name} ({columns}) values ({row})")


@pytest.mark.parametrize("name", SQL_FILES)
def test_an_sql_file_is_short_and_carries_its_version(name: str) -> None:
    assert re.fullmatch(r"[a-z_]+\.v[0-9]+\.sql", name)
    assert name == "queue.v1.sql" or len(sql_file(name).splitlines()) <= 60


def test_the_queue_is_made_as_its_library_makes_it() -> None:
    generated = QueryBuilderEnvironment(DBSettings(db_schema="queue")).build_install_query()
    assert sql_file("queue.v1.sql").strip() == generated.strip()


def _moves(connection: psycopg.Connection) -> tuple[tuple[str, ...], ...]:
    found = connection.execute("select action, from_status, to_status from app.flow_transitions order by 1, 2, 3")
    return tuple(found.fetchall())


def test_the_database_has_the_life_cycle_of_the_kernel(pristine: psycopg.Connection) -> None:
    rows = _moves(pristine)
    statuses = {row[0] for row in pristine.execute("select status from app.flow_statuses")}
    assert (rows, statuses) == (table(), {status.value for status in FlowStatus})


def test_a_move_that_only_the_database_has_is_seen(pristine: psycopg.Connection) -> None:
    with undone(pristine):
        pristine.execute("insert into app.flow_transitions values ('cancel', 'completed', 'cancelled')")
        rows = _moves(pristine)
    assert rows != table()
