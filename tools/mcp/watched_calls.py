"""A tool call that notices when its answer will never come: the server is frozen, its host gone, or the call lost.

When a host dies, an HTTP connection to it stays open. A server may also live on without the call, if the call or its
answer was lost on the way. Without a look at the server, the caller would wait for as long as a call may take.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.protocols import ProgressCallback

from .transport import calls_in_progress, probe

if TYPE_CHECKING:
    from mcp import Client
    from mcp.shared.dispatcher import ProgressFnT
    from mcp_types import CallToolResult

__all__ = ["LostCallError", "watched_call"]

_LOST_AFTER = 2
"""Probes in a row at which the server has no call in progress; its answer may be on the way at the first."""

_LEAST_PATIENCE = 10.0
"""Seconds that a probe may take at least: a server on a busy machine is no dead one, however often it is probed."""


class LostCallError(ConnectionError):
    """The server answers, but has no call in progress."""


async def watched_call(
    client: "Client",
    call: "Callable[[ProgressFnT | None], Coroutine[Any, Any, CallToolResult]]",
    progress: ProgressCallback | None,
    probe_interval: float,
    *,
    counts_calls: bool,
) -> "CallToolResult":
    """Returns the answer of a call, and probes the server whenever nothing arrived for `probe_interval` seconds.

    Args:
        client: Connected.
        call: Sends the call; takes the callback for progress messages.
        progress: Receives the finished part and a message.
        probe_interval: Seconds.
        counts_calls: Whether the server may tell how many calls it has in progress, as this project's do.

    Raises:
        ConnectionError: The server does not answer; a `LostCallError` if it does, but not this call.
    """
    patience = max(probe_interval, _LEAST_PATIENCE)
    listener, last_news, idle = progress, time.monotonic(), 0

    # Progress is requested only if there is a listener: every step is a message that both sides parse.
    async def report(progress: float, total: float | None, message: str | None) -> None:
        nonlocal last_news, idle
        last_news, idle = time.monotonic(), 0
        if listener is not None:
            listener(min(1.0, progress / total) if total else 0.0, message or "")

    answer = asyncio.ensure_future(call(None if listener is None else report))
    try:
        while True:
            wait = last_news + probe_interval - time.monotonic()
            await asyncio.wait({answer}, timeout=max(0.0, wait))
            if answer.done():
                return answer.result()
            if time.monotonic() - last_news >= probe_interval:
                await probe(client, patience)
                idle = idle + 1 if counts_calls and await calls_in_progress(client, patience) == 0 else 0
                if idle >= _LOST_AFTER and not answer.done():
                    raise LostCallError("the server has lost the call")
                last_news = time.monotonic()
    finally:
        if not answer.done():
            answer.cancel()
            await asyncio.wait({answer})
        if not answer.cancelled():
            answer.exception()  # The caller has another error; asyncio would print this one as never retrieved.
