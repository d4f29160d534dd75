"""`document.md`: the reader's document as Markdown, with everything that a model or user wrote escaped."""

import re

from .look import Trajectory

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$&])")


def markdown(trajectory: Trajectory) -> str:
    """Returns the document; images lie in `images/`."""
    lines = [f"# {_plain(trajectory.entry.title)}", ""]
    lines += [line for note in (*trajectory.document.notes, *trajectory.notes) for line in (f"> {_plain(note)}", "")]
    for block in trajectory.document.blocks:
        match block.kind:
            case "heading":
                mark = " (best effort)" if block.mark == "best_effort" else ""
                lines += [f"## {block.step + 1}. {_plain(block.text)}{mark}", ""]
            case "image":
                lines += [f"![{_plain(block.text)}](images/{(block.sha256 or '')[:16]}.png)", ""]
            case "text":
                lines += [_plain(block.text), ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Returns text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
