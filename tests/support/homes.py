"""What the tests of the embedded PostgreSQL share: other processes that use a home, waiting, asking."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from masterflow.store.embedded import Cluster

SOURCE = Path(__file__).parents[2] / "src"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: switches to another account")
USER_SCRIPT = """
    import sys
    from pathlib import Path
    from masterflow.store.embedded import EmbeddedPostgres
    server = EmbeddedPostgres(Path(sys.argv[1]))
    server.start()
    try:
        print(server.status().pid, flush=True)
        sys.stdin.readline()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.stdin.readline()
    server.release()
"""


def script_arguments(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]


@contextmanager
def other_process(home: Path, script: str = USER_SCRIPT) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the home until it gets a line on its standard input."""
    process = subprocess.Popen(
        script_arguments(script, home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"]},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited state was not reached"
        threading.Event().wait(0.005)


def query(cluster: Cluster, statement: str) -> object:
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected by init does not."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
