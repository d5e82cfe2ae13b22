"""The worker process of `masterflow bench`: the product's worker, which also knows the phase without work."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

from masterflow import app, telemetry
from masterflow.cli.bench_flow import registry_with_nothing
from masterflow.settings import Settings


async def work(settings: Settings) -> None:
    """Run jobs until SIGTERM; prints one line when ready."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    core = replace(app.open_core(settings, migrate=False), registry=registry_with_nothing())
    try:
        await app.warm_compute(core)
        async with app.running_worker(core):
            print("ready", flush=True)
            await stopping.wait()
    finally:
        core.database.release()


if __name__ == "__main__":
    telemetry.configure(level="error", form="text")
    asyncio.run(work(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2] if len(sys.argv) > 2 else None)))
