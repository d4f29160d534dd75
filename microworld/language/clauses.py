"""Reads sentences as statements: what is there, what appears, disappears, moves or changes.

Rules only. A sentence is understood if all its words belong to statements; otherwise `read_sentence` returns None.
Knows no scene and resolves nothing: `requests.story` applies statements to objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .orders import OrderReader
from .phrases import Ground, Phrase
from .predicates import Read
from .statements import DOING, DRAW, FILLER, JOINER, KEEP, OPENING, PICTURE, POLITE, SEQUENCE, Statement

_AFTER = (
    "(?:, )?(?:please|instead|too|as well|now|again in the same place|for me|here|any more|anymore|any longer|at all|"
    "again|(?:in|from) (?:the|this|my|that) (?:picture|image|scene))"
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
    reader = _ClauseReader(words)
    return reader.sentence()


class _ClauseReader(OrderReader):
    """Reads statements of one sentence."""

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(words)
        self._known_items: dict[int, list[tuple[tuple[Phrase | Ground, ...], int]]] = {}
        self._rest: dict[tuple[int, str], list[Statement] | None] = {}

    def sentence(self) -> list[Statement] | None:
        """Returns the statements that use up every word, or None."""
        found = self._statements(0, "") or self._place_alone()
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
        for begin in reversed(starts):
            for statement, end in self._clause(begin, verb):
                following, left_out = self._separator(end, statement.kind), self._verb_of(statement, begin, verb)
                if following is None and " " in left_out:
                    following, left_out = self.end("(?:, )?(?:which|who|that)", end), f"{left_out} only"
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
        if statement.kind in {"is", "move", "recolour", "resize", "replace", "scene"} and not statement.ordered:
            subject = statement.subject or statement.items
            return f"{'them' if len(subject) > 1 else 'it'} {statement.kind}"
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
        if self.end(SEQUENCE, at) is not None or self.end("without", at) is not None:
            return at
        if kind not in {"scene", "background"} and self.ground(at) is not None:  # "it sits in the middle of a meadow"
            return at
        colon = "|:" if kind in {"scene", "background", "is", "keep", "mention"} else ""
        return self.end(f"(?:, )?(?:and|but|while|so that|with|where|until|till)|,{colon}", at)

    def _clause(self, at: int, verb: str) -> Read:
        if verb.endswith(" only"):  # after "who": nothing but a predicate
            yield from self._elliptic(at, verb)
            return
        if (end := self.end(KEEP, at)) is not None:
            yield Statement("keep"), end
        yield from self.read_background(at)
        yield from ((replace(order, ordered=True), end) for order, end in self.orders(at))
        yield from self.narrative(at)
        yield from self._negation(at)
        yield from self._scene(at)
        if verb:
            yield from self._elliptic(at, verb)

    # Descriptions

    def _negation(self, at: int) -> Read:
        start = (
            self.end(
                "(?:there (?:is|are|should be|must be)(?: not| no longer)?|but|with|and)? ?(?:without|no longer|"
                "not|do not "
                "(?:draw|add|show|include|put)|(?:i|we) (?:do not|no longer) (?:want|need)|has|have)?",
                at,
            )
            or at
        )
        words = self.text[at:start]
        for phrase, end in self.phrases(start):
            if words.split()[-1:] == ["not"] and phrase.definite:
                yield Statement("keep", subject=(phrase,)), end  # "make the cat red, but not the tree"
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

    def _scene(self, at: int) -> Read:
        start = at
        for _ in range(3):
            after = max(self.end(DRAW, start) or 0, self.end(PICTURE, start) or 0)
            if not after:
                break
            start = after
        for begin in dict.fromkeys((start, at)):
            if (
                end := self.end(
                    "(?:nothing|an empty (?:picture|image|scene)|nobody|no one|empty picture|without (?:anything|"
                    "anyone|any "
                    "(?:things?|objects?)))(?: else)?(?: there| is there| (?:in|on) it)?",
                    begin,
                )
            ) is not None:
                found = self.ground(end) or self.ground(self.end(",", end) or end)
                yield (
                    Statement("scene", items=(Ground(found[0].name, True),) if found else (Ground("", True),)),
                    found[1] if found else end,
                )
            for items, end in self._items(begin):
                yield Statement("scene", items=items), end
                if isinstance(items[0], Ground) and (last := self.end("(?:in|on) it", end)) is not None:
                    yield Statement("scene", items=items), last  # "a meadow with two trees in it"

    def _items(self, at: int) -> list[tuple[tuple[Phrase | Ground, ...], int]]:
        """Reads objects and backgrounds in any order, longest first."""
        if at not in self._known_items:
            self._known_items[at] = []
            ends: dict[int, tuple[Phrase | Ground, ...]] = {}
            for items, end in self._read_items(at):
                ends.setdefault(end, items)  # what follows depends on the end only
            self._known_items[at] = [(items, end) for end, items in ends.items()]
        return self._known_items[at]

    def _read_items(self, at: int) -> Iterator[tuple[tuple[Phrase | Ground, ...], int]]:
        for item, end in self._item(at):
            after = self.end(JOINER, end)
            if after is None:
                after = self._before_ground(item, end)
            for following in dict.fromkeys(filter(None, (after, end))):
                if following < len(self.text):
                    if following == end and self.ground(end if not isinstance(item, Ground) else at) is None:
                        continue
                    yield from (((item, *others), last) for others, last in self._items(following))
            yield (item,), end

    def _before_ground(self, item: Phrase | Ground, at: int) -> int | None:
        """Returns where the next item begins after words such as "stands" or "swims": "a fish swims in the sea"."""
        if isinstance(item, Ground):
            return self.end("(?:, )?(?:there (?:is|are|was|were|lived)|stands?|sits?|lives?|i see|we see|you see)", at)
        end = self.end(DOING, at)
        return end if end is not None and not item.definite and self.ground(end) is not None else None

    def _item(self, at: int) -> Iterator[tuple[Phrase | Ground, int]]:
        at = self.end("(?:also|then|finally|lastly)(?! ,)", at) or at
        for phrase, end in self.phrases(at):
            if phrase.kind and not phrase.negative:
                yield phrase, end
        if (ground := self.ground(at, bare=True)) is not None:
            yield ground
        for where, middle in self.wheres(at):
            start = self.end(
                "(?:, )?(?:there (?:is|are|was|were|should be)|stands?|sits?|is|are|lies?|i see|we see|put|draw|"
                "add|place|:)|,",
                middle,
            )
            for phrase, end in self.phrases(start or middle):
                if phrase.kind and not phrase.where and not phrase.negative:
                    yield replace(phrase, where=(where,)), end

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
        yield from self.predicate(subject, at)
        if kind == "move":
            yield from self.read_moves(subject, at)
        elif kind in {"recolour", "resize"}:
            yield from self.read_become(subject, at)
        if kind in {"is", "scene"}:
            yield from self.states(subject, at, new=False)


_VERBS = frozenset({"make", "turn", "paint", "colour", "remove", "delete", "erase", "move", "put", "bring", "place"})
