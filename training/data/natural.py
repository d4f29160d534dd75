"""Natural planner rows: synthetic requests as people word them, in any number, from rendered images.

Rows are not written to disk. A row depends only on the seed and its number.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from interleavethinker.microworld.agents.teachers import plan_of, request_of
from interleavethinker.microworld.requests.natural import natural_scenario
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.seeds import NATURAL_DATA
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore

from .planner import cut_after
from .schema import PlannerRow

__all__ = ["natural_planner_rows"]

_CUT = 0.08
"""Share of multi-step plans in which some steps are already finished."""


def natural_planner_rows(store: ImageStore, count: int, seed: int) -> Iterator[PlannerRow]:
    """Yields planner rows with natural requests. A larger count only adds rows at the end.

    Args:
        store: Gets the images.
        count: Number of rows.
        seed: Seed of all random choices.
    """
    for index in range(count):
        rng = np.random.default_rng([NATURAL_DATA, seed, index])
        family, scenario = natural_scenario(NATURAL_DATA + seed, index)
        request, plan = request_of(scenario, store), plan_of(scenario)
        if len(plan.steps) > 1 and rng.random() < _CUT:
            done = scenario.steps[: int(rng.integers(1, len(plan.steps)))]
            scenes = [step.target.after for step in done if step.target is not None]
            request, plan = cut_after(
                request, plan, [store.put(encode_png(to_image(render(scene)))) for scene in scenes]
            )
        yield PlannerRow(
            id=f"natural-{seed}-{index:06d}",
            split="train",
            family=family,
            request=request,
            plan=plan,
            first=len(request.images) + 1,
        )
