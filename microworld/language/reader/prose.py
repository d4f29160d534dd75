"""Leaves out of a told story what no image shows: feelings, thoughts, sounds and reasons of whom it has named before.

A sentence stays if it names anything that can be drawn for the first time, counts, places or changes something, or if a
pronoun of the next one may mean its subject. Works on the text of a request without images and knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.empty_words import FEELINGS
from interleavethinker.microworld.language.key_words import COLOUR, LOOK, MANY, ONE, SIZE, kind_named
from interleavethinker.microworld.language.plain_text import plain_text

from .tagging import tag

__all__ = ["without_prose"]

_I = re.IGNORECASE
_NOUN = rf"(?:{ONE}|{MANY})"
_SUBJECT = (
    r"(?:she|he|it|they|(?:both|all)(?: of them)?|everyone|everybody|nobody|no one|"
    rf"(?:the|her|his|its|their|my|our) (?:{LOOK})(?P<noun{{}}>{_NOUN}))"
)
_ADVERBS = (
    "(?:(?:so|very|really|quite|too|still|also|always|never|not|just|even|often|all|both|again|now|most|suddenly|a bit|"
    "a little|a lot) )*"
)
_BE = "(?:is|are|was|were|feels?|felt|looks?|looked|seems?|seemed|gets?|got|becomes?|became|am)"
_FEELING = (
    rf"(?:{'|'.join(FEELINGS)}|(?:best |good |great )?friends|asleep|awake|surprised|amazed|cold|warm|in love|"
    "out of (?:gas|fuel|breath))"
)
_FELT = rf"{_BE} {_ADVERBS}{_FEELING}(?:(?:,| and|, and| but|, but) {_ADVERBS}{_FEELING})*"
_ENDS = r"(?:,? (?:at last|again|now|too|together|forever|for ever|in the end|of (?:it|that)|about (?:it|that)))*"
_THINKS = (
    "(?:knows?|knew|wonders?|wondered|thinks?|thought|likes?|liked|loves?|loved|enjoys?|enjoyed|dreams?|dreamed|"
    "remembers?|remembered|hopes?|hoped|misses|miss|missed)"
)
_DOES = (
    "(?:sings?|sang|singing|dances?|danced|dancing|laughs?|laughed|laughing|smiles?|smiled|smiling|cry|cries|cried|crying|"
    "talks?|talked|talking|chats?|plays?|played|playing|fights?|fought|fighting|sleeps?|slept|sleeping|rests?|rested|"
    "resting|waits?|waited|waiting|yawns?|yawned|sighs?|sighed|purrs?|purred|giggles?|giggled|say hello|says hello|"
    "said hello)"
)
_AMBIENCE = (
    r"(?:the|a|an) (?:\w+ )?(?:wind|breeze|waves?|air|music|silence|weather) "
    r"(?:is|are|was|were|blows?|blew|howls?|howled|whispers?|roars?|roared|crash(?:es)?|sings?|plays?)\b(?P<tail{}>[^.,;!?]*?)"
)
_TELLS = r"(?:let me|(?:i|we) (?:want to|will|am going to)) tell(?: you)?"
_PARTS = (
    rf"{_SUBJECT} {_FELT}{_ENDS}",
    rf"{_SUBJECT} {_ADVERBS}{_THINKS}\b(?P<tail{{}}>[^.,;!?]*?)",
    rf"(?:i|we) {_ADVERBS}{_THINKS}\b(?P<tail{{}}>[^.,;!?]*?)",
    rf"{_SUBJECT} (?:(?:is|are|was|were) )?{_ADVERBS}{_DOES}\b(?P<tail{{}}>[^.,;!?]*?)",
    rf"{_SUBJECT} puts? (?:it|them|(?:the|her|his|its) (?:{LOOK})(?P<nounb{{}}>{_NOUN})) down(?: and (?:waits|rests))?",
    _AMBIENCE,
    r"the sun (?:is |was )?(?:shines|shone|shining|bright|warm)\b(?P<tail{}>[^.,;!?]*?)",
    rf"{_TELLS} (?:about|of)\b(?P<tail{{}}>[^.,;!?]*?)",
)
_PROSE = "|".join(part.replace("{}", str(at)) for at, part in enumerate(_PARTS))
_SIGHT = (
    "(?:looks? at|looked at|stares? at|stared at|smiles? at|smiled at|waves? (?:at|to)|waved (?:at|to)|greets?|greeted|"
    "watches|watched|says? hello to|said hello to|listens? to|talks? (?:to|with))"
)
_CLAUSES = (
    (
        rf"(?:,? (?:and|but) (?:(?:she|he|it|they) )?|, (?:and|but) the (?:{LOOK})(?P<noun>{_NOUN}) ){_FELT}{_ENDS}"
        r"(?=[.!?;]|$)"
    ),
    rf"(?<= )(?:says?|said|thinks?|thought) (?:that )?(?:she|he|it|they) {_FELT},? and (?=[a-z]+(?:s|ed)\b)",
    rf"(?<= ){_FELT} and (?=(?:then )?(?!(?:{COLOUR}|{SIZE})\b)[a-z]+(?:s|ed)\b)",
    rf",? and {_SIGHT} (?:it|him|her|them|(?:the|her|his|its) (?:{LOOK})(?P<noun>{_NOUN}))(?=[.,;!?]|$)",
    rf"\b(?:she|he|it|they) opens? (?:it|them|the (?:{LOOK})(?P<noun>{_NOUN}))(?: and|,) (?=an? )",
    rf"\b(?:she|he|it|they) {_FELT},? so (?=(?:she|he|it|they|the) )",
    rf"\bit (?:is|was) so {_FEELING} that (?=(?:she|he|it|they|the) )",
    r"(?:(?<=winter)|(?<=snow)),? and everything (?:is|was) (?:covered (?:in|with)|full of) snow(?=[.!?;]|$)",
    r" (?:all day(?: long)?|every day|for (?:hours|days|a while))(?=[.!?;]|$)",
    r",? because (?P<tail>[^.,;!?]*)(?=[.,;!?]|$)",
    (
        r",? (?:without (?:a|any) (?:sound|word|noise)|(?:with|full of) (?:great )?(?:joy|fear|hope|pleasure))"
        r"(?=[.,;!?]|$)"
    ),
)
_SENTENCE = r"[^.!?;\n]+[.!?;\n]*\s*"
_PRONOUN = r"(?:(?:and|but|so|then|now|finally|suddenly|later|at last|one day),? )*(?:it|she|he|they|him|her|them)\b"
_DRAWN = frozenset(
    (
        "NOUN COLOUR SIZE CMP GROUND GROUND_CHANGE PLACE RELATION OWN NUM MORE STEP GONE ABSENT ONES THING NO ELSE "
        "DANGER"
    ).split()
)
_HARMLESS = frozenset({"be", "stay", "have", "make", "get", "give"})


def without_prose(text: str) -> tuple[str, tuple[str, ...]]:
    """Returns a story without what no image shows, and what was left out.

    Args:
        text: The text of a request without images.

    Examples:
        >>> without_prose("A girl and a box. She is curious. The box turns red.")
        ('A girl and a box. The box turns red.', ('She is curious',))
    """
    sentences = compiled(_SENTENCE).findall(text)
    if len(sentences) < 2 or "".join(sentences) != text:
        return text, ()
    kept: list[str] = []
    left: list[str] = []
    for at, sentence in enumerate(sentences):
        following = sentences[at + 1] if at + 1 < len(sentences) else ""
        if (at or compiled(_TELLS, _I).match(sentence)) and _says_nothing_new(
            sentence, "".join(sentences[:at]), following
        ):
            left.append(sentence.strip(" .!?;\n"))
            continue
        for pattern in _CLAUSES:
            for found in reversed(list(compiled(pattern, _I).finditer(sentence))):
                if _is_known(found, "".join(sentences[:at]) + sentence[: found.start()]) and _is_idle(found):
                    left.append(found.group().strip(" ,"))
                    sentence = sentence[: found.start()] + sentence[found.end() :]  # noqa: PLW2901 - shortened
        kept.append(sentence)
    return ("".join(kept).strip(), tuple(left)) if left else (text, ())


def _says_nothing_new(sentence: str, before: str, following: str) -> bool:
    found = compiled(rf"(?:(?:and|but|so),? )?(?:{_PROSE})", _I).fullmatch(sentence.strip(" .!?;\n"))
    if found is None:
        pair = re.split(r",? (?:and|but) (?=(?:the|a|she|he|they|it)\b)", sentence.strip(" .!?;\n"), maxsplit=1)
        return len(pair) == 2 and all(_says_nothing_new(part, before, following) for part in pair)
    named = any(noun for name, noun in found.groupdict().items() if name.startswith("noun"))
    if named and compiled(_PRONOUN, _I).match(following.strip()):
        return False
    return _is_known(found, before) and _is_idle(found)


def _is_known(found: re.Match[str], before: str) -> bool:
    """Whether the objects of a clause were named before it."""
    nouns = [noun for name, noun in found.groupdict().items() if name.startswith("noun") and noun]
    return {kind_named(noun) for noun in compiled(rf"\b{_NOUN}\b", _I).findall(before)}.issuperset(
        map(kind_named, nouns)
    )


def _is_idle(found: re.Match[str]) -> bool:
    """Whether what follows a verb of feeling, or a reason, names nothing that is drawn and tells no change."""
    tails = [tail for name, tail in found.groupdict().items() if name.startswith("tail") and tail]
    tokens = [token for tail in tails for token in tag(tuple(plain_text(tail).split()))]
    return not any(
        (token.tag in _DRAWN and token.text not in {"what", "inside"})  # "nobody knew what was inside"
        or (token.tag == "VERB" and not token.classes & _HARMLESS)
        for token in tokens
    )
