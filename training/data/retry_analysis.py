"""Measures how failed first attempts can be fixed: by a new seed, a reworded prompt, both, or neither. Run it before
GRPO.

Each failed first attempt is retried with the seed that the agent would use next: once with the same prompt, and once
with the prompt of every rewriting strategy. If rewording alone fixes too few attempts, or all strategies fix equally
many, reinforcement learning has nothing to learn, and the data or the world must change first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from PIL import Image
from pydantic import JsonValue

from interleavethinker.evaluation.statistics import mean, rate
from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.microworld.agents.teachers import label_attempt
from interleavethinker.microworld.scoring.scorer import is_success
from interleavethinker.microworld.scoring.targets import score_step, target_from
from interleavethinker.tools.errors import RefusalError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.types import GenerationRequest

from .folder import DataFolder
from .schema import CriticRow, RetryRow

__all__ = ["retry_failed_attempts", "retry_report"]

WORDS_NEEDED = 0.25
"""Share of failures that rewording alone should fix before GRPO is worth running."""


async def retry_failed_attempts(
    folder: DataFolder,
    generators: Mapping[str, ImageGenerator],
    *,
    limit: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Retries up to `limit` failed first attempts of the training split; attempts that were retried before are skipped.

    Args:
        folder: The data set.
        generators: The image generators by name; rows of other generators are skipped.
        limit: Maximum number of failed attempts.
        seed: Seed of the reworded prompts.
        progress: Called with the number of retried attempts and their total.
    """
    with folder.stage(folder.scored):
        await _retry_failed_attempts(folder, generators, limit, seed, progress)


async def _retry_failed_attempts(
    folder: DataFolder,
    generators: Mapping[str, ImageGenerator],
    limit: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    known = folder.retries.ids()
    failed = [
        row
        for row in folder.scored
        if row.iteration == 0 and not row.success and row.split == "train" and row.generator in generators
    ][:limit]
    waiting = [row for row in failed if row.id not in known]
    for start in range(0, len(waiting), 4):
        part = waiting[start : start + 4]
        made = await asyncio.gather(*(_retry(row, folder.store, generators[row.generator], seed) for row in part))
        folder.retries.append(made)
        if progress is not None:
            progress(min(len(waiting), start + 4), len(waiting))


async def _retry(row: CriticRow, store: ImageStore, generator: ImageGenerator, seed: int) -> RetryRow:
    target = target_from(row.reference)
    image = open_rgb(store.get(row.case.image))
    source = None if row.case.source is None else open_rgb(store.get(row.case.source))
    labels = {name: label_attempt(image, source, target, row.case.prompt, seed, name) for name in STRATEGIES}
    prompts = [row.case.prompt, *(label.verdict.refined_prompt for label in labels.values())]
    unique = list(dict.fromkeys(prompts))

    async def made(prompt: str) -> Image.Image:
        call = GenerationRequest(prompt=prompt, seed=row.next_seed, source=row.case.source)
        try:
            return open_rgb(store.get((await generator.generate(call)).sha256))
        except RefusalError:  # It is too long, for example, and the step keeps the image that it has.
            return image

    images = await asyncio.gather(*map(made, unique))
    scores = {prompt: score_step(one, source, target) for prompt, one in zip(unique, images, strict=True)}
    same, *reworded = (scores[prompt] for prompt in prompts)
    named = dict(zip(labels, reworded, strict=True))
    return RetryRow(
        id=row.id,
        before=row.overall,
        same=same.overall,
        same_fixed=is_success(same),
        reworded={name: score.overall for name, score in named.items()},
        reworded_fixed={name: is_success(score) for name, score in named.items()},
        drawn=row.strategy or STRATEGIES[0],
    )


def retry_report(rows: Sequence[RetryRow]) -> dict[str, JsonValue]:
    """Summarizes retries as shares of fixed attempts and mean scores (0 to 1).

    `blind_rewording` uses the strategy that the teacher chose at random, `any_rewording` counts an attempt as fixed if
    any strategy fixed it.
    """
    strategies: dict[str, JsonValue] = {
        name: {
            "fixed": round(rate([row.reworded_fixed[name] for row in rows]).value, 4),
            "score": round(mean([row.reworded[name] for row in rows]).value / 10, 4),
        }
        for name in STRATEGIES
    }
    scores = [mean([row.reworded[name] for row in rows]).value / 10 for name in STRATEGIES]
    blind = _shares([(row.same_fixed, row.reworded_fixed[row.drawn]) for row in rows])
    best = _shares([(row.same_fixed, any(row.reworded_fixed.values())) for row in rows])
    return {
        "failures": len(rows),
        "score_before": round(mean([row.before for row in rows]).value / 10, 4),
        "score_same_prompt": round(mean([row.same for row in rows]).value / 10, 4),
        "blind_rewording": blind,
        "any_rewording": best,
        "strategies": strategies,
        "spread": round(max(scores) - min(scores), 4) if rows else 0.0,
        "words_needed": WORDS_NEEDED,
    }


def _shares(pairs: Sequence[tuple[bool, bool]]) -> dict[str, JsonValue]:
    """Shares of the four cases, from pairs (fixed by a new seed, fixed by rewording); `words_only` has its interval.

    Examples:
        One pair each of (True, True), (False, True), (False, False), (False, False) gives both 0.25, words_only 0.25,
        seed_only 0 and neither 0.5.
    """
    only = rate([words and not seed for seed, words in pairs])
    return {
        "seed_only": round(rate([seed and not words for seed, words in pairs]).value, 4),
        "words_only": round(only.value, 4),
        "words_only_low": round(only.low, 4),
        "words_only_high": round(only.high, 4),
        "both": round(rate([words and seed for seed, words in pairs]).value, 4),
        "neither": round(rate([not words and not seed for seed, words in pairs]).value, 4),
    }
