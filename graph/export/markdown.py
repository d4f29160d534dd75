"""`document.md`: the request and the reader's document as Markdown, with everything that a model or user wrote escaped.

Line breaks are kept. Characters that would reverse the text after them are left out: Markdown cannot contain them.
"""

import re

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.types import ImagePart, Sha256

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&=])")
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def markdown(trajectory: Trajectory) -> str:
    """Returns the document; images lie in `images/`."""
    lines = [f"# {_plain(trajectory.summary.title)}", "", *_request(trajectory)]
    lines += [line for note in (*trajectory.document.notes, *trajectory.notes) for line in (f"> {_plain(note)}", "")]
    for block in trajectory.document.blocks:
        match block.kind:
            case "heading":
                mark = " (best effort)" if block.status == "best_effort" else ""
                lines += [f"## {block.step + 1}. {_plain(block.text)}{mark}", ""]
            case "image":
                lines += [_picture(block.text, block.sha256 or ""), ""]
            case "text":
                lines += [*_lines(block.text), ""]
    return "\n".join(lines)


def _request(trajectory: Trajectory) -> list[str]:
    """Returns the request as a quotation, with its pictures in their places; nothing where the title says it all."""
    request = trajectory.request
    if not request.images and request.text.strip() == trajectory.summary.title:
        return []
    quoted: list[str] = []
    number = 0
    for part in request.parts:
        if isinstance(part, ImagePart):
            number += 1
            quoted += ["", _picture(f"given picture {number}", part.sha256)]
        else:
            quoted += ["", *_lines(part.text)]
    return ["The request:", "", *(f"> {line}".rstrip() for line in quoted[1:]), ""]


def _picture(words: str, sha256: Sha256) -> str:
    return f"![{_plain(words)}](images/{sha256[:16]}.png)"


def _lines(text: str) -> list[str]:
    """Returns text that Markdown shows as it is, with its line breaks and paragraphs."""
    lines = [_plain(line) for line in text.strip().splitlines()]
    # A backslash at a line's end is a line break; before an empty line, which ends the paragraph, it would be shown.
    return [
        line + "\\" if line and following else line for line, following in zip(lines, [*lines[1:], ""], strict=True)
    ]


def _plain(text: str) -> str:
    """Returns text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(_DIRECTIONS.sub("", text).split()))
