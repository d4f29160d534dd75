"""`document.md`: the request and the document as Markdown. Everything that a model or a user wrote is escaped.

Line breaks are kept. Control characters and Unicode direction controls are removed: `cat` shows the file in a terminal,
and Markdown cannot limit the effect of a direction to a passage.
"""

import itertools
import re
from collections.abc import Callable, Collection, Sequence

from interleavethinker.graph.document import Document
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.plain_text import clean, one_line
from interleavethinker.tools.types import ImagePart, Sha256

from .facts import facts_of
from .outcome import STATUS_SUFFIXES, opening_notes, outcome_of, verdict_words
from .stored_images import MISSING_IMAGE

__all__ = ["document_lines", "markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&=])")


def markdown(trajectory: Trajectory, *, details: bool = False, unreadable: Collection[Sha256] = ()) -> str:
    """Returns the document as Markdown. Its images are expected in `images/`.

    Args:
        trajectory: Snapshot of the trajectory.
        details: Append the prompt and seed of each image, and the models, versions and limits.
        unreadable: Images that are missing or damaged: words take the place of their links.
    """
    reason = [trajectory.reason] if trajectory.status == "failed" else []
    notes = [line for note in (*reason, *trajectory.notes) for line in (f"> {_plain(note)}", "")]

    def address(sha256: Sha256) -> str:
        return "" if sha256 in unreadable else f"images/{sha256[:16]}.png"

    blocks = document_lines(trajectory.document, address, notes)
    appendix = ["## How it was made", "", *_images(trajectory), *_facts(trajectory)] if details else []
    return "\n".join([f"# {_plain(trajectory.title)}", "", *_request(trajectory, address), *blocks, *appendix])


def document_lines(document: Document, address: Callable[[Sha256], str], notes: Sequence[str] = ()) -> list[str]:
    """Returns the lines of a document in Markdown: status, notes, blocks with best efforts marked, and sources.

    Args:
        document: The document.
        address: Returns the link target of an image; empty if there is none.
        notes: Lines to add below the document's notes.
    """
    lines = [line for note in opening_notes(document) for line in (f"> {_plain(note)}", "")]
    lines += notes
    for block in document.blocks:
        match block.kind:
            case "heading":
                suffix = STATUS_SUFFIXES.get(block.status, "")
                lines += [f"## {block.step + 1}. {_plain(block.text)}{suffix}", ""]
            case "image":
                lines += [_image(block.text, address(block.sha256 or "")), ""]
            case "text":
                lines += [*_lines(block.text), ""]
    if document.sources:
        lines += ["Sources:", "", *(f"- {_plain(source)}" for source in document.sources), ""]
    return lines


def _images(trajectory: Trajectory) -> list[str]:
    """Returns a table of the document's images; empty if it has none."""
    kept = [(step, trajectory.selected(step)) for step in dict.fromkeys(b.step for b in trajectory.document.blocks)]
    rows = [
        f"| {step + 1} | {_plain(attempt.prompt)} | {attempt.seed} | {verdict_words(attempt.verdict).word} "
        f"| {len(trajectory.attempts_for(step))} |"
        for step, attempt in kept
        if attempt is not None
    ]
    head = ["| step | prompt of the image | seed | verdict | attempts |", "| --- | --- | --- | --- | --- |"]
    return [*head, *rows, ""] if rows else []


def _facts(trajectory: Trajectory) -> list[str]:
    facts = [("Status", outcome_of(trajectory).word), *facts_of(trajectory)]
    return ["| | |", "| --- | --- |", *(f"| {name} | {_plain(value)} |" for name, value in facts if value), ""]


def _request(trajectory: Trajectory, address: Callable[[Sha256], str]) -> list[str]:
    """Returns the request as a quotation with its images in place; empty if the title is the whole request."""
    request = trajectory.request
    if not request.images and request.text.strip() == trajectory.title:
        return []
    quoted: list[str] = []
    number = 0
    for part in request.parts:
        if isinstance(part, ImagePart):
            number += 1
            quoted += ["", _image(f"request image {number}", address(part.sha256))]
        else:
            quoted += ["", *_lines(part.text)]
    return ["Request:", "", *(f"> {line}".rstrip() for line in quoted[1:]), ""]


def _image(description: str, address: str) -> str:
    return f"![{_plain(description)}]({address})" if address else f"*{_plain(f'{description}: {MISSING_IMAGE}')}*"


def _lines(text: str) -> list[str]:
    """Returns lines that Markdown renders as the given text, with its line breaks and paragraphs.

    There are none if all characters of the text are invisible.
    """
    lines = [_plain(line) for line in clean(text).strip().splitlines()]
    # A backslash at the end of a line is a line break; before an empty line it would be rendered as a backslash.
    return [line + "\\" if line and following else line for line, following in itertools.zip_longest(lines, lines[1:])]


def _plain(text: str) -> str:
    """Returns one line that Markdown renders as the given text."""
    return _SPECIAL.sub(r"\\\1", one_line(text))
