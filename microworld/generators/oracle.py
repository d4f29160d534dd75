"""A generator without a model: it understands what is said and renders it, or leaves the picture alone.

Same methods as `generator.MicroGenerator`. It is the upper bound in evaluations, executes plans when plans themselves
are judged, and stands in for the model in tests. What words leave open is drawn from the seed.
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
    """Carries out every text that `understanding.understand` understands; any other changes nothing."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each text; an empty meadow where the text is not understood."""
        return [to_image(render(_target_scene(text, None, seed))) for text, seed in zip(texts, seeds, strict=True)]

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each instruction, rendered from the scene that is read from its image."""
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
        if before.cells[cell] is None and obj not in before.cells:  # what moves keeps its looks
            variant, offset = int(rng.integers(VARIANTS)), int(rng.integers(len(OFFSETS)))
            scene = scene.put(cell, replace(obj, variant=variant, offset=offset))
    return scene
