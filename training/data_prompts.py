"""Stage 1: requests of the micro world, each with the plan that carries it out and a target for every step.

Rows are a pure function of (seed, split, number), so that a larger set begins with a smaller one's rows.
"""

from __future__ import annotations

from interleavethinker.microworld.families import Split, draw
from interleavethinker.microworld.scenes import Scene, render, to_image
from interleavethinker.microworld.scripts import Asked
from interleavethinker.microworld.targets import as_json
from interleavethinker.microworld.teachers import plan_of
from interleavethinker.tools.images import encode_png
from interleavethinker.tools.store import ImageStore
from interleavethinker.tools.types import ImagePart, Part, Request, TextPart

from .rows import DataFolder, PromptRow
from .tally import Tally

__all__ = ["make_prompts", "request_of"]


def make_prompts(folder: DataFolder, counts: dict[Split, int], seed: int) -> Tally:
    """Writes the prompts of every split; what is there already stays.

    Args:
        folder: The data set.
        counts: Requests wanted in each split.
        seed: Of all requests.
    """
    tally = Tally("prompts")
    known = folder.prompts.ids()
    for split, count in counts.items():
        for index in range(count):
            name = f"{split}-{seed}-{index:06d}"
            if name in known:
                tally.keep(f"{split}, made before")
                continue
            drawn = draw(seed, index, split)
            targets = (step.target for step in drawn.asked.steps)
            row = PromptRow(
                id=name,
                family=drawn.family,
                template=drawn.template,
                split=split,
                request=request_of(drawn.asked, folder.store),
                plan=plan_of(drawn.asked),
                references=tuple(None if target is None else as_json(target) for target in targets),
            )
            folder.prompts.append([row])
            tally.keep(f"{split}, {drawn.family}")
    return tally


def request_of(asked: Asked, store: ImageStore) -> Request:
    """A request as planners get it; its scenes are rendered into the store."""

    def part_of(part: str | Scene) -> Part:
        if isinstance(part, str):
            return TextPart(text=part)
        return ImagePart(sha256=store.put(encode_png(to_image(render(part)))))

    return Request(parts=tuple(part_of(part) for part in asked.parts))
