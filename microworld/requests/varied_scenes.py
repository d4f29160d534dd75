"""Scenes that differ in everything, to find out what a question depends on. The same question gets the same scenes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject, random_object
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS

__all__ = ["varied_scenes"]

_MOST_THINGS = 5
_MOST_CHANGES = 3


def varied_scenes(
    given: Sequence[Scene], kinds: Sequence[str], colours: Sequence[str], seed: str
) -> Iterator[tuple[Scene, ...]]:
    """Yields scenes for a question about images, endlessly: some like the given ones, some like no other.

    Args:
        given: What the images show that the question is about. As many are yielded.
        kinds: The kinds of objects to show.
        colours: Their colors.
        seed: What chooses the scenes.
    """
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    draw = partial(_object, rng, colours)
    while True:
        yield tuple(_changed(rng, scene, kinds, draw) for scene in given)
        scene = Scene(str(rng.choice(BACKGROUNDS)))
        few = [str(kind) for kind in rng.choice(kinds, rng.integers(1, 2, endpoint=True))]  # so that some come often
        for cell in rng.permutation(CELLS)[: rng.integers(1, _MOST_THINGS, endpoint=True)]:
            scene = scene.put(int(cell), draw(few))
        shown = [scene]
        for _ in given[1:]:
            shown.append(_changed(rng, shown[-1], kinds, draw))
        yield tuple(shown)


def _object(rng: np.random.Generator, colours: Sequence[str], kinds: Sequence[str]) -> SceneObject:
    return replace(random_object(rng, kind=str(rng.choice(kinds))), colour=str(rng.choice(colours)))


def _changed(
    rng: np.random.Generator, scene: Scene, kinds: Sequence[str], draw: Callable[[Sequence[str]], SceneObject]
) -> Scene:
    for _ in range(rng.integers(1, _MOST_CHANGES, endpoint=True)):
        what = rng.choice(("ground", "add", "remove", "alter", "alter", "move", "move"))
        taken = int(rng.choice(list(scene.objects))) if scene.objects else None
        free = int(rng.choice(scene.free)) if scene.free else None
        if what == "ground":
            scene = Scene(str(rng.choice(BACKGROUNDS)), scene.cells)
        elif free is not None and what == "add":
            scene = scene.put(free, draw(kinds))
        elif taken is not None and what == "remove":
            scene = scene.put(taken, None)
        elif taken is not None and what == "alter":
            scene = scene.put(taken, draw((scene.objects[taken].kind,)))
        elif taken is not None and free is not None and what == "move":
            scene = scene.put(free, scene.objects[taken]).put(taken, None)
    return scene
