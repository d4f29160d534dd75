"""Who may call an image server now: everybody, or one call after the other while it is unknown which one crashes it.

One prompt can crash a server, and each crash fails all calls in flight. Calls that went through several crashes are
therefore sent alone, so that only the one that is to blame uses up its attempts.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from interleavethinker.tools.calls_in_flight import call_waiting

from .budget import ResendBudget

__all__ = ["CallTurns"]


class CallTurns:
    """Knows which calls of one server are being answered, and which must be alone. For one event loop."""

    def __init__(self) -> None:
        self._running: set[ResendBudget] = set()
        self._isolated: dict[ResendBudget, None] = {}
        self._changed = asyncio.Event()

    def isolate(self, call: ResendBudget) -> None:
        """Has a call sent alone until it ends, in the order of these reports; calls without such a past wait."""
        self._isolated.setdefault(call)

    def end(self, call: ResendBudget) -> None:
        """Forgets a call that was answered or has failed."""
        self._isolated.pop(call, None)
        self._wake()

    @contextlib.asynccontextmanager
    async def turn(self, call: ResendBudget) -> AsyncIterator[None]:
        """Holds a call's turn while the context is open; until then its time limit stands still."""
        if not self._may_run(call):
            with call_waiting(), call.time_stopped():
                while not self._may_run(call):
                    await self._changed.wait()
        self._running.add(call)
        try:
            yield
        finally:
            self._running.discard(call)
            self._wake()

    def _may_run(self, call: ResendBudget) -> bool:
        if not self._isolated:
            return True
        return not self._running and call is next(iter(self._isolated))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
