"""What a request asks for, in data: the images that it requires one after the other, or the answer to a question.

`interpret` reads a request by rules: it either understands every word of it or raises an error that says which part it
does not understand. `plan_outcome` compares a plan and images with an interpretation. Pure functions; knows no model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from interleavethinker.microworld.language.arrangements import arranged
from interleavethinker.microworld.language.clauses import Statement
from interleavethinker.microworld.language.framing import Framed
from interleavethinker.microworld.language.plain_text import Sentence, canonical, unknown_emoji
from interleavethinker.microworld.language.quantities import multiplied, with_numbers
from interleavethinker.microworld.language.reader.asides import without_asides, without_farewell
from interleavethinker.microworld.language.reader.plain_sentences import said_plainly
from interleavethinker.microworld.language.reader.requests import arrows_in_words, read_request
from interleavethinker.microworld.language.reader.unclear import unclear_because
from interleavethinker.microworld.language.rewordings import mentioned, reworded_first, without_complaint
from interleavethinker.microworld.language.run_together import separated
from interleavethinker.microworld.language.story_forms import counted_on, in_story_form
from interleavethinker.microworld.language.wordings import as_order
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import KINDS
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import ImagePart, Request, TextPart

from .alternatives import Choice, choice_in, with_or
from .answers import Answer
from .bare_anchors import with_known_anchors
from .context import asked_directly, check_given, without_context
from .first_reading import MAY_BE_TALK, first_reading
from .free_places import free_places_named
from .fulfilment import scene_satisfies
from .grammars import EitherGrammar, SentenceReader, read_by_patterns
from .hints import without_hints
from .in_turn import in_turn
from .kind_groups import extreme_named, kinds_named
from .modifiers import check_told_apart
from .moments import are_moments, moment_rule
from .one_image import check_one_picture, told_together
from .questions import answer, check_question, is_question
from .recap_check import without_recap
from .required_scene import Relation, RequiredObject, RequiredScene
from .second_wording import attributes_first, read_again
from .story import Story
from .story_items import check_numbered, check_shown, items_of
from .throughout import background_of_all_first
from .totals import as_told_in_all
from .unclear_words import (
    absence_last,
    check_counted,
    check_edit,
    check_has_image,
    check_left_out,
    check_new,
    check_told,
    placed_whole,
)

__all__ = [
    "Answer",
    "Interpretation",
    "Relation",
    "RequiredObject",
    "RequiredScene",
    "check_text",
    "check_wording",
    "interpret",
    "interpret_request",
    "scene_satisfies",
]

_Result = TypeVar("_Result")


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
    left_out: tuple[str, ...] = field(default=(), compare=False)
    """Words of the request that no image can show; the document names them."""
    restated: str | None = field(default=None, compare=False)
    """The wording that was read instead of the request's own, which the rules do not understand."""
    guessed: bool = field(default=False, compare=False)
    """Whether a model found that wording, so that nothing shows that it means the same."""
    chosen: Choice | None = field(default=None, compare=False)
    """What was chosen where the request offers a choice: "either a cat or a bird"."""
    doubted: bool = field(default=False, compare=False)
    """Whether others read the request in another way."""
    unread: tuple[str, ...] = field(default=(), compare=False)
    """Words of the request that were passed over, as it seems; the document names them."""
    text: str = field(default="", compare=False)
    """What was read."""


def interpret(text: str, scenes: Sequence[Scene] = ()) -> Interpretation:
    """Reads a request.

    Args:
        text: The request's text.
        scenes: The scenes of the request's images, in order.

    Raises:
        InputError: The request is not understood, contradicts itself or the images, or needs an image that is missing.
    """
    found = _read_or_choose(
        with_or(text), lambda wording: _read(wording, scenes), lambda found, chosen: replace(found, chosen=chosen)
    )
    return replace(found, text=text)


def _read_or_choose(
    text: str, read: Callable[[str], _Result], with_choice: Callable[[_Result, Choice], _Result]
) -> _Result:
    """Reads a text, or if that is not understood and it offers a choice, with the first alternative.

    Raises:
        InputError: The text is not understood, and one of its alternatives is not either.
    """
    try:
        return read(text)
    except InputError as error:
        choice = choice_in(text) if error.code in MAY_BE_TALK else None
        if choice is None:
            raise
        try:
            read(choice.other)
            return with_choice(read(choice.text), choice)
        except InputError:
            raise error from None


def _read(text: str, scenes: Sequence[Scene]) -> Interpretation:
    original = text
    text, asides = without_asides(_clear(text), images=len(scenes))
    if scenes:
        shown = Counter(obj.kind for obj in scenes[-1].objects.values())
        text = free_places_named(multiplied(arrows_in_words(asked_directly(text)), shown), scenes[-1])
        text = counted_on(text, shown)
    else:
        check_given(text)
        text = attributes_first(in_story_form(text))
    try:
        found = _understood(text, scenes)
    except InputError as error:
        found, headings = read_again(error, text, len(scenes), lambda other: _understood(other, scenes))
        asides = (*asides, *headings)
    if found.story is not None:
        check_numbered(original, found.story.frames, images=len(scenes))
        if found.story.frames:
            check_told_apart(original, found.story)
    check_left_out(found.left_out)
    return replace(found, left_out=(*asides, *found.left_out)) if asides else found


def _clear(text: str) -> str:
    if signs := unknown_emoji(text):
        raise InputError(f"The micro world has nothing that {' '.join(signs)} shows.", code="not_understood")
    text = told_together(said_plainly(without_farewell(arranged(with_numbers(separated(text))))))
    if problem := unclear_because(text):
        raise InputError(problem, code="not_understood")
    return text


def _understood(text: str, scenes: Sequence[Scene]) -> Interpretation:
    try:
        return first_reading(text, len(scenes), lambda framed: _interpret(text, framed, scenes, read_by_patterns))
    except InputError as error:
        may_be_told = error.code in {"no_image", "not_there"} and not scenes
        if error.code not in MAY_BE_TALK and not may_be_told:
            raise
        try:
            found = _general(text, scenes)
        except InputError as other:
            found = _mixed_reading(text, scenes) if other.code == "nothing_new" else None
            if found is None:
                raise (error if other.code == "contradiction" else other) from None
        if found is None:
            found = _mixed_reading(text, scenes)
        if found is None:
            raise
        return found


def _mixed_reading(text: str, scenes: Sequence[Scene]) -> Interpretation | None:
    """Reads each sentence by the grammar that understands it; None if neither understands one of them."""
    either = EitherGrammar(_kinds(scenes), edits=bool(scenes))
    try:
        found = first_reading(text, len(scenes), lambda framed: _interpret(text, framed, scenes, either.of(framed)))
    except InputError:
        return None
    return replace(found, left_out=(*found.left_out, *dict.fromkeys(either.left_out)))


def _general(text: str, scenes: Sequence[Scene]) -> Interpretation | None:
    """Reads a request by classes of words and clauses; None if some of its words fit no rule."""
    reading = read_request(without_hints(text), images=len(scenes), kinds=_kinds(scenes))
    if reading is None:
        return None
    story = Story(scenes[-1] if scenes else None, scenes[:-1])
    if reading.questions:
        return Interpretation(story.source, answer=answer(reading.questions, scenes))
    return _told(reading.text, reading.statements, reading.framed, story, left_out=reading.left_out)


def _kinds(scenes: Sequence[Scene]) -> frozenset[str]:
    return frozenset(obj.kind for scene in scenes[-1:] for obj in scene.objects.values())


def _interpret(text: str, framed: Framed, scenes: Sequence[Scene], read: SentenceReader) -> Interpretation:
    source = scenes[-1] if scenes else None
    framed = replace(framed, sentences=without_context(framed.sentences, len(scenes)))
    asked = [is_question(sentence) for sentence in framed.sentences]
    if all(asked):
        if source is None and re.search(r"\b(?:you|micro world) (?:know|draw|do|can)\b", text, re.IGNORECASE):
            raise InputError("All words and forms: interleavethinker micro words.", code="not_understood")
        return Interpretation(source, answer=answer(framed.sentences, scenes))
    if any(asked):
        raise _mixed()
    story = Story(source, scenes[:-1])
    told = framed.sentences if source is None else without_recap(framed.sentences, story, read_by_patterns)
    return _told(text, _statements(told, source, read), framed, story)


def _told(
    text: str,
    statements: Sequence[Statement],
    framed: Framed,
    story: Story,
    *,
    left_out: tuple[str, ...] = (),
) -> Interpretation:
    """Applies the statements of a request one after the other."""
    source = story.source
    check_told(statements, text)
    if source is not None:
        check_edit(source, text)
    if source is None:
        check_has_image(statements, text)
        statements = background_of_all_first(absence_last(list(statements)), text)
        left_out = tuple(word for word in left_out if word not in {"always", "throughout"})
    one_by_one = framed.one_by_one or (source is None and len(framed.sentences) == 1 and are_moments(statements))
    moment = moment_rule(statements, named_step_count(text), one_by_one=one_by_one)
    for item in items_of(statements):
        shown = len(story.frames)
        for statement in map(placed_whole, item):
            if source is not None:
                check_new(statement, source, text)
                check_counted(statement, source, text)
            else:
                statement = as_told_in_all(statement, story, alone=len(item) == 1)  # noqa: PLW2901 - of the whole picture
            there = {thing.kind for thing in story.frame.things.values()}
            for one in in_turn(with_known_anchors(statement, there), story):
                story.apply(replace(one, new_piece=True) if moment is not None and moment(one) else one)
        check_shown(item, added=len(story.frames) - shown, edits=source is not None)
    if not story.frames:
        raise InputError("The request asks for no change.", code="not_understood")
    if source is None:
        check_one_picture(text)
    if framed.things is not None and framed.things != len(story.frames[0].things):
        msg = f"The request says {framed.things} things and names {len(story.frames[0].things)}; make them agree."
        raise InputError(msg, code="contradiction")
    if framed.one_by_one and source is None:
        story.one_by_one()
    if source is None and (count := named_step_count(text)) is not None:
        story.pass_through(count - len(story.frames))
    return Interpretation(source, tuple(story.required()), story=story, left_out=left_out)


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
    _read_or_choose(with_or(text), lambda wording: _check_wording(wording, images), lambda found, _: found)


def _check_wording(text: str, images: int) -> None:
    text, _ = without_asides(asked_directly(_clear(text)), images=images)
    text = counted_on(free_places_named(multiplied(text, None), None), None) if images else in_story_form(text)
    try:
        _check_text(text, images)
    except InputError as error:
        read_again(error, text, images, lambda other: _check_text(other, images))


def _check_text(text: str, images: int) -> None:
    try:
        first_reading(text, images, lambda framed: _check(framed, images, read_by_patterns))
    except InputError as error:
        if error.code not in MAY_BE_TALK:
            raise
        plain, there = without_hints(text), frozenset(KINDS) if images else frozenset[str]()
        reading = read_request(plain, images=images, kinds=there) or read_request(plain, images=images)
        if reading is None and not _is_mixed(text, images, there):
            raise
        if reading is not None and reading.questions:
            check_question(reading.questions, images)


def _is_mixed(text: str, images: int, kinds: frozenset[str]) -> bool:
    """Whether one of the grammars understands each sentence; see `_mixed_reading`."""
    either = EitherGrammar(kinds, edits=bool(images))
    try:
        first_reading(text, images, lambda framed: _check(framed, images, either.of(framed)))
    except InputError:
        return False
    return True


def _check(framed: Framed, images: int, read: SentenceReader) -> None:
    framed = replace(framed, sentences=without_context(framed.sentences, images))
    asked = [is_question(sentence) for sentence in framed.sentences]
    if framed.sentences and all(asked):
        check_question(framed.sentences, images)
        return
    if any(asked):
        raise _mixed()
    for sentence in framed.sentences:
        words = tuple(map(canonical, sentence.words))
        named = extreme_named(kinds_named(reworded_first(words), frozenset(KINDS)), None) if images else words
        read(sentence if named == words else Sentence(named))


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


def _statements(sentences: Sequence[Sentence], source: Scene | None, read: SentenceReader) -> list[Statement]:
    found = []
    for number, sentence in enumerate(sentences, 1):
        words = tuple(map(canonical, sentence.words))
        other = words if source is None else reworded_first(as_order(words))
        if number < len(sentences):
            other = without_complaint(other)
        if source is not None:
            other = kinds_named(mentioned(other, _kinds([source])), _kinds([source]))
            other = extreme_named(other, source) if len(sentences) == 1 else other
        told = read(sentence if other == words else Sentence(other))
        found += [replace(one, in_turn=sentence.in_turn) for one in told]
    return found
