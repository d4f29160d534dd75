"""MicroBench's planners and critics behind the ports: learned ones that remember their answers, stand-ins, oracles.

Learned ones answer greedily unless a setting has a temperature, so equal questions have equal answers (up to the
arithmetic of a batch): what one row has asked, another need not ask again; a sampled answer is drawn once, too, and by
no seed. Answers lie in JSON lines, one file for each set of weights and temperature, and survive a kill.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from interleavethinker.evaluation.inference.pooled_model import ElsewhereQwen3VL
from interleavethinker.graph import Components, Limits
from interleavethinker.microworld.agents.registry import CRITICS, PLANNERS, AgentWeights, prompts_folder, weights_of
from interleavethinker.microworld.agents.scripted_critic import ScriptedCritic
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.agents.teachers import ReferencePlanner, label_attempt, plan_of
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.loading import OWN_PREFIX, load_chat_model
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import Critic, ImageGenerator, PlanContext, Planner
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

from .config import ExperimentConfig, fingerprint
from .dataset import Item, foreign_prompts
from .perturbations import ErringPlanner, NoisyCritic
from .scoring import words_alike

__all__ = ["AgentFactory", "OracleCritic"]

_PLAN_TOKENS, _VERDICT_TOKENS = 600, 200
"""As in the profile `micro`."""
_BATCH = 64
_OBEYED = ("plain", "varied", "position")
"""Most effective rewriting strategies (`results/training-log.md`); the oracle takes the first that has not failed."""


class AgentFactory:
    """Makes the ports of any setting and request; every set of weights is loaded once.

    Args:
        store: Where the pictures lie.
        generator: Draws them.
        answers: Folder of remembered answers.
        seed: Of oracles and noise.
    """

    def __init__(self, store: ImageStore, generator: ImageGenerator, answers: Path, seed: int) -> None:
        self._store = store
        self._generator = generator
        self._answers = answers
        self._seed = seed
        self._planners: dict[str, Planner] = {}
        self._critics: dict[tuple[str, float], Critic] = {}

    def components(self, setting: ExperimentConfig, item: Item) -> Components:
        """What the graph holds for one request.

        Raises:
            ModelError: The setting's weights are not installed.
        """
        planner = self._planner(setting.planner, item)
        critic = self._critic(setting.critic, setting.temperature, item)
        if setting.plan_errors:
            planner = ErringPlanner(planner, setting.plan_errors, self._seed)
        if setting.flipped or setting.misled:
            others = foreign_prompts(item.number, self._seed)
            critic = NoisyCritic(critic, flipped=setting.flipped, misled=setting.misled, others=others, seed=self._seed)
        if setting.reseed:
            critic = _Changed(critic, lambda verdict: verdict.model_copy(update={"refined_prompt": ""}))
        if setting.latest:
            critic = _Changed(critic, lambda verdict: verdict.model_copy(update={"confidence": None}), confident=False)
        limits = Limits(max_attempts=setting.max_attempts, max_replans=setting.max_replans)
        return Components(planner, critic, self._generator, limits)

    def _planner(self, name: str, item: Item) -> Planner:
        if name == "oracle":
            return ReferencePlanner(plan_of(item.scenario))
        if name == "whole request":
            return ReferencePlanner(Plan(steps=(Step(prompt=item.request.text),)))
        if name not in self._planners:
            self._planners[name] = ScriptedPlanner(self._store) if name == "scripted" else self._learned_planner(name)
        return self._planners[name]

    def _critic(self, name: str, temperature: float, item: Item) -> Critic:
        if name == "oracle":
            return OracleCritic(self._store, item, self._seed)
        if name == "none":
            return RuleCritic()
        key = name, temperature
        if key not in self._critics:
            self._critics[key] = ScriptedCritic(self._store) if name == "scripted" else self._learned_critic(*key)
        return self._critics[key]

    def _learned_planner(self, name: str) -> Planner:
        model = _chat_model(weights_of(PLANNERS, name), _PLAN_TOKENS)
        planner = ChatPlanner(model, self._store, prompts=prompts_folder(), questions=1)
        return _RememberingPlanner(planner, self._book("planner", name))

    def _learned_critic(self, name: str, temperature: float) -> Critic:
        model = _chat_model(weights_of(CRITICS, name), _VERDICT_TOKENS, temperature)
        critic = ChatCritic(model, self._store, prompts=prompts_folder(), questions=1)
        return _RememberingCritic(critic, self._book("critic", name, f"-{temperature:g}" if temperature else ""))

    def _book(self, role: str, name: str, mark: str = "") -> _Book:
        return _Book(self._answers / f"{role}-{name}-{fingerprint(role, name)[:12]}{mark}.jsonl")


def _chat_model(weights: AgentWeights, tokens: int, temperature: float = 0.0) -> BaseChatModel:
    if not weights.model.startswith(OWN_PREFIX):
        return load_chat_model(weights.model, **weights.options)
    return ElsewhereQwen3VL(
        model=weights.model.removeprefix(OWN_PREFIX),
        adapter=weights.adapter,
        dtype="float32",
        max_new_tokens=tokens,
        max_batch=_BATCH,
        temperature=temperature,
    )


class OracleCritic:
    """A critic that knows what the request's steps must bring about, whatever plan it meets.

    A step of the plan stands for the reference's step whose words are nearest; rejected attempts are reworded in the
    way that the generator obeys best.

    Args:
        store: Where the pictures lie.
        item: The request.
        seed: Of the wording.
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
            return Verdict(success=False, refined_prompt=case.prompt, reasoning="no picture was wanted")
        nearest = max(self._steps, key=lambda step: words_alike(step.prompt or "", case.original_prompt))
        assert nearest.target is not None  # noqa: S101 - filtered above
        image = open_rgb(self._store.get(case.image))
        source = None if case.source is None else open_rgb(self._store.get(case.source))
        for strategy in _OBEYED:
            lesson = label_attempt(image, source, nearest.target, case.prompt, self._seed, strategy)
            if lesson.verdict.success or lesson.verdict.refined_prompt != case.prompt:
                break
        return lesson.verdict.model_copy(update={"confidence": round(lesson.score.overall / 10, 4)})


class _Changed:
    """Another critic's verdicts, changed."""

    def __init__(self, critic: Critic, change: Callable[[Verdict], Verdict], *, confident: bool = True) -> None:
        self._critic = critic
        self._change = change
        self._confident = confident

    @property
    def gives_confidence(self) -> bool:
        return self._confident and self._critic.gives_confidence

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        return [self._change(verdict) for verdict in await self._critic.judge(cases)]


class _Book:
    """Answers by question, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._lines = LineFile(path)
        self._known: dict[str, str] = dict(json.loads(line) for line in self._lines)
        self._asked: dict[str, asyncio.Lock] = {}

    async def answer(self, question: str, ask: Callable[[], Awaitable[str]]) -> str:
        """What was answered before; else asks, once however many want to know at the same time."""
        key = _digest(question)
        asked = self._asked.setdefault(key, asyncio.Lock())
        async with asked:
            if key not in self._known:
                answer = await ask()
                self._known[key] = answer
                self._lines.append([json.dumps([key, answer])])
        self._asked.pop(key, None)
        return self._known[key]


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:32]


class _RememberingPlanner:
    def __init__(self, planner: Planner, book: _Book) -> None:
        self._planner = planner
        self._book = book

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        if context.previous is not None:  # Depends on what was drawn: hardly ever the same twice.
            return await self._planner.plan(request, context)

        async def ask() -> str:
            return (await self._planner.plan(request, context)).model_dump_json()

        return Plan.model_validate_json(await self._book.answer(request.model_dump_json(), ask))


class _RememberingCritic:
    def __init__(self, critic: Critic, book: _Book) -> None:
        self._critic = critic
        self._book = book

    @property
    def gives_confidence(self) -> bool:
        return self._critic.gives_confidence

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        return list(await asyncio.gather(*map(self._judge, cases)))

    async def _judge(self, case: CriticInput) -> Verdict:
        async def ask() -> str:
            (verdict,) = await self._critic.judge([case])
            return verdict.model_dump_json()

        return Verdict.model_validate_json(await self._book.answer(case.model_dump_json(), ask))
