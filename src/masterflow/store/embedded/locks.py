"""Locks of a home: one start or stop at a time, and which processes use the database now."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from masterflow.errors import Unavailable
from masterflow.store.embedded.accounts import current_account
from masterflow.store.embedded.homes import lock_path, private_directory


@dataclass(frozen=True, slots=True)
class Registration:
    """This process's entry among the users of a home; it counts while `descriptor` is open."""

    path: Path
    descriptor: int
    pid: int


def try_lock(path: Path, *, timeout: float) -> int | None:
    """Open and lock a file within `timeout` seconds; the descriptor, or None when it stays taken.

    The lock belongs to the open file: it holds while any process that inherited it lives.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)
        else:
            return descriptor


@contextmanager
def home_locked(home: Path, *, timeout: float) -> Iterator[int]:
    """Hold the home's lock; yields its descriptor. Raises Unavailable after `timeout` seconds."""
    descriptor = try_lock(lock_path(home), timeout=timeout)
    if descriptor is None:
        raise Unavailable(
            f"Another process has been starting or stopping this database for {timeout:g} s.",
            where={"home": home},
            next_step="Wait for it to finish, then try again.",
        )
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def register_user(home: Path) -> Registration:
    """Count this process as a user of the home until it lets go or dies; the home's lock is held."""
    private_directory(home / "users", current_account())
    path = home / "users" / f"{os.getpid()}-{secrets.token_hex(4)}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return Registration(path, descriptor, os.getpid())


def unregister_user(registration: Registration) -> None:
    """Stop counting this process."""
    registration.path.unlink(missing_ok=True)
    os.close(registration.descriptor)


def live_users(home: Path, *, remove_stale: bool = False) -> tuple[int, ...]:
    """Process ids of the users of the home; a killed one does not count.

    `remove_stale` deletes the entries of dead processes and needs the home's lock.
    """
    alive = []
    for path in sorted((home / "users").glob("*")):
        if _is_locked(path):
            alive.append(int(path.name.partition("-")[0]))
        elif remove_stale:
            path.unlink(missing_ok=True)
    return tuple(alive)


def _is_locked(path: Path) -> bool:
    with suppress(FileNotFoundError):  # its process let go just now
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False
