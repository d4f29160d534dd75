"""Names what words for several kinds or for an extreme mean in an image: "all animals", "the biggest thing".

Works on canonical words of orders about a given image; `asked_objects` reads the same words in questions.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.vocabulary import plural
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import KINDS
from interleavethinker.tools.errors import InputError

from .asked_objects import GROUPS
from .scene_questions import with_extreme

__all__ = ["extreme_named", "kinds_named"]

_WORDS = {word: kinds for word, kinds in GROUPS.items() if kinds != frozenset(KINDS) and word not in {"toy", "toys"}}
_ALL = re.compile(
    r"(?<!one of )(?<!two of )\b(?:(?:all|every|each|both)(?: of)?(?: the| these| those)?(?: single)?|the) "
    rf"(?P<group>{'|'.join(_WORDS)})\b(?: and (?:(?:all|the)(?: the)? )?(?P<more>{'|'.join(_WORDS)})\b)?"
)


def kinds_named(words: tuple[str, ...], kinds: frozenset[str]) -> tuple[str, ...]:
    """Returns "remove all animals" as "remove all cats and all birds"; other sentences unchanged.

    Args:
        words: The words of an order.
        kinds: The kinds that the image shows; all kinds if that is not known.

    Raises:
        InputError: The image shows none of them (`not_there`), or several where one is meant (`ambiguous`).
    """
    text = _ALL.sub(lambda match: _named(match, kinds), " ".join(words))
    return tuple(text.split())


_EXTREME = re.compile(
    rf"\bthe (?:very )?(?P<how>biggest|largest|smallest|tiniest) (?P<noun>{'|'.join(KINDS)}|one|thing|object|item)"
    r"(?: of (?:all|them|all of them))?(?=$| )"
)


def extreme_named(words: tuple[str, ...], scene: Scene | None) -> tuple[str, ...]:
    """Returns "remove the biggest thing" with the words for that object; other sentences unchanged.

    Args:
        words: The words of an order.
        scene: What the image shows; None if that is not known.

    Raises:
        InputError: It shows no such object (`not_there`) or several (`ambiguous`).
    """
    text = " ".join(words)
    match = _EXTREME.search(text)
    if match is None or re.search(rf"\b(?:{'|'.join(KINDS)}|it|thing|object) $", text[: match.start()]):
        return words  # not "make the cat the biggest"
    noun = match["noun"] if match["noun"] in KINDS else "thing"
    size = "big" if match["how"] in {"biggest", "largest"} else "small"
    found = f"the {size} {noun}" if scene is None else with_extreme(f"the {match['how']} {noun}", scene)
    return tuple(f"{text[: match.start()]}{found}{text[match.end() :]}".split())


def _named(match: re.Match[str], kinds: frozenset[str]) -> str:
    shown = sorted((_WORDS[match["group"]] | _WORDS.get(match["more"] or "", frozenset())) & kinds)
    if not shown:
        msg = f"The image shows no {match['group']}: nothing in it is a {' or '.join(sorted(_WORDS[match['group']]))}."
        raise InputError(msg, code="not_there")
    many = match["group"].endswith("s") or match["group"] == "people" or not match.group().startswith("the ")
    if not many and len(shown) > 1 and kinds != frozenset(KINDS):
        raise InputError(f'Ambiguous: "{match.group()}" could be the {" or the ".join(shown)}.', code="ambiguous")
    if not many:
        return f"the {shown[0]}"
    return " and ".join(f"all {plural(kind)}" for kind in shown)
