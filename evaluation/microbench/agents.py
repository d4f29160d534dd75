"""MicroBench's planners and critics: learned ones with cached answers, scripted baselines and oracles.

Learned agents decode greedily unless a configuration has a temperature, so equal inputs have equal answers, up to the
arithmetic of a batch. Experiments therefore share a cache, and every answer is computed once. Sampled answers, which
depend on no seed, are cached as well. The cache is a JSON-lines file for each set of weights and temperature, and it
survives a killed process.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from interleavethinker.evaluation.inference.pooled_model import PooledQwen3VL
from interleavethinker.graph import Components, Limits
from interleavethinker.microworld.agents.registry import CRITICS, PLANNERS, AgentWeights, prompts_folder, weights_of
from interleavethinker.microworld.agents.scripted_critic import ScriptedCritic
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.agents.teachers import ReferencePlanner, label_attempt, plan_of
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.loading import OWN_PREFIX, load_chat_model
from interleavethinker.tools.chat.rephrasing import Rephrasings
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import Critic, ImageGenerator, PlanContext, Planner
from interleavethinker.tools.stable_json import stable_json
from interleavethinker.tools.structured_text import parse_json
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

from .config import ExperimentConfig, fingerprint
from .dataset import Item, prompts_of_other_requests
from .perturbations import PerturbedCritic, PerturbedPlanner
from .scoring import word_overlap_f1

__all__ = ["AgentFactory", "OracleCritic"]

_PLAN_TOKENS, _VERDICT_TOKENS = 600, 200
"""The longest answers, as in the profile `micro`."""
_BATCH = 64
_REPHRASING_TEMPERATURE = 1.0
_EFFECTIVE_STRATEGIES = ("plain", "varied", "position")
"""The most effective rewriting strategies (`results/training-log.md`); the oracle uses the first that rewords."""


class AgentFactory:
    """Makes the graph's components for any configuration and request; every set of weights is loaded once.

    Args:
        store: The image store.
        generator: The image generator.
        answers: The folder of cached answers.
        seed: Seed of oracles and perturbations.
    """

    def __init__(self, store: ImageStore, generator: ImageGenerator, answers: Path, seed: int) -> None:
        self._store = store
        self._generator = generator
        self._answers = answers
        self._seed = seed
        self._planners: dict[str, Planner] = {}
        self._critics: dict[tuple[str, float, int], Critic] = {}

    def components(self, config: ExperimentConfig, item: Item) -> Components:
        """Returns the graph's components for one request.

        Raises:
            ModelError: The configuration's weights are not installed.
        """
        planner = self._planner(config.planner, item)
        critic = self._critic(config, item)
        if config.plan_errors:
            planner = PerturbedPlanner(planner, config.plan_errors, self._seed)
        if config.flipped_verdicts or config.misleading_prompts:
            critic = PerturbedCritic(
                critic,
                flipped_verdicts=config.flipped_verdicts,
                misleading_prompts=config.misleading_prompts,
                other_prompts=prompts_of_other_requests(item.number, self._seed),
                seed=self._seed,
            )
        if config.reseed:
            critic = _TransformedCritic(critic, lambda verdict: verdict.model_copy(update={"refined_prompt": ""}))
        if config.keep_latest:
            critic = _TransformedCritic(
                critic, lambda verdict: verdict.model_copy(update={"confidence": None}), gives_confidence=False
            )
        # The published figures and the recorded runs come from these rules of version 0.1: the last attempt is judged
        # only for its confidence, and an attempt without a usable verdict is repeated.
        limits = Limits(
            max_attempts=config.max_attempts,
            variants=config.variants,
            max_replans=config.max_replans,
            judge_last_attempt=False,
            retry_unjudged=True,
        )
        return Components(planner, critic, self._generator, limits)

    def _planner(self, name: str, item: Item) -> Planner:
        if name == "oracle":
            return ReferencePlanner(plan_of(item.scenario))
        if name == "whole request":
            return ReferencePlanner(Plan(steps=(Step(prompt=item.request.text),)))
        if name not in self._planners:
            self._planners[name] = ScriptedPlanner(self._store) if name == "scripted" else self._learned_planner(name)
        return self._planners[name]

    def _critic(self, config: ExperimentConfig, item: Item) -> Critic:
        name = config.critic
        if name == "oracle":
            return OracleCritic(self._store, item, self._seed)
        if name == "none":
            return RuleCritic()
        key = name, config.temperature, config.rephrasings
        if key not in self._critics:
            self._critics[key] = ScriptedCritic(self._store) if name == "scripted" else self._learned_critic(*key)
        return self._critics[key]

    def _learned_planner(self, name: str) -> Planner:
        model = _chat_model(weights_of(PLANNERS, name), _PLAN_TOKENS)
        planner = ChatPlanner(model, self._store, prompts=prompts_folder(), max_answers=1)
        return _CachingPlanner(planner, self._cache("planner", name))

    def _learned_critic(self, name: str, temperature: float, rephrasings: int) -> Critic:
        model = _chat_model(weights_of(CRITICS, name), _VERDICT_TOKENS, temperature)
        asked_again = Rephrasings(rephrasings, _REPHRASING_TEMPERATURE)
        critic = ChatCritic(model, self._store, prompts=prompts_folder(), max_answers=1, rephrasings=asked_again)
        cache = self._cache("critic", name, f"-{temperature:g}" if temperature else "")
        return _RephrasingCritic(critic, cache, rephrasings) if rephrasings else _CachingCritic(critic, cache)

    def _cache(self, role: str, name: str, suffix: str = "") -> _AnswerCache:
        file = f"{role}-{name}-{fingerprint(role, name)[:12]}{suffix}.jsonl".replace("/", "-")
        return _AnswerCache(self._answers / file)


def _chat_model(weights: AgentWeights, tokens: int, temperature: float = 0.0) -> BaseChatModel:
    if not weights.model.startswith(OWN_PREFIX):
        return load_chat_model(weights.model, **weights.options)
    return PooledQwen3VL(
        model=weights.model.removeprefix(OWN_PREFIX),
        adapter=weights.adapter,
        dtype="float32",
        max_new_tokens=tokens,
        max_batch=_BATCH,
        temperature=temperature,
    )


class OracleCritic:
    """A critic that knows the targets of the request's steps, regardless of the plan it is given.

    It judges a step of the plan against the reference step with the most similar prompt, so it also mends errors of the
    plan, and it is no upper bound of a critic that judges what the plan asks for. It rewrites the prompt of a rejected
    attempt with the first of the effective strategies that changes the prompt.

    Args:
        store: The image store.
        item: The request.
        seed: Seed of the rewriting.
    """

    gives_confidence = True

    def __init__(self, store: ImageStore, item: Item, seed: int) -> None:
        self._store = store
        self._steps = [step for step in item.scenario.steps if step.target is not None]
        self._seed = seed

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        return [self._judge(case) for case in cases]

    def _judge(self, case: CriticInput) -> Verdict:
        if not self._steps:
            return Verdict(success=False, refined_prompt=case.prompt, reasoning="no image was wanted")
        nearest = max(self._steps, key=lambda step: word_overlap_f1(step.prompt or "", case.original_prompt))
        assert nearest.target is not None  # noqa: S101 - filtered above
        image = open_rgb(self._store.get(case.image))
        source = None if case.source is None else open_rgb(self._store.get(case.source))
        for strategy in _EFFECTIVE_STRATEGIES:
            label = label_attempt(image, source, nearest.target, case.prompt, self._seed, strategy)
            if label.verdict.success or label.verdict.refined_prompt != case.prompt:
                break
        return label.verdict.model_copy(update={"confidence": round(label.score.overall / 10, 4)})


class _TransformedCritic:
    """Applies a function to another critic's verdicts."""

    def __init__(
        self, critic: Critic, transform: Callable[[Verdict], Verdict], *, gives_confidence: bool = True
    ) -> None:
        self._critic = critic
        self._transform = transform
        self._gives_confidence = gives_confidence

    @property
    def gives_confidence(self) -> bool:
        return self._gives_confidence and self._critic.gives_confidence

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        return [self._transform(verdict) for verdict in await self._critic.judge(cases)]


class _AnswerCache:
    """Answers by question, in memory and in a file.

    Args:
        path: The JSON-lines file, with a digest of the question and the answer in each line.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineFile(path)
        self._known: dict[str, str] = dict(self._lines.parsed(_entry))
        self._locks: dict[str, asyncio.Lock] = {}

    async def answer(self, question: str, ask: Callable[[], Awaitable[str]]) -> str:
        """Returns the cached answer, or calls `ask`, once however many callers wait for the same answer."""
        key = _digest(question)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key not in self._known:
                answer = await ask()
                self._known[key] = answer
                self._lines.append([json.dumps([key, answer])])
        self._locks.pop(key, None)
        return self._known[key]


def _entry(line: str) -> tuple[str, str]:
    key, answer = parse_json(line)
    return key, answer


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:32]


class _CachingPlanner:
    def __init__(self, planner: Planner, cache: _AnswerCache) -> None:
        self._planner = planner
        self._cache = cache

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        if context.previous is not None:  # A new plan depends on the images so far, so it is rarely needed again.
            return await self._planner.plan(request, context)

        async def ask() -> str:
            return (await self._planner.plan(request, context)).model_dump_json()

        return Plan.model_validate_json(await self._cache.answer(stable_json(request), ask))


class _CachingCritic:
    def __init__(self, critic: ChatCritic, cache: _AnswerCache) -> None:
        self._critic = critic
        self._cache = cache

    @property
    def gives_confidence(self) -> bool:
        return self._critic.gives_confidence

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        return list(await asyncio.gather(*map(self._judge, cases)))

    async def _judge(self, case: CriticInput) -> Verdict:
        async def ask() -> str:
            (verdict,) = await self._critic.judge([case])
            return verdict.model_dump_json()

        return Verdict.model_validate_json(await self._cache.answer(stable_json(case), ask))


class _RephrasingCritic(_CachingCritic):
    """Also caches the words that the critic finds where its prompt was already tried."""

    def __init__(self, critic: ChatCritic, cache: _AnswerCache, most: int) -> None:
        super().__init__(critic, cache)
        self._most = most

    async def rephrase(self, case: CriticInput, verdict: Verdict, tried: Sequence[str], seed: int) -> Verdict:
        async def ask() -> str:
            return (await self._critic.rephrase(case, verdict, tried, seed)).model_dump_json()

        question = json.dumps(["rephrase", stable_json(case), stable_json(verdict), list(tried), seed, self._most])
        return Verdict.model_validate_json(await self._cache.answer(question, ask))
