"""What would mend failed first attempts: a new seed, other words, both or neither. Run it before any GRPO.

Each failed first attempt is made again with the seed that serving would use next: once with the same prompt, and once
with every rewriting strategy's prompt. If words alone mend too few, or all strategies mend alike, reinforcement
learning has nothing to find, and data or world must change first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import mean, rate
from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.microworld.agents.teachers import label_attempt
from interleavethinker.microworld.scoring.scorer import is_success
from interleavethinker.microworld.scoring.targets import score_step, target_from
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.types import GenerationRequest

from .schema import CriticRow, DataFolder, RepairRow

__all__ = ["repair_failures", "repair_report"]

WORDS_NEEDED = 0.25
"""Share of failures that only other words must mend."""


async def repair_failures(
    folder: DataFolder,
    generators: dict[str, ImageGenerator],
    *,
    limit: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Makes up to `limit` failed first attempts of the training split again; resumable.

    Args:
        folder: The data set.
        generators: By the names that the rows carry.
        limit: Most failures.
        seed: Of the strategies' words, and of the one drawn.
        progress: Called with finished and all failures.
    """
    known = folder.repairs.ids()
    failed = [
        row
        for row in folder.scored
        if row.iteration == 0 and not row.success and row.split == "train" and row.generator in generators
    ][:limit]
    waiting = [row for row in failed if row.id not in known]
    for start in range(0, len(waiting), 4):
        part = waiting[start : start + 4]
        made = await asyncio.gather(*(_repair(row, folder.store, generators[row.generator], seed) for row in part))
        folder.repairs.append(made)
        if progress is not None:
            progress(min(len(waiting), start + 4), len(waiting))


async def _repair(row: CriticRow, store: ImageStore, generator: ImageGenerator, seed: int) -> RepairRow:
    target = target_from(row.reference)
    image = open_rgb(store.get(row.case.image))
    source = None if row.case.source is None else open_rgb(store.get(row.case.source))
    lessons = {name: label_attempt(image, source, target, row.case.prompt, seed, name) for name in STRATEGIES}
    prompts = [row.case.prompt, *(lesson.verdict.refined_prompt for lesson in lessons.values())]
    unique = list(dict.fromkeys(prompts))
    calls = (GenerationRequest(prompt=prompt, seed=row.next_seed, source=row.case.source) for prompt in unique)
    made = await asyncio.gather(*(generator.generate(call) for call in calls))
    scores = {
        prompt: score_step(open_rgb(store.get(one.sha256)), source, target)
        for prompt, one in zip(unique, made, strict=True)
        for prompt, one in zip(unique, made, strict=True)
    }
    same, *reworded = (scores[prompt] for prompt in prompts)
    named = dict(zip(lessons, reworded, strict=True))
    return RepairRow(
        id=row.id,
        before=row.overall,
        same=same.overall,
        same_fixed=is_success(same),
        reworded={name: score.overall for name, score in named.items()},
        reworded_fixed={name: is_success(score) for name, score in named.items()},
        drawn=row.strategy or STRATEGIES[0],
    )


def repair_report(rows: Sequence[RepairRow]) -> dict[str, JsonValue]:
    """Shares of failures that are mended, by the teacher's blind choice and by any strategy; scores by strategy."""
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
    """Of (mended by a new seed, mended by words) the four shares, with the interval of the one that matters."""
    only = rate([words and not seed for seed, words in pairs])
    return {
        "seed_only": round(rate([seed and not words for seed, words in pairs]).value, 4),
        "words_only": round(only.value, 4),
        "words_only_low": round(only.low, 4),
        "words_only_high": round(only.high, 4),
        "both": round(rate([words and seed for seed, words in pairs]).value, 4),
        "neither": round(rate([not words and not seed for seed, words in pairs]).value, 4),
    }
