"""Reads a sentence by composition: its chunks, their grouping into clauses, and the effect of each clause.

A chunk is an object phrase, a place, a background, a look or a verb, wherever it stands. A clause is what one verb
holds together; a clause without a verb takes over the verb or the subject of the clause before. A word that is no part
of a chunk and changes nothing is skipped; any other word refuses the sentence. Knows no scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrase_types import Ground, Phrase, Where
from interleavethinker.microworld.language.statements import Statement

from .clause import Clause, UnreadError
from .effects import DOES, LISTING, EffectReader
from .groups import stand_in_corners
from .heads import LOOKS
from .idle_words import IdleWordReader
from .nouns import IT
from .tagging import Token, tag
from .talk import essential, without_talk

__all__ = ["read_clauses"]

_SKIPPED = frozenset("GLUE FRAME HOW_TO I DO MODAL THERE ONLY KEEP WHERE WHO OPENING DISLIKE SAME BETTER".split())
"""Tags of words that a clause does not need."""
_BACKWARDS = frozenset({"before", "until", "till"})
_TOLD = frozenset({"VERB", "OTHER", "PRO", "NUM", "NOUN", "DANGER"})
"""Tags of words that are reported if they are left out."""
_BESIDE = frozenset({"above", "below", "next_to", "left", "right"})
_WEAK = frozenset({"be", "have", "start", "make", "get", "give", "keep"})
"""Classes of verbs that may only carry another verb: "it starts to grow"."""


def read_clauses(
    words: tuple[str, ...], *, edits: bool, known: frozenset[str], told: bool = False, lesson: bool = False
) -> tuple[list[Statement], list[str]] | None:
    """Reads one sentence.

    Args:
        words: Its words in plain text.
        edits: Whether the request has an image.
        known: Kinds of objects that were named before, or that the image shows.
        told: Whether a sentence came before, whose subject this one may take over.
        lesson: Whether the request asks how something is drawn, object by object.

    Returns:
        The statements in order with the words that are left out, or None if some words fit no rule.
    """
    tokens = tag(words)
    kept = without_talk(essential(without_talk(tokens)), lenient=True)
    effects = EffectReader(known, edits=edits, told=told)
    effects.left_out = sum(token.tag == "OTHER" for token in tokens) > sum(token.tag == "OTHER" for token in kept)
    effects.lesson = lesson or (any(token.tag == "HOW_TO" for token in tokens) and not edits)
    reader = _Composer(kept, effects)
    try:
        statements = reader.read()
    except UnreadError:
        return None
    texts = [replace(one, text=" ".join(words[slice(*one.span)]).replace(" ,", ",").strip(" ,:")) for one in statements]
    used = {number for token in kept for number in range(token.begin, token.end)}
    read = {"corner", "corners"} if stand_in_corners(texts) else set()
    tokens = tuple(token for token in tokens if token.text not in read)
    unread = [one.text for one in tokens if one.tag == "OTHER" or (one.begin not in used and one.tag in _TOLD)]
    return texts, unread


class _Composer(IdleWordReader):
    """Finds the chunks of one sentence and hands its clauses to `effects`."""

    def __init__(self, tokens: Sequence[Token], effects: EffectReader) -> None:
        super().__init__(tokens, edits=effects.edits)
        self.effects = effects
        self.clause, self.pending = Clause(), ""
        """The clause so far, and the link that was read last: `and`, `with`, `colon` or none."""

    def read(self) -> list[Statement]:
        """Returns the statements.

        Raises:
            UnreadError: A word fits no rule.
        """
        at = 0
        while at < len(self.tokens):
            end = self._link(at) or self._chunk(at)
            if end <= at:
                raise UnreadError(self.text(at))
            at = end
        self._close(at)
        return self.effects.statements

    def where(self, at: int, *, goal: bool = False) -> tuple[Where, int] | None:
        """Reads a place; "underneath" alone is below what was named last, and "her" is the girl if there is one."""
        found = super().where(at, goal=goal)
        start = self.glue(at)
        if found is None and self.tag(start) == "RELATION" and self.tag(start + 1) in {"", "COMMA", "AND", "SEQUENCE"}:
            beside = Where(relation=self.value(start), anchors=(IT,))
            return (beside, start + 1) if self.value(start) in _BESIDE else None
        girl = "girl" in self.effects.known or any(one.kind == "girl" for one in self.clause.things)
        if found is not None and self.tag(start) == "OWN" and "her" in self.text(start).split() and girl:
            return replace(found[0], anchors=(Phrase("girl", definite=True),)), found[1]
        return found

    # Links between clauses

    def _link(self, at: int) -> int:
        """Reads what joins chunks, and words without a meaning; returns the position itself if there are none."""
        name = self.tag(at)
        if name == "SEQUENCE":
            if set(self.text(at).split()) & _BACKWARDS and self.clause.is_empty and not self.effects.statements:
                raise UnreadError(self.text(at))
            self._close(at)
            self.clause.sequenced = True
            return at + 1
        if name in {"AND", "COMMA", "COLON"}:
            if self.value(at) == "so":
                self._close(at)
            self.pending = self.pending or ("colon" if name == "COLON" else "and")
            return at + 1
        if name == "ALL" and self.floats(at + 1):
            return at + 1  # "the cat and the ball should both be big", "a cat and a ball, all in the snow"
        if name == "NUM" and self.tag(at + 1) == "THING":
            return at + 2  # "one object: a ball"
        if name == "WITH" and self.clause.things:
            self.clause.company = True
            self.pending = self.pending or "with"
            return at + 1
        if name == "WHERE" and self.clause.verb is not None and self.clause.things:
            raise UnreadError(self.text(at))  # "the cat is where the tree was"
        if name == "WHO" and self.tag(self.glue(at + 1)) not in {"VERB", "MODAL", "DO", *LOOKS}:
            raise UnreadError(self.text(at))
        if name in _SKIPPED or name == "WITH" or self.is_manner(at):
            self.clause.only |= name == "ONLY"
            self.clause.kept |= name == "KEEP"
            self.clause.asks |= name in {"I", "MODAL"}
            self.clause.disliked |= name == "DISLIKE"
            return at + 1
        return 0

    def _close(self, at: int, *, inherits: bool = False) -> None:
        """Ends the clause; `inherits`: the next one goes on with its verb."""
        span = (self.tokens[self.clause.begin].begin, self.tokens[at - 1].end) if at else (0, 0)
        self.effects.apply(self.clause, span)
        sequenced = self.clause.sequenced and self.clause.is_empty
        self.clause = Clause(begin=min(at, len(self.tokens) - 1), sequenced=sequenced, inherits=inherits)
        self.pending = ""

    def _add(self, kind: str) -> None:
        self.clause.last, self.pending = kind, ""

    # Chunks

    def _chunk(self, at: int) -> int:
        for rule in (
            self._opposed,
            self._background,
            self._absence,
            self._place,
            self._objects,
            self._verb,
            self._look,
            self._word,
        ):
            end = rule(at)
            if end > at:
                return end
        return at

    def _opposed(self, at: int) -> int:
        """Reads "not at the top", "instead of the left" after what holds."""
        start = at + 1 + (self.text(at) in {"instead", "rather"} and self.text(at + 1) in {"of", "than"})
        if not (self.tag(at) == "NOT" or start > at + 1):
            return at
        clause = self.clause
        if clause.wheres and (place := self.where(start, goal=True)) is not None:
            return place[1]
        if clause.grounds and (ground := self.ground(start)) is not None:
            return ground[1]
        look = (self.tag(start) == "COLOUR" and clause.colour) or (self.tag(start) == "SIZE" and clause.size)
        return start + 1 if look and not self._noun_after(start) else at

    def _background(self, at: int) -> int:
        if self.tag(at) == "GROUND_CHANGE":
            self.clause.ground_changes |= not self.text(at).startswith(("it is", "in ", "at ", "on ", "by ", "under "))
            self.clause.grounds.append(Ground(self.value(at)))
            self._add("ground")
            return at + 1
        if self.tag(at) == "EMPTY" and self.text(at) != "empty":
            self.clause.grounds.append(Ground("", True))
            self._add("ground")
            return at + 1
        found = self.ground(at)
        if found is not None:
            if self.pending and self.clause.verb is not None and self.clause.grounds:
                self._close(at, inherits=True)
            self.clause.grounds.append(found[0])
            self._add("ground")
        return at if found is None else found[1]

    def _absence(self, at: int) -> int:
        without = self.tag(at) == "NO" and self.value(at) == "without"
        start = at + without + (without and self.text(at + 1) in {"any", "a"})
        if not (without or self.tag(at) == "NO"):
            return at
        found = self.nouns(start)
        if found is None or any(one.where or one.definite or one.pronoun for one in found[0]):
            end = start + (self.tag(start) == "NO")
            while end > start and self.tag(end) == "OTHER" and not self.value(end):
                end += 1
            ends = self.effects.left_out and self.tag(end) in {"", "COMMA", "AND"}
            if end > start + 1 or (ends and end > start):
                return end  # "no clutter"
            raise UnreadError(self.text(at))
        self.clause.absent += [replace(one, negative=False) for one in found[0]]
        self._add("absent")
        return found[1]

    def _place(self, at: int) -> int:
        clause = self.clause
        if self.tag(at) == "STEP":
            self.check_particle(at, unknown_verb=self.effects.left_out)
            where, end = self.tokens[at].where, at + 1
            after = self.where(end, goal=True) if self.text(at) in {"up", "down"} else None
            found = after or (None if where is None else (where, end))
        elif self.text(at) in {"to", "towards", "toward"} and self.tag(at + 1) in {"DET", "PRO"}:
            anchor = self.noun(at + 1, bare=True)
            found = None if anchor is None else (Where(relation="next_to", anchors=(anchor[0],)), anchor[1])
        elif self.text(at) == "over" and self.tag(at + 1) == "PLACE":
            found = self.where(at + 1, goal=True)
        elif self.tag(at) == "PLACE" and self.value(at) == "FROM":
            clause.source = self.tokens[at].where
            return at + 1
        else:
            found = self.where(at, goal=True)
        if found is None:
            return at
        end = found[1]
        followed = (self.has_article(end) or self.tag(end) in {"NOUN", *LOOKS}) and self.noun(end) is not None
        if self.pending and (clause.wheres or (followed and clause.things)):
            self._close(at, inherits=True)
        self.clause.wheres.append(found[0])
        self._add("where")
        return end

    def _objects(self, at: int) -> int:
        """Reads one object phrase; it begins a clause of its own if it is the subject or has what the verb gives."""
        found = self._phrase(at)
        if found is None:
            return at
        phrase, end = found
        if (
            self.pending
            and self.clause.last == "verb"
            and phrase.kind
            and phrase.definite
            and self.clause.drop_pronoun()
        ):
            self.pending = ""  # "let them change places, the girl and the tree"
        ditransitive = self.clause.verb_classes & {"make", "become", "give", "get", "paint"}
        again = self.effects.is_new(phrase) and phrase.kind in {one.kind for one in self.clause.things} - {""}
        if (self.clause.last == "thing" and not self.pending and not ditransitive) or (
            self.pending == "colon" and again
        ):
            raise UnreadError(self.text(at))  # "a cat chases a ball", "the tale of a cat: a small cat"
        if phrase.same and not self.clause.is_empty:
            self._close(at)
        self.clause.sequenced |= phrase.same and not self.edits  # "the same car in the snow"
        clause, new = self.clause, self.effects.is_new(phrase)
        listed = clause.last in {"thing", ""} and clause.verb is not None and self.pending in {"and", "with", "colon"}
        described = clause.verb is None and new and all(map(self.effects.is_new, clause.things))
        gives = clause.verb is not None and bool(clause.verb_classes & LISTING) and new
        if self.pending not in {"", "with"} and not clause.is_empty:
            if self._has_predicate(end):
                if (clause.things or clause.verb is not None) and not self._joins_subject(end):
                    self._close(at)
            elif clause.things and not (listed or described or gives):
                self._close(at, inherits=True)
        self.clause.add(phrase)
        self.effects.name(phrase)
        self._add("thing")
        return end

    def _joins_subject(self, end: int) -> bool:
        """Whether the object before `end` shares its verb with those before: "the cat and the ball are big"."""
        clause, verb = self.clause, self.glue(end)
        one = self.tag(verb) == "VERB" and self.tokens[verb].form == "s" and self.text(verb) != "was"
        bare = not (clause.wheres or clause.grounds or clause.colour or clause.size)
        return clause.verb is None and bare and clause.last == "thing" and not one

    def _phrase(self, at: int) -> tuple[Phrase, int] | None:
        """Reads an object phrase; what was there before takes only what tells it from others."""
        short = self.noun(at, bare=True)
        if short is None or short[0].negative:
            return None
        bare = not self.has_article(at)
        phrase = self.effects.known_again(short[0], self.clause, bare=bare, predicated=self._has_predicate(short[1]))
        self.clause.assumed |= short[0].definite is not False and phrase.definite is False
        if self.effects.is_new(phrase):
            full = self.noun(at)
            assert full is not None  # noqa: S101 - its head was read
            return replace(full[0], definite=phrase.definite), full[1]
        full = self.noun(at)
        if (
            full is not None
            and full[1] > short[1]
            and self._has_predicate(full[1])
            and not self._has_predicate(short[1])
        ):
            return replace(full[0], definite=phrase.definite), full[1]
        return phrase, short[1]

    def _has_predicate(self, at: int) -> bool:
        """Whether a verb follows that says something of the object before."""
        after = self.glue(at)
        return self.tag(after) in {"MODAL", "ABSENT"} or (
            self.tag(after) == "VERB" and self.tokens[after].form != "ing" and not self.is_order(after)
        )

    def _verb(self, at: int) -> int:
        if self.tag(at) == "EXISTS":
            if self.pending and not self.clause.is_empty and self.clause.things:
                self._close(at)
            self.clause.verb_classes = frozenset({"exists"})
            self.clause.verb = self.clause.verb or self.tokens[at]
            self.pending = ""
            return at + 1
        if self.tag(at) != "VERB":
            return at
        token, clause = self.tokens[at], self.clause
        orders = clause.verb is not None and clause.after and self.is_order(at)
        if self.pending and clause.verb_classes & {"appear", "come"} and "stay" in token.classes:
            self.pending = ""
            return at + 1  # "a girl comes and stands above it"
        if (self.pending or orders) and (clause.things or clause.verb is not None):
            self._close(at)
        elif clause.verb is not None and clause.after and token.form == "ing":
            return at + 1  # "a girl in the snow, playing"
        clause = self.clause
        if clause.verb_classes & DOES and clause.last == "verb" and not token.classes & (clause.verb_classes | _WEAK):
            raise UnreadError  # "swap colors": the second word is no verb
        clause.passive |= clause.verb is not None and "be" in clause.verb.classes and token.form == "ed"
        if clause.verb is None or clause.verb_classes <= _WEAK or not token.classes <= _WEAK:
            clause.verb, clause.verb_classes = token, token.classes
        self._add("verb")
        return at + 1

    def _look(self, at: int) -> int:
        start = at + (self.tag(at) == "ALL" and self.text(at + 1) == "in")
        start += self.text(start) in {"in", "of", "to", "into"} and self.tag(start + 1) in {*LOOKS, "CMP"}
        start += self.tag(start) == "DET" and self.tag(start + 1) in {"CMP", "COLOURED"}
        start += self.tag(start) == "COLOURED"
        start += self.text(start) in {"more", "much", "way", "far"} and self.tag(start + 1) in {*LOOKS, "CMP"}
        if self.tag(start) not in {*LOOKS, "CMP"} or self._noun_after(start):
            return at
        clause = self.clause
        if self.pending and clause.last == "thing" and clause.verb is None and self._has_look(self.tag(start)):
            raise UnreadError(self.text(start))  # "a ball that is red and also blue"
        if self.pending and clause.last != "look" and (clause.things or clause.wheres):
            self._close(at, inherits=True)
        clause = self.clause
        if "too" in self.text(at - 1).split():
            raise UnreadError(self.text(at - 1))  # "too small": it should change
        taken = clause.colour if self.tag(start) == "COLOUR" else clause.size
        if taken and taken != self.value(start):
            raise UnreadError(self.text(start))
        if self.tag(start) == "COLOUR":
            clause.colour = self.value(start)
        else:
            clause.size = self.value(start)
        self._add("look")
        start += 1
        return start + (self.tag(start) == "COLOURED" or self.text(start) in {"colour", "size", "sized"})

    def _word(self, at: int) -> int:
        """Reads single words with an effect of their own, and those that nothing depends on."""
        name, clause, text = self.tag(at), self.clause, self.text(at)
        if name in {"GONE", "ABSENT", "NOT_THERE"}:
            clause.gone = True
        elif self.is_stage(at) or (name == "DET" and self.is_stage(at + 1)):
            if self.pending and not clause.is_empty:
                self._close(at)
            self.clause.stage = True
        elif name == "INSTEAD" or text in {"instead", "rather"}:
            clause.instead = True
            clause.role = "old" if self.text(at + 1) == "of" else clause.role
            clause.last = ""
            return at + 1 + (self.text(at + 1) == "of")
        elif text == "than" and clause.instead:
            clause.role, clause.last = "old", ""
        elif self.names_new(at):
            clause.role, clause.last = "new", ""
        elif text in {"on", "in"} and self.tag(at + 1) == "PRO" and (clause.grounds or "exists" in clause.verb_classes):
            return at + 2  # "the sea with a boat on it"
        elif not self.is_idle(at):
            raise UnreadError(text)
        return at + 1
