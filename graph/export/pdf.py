"""An answer as a PDF file: A4 pages with title, notes, steps and sources. Needs the extra `documents`.

Text is shaped by HarfBuzz and put in reading order, so Arabic and Hebrew read as they should. Characters that no font
of this machine has are replaced by a box, and a note says so.
"""

import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import clean, one_line

from .fonts import known_fonts
from .outcome import STATUS_SUFFIXES, opening_notes
from .pictures import picture_of
from .stored_images import MISSING_IMAGE, read_image

if TYPE_CHECKING:
    from fpdf import FPDF

__all__ = ["pdf_of"]

_MARGIN, _WIDTH, _HEIGHT = 20.0, 170.0, 257.0
"""Millimeters of an A4 page."""
_TALLEST = 170.0
_LONGEST_LINE, _LONGEST_RUN = 1000, 200
"""Characters of a line, and of a run without any letter in it, that are laid out at once: the library's time grows with
the square of the first, and it calls itself once for each character of the second."""
_RUN = re.compile(rf"[\W\d_]{{{_LONGEST_RUN}}}(?=.)")
_MISSING = "\u25a1"
_GRAY = 110


def pdf_of(trajectory: Trajectory, store: ImageStore) -> bytes:
    """Returns the bytes of the file. Blocks.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
    """
    return bytes(_Writer(trajectory).write(store).output())


class _Writer:
    def __init__(self, trajectory: Trajectory) -> None:
        from fpdf import FPDF

        self._trajectory = trajectory
        self._pdf: FPDF = FPDF(format="A4")
        self._pdf.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self._pdf.set_auto_page_break(True, margin=_MARGIN)
        self._pdf.set_creation_date(trajectory.created)
        self._pdf.set_author("interleavethinker")
        self._pdf.set_subject(f"Trajectory {trajectory.id}")
        self._known = self._add_fonts()
        self._replaced = False

    def _add_fonts(self) -> set[int] | None:
        """Adds this machine's fonts; returns the characters that they have, or None for the built-in Latin font."""
        added: list[str] = []
        characters: set[int] = set()
        for number, path in enumerate(known_fonts()):
            family = f"font{number}"
            try:
                self._pdf.add_font(family, fname=path)
            except Exception:  # noqa: BLE001, S112 - a font file of somebody else may be of any kind, or damaged
                continue
            added.append(family)
            characters |= set(self._pdf.fonts[family].cmap)  # type: ignore[union-attr]
        if not added:
            self._family = "helvetica"
            return None
        self._family = added[0]
        self._pdf.set_fallback_fonts(added[1:], exact_match=False)
        self._pdf.set_text_shaping(True)
        return characters

    def _drawable(self, text: str) -> str:
        """Returns the text with a box, or a question mark, for each character that no font has."""
        if self._known is None:
            drawn = text.encode("latin-1", "replace").decode("latin-1")
        else:
            box = _MISSING if ord(_MISSING) in self._known else "?"
            drawn = "".join(c if c in "\n\t" or ord(c) in self._known else box for c in text)
        self._replaced |= drawn != text
        return drawn

    def _paragraph(self, text: str, size: float, *, gray: bool = False, after: float = 3.0, link: str = "") -> None:
        self._pdf.set_font(self._family, size=size)
        self._pdf.set_text_color(_GRAY if gray else 0)
        height = size * 0.5
        for line in _readable_lines(self._drawable(text)):
            align = "R" if _reads_leftwards(line) else "L"
            self._pdf.multi_cell(_WIDTH, height, line, align=align, new_x="LMARGIN", new_y="NEXT", link=link)
        self._pdf.ln(after)

    def write(self, store: ImageStore) -> "FPDF":
        """Writes everything."""
        trajectory, pdf = self._trajectory, self._pdf
        title = one_line(trajectory.title)
        pdf.set_title(title)
        pdf.add_page()
        self._paragraph(title, 20, after=5)
        document = trajectory.document
        for note in (*opening_notes(document), *trajectory.notes):
            self._paragraph(clean(note), 10, gray=True, after=1.5)
        for step in dict.fromkeys(block.step for block in document.blocks):
            self._step(step, store)
        self._sources(document.sources)
        if self._replaced:
            self._paragraph(
                "Characters that no font of the machine has are shown as boxes or question marks.", 8, gray=True
            )
        return pdf

    def _step(self, step: int, store: ImageStore) -> None:
        blocks = [block for block in self._trajectory.document.blocks if block.step == step]
        images = {block.sha256: read_image(store, block.sha256) for block in blocks if block.sha256 is not None}
        tallest = max((_placed(png)[1] for png in images.values() if png is not None), default=0.0)
        # A heading never stands alone at the end of a page.
        if self._pdf.get_y() + 22 + tallest > _MARGIN + _HEIGHT and self._pdf.get_y() > _MARGIN + 1:
            self._pdf.add_page()
        for block in blocks:
            match block.kind:
                case "heading":
                    suffix = STATUS_SUFFIXES.get(block.status, "")
                    self._pdf.ln(3)
                    self._paragraph(f"{step + 1}. {one_line(block.text)}{suffix}", 14, after=2)
                case "image":
                    self._image(images.get(block.sha256 or ""), one_line(block.text))
                case "text":
                    self._paragraph(clean(block.text), 11)

    def _image(self, png: bytes | None, description: str) -> None:
        if png is None:
            self._paragraph(MISSING_IMAGE, 10, gray=True)
            return
        width, height = _placed(png)
        if self._pdf.get_y() + height > _MARGIN + _HEIGHT:
            self._pdf.add_page()
        left = _MARGIN + (_WIDTH - width) / 2
        self._pdf.image(io.BytesIO(picture_of(png)), x=left, w=width, h=height, alt_text=description)
        self._pdf.ln(3)

    def _sources(self, sources: Sequence[str]) -> None:
        if sources:
            self._pdf.ln(3)
            self._paragraph("Sources", 14, after=2)
        for source in sources:
            link = source if source.startswith(("http://", "https://")) else ""
            self._paragraph(one_line(source), 10, after=1.5, link=link)


def _readable_lines(text: str) -> Iterator[str]:
    """Yields the lines of a text; what is too long for the library is broken, where possible behind a space."""
    for line in text.split("\n"):
        for part in _RUN.sub(lambda found: found[0] + "\n", line).split("\n"):
            rest = part
            while len(rest) > _LONGEST_LINE:
                end = rest.rfind(" ", 0, _LONGEST_LINE) + 1 or _LONGEST_LINE
                yield rest[:end]
                rest = rest[end:]
            yield rest


def _reads_leftwards(line: str) -> bool:
    """Whether the first letter of a line is Hebrew, Arabic or the like."""
    strong = (unicodedata.bidirectional(character) for character in line)
    return next((kind != "L" for kind in strong if kind in {"L", "R", "AL"}), False)


def _placed(png: bytes) -> tuple[float, float]:
    """Returns the width and height of an image on the page, in millimeters."""
    width, height = image_size(png)
    scale = min(_WIDTH / width, _TALLEST / height)
    return width * scale, height * scale
