"""Consistent characters: images that show a referenced character ("@cat"), against those of a character only named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.evaluation.micro.consistency import LATER_IMAGES, TextToImage, measure_characters
from interleavethinker.evaluation.statistics import rate

from .results import ExtensionResult, ExtensionRow, paired_difference, percent

__all__ = ["run_consistency"]

_NAMED, _REFERENCED = "named only: a cat", "referenced: @cat"
_IMAGES = "images with the character"


def run_consistency(generator: TextToImage, characters: int, seed: int, folder: Path) -> ExtensionResult:
    """Measures characters with one reference image and three later images each.

    The images of a character are not independent, so intervals have characters as their samples.

    Args:
        generator: The image generator.
        characters: How many.
        seed: Decides the characters, the scenes and the generator's noise.
        folder: For the reference images.
    """
    found = measure_characters(generator, characters, seed, folder)
    named, referenced = _by_character(found.unreferenced), _by_character(found.referenced)
    difference = paired_difference(_NAMED, [100 * one for one in referenced], [100 * one for one in named])
    return ExtensionResult(
        n=characters,
        unit="characters",
        rows=(_row(_NAMED, named), _row(_REFERENCED, referenced, {_IMAGES: difference})),
        settings={"later_images": LATER_IMAGES},
    )


def _row(
    name: str, shares: Sequence[float], differences: Mapping[str, dict[str, JsonValue]] | None = None
) -> ExtensionRow:
    whole = rate([share == 1 for share in shares])
    measures = {_IMAGES: percent(rate(shares)), "characters in all their images": percent(whole)}
    return ExtensionRow(name, measures, differences=differences or {})


def _by_character(kept: Sequence[bool]) -> list[float]:
    """Returns the share of each character's images that show it."""
    return [sum(kept[at : at + LATER_IMAGES]) / LATER_IMAGES for at in range(0, len(kept), LATER_IMAGES)]
