"""The HTTP server of `masterflow serve`: its socket, and uvicorn without signal handlers of its own."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from masterflow.errors import ConfigurationInvalid

PORTS_TRIED = 100
GRACE_SECONDS = 5
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on


class HttpServer(uvicorn.Server):
    """uvicorn that tells when it listens; who runs it decides what signals do."""

    def __init__(self, application: FastAPI, *, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS)
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signal handlers as they are."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `port` or, when that is taken, on the next free one; 0 means any.

    Raises:
        ConfigurationInvalid: the host is unknown, not of this machine, or no port is free.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise ConfigurationInvalid(
            f"the host is unknown: {error.strerror}",
            where={"host": host},
            next_step="Give --host an address of this machine.",
        ) from error
    last = min(port + PORTS_TRIED, 65_536) if port else 1
    for candidate in range(port, last):
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address[0], candidate, *address[2:]))
            made.listen(2048)
        except OSError as error:
            made.close()
            if error.errno != errno.EADDRINUSE:
                raise _refused(host, candidate, error) from error
        else:
            made.set_inheritable(False)
            return made
    raise ConfigurationInvalid(
        f"ports {port} to {last - 1} are taken", where={"host": host}, next_step="Choose another with --port."
    )


def _refused(host: str, port: int, error: OSError) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        f"cannot listen there: {error.strerror}",
        where={"host": host, "port": port},
        next_step="Choose another --host or --port; below 1024 a right of its own is needed.",
    )


def address_of(host: str, listening: socket.socket) -> str:
    """The address for a browser on this machine."""
    name = _ANY.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{listening.getsockname()[1]}"
