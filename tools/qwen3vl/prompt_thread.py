"""Hands prompts from any thread to one thread that completes them. Knows nothing of models."""

import atexit
import contextlib
import queue
import threading
import weakref
from abc import ABC, abstractmethod
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import ModelError

if TYPE_CHECKING:
    from .batching import Completion, Prompt

__all__ = ["PendingPrompt", "PromptThread"]


_LAST_STEP = 5.0
"""Seconds that the end of the process waits for each thread to finish its current step."""


@dataclass(eq=False)
class PendingPrompt:
    """A prompt that was submitted, and the future of its completion."""

    prompt: "Prompt"
    max_batch: int
    future: "Future[Completion]" = field(default_factory=Future)


class PromptThread(ABC):
    """Receives prompts, and completes them on a thread that starts with the first one."""

    def __init__(self) -> None:
        self._arrivals: queue.SimpleQueue[PendingPrompt | None] = queue.SimpleQueue()
        """New prompts; None asks the thread to end."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._unanswered: set[Future[Completion]] = set()
        self._closed = False
        self._abandoned = False
        """The process ends: whoever serves stops after the current step, whatever is unanswered."""
        _living.add(self)

    def submit(self, prompt: "Prompt", max_batch: int) -> "Future[Completion]":
        """Queues a prompt. May be called from any thread. A cancelled future needs no completion.

        Args:
            prompt: What to complete.
            max_batch: Most prompts that are completed together with it, itself included; at least 1.

        Raises:
            ModelError: This is closed (`unloaded`).
        """
        pending = PendingPrompt(prompt, max_batch)
        with self._lock:
            if self._closed:
                raise ModelError(
                    "The model was unloaded while it was in use. Call it again to reload it.", code="unloaded"
                )
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="qwen3-vl", daemon=True)
                self._thread.start()
            self._unanswered.add(pending.future)
            pending.future.add_done_callback(self._unanswered.discard)
            self._arrivals.put(pending)
        return pending.future

    def close(self) -> None:
        """Completes what was submitted, then ends the thread and waits for it. Safe to call twice, from any thread."""
        with self._lock:
            thread = self._thread
            if not self._closed:
                self._closed = True
                self._arrivals.put(None)
        if thread is not None:
            thread.join()

    def abandon(self) -> None:
        """Ends the thread after its current step, at the end of the process.

        Otherwise the interpreter would stop it inside of a library's C++ code, which ends the process with SIGABRT.
        """
        self._abandoned = True
        self._arrivals.put(None)
        if self._thread is not None:
            self._thread.join(_LAST_STEP)

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001 - without an answer, callers would wait without end
            with self._lock:  # The next prompt starts another thread.
                self._thread = None
                with contextlib.suppress(queue.Empty):
                    while True:
                        self._arrivals.get_nowait()
                unanswered = tuple(self._unanswered)
            for future in unanswered:
                with contextlib.suppress(InvalidStateError):  # It was cancelled at this moment.
                    future.set_exception(error)

    @abstractmethod
    def _serve(self) -> None:
        """Completes the prompts that arrive, until it receives None. Runs on the thread."""


_living: "weakref.WeakSet[PromptThread]" = weakref.WeakSet()


@atexit.register
def _abandon_all() -> None:
    for one in list(_living):
        one.abandon()
