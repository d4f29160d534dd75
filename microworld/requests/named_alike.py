"""Compares what two wordings of a request name, as a check of a model that rewords.

It knows words, not sentences. Two wordings that name the same may still mean something else.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from interleavethinker.microworld.language.plain_text import NUMBER_WORDS
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS

from .denials import DENIED, NOT_SHORT, NOT_SO, denied_alike
from .meanings_kept import meanings_are_kept
from .named_words import SPELLINGS, grounds_named, named, numbers_named
from .unclear_words import NOT_ADDED

__all__ = ["MAY_LEAVE", "named_alike", "takes_back"]

_TAKEN_BACK = re.compile(
    r"\b(?:no|not|nor|neither|without|never|wait|actually|instead|rather|sorry|mean|except|but|anything|nothing|all|"
    rf"everything|{NOT_SHORT})\b"
)
"""Words after which a request may name what it does not want, or one word may stand for several."""
_CORRECTED = re.compile(r"\b(?:wait|actually|instead|rather|sorry|mean|no)\b")
"""Words after which another word of the request may replace an earlier one."""
_SIZES = {
    "big": re.compile(r"\b(?:big|bigger|large|larger|huge)\b"),
    "small": re.compile(r"\b(?:small|smaller|tiny)\b"),
}
_NUMBER = rf"(?:\d+|{'|'.join(NUMBER_WORDS)})"
_ANY_COLOUR = "|".join(COLOURS)
_ANY_KIND = "|".join(KINDS)
_LEAVES = re.compile(r"\b(?:away|gone|leaves?|left|vanish\w*|disappear\w*|off|home|remov\w+|delet\w+)\b")
MAY_LEAVE = re.compile(
    r"\b(?:away|gone|leav\w*|left|vanish\w*|disappear\w*|off|home|remov\w*|delet\w*|eras\w*|without|not?|none|only|alone|"
    r"empty|goodbye|bye|escap\w*|los[te]\w*|out|eat\w*|ate|st[eo]al\w*|stole|s[aiu]nk\w*|melt\w*|fad\w*|hid\w*|miss\w*|"
    r"depart\w*|take\w*|took|rid|clear\w*|exit\w*|back|nobody|nothing|minus|less|fewer|poof|pops?|bursts?|destroy\w*|"
    r"instead|replac\w*)\b|[-\u2212\u2796\u274c]"
)
"""Signs that something may leave."""
_SHE = re.compile(r"\bshe\b")
_GONE = re.compile(rf"\b({_ANY_KIND}) (?:goes|go) away\b")
_GONE_AND_BACK = re.compile(rf"\b({_ANY_KIND}) goes away\b.*\b\1 appears\b")
_COMES = re.compile(
    r"\b(?:back|again|return\w*|another|new|second|other|different|appear\w*|comes?|came|arriv\w*|replac\w*|instead)\b"
)
_LACKS = re.compile(r"\b(?:not?|nor|without|never|except|but|only|nothing|empty|alone)\b")
_IN_ALL = re.compile(
    rf"\b(?:should (?:be|show|have|contain)|same (?:picture|image|scene|thing) (?:but )?with) {_NUMBER}\b(?! more)"
)
"""Counts what an image is to hold in all."""
_ASKS = re.compile(
    r"\bhow many\b|\bcount(?: ?\(|s? (?:of|the|all|how)\b)|^(?:please )?(?:name|list|enumerate|tell me|say) |"
    r"^(?:so |and |hey |hi |ok |please )*(?:which|where|who|what|is|are|does|did|was|were|has)\b[^.!]*\?\s*$"
)
"""Asks for words about an image."""
_SIDES = {"left": re.compile(r"left|west|⬅|←|↖|↙"), "right": re.compile(r"right|rigth|east|➡|→|↗|↘")}
_PLACED = re.compile(r"\b(?:on|to|at) (?:the|its|his|her|their) (?:far |very )?(left|right)\b")
_ASKED = re.compile(
    r"\?|^number of|\b(?:how|what|which|where|who|is|are|do|does|did|was|were|has|have|can|could|count|describe|"
    r"description|tell|say|name|list|explain|compare|diff\w*|caption|wonder|know|see|spot|find|look|check|guess|identify)\b"
)
_SUN = "sun goes down"
_NO_COUNT = re.compile(
    rf"\b(?:turns?|turned|turning|aged?|grade|class|room|chapter|exercise|ticket|number|at) #?{_NUMBER}\b"
    rf"|\b{_NUMBER}[- ](?:years?|months?|weeks?|days?|hours?|minutes?|o'?clock|am|pm)\b|#{_NUMBER}\b"
)
"""Numbers that count no objects: ages, times, names of rooms."""


def named_alike(wording: str, restated: str, images: int = 0) -> bool:
    """Whether a restated request names what the request names.

    Objects and colors that only the restated one names were invented, and so are sides, and counts in a request for one
    image. What only the request names was forgotten, unless it takes something back or the restated one is a question.

    Args:
        wording: The request as somebody worded it.
        restated: The same in words that the rules read.
        images: How many images the request has.
    """
    several_names = len({found[1] for found in _NAMES.finditer(wording)} - _NO_NAMES) > 1  # Who is who is not known.
    wording, restated = wording.lower(), restated.lower()
    is_answer = restated.endswith("?") or restated.startswith("describe")
    asks = not is_answer and _ASKS.search(wording)
    if images and (asks or not (is_answer or _ordered_alike(wording, restated))):
        return False
    kept = meanings_are_kept(wording, restated) and denied_alike(wording, restated, is_answer=is_answer)
    if several_names or not kept or _loses_a_part(wording, restated):
        return False
    drawn_alike = images or not (_invents_ground(wording, restated) or _denial_is_lost(wording, restated))
    if not drawn_alike or not _leave_alike(wording, restated):
        return False
    said, meant = named(wording), named(restated)
    if not all(_hinted(word, wording) for word in meant - said) or any(
        side in restated and not sign.search(wording) for side, sign in _SIDES.items()
    ):
        return False
    invents = not restated.startswith("1. ") and numbers_named(restated) - numbers_named(_NO_COUNT.sub(" ", wording))
    counted_alike = not (_loses_some(wording, restated) or _gains_some(wording, restated))
    if invents or not (images or is_answer or takes_back(wording) or counted_alike):
        return False
    if is_answer and not (_ASKED.search(wording) and _says_as_much(wording, restated)):
        return False
    if not is_answer and not takes_back(wording):
        stated = {
            word for clause in re.split(r"[.,;:!?\n]", wording) if not DENIED.search(clause) for word in named(clause)
        }
        if (stated & set(COLOURS)) - meant:
            return False
    return (
        is_answer
        or _TAKEN_BACK.search(wording) is not None
        or (said <= meant and _placed_alike(wording, restated, images))
    )


def _ordered_alike(wording: str, restated: str) -> bool:
    """Whether a restated edit adds no object of which there are to be so many in all, and changes none that is new.

    "Only one cat" is no order to add one, "make one of the cats red" is not "make a red cat red", and what is to be
    left alone is not left alone in the image.
    """
    if restated.startswith("add ") and (_IN_ALL.search(wording) or _EXACTLY.search(wording)):
        return False
    if _CHANGES_NEW.search(restated) and not _CHANGES_NEW.search(wording):
        return False
    return not (restated.startswith("remove") and _LEFT_ALONE.search(wording))


_EXACTLY = re.compile(rf"{NOT_ADDED}.*\b(?:only|just|exactly|single|at most|no more than)\b")
_CHANGES_NEW = re.compile(r"\b(?:make|turn|paint) an? ")
_LEFT_ALONE = re.compile(
    r"\b(?:leave|keep|let) (?:the|it|them|her|him)\b[^.;!?]* (?:alone|as (?:it|they|she|he) (?:is|are)|be|unchanged|"
    r"stay)\b|\b(?:stays?|remains?)\b[^.;!?]* (?:except|but)\b"
)
_GROUND_HINTS = {
    "forest": re.compile(r"\bwood(?!en)|forest|jungle|trees|grove|timber|pine|firs\b|oaks|birch|spruce|bush|leaves"),
    "beach": re.compile(r"beach|sea|shore|ocean|coast|sand|water|wave|sail|boat|ship|surf|swim|bay|island|lake|fish"),
    "snow": re.compile(r"snow|winter|frost|cold|ic[ey]|christmas|flake|blizzard|sled|freez|froz|white|north"),
}
_DARK_SHADE = re.compile(rf"\bdark (?={_ANY_COLOUR})")


def _invents_ground(wording: str, restated: str) -> bool:
    """Whether a restated request has a background that no word of the request may mean: a wooden box, a dark green."""
    if not wording.isascii():
        return False  # emoji may mean any of them
    invented = any(name in restated and not hint.search(wording) for name, hint in _GROUND_HINTS.items())
    shade = _DARK_SHADE.search(wording) and not re.search(r"night|dark|moon", _DARK_SHADE.sub("", wording))
    return invented or (bool(shade) and "at night" in restated)


def _denial_is_lost(wording: str, restated: str) -> bool:
    """Whether one picture with "a house, not a red one" is restated as if nothing was denied."""
    denied = NOT_SO.search(wording) and not takes_back(wording)
    return bool(denied) and not restated.startswith("1. ") and not _LACKS.search(restated)


def _leave_alike(wording: str, restated: str) -> bool:
    """Whether what leaves is what the request says of, where it says so; and whether nothing leaves only to appear."""
    gone = set(_GONE.findall(restated))
    if gone and not MAY_LEAVE.search(wording):
        return False
    parts = re.split(r"[.,;:!?\n]|\band\b", wording)
    leaving = [named(_SHE.sub("girl", part)) & set(KINDS) for part in parts if _LEAVES.search(part)]
    if gone and leaving and all(leaving) and gone != set().union(*leaving):
        return False
    return _COMES.search(wording) is not None or not _GONE_AND_BACK.search(restated)


def _placed_alike(wording: str, restated: str, images: int) -> bool:
    """Whether a restated request keeps backgrounds and sides; an edit may also name the side where something was."""
    if not images and any(side not in restated for side in _PLACED.findall(wording)):
        return False
    return all(ground in restated or (ground == "sunset" and _SUN in restated) for ground in grounds_named(wording))


def takes_back(wording: str) -> bool:
    """Whether a request may correct itself: "red, no wait, blue"."""
    return _CORRECTED.search(wording.lower()) is not None


def _says_as_much(wording: str, question: str) -> bool:
    """Whether a question keeps what tells objects apart, and all that is to be confirmed: "is the ball red and big"."""
    if _OTHER.search(wording) and "other" not in question:
        return False
    if _BOTH_PICTURES.search(wording) and not _OF_BOTH.search(question):
        return False
    if NOT_SO.search(wording) and not DENIED.search(question) and "other" not in question:
        return False
    if not _asks_of_as_much(wording, question):
        return False
    if not re.match(r"(?:is|are) (?:the|it|there)\b", question):
        return True
    stated = named(wording) | {size for size, sign in _SIZES.items() if sign.search(wording)}
    return all(re.search(rf"\b{word}", question) for word in stated)


_OTHER = re.compile(r"\b(?:the other one|(?:what|which|how many|where are the) other)\b")
_BOTH_PICTURES = re.compile(r"\b(?:both|two) (?:of the )?(?:pictures|images|photos)\b")
_OF_BOTH = re.compile(r"both|and|two|differ|same|chang|picture (?:has|have|shows)|new|gone|moved")
_YES_OR_NO = re.compile(
    r"\s*(?:so |and |ok |hey |please |tell me )?(?:is|are|do|does|did|was|were|has|have) (?!(?:you|i|we) )"
)
_AT_SIDE = re.compile(r"\b(?:to|on|at|in) (?:the|its|his|her) (?:far |very )?(left|right|top|bottom|middle)\b")
_TWO_LOOKS = re.compile(rf"\b(?:{_ANY_COLOUR}),? (?:or|and|nor) (?:{_ANY_COLOUR})\b")
_WHICH_PICTURE = re.compile(r"\b(first|second|third|fourth) (?:picture|image|photo)\b")


def _asks_of_as_much(wording: str, question: str) -> bool:
    """Whether a question is about the same pictures, both objects, and the same sides, and is one for yes or no too."""
    pictures = set(_WHICH_PICTURE.findall(question))
    if pictures and pictures != set(_WHICH_PICTURE.findall(wording)):
        return False
    last = "".join([part for part in re.split(r"[.!?\n]", wording) if part.strip()][-1:])
    pairs = (named(found[0]) for found in _TWO_NAMED.finditer(last))
    looks = (named(found[0]) for found in _TWO_LOOKS.finditer(last))
    if any(len(pair & named(question)) == 1 < len(pair) for pair in (*pairs, *looks)):
        return False
    if not _YES_OR_NO.match(last) or " or " in last:
        return True
    return _YES_OR_NO.match(question) is not None and all(side in question for side in _AT_SIDE.findall(last))


def _hinted(word: str, wording: str) -> bool:
    """Whether a wording has a spelling of its own for a word: "fishies", "birdie", "yelow"."""
    spellings = [spelling for spelling, meant in SPELLINGS.items() if meant == word]
    return any(
        said.startswith(word) or get_close_matches(said, spellings, n=1, cutoff=_CLOSE)
        for said in re.findall(r"[a-z]{3,}", wording)
    )


_CLOSE = 0.8
"""Least similarity of a misspelt word, as `difflib` measures it."""


_NOUN = "|".join(sorted((word for word, name in SPELLINGS.items() if name in KINDS), key=len, reverse=True))
_INTRODUCED = re.compile(rf"\b(?:an?|another|one)(?: [a-z-]+){{0,2}}? ({_NOUN})\b")
_TWO_NAMED = re.compile(rf"\b(?:{_NOUN})(?:,| and| or| nor)(?: the| an?| any| how many)?(?: \w+)? (?:{_NOUN})\b")
"""Two objects that a question asks about at once."""
_AND_MORE = re.compile(rf"[^.,;!?\n]* and ({_NUMBER}) (?:at|on|in|to the)\b")
"""After "two cats at the top": "and one at the bottom"."""
_COUNTED = re.compile(rf"\b(?P<number>{_NUMBER})(?: [a-z-]+){{0,2}}? (?P<noun>{_NOUN})\b")


def _number(word: str) -> int:
    return max(numbers_named(word), default=1)


def _without_labels(restated: str) -> str:
    """Leaves out the numbers of images, which count no objects."""
    return re.sub(r"\b\d+\. ", "", restated)


def _loses_some(wording: str, restated: str) -> bool:
    """Whether fewer objects of a kind are named than the request counts: "two cats" is not "a white cat"."""
    restated = _without_labels(restated)
    wording = _NO_COUNT.sub(" ", wording)
    for found in _COUNTED.finditer(wording):
        kind = SPELLINGS[found["noun"]]
        number = _number(found["number"])
        more = _AND_MORE.match(wording, found.end())
        if more is not None:
            number += _number(more[1])
        elif number < 2 or number in numbers_named(restated):
            continue
        if sum(SPELLINGS[noun] == kind for noun in _INTRODUCED.findall(restated)) < number:
            return True
    return False


_PART = re.compile(rf"\b(?<!the )({_NUMBER}) (?:others|more|of (?:which|whom|them|these|those))\b")
_NAMES = re.compile(rf"\b([A-Z][a-z]+)(?:,| is| was)? (?:an?|the) (?:\w+ )?(?:{_ANY_KIND})\b")
"""A name that a request gives to an object: "Tom is a cat", "Tim the fish"."""
_NO_NAMES = frozenset(
    "There It This That Here He She Add Draw Show Paint Make Put And Then Now With In On At Next First Give Is "
    "Was".split()
)


def _loses_a_part(wording: str, restated: str) -> bool:
    """Whether it is lost how many of several, or how many more, the request is about: "two of which are red"."""
    kept = numbers_named(_without_labels(restated))
    for found in _PART.finditer(wording):
        number = _number(found[1])
        if number > 1 and number not in kept and restated.count("appears") < number:
            return True
    return False


def _gains_some(wording: str, restated: str) -> bool:
    """Whether one picture has more objects of a kind than the request counts: "three balls: one red, the rest blue"."""
    if re.search(r"\b2\. ", restated):
        return False
    nouns = [SPELLINGS[noun] for noun in re.findall(rf"\b({_NOUN})\b", wording)]
    for found in _COUNTED.finditer(wording):
        kind, number = SPELLINGS[found["noun"]], _number(found["number"])
        counts = (_number(one["number"]) for one in _COUNTED.finditer(restated) if SPELLINGS[one["noun"]] == kind)
        new = sum(SPELLINGS[noun] == kind for noun in re.findall(rf"\ban?(?: [a-z-]+){{0,2}}? ({_NOUN})\b", restated))
        if number > 1 and nouns.count(kind) == 1 and sum(counts) + new > number:
            return True
    return False
