"""Words of a request on which what was read in it does not depend: replaced by others, they change nothing.

"Remove the upper balls" is read in full only if "remove the lower balls" is read as something else. That holds for
every reader, whatever its rules, and finds words that they pass over. A story must become another one; a question must
have another answer about some images, of many that are drawn at random.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import islice

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.key_words import GROUND, kind_named
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical
from interleavethinker.microworld.language.vocabulary import plural
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .image_evidence import is_denied
from .interpretation import Interpretation, interpret
from .varied_scenes import varied_scenes
from .word_signs import unexplained_signs

__all__ = ["Reader", "unread_words"]

_MOST_WORDS = 60
"""Words of a request that are looked at, since each is read again with another word in its place."""
_LONGEST = 1000
"""Characters of a text."""
_MOST_SCENES = 72
"""Random images that a question is asked about."""
_PLACES: dict[str, tuple[str, ...]] = {
    "left": ("right", "top"),
    "right": ("left", "top"),
    "top": ("bottom", "left"),
    "bottom": ("top", "left"),
    "upper": ("lower",),
    "lower": ("upper",),
    "above": ("below",),
    "below": ("above",),
    "under": ("above",),
    "middle": ("left", "top"),
    "center": ("left", "top"),
    "centre": ("left", "top"),
    "highest": ("lowest",),
    "lowest": ("highest",),
    "biggest": ("smallest",),
    "smallest": ("biggest",),
}
"""Places and superlatives, with others."""
_ASKED: dict[str, tuple[str, ...]] = {
    **_PLACES,
    "bigger": ("smaller",),
    "smaller": ("bigger",),
    "most": ("fewest",),
    "first": ("second",),
    "second": ("first",),
    "corner": ("middle",),
    "corners": ("middle",),
}
"""The same for questions."""
_CORRECTION = (
    r"(?:[ ,.!;:-]| and| or| oh)*(?:no|wait|actually|sorry|i mean|i meant|rather|scratch that|make that|make it)\b"
)
"""What takes the word before it back."""
_SIZE = "big|small|large|little|tiny|huge"
_SIDE = "(?:left|right|top|bottom|above|below)"
_FIXED = (
    rf"\b(?:{'|'.join(COLOURS)}) (?:meadow|grass|sky|snow|beach|sand|sea|forest|background|field)\b|"
    rf"\bas (?:{_SIZE}) as\b|\b(?:how|too) (?:{_SIZE})\b|\b(?:{_SIZE}) or (?:{_SIZE})\b|\b(?:left|right) corner\b|"
    rf"\bfrom (?:the )?\w{{1,6}} to (?:the )?\w+|"
    r"\bhow many (?:more|fewer)\b.{0,80}|\bthe sun \w+ (?:down )?over (?:an?|the) \w+|"
    r"\bone (?:above|below|under) the other\b|\bat least (?:an?|one)\b|\beither (?=[^.!?;\n]{1,30} or )|"
    r"\b(?:under|below|beneath) (?:an?|the) starry\b|"
    rf"\bstarry \w+(?: sky)? over\b|\b(?:next to|beside|over|above|near|by|under) (?:the|an?) (?:{GROUND})\b|"
    r"\bthe \w{1,20} (?:push|kick|throw|roll|pull|blow|drag|toss)(?:es|s)(?= (?:it|them|the|an?)\b)|"
    rf"\b(?:is|are) left\b|\b(?:as )?(?:{'|'.join(COLOURS)}),? (?:just )?(?:as|like) (?:an?|the) (?:\w+ )?\w+|"
    r"\b(?:grows|shrinks) (?:as|to|taller|bigger)\b[^.;!?\n]{1,20}? the (?:\w+ )?\w+|"
    r"\b\w{1,20} or (?:is (?:it|she|he) )?(?:(?:in|on|at|next to) )?(?:an? |the )?\w{1,20}\b|"
    rf"\b{_SIDE}\b[^.;!?\n]{{0,12}} or [^.;!?\n]{{0,12}}\b{_SIDE}\b"
)
"""Wordings in which another word makes no difference."""
_WHOLE_ANSWERS = frozenset({"describe", "difference"})
"""Kinds of answers that say everything, whatever the question singles out."""
_HEAVY = frozenset(
    (
        "exactly only else another other new old additional extra not never nobody nothing none neither either least "
        "most half alone fewer more fly flies flying swim swims swimming drive drives driving"
    ).split()
)
"""Words without which a question means something else."""
_DONE = (
    r"\bhow many (?:\w{1,20} ){1,3}"
    r"(?!(?:there|here|are|exist|visible|present|shown|total|altogether|see|count|left|all|it)\b)\w{1,20}(?=\W*$)"
)
"""Asks how many do something: "how many birds sing"."""
_SECOND = r",? (?:and|or) (?=(?:is|are|does|do|has|have|what|where|which|who|how)\b)[^.!?;\n]+"
"""A second question in the same sentence."""


Reader = Callable[[str, Sequence[Scene]], Interpretation]
"""Reads a text with what its images show; raises InputError if it does not understand it."""


def unread_words(meaning: Interpretation, scenes: Sequence[Scene], read: Reader = interpret) -> tuple[str, ...]:
    """Returns words of a request that were passed over when it was read; mostly there are none.

    A word may be listed although nothing is wrong, so it is a reason to look, and none to refuse.

    Args:
        meaning: What was read in the request's own words.
        scenes: What the request's images show, in order.
        read: What read it.
    """
    if meaning.story is None:
        return _without_effect_on_answer(meaning, scenes, read)
    found = (*_without_effect_on_images(meaning, scenes, read), *unexplained_signs(meaning.text, meaning.story))
    known = " ".join(meaning.left_out).lower()
    return tuple(word for word in dict.fromkeys(found) if word.lower() not in known)


def _without_effect_on_images(meaning: Interpretation, scenes: Sequence[Scene], read: Reader) -> list[str]:
    unread = []
    for word in _words(meaning.text):
        others = _others(word, _PLACES) or ()
        if word.group().lower() in NUMBER_WORDS:
            continue  # their sign tells more: "two pictures" need not be said where two are told
        if not others or is_denied(word) or compiled(_CORRECTION, re.IGNORECASE).match(word.string, word.end()):
            continue
        if all(_result(read, _with(word, other), scenes) == meaning.targets for other in others):
            unread.append(word.group())
    return unread


def _without_effect_on_answer(meaning: Interpretation, scenes: Sequence[Scene], read: Reader) -> tuple[str, ...]:
    if meaning.answer is None or meaning.answer.kind in _WHOLE_ANSWERS or not scenes:
        return ()
    words = _words(meaning.text)
    objects = [obj for scene in scenes for obj in scene.objects.values()]
    kinds = _some({obj.kind for obj in objects} | {kind_named(word.group()) for word in words}, KINDS)
    named = {name for word in words for name in (canonical(word.group().lower()), *(_others(word, _ASKED) or ()))}
    colours = _some({obj.colour for obj in objects} | named, tuple(COLOURS))
    varied = [tuple(scenes), *islice(varied_scenes(scenes, kinds, colours, meaning.text), _MOST_SCENES)]
    known = cache(lambda images: _result(read, meaning.text, images))
    tried = [(word, _others_asked(word)) for word in words]
    tried += [(second, ("",)) for second in compiled(_SECOND, re.IGNORECASE).finditer(meaning.text)]
    unread = [
        word.group().strip(", ")
        for word, others in tried
        if others
        and all(_result(read, _with(word, other), images) == known(images) for other in others for images in varied)
    ]
    return tuple(dict.fromkeys(unread))


def _others_asked(word: re.Match[str]) -> Sequence[str]:
    """Returns what a word of a question is replaced by: others of its class, or nothing if it weighs something."""
    others = _others(word, _ASKED)
    if others is not None:
        return others
    return ("",) if word.group().lower() in _HEAVY or _is_done(word) else ()


def _is_done(word: re.Match[str]) -> bool:
    return any(found.end() == word.end() for found in compiled(_DONE, re.IGNORECASE).finditer(word.string))


def _some(named: set[str], known: Sequence[str]) -> list[str]:
    """Returns those of the known kinds or colors that are named, and at least three."""
    found = [one for one in known if one in named]
    return found + [one for one in known if one not in named][: max(0, 3 - len(found))]


def _words(text: str) -> list[re.Match[str]]:
    """Returns the words that are replaced by others; none of a long text, which takes too long to read again."""
    return list(islice(compiled(r"[A-Za-z]+").finditer(text), _MOST_WORDS)) if len(text) <= _LONGEST else []


def _others(word: re.Match[str], places: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    """Returns words of the same class, any of which changes what a request means; None if there is no such class."""
    text, used = word.group().lower(), set(compiled(r"[a-z]+").findall(word.string.lower()))
    name, kind = canonical(text), kind_named(text)
    fixed = compiled(_FIXED, re.IGNORECASE).finditer(word.string)
    if any(found.start() <= word.start() and word.end() <= found.end() for found in fixed):
        return ()
    if text in NUMBER_WORDS[1:]:
        at = NUMBER_WORDS.index(text)
        return [NUMBER_WORDS[at - 1 if at > 1 else at + 1], NUMBER_WORDS[min(at + 1, len(NUMBER_WORDS) - 1)]]
    if kind in KINDS:
        return [plural(one) if text in PLURALS and text != kind else one for one in KINDS if one not in used][:2]
    if name in COLOURS:
        return [one for one in COLOURS if one not in used][:2]
    if name in SIZES:
        return [one for one in SIZES if one != name]
    return () if name in BACKGROUNDS else places.get(text)


def _with(word: re.Match[str], other: str) -> str:
    return f"{word.string[: word.start()]}{other}{word.string[word.end() :]}"


def _result(read: Reader, text: str, scenes: Sequence[Scene]) -> object:
    """Returns the images or the answer that are read in a text, or what tells that it is not understood."""
    try:
        found = read(text, scenes)
    except InputError as error:
        return error.code
    return found.targets if found.answer is None else found.answer.text
