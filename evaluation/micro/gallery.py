"""A sheet of images by the micro generator with their prompts below them: the image in the README.

The first row is generated from text; each other row is one generated image and a chain of edits, each applied to the
image on its left. Nothing is cherry-picked: the prompts are fixed here, and the default seed is 0. Knows no scores.
"""

from __future__ import annotations

from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.scenes.sprites import IMAGE_SIZE

__all__ = ["EDIT_CHAINS", "PROMPTS", "gallery"]

PROMPTS = (
    "a big green tree on the left, a small red bird at the top and a white house in the bottom right, in a meadow",
    "a big yellow star in the top left, a purple cat in the middle and a small blue boat in the bottom right, at night",
    "a big orange fish on the left and a small pink fish in the top right, at the beach",
    "a small red house at the bottom and a big white tree on the right, in the snow",
    "a big yellow girl in the middle, a pink flower on the left and a blue ball on the right, in a forest",
)
"""Text-to-image prompts in the trained language."""

EDIT_CHAINS = (
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
"""A text-to-image prompt and edits, each applied to the image before."""

_SCALE = 2
_GAP = 12
_CAPTION = 64
_SIDE = IMAGE_SIZE * _SCALE


def gallery(generator: MicroGenerator, *, seed: int = 0) -> Image.Image:
    """Generates all images and returns them on one sheet."""
    rows = [list(zip(generator.generate(PROMPTS, [seed] * len(PROMPTS)), PROMPTS, strict=True))]
    for first, *edits in EDIT_CHAINS:
        row = [(generator.generate([first], [seed])[0], first)]
        for text in edits:
            row.append((generator.edit([row[-1][0]], [text], [seed])[0], text))
        rows.append(row)
    width = _GAP + max(map(len, rows)) * (_SIDE + _GAP)
    sheet = Image.new("RGB", (width, _GAP + len(rows) * (_SIDE + _CAPTION + _GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for line, row in enumerate(rows):
        top = _GAP + line * (_SIDE + _CAPTION + _GAP)
        for column, (image, text) in enumerate(row):
            left = _GAP + column * (_SIDE + _GAP)
            sheet.paste(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (left, top))
            draw.text((left, top + _SIDE + 3), "\n".join(wrap(text, 30)), fill=(60, 60, 70), font=font)
    return sheet
