"""Compares a plan, and the images that came of it, with what the request asks for; faults are returned in words.

Pure functions; knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.reader import Reading, read
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Plan

from .answer_check import answer_faults
from .continuity import belong_together
from .fulfilment import CHANGED, reading_satisfies, steps_satisfy
from .interpretation import Interpretation

__all__ = ["images_satisfy", "plan_satisfies"]

_AT_THE_SEA = frozenset({"boat", "fish"})


def plan_satisfies(meaning: Interpretation, plan: Plan) -> list[str]:
    """Returns what is wrong with a plan, one fault per item; nothing if carrying it out gives what was asked for.

    The prompts are carried out by rules; no image is generated. Open attributes may have any value, and a plan may take
    several steps to a required image.
    """
    if meaning.answer is None:
        faults = steps_satisfy(meaning.source, meaning.targets, plan.steps, lambda scenes: _follow(meaning, scenes))
        return [*faults, *_unasked_background(meaning, plan)]
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


def _unasked_background(meaning: Interpretation, plan: Plan) -> list[str]:
    """Returns a fault if a plan begins in the snow, say, although the request names no background."""
    prompt = next((step.prompt for step in plan.steps if step.prompt is not None), None)
    if meaning.source is not None or not meaning.targets or prompt is None:
        return []
    (first, *_) = meaning.targets
    usual = {BACKGROUNDS[0]} | ({"beach"} if {one.kind for one in first.objects} & _AT_THE_SEA else set())
    try:
        chosen = parse(prompt).target.background
    except InputError:  # reported with the step
        return []
    if chosen in usual or not usual <= first.backgrounds:
        return []
    return [f"the background {chosen} was not asked for"]


def _follow(meaning: Interpretation, scenes: Sequence[Scene]) -> bool:
    return meaning.story is None or belong_together(meaning.story, scenes)
