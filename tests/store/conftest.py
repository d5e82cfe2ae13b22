"""A home for an embedded PostgreSQL, short enough for its socket and open to the cluster's account."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from masterflow.store.embedded import EmbeddedPostgres


def _base() -> Path:
    """Memory, when there is a file system in it with room that allows programs; it halves the time."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        return Path(tempfile.gettempdir())
    found = os.statvfs(memory)
    is_fit = found.f_bavail * found.f_frsize > 2**30 and not found.f_flag & os.ST_NOEXEC
    return memory if is_fit else Path(tempfile.gettempdir())


@pytest.fixture
def parent() -> Iterator[Path]:
    """A directory for homes; every server in it is stopped and it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mf-", dir=_base()))
    folder.chmod(0o755)
    yield folder
    for data in folder.rglob("PG_VERSION"):
        if data.parent.name == "data":
            EmbeddedPostgres(data.parents[1]).stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture
def new_home(parent: Path) -> Path:
    """A home that does not exist yet."""
    return parent / "home"


@pytest.fixture(scope="session")
def made_home() -> Iterator[Path]:
    """A home with a cluster, stopped, for copies."""
    folder = Path(tempfile.mkdtemp(prefix="mf-", dir=_base()))
    server = EmbeddedPostgres(folder)
    server.start()
    server.release()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(new_home: Path, made_home: Path) -> Path:
    """A home whose cluster was made before and does not run."""
    subprocess.run(["cp", "-a", made_home, new_home], check=True)
    return new_home
