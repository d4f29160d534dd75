"""A local chat model whose batches depend only on the order of the prompts, so that sampling is reproducible.

When serving, a batch contains the prompts that arrive within a short window, so batches and sampled answers vary from
run to run. Here the caller announces a round of prompts; they are collected and answered in full batches from one seed.
Other chat models are called directly.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from functools import cache
from typing import TypeVar

from langchain_core.language_models import BaseChatModel

from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.tools.chat.loading import OWN_PREFIX, load_chat_model
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.qwen3vl.batching import Batcher, Completion, Prompt
from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity

__all__ = ["chat_model", "run_round"]

_T = TypeVar("_T")
_MAX_BATCH = 32


class _RoundBatcher(Batcher):
    """Answers a round when its last prompt has arrived.

    Args:
        answer: See `Batcher`.
        size: The largest batch.
    """

    def __init__(self, answer: Callable[[Sequence[Prompt]], list[Completion]], size: int) -> None:
        super().__init__(answer)
        self._answer_batch = answer
        self._size = size
        self._round: list[tuple[Prompt, Future[Completion]]] = []
        self._expected = 0
        self._seed = 0

    def expect(self, count: int, seed: int) -> None:
        """Announces a round of `count` prompts, to be sampled from `seed`."""
        self._round, self._expected, self._seed = [], count, seed

    def submit(self, prompt: Prompt, max_batch: int) -> Future[Completion]:  # noqa: ARG002 - rounds have their own size
        """Collects a prompt of the announced round."""
        future: Future[Completion] = Future()
        self._round.append((prompt, future))
        if len(self._round) == self._expected:
            threading.Thread(target=self._answer_round, args=(self._round,), daemon=True).start()
        return future

    def _answer_round(self, prompts: Sequence[tuple[Prompt, Future[Completion]]]) -> None:
        import torch

        torch.manual_seed(self._seed)
        for start in range(0, len(prompts), self._size):
            part = prompts[start : start + self._size]
            try:
                answers = self._answer_batch([prompt for prompt, _ in part])
            except Exception as error:  # noqa: BLE001 - raised to the callers, not in this thread
                for _, future in prompts[start:]:
                    future.set_exception(error)
                return
            self.batches.append(len(part))
            for (_, future), answer in zip(part, answers, strict=True):
                future.set_result(answer)


class _RoundQwen3VL(Qwen3VL):
    """A Qwen3-VL that answers in rounds."""

    @property
    def batcher(self) -> _RoundBatcher:
        return _round_batcher_for(self.identity, self.max_batch)


@cache
def _round_batcher_for(identity: ModelIdentity, size: int) -> _RoundBatcher:
    return _RoundBatcher(LocalModel(identity).complete, size)


def chat_model(weights: AgentWeights, *, temperature: float, max_new_tokens: int) -> BaseChatModel:
    """Loads a chat model for `run_round`; a local model answers up to 32 prompts per batch.

    Args:
        weights: The model to load.
        temperature: Sampling temperature; 0 is greedy.
        max_new_tokens: The longest answer of a local model.

    Raises:
        ProfileError: The libraries of local models are not installed.
    """
    if not weights.model.startswith(OWN_PREFIX):
        return load_chat_model(weights.model, temperature=temperature, **weights.options)
    require_local("Local models", ("torch", "transformers"))
    return _RoundQwen3VL(
        model=weights.model.removeprefix(OWN_PREFIX),
        adapter=weights.adapter,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        max_batch=_MAX_BATCH,
        logprobs=False,
    )


def run_round(model: BaseChatModel, count: int, seed: int, round_: Callable[[], Awaitable[_T]]) -> _T:
    """Runs one round and returns its result.

    Args:
        model: The model, from `chat_model`.
        count: The exact number of prompts in the round.
        seed: Sampling seed.
        round_: Sends all prompts concurrently.
    """
    if isinstance(model, _RoundQwen3VL):
        model.batcher.expect(count, seed)

    async def run() -> _T:
        return await round_()

    return asyncio.run(run())
