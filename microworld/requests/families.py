"""Families of requests, each with several templates and with the reference plan that fulfils a request.

| family | the request |
| --- | --- |
| narrative | a picture story, from text alone |
| guidance | how to build up an image, object by object |
| manipulation | changes of a given image |
| continuation | the rest of a given sequence of images and texts |
| questions | a question about given images, answered in words without generating anything |
| knowledge | an image of something that the request only hints at |
| reasoning | changes that must be inferred from a given image |

One template of each family is held out, and so are some pairs of kind and color: `sample_scenario` samples training
requests that contain neither, or held-out requests that contain one of the two. Templates after the held-out one, and
frames of random words, are for synthetic data only. Plans keep the user's words wherever the request states them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from interleavethinker.microworld.language.templates import Edit, name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, known_words
from interleavethinker.microworld.scenes.scene import Scene, random_scene
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS
from interleavethinker.microworld.scoring.targets import StepTarget
from interleavethinker.tools.request_parsing import named_step_count

from .inference_tasks import TEMPLATES_PER_TASK, inference_task_texts, knowledge, question, reasoning
from .scenarios import (
    Rng,
    Scenario,
    ScenarioStep,
    caption,
    choose,
    edit_step,
    generation_step,
    prompt_of,
    random_edit_steps,
    sentence,
    user_wording,
)

__all__ = [
    "DEFAULT_MAX_STEPS",
    "FAMILIES",
    "MAX_STEPS",
    "SPLITS",
    "SampledScenario",
    "Split",
    "is_held_out",
    "request_words",
    "sample_scenario",
    "split_of",
]

Split = Literal["train", "combinations", "templates"]
SPLITS: tuple[Split, ...] = ("train", "combinations", "templates")

_HELD_OUT_EVERY = 9
_MAX_DRAWS = 200
_TEMPLATES = 5
"""Templates per table below that the data set uses; the last of them is held out."""
_RANDOM_FRAMING = -1
"""Template number of requests that are framed by random words."""
_RANDOM_FRAMING_SHARE = 0.5


@dataclass(frozen=True)
class SampledScenario:
    """A scenario with its family, template number and split."""

    family: str
    template: int
    split: Split
    scenario: Scenario


@dataclass(frozen=True)
class _Family:
    make: Callable[[Rng, int, int], Scenario | None]
    """Samples a scenario, given the template number and the maximum number of steps; None: impossible, sample again."""
    templates: int
    """Number of templates that the data set uses; the last one is held out."""
    extra_templates: int = 0
    """Number of further templates, for synthetic data only."""
    allows_random_framing: bool = False
    """Whether requests of this family are recognizable by their content alone, whatever their framing."""


def is_held_out(scene: Scene) -> bool:
    """Whether a scene holds a pair of kind and color that never occurs in a training request."""
    kinds, colours = list(KINDS), list(COLOURS)
    pairs = ((kinds.index(obj.kind), colours.index(obj.colour)) for obj in scene.objects.values())
    return any((kind + 4 * colour) % _HELD_OUT_EVERY == 0 for kind, colour in pairs)


def split_of(scenario: Scenario, template: int, family: str) -> Split | None:
    """Returns the split of a request; None if both its template and a pair of kind and color are held out."""
    new_template = template == FAMILIES[family].templates - 1
    new_pair = any(is_held_out(scene) for scene in scenario.scenes)
    if new_template:
        return None if new_pair else "templates"
    return "combinations" if new_pair else "train"


DEFAULT_MAX_STEPS, MAX_STEPS = 4, 8
"""Maximum number of steps in data sets, and the largest value that `sample_scenario` accepts."""


def sample_scenario(
    seed: int, index: int, split: Split, *, extra_templates: bool = False, max_steps: int = DEFAULT_MAX_STEPS
) -> SampledScenario:
    """Samples request number `index` of a split, as a pure function of the arguments; families alternate by index.

    Args:
        seed: Seed of the sequence of requests.
        index: Position in the sequence.
        split: The split to sample from.
        extra_templates: Whether training requests may also use the extra templates or random framing.
        max_steps: Maximum length of stories, 2 to `MAX_STEPS`. Series of changes have at most one step fewer; the other
            families' lengths follow from their content, at most three steps.

    Raises:
        RuntimeError: No request of this split was found, which is a bug in a family.
    """
    family = tuple(FAMILIES)[index % len(FAMILIES)]
    count = FAMILIES[family].templates
    random_framing = extra_templates and FAMILIES[family].allows_random_framing
    known = [*range(count - 1), *(range(count, count + FAMILIES[family].extra_templates) if extra_templates else ())]
    for turn in range(_MAX_DRAWS):
        rng = np.random.default_rng([seed, SPLITS.index(split), index, turn])
        template = count - 1 if split == "templates" else known[int(rng.integers(len(known)))]
        if random_framing and rng.random() < _RANDOM_FRAMING_SHARE:
            template = _RANDOM_FRAMING
        scenario = FAMILIES[family].make(rng, template, max_steps)
        if (
            scenario is not None
            and split_of(scenario, template, family) == split
            and _step_count_agrees(scenario, template)
        ):
            return SampledScenario(family, template, split, scenario)
    msg = f"Found no request of family {family!r} for split {split!r} in {_MAX_DRAWS} draws."
    raise RuntimeError(msg)


def _step_count_agrees(scenario: Scenario, template: int) -> bool:
    """Whether the text names no number of steps, or the number that its plan has; random framing must name none."""
    named = named_step_count(" ".join(part for part in scenario.parts if isinstance(part, str)))
    return named is None or (template != _RANDOM_FRAMING and named == len(scenario.steps))


_NARRATIVE_TEMPLATES = (
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


def _narrative(rng: Rng, template: int, max_steps: int) -> Scenario:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    first = generation_step(scene, rng)
    later = random_edit_steps(scene, int(rng.integers(1, max_steps)), rng)
    words = [prompt_of(step) for step in later]
    if template == _RANDOM_FRAMING:
        text = _frame_randomly([prompt_of(first), *words], rng)
    else:
        opening, middle, closing = _NARRATIVE_TEMPLATES[template]
        text = opening.format(prompt_of(first)) + "".join(middle.format(word) for word in words[:-1])
        text += closing.format(words[-1])
    return Scenario((text,), (first, *later), f"A story: one drawing, then changes: {len(later)}.")


_GUIDANCE_TEMPLATES = (
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


def _guidance(rng: Rng, template: int) -> Scenario:
    scene = random_scene(rng, int(rng.integers(2, 4)))
    cells = list(scene.objects)
    order = [cells[int(at)] for at in rng.permutation(len(cells))]
    where = BACKGROUND_PHRASES[scene.background][0]
    phrases = {
        cell: user_wording(f"{with_article(name(obj))} {place(cell)}", rng) for cell, obj in scene.objects.items()
    }
    listed = ", ".join(phrases[cell] for cell in order[:-1]) + f" and {phrases[order[-1]]}, {where}"
    growing = Scene(scene.background).put(order[0], scene.cells[order[0]])
    words = f"{phrases[order[0]]}, {where}"
    steps = [ScenarioStep(sentence(f"begin with {words}"), words, caption(None, growing), StepTarget(growing))]
    for cell in order[1:]:
        steps.append(_add_step(growing, cell, scene, f"add {phrases[cell]}"))
        growing = growing.put(cell, scene.cells[cell])
    if template == _RANDOM_FRAMING:
        text = _frame_randomly([listed, *([_random_phrase(rng)] if rng.random() < 0.5 else [])], rng)
    else:
        text = _GUIDANCE_TEMPLATES[template][0].format(goal=listed, count=len(steps))
    return Scenario((text,), tuple(steps), f"A guide to {len(steps)} things: draw the first, then add one a step.")


def _add_step(scene: Scene, cell: int, goal: Scene, words: str) -> ScenarioStep:
    return edit_step(scene, Edit("add", cell=cell, new=goal.cells[cell]), words)


_MANIPULATION_TEMPLATES = (
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


def _manipulation(rng: Rng, template: int, max_steps: int) -> Scenario:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    steps = random_edit_steps(scene, int(rng.integers(1, max_steps)), rng)
    words = [prompt_of(step) for step in steps]
    if template == _RANDOM_FRAMING:
        text = _frame_randomly(words, rng)
    else:
        text = _MANIPULATION_TEMPLATES[template][min(len(steps), 3) - 1].format(*words)
        text += "".join(f" Then {word}." for word in words[3:])
    if template == 0:
        text = text[:1].upper() + text[1:]
    count = len(steps)
    return Scenario(
        (scene, text), tuple(steps), f"The picture is given: {count} change{'s' if count > 1 else ''}, in order."
    )


_CONTINUATION_TEMPLATES = (
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


def _continuation(rng: Rng, template: int) -> Scenario:
    scene = random_scene(rng, int(rng.integers(1, 4)))
    done, left = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    steps = random_edit_steps(scene, done + left, rng)
    opening, closing = (
        (_random_lead(rng) + "{}", _random_lead(rng) + "{}.")
        if template == _RANDOM_FRAMING
        else _CONTINUATION_TEMPLATES[template]
    )
    parts: list[str | Scene] = [opening.format(caption(None, scene)), scene]
    for step in steps[:done]:
        assert step.target is not None  # noqa: S101 - edits have targets
        parts += [sentence(prompt_of(step)), step.target.after]
    ahead = ", then ".join(prompt_of(step) for step in steps[done:])
    parts.append(closing.format(ahead))
    thought = f"{done + 1} pictures are given; {left} more follow{'s' if left == 1 else ''}."
    return Scenario(tuple(parts), tuple(steps[done:]), thought)


def _ignore_max_steps(make: Callable[[Rng, int], Scenario | None]) -> Callable[[Rng, int, int], Scenario | None]:
    """Adapts a family whose number of steps follows from its content."""
    return lambda rng, template, max_steps: make(rng, template)  # noqa: ARG005


FAMILIES: dict[str, _Family] = {
    "narrative": _Family(_narrative, _TEMPLATES, len(_NARRATIVE_TEMPLATES) - _TEMPLATES, allows_random_framing=True),
    "guidance": _Family(
        _ignore_max_steps(_guidance), _TEMPLATES, len(_GUIDANCE_TEMPLATES) - _TEMPLATES, allows_random_framing=True
    ),
    "manipulation": _Family(
        _manipulation, _TEMPLATES, len(_MANIPULATION_TEMPLATES) - _TEMPLATES, allows_random_framing=True
    ),
    "continuation": _Family(
        _ignore_max_steps(_continuation),
        _TEMPLATES,
        len(_CONTINUATION_TEMPLATES) - _TEMPLATES,
        allows_random_framing=True,
    ),
    "questions": _Family(_ignore_max_steps(question), 3, TEMPLATES_PER_TASK - 3),
    "knowledge": _Family(_ignore_max_steps(knowledge), 5, TEMPLATES_PER_TASK - 5),
    "reasoning": _Family(_ignore_max_steps(reasoning), 3, TEMPLATES_PER_TASK - 3),
}
"""By name; requests alternate in this order."""


def request_words() -> frozenset[str]:
    """Returns every word, in lower case, of the families' templates and hints."""
    texts = (
        text
        for frames in (*_NARRATIVE_TEMPLATES, *_MANIPULATION_TEMPLATES, *_CONTINUATION_TEMPLATES)
        for text in frames
    )
    return _words_of(
        *texts, *(text for text, _ in _GUIDANCE_TEMPLATES), *inference_task_texts(), "Continue the sequence."
    )


def _words_of(*texts: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", re.sub(r"{.*?}", " ", " ".join(texts)).lower()))


@cache
def _fillers() -> tuple[str, ...]:
    """Words of the training templates that are not part of the micro world's language, so they cannot be content."""
    tables = (_NARRATIVE_TEMPLATES, _MANIPULATION_TEMPLATES, _CONTINUATION_TEMPLATES, _GUIDANCE_TEMPLATES)
    texts = (text for table in tables for at, frames in enumerate(table) if at != _TEMPLATES - 1 for text in frames)
    return tuple(sorted(_words_of(*(text for text in texts if isinstance(text, str))) - known_words()))


def _random_phrase(rng: Rng) -> str:
    return " ".join(choose(rng, _fillers()) for _ in range(int(rng.integers(1, 6))))


def _random_lead(rng: Rng) -> str:
    """Returns random words to put before a part of the content, or nothing."""
    return _random_phrase(rng) + choose(rng, (": ", ", ", " ")) if rng.random() < 0.8 else ""


def _frame_randomly(contents: list[str], rng: Rng) -> str:
    """Joins the parts of the content, with random words in between."""
    stop, opening, middle, closing = (
        choose(rng, (".", ";", ",")),
        _random_lead(rng),
        _random_lead(rng),
        _random_lead(rng),
    )
    leads = [opening, *(middle for _ in contents[1:-1]), closing]
    parts = [lead + words for lead, words in zip(leads, contents, strict=False)]
    if stop == ".":
        parts = [part[:1].upper() + part[1:] for part in parts]
    text = f"{stop} ".join(parts)
    return text[:1].upper() + text[1:] + choose(rng, (".", "!", ""))
