"""What a request asks for, in data: the images that it requires one after the other, or the answer to a question.

`interpret` reads a request by rules: it either understands every word of it or raises an error that says which part it
does not understand. `plan_satisfies` and `image_satisfies` compare a plan and an image with an interpretation. Pure
functions; knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from interleavethinker.microworld.language.clauses import Statement, read_sentence
from interleavethinker.microworld.language.framing import Framed, remove_framing
from interleavethinker.microworld.language.plain_text import Sentence, canonical, plain_text, split_sentences
from interleavethinker.microworld.language.trained_clauses import read_trained
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Plan, Request, TextPart

from .answers import Answer
from .fulfilment import image_satisfies, scene_satisfies, steps_satisfy
from .hints import without_hints
from .questions import answer, is_question
from .required_scene import Relation, RequiredObject, RequiredScene
from .story import Story

__all__ = [
    "Answer",
    "Interpretation",
    "Relation",
    "RequiredObject",
    "RequiredScene",
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
        msg = "The request asks a question and asks for images; put them into two requests."
        raise InputError(msg, code="not_understood")
    story = Story(source)
    for sentence in framed.sentences:
        for statement in _read(sentence):
            story.apply(statement)
    if not story.frames:
        raise InputError("The request asks for no change.", code="not_understood")
    if framed.one_by_one and source is None:
        story.one_by_one()
    return Interpretation(source, tuple(story.required()), story=story)


def interpret_request(request: Request, scenes: Sequence[Scene]) -> Interpretation:
    """Reads a request whose images show the given scenes.

    Text before the last of several images describes what they show; only the text after it says what to do.

    Raises:
        InputError: See `interpret`.
    """
    last = max((at for at, part in enumerate(request.parts) if isinstance(part, ImagePart)), default=-1)
    after = "\n".join(part.text for part in request.parts[last + 1 :] if isinstance(part, TextPart))
    if not after.strip() or not scenes:
        return interpret(request.text, scenes)
    try:
        return interpret(request.text if len(scenes) == 1 else after, scenes)
    except InputError:
        return interpret(after, scenes) if len(scenes) == 1 else interpret(request.text, scenes)


def check_wording(text: str) -> None:
    """Checks that the sentences of a request about images are understood, without knowing what the images show.

    Raises:
        InputError: A sentence is not understood (`not_understood`).
    """
    framed = _framed(text)
    for sentence in framed.sentences:
        if not is_question(sentence):
            _read(sentence)


def _framed(text: str) -> Framed:
    if len(text) > _MAX_CHARACTERS:
        raise InputError(f"The request has more than {_MAX_CHARACTERS} characters; shorten it.", code="too_long")
    sentences = split_sentences(plain_text(without_hints(text)))
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
