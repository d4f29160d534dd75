"""Documents and trajectories in a notebook: rich HTML with the pictures in it. Needs IPython, which notebooks have."""

import html
from typing import TYPE_CHECKING, Any

from interleavethinker.graph.document import Document
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.images.store import ImageStore

from .storyboard import storyboard

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Shown", "show"]

_MARKS = {"accepted": "#2f7d4f", "best_effort": "#96630a", "text_only": "#4a5a78"}


class Shown:
    """Something that a notebook displays as HTML, and a terminal as text."""

    def __init__(self, markup: str, text: str) -> None:
        self._markup = markup
        self._text = text

    def _repr_mimebundle_(self, **_: Any) -> "Mapping[str, str]":
        return {"text/html": self._markup, "text/plain": self._text}


def show(shown: Document | Trajectory, store: ImageStore) -> Shown:
    """Returns what a notebook cell shows of a document, or of a trajectory with all its attempts.

    Args:
        shown: What to show.
        store: The workspace's image store.
    """
    if isinstance(shown, Trajectory):
        page = html.escape(storyboard(shown, store), quote=True)
        frame = f'<iframe srcdoc="{page}" sandbox style="width:100%;height:640px;border:1px solid #ccc"></iframe>'
        return Shown(frame, f"{shown.summary.id}: {shown.summary.status}, {len(shown.attempts)} attempts")
    return Shown("".join(_blocks(shown, store)), shown.text)


def _blocks(document: Document, store: ImageStore) -> list[str]:
    pieces = [f"<p><em>{html.escape(note)}</em></p>" for note in document.notes]
    for block in document.blocks:
        if block.sha256 is not None:
            pieces.append(
                f'<img src="{data_uri(store.get(block.sha256))}" alt="{html.escape(block.text)}" '
                f'style="min-width:192px;image-rendering:pixelated;border-bottom:4px solid {_MARKS[block.status]}">'
            )
        elif block.kind == "heading":
            pieces.append(f"<h4>{block.step + 1}. {html.escape(block.text)}</h4>")
        else:
            pieces.append(f"<p>{html.escape(block.text)}</p>")
    return pieces
