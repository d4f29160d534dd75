"""Says why a request is refused: which words are unknown, which known words are near, and which request would work.

Knows the words of the rules, not their grammar: a suggestion is offered only if `interpretation` understands it.
"""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from types import ModuleType

from interleavethinker.microworld.language import (
    clauses,
    continuation,
    framing,
    grammar,
    key_words,
    line_wordings,
    narration,
    orders,
    phrase_groups,
    phrase_patterns,
    phrases,
    plain_text,
    predicates,
    recaps,
    rewordings,
    statements,
    wordings,
)
from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.empty_words import FEELINGS, empty_words
from interleavethinker.microworld.language.key_words import GROUND
from interleavethinker.microworld.language.lexicon import near_words, unknown_words_text
from interleavethinker.microworld.language.vocabulary import known_words
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request

from . import kind_groups, question_forms, questions
from .families import request_words
from .interpretation import check_text, interpret

__all__ = ["explained", "is_rule_word", "rule_words"]

_RULES = (
    kind_groups,
    clauses,
    framing,
    grammar,
    key_words,
    line_wordings,
    narration,
    orders,
    phrase_groups,
    phrase_patterns,
    phrases,
    plain_text,
    predicates,
    questions,
    statements,
    wordings,
)
"""Modules with the words of the rules."""
_OTHER_WORDINGS = (continuation, question_forms, recaps, rewordings)
"""Modules with words that are understood in the form in which they stand there: "lose the cat", not "it loses …"."""
_HINT = "The profiles `klein` and `api` accept any request; see `interleavethinker doctor`."
_MAX_SHOWN = 8000
_MAX_LENGTH, _MAX_TRIES, _MAX_WINDOWS = 600, 150, 50
_CONTENT = frozenset((*KINDS, *COLOURS, *SIZES, *BACKGROUNDS, "no", "not", "without"))
_VERBS = frozenset(
    "add remove delete erase replace swap exchange change turn make move bring put take paint keep let give".split()
)
"""Verbs that no suggestion leaves out: without them a request means something else."""
_NEAR_PHRASES = (("in front of", "next to"), ("behind", "next to"), ("inside", "next to"), ("around", "next to"))


@cache
def rule_words() -> frozenset[str]:
    """Returns the words that occur in the rules; each may be understood in some sentence."""
    listed = known_words() | request_words() | set(plain_text.PLURALS) | set(plain_text.NUMBER_WORDS)
    return _words_in(_RULES).union(listed, {"a", "i"})


@cache
def _words_in(modules: tuple[ModuleType, ...]) -> frozenset[str]:
    found: set[str] = set()
    for module in modules:
        tree = ast.parse(inspect.getsource(module))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                pattern = re.sub(r"\\[bwds]|\(\?P<\w+>", " ", node.value)
                found.update(re.findall(r"[a-z]{2,}", pattern))
    return frozenset(found)


def _is_known(word: str, empty: frozenset[str]) -> bool:
    if word in _words_in(_OTHER_WORDINGS).difference(FEELINGS):
        return True
    known = rule_words() | empty
    return any(form in known for form in (word, f"{word}s", word.removesuffix("s"), word.removesuffix("es")))


def is_rule_word(word: str) -> bool:
    """Returns whether a word, or another form of it, occurs in the rules or is known to say nothing."""
    return _is_known(plain_text.canonical(word), empty_words(plain_text.Sentence((word,))))


def explained(
    error: InputError, request: Request, scenes: Sequence[Scene] | None, suggestion: str | None = None
) -> InputError:
    """Returns the error with unknown words named, a suggestion, and where to go with other requests.

    Args:
        error: What the rules raised.
        request: The refused request.
        scenes: The scenes of its images; None if they are not known yet.
        suggestion: A request that works and may be what was meant; by default one that differs in a few words.
    """
    text = request.text[:_MAX_SHOWN]
    plain = plain_text.plain_text(text)
    sentences = [narration.in_present_tense(one) for one in plain_text.split_sentences(plain)]
    words = [(word, empty_words(one)) for one in sentences for word in one.words if word not in {",", ":"}]
    unknown = list(dict.fromkeys(word for word, empty in words if not _is_known(plain_text.canonical(word), empty)))
    message, code = str(error), error.code
    if unknown and error.code in {"not_understood", "unknown_words", "not_there"}:
        message, code = unknown_words_text(unknown), "unknown_words"
    elif error.code == "not_understood" and (grounds := _two_grounds(plain)):
        message = f"The request names two backgrounds, {' and '.join(grounds)}; an image has one."
    if not words:
        message, code = "The text has no words.", "empty_text"
    message = f"{message} {_HINT}"
    if code not in {"not_understood", "unknown_words", "contradiction", "too_many_things"}:
        return InputError(message, code=code)
    suggestion = suggestion or _nearest_request(plain, unknown, request, scenes) or None
    if suggestion is not None:
        images = " --image FILE" * len(request.images)
        message += f" Nearest request that works: interleavethinker run {shlex.quote(suggestion)}{images}"
    return InputError(message, code=code, suggestion=suggestion)


_GROUNDS = rf"\b({GROUND}|snowy|wintry)(?: (?:at|by|on|over|in|during|near)(?: the| an?)?)? ({GROUND})\b"


def _two_grounds(plain: str) -> tuple[str, str] | None:
    """Returns the backgrounds of "a winter evening" or "sunset over the sea"."""
    for one, other in compiled(_GROUNDS).findall(plain):
        names = tuple(
            plain_text.canonical({"snowy": "snow", "wintry": "snow"}.get(word, word)) for word in (one, other)
        )
        if names[0] != names[1]:
            return names[0], names[1]
    return None


_BROKEN = re.compile(
    r"\b(?:where|which|who|that|and|or|with|of|the|an?|in|on|at|to) (?:and|or|is|are|of)\b"
    r"|\bthere and\b|\band be\b"
    r"|\b(?:and|or|of|the|an?) (?:to|in|on|at|with)\b|\b(?:the|an?|of|with) *[,.;:]|\ban? (?:night|sunset|snow)\b"
    rf"|\b(?:with|and|an?) (?:{'|'.join((*COLOURS, *SIZES))})(?: and\b|[,.;:]|$)"
)
"""What is left of a sentence that has lost words: "a house where and is red"."""


def _nearest_request(plain: str, unknown: Sequence[str], request: Request, scenes: Sequence[Scene] | None) -> str:
    if len(plain) > _MAX_LENGTH:
        return ""
    for candidate in islice(_candidates(plain, unknown), _MAX_TRIES * 100 // max(100, len(plain))):
        if not candidate or _negations(candidate) != _negations(plain) or _loses_much(candidate, plain):
            continue
        if _BROKEN.search(candidate) and not _BROKEN.search(plain):
            continue
        try:
            if request.images and scenes is None:
                check_text(candidate, len(request.images))
            else:
                meaning = interpret(candidate, scenes or ())
                if meaning.story is not None:
                    meaning.story.scenes()  # raises: the request cannot be carried out
                empty = meaning.source is None and not any(one.objects for one in meaning.targets)
                if unknown and empty and meaning.answer is None:
                    continue  # "draw in a meadow" for "draw a dog in a meadow"
                if meaning.left_out or (meaning.answer is not None) != any(
                    map(questions.is_question, plain_text.split_sentences(plain))
                ):
                    continue
        except InputError:
            continue
        return candidate
    return ""


def _loses_much(candidate: str, plain: str) -> bool:
    """Whether a suggestion has fewer than three in five of the objects, looks, numbers and backgrounds named."""
    kept, named = (sum(map(_has_content, set(re.findall(r"\w+", text)))) for text in (candidate, plain))
    return 5 * kept < 3 * named


def _negations(text: str) -> int:
    return len(re.findall(r"\b(?:no|not|without|nothing|except)\b", text))


def _candidates(plain: str, unknown: Sequence[str]) -> Iterator[str]:
    """Yields changed requests, the nearest first: words replaced, words dropped, then parts dropped."""
    corrected = plain
    for word in unknown:
        if near := near_words(word):
            corrected = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", near[0], corrected)
    for phrase, near_phrase in _NEAR_PHRASES:
        corrected = re.sub(rf"\b{phrase}\b", near_phrase, corrected)
    if corrected != plain:
        yield corrected
    left = [word for word in unknown if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", corrected)]
    dropped = corrected
    for word in left:
        dropped = re.sub(rf"(?<!\w){re.escape(word)}(?!\w) ?", "", dropped)
    if dropped != corrected:
        yield _tidy(dropped)
    for base in dict.fromkeys((corrected, dropped)):
        parts = re.split(r"(?<=[.;!?])\s+|,?\s+(?=then\b)", base)
        if len(parts) > 1:
            for at in range(len(parts)):
                yield _tidy(" ".join(parts[:at] + parts[at + 1 :]))
            good = [part for part in parts if not any(re.search(rf"\b{re.escape(word)}\b", part) for word in unknown)]
            yield _tidy(" ".join(good))
    yield from _without_words(corrected, dropped)


def _without_words(*texts: str) -> Iterator[str]:
    """Yields the texts with up to four words replaced by "and" or left out, those without content first."""
    for text in dict.fromkeys(texts):
        words = text.split()
        windows = [
            (start, start + length)
            for length in range(1, 5)
            for start in range(len(words) - length + 1)
            if not any(map(_has_content, words[start : start + length]))
        ]
        for start, end in windows[:_MAX_WINDOWS]:
            for middle in (["and"], []) if start > 0 and end < len(words) else ([],):
                yield _tidy(" ".join([*words[:start], *middle, *words[end:]]))
    words = texts[0].split()
    for length in range(len(words) - 1, 0, -1):
        for start in (0, len(words) - length):
            if any(map(_is_verb, words[:start] + words[start + length :])):
                continue
            yield _tidy(" ".join(words[start : start + length]))


def _is_verb(word: str) -> bool:
    return plain_text.canonical(word.strip(",.;:!?")) in _VERBS


def _has_content(word: str) -> bool:
    if _is_verb(word):
        return True
    word = plain_text.canonical(word.strip(",.;:!?"))
    return word in _CONTENT or word in plain_text.PLURALS or word in plain_text.NUMBER_WORDS


def _tidy(text: str) -> str:
    text = re.sub(r"^(?:and|or|with) ", "", text)
    text = re.sub(r"(?:\b(?:and|or|with|a|an|the|on|in|of|to)\s*)+$", "", text.strip(" ,.;:"))
    return re.sub(r"\s+([,.;:])", r"\1", re.sub(r"\s+", " ", text)).strip(" ,.;:")
