"""Recognizes sentences around a request that show nothing: what it is for, its title, and how the steps are asked for.

Knows no scene. A sentence that may name an object is never one of these.
"""

from __future__ import annotations

import re
from dataclasses import replace

from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, Sentence

from .tagging import Token, tag

__all__ = ["asks_for_steps", "is_lesson", "is_purpose", "without_title"]

_COUNT = rf"(?:{'|'.join(NUMBER_WORDS)})"
_UNIT = "(?:steps?|frames?|panels?|pictures?|images?|shots?|pages?|scenes?|slides?|stages?|parts?)"
_GENRE = (
    "(?:story|tale|fairy tale|bedtime story|storyboard|comic|comic strip|cartoon|cut ?scene|sequence|procedure|recipe|"
    "instructions?|directions?|guide|how to|tutorial|algorithm|manual|walkthrough|lesson|exercise|worksheet|script|"
    "animation|clip|slideshow|scenario|outline|program|plan|assignment|task|pov|flipbook|picture book)"
)
_ADJECTIVE = (
    "(?:short|little|small|quick|simple|new|goodnight|good night|bedtime|drawing|painting|step by step|easy|tiny|my|"
    "our|the|a|an|this|funny|silent|game|video)"
)
_WHOM = r"(?: (?:for|by|from|to) (?:(?:my|our|the|a|an|his|her) )?(?:\w+ ){0,2}?\w+)?"
_SIZE = (
    rf"(?:(?: ,)? (?:(?:in|of|with) )?(?:exactly )?{_COUNT} {_UNIT}(?: (?:each|long|total))?|"
    rf"(?: ,)? (?:one|an?) {_UNIT} (?:each|per {_UNIT}|for each {_UNIT}))*"
)
_WANTED = "(?: (?:wanted|needed|required|requested|please|below|follows?|here))*"
_TITLE = re.compile(rf"(?:{_ADJECTIVE} )*{_GENRE}{_WHOM}{_WANTED}{_SIZE}{_WANTED}")
_LESSON = re.compile(r"\b(?:instructions?|how to|tutorial|walkthrough|lesson)\b")
_BARE_SIZE = re.compile(rf"{_COUNT} {_UNIT}(?: ,)?(?: (?:please|each|one {_UNIT} each))*")
_GREETING = re.compile(r"(?:(?:good )?(?:dear|hi|hello|hey|hiya|morning|afternoon|evening|day))(?: \w+){1,2}")
_WRITER = frozenset({"i", "we", "my", "our"})
_WISHES = frozenset(
    "want wants wanted need needs needed wish wishes see sees like likes love loves would draw draws paint paints show "
    "shows add put imagine think get gets give have has had prefer hope".split()
)
"""Verbs after which a noun may be what the writer wants to see."""
_SHOWN = frozenset(
    "NOUN COLOUR SIZE CMP GROUND GROUND_CHANGE PLACE RELATION OWN STEP GONE ABSENT NO NOT PRO ONES THING".split()
)
_ORDER = "(?:first|next|then|last|now|after that|after this|afterwards|second|third|in the end|to start|to begin)"
_STEPS_ASKED = re.compile(
    rf"(?:(?:and|so|but|,) )*(?:(?:what|where|which one|how) (?:do|should|would|must|shall|can|could|does) "
    rf"(?:i|we|you|one|she|he|they) (?:do|draw|start|begin|go on|continue|proceed)(?: with)?(?: {_ORDER})*|"
    rf"(?:what|which one) (?:is|comes|goes|follows|happens)(?: the)?(?: {_ORDER})+(?: (?:step|one|thing))?|"
    rf"what (?:are|would be) the steps|(?:and )?(?:then|after that)(?: what)?)"
)


def is_purpose(sentence: Sentence) -> bool:
    """Whether a sentence only says what the writer does: "I am making a poster for second graders"."""
    words = sentence.words
    if sentence.question or words[0] not in _WRITER or _WISHES.intersection(words):
        return False
    return not any(_may_be_shown(token) for token in tag(words))


def _may_be_shown(token: Token) -> bool:
    ordinal = token.text in {"first", "second", "third", "fourth", "fifth"}
    return (
        token.tag in _SHOWN or (token.tag == "DANGER" and not ordinal) or (token.tag == "OTHER" and bool(token.value))
    )


def without_title(sentence: Sentence) -> Sentence | None:
    """Returns a sentence without a title such as "procedure, three steps:"; None if it says nothing else."""
    text = " ".join(sentence.words)
    greeting, comma, rest = text.partition(" , ")
    if comma and _GREETING.fullmatch(greeting) and not any(map(_may_be_shown, tag(tuple(greeting.split())))):
        text, sentence = rest, replace(sentence, words=tuple(rest.split()))
    if sentence.question:
        return sentence
    if _TITLE.fullmatch(text) or _BARE_SIZE.fullmatch(text):
        return None
    title, colon, rest = text.partition(" : ")
    if colon and rest and (_TITLE.fullmatch(title) or _BARE_SIZE.fullmatch(title)):
        return replace(sentence, words=tuple(rest.split()))
    return sentence


def is_lesson(sentence: Sentence) -> bool:
    """Whether a sentence is or begins with the title of drawing instructions: "tutorial please", "lesson: a cat"."""
    title = " ".join(sentence.words).partition(" : ")[0]
    return not sentence.question and _TITLE.fullmatch(title) is not None and _LESSON.search(title) is not None


def asks_for_steps(sentence: Sentence) -> bool:
    """Whether a sentence only asks for the steps of what another one names: "what do we do first, and then?"."""
    parts = re.split(r" , ", " ".join(sentence.words))
    return all(_STEPS_ASKED.fullmatch(part) for part in parts)
