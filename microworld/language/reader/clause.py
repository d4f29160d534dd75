"""The chunks of one clause of a sentence, before it is known what they do to a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from interleavethinker.microworld.language.phrase_types import Ground, Phrase, Where

from .tagging import Token

__all__ = ["Clause", "UnreadError"]


class UnreadError(Exception):
    """A word or a clause fits no rule."""


@dataclass
class Clause:
    """The chunks of one clause."""

    begin: int = 0
    before: list[Phrase] = field(default_factory=list)
    """Objects before the verb."""
    after: list[Phrase] = field(default_factory=list)
    old: list[Phrase] = field(default_factory=list)
    """Of a replacement: what goes, where the words say so ("instead of")."""
    new: list[Phrase] = field(default_factory=list)
    """Of a replacement: what comes ("with", "by")."""
    role: str = ""
    verb: Token | None = None
    verb_classes: frozenset[str] = frozenset()
    wheres: list[Where] = field(default_factory=list)
    source: Where | None = None
    """Where a movement begins."""
    grounds: list[Ground] = field(default_factory=list)
    ground_changes: bool = False
    colour: str = ""
    size: str = ""
    absent: list[Phrase] = field(default_factory=list)
    gone: bool = False
    stage: bool = False
    instead: bool = False
    only: bool = False
    kept: bool = False
    disliked: bool = False
    """The words say that somebody does not like something."""
    assumed: bool = False
    """Some words say "the …" of what nobody has named."""
    asks: bool = False
    company: bool = False
    passive: bool = False
    sequenced: bool = False
    inherits: bool = False
    last: str = ""

    @property
    def things(self) -> list[Phrase]:
        """All objects, in order."""
        return [*self.before, *self.after, *self.old, *self.new]

    @property
    def is_empty(self) -> bool:
        """Whether the clause has no chunk."""
        return not (
            self.things
            or self.verb
            or self.wheres
            or self.grounds
            or self.colour
            or self.size
            or self.absent
            or self.gone
        )

    def add(self, phrase: Phrase) -> None:
        """Adds an object in its role."""
        if self.role == "old":
            self.old.append(replace(phrase, definite=True))  # "instead of a ball": the ball that is there
        elif self.role == "new":
            self.new.append(phrase)
        else:
            (self.before if self.verb is None else self.after).append(phrase)

    def drop_pronoun(self) -> bool:
        """Forgets "them" where the objects themselves follow; returns False if there is none."""
        if not self.things or self.things[-1].pronoun != "them":
            return False
        (self.after or self.before).pop()
        return True
