"""Shows documents and trajectories in a notebook, as HTML with previews of the images in it."""

import html
from typing import TYPE_CHECKING, Any

from interleavethinker.graph.document import Document
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import clean, without_controls

from .previews import LARGE, image_view
from .stored_images import read_image
from .storyboard import storyboard

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Shown", "show"]

_STATUS_COLORS = {
    "accepted": "#2f7d4f",
    "best_effort": "#96630a",
    "not_judged": "#6b6b6b",
    "refused": "#9c2f2f",
    "text_only": "#4a5a78",
}


class Shown:
    """A value that a notebook displays as HTML and a terminal as text."""

    def __init__(self, markup: str, text: str) -> None:
        self._markup = markup
        self._text = text

    def _repr_mimebundle_(self, **_: Any) -> "Mapping[str, str]":
        return {"text/html": self._markup, "text/plain": self._text}


def show(shown: Document | Trajectory, store: ImageStore) -> Shown:
    """Returns a displayable value for a document, or for a trajectory with all its attempts.

    Args:
        shown: The document or trajectory.
        store: The workspace's image store.
    """
    if isinstance(shown, Trajectory):
        page = html.escape(storyboard(shown, store), quote=True)
        frame = f'<iframe srcdoc="{page}" sandbox style="width:100%;height:640px;border:1px solid #ccc"></iframe>'
        return Shown(frame, f"{shown.id}: {shown.status}, {len(shown.attempts)} attempts")
    return Shown("".join(_blocks(shown, store)), clean(shown.text))


def _blocks(document: Document, store: ImageStore) -> list[str]:
    pieces = [f"<p><em>{_escaped(note)}</em></p>" for note in document.notes]
    for block in document.blocks:
        if block.sha256 is not None:
            view = image_view(block.sha256, {block.sha256: read_image(store, block.sha256)}, LARGE)
            rendering = "image-rendering:pixelated;" if view.pixel_art else ""
            pieces.append(
                f'<img src="{view.uri}" alt="{_escaped(block.text)}" style="min-width:192px;max-width:100%;'
                f'{rendering}border-bottom:4px solid {_STATUS_COLORS[block.status]}">'
            )
        elif block.kind == "heading":
            pieces.append(f"<h4>{block.step + 1}. {_escaped(block.text)}</h4>")
        else:
            pieces.append(f"<p>{_escaped(block.text)}</p>")
    return pieces


def _escaped(text: str) -> str:
    return html.escape(without_controls(text))
