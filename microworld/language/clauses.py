"""Reads sentences as statements: what is there, what appears, disappears, moves or changes.

Rules only. A sentence is understood if all its words belong to statements; otherwise `read_sentence` returns None.
Knows no scene and resolves nothing: `requests.story` applies statements to objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .orders import OrderReader
from .phrase_patterns import COLOUR, FURTHER, SIZE, SPOTS
from .phrases import Ground, Phrase, Where, cell_named
from .predicates import Read
from .reader.tagging import has_company
from .statements import (
    APPEAR,
    DOING,
    DRAW,
    FILLER,
    JOINER,
    KEEP,
    ONLY,
    OPENING,
    PICTURE,
    POLITE,
    RETURN,
    SEQUENCE,
    Statement,
)

_AFTER = (
    "(?:, )?(?:please|instead|too|as well|now|again in the same place|for me|here|any more|anymore|any longer|at all|"
    "(?:who|that|which) (?:has|owns) nothing(?: (?:yet|else|at all|with (?:it|her|him)))?|again|"
    "(?:anywhere|somewhere|wherever there is (?:room|space))|(?:in|from) (?:the|this|my|that) (?:picture|image|scene))"
)
"""What may end a statement without changing it."""

__all__ = ["Statement", "read_sentence"]


def read_sentence(words: tuple[str, ...]) -> list[Statement] | None:
    """Reads one sentence.

    Args:
        words: Its words in canonical spelling; "," and ":" are words of their own.

    Returns:
        The statements in order, or None if some of the words belong to none.
    """
    return None if has_company(words) else _ClauseReader(words).sentence()


class _ClauseReader(OrderReader):
    """Reads statements of one sentence."""

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(words)
        self._known_items: dict[tuple[int, bool], list[tuple[tuple[Phrase | Ground, ...], int]]] = {}
        self._rest: dict[tuple[int, str], list[Statement] | None] = {}

    def sentence(self) -> list[Statement] | None:
        """Returns the statements that use up every word, or None."""
        found = self._statements(0, "") or self._place_alone() or self._attributes_alone(0)
        if found:
            found[0] = replace(found[0], new_piece=True)
        return found

    def _place_alone(self) -> list[Statement] | None:
        """Reads "on the left" as the place of the object that the sentence before named."""
        subject = (Phrase(pronoun="it", definite=True),)
        return next(
            (
                [Statement("is", subject=subject, where=where, stated=True, span=(0, len(self.text.split())))]
                for where, end in self.wheres(0, bare=True)
                if end >= len(self.text)
            ),
            None,
        )

    def _attributes_alone(self, at: int) -> list[Statement] | None:
        """Reads "white, large, in the centre" as what is true of the object that the sentence before named."""
        it = (Phrase(pronoun="it", definite=True),)
        found = self.match(rf"(?:(?P<colour>{COLOUR})|(?P<size>{SIZE}))", at)
        states = [(Statement("is", subject=it, where=where), end) for where, end in self.wheres(at, bare=True)]
        if found is not None:
            named = Statement("is", subject=it, colour=found["colour"] or "", size=found["size"] or "")
            states.insert(0, (named, found.end()))
        for state, end in states:
            one = replace(state, span=(len(self.text[:at].split()), len(self.text[:end].split())))
            if end >= len(self.text):
                return [one]
            rest = self._attributes_alone(self.end("(?:, )?and|,", end) or end)
            if rest is not None:
                return [one, *rest]
        return None

    def _statements(self, at: int, verb: str) -> list[Statement] | None:
        """Reads everything from a position on; `verb` is what a statement without a verb takes over."""
        if (at, verb) not in self._rest:
            self._rest[at, verb] = None
            self._rest[at, verb] = self._read_rest(at, verb)
        found = self._rest[at, verb]
        return None if found is None else list(found)

    def _read_rest(self, at: int, verb: str) -> list[Statement] | None:
        starts, new_piece = self._skip(at)
        if starts[-1] >= len(self.text):
            return []
        starts.sort(key=lambda start: self.end(ONLY, start) is not None)
        for begin in reversed(starts):
            for statement, end in self._clause(begin, verb, listing=not new_piece):
                following, left_out = self._separator(end, statement.kind), self._verb_of(statement, begin, verb)
                if following is None and " " in left_out:
                    following, left_out = (
                        self.end("(?:, )?(?:which|who|that)", end),
                        f"{left_out.replace('finder', 'it')} only",
                    )
                if following is None:
                    continue
                span = len(self.text[:begin].split()), len(self.text[:end].split())
                rest = self._statements(following, left_out)
                if rest is not None:
                    return [replace(statement, new_piece=new_piece, sequenced=new_piece, span=span), *rest]
        return None

    def _verb_of(self, statement: Statement, at: int, verb: str) -> str:
        """Returns what the next statement may leave out: an order's verb, or the subject of narration."""
        if statement.kind in {"remove", "recolour", "resize", "move", "replace"} and statement.subject:
            found = re.match(r"\w+", self.text[at:])
            if found and found.group() in _VERBS:
                return found.group()
        if statement.kind in _NARRATED and not statement.ordered:
            subject = [one for one in statement.subject or statement.items if isinstance(one, Phrase)]
            if statement.kind == "scene" and statement.subject:
                return "finder scene"  # "the girl finds a flower and goes home"
            many = len(subject) > 1 or any(one.every or one.count > 1 for one in subject)
            return f"{'them' if many else 'it'} {statement.kind}"
        return verb if statement.subject and " " not in verb else ""

    def _skip(self, at: int) -> tuple[list[int], bool]:
        """Skips words that only link or introduce.

        Returns:
            The positions after each of them, and whether they begin a new picture.
        """
        new_piece, starts = False, [at]
        while True:
            if (end := self.end(SEQUENCE, at)) is not None:
                new_piece = True
            elif (end := self.end(OPENING, at)) is None:
                end = self.end(FILLER, at) or self.end(POLITE, at)
            if end is None or (self.end(KEEP, at) or 0) > end:
                return starts, new_piece
            at = end
            starts.append(at)

    def _separator(self, at: int, kind: str) -> int | None:
        """Returns where the next statement begins; None if another word follows directly."""
        at = self.end(_AFTER, at) or at
        at = self.end(_AFTER, at) or at
        if at >= len(self.text):
            return at
        if self.end(SEQUENCE, at) is not None or self._without(at, kind):
            return at
        if kind == "absent" and self.end("no|just|only|nothing but", at) is not None:
            return self.end("just|only|nothing but", at) or at
        if kind not in {"scene", "background"} and self.ground(at) is not None:  # "it sits in the middle of a meadow"
            return at
        colon = "|:" if kind in {"scene", "background", "is", "keep", "mention"} else ""
        if kind == "absent" and (end := self.end("(?:, )?(?:and |but )?(?:just|only|nothing but)", at)) is not None:
            return end
        return self.end(f"(?:, )?(?:and|but|while|so that|so|with|where|until|till)|,{colon}", at)

    def _without(self, at: int, kind: str) -> bool:
        """Whether "without …" says what an image lacks; the cat that "leaves without the ball" leaves it there."""
        if self.end("without", at) is None:
            return False
        comes = kind == "scene" and re.search(rf"\b{APPEAR} (?:[^,]+ )?$", self.text[:at]) is not None
        alone = kind in {"move", "remove", "return", "swap"} or (comes and self.end("without (?:the|it|her|him)", at))
        return not alone or self.end(KEEP, at) is not None

    def _clause(self, at: int, verb: str, *, listing: bool) -> Read:
        if verb.endswith(" only"):  # after "who": nothing but a predicate
            yield from self._elliptic(at, verb)
            return
        if (end := self.end(KEEP, at)) is not None:
            yield Statement("keep"), end
        if (start := self.end(ONLY, at)) is not None:
            for subject, end in self.groups(start):
                if all(one.definite for one in subject):
                    yield Statement("only", subject=subject), end
        yield from self.read_background(at)
        yield from ((replace(order, ordered=True), end) for order, end in self.orders(at))
        yield from self.narrative(at)
        yield from self._negation(at)
        yield from self._vacancy(at)
        yield from self._scene(at, listing=listing)
        if verb:
            yield from self._elliptic(at, verb)
        for phrase, end in self.phrases(at):  # "a house and a tree, the house red, the tree green"
            if phrase.definite and phrase.kind:
                yield from self.states((phrase,), self.end("in|coloured|painted", end) or end, new=False)

    # Descriptions

    def _negation(self, at: int) -> Read:
        start = (
            self.end(
                "(?:there (?:is|are|should be|must be)(?: not| no longer)?|but|with|and)? ?(?:without|no longer|not|"
                "do not (?:draw|add|show|include|put)|(?:i|we) (?:do not|no longer) (?:want|need)|has|have)?",
                at,
            )
            or at
        )
        words = self.text[at:start]
        for phrase, end in self.phrases(start):
            if words.split()[-1:] == ["not"] and phrase.definite:
                yield Statement("keep", subject=(phrase,), attribute="all"), end  # "make the cat red, but not the tree"
                continue
            negative = phrase.negative or re.search(r"\b(?:without|no longer|not)\b", words)
            if negative and (phrase.kind or phrase.pronoun) and not phrase.where:
                yield Statement("absent", subject=(replace(phrase, negative=False),), stated=True), end
            last = self.end("(?:is|are) not (?:there|in the picture)", end)
            if not negative and last is not None:
                yield Statement("absent", subject=(phrase,), stated=True), last
        if (after := self.end("without(?: any)?", at)) is not None:
            for phrase, end in self.phrases(after):
                if phrase.kind and not phrase.where:
                    yield Statement("absent", subject=(phrase,), stated=True), end

    def _vacancy(self, at: int) -> Read:
        """Reads "nothing on the left", "the left side is empty"."""
        lead = "(?:there (?:is|should be|must be) |leave |keep |have |with )?(?:nothing|no things?|no objects?)"
        if (start := self.end(f"{lead}(?: is| at all| else)?", at)) is not None:
            for where, end in self.wheres(start):
                yield Statement("vacant", where=where, stated=True), end
        found = self.match(
            rf"(?:leave |keep )?the (?P<spots>{SPOTS})(?: side| corner| part)?"
            r"(?: (?:is|stays|remains|should (?:be|stay)|must (?:be|stay)))?(?: left)? (?:empty|free|clear)",
            at,
        )
        cell = None if found is None else cell_named(found["spots"].split())
        if found is not None and cell is not None:
            yield Statement("vacant", where=Where(frozenset({cell})), stated=True), found.end()

    def _scene(self, at: int, *, listing: bool) -> Read:
        start = at
        for _ in range(3):
            after = max(self.end(DRAW, start) or 0, self.end(PICTURE, start) or 0)
            if not after:
                break
            start = after
        for begin in dict.fromkeys((start, at)):
            if (
                end := self.end(
                    "(?:nothing|an empty (?:picture|image|scene)|nobody|no one|empty picture|without "
                    "(?:anything|anyone|any (?:things?|objects?)))(?: else)?(?: there| is there| (?:in|on) it)?",
                    begin,
                )
            ) is not None:
                found = self.ground(end) or self.ground(self.end(",", end) or end)
                yield (
                    Statement("scene", items=(Ground(found[0].name, True),) if found else (Ground("", True),)),
                    found[1] if found else end,
                )
            for items, end in self._items(begin, listing):
                yield Statement("scene", items=items), end
                if isinstance(items[0], Ground) and (last := self.end("(?:in|on) it", end)) is not None:
                    yield Statement("scene", items=items), last  # "a meadow with two trees in it"

    def _items(self, at: int, listing: bool) -> list[tuple[tuple[Phrase | Ground, ...], int]]:
        """Reads objects and backgrounds in any order, longest first; `listing`: "then" may join two."""
        if (at, listing) not in self._known_items:
            self._known_items[at, listing] = []
            ends: dict[int, tuple[Phrase | Ground, ...]] = {}
            for items, end in self._read_items(at, listing):
                ends.setdefault(end, items)  # what follows depends on the end only
            self._known_items[at, listing] = [(items, end) for end, items in ends.items()]
        return self._known_items[at, listing]

    def _read_items(self, at: int, listing: bool) -> Iterator[tuple[tuple[Phrase | Ground, ...], int]]:
        for item, end in self._item(at, listing):
            yield from self._group_at_place(item, end, listing)
            after = self.end(JOINER, end)
            if after is None:
                after = self._before_ground(item, end)
            for following in dict.fromkeys(filter(None, (after, end))):
                if following < len(self.text):
                    if following == end and self.ground(end if not isinstance(item, Ground) else at) is None:
                        continue
                    yield from (((item, *others), last) for others, last in self._items(following, listing))
            yield (item,), end

    def _group_at_place(
        self, item: Phrase | Ground, at: int, listing: bool
    ) -> Iterator[tuple[tuple[Phrase | Ground, ...], int]]:
        """Reads a group whose parts follow the background: "two cats in the snow, one red and one white"."""
        if (
            isinstance(item, Ground)
            or item.count < 2
            or item.parts
            or item.definite
            or (ground := self.ground(at)) is None
        ):
            return
        for parts, end in self._parts(self.end(",|:|, namely", ground[1]) or ground[1], item.count):
            group = replace(item, parts=parts)
            if (after := self.end(JOINER, end)) is not None:
                yield from (((group, ground[0], *others), last) for others, last in self._items(after, listing))
            yield (group, ground[0]), end

    def _before_ground(self, item: Phrase | Ground, at: int) -> int | None:
        """Returns where the next item begins after words such as "stands" or "swims": "a fish swims in the sea"."""
        if isinstance(item, Ground):
            return self.end("(?:, )?(?:there (?:is|are|was|were|lived)|stands?|sits?|lives?|i see|we see|you see)", at)
        end = self.end(DOING, at)
        return end if end is not None and not item.definite and self.ground(end) is not None else None

    def _item(self, at: int, listing: bool) -> Iterator[tuple[Phrase | Ground, int]]:
        at = self.end(f"(?:also{'|finally|lastly' if listing else ''})(?! ,)", at) or at
        for phrase, end in self.phrases(at):
            further = phrase.again not in {"", "a"} or self._is_new_one(phrase, at)
            if (phrase.kind or further) and not phrase.negative:
                yield phrase, end
        if (ground := self.ground(at, bare=True)) is not None:
            yield ground
        for where, middle in self.wheres(at):
            start = self.end(
                (
                    "(?:, )?(?:(?:there )?(?:is|are|was|were|should be|stands?|sits?|lies|lie|lives?|waits?|floats?|"
                    "grows?|swims?|flies|shines?|sleeps?|hangs?|goes|comes)|there (?:must|will) be|i see|we see|"
                    "put|draw|add|place|:)|,"
                ),
                middle,
            )
            for phrase, end in self.phrases(start or middle):
                if (phrase.kind or phrase.again) and not phrase.where and not phrase.negative:
                    yield replace(phrase, where=(where,)), end

    def _is_new_one(self, phrase: Phrase, at: int) -> bool:
        """Whether a phrase names a further object of the kind named before: "a big ball and a small one below it"."""
        if phrase.pronoun != "one" or phrase.definite is not False or phrase.count != 1:
            return False
        if self.end(FURTHER, at) is not None:
            return True
        stated = phrase.colours or phrase.sizes or phrase.where
        related = any(where.relation for where in phrase.where)
        return (
            bool(stated)
            and self.end("an?", at) is not None
            and (related or self.text[:at].endswith((" and ", " with ")))
        )

    def _elliptic(self, at: int, verb: str) -> Read:
        """Reads a statement that takes over the verb before it: "make the ball red and the cat blue"."""
        if " " in verb:
            pronoun, kind, *_ = verb.split()
            yield from self._same_subject((Phrase(pronoun=pronoun, definite=True),), at, kind)
            return
        for subject, middle in self.groups(at):
            if any(one.definite is False for one in subject):
                continue
            if verb in {"make", "turn", "paint", "colour"}:
                yield from self.read_become(subject, middle)
            elif verb in {"remove", "delete", "erase"}:
                yield Statement("remove", subject=subject), middle
            elif verb in {"move", "put", "bring", "place"}:
                yield from self.read_moves(subject, middle)

    def _same_subject(self, subject: tuple[Phrase, ...], at: int, kind: str) -> Read:
        """Reads a predicate whose subject was named before: "the cat walks to the top and turns blue"."""
        at = self.end("(?:that|which|who)", at) or at
        if kind == "remove":  # "the cat leaves and comes back"
            yield from self.returned(subject, at, RETURN)
            return
        yield from self.predicate(subject, at)
        if kind == "move":
            yield from self.read_moves(subject, at)
        elif kind in {"recolour", "resize"}:
            yield from self.read_become(subject, at)
        if kind in {"is", "scene"}:
            yield from self.states(subject, at, new=False)


_NARRATED = frozenset({"is", "move", "recolour", "remove", "replace", "resize", "return", "scene"})
"""Statements whose subject the next one may take over."""
_VERBS = frozenset({"make", "turn", "paint", "colour", "remove", "delete", "erase", "move", "put", "bring", "place"})
