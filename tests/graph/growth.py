"""Measures how list, show, start, delete, plans and exports grow, and prints JSON with fitted exponents.

Not a test: times depend on the machine. `make growth-bench` runs it, in some minutes. Times are CPU seconds of this
process, which other programs disturb least; an exponent of 1 is linear growth, 0 none.
"""

import argparse
import asyncio
import io
import json
import math
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.graph.export.export import export
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GenerationRequest

KEYS = {"trajectories": "id", "provenance": "trajectory", "checkpoints": "thread_id", "writes": "thread_id"}
DATA = fake_image(GenerationRequest(prompt="x", seed=1))
_MOST_MS = 100
_REPEATS = 5


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trajectories", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=1000, help="of the longest plan")
    parser.add_argument("--images", type=int, default=300, help="of the largest export")
    parser.add_argument("--side", type=int, default=1024, help="pixels")
    parser.add_argument("--export", type=int, help="only write an export of so many steps; prints megabytes")
    parser.add_argument("--out", type=Path, help="file for the figures, beside printing them")
    arguments = parser.parse_args()
    if arguments.export:
        print(json.dumps(asyncio.run(exported(arguments.export, arguments.side))))  # noqa: T201
        return
    found = asyncio.run(workspaces(arguments.trajectories)) | asyncio.run(plans(arguments.steps))
    found |= exports(arguments.images, arguments.side)
    text = json.dumps(found, indent=2)
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201


def exponent(sizes: Mapping[int, float]) -> float:
    """Returns the slope of the line through the logarithms, by least squares."""
    points = [(math.log(size), math.log(max(value, 1e-9))) for size, value in sizes.items()]
    x, y = (sum(point[axis] for point in points) / len(points) for axis in (0, 1))
    return round(sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points), 2)


async def milliseconds(work: Callable[[], Awaitable[object]], repeats: int = _REPEATS) -> float:
    """Returns the median CPU time of a call."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        await work()
        times.append(time.process_time() - started)
    return round(sorted(times)[repeats // 2] * 1000, 2)


async def workspaces(most: int) -> dict[str, object]:
    """Measures `list`, `get`, `create` and `delete` in workspaces of a hundredth, a tenth, and all of `most`."""
    times: dict[str, dict[int, float]] = {name: {} for name in ("list", "list_all", "show", "start", "delete")}
    for count in (most // 100, most // 10, most):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            components = Components(
                FixedPlanner(plan_of("a ball", "a cat")), RuleCritic(), MemoryGenerator(ImageStore(root / "images"))
            )
            async with Workspace.open(root, components) as workspace:
                name = await workspace.create("x")
                await workspace.run(name)
            copy(root / "trajectories.sqlite", name, count)
            async with Workspace.open(root, components) as workspace:
                ids = [one for one in await workspace.ids() if one != name]
                times["list"][count] = await milliseconds(partial(_shown, workspace))
                times["list_all"][count] = await milliseconds(workspace.list)
                times["show"][count] = await milliseconds(partial(workspace.get, name))
                times["start"][count] = await milliseconds(partial(workspace.create, "another"))
                deletions = (partial(workspace.delete, one) for one in ids)
                times["delete"][count] = await milliseconds(partial(_next, deletions))
    return {
        f"{kind}_ms": {
            "by_trajectories": values, "exponent": exponent(values), "within_100_ms": values[most] < _MOST_MS
        }
        for kind, values in times.items()
    }  # fmt: skip


async def _shown(workspace: Workspace) -> None:
    """Reads what the command `list` shows by default: the newest 20, and how far each ID is unique."""
    await workspace.list(limit=20)
    await workspace.ids()


async def _next(work: Iterator[Callable[[], Awaitable[object]]]) -> None:
    await next(work)()


def copy(path: Path, name: str, count: int) -> None:
    """Copies a trajectory's rows under other ids."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous=OFF")
        for table, key in KEYS.items():
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            chosen = ", ".join("printf('200101-000000-%06x', number)" if one == key else one for one in columns)
            numbers = "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers LIMIT ?)"
            statement = f"{numbers} INSERT INTO {table} SELECT {chosen} FROM {table}, numbers WHERE {key} = ?"  # noqa: S608
            database.execute(statement, (count, name))


async def plans(most: int) -> dict[str, object]:
    """Measures trajectories of a tenth, a third, and all of `most` steps: CPU seconds and bytes of checkpoints."""
    seconds: dict[int, float] = {}
    sizes: dict[int, float] = {}
    for count in (most // 10, most // 3, most):
        with tempfile.TemporaryDirectory() as folder:
            root, plan = Path(folder), plan_of(*(f"step {number}" for number in range(count)))
            store = ImageStore(root / "images")
            components = Components(FixedPlanner(plan), RuleCritic(), MemoryGenerator(store, lambda _: DATA))
            async with Workspace.open(root, components) as workspace:
                started = time.process_time()
                name = await workspace.create("x", limits=Limits(max_steps=count))
                done = await workspace.run(name)
                seconds[count] = round(time.process_time() - started, 2)
                assert len(done.attempts) == count
                sizes[count] = (await workspace._checkpoints.size(name))[0]
    return {
        "plan_cpu_seconds": {"by_steps": seconds, "exponent": exponent(seconds)},
        "plan_bytes": {"by_steps": sizes, "exponent": exponent(sizes)},
    }


def exports(most: int, side: int) -> dict[str, object]:
    """Measures exports in processes of their own: the peak of their memory, and the size of the page."""
    command = [sys.executable, __file__, "--side", str(side), "--export"]
    found = {
        count: json.loads(subprocess.run([*command, str(count)], capture_output=True, check=True).stdout)
        for count in (most // 10, most // 3, most)
    }
    return {
        name: {"by_steps": values, "exponent": exponent(values)}
        for name in ("export_growth_mb", "export_page_mb", "export_cpu_seconds")
        if (values := {count: one[name] for count, one in found.items()})
    }


async def exported(count: int, side: int) -> dict[str, float]:
    """Writes an export whose images are noise, which no format makes small."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        root, plan = Path(folder), plan_of(*(f"step {number}" for number in range(count)))
        noise = Image.effect_noise((side, side), 90).convert("RGB")

        def render(call: GenerationRequest) -> bytes:
            noise.putpixel((0, 0), (call.seed % 256, call.seed // 256 % 256, call.seed // 65536 % 256))
            buffer = io.BytesIO()
            noise.save(buffer, "PNG", compress_level=1)
            return buffer.getvalue()

        components = Components(FixedPlanner(plan), RuleCritic(), MemoryGenerator(ImageStore(root / "images"), render))
        async with Workspace.open(root, components) as workspace:
            done = await workspace.run(await workspace.create("x", limits=Limits(max_steps=count)))
            before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
            page = export(done, workspace.store, root / "out")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "export_growth_mb": round((peak - before) / 1024, 1),
            "export_page_mb": round(page.stat().st_size / 1e6, 2),
            "export_cpu_seconds": round(time.process_time() - started, 1),
        }


if __name__ == "__main__":
    main()
