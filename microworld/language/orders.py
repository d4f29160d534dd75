"""Reads changes: orders such as "make the ball red", and narration such as "the cat walks to the left".

Knows no scene. `clauses` joins statements to sentences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .held_out import INDIRECT_BACKGROUNDS
from .phrases import Ground, Phrase, PhraseReader, Where
from .plain_text import canonical
from .statements import (
    APPEAR,
    ARTICLE_GROUND,
    BE,
    BECOME,
    COLOUR,
    GO,
    GROUND_CHANGES,
    HOURS,
    LEAVE,
    ROW_ORDER,
    SIZE,
    STAGE,
    Statement,
)

__all__ = ["OrderReader", "Read"]

Read = Iterator[tuple[Statement, int]]
"""Statements with the position after each."""


_CHANGE_VERB = "(?:change|set|make|turn|show|put|move|bring|switch|transform)"
_TURNS = "(?:should (?:be|become)|becomes|turns(?: into)?|gets|changes (?:to|into)|grows|will be)"


class OrderReader(PhraseReader):
    """Reads single changes; every method yields the statements that may begin at a position."""

    # Backgrounds

    def read_background(self, at: int) -> Read:
        """Reads a change or a statement of the background."""
        for name, pattern in GROUND_CHANGES.items():
            if (end := self.end(pattern, at)) is not None:
                yield Statement("background", ground=name), end
        for name, texts in INDIRECT_BACKGROUNDS.items():
            for text in texts:
                if (end := self.end(" ".join(map(canonical, text.split())), at)) is not None:
                    yield Statement("background", ground=name), end
        orders = (
            rf"{_CHANGE_VERB} (?:{STAGE}|it|everything|the time)(?: (?:to|into|so that it is))?",
            rf"(?:{STAGE}|it)(?: now)? {_TURNS}",
            "change to|let it (?:be|become)|it is now|go to|let us go to",
        )
        for number, pattern in enumerate((*orders, rf"(?:{STAGE}|it|the time)(?: :)? (?:is|was)|{STAGE} :")):
            if (start := self.end(pattern, at)) is None:
                continue
            start = self.end(ARTICLE_GROUND.removesuffix("*") + "+", start) or start
            if (found := self.ground(start, bare=True)) is not None and not found[0].empty:
                yield Statement("background", ground=found[0].name, stated=number == len(orders)), found[1]

    # Orders

    def orders(self, at: int) -> Read:
        """Reads an order: "remove the ball", "make the cat big", "swap the tree and the house"."""
        for rule in (
            self._removals,
            self._there_instead,
            self._puzzles,
            self._swaps,
            self._replacements,
            self._movements,
            self._recolourings,
            self._gifts,
            self._resizings,
            self._kept,
            self._wishes,
        ):
            yield from rule(at)

    def _starts(self, verbs: str, at: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        """Reads one of the verbs and the objects that follow."""
        if (start := self.end(f"(?:{verbs})", at)) is not None:
            yield from self.groups(start)

    def _removals(self, at: int) -> Read:
        for subject, end in self._starts(
            "remove|delete|erase|drop|take away|take out|get rid of|hide|clear|wipe out", at
        ):
            yield Statement("remove", subject=subject), self.end("from the (?:picture|image|scene)", end) or end
        for subject, middle in self._starts("take", at):
            if (gone := self.end("away|out|off", middle)) is not None:
                yield Statement("remove", subject=subject), gone

    def _there_instead(self, at: int) -> Read:
        if (start := self.end("put|draw|add|place|show", at)) is not None:
            for new, middle in self.phrases(start):
                end = self.end("there instead|in its place|instead of it", middle)
                if new.kind and not new.where and end is not None:
                    yield Statement("replace", subject=(Phrase(pronoun="it", definite=True),), new=new), end
        for subject, middle in self._starts("draw|show|paint|put|place", at):
            if all(one.pronoun in {"it", "them"} for one in subject):
                yield from ((Statement("is", subject=subject, where=where), end) for where, end in self.wheres(middle))

    def _puzzles(self, at: int) -> Read:
        if (end := self.end(ROW_ORDER, at)) is not None:
            yield Statement("row"), end
        if (end := self.end(HOURS, at)) is not None:
            yield Statement("hours"), end

    def _replacements(self, at: int) -> Read:
        for subject, middle in self._starts("replace|swap|exchange|change|turn|transform|make", at):
            if (after := self.end("with|for|into|to|by", middle)) is not None:
                for new, end in self.phrases(after):
                    if new.kind:
                        yield Statement("replace", subject=subject, new=new), end

    def _movements(self, at: int) -> Read:
        for subject, middle in self._starts("let", at):
            yield from self._predicate(subject, middle)
        for subject, middle in self._starts("move|bring|shift|push|put|place|take|send|drag|slide|pull", at):
            if all(one.definite is not False for one in subject):
                yield from self.read_moves(subject, middle)
                last = subject[-1]
                if last.where:  # "put the ball on the left": the place reads like a part of the description
                    there = (*subject[:-1], replace(last, where=last.where[:-1]))
                    yield Statement("move", subject=there, where=last.where[-1]), middle

    def _recolourings(self, at: int) -> Read:
        if (start := self.end("make|turn|paint|colour|recolour|change|set|let|dye", at)) is not None:
            for subject, middle in self.groups(self.end("the colour of", start) or start):
                if any(one.definite is not False for one in subject):
                    yield from self.read_become(subject, middle)

    def _gifts(self, at: int) -> Read:
        for subject, middle in self._starts("give", at):
            if (after := self.end("the (?:same )?colour (?:of|as)", middle)) is not None:
                for like, end in self.phrases(after):
                    yield Statement("recolour", subject=subject, like=like), end
            found = self.match(rf"(?:a |the )?(?P<colour>{COLOUR})(?: colour)?|the colour (?P<other>{COLOUR})", middle)
            if found is not None:
                yield Statement("recolour", subject=subject, colour=found["colour"] or found["other"]), found.end()

    def _resizings(self, at: int) -> Read:
        for verbs, size in (("grow|enlarge|magnify", "big"), ("shrink|reduce", "small")):
            for subject, end in self._starts(verbs, at):
                yield Statement("resize", subject=subject, size=size), end
        for subject, middle in self._starts("resize", at):
            if (found := self.match(rf"to (?:be )?(?P<size>{SIZE})", middle)) is not None:
                yield Statement("resize", subject=subject, size=found["size"]), found.end()

    def _wishes(self, at: int) -> Read:
        """Reads "I would like the cat to be red", "I want the cat gone"."""
        for subject, middle in self._starts("i would like|i want|we want|i wish", at):
            if (
                gone := self.end("(?:to be )?(?:gone|removed|away)|to (?:leave|go away|disappear)", middle)
            ) is not None:
                yield Statement("remove", subject=subject), gone
            if (start := self.end("to (?:be|become|turn)", middle)) is not None:
                yield from self.read_become(subject, start)
                yield from ((Statement("move", subject=subject, where=where), end) for where, end in self.wheres(start))

    def _kept(self, at: int) -> Read:
        unchanged = "where (?:it is|they are)|as (?:it is|they are|it was)|unchanged|there|alone|the same"
        for subject, middle in self._starts("keep|leave", at):
            yield Statement("keep", subject=subject), self.end(unchanged, middle) or middle

    def _swaps(self, at: int) -> Read:
        start = self.end("(?:swap|exchange|switch)(?: (?:the )?(?:places?|positions?) of| around)?", at)
        if start is not None:
            for subject, end in self.groups(start):
                if len(subject) == 2 and all(one.definite is not False for one in subject):
                    yield (
                        Statement("swap", subject=subject),
                        self.end("(?:places|positions|around|with each other)", end) or end,
                    )
                elif len(subject) == 1 and (other := self.end("with|for", end)) is not None:
                    for with_, last in self.phrases(other):
                        if subject[0].definite and with_.definite:
                            yield Statement("swap", subject=(subject[0], with_)), self.end("places", last) or last
                elif len(subject) == 1 and subject[0].every:
                    yield Statement("swap", subject=subject), self.end("(?:places|positions|around)", end) or end
        begin = self.end("let", at) or at
        for subject, end in self.groups(begin):
            traded = self.end(
                "(?:should )?(?:(?:swap|trade|change|exchange|switch)s?(?: their)? (?:places|positions)|swap|"
                "change over)",
                end,
            )
            if traded is not None and (len(subject) == 2 or subject[0].every):
                yield Statement("swap", subject=subject), traded

    # Narration

    def narrative(self, at: int) -> Read:
        """Reads a sentence with a subject: "the cat walks to the left", "a bird appears"."""
        for subject, middle in self.groups(at):
            yield from self._predicate(subject, middle)

    def _predicate(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads what a sentence says about its subject."""
        new = all(not one.definite and not one.pronoun and one.kind for one in subject)
        if new:
            for pattern in (APPEAR, "belongs?|should (?:be|stand)"):
                if (end := self.end(pattern, at)) is not None:
                    yield from ((Statement("scene", items=items), last) for items, last in self._placed(subject, end))
        if (end := self.end(LEAVE, at)) is not None:
            yield Statement("remove", subject=subject), end
        if (end := self.end(GO, at)) is not None:
            yield from self.read_moves(subject, end)
        yield from self._changes(subject, at)
        if not new and (start := self.end("(?:should have|has|gets|takes)(?: on)?", at)) is not None:
            if (after := self.end("the (?:same )?colour (?:of|as)", start)) is not None:
                for like, end in self.phrases(after):
                    yield Statement("recolour", subject=subject, like=like), end
            if (found := self.match(f"(?:the colour )?(?P<colour>{COLOUR})", start)) is not None:
                yield Statement("recolour", subject=subject, colour=found["colour"]), found.end()
        if (start := self.end(BE, at)) is not None:
            yield from self._states(subject, start, new=new)

    def _changes(self, subject: tuple[Phrase, ...], at: int) -> Read:
        for pattern, size in (
            ("(?:should )?grows?(?: bigger| big)?|gets? bigger|has grown|have grown", "big"),
            ("(?:should )?shrinks?(?: smaller)?|gets? smaller|has shrunk|have shrunk|grows smaller", "small"),
        ):
            if (end := self.end(pattern, at)) is not None:
                yield Statement("resize", subject=subject, size=size), end
        if (start := self.end(BECOME, at)) is not None:
            yield from self.read_become(subject, start)
            for new, end in self.phrases(self.end("into|a real", start) or start):
                if new.kind:
                    yield Statement("replace", subject=subject, new=new), end

    def _states(self, subject: tuple[Phrase, ...], at: int, *, new: bool) -> Read:
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
            yield (*subject, found[0]), found[1]
        yield subject, at

    def read_moves(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads where objects go."""
        found = self.match(
            r"(?:(?P<one>(?:one|a) (?:step|cell|field) (?:further )?)(?:to the )?(?P<side>left|right|up|down|"
            r"upwards|downwards)|"
            r"(?P<way>up|down|upwards|downwards))",
            at,
        )
        if found is not None:
            word = (found["side"] or found["way"]).removesuffix("wards")
            step = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}[word]
            yield Statement("move", subject=subject, where=Where(step=step)), found.end()
        start = self.end("over|across|all the way", at) or at
        for where, end in self.wheres(start):
            yield Statement("move", subject=subject, where=where), end
        for word, relation in (("to", "next_to"), ("towards", "next_to")):
            if (after := self.end(word, start)) is not None:
                for anchor, end in self.phrases(after):
                    if anchor.definite and anchor.kind:
                        yield Statement("move", subject=subject, where=Where(relation=relation, anchors=(anchor,))), end

    def read_become(self, subject: tuple[Phrase, ...], at: int) -> Read:
        """Reads the color or size that objects get."""
        if any(one.negative for one in subject):
            return
        start = self.end("(?:from \\w+ )?(?:in|to|into|to be|be|become|all|both|look|a)", at) or at
        found = self.match(
            rf"(?:(?P<colour>{COLOUR})(?: (?:coloured|colour|too))?|(?P<size>{SIZE})|(?P<more>bigger|smaller))"
            rf"(?: (?:again|instead))?",
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
        if (after := self.end("(?:in |to |into )?the (?:same )?colour (?:of|as)", at)) is not None:
            yield from ((Statement("recolour", subject=subject, like=like), end) for like, end in self.phrases(after))
