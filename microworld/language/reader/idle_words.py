"""Words on which nothing depends where they stand: a composed sentence skips or reports them."""

from __future__ import annotations

from .clause import Clause, UnreadError
from .heads import LOOKS
from .nouns import NounReader

__all__ = ["IdleWordReader"]

_TITLES = frozenset("day night morning afternoon fun holiday party walk trip adventure story time life".split())


class IdleWordReader(NounReader):
    """Judges single words of a sentence by their neighbours and by the clause so far, which a subclass keeps."""

    clause: Clause

    def names_new(self, at: int) -> bool:
        """Whether what comes in the place of something follows: "by a cat", "into a cat"."""
        classes, text = self.clause.verb_classes, self.text(at)
        if "replace" in classes:
            return text in {"by", "for", "with"}
        return "become" in classes and text in {"into", "to"} and self.noun(at + 1) is not None

    def is_idle(self, at: int) -> bool:
        """Whether nothing depends on a word where it stands."""
        name, text, after = self.tag(at), self.text(at), self.tag(at + 1)
        if name == "DET":
            unit = (
                after in {"FRAME", "SAME", "GROUND", "GROUND_CHANGE", "EMPTY", "COLOURED"}
                or self.text(at + 1) == "size"
            )
            return unit or (text == "that" and after == "VERB") or self._is_title(at)
        if name in {"PREP", "COLOURED"} or text == "size":
            ends = (
                after in {"VERB", "STAGE", "", "COLOURED"}
                or self.text(at - 1) == "size"
                or self.tag(at - 1) == "COLOURED"
            )
            return name != "PREP" or (text in {"to", "in", "of", "as", "from"} and ends)
        if text == "like":
            return (
                after in {"NUM", "DET"}
                and self.value(at + 1) != "the"
                and self.tag(at - 1) in {"", "VERB", "AND", "COMMA"}
            )
        return self._is_title(at) or self._is_mood(at)

    def is_stage(self, at: int) -> bool:
        """Whether a word names the picture itself, or all that it shows."""
        return self.tag(at) == "STAGE" or self.text(at) in {"scene", "picture", "image", "world"}

    def floats(self, at: int) -> bool:
        """Whether "all" or "both" before a position says no more than the subject: "a cat and a ball, all in …"."""
        if not self.clause.before or self.clause.last not in {"thing", "verb"}:
            return False
        if self.tag(at) == "PREP" and self.tag(at - 2) == "COMMA":
            return self.ground(at, bare=False) is not None
        return self.tag(at) in {"VERB", "MODAL", "GLUE", *LOOKS, "CMP"} and not self._noun_after(at)

    def _has_look(self, name: str) -> bool:
        """Whether the object that was named last is new and has a color, or a size, already."""
        last = self.clause.things[-1] if self.clause.things else None
        return last is not None and last.definite is False and bool(last.colours if name == "COLOUR" else last.sizes)

    def _is_title(self, at: int) -> bool:
        """Whether a word without an article says what goes on at a place: "day at the beach"."""
        start = at + (self.tag(at) == "DET")
        while self.tag(start) in {"GLUE", "OTHER"} and self.text(start) not in _TITLES:
            start += 1
        return self.text(start) in _TITLES and self.ground(start + 1, bare=False) is not None

    def _is_mood(self, at: int) -> bool:
        """Whether an unknown word says how something is or happens: "is lonely"; it is reported as left out."""
        if self.tag(at) != "OTHER" or self.value(at):
            return False
        verb = self.clause.verb
        return (
            verb is not None
            and self.tag(at - 1) in {"VERB", "GLUE", "OTHER"}
            and bool(verb.classes & {"be", "stay", "go", "get", "become"})
            and self.clause.last == "verb"
        )

    def is_order(self, at: int) -> bool:
        """Whether a verb orders something, where it could also follow a subject."""
        return (
            self.tokens[at].form == ""
            and self.is_verb(at, "put", "remove", "draw", "paint")
            and not (self.is_verb(at, "appear", "go", "stay", "come", "become"))
        )

    def check_particle(self, at: int, *, unknown_verb: bool) -> None:
        """Checks that "up" or "down" says where something goes: "the house burns down" does not.

        Raises:
            UnreadError: It belongs to a verb that was left out as unknown.
        """
        if unknown_verb and self.clause.verb is None and self.text(at) in {"up", "down"}:
            raise UnreadError(self.text(at))
