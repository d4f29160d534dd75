"""Small chat models that run in worker processes, one per core, with one batch in flight per set of weights.

For a small model half the time of a token is Python, so threads of one process would wait for each other's interpreter
lock and stall everything else there. Prompts are still collected into batches in this process.
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

from .worker_pool import new_process_pool

__all__ = ["PooledQwen3VL", "shut_down_pool"]


class PooledQwen3VL(Qwen3VL):
    """A Qwen3-VL whose batches run in any free worker process; each worker loads the weights it needs."""

    @property
    def batcher(self) -> Batcher:
        """The batcher that all models with these weights share in this process."""
        return _batcher_for(self.identity)


@cache
def _batcher_for(which: ModelIdentity) -> Batcher:
    def answer(prompts: Sequence[Prompt]) -> list[Completion]:
        try:
            return _pool().submit(_answer, which, prompts).result()
        except BrokenProcessPool as error:
            msg = f"A worker process of {which.model!r} died; is there enough memory for one process per core?"
            raise ModelError(msg) from error

    return Batcher(answer)


@cache
def _pool() -> ProcessPoolExecutor:
    return new_process_pool()


def shut_down_pool() -> None:
    """Ends the worker processes, if there are any; the next prompt starts new ones."""
    if _pool.cache_info().currsize:
        _pool().shutdown(cancel_futures=True)
        _pool.cache_clear()


@cache
def _weights(which: ModelIdentity) -> LocalModel:
    return LocalModel(which)


def _answer(which: ModelIdentity, prompts: Sequence[Prompt]) -> list[Completion]:
    sampling = prompts[0].sampling
    if sampling.temperature > 0 and sampling.seed is None:
        import torch

        # Otherwise all workers would sample alike. A prompt's sample still depends on the other prompts of its batch.
        torch.manual_seed(zlib.crc32(repr([prompt.conversation for prompt in prompts]).encode()))
    return _weights(which).complete(prompts)
