"""An answer as PowerPoint slides: one with the title, and one for each step. Needs the extra `documents`."""

import io
from typing import TYPE_CHECKING, Any

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import clean, one_line

from .outcome import STATUS_SUFFIXES, opening_notes
from .pictures import picture_of
from .stored_images import MISSING_IMAGE, read_image

if TYPE_CHECKING:
    from pptx.presentation import Presentation

__all__ = ["slides_of"]

_WIDTH, _HEIGHT, _MARGIN = 13.333, 7.5, 0.5
"""Inches of a slide."""
_TITLE_ONLY, _TITLE = 5, 0
"""Layouts of the library's own template."""
_LONGEST_TITLE, _LONGEST_TEXT = 160, 700
"""Characters on a slide; a longer text is in the notes of its slide as well, as a whole."""


def slides_of(trajectory: Trajectory, store: ImageStore) -> bytes:
    """Returns the bytes of the file. Blocks.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
    """
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(_WIDTH), Inches(_HEIGHT)
    properties = deck.core_properties
    properties.title, properties.author = one_line(trajectory.title)[:250], "interleavethinker"
    properties.comments = f"Trajectory {trajectory.id}"
    document = trajectory.document
    first = _slide(deck, one_line(trajectory.title), large=True)
    _text(first, "\n".join(map(clean, (*opening_notes(document), *trajectory.notes))), left=_MARGIN, top=3.5)
    for step in dict.fromkeys(block.step for block in document.blocks):
        blocks = [block for block in document.blocks if block.step == step]
        heading = next((one_line(block.text) for block in blocks if block.kind == "heading"), f"Step {step + 1}")
        suffix = STATUS_SUFFIXES.get(blocks[0].status, "")
        slide = _slide(deck, f"{step + 1}. {heading}{suffix}")
        right = _MARGIN
        for block in blocks:
            if block.kind == "image":
                png = read_image(store, block.sha256 or "")
                right = _picture(slide, png, one_line(block.text)) if png is not None else right
        words = "\n".join(clean(block.text) for block in blocks if block.kind == "text")
        missing = [block for block in blocks if block.kind == "image" and right == _MARGIN]
        words += f"\n{MISSING_IMAGE}" if missing else ""
        _text(slide, words, left=right, top=1.6)
    if document.sources:
        _text(_slide(deck, "Sources"), "\n".join(map(one_line, document.sources)), left=_MARGIN, top=1.6)
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def _slide(deck: "Presentation", title: str, *, large: bool = False) -> Any:
    from pptx.util import Inches, Pt

    slide = deck.slides.add_slide(deck.slide_layouts[_TITLE_ONLY])
    shape = slide.shapes.title
    shape.left, shape.top = Inches(_MARGIN), Inches(1.2 if large else 0.3)
    shape.width, shape.height = Inches(_WIDTH - 2 * _MARGIN), Inches(2.0 if large else 1.1)
    shape.text_frame.word_wrap = True
    shape.text_frame.text = _cut(title, _LONGEST_TITLE)
    size = 40 if large and len(title) < 60 else 24 if len(title) < 80 else 18
    shape.text_frame.paragraphs[0].font.size = Pt(size)
    if len(title) > _LONGEST_TITLE:
        slide.notes_slide.notes_text_frame.text = title
    return slide


def _picture(slide: Any, png: bytes, description: str) -> float:
    """Adds a picture on the left; returns where the text beside it begins, in inches."""
    from pptx.util import Inches

    width, height = image_size(png)
    scale = min(7.5 / width, (_HEIGHT - 1.6 - _MARGIN) / height)
    shape = slide.shapes.add_picture(
        io.BytesIO(picture_of(png)), Inches(_MARGIN), Inches(1.6), Inches(width * scale), Inches(height * scale)
    )
    shape._element.nvPicPr.cNvPr.set("descr", description)  # noqa: SLF001 - the library has no public way
    return _MARGIN + width * scale + 0.4


def _text(slide: Any, words: str, *, left: float, top: float) -> None:
    if not words.strip():
        return
    from pptx.util import Inches, Pt

    box = slide.shapes.add_textbox(
        Inches(left), Inches(top), Inches(_WIDTH - left - _MARGIN), Inches(_HEIGHT - top - _MARGIN)
    )
    box.text_frame.word_wrap = True
    box.text_frame.text = _cut(words, _LONGEST_TEXT)
    for paragraph in box.text_frame.paragraphs:
        paragraph.font.size = Pt(20 if len(words) < 300 else 14)
    if len(words) > _LONGEST_TEXT:
        notes = slide.notes_slide.notes_text_frame
        notes.text = f"{notes.text}\n{words}".strip()


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest].rstrip() + "…"
