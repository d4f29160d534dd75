"""A sheet of pictures by the micro generator with what was asked of it below each: the README's picture.

The upper row is drawn from text; each lower row is one drawing and a chain of edits, every picture made from the one
to its left. Nothing is chosen: texts are fixed here, the seed is the first. Knows nothing of scores.
"""

from __future__ import annotations

from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.scenes.sprites import IMAGE_SIZE

__all__ = ["CHAINS", "DRAWINGS", "gallery"]

DRAWINGS = (
    "a big green tree on the left, a small red bird at the top and a white house in the bottom right, in a meadow",
    "a big yellow star in the top left, a purple cat in the middle and a small blue boat in the bottom right, at night",
    "a big orange fish on the left and a small pink fish in the top right, at the beach",
    "a small red house at the bottom and a big white tree on the right, in the snow",
    "a big yellow girl in the middle, a pink flower on the left and a blue ball on the right, in a forest",
)
"""Texts of the trained language, drawn from nothing."""

CHAINS = (
    (
        "a big red ball on the left and a small white cat in the bottom right, in a meadow",
        "make the ball blue",
        "move the cat to the middle",
        "add a big yellow star in the top right",
        "change the background to night",
    ),
    (
        "a big purple house in the bottom left and a small green tree on the right, at the beach",
        "make the tree big",
        "replace the house with a big orange car",
        "add a small pink girl at the bottom",
        "change the background to sunset",
    ),
)
"""A drawing and edits, each of the picture before."""

_SCALE = 2
_GAP = 12
_CAPTION = 64
_SIDE = IMAGE_SIZE * _SCALE


def gallery(generator: MicroGenerator, *, seed: int = 0) -> Image.Image:
    """Makes all pictures and lays them out on one sheet."""
    rows = [list(zip(generator.generate(DRAWINGS, [seed] * len(DRAWINGS)), DRAWINGS, strict=True))]
    for first, *edits in CHAINS:
        row = [(generator.generate([first], [seed])[0], first)]
        for text in edits:
            row.append((generator.edit([row[-1][0]], [text], [seed])[0], text))
        rows.append(row)
    width = _GAP + max(map(len, rows)) * (_SIDE + _GAP)
    sheet = Image.new("RGB", (width, _GAP + len(rows) * (_SIDE + _CAPTION + _GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for line, row in enumerate(rows):
        top = _GAP + line * (_SIDE + _CAPTION + _GAP)
        for column, (picture, text) in enumerate(row):
            left = _GAP + column * (_SIDE + _GAP)
            sheet.paste(picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (left, top))
            draw.text((left, top + _SIDE + 3), "\n".join(wrap(text, 30)), fill=(60, 60, 70), font=font)
    return sheet
