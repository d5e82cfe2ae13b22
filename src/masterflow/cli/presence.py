"""Whether a server of this home runs, and where: a locked file that a killed server cannot leave behind."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from masterflow.errors import Unavailable

FILE = "server.json"
_STARTING_SECONDS = 120.0
_ANSWER_SECONDS = 2.0
_TAKE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Announced:
    """A running server."""

    pid: int
    address: str


class Presence:
    """This process as the server of a home, from `present` until the block ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def announce(self, address: str) -> None:
        """Tell where the server listens."""
        text = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)


@contextmanager
def present(home: Path) -> Iterator[Presence | None]:
    """Be the server of `home` in the block; None when another process is.

    The lock belongs to the open file and ends with the process, however it ends.
    """
    path = home / FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if not _taken(descriptor):
            yield None
            return
        os.ftruncate(descriptor, 0)
        yield Presence(descriptor)
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    deadline = time.monotonic() + _TAKE_SECONDS  # somebody who only looks holds the lock for a moment
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)


def running_server(home: Path) -> Announced | None:
    """The server of `home` once it answers; None when none runs.

    Raises:
        Unavailable: a process is the home's server but does not answer.
    """
    deadline = time.monotonic() + _STARTING_SECONDS
    while True:
        with suppress(FileNotFoundError):
            found = _announced(home / FILE)
            if found is not None and _is_live(found.address):
                return found
            if found is not None and (found.address or time.monotonic() >= deadline):
                raise Unavailable(
                    "a server of this home runs but does not answer",
                    where={"home": home, "pid": found.pid},
                    next_step="Stop that process, then start again.",
                )
            if found is not None:  # it is starting
                time.sleep(0.1)
                continue
        return None


def _announced(path: Path) -> Announced | None:
    """What a living server wrote; an empty address while it starts. None when nobody holds the lock."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(ValueError):
            document = json.loads(os.pread(descriptor, 4096, 0))
            return Announced(int(document["pid"]), str(document["address"]))
        return Announced(0, "")
    else:
        return None
    finally:
        os.close(descriptor)


def _is_live(address: str) -> bool:
    if not address:
        return False
    try:
        return httpx.get(f"{address}/livez", timeout=_ANSWER_SECONDS, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
