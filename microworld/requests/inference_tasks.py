"""Requests whose answer must be found first: questions about pictures, hints at things, and changes worked out.

The plans say outright what the request leaves to knowledge or to looking. The families of `families.py` that carry no
user's words into a plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from interleavethinker.microworld.language.templates import (
    Edit,
    a,
    describe,
    how_many,
    instruct,
    name,
    place,
    random_edit,
)
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, random_object, random_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.microworld.scoring.targets import StepTarget

from .scenarios import Asked, Planned, Rng, caption, edited, one, sentence

__all__ = [
    "COLOUR_HINTS",
    "GROUND_HINTS",
    "KIND_HINTS",
    "WORDINGS",
    "knowledge",
    "question",
    "reasoning",
    "riddle_texts",
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
"""Ways to hint at each kind."""

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

GROUND_HINTS: dict[str, str] = {
    "meadow": "where cows graze",
    "night": "when owls are awake",
    "sunset": "when the day ends",
    "beach": "where one builds sand castles",
    "snow": "when one can go skiing",
    "forest": "where mushrooms grow under trees",
}

_LATER = {"meadow": "night", "night": "meadow", "sunset": "night"}
"""What a place may look like twelve hours later; sunset stands for a time too."""


def riddle_texts() -> Iterator[str]:
    """Every text that a riddle is made of."""
    yield from (text for hints in KIND_HINTS.values() for text in hints)
    yield from (*COLOUR_HINTS.values(), *GROUND_HINTS.values())
    yield from (text for texts in _ASKS for text in texts)
    yield from (*_DIFFERENCES, *_HINTED, *_HOURS, *_EXCHANGES, *_RECOLOURS, *_ROWS, "Then put there instead.")


def _text_only(answer: str) -> Planned:
    return Planned(None, None, answer, None)


WORDINGS = 8
"""Templates of each riddle that `families` counts three or five of; the rest are for rehearsals."""
_ASKS = (
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
_DIFFERENCES = (
    "What was done from the first to the second?",
    "What has changed?",
    "Say what is different now.",
    "Name the change.",
    "Compare the two and tell me the change.",
    "What is new in the second one?",
    "Tell me what was changed.",
    "Spot the difference.",
)


def question(rng: Rng, template: int) -> Asked | None:
    """A question about one or two pictures; the answer is words."""
    scene = random_scene(rng, int(rng.integers(1, 5)))
    cell, thing = _some(scene, rng)
    count = len(scene.things)
    what = int(rng.integers(len(_ASKS) + 1))
    if what == len(_ASKS):
        return _difference(scene, _DIFFERENCES[template], rng)
    if what in {1, 2} and sum(other.kind == thing.kind for other in scene.things.values()) > 1:
        return None
    answer = (
        sentence(f"it is {a(name(thing))}"),
        sentence(f"the {thing.kind} is {place(cell)}"),
        sentence(f"the {thing.kind} is {thing.colour}"),
        f"{how_many(count)}.",
        sentence(describe(scene)),
    )[what]
    text = _ASKS[what][template].format(place(cell), thing.kind)
    return Asked((scene, text), (_text_only(answer),), f"{_seen(scene)} Only words are wanted.")


def _difference(scene: Scene, text: str, rng: Rng) -> Asked:
    edit = random_edit(scene, one(rng, ("recolour", "remove", "background", "resize")), rng)
    what = instruct(edit, scene)
    after = edit.apply(scene)
    thought = f"{_seen(scene)} Then {describe(after)}. Only words are wanted."
    return Asked((scene, after, text), (_text_only(sentence(what)),), thought)


_HINTED = (
    "Draw {thing}, {place}, {ground}.",
    "Show {thing} {place}. It is {ground}.",
    "I think of {thing}. Draw it {place}, {ground}.",
    "Make a picture, {ground}: {place} there is {thing}.",
    "Guess and draw: {ground}, {place}, {thing}.",
    "A riddle. Paint {thing}. It is {place}, {ground}.",
    "{place}, {ground}, I see {thing}. Draw that.",
    "Do you know {thing}? Put it {place}, {ground}.",
)


def knowledge(rng: Rng, template: int) -> Asked:
    """A drawing of a thing that is only hinted at, and sometimes a second hint as a change."""
    cell, thing = int(rng.integers(9)), random_object(rng)
    ground = one(rng, BACKGROUNDS)
    scene = Scene(ground).put(cell, thing)
    hint = one(rng, KIND_HINTS[thing.kind])
    text = _HINTED[template].format(
        thing=f"{hint}, in {COLOUR_HINTS[thing.colour]}", place=place(cell), ground=GROUND_HINTS[ground]
    )
    words = f"{a(name(thing, size=False))} {place(cell)}, {BACKGROUND_PHRASES[ground][0]}"
    thought = f"{hint}: {thing.kind}. {COLOUR_HINTS[thing.colour]}: {thing.colour}. {GROUND_HINTS[ground]}: {ground}."
    steps = [Planned(sentence(f"draw {words}"), words, caption(None, scene), StepTarget(scene, open_sizes=(cell,)))]
    if rng.random() < 0.4:
        other = one(rng, tuple(kind for kind in KIND_HINTS if kind != thing.kind))
        new = replace(thing, kind=other)
        second = one(rng, KIND_HINTS[other])
        text += f" Then put {second} there instead."
        thought += f" {second}: {other}."
        change = Edit("replace", cell=cell, new=new, open_size=True)
        steps.append(edited(scene, change, instruct(change, scene)))
    return Asked((text,), tuple(steps), thought)


def reasoning(rng: Rng, template: int) -> Asked | None:
    """A change of a given picture that must be worked out: time, exchange, completion, or everything of a colour."""
    makers = (_exchange, _recolour_all, _complete, _hours_later)
    return makers[int(rng.integers(len(makers)))](rng, template)


_HOURS = (
    "Show the same place twelve hours later.",
    "How does it look here in twelve hours?",
    "Twelve hours have passed. Draw that.",
    "Let twelve hours go by.",
    "Make it twelve hours later.",
    "What will this be like after twelve hours?",
    "Half a day later, please: twelve hours.",
    "Come back in twelve hours and draw it.",
)


def _hours_later(rng: Rng, template: int) -> Asked | None:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    if scene.background not in _LATER:
        return None
    change = Edit("background", background=_LATER[scene.background])
    step = edited(scene, change, instruct(change, scene))
    thought = f"{_seen(scene)} It is {scene.background} now, so twelve hours later it is {change.background}."
    return Asked((scene, _HOURS[template]), (step,), thought)


_EXCHANGES = (
    "Let the {} and the {} trade places.",
    "The {} and the {} should change places.",
    "Put the {} where the {} is, and the other way round.",
    "Exchange the {} and the {}.",
    "The {} goes to the {}, which goes to its place.",
    "Let {} and {} be the other way about.",
    "I want the {} in the place of the {} and vice versa.",
    "{} and {}: change over.",
)


def _exchange(rng: Rng, template: int) -> Asked | None:
    scene = random_scene(rng, 2)
    (first, here), (second, there) = scene.things.items()
    if here.kind == there.kind:
        return None
    steps = _in_turn(scene, [(first, there), (second, here)])
    text = _EXCHANGES[template].format(here.kind, there.kind)
    where = f"The {here.kind} is {place(first)}, the {there.kind} {place(second)}"
    thought = f"{_seen(scene)} {where}: replace each by the other."
    return Asked((scene, text), tuple(steps), thought)


_RECOLOURS = (
    "Everything that is {} should have {}.",
    "Give all {} things {}.",
    "Whatever is {} gets {}.",
    "Paint all that is {} in {}.",
    "Everything {} becomes {}.",
    "If a thing is {}, let it have {}.",
    "Turn each {} thing into {}.",
    "I do not like {}; use {} for it.",
)


def _recolour_all(rng: Rng, template: int) -> Asked | None:
    scene = random_scene(rng, int(rng.integers(2, 4)))
    _, thing = _some(scene, rng)
    same = [cell for cell, other in scene.things.items() if other.colour == thing.colour]
    colour = one(rng, tuple(colour for colour in COLOUR_HINTS if colour != thing.colour))
    steps = _in_turn(scene, [(cell, replace(_at(scene, cell), colour=colour)) for cell in same], kind="recolour")
    text = _RECOLOURS[template].format(thing.colour, COLOUR_HINTS[colour])
    are = "is" if len(same) == 1 else "are"
    thought = f"{_seen(scene)} {COLOUR_HINTS[colour]}: {colour}. {len(same)} of the things {are} {thing.colour}."
    return Asked((scene, text), tuple(steps), thought)


_ROWS = (
    "Complete the row.",
    "Fill the gap in the row.",
    "One is missing in the row; add it.",
    "Finish the row.",
    "The row has a gap. Close it.",
    "Make the row whole.",
    "There should be three in the row.",
    "Add what the row lacks.",
)


def _complete(rng: Rng, template: int) -> Asked:
    row, gap, thing = int(rng.integers(3)), int(rng.integers(3)), random_object(rng)
    scene = Scene(one(rng, BACKGROUNDS))
    for column in range(3):
        if column != gap:
            scene = scene.put(3 * row + column, thing)
    change = Edit("add", cell=3 * row + gap, new=thing)
    step = edited(scene, change, instruct(change, scene))
    thought = f"{_seen(scene)} Two alike stand in a row; the third is missing {place(3 * row + gap)}."
    return Asked((scene, _ROWS[template]), (step,), thought)


def _in_turn(scene: Scene, wanted: list[tuple[int, SceneObject]], kind: str = "replace") -> list[Planned]:
    steps = []
    for cell, thing in wanted:
        change = Edit(kind, cell=cell, new=thing)
        steps.append(edited(scene, change, instruct(change, scene)))
        scene = change.apply(scene)
    return steps


def _seen(scene: Scene) -> str:
    """What a planner tells itself first, so that the rest can be read instead of looked at."""
    return f"I see {describe(scene)}."


def _at(scene: Scene, cell: int) -> SceneObject:
    thing = scene.cells[cell]
    assert thing is not None  # noqa: S101 - asked of occupied cells only
    return thing


def _some(scene: Scene, rng: Rng) -> tuple[int, SceneObject]:
    things = list(scene.things.items())
    return things[int(rng.integers(len(things)))]
