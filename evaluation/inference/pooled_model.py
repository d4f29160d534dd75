"""Chat models of the micro world that answer in other processes, one for each core; weights have one batch under way.

Generating a token of a small model is half arithmetic and half Python: threads of one process wait for each other's
interpreter lock, and so does everything else there. Questions are still gathered into batches in this process.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.qwen3vl.batching import Batcher, Completion, Prompt
from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity

from .worker_pool import new_pool

__all__ = ["ElsewhereQwen3VL", "end_processes"]


class ElsewhereQwen3VL(Qwen3VL):
    """A Qwen3-VL whose batches are answered by whichever of the processes is free; each loads what it is asked for."""

    @property
    def batcher(self) -> Batcher:
        """The batcher that these weights share in this process."""
        return _batcher_for(self.identity)


@cache
def _batcher_for(which: ModelIdentity) -> Batcher:
    def answer(questions: Sequence[Prompt]) -> list[Completion]:
        try:
            return _pool().submit(_answer, which, questions).result()
        except BrokenProcessPool as error:
            msg = f"A worker process of {which.model!r} died; is there enough memory for one process per core?"
            raise ModelError(msg) from error

    return Batcher(answer)


@cache
def _pool() -> ProcessPoolExecutor:
    return new_pool()


def end_processes() -> None:
    """Ends the processes, if there are any; the next question begins new ones."""
    if _pool.cache_info().currsize:
        _pool().shutdown(cancel_futures=True)
        _pool.cache_clear()


@cache
def _weights(which: ModelIdentity) -> LocalModel:
    return LocalModel(which)


def _answer(which: ModelIdentity, questions: Sequence[Prompt]) -> list[Completion]:
    if questions[0].sampling.temperature > 0:
        import torch

        # Else all processes would draw alike. What a question draws still depends on who shares its batch.
        torch.manual_seed(zlib.crc32(repr([question.conversation for question in questions]).encode()))
    return _weights(which).complete(questions)
