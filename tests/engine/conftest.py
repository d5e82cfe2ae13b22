"""The engine over the real database."""

from __future__ import annotations

import psycopg
import pytest

from masterflow.kernel.permission import Scope
from masterflow.store.database import Database
from masterflow.store.sealing import Sealer
from support.engine import Engine


@pytest.fixture
def engine(
    database: Database, worker_database: Database, admin: psycopg.Connection, scope: Scope, sealer: Sealer
) -> Engine:
    """An engine of a fresh engagement, which knows no flow type yet."""
    return Engine.over((database, worker_database), admin, scope, sealer)
