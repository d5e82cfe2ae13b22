"""A server of its own for the chaos tests, with the durability that the product has."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chaos.arena import Arena
from masterflow.store.embedded import EmbeddedPostgres
from support.server import Server, remove_server, running_server

SETTINGS = {"max_connections": "100"}
MakeArena = Callable[..., AbstractAsyncContextManager[Arena]]
Postgres = Callable[[], None]


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> int:
    """How often the faults are repeated."""
    return int(pytestconfig.getoption("--chaos-rounds", default=1))


@pytest.fixture(scope="session")
def chaos_folder() -> Iterator[Path]:
    """Where the server of these tests lives."""
    folder = Path(tempfile.gettempdir()) / f"mf-chaos-{secrets.token_hex(4)}"
    yield folder
    remove_server(folder)


@pytest.fixture(scope="session")
def chaos_server(chaos_folder: Path) -> Iterator[Server]:
    """The server, with fsync."""
    with running_server(chaos_folder, settings=SETTINGS) as running:
        yield running


@pytest.fixture
def stop_postgres(chaos_server: Server, chaos_folder: Path) -> Iterator[Postgres]:
    """Stops the server as a crash would and starts it again."""
    embedded = EmbeddedPostgres(chaos_folder / "home", settings=SETTINGS)
    embedded.start()

    def crash() -> None:
        embedded.stop("immediate")
        embedded.start()

    yield crash
    embedded.release()


@pytest.fixture
def arena(chaos_server: Server, tmp_path: Path) -> MakeArena:
    """Makes arenas, each with a database of its own; its workers end with the block."""

    @asynccontextmanager
    async def make(**configuration: Any) -> AsyncIterator[Arena]:
        with ExitStack() as stack:
            name = stack.enter_context(chaos_server.copy(f"chaos_{secrets.token_hex(4)}"))
            made = Arena.made(chaos_server, name, tmp_path, **configuration)
            try:
                yield made
            finally:
                made.end()

    return make
