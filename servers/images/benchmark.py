"""What the image server costs and gains, measured against the pipeline it serves, all in one run.

Every figure compares things measured in turns on the same machine: direct call, call over stdio, call over HTTP, then
again. Concurrency is compared with what the pipeline itself gains from a batch of that size. Numbers go out as one
JSON object; nothing is judged here.
"""

import asyncio
import contextlib
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from interleavethinker.servers.images.backends.base import ImageRequest, Job
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

__all__ = ["BenchPlan", "run_bench"]


@dataclass(frozen=True)
class BenchPlan:
    """What to measure."""

    model: str = "micro"
    prompt: str = "a big red ball on the left, at night"
    calls: int = 30
    """Calls of each kind for the added milliseconds."""
    rounds: int = 4
    """How many full loads per concurrency (concurrency 16: 64 calls)."""
    seed: int = 0
    """First seed; every call gets its own."""
    device: str = "cpu"


async def run_bench(plan: BenchPlan, folder: Path, say: Callable[[str], None]) -> dict[str, JsonValue]:
    """Measures and returns the figures.

    Args:
        plan: What to measure.
        folder: Empty folder for stores; the caller removes it.
        say: Told what is being measured.
    """
    seeds = iter(range(plan.seed, sys.maxsize))
    say("cold start")
    cold = await _cold_start(plan, folder / "cold", next(seeds))
    direct = _Direct(plan)
    await direct.warm_up(next(seeds))
    say("added milliseconds per call")
    async with _stdio(plan, folder / "stdio") as stdio, _http(plan, folder / "http") as http:
        added = await _added(plan, direct, {"stdio": stdio, "http": http}, seeds)
        say("throughput")
        rates: dict[int, list[float]] = {1: [], 4: [], 16: []}
        batch_rates: dict[int, list[float]] = {1: [], 16: []}
        for _ in range(plan.rounds):
            for concurrency, measured in rates.items():
                measured.append(await _rate(stdio, plan, concurrency, seeds))
            for size, measured in batch_rates.items():
                measured.append(await direct.rate(size, seeds))
    served = {count: statistics.median(values) for count, values in rates.items()}
    own = {size: statistics.median(values) for size, values in batch_rates.items()}
    return {
        "added_ms": {name: round(added[name], 2) for name in ("stdio", "http")},
        "direct_ms": round(added["direct"], 2),
        "images_per_second": {str(count): round(value, 2) for count, value in served.items()},
        "throughput_gain": {str(count): round(served[count] / served[1], 3) for count in (4, 16)},
        "pipeline_batch_gain": {"16": round(own[16] / own[1], 3)},
        "cold_start_s": cold,
        "model": direct.name,
        "calls": plan.calls,
        "seed": plan.seed,
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }


class _Direct:
    """The pipeline itself, in this process."""

    def __init__(self, plan: BenchPlan) -> None:
        self._plan = plan
        self._backend = DiffusersBackend(plan.model, DiffusersOptions(device=plan.device))
        self.name = ""

    async def warm_up(self, seed: int) -> None:
        self.name = str((await self._backend.fingerprint())["model"])
        await self._backend.run([self._job(seed)], _Nobody())

    def _job(self, seed: int) -> Job:
        order = ImageRequest(prompt=self._plan.prompt, seed=seed)
        return Job(order, self._backend.arguments(order))

    async def seconds(self, seeds: list[int]) -> float:
        """Duration of one pipeline call with a batch of these seeds, without encoding the images."""
        return await self._backend.time_pipeline([self._job(seed) for seed in seeds])

    async def rate(self, size: int, seeds: Any) -> float:
        runs = 16 // size if size > 1 else 4
        taken = [await self.seconds([next(seeds) for _ in range(size)]) for _ in range(runs)]
        return size / statistics.median(taken)


class _Nobody:
    def step(self, done: int, total: int) -> None:
        """Nobody listens."""

    def drawn(self, job: Job, png: bytes) -> None:
        """Nobody keeps it."""

    def cancelled(self) -> bool:
        """Never."""
        return False


async def _added(
    plan: BenchPlan, direct: _Direct, servers: dict[str, McpImageGenerator], seeds: Any
) -> dict[str, float]:
    """Median milliseconds of the direct call, and what each server adds to it, in pairs measured side by side."""
    alone: list[float] = []
    differences: dict[str, list[float]] = {name: [] for name in servers}
    for generator in servers.values():
        await generator.generate(GenerationRequest(prompt=plan.prompt, seed=next(seeds)))
    for turn in range(plan.calls):
        taken: dict[str, float] = {}
        names = ["direct", *servers]
        for name in names[turn % 3 :] + names[: turn % 3]:
            seed = next(seeds)
            if name == "direct":
                taken[name] = await direct.seconds([seed])
                continue
            started = time.perf_counter()
            await servers[name].generate(GenerationRequest(prompt=plan.prompt, seed=seed))
            taken[name] = time.perf_counter() - started
        alone.append(taken["direct"] * 1000)
        for name in servers:
            differences[name].append((taken[name] - taken["direct"]) * 1000)
    return {"direct": statistics.median(alone)} | {name: statistics.median(all_) for name, all_ in differences.items()}


async def _rate(generator: McpImageGenerator, plan: BenchPlan, concurrency: int, seeds: Any) -> float:
    """Images per second while `concurrency` clients each ask again as soon as they are answered."""
    calls = max(4, concurrency * 4)
    left = iter(range(calls))

    async def ask() -> None:
        for _ in left:
            await generator.generate(GenerationRequest(prompt=plan.prompt, seed=next(seeds)))

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(ask())
    return calls / (time.perf_counter() - started)


async def _cold_start(plan: BenchPlan, folder: Path, seed: int) -> dict[str, JsonValue]:
    started = time.perf_counter()
    async with _stdio(plan, folder) as generator:
        await generator.status()
        handshake = time.perf_counter() - started
        await generator.generate(GenerationRequest(prompt=plan.prompt, seed=seed))
        return {"handshake": round(handshake, 2), "first_image": round(time.perf_counter() - started, 2)}


@contextlib.asynccontextmanager
async def _stdio(plan: BenchPlan, folder: Path) -> AsyncIterator[McpImageGenerator]:
    config = GeneratorConfig(
        model=plan.model,
        server_store=folder / "server",
        arguments=("--device", plan.device, "--max-batch", "16"),
    )
    async with McpImageGenerator(config, ImageStore(folder / "workspace")) as generator:
        yield generator


@contextlib.asynccontextmanager
async def _http(plan: BenchPlan, folder: Path) -> AsyncIterator[McpImageGenerator]:
    words = ("image-server", "--transport", "http", "--port", "0", "--model", plan.model)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "interleavethinker.cli", *words),
        *("--device", plan.device, "--store", str(folder / "server")),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        url = await _announced_url(process)
        async with McpImageGenerator(GeneratorConfig(url=url), ImageStore(folder / "workspace")) as generator:
            yield generator
    finally:
        process.kill()
        await process.wait()


async def _announced_url(process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(120):
        while process.stderr is not None and (line := await process.stderr.readline()):
            found = re.search(rb"listening on (http://\S+)", line)
            if found is not None:
                return found.group(1).decode()
    raise GeneratorError("The HTTP server must say where it listens; it ended without.", code="unreachable")
