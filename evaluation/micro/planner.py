"""How often a planner's first answer is a valid plan in the micro world, and how often it carries the request out.

Requests come from both held-out splits, from a stream of random numbers that no training uses, families in turn.
`plan_checks` decides. Greedy answers are the headline, since that is how the planner serves; sampled ones stand beside
them. Any planner behind the port can be measured too, its plans being written down as a model would write them.
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
from interleavethinker.evaluation.statistics import rate
from interleavethinker.microworld.agents.registry import AgentWeights, prompts_folder
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.agents.teachers import request_of
from interleavethinker.microworld.requests.families import SampledScenario, Split, sample_scenario
from interleavethinker.microworld.seeds import PLANNER_EVALUATION
from interleavethinker.tools.chat.agents import to_messages
from interleavethinker.tools.chat.answers import read_plan, write_plan
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.chat.rendering import load_prompts, render_request
from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, Planner
from interleavethinker.tools.types import Plan, Request

from .plan_checks import PlanOutcome, broken_rule, carry_out

__all__ = ["PlannerCase", "ask_model", "ask_planner", "evaluate_planner", "planner_report", "sample_requests"]

_SPLITS: dict[str, Split] = {"unseen_combinations": "combinations", "unseen_templates": "templates"}
_MAX_NEW_TOKENS = 640
_ROUND = 64
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PlannerCase:
    """A held-out request; its pictures lie in a store."""

    drawn: SampledScenario
    request: Request

    @property
    def first(self) -> int:
        """The number of its plan's first step."""
        return len(self.request.images) + 1


def sample_requests(store: ImageStore, n: int, seed: int) -> list[PlannerCase]:
    """Draws `n` requests of each held-out split.

    Args:
        store: Keeps the pictures.
        n: How many of each.
        seed: Of the requests.
    """
    cases = []
    for split in _SPLITS.values():
        for index in range(n):
            drawn = sample_scenario(PLANNER_EVALUATION + seed, index, split)
            cases.append(PlannerCase(drawn, request_of(drawn.scenario, store)))
    return cases


def ask_model(
    model: BaseChatModel,
    store: ImageStore,
    cases: Sequence[PlannerCase],
    *,
    micro_prompts: bool = True,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """A chat model's first answers, as it writes them.

    Args:
        model: From `whole_batches.chat_model`.
        store: Where the pictures lie.
        cases: The requests.
        micro_prompts: Use the short prompts that micro models are trained on.
        seed: Of sampling.
        progress: Is told of every answer's number.

    Raises:
        ModelError: The model cannot be loaded or reached.
    """
    prompts = load_prompts(prompts_folder() if micro_prompts else None)
    answers: list[str] = []
    for start in range(0, len(cases), _ROUND):
        part = cases[start : start + _ROUND]
        asked = [to_messages(render_request(case.request, prompts=prompts), store) for case in part]
        answers += run_round(model, len(part), seed + start, partial(_ask_all, model, asked))
        if progress is not None:
            progress(len(answers))
    return answers


async def _ask_all(model: BaseChatModel, asked: Sequence[list[BaseMessage]]) -> list[str]:
    answers = await asyncio.gather(*(invoke(model, messages) for messages in asked))
    return [str(answer.text) for answer in answers]


def ask_planner(planner: Planner, case: PlannerCase) -> str:
    """A planner's plan as a model would write it; empty where it refuses the request."""
    try:
        plan = asyncio.run(_plan(planner, case.request))
    except (InputError, ModelAnswerError):
        return ""
    return write_plan(plan, case.first)


async def _plan(planner: Planner, request: Request) -> Plan:
    return await planner.plan(request, PlanContext())


def planner_report(cases: Sequence[PlannerCase], answers: Sequence[str], seed: int = 0) -> dict[str, JsonValue]:
    """Rates of valid plans and of plans that carry their request out, in all and by family.

    Args:
        cases: The requests.
        answers: A planner's first answers, in the same order.
        seed: Of what words leave open when plans are executed.
    """
    broken = [broken_rule(text, case.drawn.scenario) for case, text in zip(cases, answers, strict=True)]
    outcomes = [_outcome(case, text, seed) for case, text in zip(cases, answers, strict=True)]
    judged = list(zip(cases, broken, outcomes, strict=True))
    carried: dict[str, JsonValue] = {}
    ends: dict[str, JsonValue] = {}
    for name, split in _SPLITS.items():
        of_split = [outcome for case, _, outcome in judged if case.drawn.split == split]
        carried |= _figures(name, [outcome.carried_out for outcome in of_split])
        ends |= _figures(name, [outcome.end_reached for outcome in of_split])
    families: dict[str, JsonValue] = {}
    for family in dict.fromkeys(case.drawn.family for case in cases):
        of_family = [(case, rule, outcome) for case, rule, outcome in judged if case.drawn.family == family]
        figures = _figures("valid", [rule is None for _, rule, _ in of_family])
        for name, split in _SPLITS.items():
            hits = [outcome.carried_out for case, _, outcome in of_family if case.drawn.split == split]
            figures |= _figures(name, hits)
        families[family] = figures
    return {
        **_figures("valid", [rule is None for rule in broken]),
        "carried_out": carried,
        "end_reached": ends,
        "families": families,
        "broken_rules": dict(Counter(rule for rule in broken if rule is not None)),
    }


def evaluate_planner(
    weights: AgentWeights, *, n: int, seed: int, temperature: float = 1.0, progress: Progress | None = None
) -> dict[str, JsonValue]:
    """Measures a planner greedy and sampled, and the scripted planner as a reference.

    Args:
        weights: The planner.
        n: Requests of each held-out split.
        seed: Of requests and sampling.
        temperature: Of the sampled answers.
        progress: Is told of every round of answers.
    """
    tell = progress or (lambda _what, _done, _total: None)
    micro = weights.model.startswith(OWN_PREFIX)
    with tempfile.TemporaryDirectory() as folder:
        store = ImageStore(Path(folder))
        cases = sample_requests(store, n, seed)
        reports: dict[str, dict[str, JsonValue]] = {}
        for mode, heat in (("greedy", 0.0), ("sampled", temperature)):
            model = chat_model(weights, temperature=heat, max_new_tokens=_MAX_NEW_TOKENS)
            answers = ask_model(
                model,
                store,
                cases,
                micro_prompts=micro,
                seed=seed,
                progress=partial(_tell, tell, f"{mode} plans", len(cases)),
            )
            reports[mode] = planner_report(cases, answers, seed)
        scripted = ScriptedPlanner(store)
        by_rule = planner_report(cases, [ask_planner(scripted, case) for case in cases], seed)
    settings: dict[str, JsonValue] = {"model": weights.model, "adapter": weights.adapter, "n": n, "seed": seed}
    return {
        **settings,
        **reports["greedy"],
        "sampled": {"temperature": temperature, **reports["sampled"]},
        "reference": {"scripted": by_rule},
    }


def _tell(progress: Progress, what: str, total: int, done: int) -> None:
    progress(what, done, total)


def _outcome(case: PlannerCase, text: str, seed: int) -> PlanOutcome:
    try:
        plan = read_plan(text)
    except ModelAnswerError:
        return PlanOutcome(carried_out=False, end_reached=False)
    return carry_out(plan, case.drawn.scenario, seed)


def _figures(name: str, hits: Sequence[bool]) -> dict[str, JsonValue]:
    """A rate with its interval and number; null where there are no samples."""
    if not hits:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_n": 0}
    found = rate(hits)
    return {
        name: round(found.value, 4),
        f"{name}_low": round(found.low, 4),
        f"{name}_high": round(found.high, 4),
        f"{name}_n": found.n,
    }
