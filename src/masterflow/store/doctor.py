# ruff: noqa: S608 - the statements are put together from constants of this module only
"""Read-only checks of an installation's database, each with a planted violation that turns it red."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from masterflow.kernel.status import table
from masterflow.store import schema

OLDEST_SERVER = 150_000
STUCK_AFTER = "60 seconds"
"""How long a queued or running flow may be without a job before that is a finding."""
GLOBAL_TABLES = (
    *("app.alembic_version", "app.captured_tables", "app.flow_statuses", "app.flow_transitions"),
    *("queue.pgqueuer", "queue.pgqueuer_log", "queue.pgqueuer_schedules", "queue.pgqueuer_statistics"),
)
"""Tables that belong to no tenant; every other one has forced row-level security."""

_FLOW = "app.crewai_flow_state_extensions"
_ANY_FLOW = f"(select min(flow_id::text)::uuid from {_FLOW})"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `statement` lists what is wrong as rows (place, detail), none when all is well.

    Each text of `plant` makes it wrong, run in a scratch database by a superuser with triggers off;
    `planted` are parameters that do the same where a statement cannot.
    """

    name: str
    says: str
    statement: str
    next_step: str
    plant: tuple[str, ...] = ()
    planted: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """A check with its findings as (place, detail)."""

    check: str
    says: str
    findings: list[tuple[str, str]]
    next_step: str

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


_SEE_HISTORY = "Look at the flow with `masterflow flow history` and report it; restore a backup if data is wrong."
_UPGRADE = "Run `masterflow db upgrade`; if it stays, restore a backup."

CHECKS = (
    Check(
        "server version",
        "PostgreSQL is 15 or newer",
        """select 'server' as place, 'version ' || current_setting('server_version') as detail
           where current_setting('server_version_num')::integer < %(oldest)s""",
        "Move the database to PostgreSQL 15 or newer.",
        planted={"oldest": 10_000_000},
    ),
    Check(
        "durability",
        "fsync, full_page_writes and synchronous_commit are on, also for each role",
        """select name as place, 'is ' || setting as detail from pg_settings
           where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting in ('off', 'local')
           union all
           select 'role ' || coalesce(r.rolname, 'all') , c.setting from pg_db_role_setting s
           left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) as c (setting)
           where c.setting in ('synchronous_commit=off', 'synchronous_commit=local')""",
        "Switch it on in the server's configuration: a commit must survive a power cut.",
        ("alter role masterflow_api set synchronous_commit = off",),
    ),
    Check(
        "schema revision",
        "the schema has the revision of this program",
        """select 'database' as place,
                  'revision ' || coalesce(max(version_num), 'none') || ', not ' || %(head)s as detail
           from app.alembic_version having coalesce(max(version_num), '') <> %(head)s""",
        _UPGRADE,
        ("update app.alembic_version set version_num = '0000'",),
    ),
    Check(
        "capture",
        "every captured table has its history table with the same columns, and all its triggers",
        """with columns as (
               select n.nspname as ns, c.relname as name, a.attname, format_type(a.atttypid, a.atttypmod) as type
               from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
               where a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and left(a.attname, 1) <> '~'
                 and n.nspname in ('app', 'hist')),
           live as (select c.* from columns c join app.captured_tables t on t.table_name = c.name and c.ns = 'app'),
           kept as (select c.* from columns c join app.captured_tables t on t.table_name = c.name and c.ns = 'hist')
           select coalesce(l.name, k.name) || '.' || coalesce(l.attname, k.attname) as place,
                  case when l.attname is null then 'only in the history table'
                       when k.attname is null then 'missing in the history table'
                       else 'another type in the history table' end as detail
           from live l full join kept k on k.name = l.name and k.attname = l.attname
           where l.type is distinct from k.type
           union all
           select 'app.' || t.table_name, 'trigger ' || w.tgname || ' is missing or off'
           from app.captured_tables t cross join unnest(array['a_guard', 'a_guard_truncate', 'a_key', 'z_insert',
                                                              'z_update', 'z_delete']) as w (tgname)
           where not exists (select from pg_trigger g where g.tgrelid = ('app.' || t.table_name)::regclass
                             and g.tgname = w.tgname and g.tgenabled <> 'D')""",
        _UPGRADE,
        ("alter table app.assets add column planted integer", "alter table app.assets disable trigger z_update"),
    ),
    Check(
        "row security",
        "every table of a tenant has forced row-level security with a policy and its floor",
        """select format('%%s.%%s', n.nspname, c.relname) as place,
                  case when not (c.relrowsecurity and c.relforcerowsecurity) then 'row-level security is not forced'
                       else 'a policy is missing' end as detail
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where n.nspname in ('app', 'hist', 'queue') and c.relkind in ('r', 'p')
             and format('%%s.%%s', n.nspname, c.relname) <> all (%(global_tables)s)
             and (not (c.relrowsecurity and c.relforcerowsecurity)
                  or (select count(*) from pg_policy p where p.polrelid = c.oid
                      and p.polname in ('tenant', 'tenant_floor')) < 2)""",
        "Stop the service: tenants may see each other. " + _UPGRADE,
        ("alter table app.assets no force row level security", "drop policy tenant_floor on app.data_imports"),
    ),
    Check(
        "life cycle",
        "the life-cycle table equals the program's",
        """with wanted as (select * from unnest(%(actions)s::text[], %(sources)s::text[], %(targets)s::text[])
                           as w (action, from_status, to_status)),
                found as (select action::text, from_status::text, to_status::text from app.flow_transitions)
           select a.action || ': ' || a.from_status || ' to ' || a.to_status as place, 'is missing' as detail
           from (table wanted except table found) a
           union all
           select a.action || ': ' || a.from_status || ' to ' || a.to_status, 'is not foreseen'
           from (table found except table wanted) a""",
        _UPGRADE,
        ("delete from app.flow_transitions where action = 'start'",),
    ),
    Check(
        "moves",
        "each flow's version counts its moves in the audit log",
        f"""select 'flow ' || f.flow_id as place,
                   format('version %%s, but %%s recorded moves', f.version, coalesce(a.moves, 0)) as detail
            from {_FLOW} f left join (
                select resource_id, count(*) filter (where action_type <> 'create') as moves
                from app.access_audit_log where resource_type = 'flow' and version is not null and result = 'success'
                group by resource_id) a on a.resource_id = f.flow_id::text
            where f.version - 1 <> coalesce(a.moves, 0)""",
        _SEE_HISTORY,
        (f"update {_FLOW} set version = version + 1 where flow_id = {_ANY_FLOW}",),
    ),
    Check(
        "events",
        "the events of each flow are numbered without gaps",
        f"""select 'flow ' || f.flow_id as place,
                   format('%%s events up to number %%s, the flow counts %%s', count(e.seq), max(e.seq), f.event_seq)
                       as detail
            from {_FLOW} f left join app.flow_events e on e.flow_id = f.flow_id
            group by f.flow_id, f.event_seq
            having count(e.seq) <> f.event_seq or max(e.seq) <> f.event_seq""",
        _SEE_HISTORY,
        (f"delete from app.flow_events where seq = 1 and flow_id = {_ANY_FLOW}",),
    ),
    Check(
        "running runs",
        "no flow has two live runs, and a live run is the flow's current one",
        f"""select 'flow ' || r.flow_id as place, format('%%s live runs', count(*)) as detail
            from app.phase_runs r where r.status in ('queued', 'running') group by r.flow_id having count(*) > 1
            union all
            select 'run ' || r.id, 'is ' || r.status || ' but its flow is ' || f.flow_status
                   || case when f.run_id = r.id then '' else ' at another run' end
            from app.phase_runs r join {_FLOW} f on f.flow_id = r.flow_id
            where r.status in ('queued', 'running')
              and (f.run_id is distinct from r.id or f.flow_status not in ('queued', 'running', 'paused'))""",
        _SEE_HISTORY,
        (
            "update app.phase_runs set status = 'running'",
            "insert into app.phase_runs select (jsonb_populate_record(r, jsonb_build_object("
            "'id', gen_random_uuid(), 'status', 'running'))).* from app.phase_runs r limit 1",
        ),
    ),
    Check(
        "stuck runs",
        "every queued or running flow has a job that will carry it on",
        f"""select 'flow ' || f.flow_id as place, f.flow_status || ' without a job since ' || f.updated_at as detail
            from {_FLOW} f left join app.phase_runs r on r.id = f.run_id
            where f.flow_status in ('queued', 'running')
              and greatest(f.updated_at, r.due_at) < clock_timestamp() - %(stuck_after)s::interval
              and not exists (select from queue.pgqueuer q where q.status in ('queued', 'picked')
                              and q.dedupe_key = r.id::text || ':' || r.attempt)""",
        "Start a worker (`masterflow worker`): it dispatches such runs again within seconds.",
        (
            f"delete from queue.pgqueuer; update {_FLOW} set flow_status = 'running', "
            f"updated_at = clock_timestamp() - interval '1 hour' where flow_id = {_ANY_FLOW}",
        ),
    ),
    Check(
        "results",
        "each phase has one valid result per iteration, and completed phases have one",
        f"""select format('flow %%s, phase %%s', flow_id, phase) as place, format('%%s results', count(*)) as detail
            from app.phase_runs where status = 'succeeded' group by flow_id, phase, iteration having count(*) > 1
            union all
            select format('flow %%s, phase %%s', f.flow_id, p.name), 'completed without a result or a skip'
            from {_FLOW} f cross join jsonb_array_elements_text(f.phases_completed) as p (name)
            where not exists (select from app.phase_runs r where r.flow_id = f.flow_id and r.phase = p.name
                              and r.iteration = f.iteration_number and r.status in ('succeeded', 'skipped'))
              and not exists (select from app.flow_events e where e.flow_id = f.flow_id and e.kind = 'phase_skipped'
                              and e.payload ->> 'phase' = p.name)""",
        _SEE_HISTORY,
        (
            "drop index app.one_result_per_phase; "
            "insert into app.phase_runs select (jsonb_populate_record(r, jsonb_build_object("
            "'id', gen_random_uuid()))).* from app.phase_runs r where status = 'succeeded' limit 1",
        ),
    ),
    Check(
        "checkpoints",
        "the bytes of every checkpoint have the digest they were stored with",
        """select format('checkpoint %%s of flow %%s', id, flow_id) as place, 'digest differs' as detail
           from app.checkpoints where sha256(state) <> digest""",
        "Its flow recovers from an older checkpoint; restore a backup if more than one is damaged.",
        ("update app.checkpoints set state = state || '\\x00' where id = (select id from app.checkpoints limit 1)",),
    ),
    Check(
        "change sets",
        "no change set is open without a live run",
        f"""select 'change set ' || c.id as place, format('%%s, open since %%s', c.kind, c.created_at) as detail
            from app.change_sets c left join app.phase_runs r on r.id = c.id
            left join {_FLOW} f on f.flow_id = c.flow_id
            where c.status = 'open' and coalesce(r.status, '') not in ('pending', 'queued', 'running')
              and not (coalesce(f.revert_pending, false)
                       and f.updated_at > clock_timestamp() - %(stuck_after)s::interval)""",
        "Start a worker: it reverts what failed or cancelled runs left. " + _SEE_HISTORY,
        ("update app.change_sets set status = 'open' where id = (select id from app.change_sets limit 1)",),
    ),
    Check(
        "orphans",
        "every current result, mapping and asset belongs to something that exists",
        f"""select 'asset ' || a.id as place, 'its flow does not exist' as detail from app.assets a
            where a.master_flow_id is not null
              and not exists (select from {_FLOW} f where f.flow_id = a.master_flow_id)
            union all
            select 'import ' || i.id, 'its flow does not exist' from app.data_imports i
            where i.flow_id is not null and not exists (select from {_FLOW} f where f.flow_id = i.flow_id)
            union all
            select 'blob ' || b.id,
                   format('%%s bytes stored, %%s expected', coalesce(sum(length(c.content)), 0), b.size)
            from app.blobs b left join app.blob_chunks c on c.blob_id = b.id
            group by b.id, b.size having coalesce(sum(length(c.content)), 0) <> b.size""",
        _SEE_HISTORY,
        ("delete from app.blob_chunks",),
    ),
)


def parameters(check: Check | None = None) -> dict[str, Any]:
    """Values for the statements of the checks; with `check` its planted ones on top."""
    actions, sources, targets = (list(column) for column in zip(*table(), strict=True))
    known = {
        "oldest": OLDEST_SERVER,
        "head": schema.head(),
        "global_tables": list(GLOBAL_TABLES),
        "actions": actions,
        "sources": sources,
        "targets": targets,
        "stuck_after": STUCK_AFTER,
    }
    return {**known, **(check.planted if check else {})}


def examine(connection: psycopg.Connection[Any], check: Check, values: Mapping[str, Any]) -> Result:
    """Run one check; an error of the database is a finding of it."""
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(check.statement.encode(), values).fetchall()
    except psycopg.errors.UndefinedTable as error:
        rows = [{"place": "database", "detail": f"incomplete: {error.diag.message_primary}"}]
    found = [(str(row["place"]), str(row["detail"])) for row in rows]
    return Result(check.name, check.says, found, check.next_step)


def examine_all(conninfo: str) -> list[Result]:
    """Run every check in read-only transactions. Needs a role that sees all tenants, as the backup role does."""
    values = parameters()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.read_only = True
        return [examine(connection, check, values) for check in CHECKS]
