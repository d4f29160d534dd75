"""Ctrl-C in commands that run trajectories: the first one pauses, the second one stops at once."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator

from interleavethinker.tools.errors import InterleaveError

__all__ = ["pause_on_interrupt"]


@contextlib.contextmanager
def pause_on_interrupt(
    pause: Callable[[], Awaitable[object]], say: Callable[[str], None], message: str
) -> Iterator[None]:
    """Makes the first Ctrl-C request a pause, and the second one stop at once.

    Args:
        pause: Requests the pause.
        say: Prints the message.
        message: What the first Ctrl-C tells the user.
    """
    loop = asyncio.get_running_loop()
    this_task = asyncio.current_task()
    pauses: set[asyncio.Task[None]] = set()

    async def request() -> None:
        with contextlib.suppress(InterleaveError):  # The trajectory may have ended at the same moment.
            await pause()

    def first() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        loop.add_signal_handler(signal.SIGINT, second)
        pauses.add(loop.create_task(request()))  # The loop keeps only weak references to tasks.
        say(message)

    def second() -> None:
        if this_task is not None:
            this_task.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, first)
    except (NotImplementedError, RuntimeError):  # On Windows, or outside the main thread, Ctrl-C stops at once.
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        for task in pauses:
            task.cancel()
