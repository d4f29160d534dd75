"""Recognizes sentences that say that nothing changes: "everything stays as it is", "the same picture again".

Knows words, no grammar. A sentence about the rest of an image ("everything else stays") limits a change, and a sentence
about one object ("the cat stays") tells more of it; neither is meant here.
"""

from __future__ import annotations

import re

__all__ = ["is_closing", "says_unchanged"]

_PICTURE = "(?:the|this|my|our|that) (?:whole )?(?:picture|image|scene|drawing|view)"
_ALL = f"(?:everything|everyone|everybody|all(?: of (?:it|them|this))?|it all|they all|all things|things|{_PICTURE})"
_AS = r"(?:as|like|the way|where) (?:it|they|everything) (?:all )?(?:is|are|was|were)(?: before)?"
_SAME = (
    "(?:(?:(?:exactly|just|still|all|quite|completely|simply) )*"
    f"(?:the (?:exact )?same(?: as (?:before|it was))?|unchanged|as before|as is|like before|{_AS}))"
)
_PLACES = "(?:put|still|in place|in its place|in their places|there|here|untouched)"
_STAYS = "(?:(?:just |simply |still )*(?:stays?|remains?|(?:should|shall|must|will|can) (?:stay|remain|be)))"
_IS = "(?:(?:just |simply |still )*(?:is|are|looks?|keeps?))"
_NOTHING = (
    "(?:absolutely |simply |still )?(?:nothing|no one|nobody|none of (?:it|them))(?: (?:at all|new|really|much|here))*"
)
_SHOWN = (
    "(?:picture|image|scene|one|thing|view)(?: (?:again|as (?:before|last time|the (?:first|last|previous|one before)"
    "(?: (?:picture|image|one))?)))*"
)
_END = (
    "(?: (?:at all|again|here|there|now|yet|today|for now|for a (?:while|moment)|this time|whatsoever|really|much|"
    "once more|too|as well|please|(?:in|on|for) (?:it|this one|(?:the|this) (?:picture|image|scene|page|panel|step))))*"
)
_UNCHANGED = re.compile(
    "(?:please )?(?:"
    # Nothing happens
    f"{_NOTHING} (?:changes?|happens?|moves?|occurs?|is (?:changed|different|new|happening|changing|moving|to change)|"
    "has (?:changed|happened|moved)|changed|happened|moved|should (?:change|happen|move))|"
    "(?:there (?:is|are) )?(?:absolutely )?(?:no|zero|without(?: any| a)?) (?:changes?|difference|movement)|"
    "nothing new|(?:change|do|move|touch|alter) nothing|"
    "(?:do|does|did) not (?:change|move|touch|alter) (?:anything|a thing)|"
    f"(?:{_ALL}|it) (?:do|does|did) not (?:change|move)|"
    # Everything stays
    f"{_ALL} {_STAYS}(?: (?:{_SAME}|{_PLACES}))*|{_ALL} {_IS} {_SAME}|it (?:{_STAYS}|is) {_SAME}|(?:and )?{_SAME}|"
    f"(?:keep|leave|let) (?:{_ALL}|it|it all) (?:(?:stay|remain|be) )?(?:{_SAME}|{_PLACES}|alone|stay|be)|"
    # The same image again
    "(?:(?:show|draw|repeat|give|keep|make|paint)(?: (?:me|us))? )?(?:exactly |just )?(?:the|this|that) "
    f"(?:(?:exact|very) )?same {_SHOWN}|"
    f"(?:show|draw|repeat) (?:{_PICTURE}|it|this|that|the (?:first|last|previous) (?:picture|image|one)) "
    f"(?:once more|again|unchanged|{_AS})|repeat (?:it|this|that|the (?:(?:first|last|previous) )?(?:picture|image))|"
    f"(?:exactly |just )?(?:the )?same (?:again|as before)){_END}"
)
_LEADS = re.compile(r"^(?:(?:and|but|so|now|then|next|also|while|meanwhile|,|:) )+")
_CLOSING = re.compile(
    r"(?:(?:and|so|now|then|,|:) )*"
    r"(?:(?:that|this|it) is (?:all|it|everything|the end)|(?:it is )?(?:all )?done|"
    r"the end|end|finished|ready|thanks?(?: you)?(?: (?:so|very) much)?|nothing more|no more)"
    r"(?: (?:now|please|for now))?"
)


def says_unchanged(text: str) -> bool:
    """Whether a sentence in plain words says that the whole image stays as it is, and no more.

    Examples:
        >>> says_unchanged("then everything stays as it is"), says_unchanged("nothing changes")
        (True, True)
        >>> says_unchanged("everything else stays as it is"), says_unchanged("the cat stays")
        (False, False)
    """
    return _UNCHANGED.fullmatch(_LEADS.sub("", text)) is not None


def is_closing(text: str) -> bool:
    """Whether a sentence in plain words only ends a request: "that is all", "the end"."""
    return _CLOSING.fullmatch(text) is not None
