"""Messages in and out: which message is the request, how a second one continues a thread, and the answer in Markdown.

Chat clients know a graph by its `messages`. The last message, if a person wrote it, is the request: its texts and
images in order. In a thread that has an answer already, the images so far come before it, so that the planner continues
the sequence or changes the last image; a message that names a step ("in step 2") continues from that step's image.

Knows LangChain's messages and this project's documents. Deliberately does not know nodes or components.
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.config import get_config

from interleavethinker.tools.types import ImagePart, Part, Request, Sha256, TextPart

from .context import IMAGE_URL, GraphContext
from .document import Document
from .export.markdown import document_lines

__all__ = ["answer_message", "continued", "image_address", "stored_form", "unanswered_message"]

_MOST_IMAGES = 8
"""Images of the thread that a further request begins with, the newest; each costs a model as much as a page of text."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PLACE = re.compile(
    r"\s*\b(?:(?:in|of|at|from|on|for)\s+)?(?:the\s+)?"
    rf"(?:(?:step|image|picture|panel)\s+(?P<number>\d{{1,3}}|{'|'.join(_NUMBERS)})|(?P<ordinal>{'|'.join(_ORDINALS)})\s+"
    r"(?:step|image|picture|panel))\b[:,]?",
    re.IGNORECASE,
)


def unanswered_message(state: Mapping[str, Any]) -> HumanMessage | None:
    """Returns the message that the next trajectory answers, or None if it answers `request`.

    In a new thread a given `request` takes precedence, because a surrounding graph that prepares one may have messages
    of its own. In a thread that has a plan already, `request` is that of the earlier trajectory.
    """
    messages: Sequence[BaseMessage] = state.get("messages") or ()
    last = messages[-1] if messages else None
    if not isinstance(last, HumanMessage) or (last.id is not None and last.id == state.get("message_id")):
        return None
    return None if state.get("request") and not state.get("plans") else last


def continued(
    document: Document, parts: Sequence[Part], shown: Sequence[Sha256] = ()
) -> tuple[Request, tuple[Sha256, ...]]:
    """Returns the request of a further message in a thread: the images so far, then what the message says.

    A message that names a step starts from the image of that step: of the newest answer if that has the step, otherwise
    counted over all images so far. Its name is left out of the text, because the planner sees that image as the last.

    Args:
        document: The newest answer.
        parts: The parts of the new message.
        shown: The images of earlier answers with which the newest one began.

    Returns:
        The request, and the images of earlier answers with which it begins.

    Examples:
        The document shows images for steps 1, 2 and 3. "Make the cat bigger in step 2" gives images 1 and 2 and
        "Make the cat bigger"; "add a moon" gives images 1, 2, 3 and "add a moon".
    """
    steps = [(block.step, block.sha256) for block in document.blocks if block.sha256 is not None]
    images = (*shown, *(sha256 for _, sha256 in steps))
    named = [number for part in parts if isinstance(part, TextPart) for number in _named_steps(part.text)]
    end = _end_of_step(named[0], steps, len(shown)) if named else None
    if end is not None:
        parts = [_without_place(part) if isinstance(part, TextPart) else part for part in parts]
    images = images[:end][-_MOST_IMAGES:]
    return Request(parts=(*(ImagePart(sha256=sha256) for sha256 in images), *parts)), images


def _end_of_step(named: int, steps: Sequence[tuple[int, Sha256]], earlier: int) -> int | None:
    """Returns how many of the images so far end with a step's image; None if there is no such step."""
    places = [place for place, (step, _) in enumerate(steps) if step == named]
    if places:
        return earlier + places[-1] + 1
    return named + 1 if 0 <= named < earlier else None


def image_address(options: GraphContext) -> Callable[[Sha256], str]:
    """Returns a function from an image's name to the address that the client of this run can open.

    Must be called inside a node: under LangGraph's server the run's configuration has the address that was called.
    """
    base = options.image_url
    if base is None:
        headers: Mapping[str, Any] = get_config().get("configurable") or {}
        host = _first(headers.get("x-forwarded-host")) or _first(headers.get("host"))
        said = f"{_first(headers.get('x-forwarded-proto')) or 'http'}://{host}"
        # The headers are the client's, and what they say would stand in the answer.
        base = said if re.fullmatch(IMAGE_URL, said) else None
    if base is None:
        return lambda sha256: f"image://{sha256}"
    return lambda sha256: f"{base.rstrip('/')}/images/{sha256}.png"


def _first(header: object) -> str:
    """Returns a header's value; each of several proxies may have added one, behind a comma."""
    return str(header or "").partition(",")[0].strip()


def stored_form(message: HumanMessage, parts: Sequence[Part], address: Callable[[Sha256], str]) -> HumanMessage:
    """Returns a message with the addresses of its images instead of their bytes, which would swell every checkpoint."""
    if isinstance(message.content, str):
        return message
    blocks: list[str | dict[Any, Any]] = [
        {"type": "text", "text": part.text}
        if isinstance(part, TextPart)
        else {"type": "image", "url": address(part.sha256)}
        for part in parts
    ]
    return message.model_copy(update={"content": blocks})


def answer_message(document: Document, address: Callable[[Sha256], str]) -> AIMessage:
    """Returns the answer to a message: the document in Markdown, with its notes and its images by address."""
    lines = document_lines(document, address)
    content = "\n".join(lines).strip() or "There is nothing to show."
    return AIMessage(content=content, name="interleavethinker", id=str(uuid.uuid4()))


def _named_steps(text: str) -> list[int]:
    """Returns the steps that a text names, from 0."""
    return [_place(match["number"] or match["ordinal"]) for match in _PLACE.finditer(text)]


def _place(word: str) -> int:
    if word.isdecimal():
        return int(word) - 1
    return next(words.index(word.lower()) for words in (_NUMBERS, _ORDINALS) if word.lower() in words)


def _without_place(part: TextPart) -> TextPart:
    rest = _PLACE.sub("", part.text, count=1).strip()
    return TextPart(text=rest) if rest else part
