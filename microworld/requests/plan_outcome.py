"""Compares a plan, and the images that came of it, with what the request asks for; faults are returned in words.

Pure functions; knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from interleavethinker.microworld.scenes.reader import Reading, read
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.types import Plan

from .answer_check import answer_faults
from .continuity import belong_together
from .fulfilment import CHANGED, reading_satisfies, steps_satisfy
from .interpretation import Interpretation

__all__ = ["images_satisfy", "plan_satisfies"]


def plan_satisfies(meaning: Interpretation, plan: Plan) -> list[str]:
    """Returns what is wrong with a plan, one fault per item; nothing if carrying it out gives what was asked for.

    The prompts are carried out by rules; no image is generated. Open attributes may have any value, and a plan may take
    several steps to a required image.
    """
    if meaning.answer is None:
        return steps_satisfy(meaning.source, meaning.targets, plan.steps, lambda scenes: _follow(meaning, scenes))
    if any(step.prompt is not None for step in plan.steps):
        return ["the request is a question, but the plan generates an image"]
    return answer_faults(meaning.answer, " ".join(step.auxiliary_text or "" for step in plan.steps))


def images_satisfy(meaning: Interpretation, images: Sequence[Image.Image]) -> list[str]:
    """Returns what images lack of what is required, one after the other; nothing if they show it.

    Further images between the required ones are no fault: the check of the plan names steps that were not asked for.

    Args:
        meaning: What images are required; no question.
        images: What was made, in order, as RGB.

    Raises:
        InputError: An image has the wrong size (`wrong_size`).
    """
    shown: list[Scene] = []
    changed = False
    reading: Reading | None = None
    for reading in map(read, images):
        if len(shown) == len(meaning.targets):
            return []
        if not reading_satisfies(meaning.targets[len(shown)], reading):
            changed = not _follow(meaning, [*shown, reading.scene])
            shown += [] if changed else [reading.scene]
    if len(shown) == len(meaning.targets):
        return []
    if reading is None:
        return ["the last image is not what the request asks for: there is none"]
    if faults := reading_satisfies(meaning.targets[-1], reading) or ([CHANGED] if changed else []):
        return [f"the last image is not what the request asks for: {'; '.join(faults)}"]
    return [f"of the {len(meaning.targets)} images that the request asks for, number {len(shown) + 1} is missing"]


def _follow(meaning: Interpretation, scenes: Sequence[Scene]) -> bool:
    return meaning.story is None or belong_together(meaning.story, scenes)
