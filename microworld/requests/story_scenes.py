"""What each image of a story must show, and one way to choose everything that is open. Knows no words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import combinations
from typing import Literal

from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, SIZES
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable, narrow, solve
from .required_scene import LookRelation, Relation, RequiredObject, RequiredScene
from .story_objects import StoryObjects
from .story_things import Frame, different

__all__ = ["StoryScenes"]


class StoryScenes(StoryObjects):
    """The images of a story, as requirements and as scenes."""

    def constraints(self, *, strict: bool) -> list[Constraint]:
        """Returns all conditions; `strict`: objects that are left of each other touch."""
        found = list(self.conditions)
        for frame in self.frames:
            cells = [thing.cell for thing in frame.things.values()]
            found += [Constraint(pair, different) for pair in combinations(dict.fromkeys(cells), 2)]
            for kind, ids in frame.relations:
                if not frame.things.keys() >= set(ids):
                    raise InputError("It is not clear where an object is whose place goes away.", code="not_understood")
                relation = Relation(kind, tuple(range(len(ids))))  # type: ignore[arg-type]
                variables = tuple(frame.things[one].cell for one in ids)
                found.append(Constraint(variables, _relation_check(relation, strict=strict)))
        return found

    def required(self) -> list[RequiredScene]:
        """Returns what each image must show.

        Raises:
            InputError: The statements contradict each other (`contradiction`).
        """
        narrow(self.constraints(strict=False))
        differing = {frozenset(one.variables) for one in self.conditions if one.holds is different}
        return [_required(frame, differing) for frame in self.frames]

    def scenes(self) -> list[tuple[Scene, dict[int, int]]]:
        """Returns one scene for each image with everything that is open chosen, and the cell of each object by its id.

        Raises:
            InputError: The statements contradict each other (`contradiction`).
        """
        frames = [*self.frames]
        variables = dict.fromkeys(
            variable
            for frame in (self.base, *frames)
            for variable in (
                frame.ground,
                *(v for thing in frame.things.values() for v in (thing.cell, thing.colour, thing.size)),
            )
        )
        narrow(self.constraints(strict=False))
        try:
            chosen = solve(list(variables), self.constraints(strict=True))
        except InputError:
            chosen = solve(list(variables), self.constraints(strict=False))
        scenes = []
        for frame in frames:
            scene = Scene(str(chosen[frame.ground]))
            cells = {}
            for one, thing in frame.things.items():
                cell = int(chosen[thing.cell])
                cells[one] = cell
                scene = scene.put(cell, SceneObject(thing.kind, str(chosen[thing.colour]), str(chosen[thing.size])))
            scenes.append((scene, cells))
        return scenes

    def open_sizes(self, number: int) -> set[int]:
        """Returns the ids of the objects of an image that may have any size, which no later image changes."""
        things = self.frames[number].things
        fixed = {
            one
            for later in self.frames[number + 1 :]
            for one, thing in later.things.items()
            if one in things and thing.size is not things[one].size
        }
        return {one for one, thing in things.items() if len(thing.size.allowed) == len(SIZES)} - fixed

    def cells_before(self) -> list[tuple[Scene, dict[int, int]]]:
        """Returns what `scenes` returns, each for the image before; the source, or nothing, for the first."""
        source = self.source or Scene(BACKGROUNDS[0])
        return [(source, {cell: cell for cell in source.objects}), *self.scenes()[:-1]]

    def one_by_one(self) -> None:
        """Turns the first image into several, each with one object more."""
        first = self.frames[0]
        ids = list(first.things)
        growing = []
        for count in range(1, len(ids) + 1):
            shown = {one: first.things[one] for one in ids[:count]}
            relations = tuple(one for one in first.relations if set(one[1]) <= set(shown))
            growing.append(replace(first, things=shown, relations=relations, texts=[]))
        if growing:
            self.frames[:1] = growing

    def pass_through(self, missing: int) -> None:
        """Adds images in which objects are halfway between two places, if that gives as many images as are missing."""
        found = [(at, halfway) for at, halfway in enumerate(map(_halfway, self.frames, self.frames[1:]), 1) if halfway]
        if len(found) != missing:
            return
        for at, halfway in reversed(found):
            before = self.frames[at - 1]
            things = {one: replace(thing, cell=halfway.get(one, thing.cell)) for one, thing in before.things.items()}
            relations = tuple(one for one in before.relations if not set(halfway) & set(one[1]))
            self.frames.insert(at, replace(before, things=things, relations=relations, texts=[]))


def _halfway(before: Frame, after: Frame) -> dict[int, Variable]:
    """Returns the cells between two images of the objects that move straight across; empty if one of them is taken."""
    found: dict[int, Variable] = {}
    for one, thing in before.things.items():
        moved = after.things.get(one)
        if moved is None or moved.cell is thing.cell or len(thing.cell.allowed) != 1 or len(moved.cell.allowed) != 1:
            continue
        rows, columns = zip(*(divmod(int(next(iter(v.allowed))), 3) for v in (thing.cell, moved.cell)), strict=True)
        if not {abs(rows[0] - rows[1]), abs(columns[0] - columns[1])} <= {0, 2}:
            continue
        found[one] = Variable({3 * (sum(rows) // 2) + sum(columns) // 2})
    cells = [found.get(one, thing.cell) for one, thing in before.things.items()]
    taken = [next(iter(cell.allowed)) for cell in cells if len(cell.allowed) == 1]
    return found if len(set(taken)) == len(taken) else {}


def _required(frame: Frame, differing: Set[frozenset[Variable]]) -> RequiredScene:
    ids = list(frame.things)
    objects = tuple(
        RequiredObject(
            thing.kind,
            frozenset(map(str, thing.colour.allowed)),
            frozenset(map(str, thing.size.allowed)),
            frozenset(map(int, thing.cell.allowed)),
        )
        for thing in frame.things.values()
    )
    relations = tuple(
        Relation(kind, tuple(ids.index(one) for one in named))  # type: ignore[arg-type]
        for kind, named in frame.relations
    )
    looks = tuple(_looks([(thing.colour, thing.size) for thing in frame.things.values()], differing))
    return RequiredScene(objects, frozenset(map(str, frame.ground.allowed)), relations, looks)


def _looks(things: Sequence[tuple[Variable, Variable]], differing: Set[frozenset[Variable]]) -> Iterator[LookRelation]:
    """Yields which of the open colors and sizes of an image must be equal or differ."""
    for (at, one), (to, other) in combinations(enumerate(things), 2):
        for attribute, first, second in zip(_ATTRIBUTES, one, other, strict=True):
            same = first is second
            if len(first.allowed & second.allowed) > same and (same or frozenset((first, second)) in differing):
                yield LookRelation(attribute, (at, to), same)


_ATTRIBUTES: tuple[Literal["colour", "size"], ...] = ("colour", "size")


def _relation_check(relation: Relation, *, strict: bool) -> Callable[..., bool]:
    def holds(*cells: int) -> bool:
        if not relation.holds(cells):
            return False
        close = abs(cells[0] // 3 - cells[1] // 3) + abs(cells[0] % 3 - cells[1] % 3) == 1
        return not strict or relation.kind == "between" or close

    return holds
