"""The orchestrator's room over the real database and a small flow type."""

from __future__ import annotations

import psycopg
import pytest

from masterflow.orchestrator.access import Access
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.queries import FlowQueries
from masterflow.store.database import Database
from masterflow.store.sealing import Sealer
from support.flows import toy_registry
from support.services import Keys, TestWorker, access_over


@pytest.fixture
def access(database: Database, sealer: Sealer) -> Access:
    """The ports over the role of requests."""
    return access_over(database, toy_registry(), sealer)


@pytest.fixture
def orchestrator(access: Access) -> MasterFlowOrchestrator:
    """The verbs."""
    return MasterFlowOrchestrator(access)


@pytest.fixture
def queries(access: Access) -> FlowQueries:
    """The queries."""
    return FlowQueries(access)


@pytest.fixture
def work(admin: psycopg.Connection, worker_database: Database, access: Access) -> TestWorker:
    """Runs queued jobs."""
    return TestWorker.over(admin, worker_database, access)


@pytest.fixture
def keys(admin: psycopg.Connection) -> Keys:
    """Makes API keys."""
    return Keys(admin)
