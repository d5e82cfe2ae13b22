"""`masterflow admin ...`: tenants and tokens."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import psycopg

from masterflow.store.embedded import EmbeddedPostgres
from support.console import Console


def _row(console: Console, statement: str, *arguments: object) -> tuple[object, ...] | None:
    server = EmbeddedPostgres(console.home)
    cluster = server.start()
    try:
        with psycopg.connect(cluster.dsn("masterflow")) as connection:
            return connection.execute(statement.encode(), arguments).fetchone()
    finally:
        server.release()


def test_a_token_is_shown_and_only_its_hash_is_stored(console: Console) -> None:
    made = console.json("admin", "create-token", "--role", "viewer", "--name", "reader")
    prefix = made["token"].split("_")[1]
    row = _row(console, "select key_hash from app.api_keys where prefix = %s", prefix)
    assert row == (hashlib.sha256(made["token"].encode()).digest(),)
    assert "shown this once" in console("admin", "create-token").out


def test_a_tenant_gets_ids_under_which_a_token_can_be_made(console: Console) -> None:
    made = console.json("admin", "create-tenant", "Company", "--engagement", "Move 2027")
    place = ("--client", made["client_account_id"], "--engagement", made["engagement_id"])
    token = console.json("admin", "create-token", *place, "--every-engagement")
    assert token["engagement_id"] == made["engagement_id"]
    assert "client account" in console("admin", "create-tenant", "Second").out


def test_a_token_for_an_unknown_engagement_or_half_a_place_is_refused(console: Console) -> None:
    unknown = str(uuid4())
    ended = console("admin", "create-token", "--client", unknown, "--engagement", unknown, "--json")
    assert (ended.code, ended.document["error"]["code"]) == (1, "not_found")
    assert console("admin", "create-token", "--client", unknown).code == 1
