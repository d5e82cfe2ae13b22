"""Permissions: no class loads without them, and every method refuses every role that lacks its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from masterflow.errors import NotPermitted
from masterflow.kernel.permission import ROLES
from masterflow.orchestrator.access import Access
from masterflow.orchestrator.analytics import FlowAnalytics
from masterflow.orchestrator.feed import EventFeed, Notices
from masterflow.orchestrator.guard import guarded, permission_of, requires
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.queries import FlowQueries
from support.tenants import ScopeFactory

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = Path(__file__).with_name("allowed.txt")


def reference() -> ModuleType:
    """The module that generates the reference."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def objects(access: Access) -> dict[type, object]:
    """Every guarded class over real ports."""
    notices = Notices(access.database.close)
    plain = {kind: kind(access) for kind in (MasterFlowOrchestrator, FlowQueries, FlowAnalytics, Inventory)}
    return {**plain, EventFeed: EventFeed(access, notices)}


async def is_allowed(method, scope) -> bool:
    """Whether the gate lets a call through; what happens behind it does not matter here."""
    try:
        await method(scope)
    except NotPermitted:
        return False
    except TypeError:  # the arguments are missing: the gate was passed
        return True
    return True


async def test_every_method_refuses_exactly_the_roles_of_the_table_and_records_it(
    access: Access, make_scope: ScopeFactory, admin: psycopg.Connection, record_property
):
    made, lines, probes = objects(access), [], 0
    for role in ROLES:
        scope, denied = make_scope(role), 0
        for kind, name, _ in reference().guarded_methods():
            allowed = await is_allowed(getattr(made[kind], name), scope)
            denied += not allowed
            probes += 1
            lines.append(f"{kind.__name__}.{name} {role} {'allowed' if allowed else 'denied'}")
        rows = admin.execute(
            "select count(*) from app.access_audit_log where client_account_id = %s and result = 'denied'",
            (scope.client_account_id,),
        ).fetchone()
        assert rows == (denied,), role
    print(f"permissions: {probes} probes")
    record_property("permission_probes", probes)
    assert sorted(lines) == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_the_guarded_classes_are_all_in_the_table():
    listed = {f"{kind.__name__}.{name}" for kind, name, _ in reference().guarded_methods()}
    public = {
        f"{kind.__name__}.{name}"
        for kind in reference().GUARDED
        for name in vars(kind)
        if not name.startswith("_") and name != "audits"
    }
    assert listed == public


def test_a_class_with_a_method_without_permission_does_not_load():
    with pytest.raises(TypeError, match=r"Open\.read names no permission"):

        @guarded
        class Open:
            async def read(self, scope): ...


def test_a_class_with_a_method_that_is_not_async_does_not_load():
    with pytest.raises(TypeError, match="is not async"):

        @guarded
        class Blocking:
            @requires("flow:read")
            def read(self, scope): ...


def test_an_unknown_permission_does_not_load():
    with pytest.raises(TypeError, match="unknown permission 'flow:fly'"):
        requires("flow:fly")


def test_private_names_and_plain_attributes_need_no_permission():
    @guarded
    class Small:
        limit = 3

        def _inner(self): ...

    assert Small.limit == 3
    assert permission_of(Small._inner) is None
