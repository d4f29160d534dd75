"""What a node does around its calls of chat models: room on the disk first, then tokens and pauses as they come.

An answer that cannot be stored is lost, and a hosted model is paid for it again when the trajectory is resumed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph.runtime import Runtime

from interleavethinker.tools.chat.invocation import show_tokens
from interleavethinker.tools.chat.waiting import reporting_pauses
from interleavethinker.tools.images.store import ImageStore

from .context import options_of
from .events import ModelWaiting

__all__ = ["model_calls"]


@asynccontextmanager
async def model_calls(runtime: Runtime[Any], store: ImageStore | None) -> AsyncIterator[None]:
    """Announces the pauses of the calls inside, and their tokens if the run's options ask for them.

    Args:
        runtime: Receives the events.
        store: Lies on the disk that keeps the answers; None: unknown.

    Raises:
        StoreError: On entering: the store may not be written, or its disk is almost full (`disk_full`), so no model is
            asked.
    """

    def report(seconds: float, reason: str) -> None:
        runtime.stream_writer(ModelWaiting(seconds=seconds, reason=reason))

    if store is not None:
        await asyncio.to_thread(store.require_room_for_answer)
    with show_tokens(options_of(runtime).stream_models), reporting_pauses(report):
        yield
