"""Catalog rules about change capture: history tables equal their live tables and every trigger is in place."""

from __future__ import annotations

import psycopg

from support.catalog import append_only, captured

_TRIGGERS = {
    "a_guard": "app.guard()",
    "a_guard_truncate": "app.guard()",
    "a_key": "app.refuse_key_change()",
    "z_delete": "hist.{}_capture()",
    "z_insert": "hist.{}_capture()",
    "z_update": "hist.{}_capture()",
}
APPEND_ONLY = {
    f"app.{name}"
    for name in [
        "access_audit_log",
        "agent_insights",
        "blob_chunks",
        "blobs",
        "checkpoints",
        "cleansed_records",
        "flow_events",
        "learning_patterns",
        "quality_issues",
        "raw_import_records",
        "run_steps",
    ]
}


def captured_list(connection: psycopg.Connection) -> list[str]:
    """The list of captured tables names exactly the tables with a history, and it is not empty."""
    histories = {row[0] for row in connection.execute("select tablename from pg_tables where schemaname = 'hist'")}
    names = set(captured(connection))
    return [f"{name}: listed or kept, not both" for name in sorted(names ^ histories)] or (
        [] if names else ["no table is captured"]
    )


def drift(connection: psycopg.Connection) -> list[str]:
    """History and live table have the same columns, and the capture function copies each of them."""
    found = connection.execute(
        """with columns as (
               select c.relnamespace::regnamespace::text as place, c.relname, a.attname,
                      format_type(a.atttypid, a.atttypmod) || coalesce(' ' || l.collname, '') as type
               from pg_attribute a join pg_class c on c.oid = a.attrelid
               left join pg_collation l on l.oid = a.attcollation and l.collname <> 'default'
               where c.relname in (select table_name from app.captured_tables) and a.attnum > 0
                 and not a.attisdropped and a.attgenerated = '' and a.attname !~ '^~'
                 and c.relnamespace in ('app'::regnamespace, 'hist'::regnamespace))
           select coalesce(l.relname, h.relname) || '.' || coalesce(l.attname, h.attname)
                  || ': ' || coalesce(l.type, 'missing') || ' live, ' || coalesce(h.type, 'missing') || ' in history'
           from (select * from columns where place = 'app') l
           full join (select * from columns where place = 'hist') h using (relname, attname)
           where l.type is distinct from h.type
           union all
           select t.table_name || ': the capture function does not copy exactly the columns of the table'
           from app.captured_tables t
           join pg_proc p on p.proname = t.table_name || '_capture' and p.pronamespace = 'hist'::regnamespace,
           array_to_string(app.live_columns(format('app.%I', t.table_name)::regclass), ',') columns
           where position('"~cs", ' || columns || ') select' in p.prosrc) = 0
              or position('o.' || replace(columns, ',', ',o.') || E'\n' in p.prosrc) = 0"""
    )
    return [row[0] for row in found]


def capture_triggers(connection: psycopg.Connection) -> list[str]:
    """Every captured table has its six triggers, with the right functions."""
    found = {
        (row[0], row[1]): row[2]
        for row in connection.execute(
            """select c.relname, t.tgname, t.tgfoid::regprocedure::text from pg_trigger t
               join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'app'::regnamespace and not t.tgisinternal"""
        )
    }
    return [
        f"{table}: trigger {trigger} is missing or another one"
        for table in captured(connection)
        for trigger, function in _TRIGGERS.items()
        if found.get((table, trigger)) != function.format(table)
    ]


def enabled_triggers(connection: psycopg.Connection) -> list[str]:
    """No trigger of the product is switched off or fires only on replicas."""
    return [
        row[0]
        for row in connection.execute(
            """select t.tgrelid::regclass || ': trigger ' || t.tgname || ' does not always fire' from pg_trigger t
               join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
               where n.nspname in ('app', 'hist', 'queue') and t.tgenabled not in ('O', 'A')"""
        )
    ]


def captured_constraints(connection: psycopg.Connection) -> list[str]:
    """Between captured tables: foreign keys without action, deferrable; unique keys that are not."""
    return [
        row[0]
        for row in connection.execute(
            """select k.conrelid::regclass || ': ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
               from pg_constraint k join pg_class c on c.oid = k.conrelid left join pg_class p on p.oid = k.confrelid
               where c.relnamespace = 'app'::regnamespace and c.relname in (select table_name from app.captured_tables)
                 and (k.contype = 'f' and (k.confdeltype <> 'a' or k.confupdtype <> 'a'
                          or (not k.condeferrable and p.relname in (select table_name from app.captured_tables)))
                      or k.contype in ('u', 'p') and k.condeferrable)"""
        )
    ]


def captured_columns(connection: psycopg.Connection) -> list[str]:
    """Captured tables have the common key, stored generated columns only and no identity column."""
    return [
        row[0]
        for row in connection.execute(
            """select t.table_name || '.' || a.attname || ': virtual or identity column' from app.captured_tables t
               join pg_attribute a on a.attrelid = format('app.%I', t.table_name)::regclass
               where a.attnum > 0 and (a.attgenerated = 'v' or a.attidentity <> '')
               union all
               select t.table_name || ': the key is not (client_account_id, engagement_id, id)'
               from app.captured_tables t where not exists (
                   select 1 from pg_constraint k where k.conrelid = format('app.%I', t.table_name)::regclass
                     and k.contype = 'p'
                     and pg_get_constraintdef(k.oid) = 'PRIMARY KEY (client_account_id, engagement_id, id)')"""
        )
    ]


def append_only_list(connection: psycopg.Connection) -> list[str]:
    """The growing logs, and only they, refuse every change."""
    found = APPEND_ONLY ^ set(append_only(connection))
    return [f"{name}: append-only by list or by trigger, not both" for name in sorted(found)]


def sequence_order(connection: psycopg.Connection) -> list[str]:
    """The change sequence hands out numbers in order: no session keeps some in reserve."""
    return [
        "app.change_seq: a session caches numbers"
        for row in connection.execute("select seqcache from pg_sequence where seqrelid = 'app.change_seq'::regclass")
        if row[0] != 1
    ]
