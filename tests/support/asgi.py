"""A client for answers that do not end by themselves: reads what has been sent so far."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any


class Stream:
    """One GET request to an ASGI application whose body is read piece by piece."""

    def __init__(self, app: Any, path: str, *, query: str = "", headers: Mapping[str, str]) -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": raw,
            "client": ("192.0.2.7", 4711),
            "server": ("test", 80),
        }
        self._app, self._gone = app, asyncio.Event()
        self._sent: asyncio.Queue[Any] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""

    async def __aenter__(self) -> Stream:
        """Send the request and wait for the head of the answer."""
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._sent.put))
        head = await asyncio.wait_for(self._sent.get(), 20)
        self.status = head["status"]
        self.headers = {name.decode(): value.decode() for name, value in head["headers"]}
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect and wait until the application has noticed."""
        self._gone.set()
        await asyncio.wait_for(self._task, 20)

    async def until(self, text: str) -> str:
        """Everything sent so far, once it contains `text`."""
        while text not in self.text:
            message = await asyncio.wait_for(self._sent.get(), 20)
            self.text += message.get("body", b"").decode()
        return self.text

    async def to_end(self) -> str:
        """Everything sent, once the application ended the answer."""
        while True:
            message = await asyncio.wait_for(self._sent.get(), 20)
            self.text += message.get("body", b"").decode()
            if not message.get("more_body", False):
                return self.text

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}
