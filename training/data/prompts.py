"""Stage 1: requests of the micro world, each with the plan that carries it out and a target for every step.

Rows are a pure function of (seed, split, number), so that a larger set begins with a smaller one's rows.
"""

from __future__ import annotations

from interleavethinker.microworld.agents.teachers import plan_of, request_of
from interleavethinker.microworld.requests.families import Split, sample_scenario
from interleavethinker.microworld.scoring.targets import as_json

from .schema import DataFolder, PromptRow
from .summary import StageSummary

__all__ = ["make_prompts"]


def make_prompts(folder: DataFolder, counts: dict[Split, int], seed: int) -> StageSummary:
    """Writes the prompts of every split; what is there already stays.

    Args:
        folder: The data set.
        counts: Requests wanted in each split.
        seed: Of all requests.
    """
    tally = StageSummary("prompts")
    known = folder.prompts.ids()
    for split, count in counts.items():
        for index in range(count):
            name = f"{split}-{seed}-{index:06d}"
            if name in known:
                tally.keep(f"{split}, made before")
                continue
            drawn = sample_scenario(seed, index, split)
            targets = (step.target for step in drawn.scenario.steps)
            row = PromptRow(
                id=name,
                family=drawn.family,
                template=drawn.template,
                split=split,
                request=request_of(drawn.scenario, folder.store),
                plan=plan_of(drawn.scenario),
                references=tuple(None if target is None else as_json(target) for target in targets),
            )
            folder.prompts.append([row])
            tally.keep(f"{split}, {drawn.family}")
    return tally
