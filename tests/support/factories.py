"""One row for every table of a tenant: `plant` inserts them all, `FACTORIES` says how each row looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from masterflow.kernel.permission import Scope

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class World:
    """Whose rows they are and the ids by which they refer to each other; new ids make a second set of rows."""

    scope: Scope
    flow_id: UUID = field(default_factory=uuid4)
    change_set_id: UUID = field(default_factory=uuid4)
    run_id: UUID = field(default_factory=uuid4)
    blob_id: UUID = field(default_factory=uuid4)
    import_id: UUID = field(default_factory=uuid4)
    asset_id: UUID = field(default_factory=uuid4)
    other_asset_id: UUID = field(default_factory=uuid4)
    principal_id: UUID = field(default_factory=uuid4)
    mark: str = field(default_factory=lambda: uuid4().hex)


def _record(world: World) -> Row:
    return {
        "id": uuid4(),
        "import_id": world.import_id,
        "change_set_id": world.change_set_id,
        "sheet": "vInfo",
        "row_number": 2,
    }


def asset(world: World, asset_id: UUID | None = None, **given: object) -> Row:
    """An asset; its natural key is unique unless one is given."""
    key = asset_id or uuid4()
    row: Row = {
        "id": key,
        "natural_key": f"name:{key}",
        "name": "vm-1",
        "asset_type": "server",
        "created_by": world.scope.actor,
        "updated_by": world.scope.actor,
    }
    return row | given


FACTORIES: dict[str, Callable[[World], Row]] = {
    "app.principals": lambda w: {"id": w.principal_id, "name": "Ada"},
    "app.role_grants": lambda w: {"principal_id": w.principal_id, "role": "viewer", "granted_by": "ada"},
    "app.api_keys": lambda w: {"principal_id": w.principal_id, "prefix": f"mf_{uuid4().hex}", "key_hash": b"h"},
    "app.crewai_flow_state_extensions": lambda w: {
        "flow_id": w.flow_id,
        "flow_type": "discovery",
        "flow_version": "1.0.0",
        "user_id": "ada",
        "flow_name": w.mark,
        "flow_status": "initialized",
        "flow_state": b"J{}",
        "created_by": "ada",
        "updated_by": "ada",
    },
    "app.change_sets": lambda w: {"id": w.change_set_id, "kind": "run", "flow_id": w.flow_id, "created_by": "ada"},
    "app.phase_runs": lambda w: {
        "id": w.run_id,
        "flow_id": w.flow_id,
        "phase": "data_import",
        "iteration": 1,
        "status": "queued",
        "change_set_id": w.change_set_id,
        "requested_by": "ada",
        "inputs": b"J{}",
    },
    "app.run_steps": lambda w: {"run_id": w.run_id, "step": 1, "handler": "read_file", "outputs": b"J{}"},
    "app.checkpoints": lambda w: {
        "flow_id": w.flow_id,
        "run_id": w.run_id,
        "phase": "data_import",
        "kind": "before",
        "state": b"J{}",
        "digest": b"d",
        "phases_completed": Jsonb([]),
    },
    "app.flow_events": lambda w: {
        "flow_id": w.flow_id,
        "seq": 1,
        "kind": "created",
        "payload": Jsonb({}),
        "version": 1,
    },
    "app.access_audit_log": lambda w: {
        "user_id": "ada",
        "action_type": "create",
        "resource_type": "flow",
        "result": "success",
    },
    "app.agent_insights": lambda w: {"flow_id": w.flow_id, "insight": Jsonb({"text": w.mark})},
    "app.learning_patterns": lambda w: {"flow_id": w.flow_id, "pattern": Jsonb({}), "created_by": "ada"},
    "app.idempotency_keys": lambda w: {"principal": "ada", "key": uuid4().hex, "fingerprint": b"f"},
    "app.blobs": lambda w: {
        "id": w.blob_id,
        "sha256": uuid4().bytes,
        "size": 1,
        "media_type": "text/csv",
        "created_by": "ada",
    },
    "app.blob_chunks": lambda w: {"blob_id": w.blob_id, "seq": 0, "content": b"x"},
    "app.data_imports": lambda w: {
        "id": w.import_id,
        "flow_id": w.flow_id,
        "blob_id": w.blob_id,
        "file_name": "a.csv",
        "created_by": "ada",
    },
    "app.raw_import_records": lambda w: _record(w) | {"values": Jsonb({"VM": w.mark})},
    "app.import_field_mappings": lambda w: {
        "id": uuid4(),
        "import_id": w.import_id,
        "sheet": "vInfo",
        "source_column": uuid4().hex,
        "position": 1,
        "confidence": 0.9,
        "decided_by": "rules",
        "status": "suggested",
    },
    "app.cleansed_records": lambda w: (
        _record(w) | {"raw_record_id": uuid4(), "role": Jsonb({}), "values": Jsonb({"name": w.mark})}
    ),
    "app.quality_issues": lambda w: _record(w) | {"code": "empty", "severity": "info", "message": "empty"},
    "app.assets": lambda w: asset(w, w.asset_id),
    "app.asset_dependencies": lambda w: {
        "id": uuid4(),
        "source_asset_id": w.asset_id,
        "target_asset_id": w.asset_id,
        "kind": "network",
        "confidence": 0.5,
        "port": uuid4().int % 65536,
    },
    "app.asset_tech_debt": lambda w: {
        "id": uuid4(),
        "asset_id": w.asset_id,
        "subject": uuid4().hex,
        "found_text": "CentOS 6",
        "product": "centos",
        "cycle": "6",
        "state": "ended",
        "severity": "high",
        "assessed_on": "2026-11-20",
        "catalog_as_of": "2026-11-20",
    },
}
"""Columns and values per table, parents first; tenant columns come from the context."""
MADE_WITH_THE_SCOPE = {"app.client_accounts", "app.engagements"}
"""Tables of which making a scope inserts the row."""


def enter(connection: psycopg.Connection, scope: Scope, change_set: UUID | None = None) -> None:
    """Set the tenant context of the running transaction."""
    connection.execute(
        "select set_config('app.client_account_id', %s, true), set_config('app.engagement_id', %s, true),"
        " set_config('app.actor', %s, true), set_config('app.change_set', %s, true)",
        (
            str(scope.client_account_id),
            str(scope.engagement_id),
            json.dumps(scope.actor_document()),
            str(change_set or ""),
        ),
    )


def insert(connection: psycopg.Connection, table: str, row: Mapping[str, object]) -> None:
    """Insert one row; tenant columns may be among its values or come from the context."""
    schema, name = table.split(".")
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(schema, name),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )


def plant(connection: psycopg.Connection, scope: Scope) -> World:
    """Insert one row into every table of the scope, as the superuser; the world it made."""
    world = World(scope)
    with connection.transaction():
        enter(connection, scope, world.change_set_id)
        for table, make in FACTORIES.items():
            insert(connection, table, make(world))
    return world
