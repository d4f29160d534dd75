"""Families of requests, each in several templates, with the plan that carries a request out.

| family | what it asks |
| --- | --- |
| narrative | a picture story, from text alone |
| guidance | how to reach a picture, thing by thing |
| manipulation | changes of a given picture |
| continuation | going on with a sequence of pictures and texts |
| questions | words about given pictures; nothing is drawn |
| knowledge | pictures of what the request only hints at |
| reasoning | changes that must be worked out first |

One template of each family is held out, and so are some pairs of kind and colour: `draw` makes training requests
without either, or held-out ones with one of them. Templates behind the held-out one are further ways to ask, and some
requests are framed by random words: both for rehearsals only. The plans keep a user's words where there are any.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from interleavethinker.microworld.language.templates import Edit, a, name, place
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, known_words
from interleavethinker.microworld.scenes.scene import Scene, random_scene
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS
from interleavethinker.microworld.scoring.targets import StepTarget
from interleavethinker.tools.request_parsing import named_step_count

from .inference_tasks import WORDINGS, knowledge, question, reasoning, riddle_texts
from .scenarios import Asked, Planned, Rng, caption, drawing, edited, edits, in_words, one, sentence, spoken

__all__ = [
    "FAMILIES",
    "LONGEST",
    "SPLITS",
    "USUAL",
    "Drawn",
    "Split",
    "draw",
    "is_held_out",
    "request_words",
    "split_of",
]

Split = Literal["train", "combinations", "templates"]
SPLITS: tuple[Split, ...] = ("train", "combinations", "templates")

_HELD_OUT_EVERY = 9
_TRIES = 200
_TEMPLATES = 5
"""Templates that the data set has of each of the tables below; the last of them is held out."""
_IMPROVISED = -1
"""Stands for a template's number where the framing is random words."""
_IMPROVISED_SHARE = 0.5


@dataclass(frozen=True)
class Drawn:
    """A request and where it comes from."""

    family: str
    template: int
    split: Split
    asked: Asked


@dataclass(frozen=True)
class _Family:
    make: Callable[[Rng, int, int], Asked | None]
    """Makes a request from a template's number and the most steps it may take; None where this draw allows none."""
    templates: int
    """Templates of the data set; the last one is held out."""
    further: int = 0
    """Templates after these, for rehearsals."""
    improvises: bool = False
    """Whether a request can be told by its content alone, however it is framed."""


def is_held_out(scene: Scene) -> bool:
    """Whether a scene holds a pair of kind and colour that training never sees in a request."""
    kinds, colours = list(KINDS), list(COLOURS)
    pairs = ((kinds.index(thing.kind), colours.index(thing.colour)) for thing in scene.things.values())
    return any((kind + 4 * colour) % _HELD_OUT_EVERY == 0 for kind, colour in pairs)


def split_of(asked: Asked, template: int, family: str) -> Split | None:
    """The split that a request belongs to; None if both its template and a combination are held out."""
    new_template = template == FAMILIES[family].templates - 1
    new_pair = any(is_held_out(scene) for scene in asked.scenes)
    if new_template:
        return None if new_pair else "templates"
    return "combinations" if new_pair else "train"


USUAL, LONGEST = 4, 8
"""Steps of the longest requests of a data set, and of those that `draw` makes if it is told so."""


def draw(seed: int, index: int, split: Split, *, further: bool = False, longest: int = USUAL) -> Drawn:
    """The request number `index` of a split, a pure function of its arguments; families take turns.

    Args:
        seed: Of all requests.
        index: Which one.
        split: Where it belongs.
        further: Whether training requests may also be asked in the ways kept for rehearsals, or framed by random words.
        longest: Steps that a story or a series of changes may take, 2 to `LONGEST`; other families stay below.

    Raises:
        RuntimeError: No such request was found, which is a defect of a family.
    """
    family = tuple(FAMILIES)[index % len(FAMILIES)]
    count, improvises = FAMILIES[family].templates, further and FAMILIES[family].improvises
    known = [*range(count - 1), *(range(count, count + FAMILIES[family].further) if further else ())]
    for turn in range(_TRIES):
        rng = np.random.default_rng([seed, SPLITS.index(split), index, turn])
        template = count - 1 if split == "templates" else known[int(rng.integers(len(known)))]
        if improvises and rng.random() < _IMPROVISED_SHARE:
            template = _IMPROVISED
        asked = FAMILIES[family].make(rng, template, longest)
        if asked is not None and split_of(asked, template, family) == split and _counts_rightly(asked, template):
            return Drawn(family, template, split, asked)
    msg = f"no request of family {family!r} for split {split!r} in {_TRIES} draws"
    raise RuntimeError(msg)


def _counts_rightly(asked: Asked, template: int) -> bool:
    """Whether a number of steps that the request would be taken to name is its plan's; random words mean none."""
    named = named_step_count(" ".join(part for part in asked.parts if isinstance(part, str)))
    return named is None or (template != _IMPROVISED and named == len(asked.steps))


_STORIES = (
    ("Tell a picture story. First {0}.", " Then {}.", " At the end {}."),
    ("A story in pictures: {0}", "; after that, {}", "; and finally, {}."),
    ("Make a picture book. It begins with {0}.", " On the next page, {}.", " On the last page, {}."),
    ("Please draw {0}.", " Next, {}.", " Last, {}."),
    ("Once upon a time there was {0}.", " And then: {}.", " The end: {}."),
    ("I want a tale with pictures. It starts like this: {0}.", " Afterwards {}.", " It closes like this: {}."),
    ("Long ago I saw {0}.", " One day later: {}.", " In the last picture, {}."),
    ("Show {0}.", " The next one: {}.", " The final one: {}."),
    ("Begin a comic with {0}", ", go on with this: {}", ", and stop after this: {}."),
    ("Here comes a bedtime story: {0}.", " Suddenly, {}.", " Now it is over, {}."),
    ("Picture one: {0}.", " Another picture: {}.", " Closing picture: {}."),
    ("A short film, please: {0}", " / {}", " / {}"),
)


def _narrative(rng: Rng, template: int, longest: int) -> Asked:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    first = drawing(scene, rng)
    later = edits(scene, int(rng.integers(1, longest)), rng)
    words = [in_words(step) for step in later]
    if template == _IMPROVISED:
        text = _framed([in_words(first), *words], rng)
    else:
        opening, middle, closing = _STORIES[template]
        text = opening.format(in_words(first)) + "".join(middle.format(word) for word in words[:-1])
        text += closing.format(words[-1])
    return Asked((text,), (first, *later), f"A story: one drawing, then changes: {len(later)}.")


_GUIDES = (
    ("Show step by step how to draw {goal}.", False),
    ("How do I get a picture with {goal}? Show me {count} steps.", True),
    ("Guide me: I want {goal}. One thing after the other.", False),
    ("In {count} steps, show how {goal} come together.", True),
    ("Teach me to make {goal}, piece by piece.", False),
    ("I cannot draw {goal}. Help me, one by one.", False),
    ("Explain how one gets {goal}.", False),
    ("What must I do to draw {goal}? I need {count} steps.", True),
    ("A tutorial for {goal}, please, slowly.", False),
    ("Make {goal} in {count} steps.", True),
    ("Build {goal} for me, and let me watch.", False),
    ("For my class: how {goal} is made, bit by bit.", False),
)


def _guidance(rng: Rng, template: int) -> Asked:
    scene = random_scene(rng, int(rng.integers(2, 4)))
    cells = list(scene.things)
    order = [cells[int(at)] for at in rng.permutation(len(cells))]
    where = BACKGROUND_PHRASES[scene.background][0]
    said = {cell: spoken(f"{a(name(thing))} {place(cell)}", rng) for cell, thing in scene.things.items()}
    listed = ", ".join(said[cell] for cell in order[:-1]) + f" and {said[order[-1]]}, {where}"
    growing = Scene(scene.background).put(order[0], scene.cells[order[0]])
    words = f"{said[order[0]]}, {where}"
    steps = [Planned(sentence(f"begin with {words}"), words, caption(None, growing), StepTarget(growing))]
    for cell in order[1:]:
        steps.append(_adding(growing, cell, scene, f"add {said[cell]}"))
        growing = growing.put(cell, scene.cells[cell])
    if template == _IMPROVISED:
        text = _framed([listed, *([_phrase(rng)] if rng.random() < 0.5 else [])], rng)
    else:
        text = _GUIDES[template][0].format(goal=listed, count=len(steps))
    return Asked((text,), tuple(steps), f"A guide to {len(steps)} things: draw the first, then add one a step.")


def _adding(scene: Scene, cell: int, goal: Scene, words: str) -> Planned:
    return edited(scene, Edit("add", cell=cell, new=goal.cells[cell]), words)


_CHANGES = (
    ("{0}.", "{0} and {1}.", "{0}, {1} and {2}."),
    ("Please {0}.", "Please {0}, then {1}.", "Please {0}, then {1}, then {2}."),
    ("In this picture, {0}.", "In this picture, {0}; also {1}.", "In this picture, {0}; also {1}; also {2}."),
    ("I would like this: {0}.", "I would like this: {0}, and {1}.", "I would like this: {0}, {1}, and {2}."),
    (
        "Change it for me: {0}.",
        "Change it for me: {0}. After it {1}.",
        "Change it for me: {0}. After it {1}. Then {2}.",
    ),
    ("Edit this: {0}.", "Edit this: {0}. Next {1}.", "Edit this: {0}. Next {1}. Next {2}."),
    ("Could you {0}?", "Could you {0} and afterwards {1}?", "Could you {0}, {1} and afterwards {2}?"),
    ("My wish: {0}.", "My wishes: {0}; {1}.", "My wishes: {0}; {1}; {2}."),
    ("Here is a photo. {0}.", "Here is a photo. {0}. Now {1}.", "Here is a photo. {0}. Now {1}. Now {2}."),
    ("Do this to it: {0}.", "Do this to it: {0}. Also this: {1}.", "Do this to it: {0}. Also this: {1}. And {2}."),
    ("It needs one thing: {0}.", "It needs two things: {0}, later {1}.", "It needs a lot: {0}, later {1}, last {2}."),
    ("Modify the image, {0}.", "Modify the image, {0}, next {1}.", "Modify the image, {0}, next {1}, at the end {2}."),
)


def _manipulation(rng: Rng, template: int, longest: int) -> Asked:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    steps = edits(scene, int(rng.integers(1, longest)), rng)
    words = [in_words(step) for step in steps]
    if template == _IMPROVISED:
        text = _framed(words, rng)
    else:
        text = _CHANGES[template][min(len(steps), 3) - 1].format(*words)
        text += "".join(f" Then {word}." for word in words[3:])
    if template == 0:
        text = text[:1].upper() + text[1:]
    count = len(steps)
    return Asked(
        (scene, text), tuple(steps), f"The picture is given: {count} change{'s' if count > 1 else ''}, in order."
    )


_SEQUENCES = (
    ("First: {}", "Go on: {}."),
    ("Look: {}", "Continue like this: {}."),
    ("The story so far. {}", "How it goes on: {}."),
    ("{}", "Please continue. {}."),
    ("Page one. {}", "The following pages: {}."),
    ("So far: {}", "What comes now: {}."),
    ("It began like this. {}", "Carry on: {}."),
    ("{}", "The rest of it: {}."),
    ("Part one: {}", "Part two: {}."),
    ("Remember. {}", "Keep going with this: {}."),
    ("Scene: {}", "More scenes: {}."),
    ("{}", "Now the others: {}."),
)


def _continuation(rng: Rng, template: int) -> Asked:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    done, left = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    steps = edits(scene, done + left, rng)
    opening, closing = (_lead(rng) + "{}", _lead(rng) + "{}.") if template == _IMPROVISED else _SEQUENCES[template]
    parts: list[str | Scene] = [opening.format(caption(None, scene)), scene]
    for step in steps[:done]:
        assert step.target is not None  # noqa: S101 - edits have targets
        parts += [sentence(in_words(step)), step.target.after]
    ahead = ", then ".join(in_words(step) for step in steps[done:])
    parts.append(closing.format(ahead))
    thought = f"{done + 1} pictures are given; {left} more follow{'s' if left == 1 else ''}."
    return Asked(tuple(parts), tuple(steps[done:]), thought)


def _any_length(make: Callable[[Rng, int], Asked | None]) -> Callable[[Rng, int, int], Asked | None]:
    """A maker whose steps follow from what it asks, however many they may be."""
    return lambda rng, template, longest: make(rng, template)  # noqa: ARG005


FAMILIES: dict[str, _Family] = {
    "narrative": _Family(_narrative, _TEMPLATES, len(_STORIES) - _TEMPLATES, improvises=True),
    "guidance": _Family(_any_length(_guidance), _TEMPLATES, len(_GUIDES) - _TEMPLATES, improvises=True),
    "manipulation": _Family(_manipulation, _TEMPLATES, len(_CHANGES) - _TEMPLATES, improvises=True),
    "continuation": _Family(_any_length(_continuation), _TEMPLATES, len(_SEQUENCES) - _TEMPLATES, improvises=True),
    "questions": _Family(_any_length(question), 3, WORDINGS - 3),
    "knowledge": _Family(_any_length(knowledge), 5, WORDINGS - 5),
    "reasoning": _Family(_any_length(reasoning), 3, WORDINGS - 3),
}
"""By name; requests take turns in this order."""


def request_words() -> frozenset[str]:
    """Every word, in lower case, that frames a request or hints at something in one of the families."""
    texts = (text for frames in (*_STORIES, *_CHANGES, *_SEQUENCES) for text in frames)
    return _words_of(*texts, *(text for text, _ in _GUIDES), *riddle_texts(), "Continue the sequence.")


def _words_of(*texts: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", re.sub(r"{.*?}", " ", " ".join(texts)).lower()))


@cache
def _fillers() -> tuple[str, ...]:
    """Words that frame training requests and mean nothing in the world: they cannot be taken for what is asked."""
    tables = (_STORIES, _CHANGES, _SEQUENCES, _GUIDES)
    texts = (text for table in tables for at, frames in enumerate(table) if at != _TEMPLATES - 1 for text in frames)
    return tuple(sorted(_words_of(*(text for text in texts if isinstance(text, str))) - known_words()))


def _phrase(rng: Rng) -> str:
    return " ".join(one(rng, _fillers()) for _ in range(int(rng.integers(1, 6))))


def _lead(rng: Rng) -> str:
    """Random words before what is asked, or none."""
    return _phrase(rng) + one(rng, (": ", ", ", " ")) if rng.random() < 0.8 else ""


def _framed(said: list[str], rng: Rng) -> str:
    """What is asked, one after the other, with random words between."""
    stop, opening, middle, closing = one(rng, (".", ";", ",")), _lead(rng), _lead(rng), _lead(rng)
    leads = [opening, *(middle for _ in said[1:-1]), closing]
    parts = [lead + words for lead, words in zip(leads, said, strict=False)]
    if stop == ".":
        parts = [part[:1].upper() + part[1:] for part in parts]
    text = f"{stop} ".join(parts)
    return text[:1].upper() + text[1:] + one(rng, (".", "!", ""))
