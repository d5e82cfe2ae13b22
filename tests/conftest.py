"""The real server of the session, a database per process, a fresh tenant per test."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from masterflow.kernel.permission import Scope
from masterflow.store.database import Database
from masterflow.store.ddl import API, WORKER
from masterflow.store.embedded import Cluster
from masterflow.store.sealing import Sealer
from support.server import Server, remove_server, running_server
from support.tenants import ScopeFactory

_FOLDER = pytest.StashKey[Path]()
ISOLATION = "isolation"
"""Name under which an isolation test reports its (probes, leaks)."""


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder of the session's server; processes of pytest-xdist get it from the first one."""
    given = getattr(config, "workerinput", {}).get("server_folder")
    chosen = Path(given) if given else Path(tempfile.gettempdir()) / f"mf-{secrets.token_hex(6)}"
    config.stash[_FOLDER] = chosen
    if not os.access(config.rootpath, os.W_OK):  # hypothesis keeps its examples there and warns when it cannot
        settings.register_profile("read-only checkout", database=None)
        settings.load_profile("read-only checkout")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a process of pytest-xdist where the server is."""
    node.workerinput["server_folder"] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first process removes the server when all others are done."""
    if not hasattr(config, "workerinput"):
        remove_server(config.stash[_FOLDER])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that says how many isolation probes ran and how many found a leak."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    counts = [value for report in reports for name, value in report.user_properties if name == ISOLATION]
    if counts:
        probes, leaks = (sum(column) for column in zip(*counts, strict=True))
        terminalreporter.write_line(f"isolation: {probes} probes, {leaks} leaks")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The size of the chaos tests."""
    parser.addoption("--chaos-rounds", type=int, default=1, help="how often each chaos test repeats its faults")


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Background jobs of a shell ignore SIGINT and so do their children; commands here have to hear it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The server of the session with its migrated template."""
    with running_server(pytestconfig.stash[_FOLDER]) as running:
        yield running


@pytest.fixture(scope="session")
def cluster(server: Server) -> Cluster:
    """The embedded cluster that all processes of the session share."""
    return server.cluster


@pytest.fixture(scope="session")
def database_name(server: Server) -> Iterator[str]:
    """This process's own copy of the template."""
    with server.copy(f"masterflow_{os.environ.get('PYTEST_XDIST_WORKER', 'only')}") as name:
        yield name


@pytest.fixture(scope="session")
def admin_connection(server: Server, database_name: str) -> Iterator[psycopg.Connection]:
    """The superuser's connection that `admin` hands out."""
    with server.superuser(database_name) as connection:
        yield connection


@pytest.fixture
def admin(admin_connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A superuser on this process's database, autocommit; settings of a test end with it."""
    yield admin_connection
    admin_connection.rollback()
    admin_connection.execute("reset all")


@pytest.fixture(scope="session")
def api(server: Server, database_name: str) -> Iterator[psycopg.Connection]:
    """A plain autocommit connection of role api, for properties that run many transactions."""
    with psycopg.connect(server.dsn(database_name, API), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def worker(server: Server, database_name: str) -> Iterator[psycopg.Connection]:
    """The same of role worker."""
    with psycopg.connect(server.dsn(database_name, WORKER), autocommit=True) as connection:
        yield connection


@pytest.fixture
def scratch(server: Server) -> Callable[[], AbstractContextManager[str]]:
    """Makes migrated databases that a test may break; each is dropped at the end of its block."""
    return lambda: server.copy(f"scratch_{secrets.token_hex(6)}")


@pytest.fixture
def migrator_url(server: Server, database_name: str) -> str:
    """The migrator's URL on this process's database."""
    return server.migrator_url(database_name)


@pytest.fixture
async def database(server: Server, database_name: str) -> AsyncIterator[Database]:
    """The connections of role api."""
    opened = Database(server.url(database_name, API), pool_size=5)
    yield opened
    await opened.close()


@pytest.fixture
async def worker_database(server: Server, database_name: str) -> AsyncIterator[Database]:
    """The connections of role worker."""
    opened = Database(server.url(database_name, WORKER), pool_size=5)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def make_scope(admin_connection: psycopg.Connection) -> ScopeFactory:
    """Makes scopes in fresh engagements."""
    return ScopeFactory(admin_connection)


@pytest.fixture
def scope(make_scope: ScopeFactory) -> Scope:
    """A client admin in a fresh engagement of a fresh client account."""
    return make_scope()


@pytest.fixture
def other_scope(make_scope: ScopeFactory) -> Scope:
    """The same for another client account."""
    return make_scope(actor="bob")


@pytest.fixture
def sealer() -> Sealer:
    """A sealer with one key made for this test."""
    return Sealer({"key-1": secrets.token_bytes(32)}, nonce=partial(secrets.token_bytes, 12))
