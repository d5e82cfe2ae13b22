# ruff: noqa: S608 - names in the statements are those of the schema
"""Rules about the database's catalog: each function lists what breaks it, empty when nothing does."""

from __future__ import annotations

import psycopg

GLOBAL = {
    "app.alembic_version",
    "app.captured_tables",
    "app.flow_statuses",
    "app.flow_transitions",
    "queue.pgqueuer",
    "queue.pgqueuer_log",
    "queue.pgqueuer_schedules",
    "queue.pgqueuer_statistics",
}
"""Tables without tenant and policy; the application only reads those of schema app."""
CLIENT = {"app.client_accounts", "app.principals", "app.role_grants", "app.api_keys"}
"""Tables of a client account; every other table belongs to an engagement."""
MASTER = "app.crewai_flow_state_extensions"
GLOBAL_KEYS = {(MASTER, "flow_id"), ("app.api_keys", "prefix")}
"""Unique over all tenants on purpose: ids and key prefixes that the server makes at random."""
DISPATCHED = {MASTER, "app.phase_runs", "app.api_keys", "app.principals", "app.role_grants", "app.engagements"}
"""Tables of which the dispatch role sees named columns across tenants."""
DEFINER = {
    "app.authenticate(text)",
    "app.engagements_of(uuid)",
    "app.pending_reverts()",
    "app.reconcile(interval)",
}
APPLICATION = ("masterflow_api", "masterflow_worker")
_TENANT_ROLES = ["masterflow_api", "masterflow_capture", "masterflow_worker"]
_CLIENT_TEST = "(client_account_id = ( SELECT app.client_id() AS client_id))"
_ENGAGEMENT_TEST = "(engagement_id = ( SELECT app.engagement_id() AS engagement_id))"
IN_CHANGE_SET = frozenset({"app.raw_import_records", "app.cleansed_records", "app.quality_issues"})
_OWN_CHANGE_SET_TEST = "(change_set_id = ( SELECT app.change_set_id() AS change_set_id))"
_CHANGE_SET_TEST = '("~cs" = ( SELECT app.change_set_id() AS change_set_id))'
_TABLES = """select c.oid, format('%I.%I', n.nspname, c.relname) as name, n.nspname as schema, c.relkind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('app', 'hist', 'queue')"""

Connection = psycopg.Connection


def tables(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Every table outside the global list with the tenant columns that its class demands."""
    names = _column(connection, f"select name from ({_TABLES}) t where relkind in ('r', 'p') order by 1")
    return {name: _tenant_columns(name) for name in names if name not in GLOBAL}


def captured(connection: Connection) -> list[str]:
    """Names of the captured tables, without schema."""
    return _column(connection, "select table_name from app.captured_tables order by 1")


def _tenant_columns(name: str) -> tuple[str, ...]:
    return ("client_account_id",) if name in CLIENT else ("client_account_id", "engagement_id")


def _column(connection: Connection, statement: str, *arguments: object) -> list[str]:
    return [row[0] for row in connection.execute(statement, arguments or None).fetchall()]


def row_security(connection: Connection) -> list[str]:
    """Row-level security is enabled and forced on every table of a tenant."""
    secured = set(
        _column(
            connection,
            f"select name from ({_TABLES}) t join pg_class c using (oid) "
            "where c.relrowsecurity and c.relforcerowsecurity",
        )
    )
    return [f"{name}: row security is not forced" for name in tables(connection) if name not in secured]


def policies(connection: Connection) -> list[str]:
    """One permissive and one restrictive policy with the tenant tests, for the three roles; no other policy."""
    found = set()
    for row in connection.execute(
        f"""select t.name, p.polname, p.polpermissive, p.polcmd::text,
               array(select coalesce(r.rolname, 'public') from unnest(p.polroles) m left join pg_roles r on r.oid = m
                     order by 1), pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
            from pg_policy p join ({_TABLES}) t on t.oid = p.polrelid"""
    ):
        found.add((*row[:4], tuple(row[4]), *row[5:]))
    wanted = {policy for name in tables(connection) for policy in _wanted_policies(name)}
    return [
        *(f"{policy[0]}: policy {policy[1]} is missing or another one" for policy in sorted(wanted - found)),
        *(f"{policy[0]}: policy {policy[1]} is not foreseen" for policy in sorted(found - wanted, key=str)),
    ]


def _wanted_policies(name: str) -> list[tuple[object, ...]]:
    tests = [_CLIENT_TEST, _ENGAGEMENT_TEST][: len(_tenant_columns(name))]
    using = tests[0] if len(tests) == 1 else f"({' AND '.join(tests)})"
    extra = [_CHANGE_SET_TEST] if name.startswith("hist.") else [_OWN_CHANGE_SET_TEST] if name in IN_CHANGE_SET else []
    check = f"({' AND '.join([*tests, *extra])})" if extra else using
    roles = tuple(_TENANT_ROLES)
    wanted: list[tuple[object, ...]] = [
        (name, "tenant", True, "*", roles, using, check),
        (name, "tenant_floor", False, "*", roles, using, check),
    ]
    if name in DISPATCHED:
        wanted.append((name, "dispatch", True, "r", ("masterflow_dispatch",), "true", None))
    return wanted


def tenant_columns(connection: Connection) -> list[str]:
    """Tenant columns are NOT NULL and, but in history, filled from the context."""
    found = {
        (table, column): (not_null, default)
        for table, column, not_null, default in connection.execute(
            f"""select t.name, a.attname, a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), '')
                from ({_TABLES}) t join pg_attribute a on a.attrelid = t.oid
                left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum where a.attnum > 0"""
        )
    }
    defaults = {"client_account_id": "app.client_id()", "engagement_id": "app.engagement_id()"}
    return [
        f"{table}.{column}: must be not null, default {defaults[column]}"
        for table, columns in tables(connection).items()
        for column in columns
        if found.get((table, column)) != (True, "" if table.startswith("hist.") else defaults[column])
    ]


def keys(connection: Connection) -> list[str]:
    """Every primary key and unique index starts with the tenant columns, but for the listed keys."""
    wrong = []
    leading: set[str] = set()
    for table, columns in connection.execute(
        f"""select t.name, array(select a.attname::text from unnest(i.indkey) with ordinality k(attnum, place)
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum order by k.place)
            from pg_index i join ({_TABLES}) t on t.oid = i.indrelid where i.indisunique"""
    ):
        tenant = list(_tenant_columns(table))
        if table in GLOBAL:
            continue
        if columns[: len(tenant)] == tenant:
            leading.add(table)
        elif (table, ",".join(columns)) not in GLOBAL_KEYS:
            wrong.append(f"{table}: unique ({', '.join(columns)}) does not start with the tenant")
    return wrong + [f"{table}: no key starts with the tenant" for table in tables(connection) if table not in leading]


def foreign_keys(connection: Connection) -> list[str]:
    """A foreign key holds every tenant column of the table it points to, under the same name."""
    rows = connection.execute(
        f"""select t.name, p.name, f.conname,
               array(select a.attname::text || '=' || b.attname from unnest(f.conkey, f.confkey) k(c, r)
                     join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.c
                     join pg_attribute b on b.attrelid = f.confrelid and b.attnum = k.r)
            from pg_constraint f join ({_TABLES}) t on t.oid = f.conrelid join ({_TABLES}) p on p.oid = f.confrelid
            where f.contype = 'f'"""
    )
    return [
        f"{table}: {name} does not hold the tenant of {parent}"
        for table, parent, name, pairs in rows
        if parent not in GLOBAL and not {f"{column}={column}" for column in _tenant_columns(parent)} <= set(pairs)
    ]


def views(connection: Connection) -> list[str]:
    """Views run with the caller's rights; there is no other kind of relation that reads rows."""
    plain = _column(
        connection,
        f"""select name from ({_TABLES}) t join pg_class c using (oid) where t.relkind = 'v'
            and not coalesce('security_invoker=true' = any(c.reloptions), false)""",
    )
    other = _column(connection, f"select name from ({_TABLES}) t where relkind in ('m', 'f')")
    return [f"{name}: security_invoker is missing" for name in plain] + [f"{name}: not allowed" for name in other]


def role_attributes(connection: Connection) -> list[str]:
    """Roles of the application have no attribute, membership or object of their own."""
    wrong = _column(
        connection,
        """select rolname || ': has an attribute it must not have' from pg_roles
           where rolname like 'masterflow\\_%%' and rolname <> 'masterflow_superuser'
             and (rolsuper or rolcreaterole or rolcreatedb or rolreplication
                  or rolbypassrls <> (rolname in ('masterflow_migrator', 'masterflow_backup'))
                  or rolcanlogin <> (rolname in ('masterflow_migrator', 'masterflow_backup', 'masterflow_api',
                                                 'masterflow_worker')))""",
    )
    memberships = {("masterflow_owner", "masterflow_migrator")} | {
        (role, "masterflow_owner") for role in ("masterflow_capture", "masterflow_dispatch")
    }
    found = {
        tuple(row)
        for row in connection.execute(
            """select g.rolname, m.rolname from pg_auth_members a join pg_roles g on g.oid = a.roleid
               join pg_roles m on m.oid = a.member where m.rolname like 'masterflow\\_%'"""
        )
    }
    return wrong + [f"{member}: member of {role}" for role, member in sorted(found ^ memberships)]


def ownership(connection: Connection) -> list[str]:
    """The application owns nothing; the owner owns every relation and schema."""
    return _column(
        connection,
        """select format('%%I %%s: owned by %%s', kind, name, owner::regrole) from (
               select 'relation' as kind, oid::regclass::text as name, relowner as owner, relnamespace as ns
               from pg_class
               union all select 'schema', nspname, nspowner, oid from pg_namespace
               union all select 'function', oid::regprocedure::text, proowner, pronamespace from pg_proc
               union all select 'type', oid::regtype::text, typowner, typnamespace from pg_type) o
           where case when ns in (select oid from pg_namespace where nspname in ('app', 'hist', 'queue'))
                      then owner <> 'masterflow_owner'::regrole and not (kind = 'function' and owner in
                           ('masterflow_capture'::regrole, 'masterflow_dispatch'::regrole))
                      else owner = any(%s::regrole[]) end""",
        list(APPLICATION),
    )


def grants(connection: Connection) -> list[str]:
    """Exactly the foreseen table privileges: never TRUNCATE, REFERENCES, TRIGGER or MAINTAIN."""
    rows = connection.execute(
        f"""select t.name, coalesce(r.rolname, 'public'), array_agg(a.privilege_type order by a.privilege_type)
            from ({_TABLES}) t join pg_class c using (oid), aclexplode(c.relacl) a
            left join pg_roles r on r.oid = a.grantee
            where t.relkind <> 'S' and a.grantee <> c.relowner group by 1, 2"""
    ).fetchall()
    appended = set(append_only(connection))
    return [
        f"{table}: {role} has {', '.join(sorted(set(privileges) - allowed))}"
        for table, role, privileges in rows
        if not set(privileges) <= (allowed := _allowed(table, role, is_appended=table in appended))
    ]


def _allowed(table: str, role: str, *, is_appended: bool) -> set[str]:
    if role == "masterflow_backup":
        return {"SELECT"}
    if role not in APPLICATION:
        return {"INSERT"} if role == "masterflow_capture" and table.startswith("hist.") else (
            {"INSERT"} if (role, table) == ("masterflow_dispatch", "queue.pgqueuer") else
            {"SELECT"} if role == "masterflow_capture" and table in GLOBAL else set()
        )  # fmt: skip
    if table.startswith("queue."):
        everything = {"SELECT", "INSERT", "UPDATE", "DELETE"}
        return everything if role == "masterflow_worker" else {"INSERT"} if table == "queue.pgqueuer" else set()
    if table in GLOBAL or table.startswith("hist."):
        return {"SELECT"}
    return {"SELECT", "INSERT"} if is_appended else {"SELECT", "INSERT", "UPDATE", "DELETE"}


def schema_grants(connection: Connection) -> list[str]:
    """Nobody but the owner creates in the product's schemas or in `public`, and nobody connects unasked."""
    return _column(
        connection,
        """select n.nspname || ': ' || coalesce(r.rolname, 'public') || ' has ' || a.privilege_type
           from pg_namespace n, aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee
           where n.nspname in ('app', 'hist', 'queue', 'public') and a.grantee <> n.nspowner
             and (a.privilege_type = 'CREATE' or (a.grantee = 0 and n.nspname <> 'public'))
           union all select 'database: public has ' || a.privilege_type
           from pg_database d, aclexplode(d.datacl) a where d.datname = current_database() and a.grantee = 0""",
    )


def append_only(connection: Connection) -> list[str]:
    """Tables whose triggers refuse every change; not a rule."""
    return _column(
        connection,
        f"""select t.name from ({_TABLES}) t join pg_trigger g on g.tgrelid = t.oid
            where g.tgfoid = 'app.refuse_change()'::regprocedure and g.tgtype & 16 = 16 and g.tgtype & 8 = 8
            order by 1""",
    )


def definer_functions(connection: Connection) -> list[str]:
    """Functions with their owner's rights are listed, have a fixed search path and no public caller."""
    allowed = DEFINER | {f"hist.{name}_capture()" for name in captured(connection)}
    wrong = []
    for name, owner, path, public in connection.execute(
        """select p.oid::regprocedure::text, p.proowner::regrole::text, coalesce(p.proconfig, '{}'),
                  exists (select 1 from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                          where a.grantee = 0)
           from pg_proc p join pg_namespace n on n.oid = p.pronamespace
           where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')"""
    ):
        role = "masterflow_capture" if name.startswith("hist.") else "masterflow_dispatch"
        if name not in allowed or owner != role:
            wrong.append(f"{name}: not a foreseen function of {role}")
        if path != ["search_path=pg_catalog"]:
            wrong.append(f"{name}: search_path is not fixed")
        if public:
            wrong.append(f"{name}: everybody may execute it")
    return wrong


def column_types(connection: Connection) -> list[str]:
    """Times have a zone, keys named `id` are uuid, and checked text stands where an enum could."""
    return _column(
        connection,
        f"""select t.name || '.' || a.attname || ': ' || format_type(a.atttypid, null)
            from ({_TABLES}) t join pg_attribute a on a.attrelid = t.oid join pg_type y on y.oid = a.atttypid
            where t.relkind = 'r' and t.schema in ('app', 'hist') and a.attnum > 0
              and (a.atttypid = 'timestamp'::regtype or y.typtype = 'e'
                   or (a.attname = 'id' and a.atttypid <> 'uuid'::regtype))""",
    )
