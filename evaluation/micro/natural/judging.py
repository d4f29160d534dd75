"""Judges answers to natural requests: whether images, words or a refusal meet the request's expectation.

Pure functions of what a reader of the answer sees. Scenes come from `scenes.reader`. Words are compared as whole words
in lower case, up to synonyms, plurals and number words. Knows nothing of agents.

| outcome | meaning |
| --- | --- |
| `right` | the answer meets every requirement |
| `wrong_noted` | it does not, and the notes, the status or the error say that something is wrong |
| `wrong_silent` | it does not, and nothing says so |
| `refused_rightly` | a request that cannot be fulfilled was refused, or the answer says what it lacks |
| `refused_wrongly` | a request that can be fulfilled was refused |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from interleavethinker.microworld.language.lexicon import singular
from interleavethinker.microworld.language.vocabulary import CANONICAL
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene

from .cases import AnswerRequirement, Expectation, ImageRequirement, ObjectRequirement

__all__ = ["OUTCOMES", "SUCCESSES", "Judgment", "Observation", "Outcome", "judge", "missing_facts", "shortfalls"]

Outcome = Literal["right", "refused_rightly", "wrong_noted", "wrong_silent", "refused_wrongly"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SUCCESSES: tuple[Outcome, ...] = ("right", "refused_rightly")

_NUMBERS = {
    word: str(number) for number, word in enumerate("zero one two three four five six seven eight nine".split())
}
_CANONICAL = {**CANONICAL, **_NUMBERS, "center": "middle", "centre": "middle", "larger": "bigger", "color": "colour"}
_IMAGE_IS_MISSING = re.compile(
    r"\b(?:no|without|missing|needs?|give|given|attach|attached|add|provide|upload)\b[^.]*\b(?:image|picture|photo)s?\b"
    r"|\b(?:image|picture|photo)s?\b[^.]*\b(?:missing|given|attached|provided|needed|required)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Observation:
    """The visible result of one request."""

    scenes: tuple[Scene, ...] = ()
    """Read from the images of the document, in order."""
    text: str = ""
    """The text of the document."""
    notes: tuple[str, ...] = ()
    """The document's notes."""
    complete: bool = True
    refusal: str | None = None
    """The error message, if the request was refused as unusable."""
    failure: str | None = None
    """The error message, if the run failed for another reason."""
    faults: tuple[str, ...] = ()
    """What is wrong with the images for reasons that they don't show, such as prompts that cannot be carried out."""

    @property
    def noted(self) -> bool:
        """Whether a reader is told that something may be wrong."""
        return bool(self.notes) or not self.complete or self.failure is not None


@dataclass(frozen=True)
class Judgment:
    """An outcome with everything that is wrong with the answer."""

    outcome: Outcome
    faults: tuple[str, ...] = ()


def judge(expect: Expectation, seen: Observation) -> Judgment:
    """Judges one answer."""
    if expect.refusal and (seen.refusal is not None or _says_so(expect, seen)):
        return Judgment("refused_rightly")
    if seen.refusal is not None:
        return Judgment("refused_wrongly", (seen.refusal,))
    faults = _faults(expect, seen)
    if not faults:
        return Judgment("right")
    return Judgment("wrong_noted" if seen.noted else "wrong_silent", tuple(faults))


def missing_facts(answer: AnswerRequirement, text: str) -> list[str]:
    """Returns what is wrong with an answer in words; nothing if it has every fact and no excluded word.

    Examples:
        >>> missing_facts(AnswerRequirement(facts=(("2",), ("cat", "dog"))), "There are two kittens.")
        []
    """
    words = _words(text)
    faults = [f"no {' or '.join(fact)}" for fact in answer.facts if not any(_contains(words, one) for one in fact)]
    return [*faults, *(f"says {word}" for word in answer.without if _contains(words, word))]


def shortfalls(required: ImageRequirement, scene: Scene) -> list[str]:
    """Returns the requirements that a scene does not meet."""
    faults = []
    if required.backgrounds and scene.background not in required.backgrounds:
        faults.append(f"the background is {scene.background}, not {' or '.join(required.backgrounds)}")
    faults += [f"there is: {description}" for description in required.absent if _fitting(description, scene)]
    for description in required.objects:
        found = len(_fitting(description, scene))
        if found == 0 or description.count not in {None, found}:
            faults.append(f"{found} of: {description}")
    if not faults and not _all_have_their_own(required.objects, scene):
        faults.append("one object stands for two that are required")
    if required.total not in {None, len(scene.objects)}:
        faults.append(f"{len(scene.objects)} objects instead of {required.total}")
    return faults


def _faults(expect: Expectation, seen: Observation) -> list[str]:
    if seen.failure is not None:
        return [seen.failure]
    if expect.answer is not None:
        faults = [f"{len(seen.scenes)} images instead of an answer in words"] if seen.scenes else []
        return faults + missing_facts(expect.answer, seen.text)
    if not expect.images:
        return ["answered as if it could be fulfilled"]
    if not seen.scenes:
        return ["no image"]
    faults = [*_image_faults(expect.images, seen.scenes), *seen.faults]
    if expect.steps not in {None, len(seen.scenes)}:
        faults.append(f"{len(seen.scenes)} images instead of {expect.steps}")
    return faults


def _image_faults(required: Sequence[ImageRequirement], scenes: Sequence[Scene]) -> list[str]:
    """Returns what is wrong with images of which the last must meet the last requirement and others may be extra."""
    *before, last = required
    matched: list[Scene] = []
    at = 0
    for number, one in enumerate(before, 1):
        match = next((index for index in range(at, len(scenes) - 1) if not shortfalls(one, scenes[index])), None)
        if match is None:
            nearest = min((shortfalls(one, scene) for scene in scenes[at:]), key=len, default=["no image is left"])
            return [f"required image {number} ({one}): {'; '.join(nearest) or 'it comes last'}"]
        matched.append(scenes[match])
        at = match + 1
    if faults := shortfalls(last, scenes[-1]):
        return [f"last image ({last}): {fault}" for fault in faults]
    sequence = zip(required, [*matched, scenes[-1]], strict=True)
    return [
        f"required image {number}: {fault}"
        for number, ((one, scene), (two, following)) in enumerate(pairwise(sequence), 2)
        for fault in _drift(one, scene, two, following)
    ]


def _drift(required: ImageRequirement, scene: Scene, following: ImageRequirement, next_scene: Scene) -> list[str]:
    """Returns what has changed from one required image to the next although the request says nothing about it.

    An attribute that both requirements leave open must stay; objects are followed by kind, where it is unambiguous.
    """
    faults = []
    if not required.backgrounds and not following.backgrounds and scene.background != next_scene.background:
        faults.append(f"the background changed from {scene.background} to {next_scene.background}")
    for one in _only_of_their_kind(required):
        for two in _only_of_their_kind(following):
            old, new = _fitting(one, scene), _fitting(two, next_scene)
            if one.kind != two.kind or len(old) != 1 or len(new) != 1:
                continue
            was, now = scene.cells[old[0]], next_scene.cells[new[0]]
            assert was is not None and now is not None  # noqa: S101, PT018 - fitting cells are occupied
            if one.colour is two.colour is None and was.colour != now.colour:
                faults.append(f"the {one.kind} changed from {was.colour} to {now.colour}")
            if one.size is two.size is None and was.size != now.size:
                faults.append(f"the {one.kind} changed from {was.size} to {now.size}")
            if one.cells == two.cells and old != new:
                faults.append(f"the {one.kind} moved from {POSITIONS[old[0]]} to {POSITIONS[new[0]]}")
    return faults


def _only_of_their_kind(required: ImageRequirement) -> list[ObjectRequirement]:
    kinds = Counter(one.kind for one in required.objects)
    return [one for one in required.objects if one.kind is not None and one.count is None and kinds[one.kind] == 1]


def _fitting(description: ObjectRequirement, scene: Scene) -> list[int]:
    return [cell for cell, obj in scene.objects.items() if description.fits(cell, obj)]


def _all_have_their_own(descriptions: Sequence[ObjectRequirement], scene: Scene) -> bool:
    """Whether every description without a count can be given an object of its own (a bipartite matching)."""
    choices = [_fitting(one, scene) for one in descriptions if one.count is None]
    owner: dict[int, int] = {}

    def find(index: int, tried: set[int]) -> bool:
        for cell in choices[index]:
            if cell not in tried:
                tried.add(cell)
                if cell not in owner or find(owner[cell], tried):
                    owner[cell] = index
                    return True
        return False

    return all(find(index, set()) for index in range(len(choices)))


def _says_so(expect: Expectation, seen: Observation) -> bool:
    """Whether an answer tells the reader that the request cannot be fulfilled, and why."""
    said = " ".join((*seen.notes, "" if seen.scenes else seen.text))
    words = _words(said)
    if expect.lacks:
        return any(_contains(words, word) for word in expect.lacks)
    return not expect.images and not seen.scenes and bool(_IMAGE_IS_MISSING.search(said))


def _words(text: str) -> str:
    """Returns the canonical words of a text, each between spaces."""
    return f" {' '.join(map(_canonical, re.findall(r'[a-z0-9]+', text.lower())))} "


def _canonical(word: str) -> str:
    known = (_CANONICAL[form] for form in (word, word.removesuffix("s")) if form in _CANONICAL)
    return next(known, singular(word))


def _contains(words: str, wording: str) -> bool:
    return _words(wording) in words
