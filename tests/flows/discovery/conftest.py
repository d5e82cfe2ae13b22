"""One office for all discovery tests: its processes for calculations stay warm."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from flows.discovery.office import Desk, Office, running_office
from masterflow.kernel.permission import Scope
from support.server import Server


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def office(server: Server, database_name: str) -> AsyncIterator[Office]:
    """The office over this process's database."""
    async with running_office(server, database_name) as opened:
        yield opened


@pytest.fixture
def desk(office: Office, scope: Scope) -> Desk:
    """A person with every right in a fresh engagement."""
    return office.desk(scope)


@pytest.fixture
def other_desk(office: Office, other_scope: Scope) -> Desk:
    """The same for another client account."""
    return office.desk(other_scope)
