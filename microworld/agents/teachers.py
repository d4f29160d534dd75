"""Teachers of the micro world: a planner that knows the reference plan, and a critic that knows the target.

The critic's verdict is the scorer's. Its reasoning goes through the required items one by one, and its refined prompts
come from randomly chosen rewriting strategies; a small model can learn both. Knows nothing of any generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from interleavethinker.microworld.language.templates import name, place
from interleavethinker.microworld.requests.scenarios import Scenario
from interleavethinker.microworld.scenes.scene import Scene, render, to_image
from interleavethinker.microworld.scoring.scorer import (
    NOTHING,
    QUALITY_NEEDED,
    SEMANTICS_NEEDED,
    GradedItem,
    Score,
    is_success,
    object_text,
)
from interleavethinker.microworld.scoring.targets import StepTarget, scene_of, score_step
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import (
    CriticInput,
    ImagePart,
    Part,
    Plan,
    Request,
    Requirement,
    Step,
    TextPart,
    Verdict,
)

from .rewriting import chosen_strategy, rewrite_prompt

__all__ = [
    "ReferencePlanner",
    "TeacherCritic",
    "TeacherLabel",
    "checklist_of",
    "expectation",
    "expected_changes",
    "item_line",
    "label_attempt",
    "label_scored_attempt",
    "plan_of",
    "request_of",
    "scene_listing",
]


@dataclass(frozen=True)
class TeacherLabel:
    """The teacher's label for one attempt."""

    score: Score
    verdict: Verdict
    strategy: str | None
    """The strategy that wrote the refined prompt; None: the attempt succeeded, and the prompt is repeated."""


def plan_of(scenario: Scenario) -> Plan:
    """Converts a scenario's reference plan to the form that planners return."""
    steps = (
        Step(instruction=step.instruction, prompt=step.prompt, auxiliary_text=step.auxiliary_text)
        for step in scenario.steps
    )
    return Plan(steps=tuple(steps), reasoning=scenario.reasoning)


def label_attempt(
    image: Image.Image,
    source: Image.Image | None,
    target: StepTarget,
    prompt: str,
    seed: int,
    strategy: str = "",
    style: str = "",
) -> TeacherLabel:
    """Scores an attempt and, if it failed, writes a prompt for the next one.

    Args:
        image: The attempt's image.
        source: The image that was edited; None if the attempt generated from text alone.
        target: The step's target.
        prompt: The prompt of the attempt.
        seed: Decides, together with image and prompt, the strategy and its wording.
        strategy: Use this one of `STRATEGIES` instead of a random one.
        style: The strategy that this teacher prefers; see `chosen_strategy`.
    """
    digest = hashlib.sha256(image.tobytes() + prompt.encode()).digest()
    rng = np.random.default_rng([seed, *digest[:8]])
    scene = None if source is None else scene_of(source)
    return label_scored_attempt(score_step(image, source, target), scene, target, prompt, rng, strategy, style)


def label_scored_attempt(
    score: Score,
    source: Scene | None,
    target: StepTarget,
    prompt: str,
    rng: np.random.Generator,
    strategy: str = "",
    style: str = "",
) -> TeacherLabel:
    """Labels an attempt that has been scored already.

    Args:
        score: The attempt's score.
        source: The scene that the attempt started from; None if it generated from text alone.
        target: The step's target.
        prompt: The prompt of the attempt.
        rng: Decides the strategy and its wording.
        strategy: Use this one of `STRATEGIES` instead of a random one.
        style: The strategy that this teacher prefers; see `chosen_strategy`.
    """
    good = is_success(score)
    chosen = strategy or chosen_strategy(style, rng)
    refined = prompt if good else rewrite_prompt(chosen, target, source, score.faults, rng)
    reasoning = _reasoning(score, source) + ("" if good else f"; try {chosen}")
    verdict = Verdict(success=good, refined_prompt=refined, reasoning=reasoning, checklist=checklist_of(score, source))
    return TeacherLabel(score, verdict, None if good else chosen)


def request_of(scenario: Scenario, store: ImageStore) -> Request:
    """Converts a scenario to the request that planners receive; renders its scenes into the store."""

    def part_of(part: str | Scene) -> Part:
        if isinstance(part, str):
            return TextPart(text=part)
        return ImagePart(sha256=store.put(encode_png(to_image(render(part)))))

    return Request(parts=tuple(part_of(part) for part in scenario.parts))


class ReferencePlanner:
    """A planner that returns a known plan, or for a replan its remaining steps.

    Args:
        plan: The plan to return.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002 - the port's signature
        """See `Planner.plan`."""
        return self._plan.model_copy(update={"steps": self._plan.steps[context.finished :]})


class TeacherCritic:
    """A critic that knows the target of each prompt of one plan.

    Args:
        store: Contains the images.
        targets: Targets by the plan's original prompts.
        seed: Decides the rewriting strategies.
    """

    gives_confidence = False

    def __init__(self, store: ImageStore, targets: Mapping[str, StepTarget], seed: int) -> None:
        self._store = store
        self._targets = targets
        self._seed = seed

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        return [self._judge(case) for case in cases]

    def _judge(self, case: CriticInput) -> Verdict:
        source = None if case.source is None else open_rgb(self._store.get(case.source))
        target = self._targets[case.original_prompt]
        return label_attempt(open_rgb(self._store.get(case.image)), source, target, case.prompt, self._seed).verdict


def _reasoning(score: Score, source: Scene | None) -> str:
    """Writes the reasoning: the source scene, which the prompt refers to; the items that should have changed; the items
    that should have stayed, unless they are empty cells that stayed empty; and whether the image is clean.
    """
    lines = [] if source is None else [f"before {scene_listing(source)}"]
    lines += [item_line(item, was) for item, was in expected_changes(score, source)]
    lines += [
        item_line(item) for item in score.items if not item.should_change and {item.wanted, item.found} != {NOTHING}
    ]
    lines.append(f"clean {_yes_or_no(score.quality >= QUALITY_NEEDED)}")
    return "; ".join(lines)


def checklist_of(score: Score, source: Scene | None) -> tuple[Requirement, ...]:
    """Returns what had to change, in the order and the words of the reasoning, and what should have stayed but did not.

    Each place is one requirement, because every further item costs a small model some twenty tokens.
    """
    items = [item for item, _ in expected_changes(score, source)]
    items += [item for item in score.items if not item.should_change and item.grade < SEMANTICS_NEEDED]
    return tuple(map(_requirement, items))


def _requirement(item: GradedItem) -> Requirement:
    where = "background" if item.cell is None else place(item.cell)
    changes: Literal["object", "attribute"] = "attribute" if item.cell is None else "object"
    return Requirement(
        kind=changes if item.should_change else "kept",
        text=f"{item.wanted} {where}",
        met=item.grade >= SEMANTICS_NEEDED,
    )


def scene_listing(scene: Scene) -> str:
    """Lists the content of a scene in the form of the teacher's reasoning."""
    return ", ".join([*(f"{name(obj)} {place(cell)}" for cell, obj in scene.objects.items()), scene.background])


def expected_changes(score: Score, source: Scene | None) -> list[tuple[GradedItem, str | None]]:
    """Returns the items that should have changed, each with the source's content there (None: there is no source).

    Occupied places come first, so that an object that moves is mentioned before the place it moves to.
    """

    def was(item: GradedItem) -> str | None:
        if source is None:
            return None
        return source.background if item.cell is None else object_text(source.cells[item.cell])

    found = [(item, was(item)) for item in score.items if item.should_change]
    return sorted(found, key=lambda one: one[1] == NOTHING)


def expectation(item: GradedItem, was: str | None = None) -> str:
    """Writes what was in an item's place, the place, and what should be there.

    An object and its place come in the order of `scene_listing`, so that a model can copy them from there.

    Args:
        item: An item that should have changed or stayed.
        was: Content of that place in the source, for an item that should have changed; None if there is no source.
    """
    where = "background" if item.cell is None else place(item.cell)
    if not item.should_change:
        return f"{item.wanted} {where} stays"
    return f"{where} wants {item.wanted}" if was is None else f"{was} {where} wants {item.wanted}"


def item_line(item: GradedItem, was: str | None = None) -> str:
    """Writes the line of the teacher's reasoning about an item: what is expected there, and what was found.

    Each word of the found object is compared with its counterpart in the expected one, because a small model learns to
    compare two words, but hardly two whole descriptions. If only the looks differ, the found object is called
    "another" one, so that words alone decide.

    Args:
        item: See `expectation`.
        was: See `expectation`.
    """
    should, good = expectation(item, was), item.grade >= SEMANTICS_NEEDED
    found, wanted = item.found.split(), item.wanted.split()
    if len(found) == 3 and 2 <= len(wanted) <= 3:  # size, color, kind; the expected size may be open
        same = [True] * (3 - len(wanted)) + [
            one == other for one, other in zip(found[-len(wanted) :], wanted, strict=True)
        ]
        if good or not all(same):
            compared = " ".join(f"{word} {_yes_or_no(yes)}" for word, yes in zip(found, same, strict=True))
            return f"{should}, is {compared}"
    other = "another " if not good and item.found == item.wanted else ""
    return f"{should}, is {other}{item.found} {_yes_or_no(good)}"


def _yes_or_no(yes: bool) -> str:
    return "yes" if yes else "no"
