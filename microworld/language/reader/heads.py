"""Reads the head of a noun phrase over tags: determiner, number, looks and noun. Knows no scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrase_types import Phrase, Where
from interleavethinker.microworld.language.places import cell_named

from .tagging import Token

__all__ = ["LOOKS", "HeadReader"]

LOOKS = {"COLOUR", "SIZE"}
"""Tags of what an object looks like."""


class HeadReader:
    """Reads heads of phrases of one sentence.

    Args:
        tokens: Its tagged words.
        edits: Whether the request has an image, so that a noun without an article may mean what is there.
    """

    def __init__(self, tokens: Sequence[Token], *, edits: bool) -> None:
        self.tokens = tuple(tokens)
        self.edits = edits

    def tag(self, at: int) -> str:
        """Returns the tag at a position; empty after the end."""
        return self.tokens[at].tag if 0 <= at < len(self.tokens) else ""

    def text(self, at: int) -> str:
        """Returns the words at a position; empty after the end."""
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def value(self, at: int) -> str:
        """Returns the value at a position; empty after the end."""
        return self.tokens[at].value if 0 <= at < len(self.tokens) else ""

    def is_verb(self, at: int, *classes: str) -> bool:
        """Whether a verb of one of the classes stands at a position; no classes: any verb."""
        if self.tag(at) != "VERB":
            return False
        return not classes or bool(self.tokens[at].classes & set(classes))

    def glue(self, at: int) -> int:
        """Skips words that change nothing."""
        while self.tag(at) == "GLUE" or self.is_manner(at):
            at += 1
        return at

    def is_manner(self, at: int) -> bool:
        """Whether an unknown adverb stands at a position: "majestically"."""
        word = self.text(at)
        return self.tag(at) == "OTHER" and word.endswith("ly") and len(word) > 5 and not self.value(at)

    def has_article(self, at: int) -> bool:
        """Whether an article, a number or a pronoun stands at a position."""
        return self.tag(at) in {"DET", "NUM", "MORE", "SOME", "ALL", "PRO", "HIS"}

    def noun(self, at: int, *, definite: bool = False, bare: bool = False) -> tuple[Phrase, int] | None:
        """Reads one noun phrase; see `nouns.NounReader`."""
        raise NotImplementedError

    def nouns(self, at: int, *, definite: bool = False) -> tuple[tuple[Phrase, ...], int] | None:
        """Reads noun phrases joined by "and" or commas; see `nouns.NounReader`."""
        raise NotImplementedError

    def where(self, at: int, *, goal: bool = False) -> tuple[Where, int] | None:
        """Reads a place or a relation; see `nouns.NounReader`."""
        raise NotImplementedError

    def _look_or_noun(self, at: int) -> int | None:
        return at if self.tag(at) in {*LOOKS, "NOUN", "THING", "ONES", "SIDE"} else None

    def _head(self, at: int, *, definite: bool) -> tuple[Phrase, int] | None:  # noqa: C901, PLR0911, PLR0912, PLR0915 - one branch for each form
        """Reads determiner, number, adjectives and noun."""
        while self.tag(at) == "GLUE" and self.text(at) in {"just", "exactly", "also", "maybe", "perhaps"}:
            at += 1
        base = Phrase(definite=bool(definite))
        determined = again = ""
        count: int | None = None
        many = False
        if self.tag(at) == "ALL":
            base = Phrase(definite=True, every=True, each=self.value(at) == "each")
            count = 2 if self.value(at) == "both" else None
            determined, at = "all", at + 1
            at += self.text(at) == "of"
            at += self.tag(at) == "GLUE"
        if self.tag(at) == "NO" and self.value(at) == "no":
            base, determined, at = Phrase(negative=True), "no", at + 1
        if self.tag(at) in {"DET", "HIS"} and determined != "no":
            value = self.value(at) or "my"
            if not base.every:
                base = Phrase(definite={"a": False, "the": True}.get(value))
            determined, at = determined or value, at + 1
        if self.text(at) == "same" and self.tag(at + 1) == "NOUN" and determined in {"", "the"}:
            base, determined, at = Phrase(definite=True, same=True), "the", at + 1
        if self.tag(at) == "ELSE" and base.definite:
            base, at = replace(base, pronoun="other"), at + 1
        if self.tag(at) in {"NUM", "MORE", "SOME"}:
            name, value = self.tag(at), self.value(at)
            if name == "MORE":
                again, count = "another", 1 if value == "another" else int(value)
                base = replace(base, definite=False)
            elif name == "SOME":
                count, many = int(value), True
            else:
                count = int(value)
            determined, at = determined or "number", at + 1
            at += self.text(at) == "of" and self.tag(at + 1) != "PRO"
            if self.tag(at) == "DET" and self.text(at - 1) == "of":
                return None
        described = self._looks(base, at)
        if described is None:
            return None
        phrase, end = described
        name = self.tag(end)
        if name == "NOUN":
            plural = self.tokens[end].form == "many" or (self.tokens[end].form == "either" and (count or 1) > 1)
            phrase = replace(phrase, kind=self.value(end))
            if plural and determined == "a" and count is None:
                return None
            if plural and count is None and phrase.definite is not False and not phrase.negative:
                phrase = replace(phrase, every=True)
            elif plural and count is None and not phrase.negative:
                phrase = replace(phrase, count=2, some=True)
            elif count is not None:
                every = bool(phrase.definite) and count > 1
                phrase = replace(phrase, count=count, every=phrase.every or every)
            if phrase.pronoun == "other" and plural:
                phrase = replace(phrase, every=True)
            return phrase, end + 1
        if name == "THING" and phrase.definite:
            return replace(phrase, every=phrase.every or self.value(end) == "2"), end + 1
        one = name == "ONES" or (name == "NUM" and self.value(end) == "1" and end > at - (count is None))
        if one and (determined or end > at):
            again = again or ("a" if phrase.definite is False and determined == "a" else "")
            plural = name == "ONES"
            return replace(
                phrase,
                pronoun=phrase.pronoun or "one",
                every=phrase.every or (plural and phrase.definite is True),
                again=again,
                count=count or 1,
            ), end + 1
        if again:
            return replace(phrase, pronoun="one", again=again, count=count or 1), end
        if count is not None and determined == "number" and not many:
            return replace(phrase, pronoun="one", count=count), end
        if phrase.pronoun == "other" and end > at:
            return phrase, end
        return None

    def _looks(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads colors, sizes and words of judgment before a noun."""
        start = at
        while True:
            name = self.tag(at)
            if name == "COLOUR":
                if phrase.colours:
                    return None
                phrase = replace(phrase, colours=frozenset({self.value(at)}))
            elif name == "SIZE":
                if phrase.sizes - {self.value(at)}:
                    return None
                phrase = replace(phrase, sizes=frozenset({self.value(at)}))
            elif name == "SIDE" and self._noun_after(at + 1):
                phrase = replace(phrase, where=(_side(self.value(at)),))
            elif (
                name in {"COMMA", "AND"} and at > start and self._is_adjective(at + 1) and self._noun_after(at + 1)
            ) or (name == "COLOURED" and at > start):
                pass
            elif name == "ALIKE" and self._noun_after(at + 1):
                phrase = replace(phrase, alike=frozenset({"colour", "size"}))
            elif (
                (name == "COMMA" and self.tag(at - 1) == "MORE" and self.tag(at + 1) in {"ALIKE", *LOOKS})
                or (name in {"GLUE", "OTHER", "CMP", "VERB"} and self._is_adjective(at) and self._noun_after(at + 1))
                or (self.text(at) in {"sized", "size"} and at > start)
            ):
                pass
            else:
                return phrase, at
            at += 1

    def _is_adjective(self, at: int) -> bool:
        if self.tag(at) == "OTHER":
            return not self.value(at)
        if self.is_verb(at, "stay", "go") and self.tokens[at].form == "ing":
            return self.tag(at - 1) in {"DET", "HIS", "NUM", *LOOKS}  # "a sailing boat"
        return self.tag(at) in {*LOOKS, "GLUE", "SIDE"}

    def _noun_after(self, at: int) -> bool:
        """Whether adjectives and then a noun follow."""
        while self._is_adjective(at) or (self.tag(at) in {"COMMA", "AND"} and self._is_adjective(at + 1)):
            at += 1
        return self.tag(at) in {"NOUN", "THING", "ONES"} or (self.tag(at) == "NUM" and self.value(at) == "1")

    def _plain_looks(self, at: int) -> int:
        while self.tag(at) in LOOKS or (self.tag(at) == "AND" and self.tag(at + 1) in LOOKS):
            at += 1
        return at

    def _with_looks(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        end = self._plain_looks(at)
        for token in self.tokens[at:end]:
            if token.tag == "COLOUR":
                if phrase.colours:
                    return None
                phrase = replace(phrase, colours=frozenset({token.value}))
            elif token.tag == "SIZE":
                if phrase.sizes - {token.value}:
                    return None
                phrase = replace(phrase, sizes=frozenset({token.value}))
        end += self.tag(end) == "COLOURED" or self.text(end) in {"colour", "coloured", "size", "sized", "hue"}
        return (phrase, end) if end > at else None

    def _ends_phrase(self, at: int) -> bool:
        return self.tag(at) in {"", "COMMA", "AND", "GROUND", "PREP", "SEQUENCE", "GROUND_CHANGE", "GLUE", "WITH"}

    def joint(self, at: int) -> int | None:
        """Returns where the next phrase of a list begins, or None."""
        start = self.glue(at)
        seen = False
        while True:
            if self.tag(start) == "COMMA" or (self.tag(start) == "AND" and self.value(start) == "and"):
                seen = True
            elif self.tag(start) == "GLUE" and (seen or self.text(start) in {"as well as", "also", "too"}):
                pass
            else:
                break
            start += 1
        return start if seen else None


def _side(words: str) -> Where:
    spots = words.replace("upper", "top").replace("lower", "bottom").split()
    cell = cell_named(spots)
    if len(spots) == 1 and spots[0] in {"left", "right", "top", "bottom"}:
        return Where(side=spots[0])
    return Where(frozenset() if cell is None else frozenset({cell}))
