"""Signals to commands that run trajectories: the first one pauses, the second one stops at once.

Besides Ctrl-C these are SIGTERM, with which service managers, containers and batch systems end a program, and SIGHUP,
which a closing terminal sends. By default either would end this process in the middle of a generator call, which may
cost money and would be made again.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator

from interleavethinker.graph.workspace.pausing import pause_run

from .terminal import discard_lost_output

__all__ = ["ending_signals", "pause_on_interrupt"]


def ending_signals() -> list[signal.Signals]:
    """Returns the signals that ask this process to end: SIGINT, and SIGTERM and SIGHUP unless they are ignored."""
    found = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP.
    return [signal.SIGINT, *(kind for kind in found if signal.getsignal(kind) is signal.SIG_DFL)]


@contextlib.contextmanager
def pause_on_interrupt(
    pause: Callable[[], Awaitable[bool]], say: Callable[[str], None], message: str
) -> Iterator[None]:
    """Makes the first Ctrl-C, SIGTERM or SIGHUP request a pause, and the second one stop at once.

    A signal that this process ignores stays ignored, as SIGHUP below `nohup`.

    Args:
        pause: Requests the pause; returns False if there was nothing running yet. It is then requested again, because
            what begins later would not know of it.
        say: Prints the message.
        message: What the first signal tells the user.
    """
    loop = asyncio.get_running_loop()
    this_task = asyncio.current_task()
    pauses: set[asyncio.Task[None]] = set()

    def first() -> None:
        for kind in handled:
            loop.add_signal_handler(kind, second)
        pauses.add(loop.create_task(pause_run(pause, lambda: False)))  # The loop keeps only weak references to tasks.
        discard_lost_output()  # A terminal that closes sends SIGHUP, and takes no further word.
        say(message)

    def second() -> None:
        if this_task is not None:
            this_task.cancel()

    handled = ending_signals()
    try:
        for kind in handled:
            loop.add_signal_handler(kind, first)
    except (NotImplementedError, RuntimeError):  # On Windows, or outside the main thread, Ctrl-C stops at once.
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for kind in handled:
            loop.remove_signal_handler(kind)
        for task in pauses:
            task.cancel()
