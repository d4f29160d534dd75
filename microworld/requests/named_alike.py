"""Compares what two wordings of a request name, as a check of a model that rewords.

It knows words, not sentences. Two wordings that name the same may still mean something else.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from interleavethinker.microworld.language.plain_text import EMOJI, EXTRA_SYNONYMS, NUMBER_WORDS, canonical
from interleavethinker.microworld.language.vocabulary import SYNONYMS, plural, regular_plural
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS

__all__ = ["named_alike", "takes_back"]

_TAKEN_BACK = re.compile(
    r"\b(?:no|not|nor|neither|without|never|wait|actually|instead|rather|sorry|mean|except|but|anything|nothing|all|"
    r"everything|\w+n[’']?t)\b"
)
"""Words after which a request may name what it does not want, or one word may stand for several."""
_PAIR = re.compile(r"\b(?:pair|couple|both|twins?|double|duo|another|second|more|too|also)\b")
_CORRECTED = re.compile(r"\b(?:wait|actually|instead|rather|sorry|mean|no)\b")
"""Words after which another word of the request may replace an earlier one."""
_DENIED = re.compile(r"\b(?:not|nor|neither|without|never|except|but|anything|nothing|\w+n[’']?t)\b")
"""Words that deny something in their clause."""
_NOT_SO = re.compile(
    rf"\b(?:not|no|without|except|besides|apart from|other than|isn[’']?t|aren[’']?t) "
    rf"(?:(?:at|by|in|on) )?(?:the |a |an )?(?:{'|'.join((*COLOURS, *KINDS, *BACKGROUNDS, 'big', 'small'))})"
)
"""Asks for what does not look like something, or is something else."""
_SIZES = {
    "big": re.compile(r"\b(?:big|bigger|large|larger|huge)\b"),
    "small": re.compile(r"\b(?:small|smaller|tiny)\b"),
}
_NUMBER = rf"(?:\d+|{'|'.join(NUMBER_WORDS)})"
_ANY_COLOUR = "|".join(COLOURS)
_ANY_KIND = "|".join(KINDS)
_KEPT: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(rf"\b(?:{said})\b"), re.compile(rf"\b(?:{kept})\b"))
    for said, kept in (
        # What stays or is meant where all the rest is not: "everything bar the lass".
        (
            (
                r"(?:everything|everyone|everybody|anything|all|every|each)\b[^.!?\n]*? "
                r"(?:bar|but|except|excepting|save|barring|apart from|besides|aside from|other than|excluding|minus)"
            ),
            "but|except|only|everything|keep",
        ),
        # One like another one.
        (
            (
                "duplicates?|clones?|replicate|replica|cop(?:y|ies) (?:of|the|it|that)|identical|"
                r"(?:paint|colou?r|dye|make)s? (?:the|it|them|her|him)\b[^.!?\n]*\blike (?:the|an?)|"
                "(?:just|exactly|precisely) (?:like|the same)|(?:the same|equal) (?:number|amount)|as many"
            ),
            "same|like|identical|copy|duplicate|as many|equal",
        ),
        # How they differ.
        (
            (
                r"(?:different|differing|distinct|various|separate) (?:colou?rs?|sizes?|shades?)|"
                r"(?:each|every one|all) (?:in|of|with|has|have) (?:an?other|its own|their own) (?:colou?r|size|shade)"
            ),
            rf"different|differ|(?:{_ANY_COLOUR})\b.*\b(?:{_ANY_COLOUR})",
        ),
        ("doubl(?:e|es|ed|ing)|tripl(?:e|es|ed|ing)", "two|three|four|six|another|more|copy|same|big|bigger"),
        # What two things exchange besides their places.
        (
            (
                r"(?:swap|trade|exchange|switch)\w*\b[^.!?\n]*?(?:colou?rs?|sizes?|looks|shades?)|"
                r"(?:colou?rs?|sizes?|looks|shades?)\b[^.!?\n]*?(?:swap|trade|exchange|switch)\w*"
            ),
            (
                r"(?:swap|trade|exchange|switch)\w* (?:their )?(?:colou?rs?|sizes?|looks)|make|turns?|becomes?|"
                rf"(?:an?|one) (?:{_ANY_COLOUR}|big|small)\b.* 2\. (?!.*places)"
            ),
        ),
        ("vice versa|the other way (?:a?round|about)", "swap|trade|exchange|switch|and"),
        # How far something goes.
        (
            (
                r"(?:one|a|1|single) (?:square|step|field|cell|spot|place|notch|row|column) (?:(?:further|to the) )?"
                r"(?:up|down|left|right|higher|lower|over)"
            ),
            "move|moves|goes|step|up|down|left|right|top|bottom|above|below",
        ),
        # Which of several.
        ("bigger|smaller|larger|biggest|smallest|largest", "big|bigger|small|smaller|biggest|smallest"),
        (r"(?:second|third|fourth|last|next) \w+ from", "second|third|fourth|last|next"),
        (r"the (?:very )?same \w+ (?:again|once more)", "same|copy|like"),
        (r"(?<!-)less|fewer", "less|fewer|small|smaller"),
        ("the only", "only|alone|everything|but"),
        ("half (?:of )?(?:the|them|all|these)", "half|small|smaller|one|two|three|four"),
        # How they lie to each other.
        (r"(?:in )?between (?:the|an?|two|both|them|it)\b", r"between|middle|which|what"),
        (
            "around (?:an?|the|it)|surround(?:s|ed|ing)?|encircl(?:e|es|ed|ing)",
            "around|surrounded|corners|sides?|middle",
        ),
        (
            r"(?:rows?|columns?|lines?) (?:of|with)|in (?:a|one) (?:row|column|line)",
            "rows?|columns?|lines?|(?:two|three|four|five|six) .*|next|corners?",
        ),
        ("diagonal(?:ly)?|stacked", "(?:two|three|four|five|six) .*|above|below|corners?|top|bottom|rows?|columns?"),
        # What happens in one case only, which no image shows; one picture with something, and one without it.
        (r"otherwise|or else|unless|if (?:there|it|the|any|he|she|they)\b(?! (?:possible|works|helps|fits))", "(?!)"),
        (
            r"one (?:\w+ )?without|(?:and|,) without(?: (?:it|them|one))?\s*(?:$|[.!,;\n])",
            "without|no|not|away|gone|disappears?|remove|leaves|vanish(?:es)?|empty|only|nothing",
        ),
        # What happens to something: it leaves, comes back, grows, falls, or becomes something else.
        (
            (
                r"(?:drives?|drove|flies|flew|runs?|ran|walks?|walked|swims?|swam|sails?|sailed|goes|went|rolls?|"
                r"rolled) (?:off|away)|disappear\w*|vanish\w*|"
                r"(?:both|they|all|everyone|everybody|it|he|she)(?: of them)? (?:then )?leaves?"
                r"(?=$|[ ,]*[.!,;\n]| and\b)"
            ),
            (
                r"away|gone|off|home|disappear\w*|vanish\w*|remove|leaves?|delete|without|only|no|not|nothing|empty|"
                "alone|becomes|turns"
            ),
        ),
        (
            (
                r"(?:comes?|came|goes|went|swims|flies|walks|runs) back|(?:brings?|brought) [\w ]{2,20} back|"
                "returns?|returned"
            ),
            r"back|returns?|again|moves?|(?P<one>\w+) goes away\b.*\b(?P=one) appears",
        ),
        (
            r"gr[eo]w(?:s|ing)? (?:up|bigger|big|into|until|and gr[eo]w\w*)|(?:gets?|got) bigger",
            "gets? big|make (?:.* )?big|bigger|grows?|becomes?",
        ),
        ("(?<!snow )(?<!night )(?:falls?|fell) (?:from|down)", "falls?|moves?|goes|bottom|down|below"),
        (
            rf"from (?:an? |the )?(?:\w+ ){{0,2}}(?:{_ANY_KIND}) to (?:an? |the )?(?:\w+ ){{0,2}}(?:{_ANY_KIND})",
            "becomes?|turns?|replace|goes away|remove|into|moves?|left|right",
        ),
        (
            "an? (?:third|fourth|fifth) one",
            r"third|fourth|fifth|another|three|four|five|appears\b.*\bappears",
        ),
        # What was there before, and how many there are to be in all.
        ("undo|revert|un-?do", "back|returns?|again|before"),
        (rf"make (?:it|them|that) {_NUMBER}(?= \w+s\b)", "replace|turn|into"),
    )
)
"""Signs of a meaning, and the words by which the rules state it: one without the other was lost."""
_LEAVES = re.compile(r"\b(?:away|gone|leaves?|left|vanish\w*|disappear\w*|off|home|remov\w+|delet\w+)\b")
_MAY_LEAVE = re.compile(
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
    r"\bhow many\b|\bcount(?: ?\(|s? (?:of|the|all|how)\b)|"
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


def _spellings() -> dict[str, str]:
    found = {}
    for word in (*KINDS, *COLOURS):
        others = (other for other, meant in EXTRA_SYNONYMS.items() if meant == word)
        for name in (word, *SYNONYMS[word], *others):
            found[name] = word
            if word in KINDS:
                found[plural(name)] = found[regular_plural(name)] = word
    return found


_SPELLINGS = _spellings()


def named_alike(wording: str, restated: str, images: int = 0) -> bool:
    """Whether a restated request names what the request names.

    Objects and colors that only the restated one names were invented, and so are sides, and counts in a request for one
    image. What only the request names was forgotten, unless it takes something back or the restated one is a question.

    Args:
        wording: The request as somebody worded it.
        restated: The same in words that the rules read.
        images: How many images the request has.
    """
    wording, restated = wording.lower(), restated.lower()
    is_answer = restated.endswith("?") or restated.startswith("describe")
    asks = not is_answer and _ASKS.search(wording)
    if images and (asks or (restated.startswith("add ") and _IN_ALL.search(wording))):
        return False
    if any(said.search(wording) and not kept.search(restated) for said, kept in _KEPT):
        return False
    drawn_alike = images or not (_invents_ground(wording, restated) or _denial_is_lost(wording, restated))
    if not drawn_alike or not _leave_alike(wording, restated):
        return False
    said, meant = _named(wording), _named(restated)
    if not all(_hinted(word, wording) for word in meant - said) or any(
        side in restated and not sign.search(wording) for side, sign in _SIDES.items()
    ):
        return False
    invents = not restated.startswith("1. ") and _numbers(restated) - _numbers(_NO_COUNT.sub(" ", wording))
    if invents or not (images or is_answer or takes_back(wording) or not _loses_some(wording, restated)):
        return False
    if is_answer and not (_ASKED.search(wording) and _says_as_much(wording, restated)):
        return False
    if not is_answer and not takes_back(wording):
        stated = {
            word for clause in re.split(r"[.,;:!?\n]", wording) if not _DENIED.search(clause) for word in _named(clause)
        }
        if (stated & set(COLOURS)) - meant:
            return False
    return (
        is_answer
        or _TAKEN_BACK.search(wording) is not None
        or (said <= meant and _placed_alike(wording, restated, images))
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
    denied = _NOT_SO.search(wording) and not takes_back(wording)
    return bool(denied) and not restated.startswith("1. ") and not _LACKS.search(restated)


def _leave_alike(wording: str, restated: str) -> bool:
    """Whether what leaves is what the request says of, where it says so; and whether nothing leaves only to appear."""
    gone = set(_GONE.findall(restated))
    if gone and not _MAY_LEAVE.search(wording):
        return False
    parts = re.split(r"[.,;:!?\n]|\band\b", wording)
    leaving = [_named(_SHE.sub("girl", part)) & set(KINDS) for part in parts if _LEAVES.search(part)]
    if gone and leaving and all(leaving) and gone != set().union(*leaving):
        return False
    return _COMES.search(wording) is not None or not _GONE_AND_BACK.search(restated)


def _placed_alike(wording: str, restated: str, images: int) -> bool:
    """Whether a restated request keeps backgrounds and sides; an edit may also name the side where something was."""
    if not images and any(side not in restated for side in _PLACED.findall(wording)):
        return False
    return all(ground in restated or (ground == "sunset" and _SUN in restated) for ground in _grounds(wording))


def takes_back(wording: str) -> bool:
    """Whether a request may correct itself: "red, no wait, blue"."""
    return _CORRECTED.search(wording.lower()) is not None


def _says_as_much(wording: str, question: str) -> bool:
    """Whether a question keeps what tells objects apart, and all that is to be confirmed: "is the ball red and big"."""
    if (
        re.search(r"\b(?:the other one|(?:what|which|how many|where are the) other)\b", wording)
        and "other" not in question
    ):
        return False
    if re.search(r"\b(?:both|two) (?:of the )?(?:pictures|images|photos)\b", wording) and not re.search(
        r"both|and|two|differ|same|chang|picture (?:has|have|shows)|new|gone|moved", question
    ):
        return False
    if _NOT_SO.search(wording) and not _DENIED.search(question) and "other" not in question:
        return False
    if (pictures := set(_WHICH_PICTURE.findall(question))) and pictures != set(_WHICH_PICTURE.findall(wording)):
        return False
    last = [part for part in re.split(r"[.!?\n]", wording) if part.strip()][-1:]
    pairs = (_named(found[0]) for part in last for found in _TWO_NAMED.finditer(part))
    if any(len(pair & _named(question)) == 1 < len(pair) for pair in pairs):
        return False
    if not re.match(r"(?:is|are) (?:the|it|there)\b", question):
        return True
    stated = _named(wording) | {size for size, sign in _SIZES.items() if sign.search(wording)}
    return all(re.search(rf"\b{word}", question) for word in stated)


def _hinted(word: str, wording: str) -> bool:
    """Whether a wording has a spelling of its own for a word: "fishies", "birdie", "yelow"."""
    spellings = [spelling for spelling, meant in _SPELLINGS.items() if meant == word]
    return any(
        said.startswith(word) or get_close_matches(said, spellings, n=1, cutoff=_CLOSE)
        for said in re.findall(r"[a-z]{3,}", wording)
    )


_CLOSE = 0.8
"""Least similarity of a misspelt word, as `difflib` measures it."""


def _named(text: str) -> set[str]:
    words = re.findall(r"[a-z]+", text)
    return {_SPELLINGS[word] for word in words if word in _SPELLINGS} | {EMOJI[sign] for sign in text if sign in EMOJI}


def _grounds(text: str) -> set[str]:
    found = {canonical(word) for word in re.findall(r"[a-z]+", text)}
    return found & set(BACKGROUNDS)


_NOUN = "|".join(sorted((word for word, name in _SPELLINGS.items() if name in KINDS), key=len, reverse=True))
_INTRODUCED = re.compile(rf"\b(?:an?|another|one)(?: [a-z-]+){{0,2}}? ({_NOUN})\b")
_TWO_NAMED = re.compile(rf"\b(?:{_NOUN})(?:,| and| or| nor)(?: the| an?| any| how many)?(?: \w+)? (?:{_NOUN})\b")
"""Two objects that a question asks about at once."""
_WHICH_PICTURE = re.compile(r"\b(first|second|third|fourth) (?:picture|image|photo)\b")
_COUNTED = re.compile(rf"\b(?P<number>{_NUMBER})(?: [a-z-]+){{0,2}}? (?P<noun>{_NOUN})\b")


def _loses_some(wording: str, restated: str) -> bool:
    """Whether fewer objects of a kind are named than the request counts: "two cats" is not "a white cat"."""
    restated = re.sub(r"\b\d+\. ", "", restated)  # The numbers of images count no objects.
    for found in _COUNTED.finditer(_NO_COUNT.sub(" ", wording)):
        kind = _SPELLINGS[found["noun"]]
        number = max(_numbers(found["number"]), default=1)
        if number < 2 or number in _numbers(restated):
            continue
        if sum(_SPELLINGS[noun] == kind for noun in _INTRODUCED.findall(restated)) < number:
            return True
    return False


def _numbers(text: str) -> set[int]:
    found = {NUMBER_WORDS.index(word) + 1 for word in re.findall(r"[a-z]+", text) if word in NUMBER_WORDS}
    found |= {int(digit) for digit in re.findall(r"[1-9]", text)}
    found |= {text.count(sign) for sign in EMOJI if sign in text}
    return (found | {2} if _PAIR.search(text) else found) - {1}
