"""The objects that a question names, and which objects of a scene they are. Knows no forms of questions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from interleavethinker.microworld.language.phrases import Phrase, PhraseReader, Where
from interleavethinker.microworld.language.templates import describe, name, place
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import KINDS
from interleavethinker.tools.errors import InputError

from .required_scene import Relation

__all__ = ["GROUPS", "Asked", "Found", "all_of", "anchors_of", "asked", "cells_at", "one_of", "place_named"]

_ANIMALS, _PLANTS = frozenset({"bird", "cat", "fish"}), frozenset({"flower", "tree"})
GROUPS: dict[str, frozenset[str]] = {
    "animal": _ANIMALS,
    "animals": _ANIMALS,
    "creature": _ANIMALS,
    "creatures": _ANIMALS,
    "pet": _ANIMALS,
    "pets": _ANIMALS,
    "plant": _PLANTS,
    "plants": _PLANTS,
    "person": frozenset({"girl"}),
    "people": frozenset({"girl"}),
    "building": frozenset({"house"}),
    "buildings": frozenset({"house"}),
    "toy": frozenset({"ball"}),
    "toys": frozenset({"ball"}),
    **dict.fromkeys(("thing", "things", "object", "objects", "item", "items"), frozenset(KINDS)),
}
"""Words for several kinds of objects, which only questions use."""
_GROUP = re.compile(rf"\b(?:{'|'.join(GROUPS)})\b")
Found = list[tuple[int, SceneObject]]
"""Objects of a scene with their cells."""


@dataclass(frozen=True)
class Asked:
    """Objects as a question names them."""

    phrase: Phrase
    kinds: frozenset[str]
    """The kinds that the noun allows."""
    noun: str

    def fits(self, cell: int, obj: SceneObject, scene: Scene) -> bool:
        """Whether the words fit an object of a scene."""
        phrase = self.phrase
        return (
            obj.kind in self.kinds
            and (not phrase.colours or obj.colour in phrase.colours)
            and (not phrase.sizes or obj.size in phrase.sizes)
            and all(cell in cells_at(where, scene) for where in phrase.where)
        )

    def found_in(self, scene: Scene) -> Found:
        """Returns the objects of a scene that the words fit."""
        return [(cell, obj) for cell, obj in scene.objects.items() if self.fits(cell, obj, scene)]

    @property
    def words(self) -> str:
        """The noun with its color, size and place."""
        phrase = self.phrase
        words = [*sorted(phrase.sizes), *sorted(phrase.colours), self.noun]
        return " ".join(words) + "".join(
            f" {place(min(where.cells))}" for where in phrase.where if len(where.cells) == 1
        )


def asked(text: str) -> Asked | None:
    """Reads words as objects; None if they are something else."""
    group = _GROUP.search(text)
    if group is not None:
        many = group.group().endswith("s") or group.group() == "people"
        text = f"{text[: group.start()]}{'cats' if many else 'cat'}{text[group.end() :]}"
    reader = PhraseReader(tuple(text.split()))
    phrase = next((phrase for phrase, end in reader.phrases(0) if end >= len(reader.text)), None)
    if phrase is None or phrase.parts or phrase.alike or phrase.distinct:
        return None
    if group is not None:
        noun = "thing" if GROUPS[group.group()] == frozenset(KINDS) else group.group().removesuffix("s")
        return Asked(replace(phrase, kind=""), GROUPS[group.group()], noun)
    return Asked(phrase, frozenset({phrase.kind} if phrase.kind else KINDS), phrase.kind or "object")


def all_of(text: str, scene: Scene) -> tuple[Asked, Found]:
    """Returns the objects that a question names, of which a scene may have any number.

    Raises:
        InputError: The words name no object of the micro world (`not_understood`).
    """
    named = asked(text.strip(" ,"))
    if named is not None and named.phrase.pronoun == "other":
        raise InputError(f"It is not clear which objects {text.strip()!r} are; name them.", code="ambiguous")
    if named is None:
        msg = f"The question does not name an object that the micro world knows: {text!r}."
        raise InputError(msg, code="not_understood")
    return named, named.found_in(scene)


def one_of(text: str, scene: Scene) -> tuple[int, SceneObject]:
    """Returns the one object that a question names, with its cell.

    Raises:
        InputError: The words name no object (`not_understood`), none of the scene (`not_there`) or several
            (`ambiguous`).
    """
    named, found = all_of(text, scene)
    if not named.phrase.kind and named.phrase.pronoun and len(scene.objects) != 1:
        raise InputError(f"It is not clear which object {text.strip()!r} is; name it.", code="ambiguous")
    found = found or replace(named, phrase=named.phrase.in_line).found_in(scene)
    if len(found) == 1:
        return found[0]
    if not found:
        msg = f"The image does not contain the {named.words}; it contains {describe(scene)}."
        raise InputError(msg, code="not_there")
    places = " or ".join(f"the {name(obj)} {place(cell)}" for cell, obj in found)
    raise InputError(
        f'Ambiguous: "the {named.words}" could be {places}. Add a color, size or position.', code="ambiguous"
    )


def place_named(words: str) -> Where | None:
    """Returns the place that words name, such as "on the left"; None if they are something else."""
    reader = PhraseReader(tuple(words.split()))
    return next((one for one, end in reader.wheres(0) if end >= len(reader.text)), None)


def cells_at(where: Where, scene: Scene) -> frozenset[int]:
    """Returns the cells that a place names in a scene.

    Raises:
        InputError: An object that the place refers to is not there or not unique, or the place is a direction.
    """
    if where.step is not None or where.relation == "across":
        raise InputError("Name the object by its color, size or position in the image.", code="not_understood")
    if not where.relation:
        return where.cells
    anchors = anchors_of(where, scene)
    if len(anchors) != 2 and where.relation == "between":
        raise InputError("Name both objects between which it is.", code="not_understood")
    relation = Relation(where.relation, tuple(range(len(anchors) + 1)))  # type: ignore[arg-type]
    return frozenset(cell for cell in range(9) if cell not in anchors and relation.holds((cell, *anchors)))


def anchors_of(where: Where, scene: Scene) -> list[int]:
    """Returns the cells of the objects that a place refers to; see `cells_at`."""
    return [cell for anchor in where.anchors for cell in _anchors(anchor, where.relation, scene)]


def _anchors(phrase: Phrase, relation: str, scene: Scene) -> list[int]:
    named = Asked(phrase, frozenset({phrase.kind} if phrase.kind else KINDS), phrase.kind or "object")
    found = [cell for cell, _ in named.found_in(scene)]
    if relation == "between" and len(found) == 2 and (phrase.every or phrase.count == 2):
        return found
    if phrase.every and relation == "between":
        problem = "does not contain two of" if len(found) < 2 else "contains more than two of"
        raise InputError(f"The image {problem} the {named.words}; it contains {describe(scene)}.", code="not_there")
    if len(found) != 1:
        problem = "does not contain" if not found else "contains several of"
        code = "ambiguous" if found else "not_there"
        raise InputError(f"The image {problem} the {named.words}; it contains {describe(scene)}.", code=code)
    return found
