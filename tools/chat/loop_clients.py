"""HTTP clients for chat models that keep their connections: one client for each event loop, closed with it.

A connection belongs to the event loop that opened it. A client that is shared by all loops of a process would give a
call in the second `asyncio.run` a connection whose loop is closed.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

__all__ = ["IDLE_SECONDS", "client_for_each_loop"]

IDLE_SECONDS = 4.0
"""How long an unused connection is kept. Less than the 5 s after which uvicorn (vLLM, SGLang), Node.js and llama.cpp
close theirs: a request that meets a closing connection fails, and calls of models are not repeated for that."""


def client_for_each_loop(kind: type[Any], **options: Any) -> Any:
    """Returns a client that sends each request by a client of the event loop that it is called in.

    Args:
        kind: `httpx.AsyncClient`, that of httpx2, or a subclass of one.
        options: Its keyword arguments.
    """

    class ClientForEachLoop(kind):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(**options)
            self._of_loops: dict[asyncio.AbstractEventLoop, tuple[Any, AsyncGenerator[None]]] = {}
            self._opening = threading.Lock()

        async def send(self, request: Any, **how: Any) -> Any:
            loop = asyncio.get_running_loop()
            if loop not in self._of_loops:
                await anext(self._open(loop))
            client, _ = self._of_loops[loop]
            return await client.send(request, **how)

        def _open(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
            client = kind(**options)
            closing = _closed_at_the_end(client)
            with self._opening:
                for ended in [one for one in self._of_loops if one.is_closed()]:
                    del self._of_loops[ended]
                self._of_loops[loop] = client, closing
            return closing

    return ClientForEachLoop()


async def _closed_at_the_end(client: Any) -> AsyncGenerator[None]:
    """Closes a client when its event loop ends: `asyncio.run` first ends the generators that were begun in it."""
    try:
        yield
    finally:
        await client.aclose()
