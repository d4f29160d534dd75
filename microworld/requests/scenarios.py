"""Scenarios: scenes that change step by step, with the words in which a user asks for each change.

A user's wording mixes trained language, synonyms that generators never saw, and indirect phrases; the reference plan
keeps the user's words. Knows nothing of which of these a generator follows. `families` builds requests from this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interleavethinker.microworld.language.held_out import indirect_edit, with_synonyms
from interleavethinker.microworld.language.templates import (
    EDIT_KINDS,
    Edit,
    describe,
    instruct,
    name,
    place,
    random_edit,
    with_article,
)
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, SYNONYMS
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scoring.targets import StepTarget
from interleavethinker.tools.request_parsing import named_step_count

__all__ = [
    "Rng",
    "Scenario",
    "ScenarioStep",
    "caption",
    "choose",
    "edit_step",
    "generation_step",
    "prompt_of",
    "random_edit_steps",
    "sentence",
    "user_wording",
]

Rng = np.random.Generator

_RESPELLED, _INDIRECT = 0.35, 0.2
"""Share of a user's phrases that use synonyms, and share of edits that are worded indirectly."""


@dataclass(frozen=True)
class ScenarioStep:
    """One step of a reference plan; a text-only step has no prompt and no target."""

    instruction: str | None
    prompt: str | None
    auxiliary_text: str | None
    target: StepTarget | None


@dataclass(frozen=True)
class Scenario:
    """A request with the reference plan that fulfils it."""

    parts: tuple[str | Scene, ...]
    """The request's texts and images (as scenes), in order."""
    steps: tuple[ScenarioStep, ...]
    reasoning: str
    """The reasoning that a planner should write before this plan."""

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every scene that the request shows or its plan passes through."""
        shown = (part for part in self.parts if isinstance(part, Scene))
        targets = (step.target for step in self.steps if step.target is not None)
        return (*shown, *(scene for target in targets for scene in (target.before, target.after) if scene is not None))


def choose(rng: Rng, options: tuple[str, ...]) -> str:
    """Samples one of the options."""
    return options[int(rng.integers(len(options)))]


def user_wording(text: str, rng: Rng) -> str:
    """Returns the text, sometimes with synonyms that generators never saw in training."""
    has_content = any(word.strip(",") in SYNONYMS for word in text.split())
    return with_synonyms(text, rng) if has_content and rng.random() < _RESPELLED else text


def sentence(text: str) -> str:
    """Capitalizes a text and adds a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def generation_step(scene: Scene, rng: Rng) -> ScenarioStep:
    """Returns the step that generates a scene from text, in a user's words."""
    count = len(scene.objects)
    sizes = tuple(bool(rng.random() > 0.2) for _ in range(count))
    text = user_wording(describe(scene, rng, sizes), rng)
    opened = tuple(cell for cell, names_size in zip(scene.objects, sizes, strict=True) if not names_size)
    return ScenarioStep(sentence(f"draw {text}"), text, caption(None, scene), StepTarget(scene, open_sizes=opened))


def edit_step(scene: Scene, edit: Edit, words: str) -> ScenarioStep:
    """Returns the step that makes one edit of a scene, in the given words."""
    opened = (edit.cell,) if edit.open_size and edit.cell is not None else ()
    after = edit.apply(scene)
    return ScenarioStep(sentence(words), words, caption(edit, after), StepTarget(after, scene, edit, opened))


def random_edit_steps(scene: Scene, count: int, rng: Rng) -> list[ScenarioStep]:
    """Samples steps that edit a scene one after the other, in a user's words; no two have the same words."""
    steps: list[ScenarioStep] = []
    while len(steps) < count:
        words, edit = _random_worded_edit(scene, rng)
        if any(step.prompt == words for step in steps):
            continue
        steps.append(edit_step(scene, edit, words))
        scene = edit.apply(scene)
    return steps


def prompt_of(step: ScenarioStep) -> str:
    """Returns the prompt of a step that has an image."""
    assert step.prompt is not None  # noqa: S101 - callers pass steps with an image only
    return step.prompt


def caption(edit: Edit | None, after: Scene) -> str:
    """Writes a plain sentence to print beside a step's image."""
    if edit is None:
        where = BACKGROUND_PHRASES[after.background][0]
        if not after.objects:
            return sentence(f"nothing is {where} yet")
        listed = " and ".join(with_article(name(obj, size=False)) for obj in after.objects.values())
        return sentence(f"{where} there {'is' if len(after.objects) == 1 else 'are'} {listed}")
    if edit.kind == "background":
        return sentence(f"now it is {BACKGROUND_PHRASES[after.background][0]}")
    if edit.kind == "remove":
        return "It is gone."
    cell = edit.to if edit.kind == "move" else edit.cell
    assert cell is not None  # noqa: S101 - set by construction
    obj = after.cells[cell]
    assert obj is not None  # noqa: S101 - all other edits leave an object there
    return sentence(f"now {with_article(_short_name(obj, edit))} is {place(cell)}")


def _short_name(obj: SceneObject, edit: Edit) -> str:
    return name(obj) if edit.kind == "resize" else name(obj, size=False)


def _random_worded_edit(scene: Scene, rng: Rng) -> tuple[str, Edit]:
    """Samples an edit that the scene allows, and a user's words for it."""
    possible = [kind for kind in EDIT_KINDS if _allows(scene, kind)]
    kind = possible[int(rng.integers(len(possible)))]
    if len(scene.objects) >= 2 and rng.random() < _INDIRECT:
        worded = indirect_edit(scene, kind, rng)
        # "Go one step left" would be read as the number of steps of the plan.
        if worded is not None and named_step_count(worded[0]) is None:
            return worded
    edit = random_edit(scene, kind, rng)
    return user_wording(instruct(edit, scene, rng), rng), edit


def _allows(scene: Scene, kind: str) -> bool:
    if kind == "background":
        return True
    if kind == "add":
        return len(scene.objects) < 4
    return bool(scene.objects)
