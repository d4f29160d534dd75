"""Requests that need inference: questions about images, hints that need knowledge, and changes to be worked out.

Their plans state explicitly what the request leaves to knowledge or perception, so unlike in the other `families` the
plans don't repeat the user's words. Knows nothing of splits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from interleavethinker.microworld.language.templates import (
    Edit,
    count_phrase,
    describe,
    instruct,
    name,
    place,
    random_edit,
    with_article,
)
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, random_object, random_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.microworld.scoring.targets import StepTarget

from .scenarios import Rng, Scenario, ScenarioStep, caption, choose, edit_step, sentence

__all__ = [
    "BACKGROUND_HINTS",
    "COLOUR_HINTS",
    "KIND_HINTS",
    "TEMPLATES_PER_TASK",
    "inference_task_texts",
    "knowledge",
    "question",
    "reasoning",
]

KIND_HINTS: dict[str, tuple[str, ...]] = {
    "ball": ("what footballers kick", "a round toy that bounces"),
    "bird": ("what sings in trees and lays eggs", "an animal with feathers"),
    "boat": ("what carries people over a lake", "what fishermen row"),
    "box": ("what presents are packed in", "what things are stored in"),
    "car": ("what drives on roads", "a thing with four wheels and a driver"),
    "cat": ("what catches mice", "an animal that purrs"),
    "fish": ("an animal that swims under water", "what lives in an aquarium"),
    "flower": ("what bees like", "what grows from a bulb in spring"),
    "girl": ("who goes to school", "somebody's daughter"),
    "house": ("where a family lives", "a thing with a door and a roof"),
    "star": ("what twinkles in the sky", "what sailors steered by"),
    "tree": ("what apples grow on", "a tall plant with a trunk"),
}
"""Hints at each kind."""

COLOUR_HINTS: dict[str, str] = {
    "red": "the colour of a ripe tomato",
    "orange": "the colour of a carrot",
    "yellow": "the colour of a ripe banana",
    "green": "the colour of grass",
    "blue": "the colour of a clear sky",
    "purple": "the colour of an aubergine",
    "pink": "the colour of a flamingo",
    "white": "the colour of milk",
}

BACKGROUND_HINTS: dict[str, str] = {
    "meadow": "where cows graze",
    "night": "when owls are awake",
    "sunset": "when the day ends",
    "beach": "where one builds sand castles",
    "snow": "when one can go skiing",
    "forest": "where mushrooms grow under trees",
}

_LATER = {"meadow": "night", "night": "meadow", "sunset": "night"}
"""Backgrounds twelve hours later; sunset counts as a time of day as well."""


def inference_task_texts() -> Iterator[str]:
    """Yields every text that the requests of this module are made of, for the vocabulary."""
    yield from (text for hints in KIND_HINTS.values() for text in hints)
    yield from (*COLOUR_HINTS.values(), *BACKGROUND_HINTS.values())
    yield from (text for texts in _QUESTION_TEMPLATES for text in texts)
    yield from (
        *_DIFFERENCE_TEMPLATES,
        *_KNOWLEDGE_TEMPLATES,
        *_HOURS_LATER_TEMPLATES,
        *_EXCHANGE_TEMPLATES,
        *_RECOLOUR_TEMPLATES,
        *_ROW_TEMPLATES,
        "Then put there instead.",
    )


def _answer_step(answer: str) -> ScenarioStep:
    return ScenarioStep(None, None, answer, None)


TEMPLATES_PER_TASK = 8
"""Templates per kind of task. `families` uses the first three or five; the rest are for synthetic data."""
_QUESTION_TEMPLATES = (
    (
        "What is {0}?", "Tell me what is {0}.", "Which thing do you see {0}?", "What do we have {0}?",
        "Look {0}: what is it?", "Name the thing {0}.", "{0}, what can be seen?", "Can you tell which thing is {0}?",
    ),
    (
        "Where is the {1}?", "In which place is the {1}?", "Say where the {1} is.", "Where can I find the {1}?",
        "Find the {1}.", "Tell me the place of the {1}.", "I look for the {1}. Where is it?", "The {1} is where?",
    ),
    (
        "Which colour has the {1}?", "What colour is the {1}?", "Name the colour of the {1}.",
        "Tell me the colour of the {1}.", "How is the {1} painted?", "The {1} has which colour?",
        "What is the colour of the {1}?", "Say which colour the {1} has.",
    ),
    (
        "How many things are there?", "Count the things.", "What is the number of things here?",
        "How many things do you see?", "Tell me how many things this is.", "Say the number of things.",
        "Count what is here.", "Number of things?",
    ),
    (
        "Describe this picture.", "What does the picture show?", "Put this picture into words.",
        "Tell me about this picture.", "Say what this picture shows.", "What can be seen in this picture?",
        "Write a text for this picture.", "Words for this picture, please.",
    ),
)  # fmt: skip
_DIFFERENCE_TEMPLATES = (
    "What was done from the first to the second?",
    "What has changed?",
    "Say what is different now.",
    "Name the change.",
    "Compare the two and tell me the change.",
    "What is new in the second one?",
    "Tell me what was changed.",
    "Spot the difference.",
)


def question(rng: Rng, template: int) -> Scenario | None:
    """Samples a question about one or two images, to be answered in words; None: ambiguous, sample again."""
    scene = random_scene(rng, int(rng.integers(1, 5)))
    cell, obj = _random_occupied(scene, rng)
    count = len(scene.objects)
    what = int(rng.integers(len(_QUESTION_TEMPLATES) + 1))
    if what == len(_QUESTION_TEMPLATES):
        return _difference(scene, _DIFFERENCE_TEMPLATES[template], rng)
    if what in {1, 2} and sum(other.kind == obj.kind for other in scene.objects.values()) > 1:
        return None
    answer = (
        sentence(f"it is {with_article(name(obj))}"),
        sentence(f"the {obj.kind} is {place(cell)}"),
        sentence(f"the {obj.kind} is {obj.colour}"),
        f"{count_phrase(count)}.",
        sentence(describe(scene)),
    )[what]
    text = _QUESTION_TEMPLATES[what][template].format(place(cell), obj.kind)
    return Scenario((scene, text), (_answer_step(answer),), f"{_observation(scene)} Only words are wanted.")


def _difference(scene: Scene, text: str, rng: Rng) -> Scenario:
    edit = random_edit(scene, choose(rng, ("recolour", "remove", "background", "resize")), rng)
    what = instruct(edit, scene)
    after = edit.apply(scene)
    thought = f"{_observation(scene)} Then {describe(after)}. Only words are wanted."
    return Scenario((scene, after, text), (_answer_step(sentence(what)),), thought)


_KNOWLEDGE_TEMPLATES = (
    "Draw {thing}, {place}, {ground}.",
    "Show {thing} {place}. It is {ground}.",
    "I think of {thing}. Draw it {place}, {ground}.",
    "Make a picture, {ground}: {place} there is {thing}.",
    "Guess and draw: {ground}, {place}, {thing}.",
    "A riddle. Paint {thing}. It is {place}, {ground}.",
    "{place}, {ground}, I see {thing}. Draw that.",
    "Do you know {thing}? Put it {place}, {ground}.",
)


def knowledge(rng: Rng, template: int) -> Scenario:
    """Samples a request for an object that is only hinted at, sometimes with a second hint as a change."""
    cell, obj = int(rng.integers(9)), random_object(rng)
    ground = choose(rng, BACKGROUNDS)
    scene = Scene(ground).put(cell, obj)
    hint = choose(rng, KIND_HINTS[obj.kind])
    text = _KNOWLEDGE_TEMPLATES[template].format(
        thing=f"{hint}, in {COLOUR_HINTS[obj.colour]}", place=place(cell), ground=BACKGROUND_HINTS[ground]
    )
    words = f"{with_article(name(obj, size=False))} {place(cell)}, {BACKGROUND_PHRASES[ground][0]}"
    thought = f"{hint}: {obj.kind}. {COLOUR_HINTS[obj.colour]}: {obj.colour}. {BACKGROUND_HINTS[ground]}: {ground}."
    steps = [
        ScenarioStep(sentence(f"draw {words}"), words, caption(None, scene), StepTarget(scene, open_sizes=(cell,)))
    ]
    if rng.random() < 0.4:
        other = choose(rng, tuple(kind for kind in KIND_HINTS if kind != obj.kind))
        new = replace(obj, kind=other)
        second = choose(rng, KIND_HINTS[other])
        text += f" Then put {second} there instead."
        thought += f" {second}: {other}."
        change = Edit("replace", cell=cell, new=new, open_size=True)
        steps.append(edit_step(scene, change, instruct(change, scene)))
    return Scenario((text,), tuple(steps), thought)


def reasoning(rng: Rng, template: int) -> Scenario | None:
    """Samples a change that must be inferred: passing time, an exchange, a completion, or all objects of a color.

    Returns:
        The scenario; None: impossible in the sampled scene, sample again.
    """
    makers = (_exchange, _recolour_all, _complete, _hours_later)
    return makers[int(rng.integers(len(makers)))](rng, template)


_HOURS_LATER_TEMPLATES = (
    "Show the same place twelve hours later.",
    "How does it look here in twelve hours?",
    "Twelve hours have passed. Draw that.",
    "Let twelve hours go by.",
    "Make it twelve hours later.",
    "What will this be like after twelve hours?",
    "Half a day later, please: twelve hours.",
    "Come back in twelve hours and draw it.",
)


def _hours_later(rng: Rng, template: int) -> Scenario | None:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    if scene.background not in _LATER:
        return None
    change = Edit("background", background=_LATER[scene.background])
    step = edit_step(scene, change, instruct(change, scene))
    thought = f"{_observation(scene)} It is {scene.background} now, so twelve hours later it is {change.background}."
    return Scenario((scene, _HOURS_LATER_TEMPLATES[template]), (step,), thought)


_EXCHANGE_TEMPLATES = (
    "Let the {} and the {} trade places.",
    "The {} and the {} should change places.",
    "Put the {} where the {} is, and the other way round.",
    "Exchange the {} and the {}.",
    "The {} goes to the {}, which goes to its place.",
    "Let {} and {} be the other way about.",
    "I want the {} in the place of the {} and vice versa.",
    "{} and {}: change over.",
)


def _exchange(rng: Rng, template: int) -> Scenario | None:
    scene = random_scene(rng, 2)
    (first, here), (second, there) = scene.objects.items()
    if here.kind == there.kind:
        return None
    steps = _steps_in_turn(scene, [(first, there), (second, here)])
    text = _EXCHANGE_TEMPLATES[template].format(here.kind, there.kind)
    where = f"The {here.kind} is {place(first)}, the {there.kind} {place(second)}"
    thought = f"{_observation(scene)} {where}: replace each by the other."
    return Scenario((scene, text), tuple(steps), thought)


_RECOLOUR_TEMPLATES = (
    "Everything that is {} should have {}.",
    "Give all {} things {}.",
    "Whatever is {} gets {}.",
    "Paint all that is {} in {}.",
    "Everything {} becomes {}.",
    "If a thing is {}, let it have {}.",
    "Turn each {} thing into {}.",
    "I do not like {}; use {} for it.",
)


def _recolour_all(rng: Rng, template: int) -> Scenario | None:
    scene = random_scene(rng, int(rng.integers(2, 4)))
    _, obj = _random_occupied(scene, rng)
    same = [cell for cell, other in scene.objects.items() if other.colour == obj.colour]
    colour = choose(rng, tuple(colour for colour in COLOUR_HINTS if colour != obj.colour))
    steps = _steps_in_turn(
        scene, [(cell, replace(_object_at(scene, cell), colour=colour)) for cell in same], kind="recolour"
    )
    text = _RECOLOUR_TEMPLATES[template].format(obj.colour, COLOUR_HINTS[colour])
    are = "is" if len(same) == 1 else "are"
    thought = f"{_observation(scene)} {COLOUR_HINTS[colour]}: {colour}. {len(same)} of the things {are} {obj.colour}."
    return Scenario((scene, text), tuple(steps), thought)


_ROW_TEMPLATES = (
    "Complete the row.",
    "Fill the gap in the row.",
    "One is missing in the row; add it.",
    "Finish the row.",
    "The row has a gap. Close it.",
    "Make the row whole.",
    "There should be three in the row.",
    "Add what the row lacks.",
)


def _complete(rng: Rng, template: int) -> Scenario:
    row, gap, obj = int(rng.integers(3)), int(rng.integers(3)), random_object(rng)
    scene = Scene(choose(rng, BACKGROUNDS))
    for column in range(3):
        if column != gap:
            scene = scene.put(3 * row + column, obj)
    change = Edit("add", cell=3 * row + gap, new=obj)
    step = edit_step(scene, change, instruct(change, scene))
    thought = f"{_observation(scene)} Two alike stand in a row; the third is missing {place(3 * row + gap)}."
    return Scenario((scene, _ROW_TEMPLATES[template]), (step,), thought)


def _steps_in_turn(scene: Scene, wanted: list[tuple[int, SceneObject]], kind: str = "replace") -> list[ScenarioStep]:
    steps = []
    for cell, obj in wanted:
        change = Edit(kind, cell=cell, new=obj)
        steps.append(edit_step(scene, change, instruct(change, scene)))
        scene = change.apply(scene)
    return steps


def _observation(scene: Scene) -> str:
    """Describes the given image, as the first sentence of a planner's reasoning; the rest then follows from words."""
    return f"I see {describe(scene)}."


def _object_at(scene: Scene, cell: int) -> SceneObject:
    obj = scene.cells[cell]
    assert obj is not None  # noqa: S101 - callers pass occupied cells only
    return obj


def _random_occupied(scene: Scene, rng: Rng) -> tuple[int, SceneObject]:
    objects = list(scene.objects.items())
    return objects[int(rng.integers(len(objects)))]
