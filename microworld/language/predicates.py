"""Reads what sentences say about a subject: "the cat walks to the left", "it turns blue", "a bird appears".

Knows no scene. `orders` and `clauses` build on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .phrase_patterns import COLOUR, POSTURE, SIZE, SPOTS
from .phrases import Ground, Phrase, PhraseReader, Where, cell_named
from .statements import (
    ALONE,
    APPEAR,
    BE,
    BECOME,
    COMPANY,
    FIND,
    GO,
    INSTEAD_OF,
    JOIN,
    LEAVE,
    LIKEWISE,
    LONGS,
    OF_PICTURE,
    OPINION,
    PLANTS,
    RETURN,
    SPROUT,
    Statement,
    picture_number,
)

__all__ = ["PredicateReader", "Read"]

_OF_MANY = (
    "(?:go|turn|become|move|get|are|were|have|grow|shrink|swim|leave|disappear|vanish|change|fly|jump|come|return|float|"
    "dive|sink|rise|stay|swap|trade|exchange|escape|depart|drift|fade|slip|travel|head|hide)"
)
"""Verbs of several: "the fish swim away"."""
Read = Iterator[tuple[Statement, int]]
"""Statements with the position after each."""


class PredicateReader(PhraseReader):
    """Reads narration; every method yields the statements that may begin at a position."""

    def narrative(self, at: int) -> Read:
        """Reads a sentence with a subject: "the cat walks to the left", "a bird appears"."""
        for subject, middle in self.groups(at):
            yield from self.predicate(self._counted(subject, middle), middle)

    def _counted(self, subject: tuple[Phrase, ...], at: int) -> tuple[Phrase, ...]:
        """Returns "the fish" of "the fish turn purple" as all of them: only the verb tells their number."""
        one = subject[0]
        alone = len(subject) == 1 and one.definite and one.count == 1 and not (one.every or one.pronoun)
        if alone and one.kind == "fish" and self.end(_OF_MANY, at) is not None:
            return (replace(one, every=True),)
        return subject

    def predicate(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads what a sentence says about its subject."""
        new = all(not one.definite and ((not one.pronoun and one.kind) or one.again) for one in subject)
        yield from self._company(subject, at, new=new)
        if new:
            yield from self._appears(subject, at)
        if (end := self.end(LEAVE, at)) is not None:
            yield Statement("remove", subject=subject), end
        if not new:
            yield from self._meets(subject, at)
            yield from self.returned(subject, at, RETURN)
        if (end := self.end(GO, at)) is not None:
            yield from self.read_moves(subject, end)
        yield from self._changes(subject, at)
        if not new:
            yield from self._has(subject, at)
        if (start := self.end(BE, at)) is not None:
            yield from self.states(subject, start, new=new)
            for other, end in [] if new else self.phrases(start):  # "suddenly the box is a fish"
                kinds = {one.kind for one in subject}
                if other.kind and other.definite is False and not other.negative and kinds.isdisjoint({other.kind, ""}):
                    yield Statement("replace", subject=subject, new=other), end

    def returned(self, subject: tuple[Phrase, ...], at: int, verb: str = "") -> Read:
        """Reads "comes back" after a subject, and the picture of "the ball from the first picture comes back"."""
        before = self.match(OF_PICTURE, at)
        start = at if before is None else before.end()
        end = self.end(verb, start) if verb else start
        if end is None:
            return
        after = self.match(OF_PICTURE, end) if before is None else None
        if after is not None:
            yield Statement("return", subject=subject, picture=picture_number(after)), after.end()
        yield Statement("return", subject=subject, picture=picture_number(before)), end

    def _has(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads "it has the color of the ball", and without a verb "…, all of them red"."""
        if (start := self.end("(?:should have|has|gets|takes)(?: on)?", at)) is not None:
            if (after := self.end("the (?:same )?colour (?:of|as)", start)) is not None:
                for like, end in self.phrases(after):
                    yield Statement("recolour", subject=subject, like=like), end
            if (found := self.match(f"(?:the colour )?(?P<colour>{COLOUR})", start)) is not None:
                yield Statement("recolour", subject=subject, colour=found["colour"]), found.end()
        named = re.search(r"\b(?:all|both|each|every)(?: \w+){0,4} $", self.text[:at])
        if named is not None and [one.pronoun for one in subject] == ["them"]:
            yield from self.states(subject, self.end("in|coloured|painted", at) or at, new=False)

    def _company(self, subject: tuple[Phrase, ...], at: int, *, new: bool) -> Read:
        """Reads "the cat is alone again", "so that the fish is not alone", "the bird does the same"."""
        if (end := self.end(ALONE, at)) is not None and new:
            yield from ((Statement("scene", items=items), last) for items, last in self._placed(subject, end))
        if new:
            return
        if end is not None:
            yield Statement("alone", subject=subject), end
        if (end := self.end(COMPANY, at)) is not None:
            yield Statement("alone", subject=subject, stated=True), end
        if (end := self.end(LIKEWISE, at)) is not None:
            yield Statement("likewise", subject=subject), end

    def _appears(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads "a cat comes along on the left", "a house stands there now"."""
        plants = all(one.kind in PLANTS for one in subject)
        for pattern in (APPEAR, "belongs?|should (?:be|stand)", *([SPROUT] if plants else [])):
            if (end := self.end(pattern, at)) is not None:
                yield from ((Statement("scene", items=items), last) for items, last in self._placed(subject, end))
        yield from self._joins(subject, at)
        yield from self.takes_place(subject, at)
        end = self.end(
            "(?:stands?|is|sits?|appears?|comes?|lies) (?:there|in (?:its|that) place)(?: now| instead)?", at
        )
        if end is not None and len(subject) == 1:
            yield Statement("fill", subject=subject, new=subject[0]), end

    def _joins(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads "a bird joins the cat": the bird is new, the cat must be there."""
        if (start := self.end(JOIN, at)) is not None:
            for other, end in self.phrases(start):
                if other.definite and other.kind:
                    yield Statement("scene", items=subject, subject=(other,)), end
                    yield from (
                        (Statement("scene", items=items, subject=(other,)), last)
                        for items, last in self._placed(subject, end)
                    )

    def takes_place(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads "a cat comes and takes its place"."""
        start = self.end("(?:comes?(?: along)? and )?takes? (?:(?:its|his|her|their) place|(?P<of>the place of))", at)
        if len(subject) != 1:
            return
        if (after := self.end(INSTEAD_OF, at)) is not None:
            for old, end in self.phrases(after):
                if old.definite and not subject[0].where:
                    last = self.end("(?:was|is|stood|sat|lies|stands|sits|used to be)(?: before)?", end) or end
                    yield Statement("replace", subject=(old,), new=subject[0]), last
        if start is None:
            return
        if self.text[:start].endswith("of "):
            yield from (
                (Statement("replace", subject=(old,), new=subject[0]), end)
                for old, end in self.phrases(start)
                if old.definite
            )
        else:
            yield Statement("replace", subject=(Phrase(pronoun="it", definite=True),), new=subject[0]), start

    def _meets(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads "the girl finds a flower in the middle", "the box is ugly"."""
        if (start := self.end(FIND, at)) is not None:
            for new, after in self.groups(start):
                if all((one.kind or one.again) and one.definite is False and not one.negative for one in new):
                    if (found := self.ground(after)) is not None:
                        yield Statement("scene", items=(*new, found[0]), subject=subject), found[1]
                    yield Statement("scene", items=new, subject=subject), after
        if (end := self.end(f"{OPINION}|{LONGS}", at)) is not None:
            yield Statement("mention", subject=subject), end
        if (start := self.end(POSTURE, at)) is not None:
            yield from ((Statement("is", subject=subject, where=where), end) for where, end in self.wheres(start))

    def _changes(self, subject: tuple[Phrase, ...], at: int) -> Read:
        for pattern, size in (
            ("(?:should )?grows?(?: bigger| big)?|gets? bigger|has grown|have grown", "big"),
            ("(?:should )?shrinks?(?: smaller)?|gets? smaller|has shrunk|have shrunk|grows smaller", "small"),
        ):
            if (end := self.end(pattern, at)) is not None:
                yield Statement("resize", subject=subject, size=size), end
        if (start := self.end(BECOME, at)) is not None:
            yield from self.read_become(subject, start)
            into = self.end("into|a real", start)
            gains = self.text.startswith(("get", "grow"), at)  # "the girl gets a ball"
            for new, end in [] if gains and into is None else self.phrases(into or start):
                if new.kind:
                    yield Statement("replace", subject=subject, new=new), end

    def states(self, subject: tuple[Phrase, ...], at: int, *, new: bool) -> Read:
        """Reads a state: "red", "on the left"; `new`: the subject is named for the first time."""
        found = self.match(rf"(?:(?P<colour>{COLOUR})|(?P<size>{SIZE}))", at)
        if found is not None:
            yield Statement("is", subject=subject, colour=found["colour"] or "", size=found["size"] or ""), found.end()
        for where, end in self.wheres(at):
            if new:
                items = tuple(replace(one, where=(*one.where, where)) for one in subject)
                yield Statement("scene", items=items), end
            else:
                yield Statement("is", subject=subject, where=where), end

    def _placed(self, subject: tuple[Phrase, ...], at: int) -> Iterator[tuple[tuple[Phrase | Ground, ...], int]]:
        """Reads the place that follows a verb and gives it to the last object named."""
        for where, end in self.wheres(at):
            last = replace(subject[-1], where=(*subject[-1].where, where))
            yield (*subject[:-1], last), end
        if (found := self.ground(at)) is not None:
            for where, end in self.wheres(found[1]):
                yield (*subject[:-1], replace(subject[-1], where=(*subject[-1].where, where)), found[0]), end
            yield (*subject, found[0]), found[1]
        yield subject, at

    def read_moves(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads where objects go."""
        found = self.match(
            r"(?:(?P<one>(?:one|a) (?:step|cell|field) (?:further )?)(?:to the )?"
            r"(?P<side>left|right|up|down|upwards|downwards)|(?P<way>up|down|upwards|downwards))",
            at,
        )
        if found is not None:
            word = (found["side"] or found["way"]).removesuffix("wards")
            step = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}[word]
            yield Statement("move", subject=subject, where=Where(step=step)), found.end()
        side = self.match(rf"(?:the (?:far )?(?P<spots>{SPOTS})(?: side| corner| edge)?|(?P<bare>left|right))", at)
        cell = None if side is None else cell_named((side["spots"] or side["bare"]).split())
        if side is not None and cell is not None and self.end("of", side.end()) is None:
            yield Statement("move", subject=subject, where=Where(frozenset({cell}))), side.end()
        start = self.end("over|across|all the way", at) or at
        for where, end in (*self.wheres(start), *self.opposites(start, bare=True)):
            yield Statement("move", subject=subject, where=where), end
        for word in ("to", "towards", "up to", ""):
            if (after := self.end(word, start) if word else start) is not None:
                for anchor, end in self.phrases(after):
                    if anchor.definite and anchor.kind:
                        yield (
                            Statement("move", subject=subject, where=Where(relation="next_to", anchors=(anchor,))),
                            end,
                        )

    def read_become(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads the color or size that objects get."""
        if any(one.negative for one in subject):
            return
        start = self.end("(?:from \\w+ )?(?:in|to|into|to be|be|become|all|both|look|a)", at) or at
        found = self.match(
            rf"(?:(?P<colour>{COLOUR})(?: (?:coloured|colour|too))?|(?P<size>{SIZE})|(?P<more>bigger|smaller))"
            rf"(?: (?:again|instead of (?:{COLOUR}|{SIZE})|rather than (?:{COLOUR}|{SIZE})|instead))?",
            start,
        )
        if found is not None:
            size = found["size"] or {"bigger": "big", "smaller": "small"}.get(found["more"] or "", "")
            kind = "recolour" if found["colour"] else "resize"
            yield Statement(kind, subject=subject, colour=found["colour"] or "", size=size), found.end()
            both = self.match(rf"and (?P<colour>{COLOUR})|and (?P<size>{SIZE})", found.end())
            if both is not None and bool(both["colour"]) != bool(found["colour"]):
                yield (
                    Statement(
                        "recolour",
                        subject=subject,
                        colour=found["colour"] or both["colour"],
                        size=size or both["size"] or "",
                    ),
                    both.end(),
                )
        for kind, pattern in (
            ("recolour", "(?:in |to |into )?the (?:same )?colour (?:of|as)"),
            ("resize", "(?:to )?(?:the (?:same )?size (?:of|as)|(?:just |exactly )?as (?:big|small) as)"),
        ):
            if (after := self.end(pattern, at)) is not None:
                yield from ((Statement(kind, subject=subject, like=like), end) for like, end in self.phrases(after))
