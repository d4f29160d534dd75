"""What a request asks for, in data: the images that it requires one after the other, or the answer to a question.

`interpret` reads a request by rules: it either understands every word of it or raises an error that says which part it
does not understand. `plan_satisfies` and `image_satisfies` compare a plan and an image with an interpretation. Pure
functions; knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import CellTarget
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.types import Plan

from .fulfilment import image_satisfies, scene_satisfies, steps_satisfy
from .required_scene import ANY_BACKGROUND, ANY_SIZE, Relation, RequiredObject, RequiredScene

__all__ = [
    "Answer",
    "Interpretation",
    "Relation",
    "RequiredObject",
    "RequiredScene",
    "image_satisfies",
    "interpret",
    "plan_satisfies",
    "scene_satisfies",
]


@dataclass(frozen=True)
class Answer:
    """The answer to a question about given images."""

    kind: str
    """`what`, `where`, `colour`, `size`, `count`, `exists`, `background`, `describe` or `difference`."""
    text: str
    """A correct answer, one sentence."""
    required: tuple[frozenset[str], ...]
    """Each correct answer contains at least one word of every set."""
    forbidden: frozenset[str] = frozenset()
    """Words that make an answer wrong."""


@dataclass(frozen=True)
class Interpretation:
    """The meaning of a request: images to make, or a question to answer."""

    source: Scene | None
    """The scene of the last given image, from which the first step starts; None: the first step generates."""
    targets: tuple[RequiredScene, ...] = ()
    """What the images that the request asks for must show, in order. A plan may pass through further images."""
    answer: Answer | None = None
    """Set if the request is a question; then it asks for no image."""


def interpret(text: str, scenes: Sequence[Scene] = ()) -> Interpretation:
    """Reads a request.

    Args:
        text: The request's text.
        scenes: The scenes of the request's images, in order.

    Raises:
        InputError: The request is not understood, contradicts itself or the images, or needs an image that is missing.
    """
    from interleavethinker.microworld.agents.scripted_planner import _pieces

    source = scenes[-1] if scenes else None
    scene, targets = source, []
    for piece in _pieces(text):
        task = parse(piece, scene)
        targets.append(_required(task.cell_targets, task.target.background, opened=scene is None))
        scene = task.target
    return Interpretation(source, tuple(targets))


def plan_satisfies(interpretation: Interpretation, plan: Plan) -> list[str]:
    """Returns what is wrong with a plan, one fault per item; nothing if carrying it out gives what was asked for.

    The prompts are carried out by rules; no image is generated. Open attributes may have any value, and a plan may take
    several steps to a required image.
    """
    if interpretation.answer is not None:
        return _answer_faults(interpretation.answer, plan)
    return steps_satisfy(interpretation.source, interpretation.targets, plan.steps)


def _answer_faults(answer: Answer, plan: Plan) -> list[str]:
    if any(step.prompt is not None for step in plan.steps):
        return ["the request is a question, but the plan generates an image"]
    words = set(re.findall(r"[a-z0-9]+", " ".join(step.auxiliary_text or "" for step in plan.steps).lower()))
    missing = [options for options in answer.required if not options & words]
    if missing or words & answer.forbidden:
        return [f"the answer is wrong; a correct one is: {answer.text}"]
    return []


def _required(cells: Sequence[CellTarget | None], background: str, *, opened: bool) -> RequiredScene:
    objects = tuple(
        RequiredObject(
            wanted.kind,
            frozenset({wanted.colour}),
            frozenset({wanted.size}) if wanted.size else ANY_SIZE,
            frozenset({cell}),
        )
        for cell, wanted in enumerate(cells)
        if wanted is not None
    )
    return RequiredScene(objects, frozenset({background}) if not opened else ANY_BACKGROUND)
