"""Natural requests for training: single images, stories, how-tos and edits as people word them, with reference plans.

Unlike in `families`, requests leave attributes open, narrate changes ("night falls", "it turns blue") and may lack the
image that they need. Plans state what the request leaves open: the color that is usual for the kind, a free place, a
meadow. They keep the words that the request states, synonyms included. No request contains a held-out pair of kind and
color.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from interleavethinker.microworld.language.templates import (
    EDIT_KINDS,
    MAX_NAMED,
    Edit,
    count_phrase,
    describe,
    instruct,
    name,
    place,
    random_edit,
    refer,
    with_article,
)
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.scene import Scene, random_object, random_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, KINDS
from interleavethinker.microworld.scoring.targets import StepTarget
from interleavethinker.tools.request_parsing import named_step_count

from .families import MAX_STEPS, is_held_out
from .natural_content import NaturalContent, spread, with_some_synonyms
from .natural_templates import (
    BACKGROUND_EVENTS,
    CLAUSES,
    CLOSINGS,
    CONNECTORS,
    DIFFERENCES,
    FILLERS,
    GUIDES,
    IMAGE_LEADS,
    NEARBY,
    NEGATIONS,
    OPENINGS,
    QUESTIONS,
    SINGLES,
    SMALL_WORDS,
)
from .scenarios import (
    Rng,
    Scenario,
    ScenarioStep,
    caption,
    choose,
    edit_step,
    prompt_of,
    random_edit_steps,
    sentence,
)

__all__ = ["MISSING_IMAGE", "NATURAL_FAMILIES", "free_place", "natural_scenario"]

MISSING_IMAGE = "No image was given. Please add the image."
"""The answer to a request that needs an image and has none."""

_PRONOUN, _SHORT, _EVENT, _NEARBY = 0.6, 0.6, 0.6, 0.3
"""Shares of changes worded with a pronoun, with the kind alone, as an event, or by a place next to an object, where
that is possible."""
_PLACE_OPEN = 0.4
_AS_WORDED = (0.0, 0.0, 0.5, 1.0)
"""Shares of changes whose step keeps the request's words; each request has one of them."""
_RANDOM_WORDS = 0.35
"""Share of requests whose sentences are joined by random words, in place of a connector from a table."""
_DRAWS = 200


def natural_scenario(seed: int, index: int) -> tuple[str, Scenario]:
    """Samples natural request number `index`, as a pure function of the arguments.

    Returns:
        The family (one of `NATURAL_FAMILIES`) and the scenario.

    Raises:
        RuntimeError: No request was found, which is a bug in a family.
    """
    family = tuple(NATURAL_FAMILIES)[index % len(NATURAL_FAMILIES)]
    for turn in range(_DRAWS):
        scenario = NATURAL_FAMILIES[family](np.random.default_rng([seed, index, turn]))
        if scenario is not None and not any(map(is_held_out, scenario.scenes)) and _count_agrees(scenario):
            return family, scenario
    msg = f"Found no natural request of family {family!r} in {_DRAWS} draws."
    raise RuntimeError(msg)


def free_place(scene: Scene) -> int:
    """Returns the cell that an added object takes if the request states none."""
    return spread([None], set(scene.objects))[0]


def _count_agrees(scenario: Scenario) -> bool:
    named = named_step_count(" ".join(part for part in scenario.parts if isinstance(part, str)))
    return named is None or named == len(scenario.steps)


def _single(rng: Rng) -> Scenario:
    if rng.random() < 0.05:
        ground = choose(rng, BACKGROUNDS)
        scene = Scene(ground)
        where = choose(rng, BACKGROUND_PHRASES[ground])
        asked = choose(
            rng, ("an empty {g}", "nothing {w}", "only {w}, nothing else", "an empty picture {w}", "just a {g}")
        )
        prompt = f"nothing {where if '{w}' in asked else BACKGROUND_PHRASES[ground][0]}"
        text = _framed(choose(rng, SINGLES).format(asked.format(g=ground, w=where)), rng)
        step = ScenarioStep(sentence(f"draw {prompt}"), prompt, caption(None, scene), StepTarget(scene))
        return Scenario((text,), (step,), "One image.")
    content = NaturalContent(rng)
    asked = content.full_request(rng)
    if rng.random() < 0.08:
        others = tuple(kind for kind in KINDS if all(kind != obj.kind for _, obj, _, _ in content.objects))
        asked = choose(rng, NEGATIONS).format(asked, other=choose(rng, others))
    text = _framed(choose(rng, SINGLES).format(asked), rng)
    return Scenario((text,), tuple(content.steps()), "One image.")


def _guide(rng: Rng) -> Scenario:
    content = NaturalContent(rng)
    text = _framed(choose(rng, GUIDES).format(content.full_request(rng)), rng)
    return Scenario((text,), tuple(content.steps(one_by_one=True)), "A guide: one object a step.")


def _story(rng: Rng, shortest: int = 2) -> Scenario | None:
    content = NaturalContent(rng, most=MAX_NAMED)
    first = content.steps()
    changes = _changes(_last_scene(first), int(rng.integers(shortest - 1, MAX_STEPS)), rng, _last_kind(content))
    if changes is None:
        return None
    texts, later = changes
    style = _Style(rng)
    text = choose(rng, OPENINGS) + content.full_request(rng)
    text += style.join(texts, first=2)
    return Scenario((_framed(text, rng, ends=False),), (*first, *later), "A story: one image, then the changes.")


def _edits(rng: Rng) -> Scenario | None:
    scene = random_scene(rng, int(rng.integers(1, 5)))
    only = next(iter(scene.objects.values())).kind if len(scene.objects) == 1 else None
    changes = _changes(scene, int(rng.choice([1, 1, 1, 2, 2, 3, 4, 5, 6, 7])), rng, only)
    if changes is None:
        return None
    texts, steps = changes
    lead = _random_words(rng) if rng.random() < _RANDOM_WORDS else choose(rng, IMAGE_LEADS)
    style = _Style(rng)
    text = lead + texts[0] + style.join(texts[1:], first=2)
    parts: tuple[str | Scene, ...] = (scene, text) if rng.random() < 0.8 else (text, scene)
    count = len(steps)
    return Scenario(parts, tuple(steps), f"The picture is given: {count} change{'s' if count > 1 else ''}, in order.")


def _missing(rng: Rng) -> Scenario | None:
    if rng.random() < 0.5:
        changes = _changes(random_scene(rng, int(rng.integers(1, 4))), int(rng.choice([1, 1, 2])), rng, None)
        if changes is None or not any(word in changes[0][0].split() for word in ("the", "it")):
            return None
        texts = changes[0]
        text = choose(rng, IMAGE_LEADS) + texts[0] + _Style(rng).join(texts[1:], first=2)
    else:
        obj = random_object(rng)
        text = choose(
            rng, (*DIFFERENCES, "what is this", "how many things are there", f"where is the {obj.kind}",
                  f"what colour is the {obj.kind}", "describe this picture", "what do you see")
        )  # fmt: skip
    return Scenario((text,), (ScenarioStep(None, None, MISSING_IMAGE, None),), "An image is missing.")


def _difference(rng: Rng) -> Scenario:
    scene = random_scene(rng, int(rng.integers(1, 5)))
    possible = [kind for kind in EDIT_KINDS if kind != "add" or len(scene.objects) < 5]
    edit = random_edit(scene, choose(rng, tuple(possible)), rng)
    after = edit.apply(scene)
    thought = f"I see {describe(scene)}. Then {describe(after)}. Only words are wanted."
    text = choose(rng, DIFFERENCES) + choose(rng, ("?", "", "."))
    parts = (scene, after, text) if rng.random() < 0.7 else (text, scene, after)
    return Scenario(parts, (ScenarioStep(None, None, sentence(instruct(edit, scene)), None),), thought)


def _question(rng: Rng) -> Scenario | None:
    scene = random_scene(rng, int(rng.integers(1, 5)))
    objects = list(scene.objects.items())
    cell, obj = objects[int(rng.integers(len(objects)))]
    what = choose(rng, tuple(QUESTIONS))
    kind = choose(rng, KINDS) if what in {"exists", "count_kind"} and rng.random() < 0.5 else obj.kind
    found = [(at, other) for at, other in objects if other.kind == kind]
    if what in {"where", "colour"} and len(found) > 1:
        return None
    here = f"{with_article(name(obj))} {place(cell)}"
    answers = {
        "describe": describe(scene),
        "count": count_phrase(len(objects)),
        "count_kind": _count_answer(len(found), kind),
        "exists": f"yes, there is {with_article(name(found[0][1]))} {place(found[0][0])}" if found else f"no {kind}",
        "where": f"the {kind} is {place(cell)}",
        "colour": f"the {kind} is {obj.colour}",
        "place": f"it is {here}",
        "ground": f"it is {BACKGROUND_PHRASES[scene.background][0]}",
    }
    text = choose(rng, QUESTIONS[what]).format(kind=kind, kinds=plural(kind), place=place(cell, rng))
    text = _framed(text + choose(rng, ("?", "?", "", ".")), rng, ends=False)
    parts: tuple[str | Scene, ...] = (scene, text) if rng.random() < 0.7 else (text, scene)
    step = ScenarioStep(None, None, sentence(answers[what]), None)
    return Scenario(parts, (step,), f"I see {describe(scene)}. Only words are wanted.")


def _count_answer(count: int, kind: str) -> str:
    return f"there is 1 {kind}" if count == 1 else f"there are {count} {plural(kind)}"


NATURAL_FAMILIES: dict[str, Callable[[Rng], Scenario | None]] = {
    "single": _single,
    "story": _story,
    "edits": _edits,
    "difference": _difference,
    "single again": _single,
    "long story": partial(_story, shortest=5),
    "guide": _guide,
    "missing": _missing,
    "question": _question,
    "story again": _story,
    "edits again": _edits,
}
"""By name; requests alternate in this order."""


def _last_scene(steps: list[ScenarioStep]) -> Scene:
    target = steps[-1].target
    assert target is not None  # noqa: S101 - steps with an image
    return target.after


def _last_kind(content: NaturalContent) -> str | None:
    """The kind that "it" means after the first image: that of its only object."""
    return content.objects[0][1].kind if len(content.objects) == 1 else None


def _changes(scene: Scene, count: int, rng: Rng, last: str | None) -> tuple[list[str], list[ScenarioStep]] | None:
    """Samples a series of changes: how the request words each, and its step."""
    texts: list[str] = []
    steps: list[ScenarioStep] = []
    as_worded = _AS_WORDED[int(rng.integers(len(_AS_WORDED)))]
    while len(steps) < count:
        if rng.random() < as_worded:
            step = random_edit_steps(scene, 1, rng)[0]
            if any(step.prompt == other.prompt for other in steps):
                continue
            steps.append(step)
            texts.append(prompt_of(step))
            scene, last = _last_scene(steps), None
            continue
        possible = [kind for kind in EDIT_KINDS if kind == "background" or (kind == "add" and len(scene.objects) < 4)]
        possible += [kind for kind in EDIT_KINDS if kind not in {"background", "add"} and scene.objects]
        kind = choose(rng, tuple(possible))
        edit = random_edit(scene, kind, rng)
        asked, prompt, last = _worded(scene, edit, rng, last)
        if any(step.prompt == prompt for step in steps):
            continue
        if kind == "add" and prompt.endswith(f" {place(free_place(scene))}"):
            edit = replace(edit, cell=free_place(scene))
        steps.append(edit_step(scene, edit, prompt))
        texts.append(asked)
        scene = edit.apply(scene)
    return texts, steps


def _worded(scene: Scene, edit: Edit, rng: Rng, last: str | None) -> tuple[str, str, str | None]:
    """Returns the request's words for an edit, the plan's, and the kind that "it" means afterwards."""
    if edit.kind == "background":
        return *_worded_background(str(edit.background), rng), last
    clause = choose(rng, CLAUSES[edit.kind])
    new = ""
    if edit.new is not None and edit.kind in {"add", "replace"}:
        new = with_article(with_some_synonyms(name(edit.new, size=not edit.open_size), rng))
    if edit.kind == "add":
        assert edit.new is not None  # noqa: S101 - set by construction
        return *_worded_addition(scene, edit, clause, new, rng), edit.new.kind
    return _worded_change(scene, edit, clause, new, rng, last)


def _worded_background(ground: str, rng: Rng) -> tuple[str, str]:
    prompt = f"make the background {ground}"
    if rng.random() < _EVENT:
        return choose(rng, BACKGROUND_EVENTS[ground]), prompt
    words = choose(rng, BACKGROUND_PHRASES[ground])
    return choose(rng, CLAUSES["background"]).format(ground=words, word=ground), prompt


def _worded_addition(scene: Scene, edit: Edit, clause: str, new: str, rng: Rng) -> tuple[str, str]:
    """Words an addition without a place, next to another object, or at a place."""
    assert edit.cell is not None  # noqa: S101 - set by construction
    if rng.random() < _PLACE_OPEN:
        return " ".join(clause.format(new=new, to="").split()), f"add {new} {place(free_place(scene))}"
    beside = _beside(scene, edit.cell)
    if beside is not None and rng.random() < _NEARBY:
        near = choose(rng, NEARBY).format(refer(scene, beside, rng))
        return clause.format(new=new, to=near), f"add {new} {place(edit.cell)}"
    where = place(edit.cell, rng)
    return clause.format(new=new, to=where), f"add {new} {where}"


def _worded_change(
    scene: Scene, edit: Edit, clause: str, new: str, rng: Rng, last: str | None
) -> tuple[str, str, str | None]:
    """Words a change of an object, which is called "it" in some cases if it is the last object named."""
    assert edit.cell is not None  # noqa: S101 - set by construction
    obj = scene.cells[edit.cell]
    assert obj is not None  # noqa: S101 - edits change objects
    unique = sum(other.kind == obj.kind for other in scene.objects.values()) == 1
    old = f"the {obj.kind}" if unique and rng.random() < _SHORT else refer(scene, edit.cell, rng)
    old = with_some_synonyms(old, rng)
    spoken = old
    if last == obj.kind and unique and rng.random() < _PRONOUN:
        old, spoken = f"the {obj.kind}", "it"
    if edit.kind == "remove":
        return clause.format(old=spoken), f"remove {old}", None
    if edit.kind == "move":
        assert edit.to is not None  # noqa: S101 - set by construction
        where = place(edit.to, rng)
        destination = f"to {where.split(' ', 1)[1]}"
        to = choose(rng, (where, destination))
        return clause.format(old=spoken, to=to), f"move {old} {destination}", obj.kind
    assert edit.new is not None  # noqa: S101 - set by construction
    if edit.kind == "recolour":
        colour = edit.new.colour
        return clause.format(old=spoken, colour=colour), f"make {old} {colour}", obj.kind
    if edit.kind == "resize":
        er, grows = ("bigger", "grows") if edit.new.size == "big" else ("smaller", "shrinks")
        words = clause.format(old=spoken, size=edit.new.size, er=er, grows=grows)
        return words, f"make {old} {edit.new.size}", obj.kind
    return clause.format(old=spoken, new=new), f"replace {old} with {new}", edit.new.kind


def _beside(scene: Scene, cell: int) -> int | None:
    """Returns the occupied cell whose first free neighbor (right, left, above, below) is the given one."""
    for at in scene.objects:
        row, column = divmod(at, 3)
        around = ((row, column + 1), (row, column - 1), (row - 1, column), (row + 1, column))
        free = [3 * y + x for y, x in around if 0 <= y < 3 and 0 <= x < 3 and scene.cells[3 * y + x] is None]
        if free and free[0] == cell:
            return at
    return None


class _Style:
    """How a request joins its sentences: one way of connecting, sometimes mixed, and one separator."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._mixed = rng.random() < 0.5
        self._random = rng.random() < _RANDOM_WORDS
        self._connector = _random_words(rng) if self._random else choose(rng, CONNECTORS)
        self._stop = choose(rng, (". ", ". ", ". ", ". ", "; ", ", ", " ", "! ", ", and "))

    def join(self, texts: list[str], first: int) -> str:
        """Returns the texts with what goes before each; `first` is the number of the first one's image."""
        joined = ""
        for number, text in enumerate(texts, first):
            connector = choose(self._rng, CONNECTORS) if self._mixed else self._connector
            if number == first + len(texts) - 1 and len(texts) > 1 and self._rng.random() < 0.4:
                connector = _random_words(self._rng) if self._random else choose(self._rng, CLOSINGS)
            stop = self._stop
            if not connector and stop in {" ", "! "}:
                stop = ". "
            joined += stop + connector.format(n=number) + text
        return joined + choose(self._rng, (".", ".", "", "!"))


def _random_words(rng: Rng) -> str:
    words = " ".join(choose(rng, (*FILLERS, *SMALL_WORDS)) for _ in range(int(rng.integers(1, 5))))
    return words + choose(rng, (": ", ", ", " ", " "))


def _framed(text: str, rng: Rng, *, ends: bool = True) -> str:
    """Returns a request, sometimes with random words before it."""
    if rng.random() < 0.3:
        words = " ".join(choose(rng, FILLERS) for _ in range(int(rng.integers(1, 6))))
        text = words + choose(rng, (": ", ", ", ". ", " ")) + text
    return text + (choose(rng, (".", "", "", "!", "?", " please")) if ends else "")
