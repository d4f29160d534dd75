"""How well critics judge in the micro world, and whether their refined prompts mend more than a new seed does.

All critics see the same cases (`critic_cases`), sampled and greedy; every failure is made again from every prompt that
one of them wrote for it, once for all of them. `critic_figures` makes the report. The work is spread over processes, a
torch thread each; what each part gives depends on the seed and not on how many there are.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

from langchain_core.language_models import BaseChatModel
from pydantic import JsonValue

from interleavethinker.evaluation.inference.deterministic_batches import chat_model, run_round
from interleavethinker.evaluation.inference.worker_pool import new_process_pool
from interleavethinker.microworld.agents.registry import AgentWeights, prompts_folder
from interleavethinker.microworld.requests.families import Split
from interleavethinker.tools.chat.agents import ChatCritic, to_messages
from interleavethinker.tools.chat.answers import read_verdict, strict_answer
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import OWN_PREFIX, load_chat_model
from interleavethinker.tools.chat.rendering import Prompts, load_prompts, render_case
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput, Verdict

from .critic_cases import CriticCase, PlannedAttempt, RetryTask, attempt, plan_attempts, retry_failures
from .critic_report import CriticRun, critic_report, retries_needed
from .generator import Generator

__all__ = [
    "CriticAnswers",
    "CriticEvalConfig",
    "LocalWorkerPool",
    "Progress",
    "WorkerPool",
    "ask_critic_model",
    "measure_critics",
    "micro_chat_critic",
    "open_worker_pool",
]

_MAX_NEW_TOKENS = 220
_ROUND, _ATTEMPTS, _AGAIN = 64, 32, 8
"""Cases judged, attempts made, and failures made again in one piece of work."""
_GREEDY = 0.0
Progress = Callable[[str, int, int], None]
CriticAnswers = list[tuple[Verdict, bool]]
"""For each case the verdict, and whether the answer had the strict form."""
_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True)
class CriticEvalConfig:
    """What is measured; saved with the report."""

    n: int = 640
    """First attempts to judge: with the shipped generator about 0.35 of them fail."""
    tries: int = 4
    """Generator seeds with which each failure is made again."""
    seed: int = 0
    split: Split = "combinations"
    temperature: float = 1.0
    """Of the sampled answers, which are the headline."""


class WorkerPool(Protocol):
    """Who does the work."""

    def attempts(self, planned: Sequence[PlannedAttempt], progress: Progress) -> list[CriticCase]:
        """Makes first attempts."""

    def judge(
        self, weights: Sequence[tuple[AgentWeights, float]], cases: Sequence[CriticInput], seed: int, progress: Progress
    ) -> list[CriticAnswers]:
        """The answers of models, each with its temperature, about all cases."""

    def retry_failures(self, again: Sequence[RetryTask], progress: Progress) -> list[tuple[float, ...]]:
        """See `critic_cases.retry_failures`."""


def measure_critics(
    pool: WorkerPool, critics: Mapping[str, AgentWeights], settings: CriticEvalConfig, progress: Progress | None = None
) -> dict[str, JsonValue]:
    """Measures critics on the same cases.

    Args:
        pool: Who does the work.
        critics: By name.
        settings: What to measure.
        progress: Is told of every finished piece.

    Returns:
        Figures of sampled answers, those of greedy ones under `greedy`, and what was measured.
    """
    tell = progress or (lambda _what, _done, _total: None)
    planned = plan_attempts(settings.n, settings.seed, split=settings.split, tries=settings.tries)
    cases = pool.attempts(planned, tell)
    modes = {"sampled": settings.temperature, "greedy": _GREEDY}
    jobs = [(mode, name) for mode in modes for name in critics]
    judged = pool.judge(
        [(critics[name], modes[mode]) for mode, name in jobs], [case.case for case in cases], settings.seed, tell
    )
    answers: dict[str, dict[str, CriticRun]] = {mode: {} for mode in modes}
    for (mode, name), answered in zip(jobs, judged, strict=True):
        verdicts, well_formed = zip(*answered, strict=True)
        answers[mode][name] = CriticRun(critics[name].variant, critics[name].seed, verdicts, well_formed)
    wanted = retries_needed(cases, [one for by_name in answers.values() for one in by_name.values()])
    again = [RetryTask(text, cases[at].source, cases[at].target, cases[at].seeds) for at, text in wanted]
    scores = dict(zip(wanted, pool.retry_failures(again, tell), strict=True))
    return {
        "n": len(cases),
        "failures": sum(not case.good for case in cases),
        "near_threshold": sum(case.near for case in cases),
        "tries": settings.tries,
        "seed": settings.seed,
        "split": settings.split,
        "temperature": settings.temperature,
        "models": {
            name: {"variant": one.variant, "model": one.model, "adapter": one.adapter, "training_seed": one.seed}
            for name, one in critics.items()
        },
        **critic_report(cases, answers["sampled"], scores),
        "greedy": critic_report(cases, answers["greedy"], scores),
    }


class LocalWorkerPool:
    """A pool of this process alone.

    Attributes:
        again: What was made again, in order.

    Args:
        generator: Makes the pictures.
        store: Keeps them.
        judge: Answers about cases as a model would, at a temperature.
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
        self.again: list[RetryTask] = []

    def attempts(self, planned: Sequence[PlannedAttempt], progress: Progress) -> list[CriticCase]:
        """See `WorkerPool.attempts`."""
        cases = attempt(self._generator, self._store, planned)
        progress("attempts", len(cases), len(cases))
        return cases

    def judge(
        self,
        weights: Sequence[tuple[AgentWeights, float]],
        cases: Sequence[CriticInput],
        seed: int,  # noqa: ARG002 - the protocol's; who judges here has its own
        progress: Progress,
    ) -> list[CriticAnswers]:
        """See `WorkerPool.judge`."""
        judged = [self._judge(one, temperature, cases) for one, temperature in weights]
        progress("judged", len(cases) * len(weights), len(cases) * len(weights))
        return judged

    def retry_failures(self, again: Sequence[RetryTask], progress: Progress) -> list[tuple[float, ...]]:
        """See `WorkerPool.retry_failures`."""
        self.again += again
        scores = retry_failures(self._generator, again)
        progress("failures made again", len(again), len(again))
        return scores


@contextmanager
def open_worker_pool(*, weaker: bool = False, workers: int = 2) -> Iterator[WorkerPool]:
    """Opens processes that hold the micro generator and load critics as they are needed.

    Args:
        weaker: Let the degraded generator make all pictures.
        workers: How many processes.
    """
    with tempfile.TemporaryDirectory() as folder:
        pool = new_process_pool(workers)
        try:
            yield _Pool(pool, Path(folder), weaker)
        finally:
            pool.shutdown(cancel_futures=True)


class _Pool:
    """A pool of processes that share a store of pictures."""

    def __init__(self, pool: ProcessPoolExecutor, folder: Path, weaker: bool) -> None:
        self._pool = pool
        self._folder = folder
        self._weaker = weaker

    def attempts(self, planned: Sequence[PlannedAttempt], progress: Progress) -> list[CriticCase]:
        parts = _parts(planned, _ATTEMPTS)
        submitted = [self._pool.submit(_attempt, self._weaker, self._folder, part) for part in parts]
        return _gather("attempts", parts, submitted, progress)

    def judge(
        self, weights: Sequence[tuple[AgentWeights, float]], cases: Sequence[CriticInput], seed: int, progress: Progress
    ) -> list[CriticAnswers]:
        parts = [
            (one, heat, number, part) for one, heat in weights for number, part in enumerate(_parts(cases, _ROUND))
        ]
        submitted = [
            self._pool.submit(_judge, one, self._folder, part, heat, seed + number) for one, heat, number, part in parts
        ]
        flat = _gather("judged", [part for *_, part in parts], submitted, progress)
        return [flat[start : start + len(cases)] for start in range(0, len(flat), len(cases))]

    def retry_failures(self, again: Sequence[RetryTask], progress: Progress) -> list[tuple[float, ...]]:
        parts = _parts(again, _AGAIN)
        submitted = [self._pool.submit(_make_again, self._weaker, part) for part in parts]
        return _gather("failures made again", parts, submitted, progress)


def micro_chat_critic(model: str, store: ImageStore, **options: object) -> ChatCritic:
    """A chat model as the micro world's critic: asked once, with the short prompts that micro models are trained on.

    Args:
        model: As profiles name it.
        store: Where the pictures lie.
        options: The model's own keyword arguments.
    """
    sizes = {"max_new_tokens": _MAX_NEW_TOKENS, "max_batch": 16} if model.startswith(OWN_PREFIX) else {}
    return ChatCritic(load_chat_model(model, **sizes, **options), store, prompts=prompts_folder(), questions=1)


def _parts(items: Sequence[_T], size: int) -> list[list[_T]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _gather(
    what: str, parts: Sequence[Sequence[_T]], submitted: Sequence[Future[list[_U]]], progress: Progress
) -> list[_U]:
    """The results in order; progress as they come."""
    sizes = dict(zip(submitted, map(len, parts), strict=True))
    done, total = 0, sum(sizes.values())
    progress(what, 0, total)
    for future in as_completed(submitted):
        future.result()  # an error ends the waiting
        done += sizes[future]
        progress(what, done, total)
    return [result for future in submitted for result in future.result()]


@cache
def _generator(weaker: bool) -> Generator:
    from interleavethinker.microworld.generators.micro import MicroGenerator

    return MicroGenerator(weaker=weaker)


def _attempt(weaker: bool, folder: Path, planned: Sequence[PlannedAttempt]) -> list[CriticCase]:
    return attempt(_generator(weaker), ImageStore(folder), planned)


def _make_again(weaker: bool, again: Sequence[RetryTask]) -> list[tuple[float, ...]]:
    return retry_failures(_generator(weaker), again)


def _judge(
    weights: AgentWeights, folder: Path, cases: Sequence[CriticInput], temperature: float, seed: int
) -> CriticAnswers:
    model = chat_model(weights, temperature=temperature, max_new_tokens=_MAX_NEW_TOKENS)
    micro = weights.model.startswith(OWN_PREFIX)
    prompts = load_prompts(prompts_folder() if micro else None)
    return ask_critic_model(model, ImageStore(folder), cases, prompts, seed)


def ask_critic_model(
    model: BaseChatModel, store: ImageStore, cases: Sequence[CriticInput], prompts: Prompts, seed: int = 0
) -> CriticAnswers:
    """A chat model's first answers about cases, asked all at once.

    Args:
        model: From `whole_batches.chat_model`.
        store: Where the pictures lie.
        cases: What to judge.
        prompts: The prompt files.
        seed: Of sampling.

    Raises:
        ModelError: The model cannot be loaded or reached.
    """

    async def ask(case: CriticInput) -> tuple[Verdict, bool]:
        messages = to_messages(render_case(case, prompts), store, blank_like=case.image)
        text = str((await invoke(model, messages)).text)
        try:
            verdict = read_verdict(text)
        except ModelAnswerError as error:
            return Verdict(success=None, reasoning=str(error)), False
        content = strict_answer(text) or {}
        strict = isinstance(content.get("previous_step_success"), bool)
        return verdict, strict and bool(str(content.get("refine_prompt") or "").strip())

    return run_round(model, len(cases), seed, lambda: asyncio.gather(*map(ask, cases)))
