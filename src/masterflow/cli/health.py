"""`masterflow doctor`: checks that change nothing."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.console import Console

from masterflow import app as root
from masterflow.cli.options import Json
from masterflow.cli.output import Output, put, table
from masterflow.settings import read_settings

SHOWN = 10
"""Findings of a check that are printed; --json lists all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    prove: Annotated[
        bool, typer.Option("--prove", help="Check the checks: plant each violation in a scratch database.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check server, schema, row-level security and every flow. Changes nothing; exit code 1 on a finding."""
    document = _proved() if prove else _examined()
    Output(as_json=as_json).answer(document, lambda console: _show(console, document))
    if not document["ok"]:
        raise typer.Exit(1)


def _examined() -> dict[str, Any]:
    results = root.examine(read_settings(os.environ))
    checks = [
        {
            "check": result.check,
            "ok": result.passed,
            "says": result.says,
            "findings": [{"where": place, "what": detail} for place, detail in result.findings],
            "next_step": "" if result.passed else result.next_step,
        }
        for result in results
    ]
    return {"ok": all(result.passed for result in results), "checks": checks}


def _proved() -> dict[str, Any]:
    proofs = root.upkeep_of(read_settings(os.environ)).prove()
    return {
        "ok": all(proof.caught for proof in proofs),
        "proofs": [{"check": proof.check, "planted": proof.planted, "caught": proof.caught} for proof in proofs],
    }


def _show(console: Console, document: dict[str, Any]) -> None:
    if "proofs" in document:
        rows = [
            ("caught" if proof["caught"] else "MISSED", proof["check"], " ".join(proof["planted"].split()))
            for proof in document["proofs"]
        ]
        put(console, table(["", "check", "planted in a scratch database"], rows))
        return
    for check in document["checks"]:
        put(console, f"{'ok  ' if check['ok'] else 'FAIL'} {check['check']}: {check['says']}")
        for finding in check["findings"][:SHOWN]:
            put(console, f"       {finding['where']}: {finding['what']}")
        if len(check["findings"]) > SHOWN:
            put(console, f"       and {len(check['findings']) - SHOWN} more; --json lists all")
        if not check["ok"]:
            put(console, f"       now: {check['next_step']}")
