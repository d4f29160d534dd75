"""Reads orders: "make the ball red", "swap the tree and the house", "let night fall".

Knows no scene. `clauses` joins statements to sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES

from .held_out import INDIRECT_BACKGROUNDS
from .phrase_patterns import COLOUR, KIND, NUMBERS, SIZE
from .phrases import Phrase, Where
from .plain_text import NUMBER_WORDS, PLURALS, canonical
from .predicates import PredicateReader, Read
from .statements import (
    ARTICLE_GROUND,
    GROUND_CHANGES,
    HOURS,
    ROW_ORDER,
    STAGE,
    Statement,
)

__all__ = ["OrderReader"]


_PICTURE = "(?:the|this|my|our|that) (?:picture|image|scene)"
_CHANGE_VERB = "(?:change|set|make|turn|show|put|move|bring|switch|transform)"
_COPY = "duplicate|copy|clone|replicate"
_BRING = "(?:(?:add|draw|put|place|make|create|insert|show|give me|i want|i would like)(?: me| in)?)"
_LIKE = "(?:(?:that|which) (?:is|looks) )?(?:(?:exactly|just) )?(?:like|identical to|the same as|equal to|matching)"
_THAT_ONE = (
    "(?:(?:this|that|the (?:first|other|original|existing|old)) one|the (?:first|original)|this|that|it|"
    "the one (?:that is )?(?:already )?(?:there|here))"
)
"""The object that a new one looks like, if its kind need not be named again."""
_FREE = (
    "(?:(?:all|every|each|any)(?: of)?(?: the| these)?(?: single)?|the(?: whole)?)"
    "(?: (?:other|remaining|empty|free|open|unused|blank))+ (?:cell|spot|place|space|square|field|position|slot)s?"
    "(?: (?:of|in) the (?:picture|image|scene|grid))?|"
    "(?:(?:all )?the rest|everything else|the remaining (?:space|room))(?: of the (?:picture|image|scene|grid|cells))?"
)
"""All cells that hold nothing."""
_PLACE_BEFORE = (
    "(?:in|on|at|to|into) (?:its|his|her) (?:old|former|previous|first|original|earlier) (?:place|spot|position|cell)|"
    "where (?:it|he|she) (?:was|stood|sat|had been|used to (?:be|stand|sit))(?: before| first| earlier)?"
)
"""The cell that an object had before it moved."""
_TRADE = "swaps?|trades?|exchanges?|switch(?:es)?|change"
_ATTRIBUTE = "(?P<what>colour|size)s?"
_TURNS = "(?:should (?:be|become)|becomes|turns(?: into)?|gets|changes (?:to|into)|grows|will be)"


class OrderReader(PredicateReader):
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
            start = self.end(f"{ARTICLE_GROUND}(?: {ARTICLE_GROUND})*", start) or start
            if (found := self.ground(start, bare=True)) is not None and not found[0].empty:
                yield Statement("background", ground=found[0].name, stated=number == len(orders)), found[1]

    # Orders

    def orders(self, at: int) -> Read:
        """Reads an order: "remove the ball", "make the cat big", "swap the tree and the house"."""
        for rule in (
            self._removals,
            self._there_instead,
            self._there_now,
            self._puzzles,
            self._fillings,
            self._copies,
            self._trades,
            self._swaps,
            self._replacements,
            self._movements,
            self._returns,
            self._recolourings,
            self._gifts,
            self._resizings,
            self._kept,
            self._wishes,
            self._requests,
            self._exchanges,
            self._opinions,
        ):
            yield from rule(at)

    def _starts(self, verbs: str, at: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        """Reads one of the verbs and the objects that follow."""
        if (start := self.end(f"(?:{verbs})", at)) is not None:
            yield from self.groups(start)

    def _removals(self, at: int) -> Read:
        for subject, end in self._starts(
            "remove|delete|erase|drop|take away|take out|get rid of|hide|clear|clear away|wipe out|throw (?:away|out)",
            at,
        ):
            yield Statement("remove", subject=subject), self.end(f"from (?:here|{_PICTURE})", end) or end
        for subject, middle in self._starts("take|throw", at):
            if (gone := self.end(f"(?:away|out|off)(?: (?:of|from) {_PICTURE})?", middle)) is not None:
                yield Statement("remove", subject=subject), gone

    def _there_instead(self, at: int) -> Read:
        if (start := self.end("put|draw|add|place|show", at)) is not None:
            for new, middle in self.phrases(start):
                end = self.end(f"there(?: instead)?|in its place|instead of it|instead|{_PLACE_BEFORE}", middle)
                if new.kind and not new.where and end is not None:
                    it = Phrase(pronoun="it", definite=True)
                    yield Statement("replace", subject=(it,), new=new, stated=True), end
        for subject, middle in self._starts("draw|show|paint|put|place", at):
            if all(one.pronoun in {"it", "them"} for one in subject):
                yield from ((Statement("is", subject=subject, where=where), end) for where, end in self.wheres(middle))

    def _there_now(self, at: int) -> Read:
        """Reads "there is a cat instead of the box", "so does the other one"."""
        if (start := self.end("there (?:is|are)(?: now)?|(?:we|you|i) (?:now )?see|it shows", at)) is not None:
            for new, middle in self.phrases(start):
                if new.kind and new.definite is False and not new.negative:
                    yield from self.takes_place((new,), middle)
        if (start := self.end("so (?:does|do|did|is|are)", at)) is not None:
            yield from ((Statement("likewise", subject=subject), end) for subject, end in self.groups(start))

    def _puzzles(self, at: int) -> Read:
        if (end := self.end(ROW_ORDER, at)) is not None:
            yield Statement("row"), end
        if (end := self.end(HOURS, at)) is not None:
            yield Statement("hours"), end

    def _fillings(self, at: int) -> Read:
        """Reads "fill the rest with stars", "put a star in every empty cell"."""
        start = self.end(f"(?:fill|cover)(?: up| in)? (?:{_FREE})(?: up)? with", at)
        for new, end in () if start is None else self.phrases(start):
            if new.kind and not (new.definite or new.where or new.negative):
                yield Statement("fill_up", new=new), end
        start = self.end(_BRING, at)
        for new, middle in () if start is None else self.phrases(start):
            last = self.end(f"(?:in|into|on|to) (?:{_FREE})", middle)
            if last is not None and new.kind and not (new.definite or new.where or new.negative):
                yield Statement("fill_up", new=new), last

    def _replacements(self, at: int) -> Read:
        for subject, middle in self._starts("replace|swap|exchange|change|turn|transform|make", at):
            if (after := self.end("with|for|into|to|by", middle)) is not None:
                for new, end in self.phrases(after):
                    if new.kind:
                        yield Statement("replace", subject=subject, new=new), end

    def _movements(self, at: int) -> Read:
        for subject, middle in self._starts("let", at):
            yield from self.predicate(subject, middle)
        for subject, middle in self._starts("move|bring|shift|push|put|place|take|send|drag|slide|pull", at):
            if all(one.definite is not False or one.pronoun == "one" for one in subject):
                yield from self.read_moves(subject, middle)
                last = subject[-1]
                if last.where:  # "put the ball on the left": the place reads like a part of the description
                    there = (*subject[:-1], replace(last, where=last.where[:-1]))
                    yield Statement("move", subject=there, where=last.where[-1]), middle

    def _returns(self, at: int) -> Read:
        """Reads "bring back the cat", "put the ball back"."""
        for subject, end in self._starts("(?:bring|put|get|add|draw|take) back|restore", at):
            yield from self.returned(subject, end)
        for subject, middle in self._starts("bring|put|get|add|draw|take", at):
            yield from self.returned(subject, middle, "back(?: again| in| there)?")

    def _recolourings(self, at: int) -> Read:
        if (start := self.end("make|turn|paint|colour|recolour|change|set|let|dye", at)) is not None:
            for subject, middle in self.groups(self.end("the (?:colour|size) of", start) or start):
                if any(one.definite is not False or one.pronoun == "one" for one in subject):
                    yield from self.read_become(subject, self.end(":", middle) or middle)

    def _gifts(self, at: int) -> Read:
        for subject, middle in self._starts("give", at):
            if (after := self.end("the (?:same )?colour (?:of|as)", middle)) is not None:
                for like, end in self.phrases(after):
                    yield Statement("recolour", subject=subject, like=like), end
            for new, end in self.groups(middle):  # "give her a cat in the middle"
                if all(one.kind and one.definite is False and not one.negative for one in new):
                    yield Statement("scene", items=tuple(_beside(one, subject) for one in new), subject=subject), end
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

    def _requests(self, at: int) -> Read:
        """Reads an order worded as a question: "could the house be bigger"."""
        for subject, middle in self._starts("could|can|should|shall|may|might|would|will", at):
            if all(one.definite is not False for one in subject):
                yield from self.read_become(subject, self.end("be|become|turn", middle) or middle)
                if (start := self.end("be|stand|sit", middle)) is not None:
                    yield from (
                        (Statement("move", subject=subject, where=where), end) for where, end in self.wheres(start)
                    )
                yield from self.predicate(subject, middle)

    def _opinions(self, at: int) -> Read:
        """Reads "i do not like the tree", which names an object and changes nothing."""
        for subject, end in self._starts("(?:i|we) (?:(?:really|do not|always) )*(?:like|love|hate|adore|dislike)", at):
            if all(one.definite for one in subject):
                yield Statement("mention", subject=subject), end

    def _exchanges(self, at: int) -> Read:
        """Reads "put the ball where the cat is, and the other way round"."""
        for subject, middle in self._starts("put|place|move|bring", at):
            if (start := self.end("where", middle)) is None or len(subject) != 1:
                continue
            for other, after in self.phrases(start):
                end = self.end("is(?: ,)? and (?:the other way (?:round|around)|vice versa|the reverse)", after)
                if other.definite and end is not None:
                    yield Statement("swap", subject=(subject[0], other)), end

    def _kept(self, at: int) -> Read:
        unchanged = "where (?:it is|they are)|as (?:it is|they are|it was)|unchanged|there|alone|the same"
        for subject, middle in self._starts("keep|leave", at):
            yield Statement("keep", subject=subject), self.end(unchanged, middle) or middle

    def _copies(self, at: int) -> Read:
        """Reads "duplicate the cat", "make two copies of the ball on the left", "add another one exactly like it"."""
        one = Phrase(definite=False)
        for subject, end in self._starts(_COPY, at):
            if all(not one.negative and one.definite is not False for one in subject):
                yield Statement("copy", subject=subject, new=one), end
                for where, last in self.wheres(end):
                    yield Statement("copy", subject=subject, new=replace(one, where=(where,))), last
                if (
                    times := self.match(rf"(?:once|twice|(?P<times>{'|'.join(NUMBER_WORDS[1:])}) times)", end)
                ) is not None:
                    count = NUMBERS.get(times["times"], 2 if times.group().startswith("twice") else 1)
                    yield Statement("copy", subject=subject, new=replace(one, count=count)), times.end()
        copies = self.match(
            rf"(?:{_BRING} )?(?P<count>an?|one|another|one more|a second|{'|'.join(NUMBER_WORDS[1:])})(?: more)?"
            rf"(?: (?:exact|identical|perfect|second|further))*(?P<looks>(?: (?:{COLOUR}|{SIZE}))*) "
            "(?:copy|copies|duplicates?|clones?|replicas?|twins?) of",
            at,
        )
        if copies is not None:
            count, looks = NUMBERS.get(copies["count"].split()[0], 1), frozenset(copies["looks"].split())
            one = replace(one, count=count, colours=looks & frozenset(COLOURS), sizes=looks & frozenset(SIZES))
            for subject, end in self.groups(copies.end()):
                if len(subject) == 1 and subject[0].definite is not False:
                    yield Statement("copy", subject=subject, new=replace(one, count=count)), end
                    for where, last in self.wheres(end):
                        yield Statement("copy", subject=subject, new=replace(one, count=count, where=(where,))), last
        if (start := self.end(_BRING, at)) is not None:
            yield from self._likenesses(start)
        same = self.match(
            rf"{_BRING} (?:(?:an?|another|one more|a second) (?:exactly )?(?:identical|equal) (?P<kind>{KIND})|"
            rf"the (?:very |exact )?same (?P<again>{KIND}) (?:again|once more|another time|a second time))",
            at,
        )
        if same is not None:
            kind = same["kind"] or same["again"]
            old = Phrase(PLURALS.get(kind, kind), definite=True)
            yield Statement("copy", subject=(old,), new=Phrase(definite=False)), same.end()

    def _likenesses(self, at: int) -> Read:
        """Reads "another cat like the first one": a new object that looks like one that is there."""
        for new, middle in self.phrases(at):
            like = self.end(_LIKE, middle)
            if like is None or new.definite is not False or new.negative or new.parts:
                continue
            if (end := self.end(_THAT_ONE, like)) is not None:
                it = Phrase(new.kind, definite=True) if new.kind else Phrase(pronoun="it", definite=True)
                new = replace(new, pronoun="", again="")  # noqa: PLW2901
                yield Statement("copy", subject=(it,), new=new), end
                other = self.match(rf"(?:, )?(?:but|just)(?: (?:in|it is))? (?:(?P<c>{COLOUR})|(?P<s>{SIZE}))", end)
                if other is not None:
                    colours, sizes = (frozenset(filter(None, [other[name]])) for name in "cs")
                    yield Statement("copy", subject=(it,), new=replace(new, colours=colours, sizes=sizes)), other.end()
            for old, end in self.phrases(like):
                if old.definite and not old.every and (old.kind or old.pronoun == "one"):
                    old = old if old.kind else replace(old, kind=new.kind, pronoun="" if new.kind else "one")  # noqa: PLW2901
                    if new.kind in {"", old.kind}:
                        yield Statement("copy", subject=(old,), new=replace(new, pronoun="", again="")), end

    def _trades(self, at: int) -> Read:
        """Reads "swap the colors of the cat and the ball", "let the cat and the tree trade sizes"."""
        start = self.end(f"(?:{_TRADE})(?: around)?", at)
        named = None if start is None else self.match(f"the {_ATTRIBUTE} of", start)
        if named is not None:
            for subject, end in self.groups(named.end()):
                if len(subject) == 2 or subject[0].every:
                    yield Statement("swap", subject=subject, attribute=named["what"]), end
                elif (
                    other := self.end(f"(?:and|with|for)(?: (?:the {named['what']}s?|that|those) of)?", end)
                ) is not None:
                    yield from (
                        (Statement("swap", subject=(*subject, with_), attribute=named["what"]), last)
                        for with_, last in self.phrases(other)
                    )
        for begin in dict.fromkeys((self.end("let|make|have", at) or at, start or at)):
            for subject, end in self.groups(begin):
                traded = self.match(
                    rf"(?:(?:should|must|to) )?(?:(?:{_TRADE}) )?(?:(?:their|its|the) )?{_ATTRIBUTE}"
                    "(?: with (?:each other|one another))?",
                    end,
                )
                verb = begin == start or (traded is not None and re.search(_TRADE, traded.group()))
                if traded is not None and verb and (len(subject) == 2 or subject[0].every):
                    yield Statement("swap", subject=subject, attribute=traded["what"]), traded.end()

    def _swaps(self, at: int) -> Read:
        start = self.end("(?:swap|exchange|switch)(?: (?:the )?(?:places?|positions?) of| around)?", at)
        if start is not None:
            for subject, end in self.groups(start):
                if len(subject) == 2 and all(one.definite is not False for one in subject):
                    yield (
                        Statement("swap", subject=subject),
                        self.end("(?:places|positions|around|with (?:each other|one another))", end) or end,
                    )
                elif len(subject) == 1 and (other := self.end("with|for", end)) is not None:
                    for with_, last in self.phrases(other):
                        if subject[0].definite and with_.definite:
                            yield Statement("swap", subject=(subject[0], with_)), self.end("places", last) or last
                elif len(subject) == 1 and subject[0].every:
                    yield Statement("swap", subject=subject), self.end("(?:places|positions|around)", end) or end
        begin = self.end("let|make|have", at) or at
        for subject, end in self.groups(begin):
            traded = self.end(
                "(?:should )?(?:(?:swap|trade|change|exchange|switch)s?(?: their)? (?:places|positions)|swap|trade|"
                "change over|(?:take|takes) each other's place)(?: with (?:each other|one another))?",
                end,
            )
            if traded is not None and (len(subject) == 2 or subject[0].every):
                yield Statement("swap", subject=subject), traded


def _beside(new: Phrase, owner: tuple[Phrase, ...]) -> Phrase:
    """Returns what an object is given with its place next to it, unless the words name another one."""
    single = len(owner) == 1 and owner[0].count == 1 and not owner[0].every
    return replace(new, where=(Where(relation="next_to", anchors=owner),)) if single and not new.where else new
