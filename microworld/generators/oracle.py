"""A generator without a model: it parses a text and renders the result, or leaves the image unchanged.

It has the methods of `micro.MicroGenerator`. Evaluations use it as an upper bound and to execute plans when only the
plans are judged; tests use it instead of the model. The seed decides what the text leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.reader import read
from interleavethinker.microworld.scenes.scene import Scene, render, to_image
from interleavethinker.microworld.scenes.sprites import OFFSETS, VARIANTS
from interleavethinker.tools.errors import InputError

__all__ = ["OracleGenerator"]


class OracleGenerator:
    """Executes every text that `parser.parse` accepts; any other text changes nothing."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Generates one image per text; an empty meadow if the text cannot be parsed."""
        return [to_image(render(_target_scene(text, None, seed))) for text, seed in zip(texts, seeds, strict=True)]

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Edits one image per instruction: reads its scene, applies the edit and renders the result."""
        sources = (read(image).scene for image in images)
        return [
            to_image(render(_target_scene(text, source, seed)))
            for source, text, seed in zip(sources, texts, seeds, strict=True)
        ]


def _target_scene(text: str, source: Scene | None, seed: int) -> Scene:
    before = source or Scene("meadow")
    try:
        task = parse(text, source)
    except InputError:
        return before
    rng, scene = np.random.default_rng(seed), task.target
    for cell, obj in scene.objects.items():
        if before.cells[cell] is None and obj not in before.cells:  # an object that moves keeps its looks
            variant, offset = int(rng.integers(VARIANTS)), int(rng.integers(len(OFFSETS)))
            scene = scene.put(cell, replace(obj, variant=variant, offset=offset))
    return scene
