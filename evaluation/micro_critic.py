"""How well a critic judges in the micro world, and whether its refined prompts mend more than a new seed does.

Cases are first attempts at the steps of held-out requests, made by the generator from perfectly rendered sources; they
are a pure function of the seed. The truth is the scorer's judgement. Each failed attempt is made again with several
seeds: from the prompt that was used ("reseed"), and from the critic's prompt where it saw the failure; a critic that
calls a failure a success gains nothing. Knows nothing of how the critic was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import JsonValue

from interleavethinker.microworld.families import Split, draw
from interleavethinker.microworld.scenes import render, to_image
from interleavethinker.microworld.scorer import QUALITY_NEEDED, SEMANTICS_NEEDED, Score, judgement
from interleavethinker.microworld.targets import StepTarget, score_step
from interleavethinker.tools.chat import ChatCritic
from interleavethinker.tools.images import encode_png
from interleavethinker.tools.models import OWN_PREFIX, load_chat_model
from interleavethinker.tools.ports import Critic
from interleavethinker.tools.store import ImageStore
from interleavethinker.tools.types import Case, Verdict

from .intervals import Estimate, mean, rate
from .micro_generator import Generator

__all__ = ["CriticCase", "critic_report", "draw_cases", "micro_chat_critic"]

_STREAM = 2**22
"""Added to the seed of requests, so that no training request is met."""
_NEAR = 1.0
"""A case whose semantics or quality lies within this of what J needs is reported apart."""
_BATCH = 16
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CriticCase:
    """A first attempt at a step, with the truth about it."""

    case: Case
    target: StepTarget
    source: Image.Image | None
    score: Score
    seeds: tuple[int, ...]
    """With which a failed attempt is made again."""

    @property
    def good(self) -> bool:
        """The truth J."""
        return judgement(self.score)

    @property
    def near(self) -> bool:
        """Whether a little more or less would have changed the truth."""
        semantics = abs(self.score.semantics - SEMANTICS_NEEDED) < _NEAR
        return semantics or abs(self.score.quality - QUALITY_NEEDED) < _NEAR


def draw_cases(
    generator: Generator, store: ImageStore, n: int, seed: int, *, split: Split = "combinations", tries: int = 4
) -> list[CriticCase]:
    """Makes `n` first attempts at steps of held-out requests.

    Args:
        generator: Makes them.
        store: Keeps the pictures.
        n: How many.
        seed: Of requests and attempts.
        split: Which held-out requests.
        tries: Seeds with which a failure will be made again.
    """
    steps: list[tuple[str, StepTarget]] = []
    index = 0
    while len(steps) < n:
        asked = draw(_STREAM + seed, index, split).asked
        steps += [(step.prompt, step.target) for step in asked.steps if step.prompt and step.target]
        index += 1
    rng = np.random.default_rng([_STREAM, seed])
    cases: list[CriticCase] = []
    for start in range(0, n, _BATCH):
        part = steps[start : min(n, start + _BATCH)]
        seeds = [tuple(int(one) for one in rng.integers(2**31, size=tries + 1)) for _ in part]
        sources = [None if target.before is None else to_image(render(target.before)) for _, target in part]
        pictures = _make(generator, sources, [prompt for prompt, _ in part], [one[0] for one in seeds])
        for (prompt, target), source, picture, own in zip(part, sources, pictures, seeds, strict=True):
            kept = None if source is None else store.put(encode_png(source))
            case = Case(source=kept, image=store.put(encode_png(picture)), original_prompt=prompt, prompt=prompt)
            cases.append(CriticCase(case, target, source, score_step(picture, source, target), own[1:]))
    return cases


def micro_chat_critic(model: str, store: ImageStore, **options: object) -> ChatCritic:
    """A chat model as the micro world's critic: asked once, with the short prompts that micro models are trained on.

    Args:
        model: As profiles name it.
        store: Where the pictures lie.
        options: The model's own keyword arguments.
    """
    prompts = Path(str(files("interleavethinker.microworld") / "prompts"))
    sizes = {"max_new_tokens": 220, "max_batch": _BATCH} if model.startswith(OWN_PREFIX) else {}
    return ChatCritic(load_chat_model(model, **sizes, **options), store, prompts=prompts, questions=1)


def critic_report(
    critic: Critic, generator: Generator, cases: Sequence[CriticCase], progress: Progress | None = None
) -> dict[str, JsonValue]:
    """Judges the cases with a critic, makes failures again, and reports on both."""
    tell = progress or (lambda _what, _done, _total: None)
    verdicts: list[Verdict] = []
    for start in range(0, len(cases), _BATCH):
        verdicts += asyncio.run(_judge(critic, cases[start : start + _BATCH]))
        tell("judged", len(verdicts), len(cases))
    pairs = list(zip(cases, verdicts, strict=True))
    clear = [(case, verdict) for case, verdict in pairs if not case.near]
    failed = [(case, verdict) for case, verdict in pairs if not case.good]
    again: list[float] = []
    reworded: list[float] = []
    for number, (case, verdict) in enumerate(failed, 1):
        again.append(_gain(generator, case, case.case.prompt))
        seen = verdict.success is False and verdict.refined_prompt
        reworded.append(_gain(generator, case, verdict.refined_prompt) if seen else 0.0)
        tell("failures made again", number, len(failed))
    return {
        "n": len(cases),
        "failures": len(failed),
        "critic": {**_judgement(pairs), **_estimate("score_gain", mean(reworded))},
        "critic_clear_cases": _judgement(clear),
        "reseed": _estimate("score_gain", mean(again)),
        "critic_minus_reseed": _estimate(
            "score_gain", mean([one - other for one, other in zip(reworded, again, strict=True)])
        ),
    }


async def _judge(critic: Critic, cases: Sequence[CriticCase]) -> list[Verdict]:
    return await critic.judge([case.case for case in cases])


def _judgement(pairs: Sequence[tuple[CriticCase, Verdict]]) -> dict[str, JsonValue]:
    right = [verdict.success is case.good for case, verdict in pairs]
    return {
        **_estimate("format", rate([verdict.success is not None for _, verdict in pairs])),
        **_estimate("accuracy", rate(right)),
        **_estimate("accuracy_true", rate([ok for ok, (case, _) in zip(right, pairs, strict=True) if case.good])),
        **_estimate("accuracy_false", rate([ok for ok, (case, _) in zip(right, pairs, strict=True) if not case.good])),
    }


def _gain(generator: Generator, case: CriticCase, prompt: str) -> float:
    """Mean overall score over the case's seeds, less the attempt's own; in 0..1."""
    sources = [case.source] * len(case.seeds)
    pictures = _make(generator, sources, [prompt] * len(case.seeds), case.seeds)
    scores = [score_step(picture, case.source, case.target).overall for picture in pictures]
    return (float(np.mean(scores)) - case.score.overall) / 10


def _make(
    generator: Generator, sources: Sequence[Image.Image | None], texts: Sequence[str], seeds: Sequence[int]
) -> list[Image.Image]:
    """One picture a text, drawn where there is no source and edited where there is one."""
    drawn = [index for index, source in enumerate(sources) if source is None]
    edited = [(index, source) for index, source in enumerate(sources) if source is not None]
    made: dict[int, Image.Image] = {}
    if drawn:
        pictures = generator.draw([texts[index] for index in drawn], [seeds[index] for index in drawn])
        made |= dict(zip(drawn, pictures, strict=True))
    if edited:
        indices = [index for index, _ in edited]
        pictures = generator.edit(
            [source for _, source in edited], [texts[index] for index in indices], [seeds[index] for index in indices]
        )
        made |= dict(zip(indices, pictures, strict=True))
    return [made[index] for index in range(len(texts))]


def _estimate(name: str, estimate: Estimate) -> dict[str, JsonValue]:
    return {
        name: round(estimate.value, 4),
        f"{name}_low": round(estimate.low, 4),
        f"{name}_high": round(estimate.high, 4),
    }
