"""Queues prompts from any thread for a decoding engine, which a thread of its own runs step by step.

A waiting prompt joins as soon as there is room, a complete one leaves at once, and one whose caller gave up is dropped
at the next token. Knows nothing of models: `Scheduler` receives a function that returns the engine.
"""

import queue
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from .batching import Completion, Prompt
from .prompt_thread import PendingPrompt, PromptThread

__all__ = ["DecodingEngine", "PromptQueue", "Scheduler"]


class DecodingEngine(Protocol):
    """Completes several prompts side by side. Not thread-safe."""

    def start(self, prompt: Prompt) -> object:
        """Makes a prompt active, and returns a key for it."""
        ...

    def step(self) -> list[tuple[object, Completion]]:
        """Advances every active prompt, and returns the complete ones, which are no longer active."""
        ...

    def drop(self, key: object) -> None:
        """Makes a prompt inactive; does nothing if it is not active."""
        ...


class PromptQueue(Protocol):
    """Where a chat model leaves its prompts."""

    def submit(self, prompt: Prompt, max_batch: int) -> "Future[Completion]":
        """See `PromptThread.submit`."""
        ...

    def close(self) -> None:
        """See `PromptThread.close`."""
        ...


class Scheduler(PromptThread):
    """Completes prompts on one thread, in the order in which they arrive.

    A prompt's `max_batch` is the number of prompts that may be active together with it. Cancelling its future stops the
    work on it.

    Attributes:
        steps: How many steps advanced how many prompts.

    Args:
        load: Returns the engine. Called on the thread, again for the next prompt if it raises.
    """

    def __init__(self, load: Callable[[], DecodingEngine]) -> None:
        super().__init__()
        self._load = load
        self._engine: DecodingEngine | None = None
        self._waiting: deque[PendingPrompt] = deque()
        """Arrived but not active, oldest first. Used by the thread alone, as is `_active`."""
        self._active: dict[object, PendingPrompt] = {}
        self.steps: Counter[int] = Counter()

    def _serve(self) -> None:
        try:
            self._work()
        finally:
            self._engine = None  # It holds the weights.
            self._active.clear()
            self._waiting.clear()

    def _work(self) -> None:
        open_ = True
        while not self._abandoned and (open_ or self._waiting or self._active):
            open_ = self._receive(wait=open_ and not (self._waiting or self._active)) and open_
            for key in [key for key, pending in self._active.items() if pending.future.cancelled()]:
                self._engine_of_active().drop(key)
                del self._active[key]
            while self._waiting and self._has_room_for(self._waiting[0]):
                self._start(self._waiting.popleft())
            if self._active:
                self._step()

    def _receive(self, *, wait: bool) -> bool:
        """Takes what has arrived, and returns False if it included the request to end."""
        while True:
            try:
                arrival = self._arrivals.get(block=wait)
            except queue.Empty:
                return True
            if arrival is None:
                return False
            self._waiting.append(arrival)
            wait = False

    def _has_room_for(self, pending: PendingPrompt) -> bool:
        limits = [other.max_batch for other in self._active.values()]
        return len(self._active) < min([pending.max_batch, *limits])

    def _start(self, pending: PendingPrompt) -> None:
        if pending.future.cancelled():
            return
        try:
            if self._engine is None:
                self._engine = self._load()
            key = self._engine.start(pending.prompt)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who receives it from the future
            _fail(pending, error)
        else:
            self._active[key] = pending

    def _step(self) -> None:
        engine = self._engine_of_active()
        try:
            completions = engine.step()
        except Exception as error:  # noqa: BLE001 - it belongs to the callers
            pending = list(self._active.values())
            for key in self._active:
                engine.drop(key)
            self._active.clear()
            if len(pending) == 1:
                _fail(pending[0], error)
                return
            for each in pending:  # One prompt's fault is not everybody's: each starts again, alone.
                each.max_batch = 1
            self._waiting.extendleft(reversed(pending))
            return
        self.steps[len(self._active)] += 1
        for key, completion in completions:
            future = self._active.pop(key).future
            if future.set_running_or_notify_cancel():
                future.set_result(completion)

    def _engine_of_active(self) -> DecodingEngine:
        assert self._engine is not None  # noqa: S101 - a prompt becomes active through it
        return self._engine


def _fail(pending: PendingPrompt, error: BaseException) -> None:
    if pending.future.set_running_or_notify_cancel():
        pending.future.set_exception(error)
