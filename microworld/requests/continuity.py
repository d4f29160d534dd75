"""Whether images, one after the other, tell a story: what no statement changes stays as it was. Knows no words.

Each image may be what the words require, and they may still not belong together: two cats that are to swap their
colors are a white and an orange cat before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import SIZES

from .choices import Constraint, Value, Variable
from .required_scene import Relation, RelationKind
from .story_scenes import StoryScenes
from .story_things import Thing

__all__ = ["belong_together"]

_MAX_TRIES = 20_000
"""A search that takes longer counts as successful: each image was compared with its own requirement before."""


def belong_together(story: StoryScenes, scenes: Sequence[Scene]) -> bool:
    """Returns whether scenes can be the first images of a story, with the same objects from image to image.

    What comes back may have another size than before, if the words leave it open: no prompt states it.

    Args:
        story: A story that was told to its end.
        scenes: What its images show, in order; they need not be all.
    """
    return len(scenes) <= len(story.frames) and _Search(story, scenes).succeeds()


class _Search:
    """Finds out which object of each scene is which thing of the story, one thing after the other."""

    def __init__(self, story: StoryScenes, scenes: Sequence[Scene]) -> None:
        self._scenes = scenes
        self._frames = story.frames[: len(scenes)]
        appearances: dict[int, list[tuple[int, Thing]]] = {}
        for at, frame in enumerate(self._frames):
            for number, thing in frame.things.items():
                appearances.setdefault(number, []).append((at, thing))
        # Those to which most happens first: there, a dead end shows before much has been tried.
        things = map(_in_any_size_again, appearances.values())
        self._things = sorted(things, key=lambda one: -len({id(v) for _, t in one for v in _of(t)}))
        self._conditions = [
            *story.conditions,
            *(
                _as_condition(kind, [frame.things[one] for one in ids])
                for frame in self._frames
                for kind, ids in frame.relations
            ),
        ]
        self._shared = {variable for one in self._conditions for variable in one.variables} | _in_several(self._things)
        self._values: dict[Variable, Value] = {}
        for thing in story.base.things.values():
            self._bind([(variable, next(iter(variable.allowed))) for variable in _of(thing)])
        self._taken = set[tuple[int, int]]()
        self._failed = set[tuple[int, frozenset[tuple[int, int]], frozenset[tuple[Variable, Value]]]]()
        self._tries = 0

    def succeeds(self) -> bool:
        """Returns whether every thing is found in every image."""
        for frame, scene in zip(self._frames, self._scenes, strict=True):
            if len(frame.things) != len(scene.objects) or self._bind([(frame.ground, scene.background)]) is None:
                return False
        return self._find(0)

    def _find(self, index: int) -> bool:
        """Finds a thing, and all that follow."""
        if index == len(self._things):
            return True
        known = frozenset((one, value) for one, value in self._values.items() if one in self._shared)
        state = index, frozenset(self._taken), known
        if state in self._failed:
            return False
        found = self._place(index, 0)
        if not found:
            self._failed.add(state)
        return found

    def _place(self, index: int, appearance: int) -> bool:
        """Finds a thing in one of its images, and in all that follow."""
        if appearance == len(self._things[index]):
            return self._conditions_hold() and self._find(index + 1)
        self._tries += 1
        if self._tries > _MAX_TRIES:
            return True
        at, thing = self._things[index][appearance]
        for cell, obj in self._scenes[at].objects.items():
            if (at, cell) in self._taken or obj.kind != thing.kind:
                continue
            bound = self._bind(list(zip(_of(thing), (cell, obj.colour, obj.size), strict=True)))
            if bound is None:
                continue
            self._taken.add((at, cell))
            if self._place(index, appearance + 1):
                return True
            self._taken.remove((at, cell))
            for variable in bound:
                del self._values[variable]
        return False

    def _bind(self, seen: Sequence[tuple[Variable, Value]]) -> list[Variable] | None:
        """Gives variables their values and returns those that had none; None if one cannot have its value."""
        if any(value not in one.allowed or self._values.get(one, value) != value for one, value in seen):
            return None
        new = [one for one, _ in seen if one not in self._values]
        self._values.update(seen)
        return new

    def _conditions_hold(self) -> bool:
        return all(
            one.holds(*(self._values[variable] for variable in one.variables))
            for one in self._conditions
            if all(variable in self._values for variable in one.variables)
        )


def _of(thing: Thing) -> tuple[Variable, Variable, Variable]:
    return thing.cell, thing.colour, thing.size


def _in_any_size_again(appearances: Sequence[tuple[int, Thing]]) -> list[tuple[int, Thing]]:
    """Gives a thing that comes back a size of its own from then on, if its size is open."""
    found: list[tuple[int, Thing]] = []
    sizes: dict[Variable, Variable] = {}
    for at, thing in appearances:
        if found and found[-1][0] < at - 1 and len(thing.size.allowed) == len(SIZES):
            sizes[thing.size] = Variable(set(thing.size.allowed))
        found.append((at, replace(thing, size=sizes.get(thing.size, thing.size))))
    return found


def _in_several(things: Sequence[Sequence[tuple[int, Thing]]]) -> set[Variable]:
    """Returns the variables that several things have in common: "in the same color"."""
    seen, shared = set[Variable](), set[Variable]()
    for appearances in things:
        own = {variable for _, thing in appearances for variable in _of(thing)}
        shared |= own & seen
        seen |= own
    return shared


def _as_condition(kind: str, things: Sequence[Thing]) -> Constraint:
    relation = Relation(cast("RelationKind", kind), tuple(range(len(things))))
    return Constraint(tuple(thing.cell for thing in things), lambda *cells: relation.holds(cells))
