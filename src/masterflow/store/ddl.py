"""One way to make a table: its class decides columns, keys, policies, grants and triggers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Literal

OWNER = "masterflow_owner"
MIGRATOR = "masterflow_migrator"
API = "masterflow_api"
WORKER = "masterflow_worker"
CAPTURE = "masterflow_capture"
DISPATCH = "masterflow_dispatch"
BACKUP = "masterflow_backup"

TableClass = Literal["global", "client", "engagement"]

_CLIENT = "client_account_id uuid not null default app.client_id()"
_ENGAGEMENT = "engagement_id uuid not null default app.engagement_id()"
_TENANT_TEST: dict[str, str] = {
    "client": "client_account_id = (select app.client_id())",
    "engagement": "client_account_id = (select app.client_id()) and engagement_id = (select app.engagement_id())",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of schema `app`.

    `body`: column and constraint lines without the tenant columns. `key`: primary key columns after the
    tenant columns. `captured`: changes are kept in `hist` and undone by change set. `append_only`: rows
    are never updated or deleted by the application.
    """

    name: str
    kind: TableClass
    body: str
    key: tuple[str, ...] = ("id",)
    captured: bool = False
    append_only: bool = False
    in_change_set: bool = False
    """Rows are added in an open change set only, and name it in `change_set_id`."""
    global_key: bool = False
    """The key alone is unique over all tenants (ids made by the server); the master row has it."""


def tenant_columns(kind: TableClass) -> tuple[str, ...]:
    """Names of the leading key columns of a table class."""
    return {
        "global": (),
        "client": ("client_account_id",),
        "engagement": ("client_account_id", "engagement_id"),
    }[kind]


def create_table(table: Table) -> Iterator[str]:
    """The statements that create one table with everything its class demands."""
    lines = list((_CLIENT, _ENGAGEMENT)[: len(tenant_columns(table.kind))])
    full_key = ", ".join((*tenant_columns(table.kind), *table.key))
    if table.global_key:
        lines += [table.body, f"primary key ({', '.join(table.key)})", f"unique ({full_key})"]
    else:
        lines += [table.body, f"primary key ({full_key})"]
    yield f"create table app.{table.name} (\n    " + ",\n    ".join(lines) + "\n)"
    if table.kind == "global":
        yield f"grant select on app.{table.name} to {API}, {WORKER}, {CAPTURE}, {DISPATCH}"
        return
    check = "change_set_id = (select app.change_set_id())" if table.in_change_set else ""
    yield from row_security(f"app.{table.name}", table.kind, extra_check=check)
    yield f"grant {_verbs(table)} on app.{table.name} to {API}, {WORKER}"
    if table.in_change_set:
        yield (
            f"create trigger a_guard before insert on app.{table.name} for each statement execute function app.guard()"
        )
    if table.append_only:
        yield from refuse_changes(table.name)
    if table.captured:
        yield from capture(table.name)


def _verbs(table: Table) -> str:
    """Only what can be undone may be deleted."""
    if table.append_only:
        return "select, insert"
    return "select, insert, update, delete" if table.captured else "select, insert, update"


def row_security(name: str, kind: TableClass, *, extra_check: str = "") -> Iterator[str]:
    """FORCE row-level security: one permissive policy and a restrictive floor for the same roles."""
    test = _TENANT_TEST[kind]
    check = f"{test} and {extra_check}" if extra_check else test
    roles = f"{API}, {WORKER}, {CAPTURE}"
    yield f"alter table {name} enable row level security"
    yield f"alter table {name} force row level security"
    yield f"create policy tenant on {name} for all to {roles} using ({test}) with check ({check})"
    yield (
        f"create policy tenant_floor on {name} as restrictive for all to {roles} using ({test}) with check ({check})"
    )


def refuse_changes(name: str) -> Iterator[str]:
    """Triggers that refuse UPDATE, DELETE and TRUNCATE for everybody, the owner included."""
    yield (
        f"create trigger append_only before update or delete on app.{name} "
        "for each row execute function app.refuse_change()"
    )
    yield (
        f"create trigger append_only_truncate before truncate on app.{name} "
        "for each statement execute function app.refuse_change()"
    )


def capture(name: str) -> Iterator[str]:
    """History table, its policies and the capture triggers; repeat `app.create_capture` after an ALTER."""
    yield f"select app.create_history('app.{name}')"
    yield from row_security(f"hist.{name}", "engagement", extra_check='"~cs" = (select app.change_set_id())')
    yield f"grant select on hist.{name} to {API}, {WORKER}"
    yield f"grant insert on hist.{name} to {CAPTURE}"
    yield f"select app.create_capture('app.{name}')"
    yield f"grant create on schema hist to {CAPTURE}"  # ownership of a function needs it for the moment
    yield f"alter function hist.{name}_capture() owner to {CAPTURE}"
    yield f"revoke create on schema hist from {CAPTURE}"


def row_changes_view(captured: tuple[str, ...]) -> str:
    """The view over all history tables that planning, lineage and history read."""
    parts = [
        f"select '{name}'::text as table_name, client_account_id, engagement_id, id, "  # noqa: S608 - names of our own tables
        f'"~seq" as seq, "~op" as op, "~cs" as change_set_id from hist.{name}'
        for name in captured
    ]
    return "create view app.row_changes with (security_invoker = true) as\n" + "\nunion all ".join(parts)


def sql_file(name: str) -> str:
    """Text of a frozen SQL file below `store/sql`."""
    return (resources.files("masterflow.store") / "sql" / name).read_text(encoding="utf-8")
