"""Meanings of a restated request that the request has no word for: somebody leaves, or something becomes a cat.

A check of a model that rewords, beside the one for what it loses.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, canonical
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

__all__ = ["adds_meanings"]

_ANY_COLOUR = "|".join(COLOURS)
_ANY_KIND = "|".join(KINDS)
_ALL_BUT_ONE = (
    r"\b(?:but|except\w*|only|other\w*|rest|remaining|just|keep|kept|alone|stays?|leave|not|without|save|bar\w*|"
    r"besides|apart|aside|than|nothing|exclud\w+|minus|solely|else)\b|n[’']?t\b"
)
_ALL = (
    r"\b(?:every\w*|all of|all|anything|whole|both|them|rest|only|alone|but|except|empty|clear|just|keep|"
    r"nothing (?:but|else|except))\b"
    rf"(?! (?:the )?(?:(?:big|small|{_ANY_COLOUR}) )*(?:animals?|vehicles?|{_ANY_KIND})s?\b)"
)
_GOING = (
    r"\b(?:remov|delet|eras|drop|escap|depart|exit|melt|burst|fall|fell|steal|stole|swallow|destroy|clear|clean|omit|skip|"
    r"exclud|trim|reduc|subtract|withdraw|replac|vanish|disappear|dislik|hat|bur[iy]|drown|eat|kill|wip|flee|leav)\w*|"
    r"\b(?:gone|away|off|out|without|minus|fewer|less|no|none|nothing|nobody|except|only|just|but|rid|(?<!the )left|"
    r"loses?|losing|lost|fled|goe?s?|went|cut|crop|sinks?|sank|ate|pops?|popped|takes?|took|sells?|sold|hides?|hid|breaks?|"
    r"broke|dies?|died|dead|empty|strike|scratch|instead|missing|needs?|unneeded|undo|home|"
    r"(?:not|n[’']t) (?:like|want|need|belong)\w*|vamoose|scram|skedaddle|shoo|ditch|zap|nuke|axe|"
    r"banish|evict|bin|chuck|toss|throw|threw|yank|scrap|bye|begone|expel|discard|dump|purge)\b|"
    r"[-\N{MINUS SIGN}]\s*\w|[❌🚫✖🗑]"
)
_BECOMING = (
    r"\b(?:replac|becom|chang|swap|switch|trad|exchang|transform|morph|substitut|convert|want|need|magic|grow|evolv|"
    r"develop|hatch|wish|remov|delet)\w*|\bturn(?:s|ed|ing)?\b(?! (?:its|his|her|their) back)|"
    r"\b(?:became|instead|rather|places?|different|other|(?:not|n[’']t) an?|was|were|used to be|should be|to be|use|"
    r"make|grew|away|out\b.*\bin)\b|->|[→⇒➡=]"
)
_ONE_MORE = (
    rf"\b(?:{'|'.join(NUMBER_WORDS[2:])}|[2-9]|another|more|second|again|other|new|also|too|each|every|pair|twins?|double|"
    r"copy|joins?|several|many|both|same)\b"
)
_ASKING = (
    r"\?|\b(?:whats?|wheres?|which|who|whose|how|count\w*|tell|name|list|describe|say|check|find|is|are|does|do|did|has|"
    r"have|any|diff\w*|number|compare\w*|identify|spot|guess|state|explain|caption|whether|if)\b"
)
_SAID_BEFORE: tuple[tuple[str, str], ...] = (
    (r"\b(?:but|except)\b", _ALL_BUT_ONE),
    (r"\beverything\b", _ALL),
    (r"\b(?:go(?:es)? away|remove|disappears?|vanish(?:es)?)\b", _GOING),
    (rf"\breplace\b|\b(?:becomes?|turns? into) (?:an? |the )?(?:\w+ ){{0,2}}(?:{_ANY_KIND})s?\b", _BECOMING),
    (rf"\b(?P<one>{_ANY_KIND})\b.*\ban? (?P=one) appears\b", _ONE_MORE),
    (r"\?\s*$", _ASKING),
)
"""Words of a restated request that only such words of the request can mean."""
_LEFT = (
    rf"\b(?:off|from|out of|leav(?:es?|ing)|left|into|onto|loses? its|back on) (?:an? |the |its |her |his |their )"
    rf"(?:\w+ )?({_ANY_KIND})(?! (?:at|on|in|of) )"
)
"""What somebody leaves or goes to."""
_CORRECTED = r"\b(?:i mean|i meant|make that|no wait|sorry)\b[, ]+(?:i meant|i mean)?[, ]*(?:an? |the )?(\w+)"
"""Takes back what was said before."""


def adds_meanings(wording: str, restated: str) -> bool:
    """Whether a restated request says what no word of the request can mean, or what the request takes back.

    Both are in lower case.
    """
    if any(compiled(means).search(restated) and not compiled(said).search(wording) for means, said in _SAID_BEFORE):
        return True
    return _leaves_instead(wording, restated) or _takes_back_nothing(wording, restated)


def _takes_back_nothing(wording: str, restated: str) -> bool:
    words = {canonical(word) for word in re.findall(r"\w+", restated)}
    meant = (canonical(word) for word in compiled(_CORRECTED).findall(wording))
    return any(word in (*COLOURS, *SIZES, *KINDS) and word not in words for word in meant)


def _leaves_instead(wording: str, restated: str) -> bool:
    """Whether what somebody leaves, or goes to, is said to go away itself."""
    return any(
        compiled(rf"\b{kind}s? go(?:es)? away\b|\bremove (?:an? |the )?(?:\w+ ){{0,2}}{kind}s?\b").search(restated)
        for kind in compiled(_LEFT).findall(wording)
    )
