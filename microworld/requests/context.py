"""What a request says around its question or order: who asks, what was seen, which image was sent.

Knows no scene.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.compiled_patterns import Rule, rewritten
from interleavethinker.microworld.language.plain_text import PLURALS, Sentence
from interleavethinker.microworld.language.reader.tagging import tag
from interleavethinker.microworld.language.vocabulary import CANONICAL
from interleavethinker.microworld.scenes.sprites import KINDS
from interleavethinker.tools.errors import InputError

from .questions import is_question

__all__ = ["asked_directly", "check_given", "without_context"]

_WHO = r"(?:(?:my|our|the|a) (?:\w+ )?\w+|she|he|they|we|somebody|someone|everybody|everyone)"
_THINGS = "(?:things?|objects?|items?|one)"
_ASKS = (
    "(?:asks?|(?:is|are|keeps?) (?:asking|wondering)|wonders?|wants? to know|would (?:like|love) to know|asked)"
    "(?: me| us)?"
)
_INDIRECT = re.compile(
    rf"(?:^|(?<=[.!?;] ))(?:(?:hi|hello|hey|so|ok|and|please),? )*{_WHO} {_ASKS} "
    r"(?=(?:if|whether|what|where|which|how|who)\b)",
    re.IGNORECASE,
)
_WORDINGS: tuple[Rule, ...] = (
    (
        (
            r"\b(?:tell|show|remind|explain to|ask|let) (?:(?:the|my|our|these|all|of|little) )+(?:class|"
            r"pupils?|students?|"
            r"children|child|kids?|girls?|boys?|boys and girls|friends?|son|daughter|(?:grand)?(?:ma|pa)|mum|"
            r"mom|dad|boss|client) "
            r"(?:know )?(?=(?:what|where|which|who|if|whether|how (?:many|big|large|small))\b)"
        ),
        "tell me ",
    ),
    (
        (
            r"^\s*(?:true or false|right or wrong|yes or no|correct or not|is it true(?: that)?)[:,]? there "
            r"(is|are) ([^.?!]+)[.?!]*\s*$"
        ),
        r"\1 there \2?",
    ),
    (r"^\s*(the [^,.?!]+), ((?:what|where|how|which)\b[^.?!]*?) it\b", r"\2 \1"),
    (
        r"\bwhich (\w+) is the (\w+) one(?=[?.!]|$|, (?:the )?(?:left|right|top|bottom))(?:, [^.?!]*)?",
        r"where is the \2 \1",
    ),
    (
        rf"\b(which|what) {_THINGS} (?:in|on) (?:the|this) (?:picture|image) (are|is)\b",
        r"\1 of the objects \2",
    ),
    (r"\b(?:can|could|will|would) you (?:please )?say what (.+?) is(?=[.?!]|$)", r"what is \1"),
    (
        rf"\b(?:what|which {_THINGS}) (?:was|has been|got|is) replaced(?: (?:by|with) what)?(?=[.?!]|$)",
        "what is different",
    ),
)
_SENT = re.compile(
    r"\b(?:i|we) (?:now )?(?:(?:have|just|already|am|are) )*(?:send|sent|sending|attach|attached|attaching|upload|"
    r"uploaded|uploading|enclose|enclosed|gave|give)(?: you| here)* (?:an?|the|my|our|this|one|two|some) (?:\w+ )?"
    r"(?:photo|picture|image|drawing|painting|pic|photograph|screenshot)s?\b|\b(?:attached|enclosed|uploaded) (?:you "
    r"(?:will )?find|is|are) (?:an?|the|my|our|two) (?:\w+ )?(?:photo|picture|image|drawing|pic)s?\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:i (?:think|believe|know|guess|see|saw|heard|noticed|am|was|made|have)|we|my|our|this|that|these|those|it|"
    r"something|some ?thing|someone|somebody|one (?:object|thing)|an? (?:object|thing)|the (?:first|second|objects?|"
    r"things?|pictures?|images?)|here|there|two (?:pictures|images))\b"
)
_ORDERS = re.compile(
    r"\b(?:want|need|like|would|should|must|shall|please|make|put|add|remove|change|draw|paint|"
    r"let)\b"
)
_SHOWN = frozenset("NOUN COLOUR CMP GROUND GROUND_CHANGE PLACE RELATION OWN STEP NO NOT ONLY".split())
_REST = re.compile(
    r"(?:is there|are there|is it|are they|do you know|do you see (?:it|one)|can you tell(?: me)?|what do you think|"
    r"right|or not|am i right|is that (?:right|true|so)|ok|yes or no)"
)
"""Short questions that only repeat the one before."""
_ELLIPTIC = re.compile(
    r"(?:by what|with what|what|which|which (?:one|thing|object)(?: is it| was it)?|what is it|what was it|what "
    r"thing|"
    r"what object|how|how so|in what way|what happened|what is it now|who)"
)
_CHANGE = re.compile(
    r"\b(?:changed?|moved?|replaced|different|gone|disappeared|vanished|missing|new|another|swapped|appeared|added|"
    r"removed|differ|differs|differently)\b"
)


_ORDER = re.compile(
    r"(?:(?:please|now|then|and|so|can you|could you) )*(?:make|turn|paint|colou?r|remove|delete|erase|move|put|bring|"
    r"change|swap|replace|take|give|let|get|restore|add|show|enlarge|shrink|keep)\b"
)
_BACK = re.compile(r"\b(?:back|restore)\b")
_OF_IMAGE = re.compile(
    rf"\b(?P<what>(?:the|that|this|both|all|its?) (?:[a-z]+ ){{0,3}}?(?:{'|'.join((*KINDS, *PLURALS, *CANONICAL))}|"
    r"things?|objects?)(?: (?:on|in|at) the (?:top|bottom|left|right|middle|centre|center)(?: left| right)?)?)"
    r" (?:in|of|from|on) the (?P<which>first|second|third|fourth|last) (?:picture|image|photo|one)\b"
)


def asked_directly(text: str) -> str:
    """Returns a text whose questions are the writer's own ("she wants to know where the cat is") and in plain words."""
    return rewritten(_INDIRECT.sub("I want to know ", text), _WORDINGS, re.IGNORECASE)


def check_given(text: str) -> None:
    """Checks a request without images for words that say that one was sent.

    Raises:
        InputError: It speaks of an image that is missing (`no_image`).
    """
    if found := _SENT.search(text):
        msg = f'The request speaks of an image ("{found.group()}"), but no image was given; add --image FILE.'
        raise InputError(msg, code="no_image")


def without_context(sentences: Sequence[Sentence], images: int) -> tuple[Sentence, ...]:
    """Returns the questions of a request about images without the sentences that only lead to them.

    "I think that something moved. What moved?" asks what has moved. A sentence that names what an image shows stays.
    """
    asked = [is_question(one) for one in sentences]
    if images > 1 and not any(asked):
        return tuple(_of_last_image(one, images) for one in sentences)
    if not images or not any(asked) or len(sentences) < 2:
        return tuple(sentences)
    kept = [one for one, asks in zip(sentences, asked, strict=True) if asks or not _leads(one)]
    told = " ".join(" ".join(one.words) for one in sentences if one not in kept)
    while len(kept) > 1 and _REST.fullmatch(" ".join(kept[-1].words)):
        kept.pop()
    if len(kept) == 1 and images > 1 and _CHANGE.search(told) and _ELLIPTIC.fullmatch(" ".join(kept[0].words)):
        return (Sentence(("what", "is", "different"), True),)
    return tuple(kept)


def _of_last_image(sentence: Sentence, images: int) -> Sentence:
    """Returns an order about "the cat in the second picture" of two without these words: the last image is edited.

    An order that brings something back may name any image.

    Raises:
        InputError: It names an object of another image, whose content an edit does not use (`ambiguous`).
    """
    text = " ".join(sentence.words)
    found = _OF_IMAGE.search(text)
    if found is None or not _ORDER.match(text) or _BACK.search(text):
        return sentence
    number = {"first": 1, "second": 2, "third": 3, "fourth": 4}.get(found["which"], images)
    if number != images:
        msg = (
            f'An edit changes the last image, and "{found.group()}" is in another one. Say how the object looks and '
            "where it belongs, or give that image last."
        )
        raise InputError(msg, code="ambiguous")
    return replace(sentence, words=tuple(f"{text[: found.end('what')]}{text[found.end() :]}".split()))


def _leads(sentence: Sentence) -> bool:
    """Whether a sentence tells something and names nothing that an image shows."""
    text = " ".join(sentence.words)
    return (
        _SUBJECT.match(text) is not None
        and not _ORDERS.search(text)
        and not any(token.tag in _SHOWN for token in tag(sentence.words))
    )
