"""Collects prompts that arrive at the same time and completes them in one batch, on a thread of its own.

Knows nothing of the model: `Batcher` receives a function that completes several prompts at once.
"""

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.errors import ModelError

from .prompt_thread import PendingPrompt, PromptThread

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Batcher", "Completion", "Prompt", "SamplingParams", "Token"]

_BATCH_WINDOW_SECONDS = 0.01
"""How long the first prompt of a batch waits for others; a completion takes far longer."""


@dataclass(frozen=True)
class SamplingParams:
    """How to generate a completion. Only prompts with equal parameters share a batch."""

    max_new_tokens: int = 1024
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    """Generation ends with the first of these strings, which stays in the completion."""
    seed: int | None = None
    """For sampling; None: a new one for every prompt."""
    logprobs: bool = True
    """Whether the completion has `tokens`; without them it is generated faster."""


@dataclass(frozen=True)
class Prompt:
    """One conversation to complete."""

    conversation: tuple[dict[str, Any], ...]
    """Messages in the shape of the processor's chat template."""
    images: tuple["Image", ...]
    """The images of the conversation, in order."""
    sampling: SamplingParams


@dataclass(frozen=True)
class Token:
    """One generated token."""

    text: str
    logprob: float
    """Natural logarithm of its probability before sampling settings were applied."""
    top: tuple[tuple[str, float], ...]
    """The likeliest tokens at this position, each with its log-probability, likeliest first."""


@dataclass(frozen=True)
class Completion:
    """What a model generated for one prompt."""

    text: str
    tokens: tuple[Token, ...]
    """Empty if log-probabilities were not wanted."""
    prompt_tokens: int
    """Length of the prompt in tokens, image tokens included."""
    finished: bool
    """False if `max_new_tokens` cut the completion off."""
    completion_tokens: int = 0
    """Length of the completion in tokens."""


class Batcher(PromptThread):
    """Completes prompts in batches, on one thread.

    A prompt's `max_batch` is the size of its batch at most. With 1, a completion does not depend on other prompts, to
    the last bit. Prompts with different values never share a batch.

    Attributes:
        batches: Sizes of the batches completed so far.

    Args:
        complete: Completes prompts with equal sampling parameters, and returns one completion for each, in order.
    """

    def __init__(self, complete: Callable[[Sequence[Prompt]], list[Completion]]) -> None:
        super().__init__()
        self._complete = complete
        self._deferred: list[PendingPrompt] = []
        """Prompts that arrived but did not fit into the batches so far, oldest first. Used by the thread alone."""
        self.batches: list[int] = []

    def _serve(self) -> None:
        while not self._abandoned and (batch := self._next_batch()):
            batch = [pending for pending in batch if pending.future.set_running_or_notify_cancel()]
            if batch:
                self._complete_batch(batch)

    def _complete_batch(self, batch: Sequence[PendingPrompt]) -> None:
        try:
            completions = self._complete([pending.prompt for pending in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, who receive it from their futures
            if len(batch) > 1 and not isinstance(error, ModelError):  # One member's fault is not everybody's.
                for pending in batch:
                    self._complete_batch([pending])
                return
            for pending in batch:
                pending.future.set_exception(error)
            return
        self.batches.append(len(batch))
        for pending, completion in zip(batch, completions, strict=True):
            pending.future.set_result(completion)

    def _next_batch(self) -> list[PendingPrompt]:
        """Waits for a prompt and collects those that may share its batch; empty when the batcher was closed."""
        first = self._deferred.pop(0) if self._deferred else self._arrivals.get()
        if first is None:
            return []
        batch = [first]
        passed_over: list[PendingPrompt] = []
        candidates = self._candidates()
        while len(batch) < first.max_batch and (pending := next(candidates, None)) is not None:
            (batch if _share_batch(pending, first) else passed_over).append(pending)
        self._deferred = passed_over + self._deferred
        return batch

    def _candidates(self) -> Iterator[PendingPrompt]:
        """Yields the deferred prompts, then new ones until the batch window ends. Prompts not taken stay queued."""
        while self._deferred:
            yield self._deferred.pop(0)
        window_end = time.monotonic() + _BATCH_WINDOW_SECONDS
        while True:
            try:
                pending = self._arrivals.get(timeout=max(0.0, window_end - time.monotonic()))
            except queue.Empty:
                return
            if pending is None:
                self._arrivals.put(None)  # Nothing arrives after it: the thread ends once the deferred ones are done.
                return
            yield pending


def _share_batch(one: PendingPrompt, other: PendingPrompt) -> bool:
    return (one.prompt.sampling, one.max_batch) == (other.prompt.sampling, other.max_batch)
