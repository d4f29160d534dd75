"""Brings back objects that were there before: in an earlier picture of the story, or in an earlier given image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interleavethinker.microworld.language.phrases import Phrase
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.errors import InputError

from .choices import Variable
from .story_scenes import StoryScenes
from .story_things import Thing, phrase_text

__all__ = ["StoryReturns"]


class StoryReturns(StoryScenes):
    """The images of a story, with objects that return.

    Args:
        source: The scene of the last image that is given; None: the first image is made from text alone.
        earlier: The scenes of the images before it, in order. What they show and the source lacks may return.
    """

    def __init__(self, source: Scene | None, earlier: Sequence[Scene] = ()) -> None:
        super().__init__(source)
        self.departed: tuple[int, ...] = ()
        """The objects that the last removal took away."""
        self.given: list[dict[int, Thing]] = []
        """The objects of each earlier image."""
        self.missing: set[int] = set()
        """Those of them that the source lacks."""
        for scene in earlier:
            self.given.append({})
            for cell, obj in scene.objects.items():
                thing = Thing(obj.kind, Variable({obj.colour}), Variable({obj.size}), Variable({cell}))
                self.given[-1][self.next_id] = thing
                if self._is_gone(scene, cell):
                    self.missing.add(self.next_id)
                    self._forget(thing)  # the newest image that shows it says how it was
                    self.removed[self.next_id] = thing
                self.next_id += 1

    def _is_gone(self, scene: Scene, cell: int) -> bool:
        """Whether the given image has fewer objects of this kind than an earlier one, and none of them in this cell."""
        assert self.source is not None  # noqa: S101 - there is a last image if there are earlier ones
        kind = scene.objects[cell].kind
        then, now = ([obj.kind for obj in one.objects.values()].count(kind) for one in (scene, self.source))
        there = self.source.cells[cell]
        return now < then and (there is None or there.kind != kind)

    def _forget(self, thing: Thing) -> None:
        place = thing.kind, thing.cell.allowed
        known = [one for one, old in self.removed.items() if (old.kind, old.cell.allowed) == place]
        for one in known:
            del self.removed[one]

    def apply_return(self, statement: Statement) -> None:
        """Brings back objects that were removed, as they were and where they were.

        Raises:
            InputError: They are not gone (`no_change`), were never there (`not_there`), may be several (`ambiguous`),
                or something else lies where they were (`occupied`).
        """
        gone = self.gone_before(statement)
        ids: list[int] = []
        for phrase in statement.subject:
            fits = self.returning(phrase, gone)
            every = phrase.every or phrase.pronoun == "them"
            if len(fits) > 1 and not every and len(fits) != phrase.count:
                msg = f'Ambiguous: several objects that left could be "{phrase_text(phrase)}". Say which one returns.'
                raise InputError(msg, code="ambiguous")
            ids += fits
        if any((one, "all") in self.frame.touched for one in ids):
            self.split()
        for one in ids:
            self._check_free(gone[one])
            self.frame.things[one] = gone[one]
            self.frame.touched.add((one, "all"))
        self.last = tuple(ids)

    def gone_before(self, statement: Statement) -> dict[int, Thing]:
        """Returns the objects that a statement may bring back."""
        gone = self._in_picture(statement.picture) if statement.picture else self.removed
        return {one: thing for one, thing in gone.items() if one not in self.frame.things}

    def returning(self, phrase: Phrase, gone: Mapping[int, Thing]) -> list[int]:
        """Returns which of the objects that are gone a phrase means."""
        if phrase.pronoun == "known":
            fits = [phrase.count]
        elif phrase.pronoun in {"it", "them"}:
            fits = [one for one in self.departed if one in gone] or list(gone)
        else:
            fits = self.possible(phrase, dict(gone))
        if fits:
            return fits
        there = bool(self.frame.things) and self.possible(phrase, self.frame.things)
        problem = "is there already; say where it goes" if there else "was in no picture before"
        words = phrase_text(phrase)
        msg = f"{words[:1].upper()}{words[1:]} {problem}."
        raise InputError(msg, code="no_change" if there else "not_there")

    def _in_picture(self, number: int) -> dict[int, Thing]:
        """Returns the objects of a picture that are gone now: the given images come first, then those of the story."""
        base = [] if self.source is None else [self.base.things]
        before = [*self.given, *base, *(frame.things for frame in self.frames[:-1])]
        if number > len(before):
            msg = f"The request brings something back from picture {number}, but only {len(before)} come before."
            raise InputError(msg, code="not_there")
        found = before[number - 1]
        return found if number > len(self.given) else {one: found[one] for one in found if one in self.missing}

    def _check_free(self, thing: Thing) -> None:
        """Checks that nothing else lies where an object was."""
        place = thing.cell.allowed
        taken = [one for one in self.frame.things.values() if one.cell.allowed == place]
        if taken and len(place) == 1:
            msg = f"The {thing.kind} cannot come back: the {taken[0].kind} is where it was. Say where it goes."
            raise InputError(msg, code="occupied")
