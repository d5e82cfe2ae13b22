"""Roles include one another, permissions have one form, and a scope speaks for its actor."""

from __future__ import annotations

import itertools
import re
from uuid import uuid4

from masterflow.kernel.actions import PERMISSION_OF
from masterflow.kernel.permission import PERMISSIONS, ROLES, Scope, permissions_of


def test_each_role_includes_the_one_before_and_more() -> None:
    order = ["viewer", "analyst", "engagement_manager", "client_admin"]
    assert list(ROLES) == order
    assert all(ROLES[lower] < ROLES[higher] for lower, higher in itertools.pairwise(order))


def test_permissions_are_resource_and_action() -> None:
    assert all(re.fullmatch(r"[a-z_]+:[a-z_]+", permission) for permission in PERMISSIONS)


def test_a_viewer_reads_and_nothing_else() -> None:
    assert {permission.split(":")[1] for permission in ROLES["viewer"]} == {"read"}


def test_several_roles_give_the_union_and_an_unknown_one_nothing() -> None:
    assert permissions_of(["viewer", "analyst"]) == ROLES["analyst"]
    assert permissions_of(["root"]) == permissions_of([]) == frozenset()


def test_every_action_on_a_flow_needs_a_permission_that_exists() -> None:
    assert set(PERMISSION_OF.values()) <= PERMISSIONS


def test_a_scope_tells_the_database_who_acts_from_where() -> None:
    scope = Scope(uuid4(), uuid4(), "ada", ip="192.0.2.1", user_agent="cli", request_id="r1")
    assert scope.permissions == frozenset()
    assert scope.actor_document() == {"id": "ada", "ip": "192.0.2.1", "user_agent": "cli", "request_id": "r1"}
