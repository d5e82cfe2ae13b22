"""Random lives of flows on the real functions equal the model, step by step, and planted mistakes do not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from masterflow.store.ddl import WORKER
from support.ledger import replace_function
from support.lives import LifeCycle
from support.server import Server
from support.tenants import ScopeFactory

RUNS = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
SEARCH = settings(RUNS, max_examples=300, phases=[Phase.generate], derandomize=True, database=None)
"""Looks for a planted mistake without making its example small."""

MISTAKES = {
    "a take-over from a live worker": ("start_run.v1.sql", "heartbeat > clock_timestamp()", "heartbeat > 'infinity'"),
    "a fence that survives a cancellation": ("move_flow.v1.sql", "= p_to, fence = null", "= p_to"),
    "a finish without its fence": ("finish_run.v1.sql", "and f.fence = p_fence ", ""),
    "a retry that does not count": ("close_run.v1.sql", "when v_retry then 1 else 0", "when v_retry then 0 else 0"),
    "a move without its event": ("move_flow.v1.sql", "event_seq = f.event_seq + 1", "event_seq = f.event_seq"),
    "a version that is not compared": ("record.v1.sql", "<> coalesce(p_version, v_flow.version)", "is null"),
    "a move outside the table": ("record.v1.sql", "and from_status = p_from", ""),
    "a blocked run that goes on": ("execute_flow.v1.sql", "if p_flow.revert_pending then", "if false then"),
    "a reconciler that doubles": ("dispatch.v1.sql", "in ('queued', 'running') and r", "<> 'running' and r"),
}  # fmt: skip


def test_random_lives_equal_the_model(
    worker: psycopg.Connection, admin: psycopg.Connection, make_scope: ScopeFactory
) -> None:
    run_state_machine_as_test(lambda: LifeCycle(worker, admin, (make_scope(), make_scope())), settings=RUNS)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_random_lives_find_a_planted_mistake(
    server: Server, scratch: Callable[[], AbstractContextManager[str]], mistake: str
) -> None:
    name, right, wrong = MISTAKES[mistake]
    with (
        scratch() as database,
        server.superuser(database) as admin,
        psycopg.connect(server.dsn(database, WORKER), autocommit=True) as worker,
    ):
        make_scope = ScopeFactory(admin)
        replace_function(admin, name, (right, wrong))
        with pytest.raises((AssertionError, pytest.fail.Exception, psycopg.Error, KeyError, IndexError)):
            run_state_machine_as_test(lambda: LifeCycle(worker, admin, (make_scope(), make_scope())), settings=SEARCH)
