"""Runs the models of the critics' evaluation: the generator's attempts, the critics' answers, and retried failures.

The work is split into tasks for worker processes with one torch thread each. The results depend on the seed and not on
the number of processes. Knows no metrics.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from langchain_core.language_models import BaseChatModel

from interleavethinker.evaluation.inference.deterministic_batches import chat_model, run_round
from interleavethinker.evaluation.inference.worker_pool import new_process_pool
from interleavethinker.evaluation.progress import StageProgress
from interleavethinker.microworld.agents.registry import AgentWeights, prompts_folder
from interleavethinker.tools.chat.answers import read_verdict, strict_answer
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.chat.messages import to_messages
from interleavethinker.tools.chat.rendering import Prompts, load_prompts, render_case
from interleavethinker.tools.chat.usage import token_count
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput, Verdict

from .critic_cases import CriticCase, PlannedAttempt, RetryTask, make_attempts, retry_failures
from .generator import Generator

__all__ = [
    "MAX_NEW_TOKENS",
    "CriticAnswer",
    "CriticAnswers",
    "LocalWorkerPool",
    "WorkerPool",
    "ask_critic_model",
    "open_worker_pool",
]

MAX_NEW_TOKENS = 220
"""Longest answer of a local critic; a checklist needs more."""
_CASES, _ATTEMPTS, _RETRIES = 64, 32, 8
"""The number of cases, attempts and retried failures in one task of a worker."""


class CriticAnswer(NamedTuple):
    """A critic's answer to one case."""

    verdict: Verdict
    well_formed: bool
    """Whether the answer had the strict format."""
    tokens: int | None = None
    """Length of the answer; None if the model does not say."""


CriticAnswers = list[CriticAnswer]
_T = TypeVar("_T")
_U = TypeVar("_U")


class WorkerPool(Protocol):
    """Runs generator and critics, in this process or in others."""

    def make_attempts(self, planned: Sequence[PlannedAttempt], progress: StageProgress) -> list[CriticCase]:
        """See `critic_cases.make_attempts`."""

    def judge(
        self,
        models: Sequence[tuple[AgentWeights, float]],
        cases: Sequence[CriticInput],
        seed: int,
        progress: StageProgress,
    ) -> list[CriticAnswers]:
        """Returns each model's answers to all cases, at its own temperature."""

    def retry_failures(self, retries: Sequence[RetryTask], progress: StageProgress) -> list[tuple[float, ...]]:
        """See `critic_cases.retry_failures`."""


class LocalWorkerPool:
    """A worker pool that runs everything in this process.

    Attributes:
        retries: The failures that were retried, in order.

    Args:
        generator: The image generator.
        store: The image store.
        judge: Answers cases as a model would, at a temperature.
    """

    def __init__(
        self,
        generator: Generator,
        store: ImageStore,
        judge: Callable[[AgentWeights, float, Sequence[CriticInput]], CriticAnswers],
    ) -> None:
        self._generator = generator
        self._store = store
        self._judge = judge
        self.retries: list[RetryTask] = []

    def make_attempts(self, planned: Sequence[PlannedAttempt], progress: StageProgress) -> list[CriticCase]:
        """See `WorkerPool.make_attempts`."""
        cases = make_attempts(self._generator, self._store, planned)
        progress("attempts", len(cases), len(cases))
        return cases

    def judge(
        self,
        models: Sequence[tuple[AgentWeights, float]],
        cases: Sequence[CriticInput],
        seed: int,  # noqa: ARG002 - required by the protocol; `judge` has its own
        progress: StageProgress,
    ) -> list[CriticAnswers]:
        """See `WorkerPool.judge`."""
        answers = [self._judge(weights, temperature, cases) for weights, temperature in models]
        progress("verdicts", len(cases) * len(models), len(cases) * len(models))
        return answers

    def retry_failures(self, retries: Sequence[RetryTask], progress: StageProgress) -> list[tuple[float, ...]]:
        """See `WorkerPool.retry_failures`."""
        self.retries += retries
        scores = retry_failures(self._generator, retries)
        progress("retries", len(retries), len(retries))
        return scores


@contextmanager
def open_worker_pool(
    *, weaker: bool = False, workers: int = 2, max_new_tokens: int = MAX_NEW_TOKENS
) -> Iterator[WorkerPool]:
    """Starts processes that load the micro generator, and critics as they need them.

    Args:
        weaker: Use the generator with degraded weights.
        workers: The number of processes.
        max_new_tokens: Longest answer of a local critic.
    """
    with tempfile.TemporaryDirectory() as folder:
        pool = new_process_pool(workers)
        try:
            yield _ProcessPool(pool, Path(folder), weaker, max_new_tokens)
        finally:
            pool.shutdown(cancel_futures=True)


class _ProcessPool:
    """A worker pool of processes that share an image store."""

    def __init__(self, pool: ProcessPoolExecutor, folder: Path, weaker: bool, max_new_tokens: int) -> None:
        self._pool = pool
        self._folder = folder
        self._weaker = weaker
        self._max_new_tokens = max_new_tokens

    def make_attempts(self, planned: Sequence[PlannedAttempt], progress: StageProgress) -> list[CriticCase]:
        parts = _split(planned, _ATTEMPTS)
        submitted = [self._pool.submit(_make_attempts, self._weaker, self._folder, part) for part in parts]
        return _gather("attempts", parts, submitted, progress)

    def judge(
        self,
        models: Sequence[tuple[AgentWeights, float]],
        cases: Sequence[CriticInput],
        seed: int,
        progress: StageProgress,
    ) -> list[CriticAnswers]:
        tasks = [
            (weights, temperature, number, part)
            for weights, temperature in models
            for number, part in enumerate(_split(cases, _CASES))
        ]
        submitted = [
            self._pool.submit(_judge, weights, self._folder, part, temperature, seed + number, self._max_new_tokens)
            for weights, temperature, number, part in tasks
        ]
        flat = _gather("verdicts", [part for *_, part in tasks], submitted, progress)
        return [flat[start : start + len(cases)] for start in range(0, len(flat), len(cases))]

    def retry_failures(self, retries: Sequence[RetryTask], progress: StageProgress) -> list[tuple[float, ...]]:
        parts = _split(retries, _RETRIES)
        submitted = [self._pool.submit(_retry_failures, self._weaker, part) for part in parts]
        return _gather("retries", parts, submitted, progress)


def _split(items: Sequence[_T], size: int) -> list[list[_T]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _gather(
    stage: str, parts: Sequence[Sequence[_T]], submitted: Sequence[Future[list[_U]]], progress: StageProgress
) -> list[_U]:
    """Returns the results in order, and reports progress as they arrive."""
    sizes = dict(zip(submitted, map(len, parts), strict=True))
    done, total = 0, sum(sizes.values())
    progress(stage, 0, total)
    for future in as_completed(submitted):
        future.result()  # raise the first error at once
        done += sizes[future]
        progress(stage, done, total)
    return [result for future in submitted for result in future.result()]


@cache
def _generator(weaker: bool) -> Generator:
    from interleavethinker.microworld.generators.micro import MicroGenerator

    return MicroGenerator(weaker=weaker)


def _make_attempts(weaker: bool, folder: Path, planned: Sequence[PlannedAttempt]) -> list[CriticCase]:
    return make_attempts(_generator(weaker), ImageStore(folder), planned)


def _retry_failures(weaker: bool, retries: Sequence[RetryTask]) -> list[tuple[float, ...]]:
    return retry_failures(_generator(weaker), retries)


def _judge(
    weights: AgentWeights,
    folder: Path,
    cases: Sequence[CriticInput],
    temperature: float,
    seed: int,
    max_new_tokens: int,
) -> CriticAnswers:
    model = chat_model(weights, temperature=temperature, max_new_tokens=max_new_tokens)
    micro = weights.model.startswith(OWN_PREFIX)
    prompts = load_prompts(prompts_folder() if micro else None)
    return ask_critic_model(model, ImageStore(folder), cases, prompts, seed)


def ask_critic_model(
    model: BaseChatModel, store: ImageStore, cases: Sequence[CriticInput], prompts: Prompts, seed: int = 0
) -> CriticAnswers:
    """Returns a chat model's first answers to cases, which are sent concurrently.

    Args:
        model: The model, from `deterministic_batches.chat_model`.
        store: The image store.
        cases: The cases to judge.
        prompts: The prompt files.
        seed: Sampling seed.

    Raises:
        ModelError: The model could not be loaded or reached.
    """

    async def ask(case: CriticInput) -> CriticAnswer:
        messages = to_messages(render_case(case, prompts), store, blank_like=case.image)
        answer = await invoke(model, messages)
        text, usage = str(answer.text), answer.usage_metadata
        tokens = None if usage is None else token_count(usage["output_tokens"])
        try:
            verdict = read_verdict(text)
        except ModelAnswerError as error:
            return CriticAnswer(Verdict(success=None, reasoning=str(error)), well_formed=False, tokens=tokens)
        content = strict_answer(text) or {}
        strict = isinstance(content.get("previous_step_success"), bool)
        strict = strict and bool(str(content.get("refine_prompt") or "").strip())
        return CriticAnswer(verdict, strict, tokens)

    return run_round(model, len(cases), seed, lambda: asyncio.gather(*map(ask, cases)))
