"""Schema of the first release: tenancy, life cycle, change capture, imports and inventory."""

from typing import cast

import psycopg
from alembic import op

from masterflow.store import ddl
from masterflow.store.migrations import tables_0001 as tables

revision = "0001"
down_revision = None

_BEFORE_TABLES = ("context.v1.sql", "guard.v1.sql", "capture.v1.sql", "life_cycle.v1.sql")
_AFTER_TABLES = (
    "begin.v1.sql", "record.v1.sql", "enqueue.v1.sql", "create_flow.v1.sql", "execute_flow.v1.sql",
    "start_run.v1.sql", "step.v1.sql", "finish_run.v1.sql", "close_run.v1.sql", "move_flow.v1.sql",
    "transition_guard.v1.sql", "seal_change_set.v1.sql", "undo.v1.sql", "revert.v1.sql", "views.v1.sql",
)  # fmt: skip
_DEFINER = ("dispatch.v1.sql", "authenticate.v1.sql")
_INDEXES = (
    "create index idx_flow_type_status on {flow} (client_account_id, engagement_id, flow_type, flow_status)",
    "create index idx_client_engagement on {flow} (client_account_id, engagement_id, created_at desc, flow_id desc)",
    "create index idx_created_at on {flow} (client_account_id, engagement_id, created_at)",
    "create index idx_current_phase on {flow} (client_account_id, engagement_id, current_phase)",
    "create index idx_flow_live on {flow} (updated_at) where flow_status in ('queued', 'running')",
    "create index idx_flow_revert on {flow} (flow_id) where revert_pending",
    "create unique index one_result_per_phase on app.phase_runs "
    "(client_account_id, engagement_id, flow_id, phase, iteration) where status = 'succeeded'",
    "create index idx_runs_of_flow on app.phase_runs (client_account_id, engagement_id, flow_id, created_at)",
    "create index on app.change_sets (client_account_id, engagement_id, flow_id, seq)",
    "create index on app.access_audit_log (client_account_id, engagement_id, resource_type, resource_id, created_at)",
    "create index on app.raw_import_records (client_account_id, engagement_id, import_id, sheet, row_number)",
    "create index on app.cleansed_records (client_account_id, engagement_id, import_id, sheet, row_number)",
    "create index on app.quality_issues (client_account_id, engagement_id, import_id, code)",
    "create index on app.data_imports (client_account_id, engagement_id, flow_id)",
    "create index on app.assets (client_account_id, engagement_id, asset_type, name, id)",
    "create index on app.assets (client_account_id, engagement_id, master_flow_id, id)",
    "create index on app.assets (client_account_id, engagement_id, name, id)",
    "create index on app.access_audit_log (client_account_id, engagement_id, created_at, id)",
    "create index on app.data_imports (client_account_id, engagement_id, created_at, id)",
    "create index on app.asset_dependencies (client_account_id, engagement_id, target_asset_id)",
    "create index on app.asset_tech_debt (client_account_id, engagement_id, state)",
)


def upgrade() -> None:
    """Make the schema; runs as the owner role."""
    _run("create schema hist", "create sequence app.change_seq cache 1")
    _run(
        *(
            f"grant usage on schema app, hist to {role}"
            for role in (ddl.API, ddl.WORKER, ddl.CAPTURE, ddl.DISPATCH, ddl.BACKUP)
        )
    )
    _run(f"grant usage on sequence app.change_seq to {ddl.API}, {ddl.WORKER}, {ddl.CAPTURE}")
    _run(
        "create table app.captured_tables (table_name text primary key)",
        f"grant select on app.captured_tables to {ddl.API}, {ddl.WORKER}, {ddl.CAPTURE}",
    )
    _files(*_BEFORE_TABLES)
    _run(f"grant select on app.flow_statuses, app.flow_transitions to {ddl.API}, {ddl.WORKER}, {ddl.CAPTURE}")
    _queue()
    made = (*tables.TENANCY, *tables.FLOWS, *tables.IMPORTS, *tables.INVENTORY)
    for table in made:
        _run(*ddl.create_table(table))
    _run(
        ddl.row_changes_view(tuple(table.name for table in made if table.captured)),
        f"grant select on app.row_changes to {ddl.API}, {ddl.WORKER}",
    )
    _files(*_AFTER_TABLES)
    _run(*(statement.format(flow="app.crewai_flow_state_extensions") for statement in _INDEXES))
    _run(
        "create trigger check_flow_update before update on app.crewai_flow_state_extensions "
        "for each row execute function app.check_flow_update()",
        f"grant select on app.master_flow_record, app.current_raw_records, app.current_cleansed_records, "
        f"app.current_quality_issues to {ddl.API}, {ddl.WORKER}",
    )
    _definer_functions()
    _run(
        f"grant select on all tables in schema app, hist, queue to {ddl.BACKUP}",
        f"grant select on all sequences in schema app, hist, queue to {ddl.BACKUP}",
        f"grant usage on schema queue to {ddl.BACKUP}",
    )


def downgrade() -> None:
    """Remove the schema with everything in it; Alembic's own table stays."""
    _run("drop schema hist cascade", "drop schema queue cascade")
    _run(
        """do $$ declare r record; begin
        for r in select format('drop view app.%I cascade', c.relname) as command from pg_class c
                 where c.relnamespace = 'app'::regnamespace and c.relkind = 'v' loop execute r.command; end loop;
        for r in select format('drop table if exists app.%I cascade', c.relname) as command from pg_class c
                 where c.relnamespace = 'app'::regnamespace and c.relkind = 'r' and c.relname <> 'alembic_version'
        loop execute r.command; end loop;
        for r in select format('drop function if exists %s cascade', p.oid::regprocedure) as command from pg_proc p
                 where p.pronamespace = 'app'::regnamespace loop execute r.command; end loop; end $$""",
        "drop sequence app.change_seq",
    )


def _run(*statements: str) -> None:
    driver = cast(
        psycopg.Connection, op.get_bind().connection.driver_connection
    )  # psycopg itself: files hold several statements
    for statement in statements:
        driver.execute(statement)


def _files(*names: str) -> None:
    _run(*(ddl.sql_file(name) for name in names))


def _queue() -> None:
    """The queue's tables as PgQueuer 1.6.0 makes them; the API may only insert jobs."""
    _files("queue.v1.sql")
    _run(
        f"grant usage on schema queue to {ddl.API}, {ddl.WORKER}, {ddl.DISPATCH}",
        f"grant insert on queue.pgqueuer to {ddl.API}, {ddl.DISPATCH}",
        "grant select (id, entrypoint, priority, dedupe_key, status, heartbeat) on queue.pgqueuer "
        f"to {ddl.API}, {ddl.DISPATCH}",
        f"grant select, insert, update, delete on all tables in schema queue to {ddl.WORKER}",
        f"grant usage on sequence queue.pgqueuer_id_seq to {ddl.API}, {ddl.DISPATCH}",
        f"grant usage on all sequences in schema queue to {ddl.WORKER}",
    )


def _definer_functions() -> None:
    """Functions that look across tenants: owned by the dispatch role, which sees named columns only."""
    _files(*_DEFINER)
    _run(f"grant create on schema app to {ddl.DISPATCH}")
    for signature in (
        "app.reconcile(interval)",
        "app.pending_reverts()",
        "app.authenticate(text)",
        "app.engagements_of(uuid)",
    ):
        _run(
            f"alter function {signature} owner to {ddl.DISPATCH}",
            f"revoke execute on function {signature} from public",
            f"grant execute on function {signature} to {ddl.API}, {ddl.WORKER}",
        )
    _run(f"revoke create on schema app from {ddl.DISPATCH}")
    flow = "app.crewai_flow_state_extensions"
    seen = {
        flow: "client_account_id, engagement_id, flow_id, flow_status, run_id, updated_at, revert_pending",
        "app.phase_runs": "client_account_id, engagement_id, id, attempt, status, due_at",
        "app.api_keys": "id, key_hash, prefix, principal_id, client_account_id, scopes, revoked_at, expires_at",
        "app.principals": "id, name, client_account_id, disabled_at",
        "app.role_grants": "client_account_id, principal_id, role, engagement_id, expires_at",
        "app.engagements": "client_account_id, engagement_id, name",
    }
    for table, columns in seen.items():
        _run(
            f"grant select ({columns}) on {table} to {ddl.DISPATCH}",
            f"create policy dispatch on {table} for select to {ddl.DISPATCH} using (true)",
        )
