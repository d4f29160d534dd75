"""Consistent characters in the micro world: does a referenced object keep its color and size in later images?

For each character a reference image is rendered. Each later image is a scene of its own, asked for as "@cat at the
top, at night", and goes through the same words and the same planner as in the profile `micro`. For comparison the same
requests say "a cat". An image counts if the reader finds an object of the character's kind, color and size in it. The
measure knows words and pixels only: it says nothing of a character's variant, which no words state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from interleavethinker.evaluation.statistics import Estimate, rate
from interleavethinker.microworld.agents.references import describe
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.reader import Reading, read_all
from interleavethinker.microworld.scenes.scene import (
    CELLS,
    POSITIONS,
    Scene,
    SceneObject,
    random_object,
    render,
    to_image,
)
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.references import in_words
from interleavethinker.tools.types import ImagePart, Request, TextPart

__all__ = [
    "LATER_IMAGES",
    "Characters",
    "ConsistencyReport",
    "TextToImage",
    "measure_characters",
    "measure_consistency",
]


class TextToImage(Protocol):
    """What is measured: a generator of micro-world images, such as `MicroGenerator`."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Generates one image per text."""
        ...


@dataclass(frozen=True)
class ConsistencyReport:
    """Shares of later images, from 0 to 1, with Wilson intervals."""

    characters: int
    images: int
    """Later images of each condition: 3 for each character."""
    referenced: Estimate
    """Character kept, where the request says "@cat"."""
    unreferenced: Estimate
    """Character kept, where it says "a cat"."""
    whole: Estimate
    """Characters that were kept in all their later images, where requests say "@cat"."""


LATER_IMAGES = 3
"""Later images of a character."""


@dataclass(frozen=True)
class Characters:
    """Whether each later image shows its character; the images of a character follow each other."""

    referenced: tuple[bool, ...]
    """Where the request says "@cat"."""
    unreferenced: tuple[bool, ...]
    """Where it says "a cat"."""


def measure_consistency(generator: TextToImage, characters: int, seed: int, folder: Path) -> ConsistencyReport:
    """Calls `measure_characters` and returns the shares of images and of characters."""
    found = measure_characters(generator, characters, seed, folder)
    whole = [all(found.referenced[at : at + LATER_IMAGES]) for at in range(0, len(found.referenced), LATER_IMAGES)]
    return ConsistencyReport(
        characters=characters,
        images=len(found.referenced),
        referenced=rate(found.referenced),
        unreferenced=rate(found.unreferenced),
        whole=rate(whole),
    )


def measure_characters(generator: TextToImage, characters: int, seed: int, folder: Path) -> Characters:
    """Generates and reads all images.

    Args:
        generator: The generator.
        characters: How many.
        seed: Decides the characters, the scenes and the generator's noise.
        folder: For the reference images.
    """
    rng = np.random.default_rng(seed)
    store = ImageStore(folder)
    wanted: list[SceneObject] = []
    texts: list[str] = []
    for _ in range(characters):
        character = random_object(rng)
        png = encode_png(to_image(render(_scene(rng).put(int(rng.integers(CELLS)), character))))
        hero = ImagePart(sha256=store.put(png), name=character.kind, words=describe(png, character.kind))
        for _ in range(LATER_IMAGES):
            wanted.append(character)
            where = f"{_place(rng)}, {BACKGROUND_PHRASES[_scene(rng).background][0]}"
            asked = Request(parts=(hero, TextPart(text=f"@{character.kind} {where}")))
            plain = Request(parts=(TextPart(text=f"a {character.kind} {where}"),))
            texts += asyncio.run(_prompts(store, [in_words(asked), plain]))
    seeds = [int(one) for one in rng.integers(2**31, size=len(wanted))]
    referenced, unreferenced = (_kept(wanted, read_all(generator.generate(texts[start::2], seeds))) for start in (0, 1))
    return Characters(tuple(referenced), tuple(unreferenced))


def _kept(wanted: Sequence[SceneObject], readings: Sequence[Reading]) -> list[bool]:
    """Returns for each image whether it has an object of its character's kind, color and size."""
    return [
        any(found.named == character.named for found in reading.scene.objects.values())
        for character, reading in zip(wanted, readings, strict=True)
    ]


def _scene(rng: np.random.Generator) -> Scene:
    return Scene(str(rng.choice(list(BACKGROUNDS))))


def _place(rng: np.random.Generator) -> str:
    return f"at the {rng.choice([name for name in POSITIONS if name not in {'left', 'right', 'middle'}])}"


async def _prompts(store: ImageStore, requests: Sequence[Request]) -> list[str]:
    """Returns the prompt of each request's only step, in the words that the generator was trained on."""
    plans = [await ScriptedPlanner(store, "trained").plan(request, PlanContext()) for request in requests]
    return [plan.steps[-1].prompt or "" for plan in plans]
