"""What a clause does to a picture, as statements: one function for each effect of a verb. Knows no words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from interleavethinker.microworld.language.phrase_types import Phrase
from interleavethinker.microworld.language.statements import Statement

from .clause import Clause, UnreadError
from .nouns import FINDER, IT, THEM

__all__ = ["DOES", "LISTING", "EffectReader"]

_MEETS = frozenset({"have", "stay"})
"""Classes of verbs between an object that is there and one that appears: "it eats a fish"."""


class EffectReader:
    """Turns the clauses of one sentence into statements.

    Args:
        known: Kinds of objects that were named before, or that the image shows.
        edits: Whether the request has an image.
        told: Whether a sentence came before.
    """

    def __init__(self, known: frozenset[str], *, edits: bool, told: bool) -> None:
        self.known, self.before, self.edits = known, known, edits
        self.statements: list[Statement] = []
        self.left_out = False
        """Whether unknown words were left out, which may be the verb of "the girl ponders"."""
        self.subject: tuple[Phrase, ...] = (IT,) if told else ()
        self.order: frozenset[str] = frozenset()
        self.lesson = False
        """Whether the sentence asks how something is drawn: "first the house, then the tree" draws both."""

    def is_new(self, phrase: Phrase) -> bool:
        """Whether a phrase names an object that is not there yet."""
        return phrase.definite is False and bool(phrase.kind or phrase.again)

    def known_again(self, phrase: Phrase, clause: Clause, *, bare: bool, predicated: bool = False) -> Phrase:
        """Returns a phrase as new or as known, where its article does not say so; `predicated`: a verb follows it."""
        if bare and phrase.some and self.edits and phrase.kind in self.known and not clause.verb_classes & LISTING:
            return replace(phrase, definite=True, every=True, some=False, count=1)
        if not phrase.kind or phrase.pronoun or phrase.every:
            return phrase
        listed = bool(clause.verb_classes & LISTING) or (self.lesson and clause.verb is None)
        shown = phrase.kind not in self.known and (not (self.before or self.statements) or listed)
        if phrase.definite is not False and shown and not self.edits:
            return replace(phrase, definite=False)
        drawn_too = self.lesson and clause.verb is None and not predicated  # "tree left, then tree right"
        if phrase.definite is None:
            return replace(phrase, definite=phrase.kind in self.known and not drawn_too)
        changes = self.edits and bool(clause.verb_classes & DOES) and clause.role != "new"
        named = {one.kind for one in clause.things} if predicated else set[str]()
        listing = clause.verb_classes & LISTING and not named  # "a ball comes, ball turns red": a clause of its own
        known = phrase.kind in self.before | self._told() | named and not listing
        if bare and phrase.count == 1 and (known or changes) and not drawn_too:
            return replace(phrase, definite=True)
        return phrase

    def _told(self) -> frozenset[str]:
        """Returns the kinds that the clauses so far have shown."""
        items = (one for statement in self.statements for one in (*statement.items, *statement.subject))
        return frozenset(one.kind for one in items if isinstance(one, Phrase))

    def name(self, phrase: Phrase) -> None:
        """Remembers what a phrase names."""
        anchors = [anchor for where in phrase.where for anchor in where.anchors]
        self.known |= {one.kind for one in (phrase, *anchors)} - {""}

    def apply(self, clause: Clause, span: tuple[int, int]) -> None:
        """Appends the statements of a clause.

        Raises:
            UnreadError: It says nothing that can be shown.
        """
        if clause.is_empty:
            return
        if clause.assumed and clause.verb_classes & (DOES | {"become", "make", "grow", "shrink", "leave"}):
            raise UnreadError  # "make the ball red" without an image
        if clause.inherits and clause.verb is None:
            clause.verb_classes = self.order
            clause.after, clause.before = [*clause.before, *clause.after], []
        found = [Statement("absent", subject=(one,), stated=True) for one in clause.absent]
        if not (clause.absent and not clause.things):
            found = [*self._effect(clause), *found]
        first = not self.statements
        arrives = (
            not first and not self.edits and bool(clause.verb_classes & {"appear", "come"}) and self._any_new(clause)
        )
        if len(found) == 1 and self.statements and _same(found[0], self.statements[-1]):
            return  # "it grows and grows"
        if not found and clause.sequenced:
            found = [Statement("mention")]  # "then it is day again": an image that shows nothing new
        found = [replace(one, span=span) for one in found]
        if found:
            found[0] = replace(found[0], new_piece=clause.sequenced or first or arrives, sequenced=clause.sequenced)
        self.statements += found
        self.order = clause.verb_classes
        self._remember(clause)

    def _remember(self, clause: Clause) -> None:
        named = clause.new or clause.before or clause.after
        if not named:
            return
        if clause.verb_classes & _MEETS and clause.before and any(map(self.is_new, clause.after)):
            known = tuple(replace(one, definite=True, where=()) for one in clause.before)  # "a girl has a ball and …"
            self.subject = known if any(map(self.is_new, clause.before)) else (FINDER,)
        elif any(map(self.is_new, named)):
            many = len(named) > 1 or named[0].count > 1
            self.subject = (THEM if many else IT,)
        else:
            self.subject = tuple(named)

    # Effects

    def _effect(self, clause: Clause) -> list[Statement]:
        """Returns what the first effect says that uses every chunk of the clause."""
        for effect, used in self._effects():
            unused = {name for name in _CONTENT if getattr(clause, name)} - used
            if not unused and (found := effect(clause)) is not None:
                return found
        raise UnreadError

    def _effects(self) -> tuple[tuple[Callable[[Clause], list[Statement] | None], frozenset[str]], ...]:
        things = frozenset({"before", "after", "instead"})
        return (
            (self._dislikes, _CONTENT),
            (self._accompanied, _CONTENT),
            (self._specifies, things | {"wheres", "colour", "size"}),
            (self._removes, things | {"gone"}),
            (self._swaps, things),
            (self._replaces, things | {"old", "new", "instead"}),
            (self._sets_ground, things | {"grounds", "stage"}),
            (self._keeps, things | {"kept"}),
            (self._scales, things),
            (self._looks, things | {"colour", "size", "wheres"}),
            (self._moves, things | {"wheres", "source", "grounds"}),
            (self._shows, things | {"wheres", "grounds", "colour", "size", "stage"}),
            (self._grounded, things | _CONTENT),
            (self._states, things | {"grounds"}),
        )

    def _targets(self, clause: Clause) -> tuple[Phrase, ...]:
        """Returns the objects that a change is about: those of an order, the subject, or what was named last."""
        if self._orders(clause) and clause.after:
            return tuple(clause.after)
        return tuple(clause.before or clause.after) or self.subject

    def _orders(self, clause: Clause) -> bool:
        told = clause.verb is not None and clause.verb.form == "s" and bool(self.subject)
        return (not clause.before and not told) or clause.inherits

    def _any_new(self, clause: Clause) -> bool:
        return any(map(self.is_new, clause.things))

    def _dislikes(self, clause: Clause) -> list[Statement] | None:
        """Reads "I do not like the tree being green": what follows says what to do."""
        things = tuple(one for one in clause.things if not self.is_new(one))
        return ([Statement("mention", subject=things)] if things else []) if clause.disliked else None

    def _accompanied(self, clause: Clause) -> list[Statement] | None:
        """Reads "a girl with a ball walks to the right": both are there, and the girl walks."""
        if not clause.company or clause.verb is None or len(clause.before) < 2 or not self._any_new(clause):
            return None
        if len(clause.before) > 2 or clause.verb_classes & {"have", "exists"}:
            raise UnreadError
        girl = Phrase(clause.before[0].kind, definite=True)
        rest = self._effect(replace(clause, before=[girl], company=False))
        return [Statement("scene", items=tuple(clause.before)), *rest]

    def _specifies(self, clause: Clause) -> list[Statement] | None:
        """Reads a fragment that says more of what was named last: "There is a cat. A white one, on the left"."""
        fragment = clause.verb is None and not clause.inherits and not clause.sequenced and len(clause.things) == 1
        if not fragment or not self.subject or self.statements or clause.things[0].again != "a":
            return None
        (one,) = clause.things
        found = [Statement("is", subject=(IT,), where=where) for where in (*one.where, *clause.wheres)]
        found += [Statement("is", subject=(IT,), colour=colour) for colour in {*one.colours, clause.colour} - {""}]
        return found + [Statement("is", subject=(IT,), size=size) for size in {*one.sizes, clause.size} - {""}]

    def _removes(self, clause: Clause) -> list[Statement] | None:
        classes = clause.verb_classes
        takes = clause.after and not clause.passive and not self._orders(clause)
        if clause.gone and (takes or "become" in classes):
            return None  # "the girl takes the ball away", "the cat turns away"
        leaves = bool(classes & {"leave"}) and bool(clause.before or clause.sequenced) and not clause.after
        taken = bool(classes & {"remove"}) and (self._orders(clause) or clause.passive)
        if not (taken or leaves or (clause.gone and not classes & {"put", "draw", "exists"}) or "vanish" in classes):
            return None
        if clause.before and clause.after and not taken:
            raise UnreadError  # "the stars go out the blue one last"
        targets = self._targets(clause)
        return [Statement("remove", subject=targets, ordered=self._orders(clause))] if targets else None

    def _swaps(self, clause: Clause) -> list[Statement] | None:
        if "replace" not in clause.verb_classes or self._any_new(clause):
            return None
        targets = self._targets(clause)
        pair = len(targets) == 2 or (len(targets) == 1 and targets[0].every)
        swaps = clause.verb is not None and clause.verb.text.startswith(("swap", "switch", "trad", "exchang", "chang"))
        return [Statement("swap", subject=targets)] if pair and swaps else None

    def _replaces(self, clause: Clause) -> list[Statement] | None:
        new = clause.new or [one for one in (*clause.after, *clause.before) if self.is_new(one)]
        old = clause.old or [one for one in (*clause.before, *clause.after) if one not in new]
        named = bool(old or clause.instead)
        gains = bool(clause.verb_classes & {"have", "get"})  # "the girl has a ball" is no change into one
        becomes = bool(clause.verb_classes & {"become", "make", "paint"}) and not gains and (old or not clause.asks)
        if "become" in clause.verb_classes and not clause.before and not old:
            old, named = list(self.subject), bool(self.subject)
        if (
            len(new) != 1
            or not named
            or not ("replace" in clause.verb_classes or becomes or clause.old or clause.instead)
        ):
            return None
        if clause.new and not all(map(self.is_new, clause.new)):
            return None
        subject = tuple(old) or self.subject
        return [Statement("replace", subject=subject, new=new[0], stated=not old, ordered=self._orders(clause))]

    def _sets_ground(self, clause: Clause) -> list[Statement] | None:
        grounds = clause.grounds
        if "replace" in clause.verb_classes and len(grounds) == 2 and clause.verb is not None:
            grounds = [grounds[0 if clause.verb.text.startswith("substitut") and clause.role else 1]]
        if len(grounds) != 1 or grounds[0].empty or not all(map(_is_dummy, clause.things)):
            return None
        changes = clause.ground_changes or clause.sequenced or self.edits or bool(clause.verb_classes & _CHANGES)
        return [Statement("background", ground=grounds[0].name, stated=not changes)]

    def _keeps(self, clause: Clause) -> list[Statement] | None:
        targets = tuple(clause.things)
        if clause.only and targets and clause.verb_classes & {"keep", "stay", "leave"} and not self._any_new(clause):
            others = Phrase(definite=True, every=True, excluded=targets)
            told = bool(clause.before)  # "only the cat remains": there may be nothing else
            return [Statement("remove", subject=(others,), ordered=not told, stated=told)]
        if clause.only and targets and clause.verb is None and self.statements and not self._any_new(clause):
            return [Statement("only", subject=targets)]
        if "keep" in clause.verb_classes and self._orders(clause) and not self._any_new(clause):
            return [Statement("keep", subject=targets)] if targets else []
        return None

    def _scales(self, clause: Clause) -> list[Statement] | None:
        classes, targets = clause.verb_classes, self._targets(clause)
        if not classes & {"grow", "enlarge", "shrink", "reduce"} or self._any_new(clause) or not targets:
            return None
        size = "big" if classes & {"grow", "enlarge"} else "small"
        return [Statement("resize", subject=targets, size=size, ordered=self._orders(clause))]

    def _looks(self, clause: Clause) -> list[Statement] | None:
        targets = self._targets(clause)
        if (
            not (clause.colour or clause.size)
            or not targets
            or any(map(self.is_new, targets))
            or len(clause.wheres) > 1
        ):
            return None
        if any(self.is_new(one) for one in clause.things):
            return None
        state = not clause.verb_classes & _CHANGES and not clause.inherits
        found = []
        if state:
            found += [Statement("is", subject=targets, colour=clause.colour)] if clause.colour else []
            found += [Statement("is", subject=targets, size=clause.size)] if clause.size else []
        else:
            kind = "recolour" if clause.colour else "resize"
            found = [Statement(kind, subject=targets, colour=clause.colour, size=clause.size, ordered=True)]
        return found + [Statement("is" if state else "move", subject=targets, where=where) for where in clause.wheres]

    def _moves(self, clause: Clause) -> list[Statement] | None:
        targets, classes = self._targets(clause), clause.verb_classes
        if len(clause.wheres) != 1 or not targets or (clause.before and clause.after):
            return None
        if classes == {"remove"} and clause.verb is not None and not clause.verb.text.startswith(("take", "taking")):
            return None  # "remove the stars from left to right"
        where, goes = clause.wheres[0], bool(classes & {"go", "come", "move", "remove"})
        move = Statement("move", subject=targets, where=where)
        if any(map(self.is_new, targets)):
            if not goes or len(targets) > 1 or (clause.source is None and not targets[0].where):
                return None
            start = () if clause.source is None else (clause.source,)
            there = replace(targets[0], where=(*targets[0].where, *start))
            return [Statement("scene", items=(there, *clause.grounds)), replace(move, subject=(IT,), new_piece=True)]
        if clause.grounds:
            return None
        if goes or (classes & {"put"} and self._orders(clause)):
            return [replace(move, ordered=self._orders(clause))]
        return [replace(move, kind="is")] if not classes & DOES else None

    def _shows(self, clause: Clause) -> list[Statement] | None:
        new = [one for one in clause.things if self.is_new(one)]
        old = tuple(one for one in clause.things if not self.is_new(one) and not _is_dummy(one))
        if (not new and not any(one.empty for one in clause.grounds)) or len(clause.wheres) > 1:
            return None
        if clause.verb_classes & {"remove", "replace", "keep"} and not clause.verb_classes & {"put", "draw", "have"}:
            return None
        again = any(one.kind in self.before | self._told() and not one.again for one in new)
        held = clause.company or bool(clause.before and clause.verb_classes & {"have", "get"})
        parts = any(one.pronoun == "one" and (one.colours or one.sizes) for one in old)
        if (old and not held) or parts:
            return None  # "two houses in it, one red": what this says of the group would be lost
        if clause.only and again:
            return None
        described = clause.grounds or clause.wheres or any(one.where for one in new) or clause.verb_classes & LISTING
        shown_by_lesson = self.lesson and clause.verb is None
        if clause.assumed and not (described or shown_by_lesson):
            return None  # "the cat is happy" is no picture
        if (clause.colour or clause.size) and len(new) == 1:
            new = [_dressed(new[0], clause)]
        elif clause.colour or clause.size:
            return None
        if clause.wheres and len(clause.before) > 1:
            if not clause.wheres[0].relation:
                return None
            new = [replace(one, where=(*one.where, *clause.wheres)) for one in new]
        elif clause.wheres and new:
            new[0] = replace(new[0], where=(*new[0].where, *clause.wheres))
        subject = old if "have" in clause.verb_classes else ()
        if clause.verb_classes & _MEETS and clause.after and not any(map(self.is_new, clause.before)):
            subject = tuple(clause.before)
        return [Statement("scene", items=(*new, *clause.grounds), subject=subject)]

    def _grounded(self, clause: Clause) -> list[Statement] | None:
        """Reads "the cat sleeps in the snow": the background, and what else the clause says."""
        if len(clause.grounds) != 1 or clause.grounds[0].empty or self._any_new(clause):
            return None
        changes = clause.ground_changes or clause.sequenced or self.edits
        ground = Statement("background", ground=clause.grounds[0].name, stated=not changes)
        others = frozenset({"before", "after"})
        if clause.verb is None and not {name for name in _CONTENT - {"grounds"} if getattr(clause, name)} - others:
            return [ground, Statement("mention", subject=tuple(clause.things))] if clause.things else [ground]
        return [ground, *self._effect(replace(clause, grounds=[]))]

    def _states(self, clause: Clause) -> list[Statement] | None:
        classes = clause.verb_classes
        drawn = "draw" in classes and all(one.pronoun in {"it", "them"} for one in clause.things)  # "draw them"
        held = not clause.after or classes & {"be", "have", "exists"}
        rests = bool(classes & _RESTS and held) if clause.verb is not None else self.left_out
        if clause.after and not clause.before and classes == {"be"} and self.statements:
            return None  # "the cat is red and so is the bird"
        if self._any_new(clause) or not (rests or drawn) or (classes & DOES and self._orders(clause)):
            return None
        things = tuple(one for one in clause.things if not _is_dummy(one))
        return [Statement("mention", subject=things)] if things else []


LISTING = frozenset({"put", "draw", "exists", "have"})
"""Verbs whose objects each have a place of their own: "put a cat on the left and a bird on the right"."""
_CONTENT = frozenset("before after old new wheres source grounds colour size gone stage instead".split())
"""The chunks that an effect must use."""
_CHANGES = frozenset("make paint become get put replace move grow".split())
"""Verbs that change what they name."""
_RESTS = frozenset("be stay have exists start".split())
"""Verbs that may change nothing: "the cat sleeps"."""
DOES = frozenset("remove replace move enlarge reduce paint vanish".split())
"""Verbs that say nothing without an object that they change."""


def _is_dummy(phrase: Phrase) -> bool:
    """Whether a phrase is the "it" of "it is night", or everything."""
    looks = phrase.colours or phrase.sizes or phrase.where
    return not phrase.kind and not looks and bool(phrase.definite) and phrase.pronoun in {"", "it"}


def _same(one: Statement, other: Statement) -> bool:
    return one.kind == other.kind == "resize" and one.size == other.size and one.subject in {other.subject, (IT,)}


def _dressed(phrase: Phrase, clause: Clause) -> Phrase:
    colours = frozenset({clause.colour}) if clause.colour else phrase.colours
    return replace(phrase, colours=colours, sizes=frozenset({clause.size}) if clause.size else phrase.sizes)
