"""Checks a planner's answer in the micro world: whether its plan is valid, and whether it fulfils the request.

Validity is strict, where the agent is lenient: the first answer counts as it is. Plans are executed by the oracle
generator, which understands synonyms and indirect prompts, so that a plan fails only for its own errors. Each step's
image must match the target of the reference step in the same place, and the last image must show the request's final
scene. An object whose size the prompt doesn't give gets the size of the reference, since later steps may rely on it.
Text answers are compared by content and not letter by letter. Knows nothing of models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.vocabulary import CANONICAL
from interleavethinker.microworld.requests.scenarios import Scenario
from interleavethinker.microworld.scenes.scene import Scene, render, to_image
from interleavethinker.microworld.scoring.targets import keep_sizes_open, scene_of, score_step
from interleavethinker.tools.chat.answers import read_plan, strict_answer
from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import Plan

__all__ = ["RULES", "PlanOutcome", "broken_rule", "execute_plan", "same_content"]

RULES = ("form", "task", "numbers", "count", "prefix")
"""
| rule | requirement |
| --- | --- |
| form | think and answer tags in order, valid JSON, a plan in it (section 3.1 of the paper) |
| task | text only if the request wants text only (task A); otherwise an instruction and a prompt in every step |
| numbers | step numbers continue after the request's images |
| count | as many steps as the request asks for, if it gives a number |
| prefix | no prompt starts with "Step 3:" |
"""
_PREFIX = re.compile(r"\s*step\s*\d", re.IGNORECASE)
_IGNORED = {*"a an the it is are was there in on at by to of this picture shows".split()}
"""Words without content, which answers may add or leave out."""
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "thing": "things"}


@dataclass(frozen=True)
class PlanOutcome:
    """The result of executing a plan."""

    fulfilled: bool
    """Every step matches the reference step in its place, and the last image shows the final scene."""
    final_scene_reached: bool
    """The last image shows the final scene, regardless of the steps; for text answers the same as `fulfilled`."""


def broken_rule(text: str, scenario: Scenario) -> str | None:
    """Returns the first of `RULES` that a planner's answer breaks; None if the answer is valid.

    Args:
        text: The whole answer.
        scenario: The request with its reference plan.
    """
    content = strict_answer(text)
    try:
        plan = read_plan(text)
    except ModelAnswerError:
        return "form"
    steps = content.get("execution_plan") if content else None
    if not isinstance(steps, list):
        return "form"
    words = "\n".join(part for part in scenario.parts if isinstance(part, str))
    numbers = [step.get("step_number") if isinstance(step, dict) else None for step in steps]
    first = 1 + sum(isinstance(part, Scene) for part in scenario.parts)
    wanted = named_step_count(words)
    rules = {
        "task": _is_text_only(plan) if _wants_text(scenario) else _has_image_steps(plan),
        "numbers": numbers == list(range(first, first + len(numbers))),
        "count": _wants_text(scenario) or wanted in {None, len(plan.steps)},
        "prefix": not any(_PREFIX.match(step.prompt or "") for step in plan.steps),
    }
    return next((rule for rule, holds in rules.items() if not holds), None)


def execute_plan(plan: Plan, scenario: Scenario, seed: int) -> PlanOutcome:
    """Executes a plan with the oracle generator, or compares its text, and returns whether it fulfils the request.

    Args:
        plan: The planner's plan.
        scenario: The request with its reference plan.
        seed: Seed of everything that the prompts leave open.
    """
    if _wants_text(scenario):
        answer, reference = (
            "\n".join(step.auxiliary_text or "" for step in steps) for steps in (plan.steps, scenario.steps)
        )
        fulfilled = _is_text_only(plan) and same_content(answer, reference)
        return PlanOutcome(fulfilled, fulfilled)
    if not _has_image_steps(plan):
        return PlanOutcome(fulfilled=False, final_scene_reached=False)
    return _outcome_of(_execute(plan, scenario, seed), scenario)


def same_content(one: str, other: str) -> bool:
    """Returns whether two texts describe a scene alike: the same phrases in any order, up to synonyms and small words.

    Examples:
        >>> same_content("A small azure kitten and a big ball.", "A large ball, a small blue cat.")
        True
    """
    return _phrases(one) == _phrases(other)


def _wants_text(scenario: Scenario) -> bool:
    return all(step.prompt is None for step in scenario.steps)


def _is_text_only(plan: Plan) -> bool:
    return all(step.prompt is None and step.instruction is None and step.auxiliary_text for step in plan.steps)


def _has_image_steps(plan: Plan) -> bool:
    return all(step.prompt and step.instruction for step in plan.steps)


def _first_source(scenario: Scenario) -> Image.Image | None:
    """Returns the image that the first step edits; None if it generates from text alone."""
    shown = [part for part in scenario.parts if isinstance(part, Scene)]
    return to_image(render(shown[-1])) if shown else None


def _execute(plan: Plan, scenario: Scenario, seed: int) -> list[Image.Image]:
    renderer, image = OracleGenerator(), _first_source(scenario)
    intended = [step.target.after for step in scenario.steps if step.target is not None]
    made: list[Image.Image] = []
    for number, step in enumerate(plan.steps):
        prompt, seeds = step.prompt or "", [seed + number]
        source = None if image is None else scene_of(image)
        (made_image,) = renderer.generate([prompt], seeds) if image is None else renderer.edit([image], [prompt], seeds)
        image = _with_intended_sizes(made_image, prompt, source, intended[min(number, len(intended) - 1)])
        made.append(image)
    return made


def _with_intended_sizes(image: Image.Image, prompt: str, source: Scene | None, intended: Scene) -> Image.Image:
    """Returns the image with the reference's sizes for objects whose size the prompt doesn't give."""
    try:
        cell_targets = parse(prompt, source).cell_targets
    except InputError:
        return image
    scene = scene_of(image)
    for cell, cell_target in enumerate(cell_targets):
        actual, intended_object = scene.cells[cell], intended.cells[cell]
        if cell_target is not None and cell_target.size is None and actual is not None and intended_object is not None:
            scene = scene.put(cell, replace(actual, size=intended_object.size))
    return to_image(render(scene))


def _outcome_of(images: Sequence[Image.Image], scenario: Scenario) -> PlanOutcome:
    targets = keep_sizes_open([step.target for step in scenario.steps if step.target is not None])
    last = targets[-1]
    cell_targets, background = last.cell_targets(None)
    end = scene_of(images[-1])
    fits = (
        cell is None if cell_target is None else cell_target.allows(cell)
        for cell_target, cell in zip(cell_targets, end.cells, strict=True)
    )
    reached = end.background == background and all(fits)
    fulfilled = reached and len(images) == len(targets)
    sources = [_first_source(scenario), *images[:-1]]
    if fulfilled:
        steps = zip(images, sources, targets, strict=True)
        fulfilled = all(score_step(image, source, target).exact for image, source, target in steps)
    return PlanOutcome(fulfilled, reached)


def _phrases(text: str) -> Counter[tuple[str, ...]]:
    clauses = re.split(r"[,.;\n]|\band\b", text.lower())
    clause_words = (re.findall(r"\w+", clause) for clause in clauses)
    phrases = (
        tuple(_NUMBERS.get(word, CANONICAL.get(word, word)) for word in words if word not in _IGNORED)
        for words in clause_words
    )
    return Counter(phrase for phrase in phrases if phrase)
