"""Waiting for something that happens elsewhere, with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator


async def turns(seconds: float = 20) -> AsyncIterator[None]:
    """Turns of the event loop; fails after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        await asyncio.sleep(0)
    raise TimeoutError
