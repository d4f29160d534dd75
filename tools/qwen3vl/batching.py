"""Questions to a model in this process, and the thread that answers those asked at the same time in one batch.

Knows nothing of the model: it is given a function that answers several questions at once.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Batcher", "Completion", "Prompt", "SamplingParams", "Token"]

_WINDOW_SECONDS = 0.01
"""How long a first question waits for company; a chat model's answer takes far longer."""


@dataclass(frozen=True)
class SamplingParams:
    """How to answer; only questions with equal settings share a batch."""

    max_new_tokens: int = 1024
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """One conversation in the shape of the processor's chat template, and its pictures in order."""

    conversation: tuple[dict[str, Any], ...]
    images: tuple["Image", ...]
    settings: SamplingParams


@dataclass(frozen=True)
class Token:
    """One token of an answer."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Completion:
    """What the model said."""

    text: str
    tokens: tuple[Token, ...]
    prompt_tokens: int
    finished: bool
    """False if `max_new_tokens` cut it off."""


@dataclass
class _Waiting:
    question: Prompt
    future: "Future[Completion]" = field(default_factory=Future)


class Batcher:
    """Answers in batches, in a thread of its own that starts with the first question.

    Attributes:
        batches: Sizes of the batches answered so far.

    Args:
        answer: Answers questions with equal settings, in order.
        max_batch: Most questions answered together; 1 makes answers independent of company to the last bit.
    """

    def __init__(self, answer: Callable[[Sequence[Prompt]], list[Completion]], max_batch: int) -> None:
        self._answer = answer
        self._max_batch = max_batch
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._held: list[_Waiting] = []
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self.batches: list[int] = []

    def ask(self, question: Prompt) -> "Future[Completion]":
        """Queues a question; may be called from any thread."""
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="qwen3-vl", daemon=True)
                self._thread.start()
        waiting = _Waiting(question)
        self._waiting.put(waiting)
        return waiting.future

    def _serve(self) -> None:
        while True:
            batch = [one for one in self._next_batch() if one.future.set_running_or_notify_cancel()]
            if not batch:
                continue
            try:
                answers = self._answer([one.question for one in batch])
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked, not to this thread
                for one in batch:
                    one.future.set_exception(error)
                continue
            self.batches.append(len(batch))
            for one, answer in zip(batch, answers, strict=True):
                one.future.set_result(answer)

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._held.pop(0) if self._held else self._waiting.get()]
        settings = batch[0].question.settings
        kept: list[_Waiting] = []
        arriving = self._arriving()
        while len(batch) < self._max_batch and (one := next(arriving, None)) is not None:
            (batch if one.question.settings == settings else kept).append(one)
        self._held = kept + self._held
        return batch

    def _arriving(self) -> Iterator[_Waiting]:
        """Takes one by one what was held back, then what comes within the window; what is not asked for stays."""
        while self._held:
            yield self._held.pop(0)
        until = time.monotonic() + _WINDOW_SECONDS
        while True:
            try:
                yield self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return
