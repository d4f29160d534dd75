"""Whether a planner's answer is a valid plan, and whether the plan carries a request of the micro world out.

Validity is strict where serving is lenient: the first answer counts, as it is. Plans are executed by the perfect
renderer, which understands synonyms and indirect words, so that a plan is blamed for its own faults only. A step's
picture must fulfil the step that the request asks for in that place, and the last one must show what the whole request
leads to. A size that words leave open is the one that the request has in mind, since later words may count on it.
Answers in words are compared by what they say, not letter by letter. Knows nothing of models.
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

__all__ = ["RULES", "PlanOutcome", "agree", "broken_rule", "carry_out"]

RULES = ("form", "task", "numbers", "count", "prefix")
"""
| rule | what must hold |
| --- | --- |
| form | think and answer tags in order, whole JSON, a plan in it (section 3.1 of the paper) |
| task | words alone where only words are wanted (task A); else an instruction and a prompt in every step |
| numbers | steps are numbered on from the pictures that are given |
| count | a number of steps that the request names |
| prefix | no prompt begins with "Step 3:" |
"""
_PREFIX = re.compile(r"\s*step\s*\d", re.IGNORECASE)
_UNSAID = {*"a an the it is are was there in on at by to of this picture shows".split()}
"""Words that may be left out or chosen otherwise without saying anything else."""
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "thing": "things"}


@dataclass(frozen=True)
class PlanOutcome:
    """What became of a plan."""

    carried_out: bool
    """Every step does what the request asks in its place, and the last picture is right."""
    end_reached: bool
    """The last picture is right, whatever the way; for words, the same as `carried_out`."""


def broken_rule(text: str, scenario: Scenario) -> str | None:
    """The first of `RULES` that a planner's answer breaks; None: it is valid.

    Args:
        text: The whole answer.
        scenario: The request.
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
        "task": _is_words_only(plan) if _wants_words(scenario) else _draws_everywhere(plan),
        "numbers": numbers == list(range(first, first + len(numbers))),
        "count": _wants_words(scenario) or wanted in {None, len(plan.steps)},
        "prefix": not any(_PREFIX.match(step.prompt or "") for step in plan.steps),
    }
    return next((rule for rule, holds in rules.items() if not holds), None)


def carry_out(plan: Plan, scenario: Scenario, seed: int) -> PlanOutcome:
    """Executes a plan with the perfect renderer, or compares its words, and says what became of the request.

    Args:
        plan: The planner's.
        scenario: The request, with the plan that is known to be good.
        seed: Of what the words leave open.
    """
    if _wants_words(scenario):
        said, meant = ("\n".join(step.auxiliary_text or "" for step in steps) for steps in (plan.steps, scenario.steps))
        right = _is_words_only(plan) and agree(said, meant)
        return PlanOutcome(right, right)
    if not _draws_everywhere(plan):
        return PlanOutcome(carried_out=False, end_reached=False)
    return _compare(_pictures(plan, scenario, seed), scenario)


def agree(said: str, meant: str) -> bool:
    """Whether two texts say the same of a scene: the same phrases in any order, synonyms and small words aside."""
    return _phrases(said) == _phrases(meant)


def _wants_words(scenario: Scenario) -> bool:
    return all(step.prompt is None for step in scenario.steps)


def _is_words_only(plan: Plan) -> bool:
    return all(step.prompt is None and step.instruction is None and step.auxiliary_text for step in plan.steps)


def _draws_everywhere(plan: Plan) -> bool:
    return all(step.prompt and step.instruction for step in plan.steps)


def _given(scenario: Scenario) -> Image.Image | None:
    """The picture that the first step starts from."""
    shown = [part for part in scenario.parts if isinstance(part, Scene)]
    return to_image(render(shown[-1])) if shown else None


def _pictures(plan: Plan, scenario: Scenario, seed: int) -> list[Image.Image]:
    renderer, picture = OracleGenerator(), _given(scenario)
    imagined = [step.target.after for step in scenario.steps if step.target is not None]
    made: list[Image.Image] = []
    for number, step in enumerate(plan.steps):
        prompt, seeds = step.prompt or "", [seed + number]
        source = None if picture is None else scene_of(picture)
        (drawn,) = renderer.generate([prompt], seeds) if picture is None else renderer.edit([picture], [prompt], seeds)
        picture = _as_imagined(drawn, prompt, source, imagined[min(number, len(imagined) - 1)])
        made.append(picture)
    return made


def _as_imagined(picture: Image.Image, prompt: str, source: Scene | None, imagined: Scene) -> Image.Image:
    """The same picture, with the sizes that the prompt leaves open as the request's author imagines them."""
    try:
        cell_targets = parse(prompt, source).cell_targets
    except InputError:
        return picture
    scene = scene_of(picture)
    for cell, cell_target in enumerate(cell_targets):
        there, meant = scene.cells[cell], imagined.cells[cell]
        if cell_target is not None and cell_target.size is None and there is not None and meant is not None:
            scene = scene.put(cell, replace(there, size=meant.size))
    return to_image(render(scene))


def _compare(pictures: Sequence[Image.Image], scenario: Scenario) -> PlanOutcome:
    targets = keep_sizes_open([step.target for step in scenario.steps if step.target is not None])
    last = targets[-1]
    cell_targets, background = last.cell_targets(None)
    end = scene_of(pictures[-1])
    fits = (
        cell is None if cell_target is None else cell_target.allows(cell)
        for cell_target, cell in zip(cell_targets, end.cells, strict=True)
    )
    reached = end.background == background and all(fits)
    right = reached and len(pictures) == len(targets)
    sources = [_given(scenario), *pictures[:-1]]
    if right:
        steps = zip(pictures, sources, targets, strict=True)
        right = all(score_step(picture, source, target).exact for picture, source, target in steps)
    return PlanOutcome(right, reached)


def _phrases(text: str) -> Counter[tuple[str, ...]]:
    clauses = re.split(r"[,.;\n]|\band\b", text.lower())
    said = (re.findall(r"\w+", clause) for clause in clauses)
    told = (
        tuple(_NUMBERS.get(word, CANONICAL.get(word, word)) for word in words if word not in _UNSAID) for words in said
    )
    return Counter(phrase for phrase in told if phrase)
