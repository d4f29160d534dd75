"""A planner, a critic and an image generator of your own; any class with these methods will do."""

import asyncio
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

import interleavethinker as it


class ColorPlanner:
    """Plans one step for each color named in the request."""

    async def plan(self, request: it.Request, context: it.PlanContext) -> it.Plan:
        """Returns the plan."""
        steps = [it.Step(instruction=f"Paint it {word}", prompt=word) for word in request.text.split()]
        return it.Plan(steps=tuple(steps))


class DarkColorsOnly:
    """Rejects every light color and asks for the dark one."""

    gives_confidence = False

    async def judge(self, cases: Sequence[it.CriticInput]) -> list[it.Verdict]:
        """Returns one verdict per case."""
        dark = [(case.prompt.startswith("dark"), f"dark{case.original_prompt}") for case in cases]
        return [it.Verdict(success=success, refined_prompt=prompt) for success, prompt in dark]


class ColorGenerator:
    """Fills an image with the color that the prompt names."""

    def __init__(self, store: it.ImageStore) -> None:
        self._store = store

    async def generate(self, call: it.GenerationRequest, progress: object = None) -> it.GeneratedImage:
        """Stores the image and returns its name."""
        png = io.BytesIO()
        Image.new("RGB", (64, 64), call.prompt).save(png, "PNG")
        sha256 = await asyncio.to_thread(self._store.put, png.getvalue())  # files are for threads
        size = {"width": 64, "height": 64}
        return it.GeneratedImage(sha256=sha256, seed=call.seed, model="colors", seconds=0, cached=False, **size)


async def main() -> None:
    """Runs all three components in a temporary workspace."""
    root = Path(tempfile.mkdtemp())
    components = it.Components(ColorPlanner(), DarkColorsOnly(), ColorGenerator(it.ImageStore(root / "images")))
    async with it.Workspace.open(root, components) as workspace:
        done = await workspace.run(await workspace.create("red green blue"))
        print([attempt.prompt for attempt in done.attempts])


if __name__ == "__main__":
    asyncio.run(main())
