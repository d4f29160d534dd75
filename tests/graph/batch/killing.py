"""Kills a batch with SIGKILL at given generator calls, again and again, and lets it end. Run by `test_killing`.

The generator keeps finished images on disk, as the image server does, with a record of its own for every image that it
really paints.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from itertools import count
from pathlib import Path

from PIL import Image

from interleavethinker.graph import Components, Workspace
from interleavethinker.graph.batch.batch import run_batch
from interleavethinker.graph.batch.manifest import BatchRequest
from interleavethinker.graph.batch.report import contact_sheet
from interleavethinker.graph.export import storyboard
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

REQUESTS = [BatchRequest(text=text) for text in ("a", "b", "b", "c", "d")]


class MortalGenerator:
    """Dies before it finishes its `victim`-th painting, or after that one was recorded.

    A painting is finished once its record has its name, which also counts it: with a log besides it, a death in another
    thread between the two would let an image count as painted and yet not be known.
    """

    def __init__(self, folder: Path, victim: int, after: bool) -> None:
        self._folder = folder
        self._victim = victim
        self._numbers = count(1)
        self._after = after
        self._memory = MemoryGenerator(ImageStore(folder / "workspace" / "images"), self._paint)

    def _paint(self, call: GenerationRequest) -> bytes:
        for known in (self._folder / "known").glob(f"{call.seed}-*"):
            return known.read_bytes()
        number = next(self._numbers)  # Images are painted in several threads.
        self._die(number, after=False)
        record = self._folder / "unfinished" / f"{call.seed}-{uuid.uuid4()}"
        record.write_bytes(data := fake_image(call))
        record.rename(self._folder / "known" / record.name)
        self._die(number, after=True)
        return data

    def _die(self, number: int, *, after: bool) -> None:
        if number == self._victim and after == self._after:
            os.kill(os.getpid(), signal.SIGKILL)

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        return await self._memory.generate(call, progress)


async def work(folder: Path, victim: int, after: bool) -> list[str]:
    plan = FixedPlanner(plan_of("draw it", "change it"))
    components = Components(plan, RuleCritic(), MortalGenerator(folder, victim, after))
    async with Workspace.open(folder / "workspace", components) as workspace:
        results = await run_batch(workspace, REQUESTS, folder / "out", at_once=2)
        assert len(await workspace.list()) == len(REQUESTS)
    return [one.status for one in results]


def lived(folder: Path, victim: int, after: bool) -> bool:
    """Runs the batch in a child process; returns whether it ended by itself."""
    child = os.fork()
    if child == 0:
        statuses = asyncio.run(work(folder, victim, after))
        (folder / "statuses").write_text(json.dumps(statuses))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def main(folder: Path) -> None:
    """Prints, for each way to die, how often it died, what was painted, and how the requests stand at the end."""
    # What every life needs is loaded once.
    encode_png(Image.new("RGB", (8, 8)))
    Image.init()
    contact_sheet([])
    storyboard._template()
    for victim, after in ((3, False), (4, True)):
        place = folder / f"{victim}-{after}"
        (place / "known").mkdir(parents=True)
        (place / "unfinished").mkdir()
        deaths = 0
        while deaths < 20 and not lived(place, victim, after):
            deaths += 1
        painted = [record.name.partition("-")[0] for record in (place / "known").iterdir()]
        statuses = json.loads((place / "statuses").read_text())
        print(json.dumps({"deaths": deaths, "painted": painted, "statuses": statuses}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
