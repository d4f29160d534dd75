"""Stage 1: requests of the micro world, each with a correct plan and a target for every step.

A row depends only on seed, split and number, so a larger data set begins with the rows of a smaller one.
"""

from __future__ import annotations

from interleavethinker.microworld.agents.teachers import plan_of, request_of
from interleavethinker.microworld.requests.families import Split, sample_scenario
from interleavethinker.microworld.scoring.targets import as_json

from .folder import DataFolder
from .schema import PromptRow
from .summary import StageSummary

__all__ = ["make_prompts"]


def make_prompts(folder: DataFolder, counts: dict[Split, int], seed: int) -> StageSummary:
    """Writes the requests of every split; rows that exist already are kept.

    Args:
        folder: The data set.
        counts: Number of requests in each split.
        seed: Seed of all requests.
    """
    with folder.stage():
        return _make_prompts(folder, counts, seed)


def _make_prompts(folder: DataFolder, counts: dict[Split, int], seed: int) -> StageSummary:
    summary = StageSummary("prompts")
    known = {row.id for row in folder.rows(folder.prompts, summary)}
    for split, count in counts.items():
        for index in range(count):
            name = f"{split}-{seed}-{index:06d}"
            if name in known:
                summary.keep(f"{split}, already present")
                continue
            sampled = sample_scenario(seed, index, split)
            targets = (step.target for step in sampled.scenario.steps)
            row = PromptRow(
                id=name,
                family=sampled.family,
                template=sampled.template,
                split=split,
                request=request_of(sampled.scenario, folder.store),
                plan=plan_of(sampled.scenario),
                references=tuple(None if target is None else as_json(target) for target in targets),
            )
            folder.prompts.append([row])
            summary.keep(f"{split}, {sampled.family}")
    return summary
