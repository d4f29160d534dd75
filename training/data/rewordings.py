"""Pairs of wordings for the restater: what people write, and the same in the words that the rules read.

The pairs were written one by one; `varied` makes further ones of each. It takes other objects, colors, numbers, places
and backgrounds on both sides alike, chooses among the alternatives that a wording marks, and adds slips of the pen. A
choice depends only on the given random generator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TypeVar

import numpy as np

from interleavethinker.microworld.language.plain_text import EMOJI, EXTRA_SYNONYMS, NUMBER_WORDS
from interleavethinker.microworld.language.vocabulary import SYNONYMS, plural
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS
from interleavethinker.tools.errors import InputError

__all__ = ["Composer", "Rewording", "parse_rewordings", "shipped_rewordings", "varied"]

_Option = TypeVar("_Option")
_LINE = re.compile(r"(?P<images>[0-2]) \| (?P<wording>.+) => (?P<restated>.+)")
_ALTERNATIVES = re.compile(r"\{([^{}]*\|[^{}]*)\}")
_REFUSE = "REFUSE"

_SWAP, _MIRROR, _COUNT, _GROUND = 0.8, 0.3, 0.4, 0.5
"""Shares of the pairs in which objects and colors, sides, numbers, and backgrounds are exchanged."""
_USUAL = 0.7
"""Share of the exchanges that take the plain names, not synonyms."""
_SLIPS, _UNPUNCTUATED = 0.12, 0.08
"""Shares of the wordings with slips of the pen, and without punctuation."""

_COUNTS = NUMBER_WORDS[1:6]
_GROUNDS = {
    "meadow": ("in a meadow", "on a meadow", "in the meadow", "on the meadow"),
    "forest": ("in a forest", "in the forest", "in the woods"),
    "beach": ("at the beach", "on the beach", "by the sea", "on a beach"),
    "snow": ("in the snow", "in snow"),
    "night": ("at night", "in the night", "by night"),
    "sunset": ("at sunset", "at dusk", "during sunset"),
}
"""Phrases of each background that may be exchanged for those of another; the first is the restated one."""
_MIRRORED = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
_PLACES = re.compile(r"\b(?:left|right|top|bottom)\b")
_UNMIRRORED = re.compile(
    r"\b(?:up|down|upper|lower|above|below|under|over|high|low|sky|ground|right (?:now|away)|alright)\b"
)


@dataclass(frozen=True)
class Rewording:
    """One request in two wordings."""

    images: int
    """How many images the request has."""
    wording: str
    """As somebody wrote it; `{a|b}` are alternatives."""
    restated: str | None
    """The same in words that the rules read; None if the micro world cannot do what it asks for."""


def parse_rewordings(text: str, name: str) -> list[Rewording]:
    """Reads lines such as `0 | a kitty pls => A cat.`; empty ones and those that start with `#` are skipped.

    Args:
        text: The lines.
        name: Of the file, for errors.

    Raises:
        InputError: A line has another form.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            msg = f"{name}, line {number}, is not of the form 'IMAGES | WORDING => RESTATED': {line[:80]!r}"
            raise InputError(msg)
        restated = None if match["restated"] == _REFUSE else match["restated"]
        found.append(Rewording(int(match["images"]), match["wording"].replace("\\n", "\n"), restated))
    return found


def shipped_rewordings(stages: int | None = None) -> list[Rewording]:
    """Returns the pairs of this package, in a fixed order.

    Args:
        stages: Of how many stages of the training, from `restatements/stage-1` on; by default of all.

    Raises:
        InputError: There are fewer stages.
    """
    folder = files("interleavethinker.training").joinpath("data", "restatements")
    folders = sorted((one for one in folder.iterdir() if one.name.startswith("stage-")), key=lambda one: one.name)
    if stages is not None and stages > len(folders):
        raise InputError(f"There are pairs of wordings for {len(folders)} stages, but {stages} were asked for.")
    found = []
    for stage in folders[:stages]:
        named = sorted((one for one in stage.iterdir() if one.name.endswith(".txt")), key=lambda one: one.name)
        for entry in named:
            found += parse_rewordings(entry.read_text(encoding="utf-8"), entry.name)
    return found


def varied(pair: Rewording, rng: np.random.Generator) -> tuple[str, str | None]:
    """Returns another pair of wordings of the same form; see the module."""
    one = replace(pair, wording=_chosen(pair.wording.lower(), rng), restated=pair.restated and pair.restated.lower())
    if rng.random() < _SWAP:
        one = _exchanged(one, rng)
    if rng.random() < _MIRROR:
        one = _mirrored(one)
    if rng.random() < _COUNT:
        one = _recounted(one, rng)
    if rng.random() < _GROUND:
        one = _elsewhere(one, rng)
    wording = one.wording
    if rng.random() < _SLIPS:
        wording = _with_slips(wording, rng)
    if rng.random() < _UNPUNCTUATED:
        wording = re.sub(r"[^\w\s<>#-]", "", wording)
    return wording, one.restated


class Composer:
    """Joins wordings of different pairs into longer requests, so that a model learns to read their parts.

    The parts need not fit each other: one may change what no other shows.

    Args:
        pairs: Where the parts are taken from.
    """

    def __init__(self, pairs: Iterable[Rewording]) -> None:
        self._scenes: list[tuple[str, str]] = []
        self._changes: list[tuple[str, str]] = []
        self._first: list[str] = []
        self._later: list[str] = []
        for pair in pairs:
            restated = pair.restated or "?"
            if restated.startswith("1. "):
                steps = [step.strip().rstrip(".") for step in _NUMBER.split(restated)[1:]]
                if not pair.images:
                    self._first.append(steps[0])
                    self._later += steps[1:]
            elif not restated.endswith("?") and not restated.startswith(("Show", "Describe")):
                parts = self._changes if pair.images else self._scenes
                parts.append((pair.wording, restated.rstrip(".")))

    def compose(self, rng: np.random.Generator) -> Rewording:
        """Returns a request for two to five images, or for several changes of one."""
        kind = rng.random()
        if kind < _PLAIN:
            steps = [_one_of(self._first, rng), *(_one_of(self._later, rng) for _ in range(int(rng.integers(1, 5))))]
            return _in_steps(0, [(step, step) for step in steps], rng)
        changes = [_one_of(self._changes, rng) for _ in range(int(rng.choice(4, p=(0.4, 0.3, 0.2, 0.1))) + 1)]
        if kind < _STORIES:
            return _in_steps(0, [_one_of(self._scenes, rng), *changes], rng)
        changes.append(_one_of(self._changes, rng))
        if rng.random() < _STEPWISE:
            return _in_steps(1, changes, rng)
        joint = _one_of(_AT_ONCE, rng)
        restated = [
            restated if at == 0 else restated[:1].lower() + restated[1:] for at, (_, restated) in enumerate(changes)
        ]
        return Rewording(1, joint.join(_bare(wording) for wording, _ in changes), f"{' and '.join(restated)}.")


_PLAIN, _STORIES, _STEPWISE = 0.25, 0.7, 0.5
"""Of the composed requests, the share of stories in restated words, and that of all stories. The rest are edits, this
share of them one after the other."""
_NUMBER = re.compile(r"(?:^| )\d\. ")
_JOINTS = (
    ("", ", then "), ("", ". then "), ("first ", ", next "), ("", " and then "), ("", ". next "), ("1 ", "\n{} "),
    ("", " -> then "), ("panel {}: ", "\npanel {}: "), ("{}) ", " {}) "), ("", "\nthen "), ("image {} ", ". image {} "),
    ("", ". after that "), ("we start with ", ". later "), ("", ". finally "), ("picture {}: ", ", picture {}: "),
    ("step {} - ", ". step {} - "), ("{}. ", " {}. "),
)  # fmt: skip
"""What stands before the first of several steps, and before every later one."""
_AT_ONCE = (" and ", ", also ", " and also ", ". also, ", " plus ", ". oh and ", ", and ")


def _one_of(options: Sequence[_Option], rng: np.random.Generator) -> _Option:
    return options[int(rng.integers(len(options)))]


def _bare(wording: str) -> str:
    return wording.strip().rstrip(".!,")


def _in_steps(images: int, parts: Sequence[tuple[str, str]], rng: np.random.Generator) -> Rewording:
    first, joint = _one_of(_JOINTS, rng)
    said = [
        (first if number == 1 else joint).replace("{}", str(number)) + _bare(wording)
        for number, (wording, _) in enumerate(parts, 1)
    ]
    return Rewording(
        images, "".join(said), " ".join(f"{number}. {restated}." for number, (_, restated) in enumerate(parts, 1))
    )


def _chosen(text: str, rng: np.random.Generator) -> str:
    def one_of(match: re.Match[str]) -> str:
        options = match[1].split("|")
        return options[int(rng.integers(len(options)))]

    while _ALTERNATIVES.search(text):
        text = _ALTERNATIVES.sub(one_of, text)
    return re.sub(r" {2,}", " ", text).strip()


def _forms() -> dict[str, tuple[str, str]]:
    """Returns for each spelling of an object or a color what it means, and `one`, `many`, `emoji` or `color`."""
    found: dict[str, tuple[str, str]] = {sign: (kind, "emoji") for sign, kind in EMOJI.items()}
    for word in KINDS:
        extra = (other for other, meant in EXTRA_SYNONYMS.items() if meant == word)
        for noun in (word, *SYNONYMS[word], *extra):
            found[plural(noun)] = (word, "many")
            found[noun] = (word, "one")  # the plural of "fish" is the same
    for word in COLOURS:
        for name in (word, *SYNONYMS[word]):
            found[name] = (word, "color")
    return found


_FORMS = _forms()
_SPELLINGS: dict[tuple[str, str], list[str]] = {}
for _spelling, _meaning in _FORMS.items():
    _SPELLINGS.setdefault(_meaning, []).append(_spelling)
_NAMED = re.compile("|".join([rf"\b(?:{'|'.join(map(re.escape, sorted(_FORMS, key=len, reverse=True)))})\b", *EMOJI]))


def _meant(text: str, among: Iterable[str]) -> set[str]:
    names = set(among)
    return {_FORMS[match[0]][0] for match in _NAMED.finditer(text)} & names


_SEVERAL = re.compile(
    rf"\b(?:{'|'.join(NUMBER_WORDS[1:])}|[2-9]|many|several|some|all|both|these|those)(?: \w+){{0,2}} $"
)


def _exchanged(pair: Rewording, rng: np.random.Generator) -> Rewording:
    """Exchanges the objects, and the colors, that both wordings name."""
    restated = pair.restated or ""
    others: dict[str, str] = {}
    for names in (tuple(KINDS), tuple(COLOURS)):
        here, there = _meant(pair.wording, names), _meant(restated, names)
        # A word that only one side names may mean something else there: stars for the night, trees for the forest.
        if pair.restated is None:
            fixed = here & {"star", "tree"}
        else:
            fixed = here ^ there if names == tuple(KINDS) else there - here
        free = [name for name in names if name not in fixed]
        others.update(zip(free, (free[int(at)] for at in rng.permutation(len(free))), strict=True))
    usual = rng.random() < _USUAL

    def other(match: re.Match[str], *, plain: bool) -> str:
        word, form = _FORMS[match[0]]
        if form == "one" and _SEVERAL.search(match.string[: match.start()]):
            form = "many"  # of fish
        if others.get(word, word) == word:
            return match[0]
        spellings = _SPELLINGS.get((others[word], form)) or _SPELLINGS[(others[word], "one")]
        if plain or usual:
            return plural(others[word]) if form == "many" else others[word] if form != "emoji" else spellings[0]
        return spellings[int(rng.integers(len(spellings)))]

    wording = _NAMED.sub(lambda match: other(match, plain=False), pair.wording)
    restated = _NAMED.sub(lambda match: other(match, plain=True), restated)
    return replace(pair, wording=_with_articles(wording), restated=_with_articles(restated) if pair.restated else None)


def _with_articles(text: str) -> str:
    return _ARTICLES.sub(lambda match: f"a{'n' * match[2].startswith(('a', 'e', 'i', 'o'))} {match[2]}", text)


_NAMES = "|".join(sorted(_FORMS.keys() - EMOJI.keys(), key=len, reverse=True))
_ARTICLES = re.compile(rf"\b(an?) ({_NAMES})\b")


def _mirrored(pair: Rewording) -> Rewording:
    said, restated = _PLACES.findall(pair.wording), _PLACES.findall(pair.restated or "")
    if not pair.restated or sorted(said) != sorted(restated) or _UNMIRRORED.search(f"{pair.wording} {pair.restated}"):
        return pair
    turned = [_PLACES.sub(lambda match: _MIRRORED[match[0]], text) for text in (pair.wording, pair.restated)]
    return replace(pair, wording=turned[0], restated=turned[1])


def _recounted(pair: Rewording, rng: np.random.Generator) -> Rewording:
    """Takes another number for the only one that both wordings name."""
    if not pair.restated or re.search(r"\d|\bone\b", pair.restated):
        return pair
    numbers = re.compile(rf"\b(?:{'|'.join(NUMBER_WORDS)}|[2-9])\b")
    said, restated = numbers.findall(pair.wording), numbers.findall(pair.restated)
    if len(restated) != 1 or restated[0] not in _COUNTS or len(said) != 1:
        return pair
    digit = str(NUMBER_WORDS.index(restated[0]) + 1)
    if said[0] not in {restated[0], digit}:
        return pair
    other = int(rng.integers(2, 7))
    word = NUMBER_WORDS[other - 1]
    return replace(
        pair,
        wording=numbers.sub(word if said[0] == restated[0] else str(other), pair.wording),
        restated=numbers.sub(word, pair.restated),
    )


def _elsewhere(pair: Rewording, rng: np.random.Generator) -> Rewording:
    """Takes another background for the only one that both wordings name in a plain phrase."""
    if not pair.restated:
        return pair
    phrases: Mapping[str, str] = {phrase: ground for ground, texts in _GROUNDS.items() for phrase in texts}
    plain = re.compile(rf"\b(?:{'|'.join(sorted(phrases, key=len, reverse=True))})\b")
    said, restated = plain.findall(pair.wording), plain.findall(pair.restated)
    words = re.findall(rf"\b(?:{'|'.join(_GROUNDS)}|snow|sun|winter|sea|night|dark)\w*", pair.restated)
    if len(said) != 1 or len(restated) != 1 or len(words) != 1 or phrases[said[0]] != phrases[restated[0]]:
        return pair
    ground = tuple(_GROUNDS)[int(rng.integers(len(_GROUNDS)))]
    texts: Sequence[str] = _GROUNDS[ground]
    chosen = texts[int(rng.integers(len(texts)))]
    return replace(
        pair, wording=pair.wording.replace(said[0], chosen), restated=pair.restated.replace(restated[0], texts[0])
    )


_SHORT = 4
"""A slip in a shorter word would make another word of it."""


def _with_slips(text: str, rng: np.random.Generator) -> str:
    words = text.split(" ")
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(len(words)))
        word = words[at]
        if len(word) < _SHORT or not word.isalpha():
            continue
        place = int(rng.integers(1, len(word) - 1))
        words[at] = (
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        )[int(rng.integers(3))]
    return " ".join(words)
