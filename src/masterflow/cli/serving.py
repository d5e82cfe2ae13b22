"""`masterflow serve` and `masterflow worker`: the processes that stay."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from masterflow import app as root
from masterflow import telemetry
from masterflow.app import DEMO, Core
from masterflow.cli.demo import journey
from masterflow.cli.journey import find_demo
from masterflow.cli.listening import HttpServer, address_of, listen
from masterflow.cli.options import Json
from masterflow.cli.output import Output, put
from masterflow.cli.presence import Presence, present, running_server
from masterflow.cli.session import Place, session_of
from masterflow.kernel.status import FlowStatus
from masterflow.settings import Settings, read_settings

STOP_SECONDS = 20.0
"""How long running phases may go on after the first signal; then they are handed back."""

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on; MASTERFLOW_HOST.")]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65_535, help="First port to try; MASTERFLOW_PORT. 0: any.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    app.command("worker")(worker)


def serve(host: Host = None, port: Port = None, as_json: Json = False) -> None:
    """Run API and worker in one process until Ctrl-C. The first time the demo journey is made before.

    When a server of this home runs already, its address is printed.
    """
    settings = read_settings(os.environ)
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    output = Output(as_json=as_json)
    if _shown_running(settings, output):
        return
    output.say("Opening the database ...")
    core = root.open_core(settings)
    try:
        with present(core.home) as presence:
            if presence is None:
                _shown_running(settings, output)
                return
            asyncio.run(until_stopped(_Serving(core, output, presence).run))
            output.say("Stopped.")
    finally:
        core.database.release()


def _shown_running(settings: Settings, output: Output) -> bool:
    found = running_server(root.home_of(settings))
    if found is None:
        return False
    document = {"address": found.address, "pid": found.pid, "running_already": True, "token": None}
    output.answer(document, lambda console: put(console, f"Running already: {found.address}"))
    return True


@dataclass(slots=True)
class Stopper:
    """What the first signal does, set by whoever has something to stop gracefully."""

    gracefully: Callable[[], None] | None = None


async def until_stopped(run: Callable[[Stopper], Coroutine[Any, Any, None]]) -> None:
    """Run until it ends or a signal comes: the first one stops gracefully, a second one or time at once."""
    loop, stopper, signals = asyncio.get_running_loop(), Stopper(), 0
    task = asyncio.create_task(run(stopper))

    def stop() -> None:
        nonlocal signals
        signals += 1
        if signals > 1 or stopper.gracefully is None:
            task.cancel()
            return
        stopper.gracefully()
        loop.call_later(STOP_SECONDS, task.cancel)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await task


class _Serving:
    """One run of `serve`."""

    def __init__(self, core: Core, output: Output, presence: Presence) -> None:
        self._core, self._output, self._presence = core, output, presence

    async def run(self, stopper: Stopper) -> None:
        """Worker, demo, then the server until it is told to stop."""
        async with root.running_worker(self._core):
            warming = asyncio.create_task(root.warm_compute(self._core))
            if self._core.settings.demo:
                await self._demo()
            await warming
            async with root.web_application(self._core) as application:
                listening = listen(self._core.settings.host, self._core.settings.port)
                address = address_of(self._core.settings.host, listening)
                server = HttpServer(application, on_ready=lambda: self._ready(address, listening.getsockname()[1]))
                stopper.gracefully = lambda: server.handle_exit(signal.SIGTERM, None)
                await server.serve(sockets=[listening])

    async def _demo(self) -> None:
        async with session_of(self._core, Place()) as session:
            known = await find_demo(session)
            if known is None or known.status != FlowStatus.COMPLETED:
                await journey(session, self._output)

    def _ready(self, address: str, port: int) -> None:
        settings = self._core.settings
        if settings.port not in (0, port):
            self._output.say(f"Port {settings.port} is taken; using {port}.")
        token = self._first_token()
        self._presence.announce(address)
        document = {"address": address, "pid": os.getpid(), "running_already": False, "token": token}
        self._output.answer(document, lambda console: put(console, _welcome(address, token)))
        telemetry.configure(level=settings.log_level, form=settings.log_format)

    def _first_token(self) -> str | None:
        """A token for the demo account if nobody has one yet."""
        root.ensure_demo_tenant(self._core)
        if root.has_token(self._core, DEMO):
            return None
        return root.create_token(
            self._core, DEMO, principal="administrator", role="client_admin", every_engagement=True
        )


def _welcome(address: str, token: str | None) -> str:
    if token is None:
        hint = "The token is the one shown at the first start; `masterflow admin create-token` makes another."
        return f"{hint}\nReady: {address}"
    return (
        f"API token, shown this once (only its hash is stored):\n  {token}\n"
        f"Try it:\n  curl -H 'Authorization: Bearer {token}' {address}/api/v1/flows\n"
        f"Ready: {address}"
    )


def worker(as_json: Json = False) -> None:
    """Run phases until Ctrl-C, beside any number of other workers and servers."""
    output = Output(as_json=as_json)
    settings = read_settings(os.environ)
    core = root.open_core(settings)

    async def work(stopper: Stopper) -> None:
        stop = asyncio.Event()
        stopper.gracefully = stop.set
        async with root.running_worker(core) as running:
            await root.warm_compute(core)
            document = {"pid": os.getpid(), "home": str(core.home)}
            output.answer(document, lambda console: put(console, "Worker runs; Ctrl-C stops it."))
            telemetry.configure(level=settings.log_level, form=settings.log_format)
            await stop.wait()
            running.stop()

    try:
        asyncio.run(until_stopped(work))
        output.say("Stopped.")
    finally:
        core.database.release()
