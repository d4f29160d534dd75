"""Measures a planner in the micro world: how often its first answer is a valid plan, and how often that plan succeeds.

Requests come from both held-out splits, from a random stream that no training uses; families alternate, and stories and
series of edits have up to eight steps. `plan_checks` decides. Greedy answers are the main result, because the agent
decodes its planner greedily; sampled answers are reported as well. Other planners can be measured too: their plans are
written as a model would write them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import JsonValue

from interleavethinker.evaluation.inference.deterministic_batches import chat_model, run_round
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.evaluation.statistics import rate
from interleavethinker.microworld.agents.registry import AgentWeights, prompts_folder
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.agents.teachers import request_of
from interleavethinker.microworld.requests.families import MAX_STEPS, SampledScenario, Split, sample_scenario
from interleavethinker.microworld.seeds import PLANNER_EVALUATION
from interleavethinker.tools.chat.answers import read_plan, write_plan
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.chat.messages import to_messages
from interleavethinker.tools.chat.rendering import load_prompts, render_request
from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, Planner
from interleavethinker.tools.types import Plan, Request

from .plan_checks import PlanOutcome, broken_rule, execute_plan

__all__ = ["PlannerCase", "ask_planner", "ask_planner_model", "evaluate_planner", "planner_report", "sample_requests"]

_SPLITS: dict[str, Split] = {"unseen_combinations": "combinations", "unseen_templates": "templates"}
_MAX_NEW_TOKENS = 640
_BATCH = 64


@dataclass(frozen=True)
class PlannerCase:
    """A held-out request; its images are in the store."""

    sample: SampledScenario
    request: Request

    @property
    def first(self) -> int:
        """The number of the plan's first step, which follows the request's images."""
        return len(self.request.images) + 1


def sample_requests(store: ImageStore, n: int, seed: int) -> list[PlannerCase]:
    """Returns `n` requests of each held-out split.

    Args:
        store: The image store, which receives the requests' images.
        n: The number of requests per split.
        seed: Seed of the requests.
    """
    cases = []
    for split in _SPLITS.values():
        for index in range(n):
            sample = sample_scenario(PLANNER_EVALUATION + seed, index, split, max_steps=MAX_STEPS)
            cases.append(PlannerCase(sample, request_of(sample.scenario, store)))
    return cases


def ask_planner_model(
    model: BaseChatModel,
    store: ImageStore,
    cases: Sequence[PlannerCase],
    *,
    micro_prompts: bool = True,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """Returns a chat model's first answers, unchanged.

    Args:
        model: The model, from `deterministic_batches.chat_model`.
        store: The image store.
        cases: The requests.
        micro_prompts: Use the short prompts that micro models are trained on.
        seed: Sampling seed.
        progress: Called with the number of answers after every batch.

    Raises:
        ModelError: The model could not be loaded or reached.
    """
    prompts = load_prompts(prompts_folder() if micro_prompts else None)
    answers: list[str] = []
    for start in range(0, len(cases), _BATCH):
        part = cases[start : start + _BATCH]
        conversations = [to_messages(render_request(case.request, prompts=prompts), store) for case in part]
        answers += run_round(model, len(part), seed + start, partial(_ask_all, model, conversations))
        if progress is not None:
            progress(len(answers))
    return answers


async def _ask_all(model: BaseChatModel, conversations: Sequence[list[BaseMessage]]) -> list[str]:
    answers = await asyncio.gather(*(invoke(model, messages) for messages in conversations))
    return [str(answer.text) for answer in answers]


def ask_planner(planner: Planner, case: PlannerCase) -> str:
    """Returns a planner's plan as a model would write it; empty if it refuses the request."""
    try:
        plan = asyncio.run(_plan(planner, case.request))
    except (InputError, ModelAnswerError):
        return ""
    return write_plan(plan, case.first)


async def _plan(planner: Planner, request: Request) -> Plan:
    return await planner.plan(request, PlanContext())


def planner_report(cases: Sequence[PlannerCase], answers: Sequence[str], seed: int = 0) -> dict[str, JsonValue]:
    """Returns the rates of valid plans and of plans that fulfil their request, in total, by family and by plan length.

    Args:
        cases: The requests.
        answers: A planner's first answers, in the same order.
        seed: Seed of everything that prompts leave open when plans are executed.
    """
    broken_rules = [broken_rule(text, case.sample.scenario) for case, text in zip(cases, answers, strict=True)]
    outcomes = [_outcome(case, text, seed) for case, text in zip(cases, answers, strict=True)]
    checked = list(zip(cases, broken_rules, outcomes, strict=True))
    fulfilled: dict[str, JsonValue] = {}
    final_scenes: dict[str, JsonValue] = {}
    for name, split in _SPLITS.items():
        of_split = [outcome for case, _, outcome in checked if case.sample.split == split]
        fulfilled |= _rate_metrics(name, [outcome.fulfilled for outcome in of_split])
        final_scenes |= _rate_metrics(name, [outcome.final_scene_reached for outcome in of_split])
    families: dict[str, JsonValue] = {}
    for family in dict.fromkeys(case.sample.family for case in cases):
        of_family = [(case, rule, outcome) for case, rule, outcome in checked if case.sample.family == family]
        metrics = _rate_metrics("valid", [rule is None for _, rule, _ in of_family])
        for name, split in _SPLITS.items():
            hits = [outcome.fulfilled for case, _, outcome in of_family if case.sample.split == split]
            metrics |= _rate_metrics(name, hits)
        families[family] = metrics
    lengths: dict[str, JsonValue] = {}
    for length in sorted({_length(case) for case in cases}):
        hits = [outcome.fulfilled for case, _, outcome in checked if _length(case) == length]
        lengths[str(length)] = _rate_metrics("fulfilled", hits)
    return {
        **_rate_metrics("valid", [rule is None for rule in broken_rules]),
        "fulfilled": fulfilled,
        "final_scene_reached": final_scenes,
        "families": families,
        "plan_lengths": lengths,
        "broken_rules": dict(Counter(rule for rule in broken_rules if rule is not None)),
    }


def evaluate_planner(
    weights: AgentWeights, *, n: int, seed: int, temperature: float = 1.0, progress: StageProgress = ignore_progress
) -> dict[str, JsonValue]:
    """Measures a planner with greedy and with sampled answers, and the scripted planner as a reference.

    Args:
        weights: The planner.
        n: The number of requests per held-out split.
        seed: Seed of requests and sampling.
        temperature: Sampling temperature of the sampled answers.
        progress: Called for every batch of answers.
    """
    micro = weights.model.startswith(OWN_PREFIX)
    with tempfile.TemporaryDirectory() as folder:
        store = ImageStore(Path(folder))
        cases = sample_requests(store, n, seed)
        reports: dict[str, dict[str, JsonValue]] = {}
        for mode, mode_temperature in (("greedy", 0.0), ("sampled", temperature)):
            model = chat_model(weights, temperature=mode_temperature, max_new_tokens=_MAX_NEW_TOKENS)
            answers = ask_planner_model(
                model,
                store,
                cases,
                micro_prompts=micro,
                seed=seed,
                progress=partial(_report_answers, progress, f"{mode} plans", len(cases)),
            )
            reports[mode] = planner_report(cases, answers, seed)
        scripted = ScriptedPlanner(store)
        scripted_report = planner_report(cases, [ask_planner(scripted, case) for case in cases], seed)
    settings: dict[str, JsonValue] = {"model": weights.model, "adapter": weights.adapter, "n": n, "seed": seed}
    return {
        **settings,
        **reports["greedy"],
        "sampled": {"temperature": temperature, **reports["sampled"]},
        "reference": {"scripted": scripted_report},
    }


def _length(case: PlannerCase) -> int:
    """The number of images in the reference plan; 0 for a request that is answered in words."""
    return sum(step.prompt is not None for step in case.sample.scenario.steps)


def _report_answers(progress: StageProgress, stage: str, total: int, done: int) -> None:
    progress(stage, done, total)


def _outcome(case: PlannerCase, text: str, seed: int) -> PlanOutcome:
    try:
        plan = read_plan(text)
    except ModelAnswerError:
        return PlanOutcome(fulfilled=False, final_scene_reached=False)
    return execute_plan(plan, case.sample.scenario, seed)


def _rate_metrics(name: str, hits: Sequence[bool]) -> dict[str, JsonValue]:
    """Returns a rate with its interval and number of samples; null without samples."""
    if not hits:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_n": 0}
    found = rate(hits)
    return {
        name: round(found.value, 4),
        f"{name}_low": round(found.low, 4),
        f"{name}_high": round(found.high, 4),
        f"{name}_n": found.n,
    }
