"""A chat model in this process whose batches depend on nothing but the order of the questions.

Serving answers whoever comes within a moment, so that batches, and with them sampled answers, vary from run to run.
Here a round of questions is announced, collected, and answered in full batches from one seed. Any other chat model is
asked as it is.
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
from interleavethinker.tools.qwen3vl.batching import Batcher, Completion, Prompt
from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity

__all__ = ["ask_in_rounds", "chat_model"]

_T = TypeVar("_T")
_MAX_BATCH = 32


class _Rounds(Batcher):
    """Answers a round once its last question has come.

    Args:
        answer: See `Batcher`.
        size: Most questions answered together.
    """

    def __init__(self, answer: Callable[[Sequence[Prompt]], list[Completion]], size: int) -> None:
        super().__init__(answer)
        self._answer_batch = answer
        self._size = size
        self._round: list[tuple[Prompt, Future[Completion]]] = []
        self._expected = 0
        self._seed = 0

    def expect(self, count: int, seed: int) -> None:
        """Announces a round of `count` questions, sampled from `seed`."""
        self._round, self._expected, self._seed = [], count, seed

    def submit(self, prompt: Prompt, max_batch: int) -> Future[Completion]:  # noqa: ARG002 - rounds have their own size
        """Collects a question of the announced round."""
        future: Future[Completion] = Future()
        self._round.append((prompt, future))
        if len(self._round) == self._expected:
            threading.Thread(target=self._answer_round, args=(self._round,), daemon=True).start()
        return future

    def _answer_round(self, questions: Sequence[tuple[Prompt, Future[Completion]]]) -> None:
        import torch

        torch.manual_seed(self._seed)
        for start in range(0, len(questions), self._size):
            part = questions[start : start + self._size]
            try:
                answers = self._answer_batch([question for question, _ in part])
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked, not to this thread
                for _, future in questions[start:]:
                    future.set_exception(error)
                return
            self.batches.append(len(part))
            for (_, future), answer in zip(part, answers, strict=True):
                future.set_result(answer)


class _InRounds(Qwen3VL):
    """A Qwen3-VL that is asked in rounds."""

    @property
    def batcher(self) -> _Rounds:
        return _rounds_for(self.identity, self.max_batch)


@cache
def _rounds_for(identity: ModelIdentity, size: int) -> _Rounds:
    return _Rounds(LocalModel(identity).complete, size)


def chat_model(weights: AgentWeights, *, temperature: float, max_new_tokens: int) -> BaseChatModel:
    """Loads what `ask_in_rounds` asks; models of this process answer up to 32 questions at once.

    Args:
        weights: What to load.
        temperature: 0 is greedy.
        max_new_tokens: Longest answer of a model in this process.
    """
    if not weights.model.startswith(OWN_PREFIX):
        return load_chat_model(weights.model, temperature=temperature, **weights.options)
    return _InRounds(
        model=weights.model.removeprefix(OWN_PREFIX),
        adapter=weights.adapter,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        max_batch=_MAX_BATCH,
        logprobs=False,
    )


def ask_in_rounds(model: BaseChatModel, count: int, seed: int, round_: Callable[[], Awaitable[_T]]) -> _T:
    """Runs one round.

    Args:
        model: From `chat_model`.
        count: How many questions the round asks, exactly, one for each coroutine that runs at once.
        seed: Of sampling.
        round_: Asks them all at once.
    """
    if isinstance(model, _InRounds):
        model.batcher.expect(count, seed)

    async def run() -> _T:
        return await round_()

    return asyncio.run(run())
