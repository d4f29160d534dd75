"""What a request asks for, in data: the images that it requires one after the other, or the answer to a question.

`interpret` reads a request by rules: it either understands every word of it or raises an error that says which part it
does not understand. `plan_satisfies` and `image_satisfies` compare a plan and an image with an interpretation. Pure
functions; knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from interleavethinker.microworld.language.clauses import Statement, read_sentence
from interleavethinker.microworld.language.framing import Framed, remove_framing
from interleavethinker.microworld.language.narration import in_present_tense
from interleavethinker.microworld.language.plain_text import Sentence, canonical, plain_text, split_sentences
from interleavethinker.microworld.language.trained_clauses import read_trained
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import ImagePart, Plan, Request, TextPart

from .answers import Answer
from .fulfilment import image_satisfies, scene_satisfies, steps_satisfy
from .hints import without_hints
from .questions import answer, check_question, is_question
from .required_scene import Relation, RequiredObject, RequiredScene
from .story import Story

__all__ = [
    "Answer",
    "Interpretation",
    "Relation",
    "RequiredObject",
    "RequiredScene",
    "check_text",
    "check_wording",
    "image_satisfies",
    "interpret",
    "interpret_request",
    "plan_satisfies",
    "scene_satisfies",
]

_MAX_CHARACTERS, _MAX_WORDS, _MAX_SENTENCE = 8000, 600, 150
_TOO_MANY = re.compile(r"\b(?:\d{2,}|ten|eleven|twelve|twenty|hundred|many|dozen|dozens)(?: of)?(?: \w+){0,3} \w+s\b")


@dataclass(frozen=True)
class Interpretation:
    """The meaning of a request: images to make, or a question to answer."""

    source: Scene | None
    """The scene of the last given image, from which the first step starts; None: the first step generates."""
    targets: tuple[RequiredScene, ...] = ()
    """What the images that the request asks for must show, in order. A plan may pass through further images."""
    answer: Answer | None = None
    """Set if the request is a question; then it asks for no image."""
    story: Story | None = field(default=None, repr=False, compare=False)
    """The objects behind the targets, for planners."""


def interpret(text: str, scenes: Sequence[Scene] = ()) -> Interpretation:
    """Reads a request.

    Args:
        text: The request's text.
        scenes: The scenes of the request's images, in order.

    Raises:
        InputError: The request is not understood, contradicts itself or the images, or needs an image that is missing.
    """
    framed = _framed(text)
    source = scenes[-1] if scenes else None
    asked = [is_question(sentence) for sentence in framed.sentences]
    if all(asked):
        if source is None and re.search(r"\b(?:you|micro world) (?:know|draw|do|can)\b", text, re.IGNORECASE):
            raise InputError("All words and forms: interleavethinker micro words.", code="not_understood")
        if source is None:
            asked_text = _text_of(framed.sentences)
            msg = f'This request asks about an image ("{asked_text}"), but no image was given; add --image FILE.'
            raise InputError(msg, code="no_image")
        return Interpretation(source, answer=answer(framed.sentences, scenes))
    if any(asked):
        raise _mixed()
    story = Story(source)
    statements = [statement for sentence in framed.sentences for statement in _read(sentence)]
    one_each = framed.one_by_one or named_step_count(text) == len(statements)
    for statement in statements:
        story.apply(replace(statement, new_piece=True) if one_each and _happens(statement) else statement)
    if not story.frames:
        raise InputError("The request asks for no change.", code="not_understood")
    if framed.things is not None and framed.things != len(story.frames[0].things):
        msg = f"The request says {framed.things} things and names {len(story.frames[0].things)}; make them agree."
        raise InputError(msg, code="contradiction")
    if framed.one_by_one and source is None:
        story.one_by_one()
    return Interpretation(source, tuple(story.required()), story=story)


def interpret_request(request: Request, scenes: Sequence[Scene]) -> Interpretation:
    """Reads a request whose images show the given scenes.

    Text before the last of several images describes what they show; only the text after it says what to do.

    Raises:
        InputError: See `interpret`.
    """
    return _first_understood(request, len(scenes), lambda text: interpret(text, scenes))


def check_wording(request: Request) -> None:
    """Checks that a request about images is understood, without knowing what the images show.

    Raises:
        InputError: A sentence is not understood (`not_understood`), or the question needs more images (`no_image`).
    """
    _first_understood(request, len(request.images), lambda text: check_text(text, len(request.images)))


def check_text(text: str, images: int) -> None:
    """Checks the text of a request with this number of images; see `check_wording`."""
    framed = _framed(text)
    questions = [sentence for sentence in framed.sentences if is_question(sentence)]
    if questions and len(questions) == len(framed.sentences):
        check_question(questions, images)
        return
    if questions:
        raise _mixed()
    for sentence in framed.sentences:
        _read(sentence)


_Result = TypeVar("_Result")


def _first_understood(request: Request, images: int, read: Callable[[str], _Result]) -> _Result:
    """Reads the text after the last image and the whole text, in the order that fits the number of images."""
    last = max((at for at, part in enumerate(request.parts) if isinstance(part, ImagePart)), default=-1)
    after = "\n".join(part.text for part in request.parts[last + 1 :] if isinstance(part, TextPart))
    if not after.strip() or not images:
        return read(request.text)
    first, second = (request.text, after) if images == 1 else (after, request.text)
    try:
        return read(first)
    except InputError:
        return read(second)


def _mixed() -> InputError:
    msg = "The request asks a question and asks for images; put them into two requests."
    return InputError(msg, code="not_understood")


def _framed(text: str) -> Framed:
    if len(text) > _MAX_CHARACTERS:
        raise InputError(f"The request has more than {_MAX_CHARACTERS} characters; shorten it.", code="too_long")
    sentences = [in_present_tense(one) for one in split_sentences(plain_text(without_hints(text)))]
    _check_length(sentences)
    framed = remove_framing(sentences)
    if not framed.sentences:
        raise _nothing_to_draw()
    return framed


def _check_length(sentences: Sequence[Sentence]) -> None:
    lengths = [len(sentence.words) for sentence in sentences]
    if sum(lengths) > _MAX_WORDS:
        raise InputError(f"The request has more than {_MAX_WORDS} words; shorten it.", code="too_long")
    if max(lengths, default=0) > _MAX_SENTENCE:
        raise InputError(f"A sentence has more than {_MAX_SENTENCE} words; split it.", code="too_long")


def _read(sentence: Sentence) -> list[Statement]:
    statements = read_sentence(tuple(map(canonical, sentence.words)))
    if statements is not None:
        return [
            replace(one, text=_text_of([Sentence(sentence.words[slice(*one.span)])]).strip(" ,:")) for one in statements
        ]
    trained = read_trained(sentence.words)
    if trained is None and _TOO_MANY.search(_text_of([sentence])):
        raise InputError("An image holds at most nine objects; the request names more.", code="too_many_things")
    if trained is None:
        raise InputError(f"Could not understand {_text_of([sentence])!r}.", code="not_understood")
    return trained


def _happens(statement: Statement) -> bool:
    """Whether a statement tells a change, which gets a picture of its own where they are told one by one."""
    return statement.kind not in {"scene", "is", "keep", "mention", "absent"} or bool(statement.span[0])


def _nothing_to_draw() -> InputError:
    msg = "The request does not say what to draw. Try, for example, 'a big red ball on the left, at night'."
    return InputError(msg, code="empty_text")


def plan_satisfies(interpretation: Interpretation, plan: Plan) -> list[str]:
    """Returns what is wrong with a plan, one fault per item; nothing if carrying it out gives what was asked for.

    The prompts are carried out by rules; no image is generated. Open attributes may have any value, and a plan may take
    several steps to a required image.
    """
    if interpretation.answer is not None:
        return _answer_faults(interpretation.answer, plan)
    return steps_satisfy(interpretation.source, interpretation.targets, plan.steps)


def _answer_faults(answer: Answer, plan: Plan) -> list[str]:
    if any(step.prompt is not None for step in plan.steps):
        return ["the request is a question, but the plan generates an image"]
    words = set(re.findall(r"[a-z0-9]+", " ".join(step.auxiliary_text or "" for step in plan.steps).lower()))
    missing = [options for options in answer.required if not options & words]
    if missing or words & answer.forbidden:
        return [f"the answer is wrong; a correct one is: {answer.text}"]
    return []


def _text_of(sentences: Sequence[Sentence]) -> str:
    return " ".join(" ".join(sentence.words).replace(" ,", ",").replace(" :", ":") for sentence in sentences)
