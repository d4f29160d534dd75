"""Reads the micro world's prompts for the drift guard: the damage outside a wish, and several wishes in one prompt.

The damage is the scorer's: of everything that the wish leaves alone, the share of the grade that was lost. Blocks for a
few milliseconds; loads no model.
"""

from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import Edit, describe, instruct
from interleavethinker.microworld.scenes.reader import as_pixels, read
from interleavethinker.microworld.scenes.scene import CELLS, Scene
from interleavethinker.microworld.scoring.scorer import cell_similarity, score_reading
from interleavethinker.microworld.scoring.targets import scene_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore

__all__ = ["MicroWishReader"]


class MicroWishReader:
    """Implements `WishReader` for the micro world.

    Args:
        store: Not used: the images are passed as bytes.
    """

    def __init__(self, store: ImageStore | None = None) -> None:
        del store

    def outside(self, wish: str, source: bytes, image: bytes) -> float | None:
        """See `WishReader.outside`: mean lost share of the grades of all cells and the background that should stay."""
        before, after = open_rgb(source), open_rgb(image)
        try:
            scene = scene_of(before)
            task = parse(wish, scene)
            pixels, old = as_pixels(after), as_pixels(before)
        except InputError:
            return None
        background = task.target.background
        # A new background changes every cell's pixels, so that similarity means nothing; the reading still does.
        similarity = cell_similarity(pixels, old) if scene.background == background else None
        scored = score_reading(read(pixels), scene, task.cell_targets, background, similarity)
        grades = [item.grade for item in scored.items if not item.should_change]
        return round(sum(1 - grade / 10 for grade in grades) / len(grades), 4) if grades else 0.0

    def merged(self, prompts: Sequence[str], source: bytes | None) -> str | None:
        """See `WishReader.merged`: a description of the scene that results, or the edits that lead to it."""
        try:
            begin = parse(prompts[0]).target if source is None else scene_of(open_rgb(source))
            scene = begin
            for prompt in prompts[1 if source is None else 0 :]:
                scene = parse(prompt, scene).target
            return describe(scene) if source is None else _edits(begin, scene)
        except InputError:
            return None


def _edits(begin: Scene, end: Scene) -> str | None:
    """Returns the changes from one scene to another in the generator's trained words; None if there are none."""
    edits = [_edit(begin, end, cell) for cell in range(CELLS)]
    wanted = [edit for edit in edits if edit is not None]
    if begin.background != end.background:
        wanted.append(Edit("background", background=end.background))
    return " and ".join(instruct(edit, begin) for edit in wanted) or None


def _edit(begin: Scene, end: Scene, cell: int) -> Edit | None:
    before, after = begin.cells[cell], end.cells[cell]
    if before is None or after is None:
        if before is after:
            return None
        return Edit("remove", cell=cell) if after is None else Edit("add", cell=cell, new=after)
    if before.named == after.named:
        return None
    if replace(after, colour=before.colour).named == before.named:
        return Edit("recolour", cell=cell, new=after)
    if replace(after, size=before.size).named == before.named:
        return Edit("resize", cell=cell, new=after)
    return Edit("replace", cell=cell, new=after)
