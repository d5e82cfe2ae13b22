# ruff: noqa: S608 - names in the statements are those of the schema
"""Tenant isolation, by enumeration: what one tenant tries on the rows of another, table by table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest

from masterflow.store.ddl import API, WORKER
from support.catalog import CLIENT, tables
from support.factories import FACTORIES, MADE_WITH_THE_SCOPE, World, enter, plant
from support.isolation import VIEWS, Intruder, Probe
from support.server import Server
from support.tenants import ScopeFactory


def _enumerated(admin: psycopg.Connection, *, same_client: bool) -> list[str]:
    """What there is to try; a sibling engagement shares the tables of its client account."""
    names = [*tables(admin), *VIEWS]
    return [name for name in names if not (same_client and name in CLIENT)]


def _worlds(make_scope: ScopeFactory, *, same_client: bool) -> tuple[World, World]:
    own = make_scope()
    foreign = make_scope(client=own.client_account_id if same_client else None)
    return plant(make_scope.admin, own), plant(make_scope.admin, foreign)


def test_every_table_of_a_tenant_has_a_factory(admin: psycopg.Connection) -> None:
    named = set(FACTORIES) | MADE_WITH_THE_SCOPE
    assert {name for name in tables(admin) if name.startswith("app.")} == named


def test_every_view_is_probed(admin: psycopg.Connection) -> None:
    found = admin.execute("select 'app.' || viewname from pg_views where schemaname = 'app'").fetchall()
    assert {row[0] for row in found} == set(VIEWS)


def test_planting_puts_a_row_into_every_table_and_history(admin: psycopg.Connection, make_scope: ScopeFactory) -> None:
    world = plant(admin, make_scope())
    counts = {
        name: admin.execute(
            f"select count(*) from {name} where client_account_id = %s", (world.scope.client_account_id,)
        ).fetchone()[0]
        for name in _enumerated(admin, same_client=False)
    }
    assert [name for name, count in counts.items() if count == 0] == []


@pytest.mark.parametrize("role", ["api", "worker"])
@pytest.mark.parametrize("same_client", [False, True], ids=["other client", "sibling engagement"])
def test_no_operation_reaches_the_rows_of_another_tenant(
    request: pytest.FixtureRequest, admin: psycopg.Connection, make_scope: ScopeFactory, role: str, same_client: bool
) -> None:
    own, foreign = _worlds(make_scope, same_client=same_client)
    intruder = Intruder(request.getfixturevalue(role), own, foreign)
    probes = list(intruder.probes(_enumerated(admin, same_client=same_client)))
    leaks = [f"{probe.name}: {probe.leak}" for probe in probes if probe.leak]
    request.node.user_properties.append(("isolation", (len(probes), len(leaks))))
    assert leaks == []
    assert len(probes) > 100


def _leaks_after(
    server: Server, scratch: Callable[[], AbstractContextManager[str]], violation: str, table: str
) -> list[Probe]:
    with scratch() as name, server.superuser(name) as admin:
        own, foreign = _worlds(ScopeFactory(admin), same_client=False)
        admin.execute(violation)
        with psycopg.connect(server.dsn(name, API), autocommit=True) as api:
            return [probe for probe in Intruder(api, own, foreign).probes([table]) if probe.leak]


BROKEN = {
    "no row security": (
        "alter table {0} disable row level security; grant delete on {0} to masterflow_api",
        {"sees", "updates", "deletes", "inserts"},
    ),
    "policies that allow all": (
        "alter policy tenant on {0} using (true) with check (true);"
        " alter policy tenant_floor on {0} using (true) with check (true);"
        " grant delete on {0} to masterflow_api",
        {"sees", "updates", "deletes", "inserts"},
    ),
    "checks that allow all": (
        "alter policy tenant on {0} with check (true); alter policy tenant_floor on {0} with check (true)",
        {"inserts"},
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_policy_makes_the_probes_leak(
    server: Server, scratch: Callable[[], AbstractContextManager[str]], broken: str
) -> None:
    violation, wanted = BROKEN[broken]
    leaks = _leaks_after(server, scratch, violation.format("app.idempotency_keys"), "app.idempotency_keys")
    assert wanted <= {probe.name.split(": ")[1].split()[0] for probe in leaks}


def test_the_restrictive_policy_alone_holds_when_a_permissive_one_allows_all(
    server: Server, scratch: Callable[[], AbstractContextManager[str]]
) -> None:
    added = f"create policy more on app.assets to {API}, {WORKER} using (true) with check (true)"
    assert _leaks_after(server, scratch, added, "app.assets") == []


def test_a_view_with_its_owners_rights_leaks_once_row_security_is_not_forced(
    server: Server, scratch: Callable[[], AbstractContextManager[str]]
) -> None:
    violation = (
        "alter view app.current_raw_records set (security_invoker = false);"
        " alter view app.current_raw_records owner to postgres_like"
    )
    made = "create role postgres_like bypassrls; grant usage on schema app to postgres_like;"
    granted = " grant select on app.raw_import_records, app.change_sets to postgres_like;"
    try:
        leaks = _leaks_after(server, scratch, made + granted + violation, "app.current_raw_records")
    finally:
        with server.superuser() as admin:
            admin.execute("drop role if exists postgres_like")
    assert {probe.name for probe in leaks} >= {"app.current_raw_records: sees foreign rows"}


def test_a_foreign_flow_cannot_be_referred_to(api: psycopg.Connection, make_scope: ScopeFactory) -> None:
    own, foreign = _worlds(make_scope, same_client=True)
    messages = []
    for flow_id in (foreign.flow_id, World(own.scope).flow_id):
        with api.transaction(force_rollback=True):
            enter(api, own.scope)
            with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused:
                api.execute("insert into app.agent_insights (flow_id, insight) values (%s, '{}')", (flow_id,))
        messages.append(refused.value.diag.message_primary)
    assert messages[0] == messages[1]
