"""The objects of a natural request's first image: how the request words them, and how the plan does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interleavethinker.microworld.language.held_out import with_synonyms
from interleavethinker.microworld.language.templates import MAX_NAMED, Edit, name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, USUAL_COLOURS, plural
from interleavethinker.microworld.scenes.scene import CELLS_FROM_CENTRE, Scene, SceneObject, random_object
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.microworld.scoring.targets import StepTarget

from .scenarios import Rng, ScenarioStep, caption, choose, edit_step, sentence

__all__ = ["NaturalContent", "spread", "with_some_synonyms"]

_PLACES_BY_COUNT = {1: (4,), 2: (3, 5), 3: (3, 4, 5)}
_NUMBER_WORDS = {2: ("two", "2"), 3: ("three", "3"), 4: ("four", "4")}
_SYNONYMS = 0.2
_PLACES_OPEN, _SIZE_OPEN, _COLOUR_OPEN, _BACKGROUND_OPEN = 0.4, 0.55, 0.15, 0.45


def spread(cells: list[int | None], taken: set[int]) -> list[int]:
    """Returns a cell for each object: its own, or a free one if it has none.

    Objects without a place stand side by side: one in the middle, two left and right, three in the middle row.

    Args:
        cells: The stated cells; None where the request leaves the place open.
        taken: Cells that are occupied already.
    """
    used = taken | {cell for cell in cells if cell is not None}
    order = (*(_PLACES_BY_COUNT.get(len(cells), ()) if not used else ()), *CELLS_FROM_CENTRE)
    chosen: list[int] = []
    for cell in cells:
        at = cell if cell is not None else next(other for other in order if other not in used)
        used.add(at)
        chosen.append(at)
    return chosen


def with_some_synonyms(words: str, rng: Rng) -> str:
    """Returns the words, sometimes with synonyms; the plan keeps them."""
    return with_synonyms(words, rng) if rng.random() < _SYNONYMS else words


class NaturalContent:
    """The objects of a first image: how the request words them, and how the plan does.

    Args:
        rng: Source of all randomness.
        most: Maximum number of objects.
    """

    def __init__(self, rng: Rng, most: int = 4) -> None:
        number = min(most, 1 + int(rng.choice(4, p=[0.45, 0.3, 0.17, 0.08])))
        counts = [int(rng.choice([1, 1, 1, 1, 2, 3])) if number < 3 else 1 for _ in range(number)]
        while sum(counts) > most:
            counts[int(np.argmax(counts))] -= 1
        kinds: list[SceneObject] = []
        while len(kinds) < len(counts):
            obj = random_object(rng)
            if all(obj.kind != other.kind for other in kinds) or rng.random() < 0.15:
                kinds.append(obj)
        stated: list[int | None] = []
        free = [int(cell) for cell in rng.permutation(9)]
        places_open = rng.random() < _PLACES_OPEN
        for count in counts:
            is_open = count > 1 or places_open or rng.random() < 0.1
            stated += [None if is_open else free.pop()] * count
        cells = spread(stated, set())
        self.ground_open = rng.random() < _BACKGROUND_OPEN
        self.background = "meadow" if self.ground_open else choose(rng, BACKGROUNDS)
        self.where = choose(rng, BACKGROUND_PHRASES[self.background]) if not self.ground_open else ""
        self.asked: list[str] = []
        self.objects: list[tuple[int, SceneObject, str, bool]] = []
        at = 0
        for count, sampled in zip(counts, kinds, strict=True):
            colour_open = rng.random() < _COLOUR_OPEN
            sized = rng.random() > _SIZE_OPEN
            obj = replace(sampled, colour=USUAL_COLOURS[sampled.kind]) if colour_open else sampled
            noun = with_some_synonyms(name(obj, size=sized), rng)
            spoken = noun
            if colour_open:
                noun = f"{obj.size} {obj.colour} {obj.kind}" if sized else f"{obj.colour} {obj.kind}"
                spoken = f"{obj.size} {obj.kind}" if sized else obj.kind
            where = "" if stated[at] is None else f" {place(cells[at], rng)}"
            self.asked.append(_counted(spoken, count, rng) + where)
            for cell in cells[at : at + count]:
                words = f"{with_article(noun)} {where.strip() or place(cell)}"
                self.objects.append((cell, obj, words, sized))
            at += count

    @property
    def request(self) -> str:
        """The request's words for the objects, without the background."""
        return " and ".join([", ".join(self.asked[:-1]), self.asked[-1]]) if len(self.asked) > 1 else self.asked[0]

    def full_request(self, rng: Rng) -> str:
        """Returns the request's words for objects and background; no background if it is left open."""
        if not self.where:
            return self.request
        return choose(rng, ("{0} {1}", "{0}, {1}", "{1}, {0}", "{1} {0}")).format(self.request, self.where)

    def steps(self, *, one_by_one: bool = False) -> list[ScenarioStep]:
        """The step that generates up to three objects (one if `one_by_one`), then a step for each further object."""
        first = 1 if one_by_one else MAX_NAMED
        scene = Scene(self.background)
        for cell, obj, _, _ in self.objects[:first]:
            scene = scene.put(cell, obj)
        words = [text for _, _, text, _ in self.objects[:first]]
        listed = words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
        prompt = f"{listed}, {self.where or BACKGROUND_PHRASES[self.background][0]}"
        opened = tuple(cell for cell, _, _, sized in self.objects[:first] if not sized)
        steps = [
            ScenarioStep(sentence(f"draw {prompt}"), prompt, caption(None, scene), StepTarget(scene, open_sizes=opened))
        ]
        for cell, obj, text, sized in self.objects[first:]:
            edit = Edit("add", cell=cell, new=obj, open_size=not sized)
            steps.append(edit_step(scene, edit, f"add {text}"))
            scene = edit.apply(scene)
        return steps


def _counted(noun: str, count: int, rng: Rng) -> str:
    if count == 1:
        return choose(rng, (with_article(noun),) * 8 + (f"one {noun}", noun))
    words = noun.split()
    return " ".join([choose(rng, _NUMBER_WORDS[count]), *words[:-1], plural(words[-1])])
