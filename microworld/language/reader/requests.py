"""Reads a whole request by classes of words: its sentences one after the other, as statements or as questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from interleavethinker.microworld.language.ellipsis import in_full
from interleavethinker.microworld.language.empty_words import says_nothing
from interleavethinker.microworld.language.framing import Framed, remove_framing
from interleavethinker.microworld.language.phrase_types import Phrase
from interleavethinker.microworld.language.plain_text import Sentence, plain_text, split_sentences
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.language.wordings import joined
from interleavethinker.tools.errors import InputError

from .composed import read_clauses
from .phrasings import in_plain_phrases
from .preamble import asks_for_steps, is_lesson, is_purpose, without_title
from .questions import is_asked, names_something, plain_questions
from .tagging import tag

__all__ = ["Reading", "arrows_in_words", "is_stepwise", "read_request"]

_UNIT = "(?:picture|image|panel|drawing|page|frame|step|scene)"
_EACH = re.compile(
    rf"(?:(?:and|please|so|with|make|show|draw|use|i want|give me) )*(?:one|a|an|each|every|a new|a separate|a "
    rf"single) (?:\w+ )?{_UNIT}s? (?:per|for each|for every|each|for "
    rf"every single|by|at a time|is|gets|should be)(?: (?:a|an|its own|one|in|with))?(?: (?:{_UNIT}|line|item|"
    rf"thing|object|sentence|change|time|stage|point|it|a|own|its))*(?: please)?$"
)
"""Sentences that ask for one image for each thing."""
_TAG = re.compile(
    r"(?:,? (?:(?:would|could|can|will) you|ok|okay|yes)|(?<!\bthe)(?<!\btop)(?<!\bbottom)(?<!\bupper)(?<!\blower)"
    r"(?<!\bor),? right)(?: please)?\?"
)
"""What makes an order a question: "move it, would you?"; not the place of "what is on the right?"."""
_HEADING = re.compile(
    r"(?:(?:here are|i have|i need|please make|just|only) )?(?:(?:one|two|three|four|five|six|a few|a couple of|some|"
    r"the|these|my) )?(?:(?:small|quick|tiny|little|last|more) )*(?:corrections?|changes?|tweaks?|edits?|fix(?:es)?|"
    r"modifications?|adjustments?|wishes|requests?)(?: (?:please|needed|for you))?"
)
"""Sentences that announce changes."""
_CHANGE = re.compile(
    r"(?:(?:and|then|now|please|so|just) )*(?:add|remove|delete|erase|move|make|swap|put|paint|turn|colou?r|replace|"
    r"change|take|enlarge|shrink|recolou?r) (?:it|them|him|her|one|both|the|a|an|all|everything|another)\b"
)
"""Orders that stand beside a question."""
_CLOSING = re.compile(r"(?:best|kind regards|regards|cheers|love|thanks|thank you|yours)(?: \w+)?(?: ,)?(?: \w+){1,2}")
"""How a letter ends: "cheers, Tom"."""
_STEPWISE = re.compile(
    r"\b(?:bit by bit|little by little|piece by piece|stage by stage|step by step|one (?:thing|step|object|"
    r"piece) at a time|one thing after (?:the other|another)|"
    r"howto|per (?:image|picture|panel|frame|page)|(?:after|for) every|way (?:to|of) draw(?:ing)?|how (?:to|do "
    r"(?:you|i|we|one)|one|you|i|we|would (?:you|i|one)|can i|could i|should i)(?: \w+)? (?:draw|paint|make|"
    r"puts?|create|sketch)s?)\b"
)
_GIVEN = re.compile(
    r"\b(?:(?:my|last|previous|given|attached|uploaded|sent|above) (?:picture|image|photo|drawing|panel)s?|"
    r"(?:picture|image|photo|drawing|one)s? (?:that )?(?:i|we|you) (?:\w+ )?(?:sent|gave|uploaded|attached|made|"
    r"drew|have|given))\b"
)
"""Words for an image that must be given."""


@dataclass(frozen=True)
class Reading:
    """What a request says."""

    framed: Framed
    statements: tuple[Statement, ...] = ()
    questions: tuple[Sentence, ...] = ()
    """Set if the request asks for words; then there are no statements."""
    text: str = ""
    """The request in plain text."""
    left_out: tuple[str, ...] = ()
    """Words without a meaning in the micro world."""


def read_request(text: str, *, images: int, kinds: frozenset[str] = frozenset()) -> Reading | None:
    """Reads a request; None if some of its words fit no rule.

    Args:
        text: The request's text.
        images: Number of its images.
        kinds: Kinds of the objects that the last of them shows.

    Raises:
        InputError: The request refers to an image that is missing (`no_image`).
    """
    plain = _TAG.sub("", plain_text(_plain_style(text, images)))
    told = [one for one in joined(in_full(split_sentences(plain))) if not _is_heading(one)]
    titled = [rest for one in told if (rest := without_title(one)) is not None]
    sentences = [one for one in titled if not (asks_for_steps(one) or is_purpose(one))] or told
    asides = [" ".join(one.words) for one in titled if is_purpose(one) and one not in sentences]
    framed = remove_framing(sentences, is_continued=bool(images))
    paced = (
        any(_EACH.match(" ".join(one.words)) for one in sentences)
        or is_stepwise(f"{text} {plain}")
        or any(map(_asks_how, sentences))
        or (any((*map(asks_for_steps, titled), *map(is_lesson, told))) and not images)
    )
    kept = tuple(one for one in framed.sentences if not _EACH.match(" ".join(one.words)))
    framed = replace(framed, sentences=kept, one_by_one=framed.one_by_one or paced)
    if not framed.sentences:
        return None
    asked = [is_asked(one) for one in framed.sentences]
    if any(asked) and any(_STEPWISE.search(" ".join(one.words)) for one in framed.sentences) and not images:
        asked = [False for _ in asked]
    if any(asked):
        if any(
            not asks and _CHANGE.match(" ".join(one.words)) for one, asks in zip(framed.sentences, asked, strict=True)
        ):
            return None  # "where is the cat? remove it"
        about = [one for one, asks in zip(framed.sentences, asked, strict=True) if asks or names_something(one)]
        framed = replace(framed, sentences=tuple(about))
        asked = [is_asked(one) for one in about]
        questions = plain_questions(framed.sentences) if all(asked) else None
        return None if questions is None or not images else Reading(framed, questions=tuple(questions))
    if not images and _GIVEN.search(plain):
        msg = "The request is about an image, but no image was given; add --image FILE."
        raise InputError(msg, code="no_image")
    for one in (framed, replace(framed, sentences=tuple(sentences))):
        found = _statements(one.sentences, edits=bool(images), known=kinds, lesson=paced and not images)
        if found is not None:
            return Reading(one, tuple(found[0]), left_out=tuple(dict.fromkeys((*asides, *found[1]))), text=plain)
    return None


def _is_heading(sentence: Sentence) -> bool:
    closes = _CLOSING.fullmatch(" ".join(sentence.words)) is not None
    return closes or says_nothing(sentence) or _HEADING.fullmatch(" ".join(sentence.words)) is not None


_KEY = re.compile(
    r"\b(?:pos|position|place|placement|location|cell|colou?r|size|kind|type|name|objects?|items?|things?|"
    r"elements?|where|number|"
    r"count|qty|action|contents?|subject|main subject|(?<![a-z] )scene|details?|how-?to|results?|output|task|request|"
    r"(?:instructions?|directions?|guides?|tutorials?|steps|help) (?:wanted|needed|required|requested)|"
    r"prompt|title|quick ask|brief|ask|wanted|needed|please draw|draw|setting|step|attributes?) ?[:=] ?"
)
"""Labels of a form: "color: red"."""


def is_stepwise(text: str) -> bool:
    """Whether a text asks how something is drawn, or for one object at a time."""
    return bool(_STEPWISE.search(text.lower()))


def arrows_in_words(text: str) -> str:
    """Returns an edit such as "cat -> pink" in words."""
    return re.sub(r"(?<=\w)\s*(?:->|-->|\u2192|=>)\s*(?=\w)", " becomes ", text)


def _plain_style(text: str, images: int) -> str:
    """Returns forms and arrows in words: "bg: beach", "boat.pos: left", "cat -> pink"."""
    plain = re.sub(r"[{}\[\]]", " ", text.lower())
    plain = re.sub(r"\(([a-h]|i{1,3}|iv|v)\)(?=\s)", ",", plain)
    plain = re.sub(
        r"(?:^|(?<=[.,;:!?\n]))\s*(?:t|step|beat|act|day|shot|moment|phase|stage|slide|pic|p|img|frame|scene|"
        r"night|morning|week|part)[ #-]?(?:\d|one|two|three|"
        r"four|five|six|seven|eight)\s*[:=,.)-](?!\d)",
        lambda match: ". " if re.search(r"1|one", match.group()) else ". then ",
        plain,
    )
    plain = re.sub(r"\b(left|right|above|below|top|bottom)_(?:of\s*)?\(?\s*(\w+)\s*\)?", r"\1 of the \2", plain)
    plain = re.sub(r"\b(next_to|beside|between|above|below|under|over)\s*\(\s*(\w+)\s*\)", r"\1 the \2", plain).replace(
        "_", " "
    )
    plain = re.sub(r"\bbefore ?:", " ", re.sub(r"(?:^|(?<=[.,;!?\n]))\s*after ?:", ". then ", plain))
    plain = re.sub(r"\bsteps ?[:=] ?(\d)", r"in \1 steps", plain)
    plain = re.sub(r"(?<=[a-z])[._](?=(?:pos|position|colou?r|size|cell|place|location)\b)", " ", plain)
    plain = re.sub(r"\b(?:bg|backdrop|setting) ?[:=]", "background:", plain)
    plain = _KEY.sub(" ", plain)
    plain = re.sub(r"\b(add|remove|delete|replace|move|swap|recolou?r|resize|erase|draw|keep|change) ?:", r"\1", plain)
    plain = re.sub(r"\bcell (?=['\"]?(?:top|bottom|left|right|middle|cent))", "", plain)
    if not images:
        plain = in_plain_phrases(re.sub(r"(?<=[a-z])\s+>+\s+(?=[a-z])", ". then ", plain))
    if images:
        plain = arrows_in_words(plain)
    plain = re.sub(r"\bw/? (?=(?:a|an|the|two|one)\b)", "with ", plain)
    plain = re.sub(
        r"(^|[,.;!?]\s*|\b(?:and|but|so|that|then|now|cause|bc|because|when|if|till|until|and then|where|cos) "
        r")its (?=(?!own\b)\w+)",
        r"\1it is ",
        plain,
    )
    plain = re.sub(r"\bur (?=(?:an?|the)\b)", "you are ", _MOOD.sub(" ", plain))
    for short, word in _SHORT.items():
        plain = re.sub(rf"(?<![\w']){short}(?![\w'])", word, plain)
    return plain


_MOOD = re.compile("[\U0001f480\U0001f4af\U0001f440\U0001f923\U0001f914\U0001f979\U0001faf6\U0001f972]")
"""Emoji that show a mood."""
_SPELLED = (
    "u=you, ur=your, r=are, n=and, abit=a bit, wanna=want to, gimme=give me, lemme=let me, dont=do not, "
    "doesnt=does not, isnt=is not, arent=are not, shouldnt=should not, cant=can not, wont=will not, "
    "theres=there is, thats=that is, im=i am, id=i would, ill=i will, ive=i have, hes=he is, shes=she is, "
    "theyre=they are, whats=what is, wheres=where is, idk=i do not know, tho=though, thru=through, btw=by the "
    "way, coz=because, cuz=because, bcs=because"
)
_SHORT: dict[str, str] = dict(pair.split("=") for pair in _SPELLED.split(", "))
"""Spellings of quick typing."""


def _statements(
    sentences: Sequence[Sentence], *, edits: bool, known: frozenset[str], lesson: bool
) -> tuple[list[Statement], list[str]] | None:
    statements: list[Statement] = []
    left_out: list[str] = []
    for sentence in sentences:
        found = read_clauses(sentence.words, edits=edits, known=known, told=bool(statements), lesson=lesson)
        if found is None:
            return None
        told, words = found
        if told:
            told[0] = replace(told[0], new_piece=True)
            told = [replace(one, in_turn=sentence.in_turn) for one in told]
        statements += told
        left_out += words
        named = (one for statement in told for one in (*statement.items, *statement.subject))
        known |= {one.kind for one in named if isinstance(one, Phrase)} - {""}
    return (statements, left_out) if statements else None


def _asks_how(sentence: Sentence) -> bool:
    """Whether a sentence asks for one object after the other."""
    return any(token.tag == "HOW_TO" for token in tag(sentence.words))
