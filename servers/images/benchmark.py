"""Latency that the image server adds to its pipeline, and throughput that it gains, measured in one run.

Every figure compares measurements that alternate on the same machine: direct call, call over stdio, call over HTTP, and
again. Concurrency is compared with the pipeline's own gain from a batch of that size. The result is one JSON object;
nothing is judged here.
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

__all__ = ["BenchmarkConfig", "run_benchmark"]


@dataclass(frozen=True)
class BenchmarkConfig:
    """What to measure."""

    model: str = "micro"
    prompt: str = "a red ball at night"
    calls: int = 30
    """Calls of each kind for the added latency."""
    rounds: int = 4
    """Repetitions of the throughput measurement (at concurrency 16: 64 calls each)."""
    seed: int = 0
    """Seed of the first call; every call has its own."""
    device: str = "cpu"


async def run_benchmark(config: BenchmarkConfig, folder: Path, report: Callable[[str], None]) -> dict[str, JsonValue]:
    """Runs all measurements and returns the figures.

    Args:
        config: What to measure.
        folder: Empty folder for stores; the caller removes it.
        report: Called with the name of each measurement as it starts.
    """
    seeds = iter(range(config.seed, sys.maxsize))
    report("cold start")
    cold = await _cold_start(config, folder / "cold", next(seeds))
    direct = await asyncio.to_thread(_DirectPipeline, config)
    await direct.warm_up(next(seeds))
    report("added milliseconds per call")
    async with _stdio(config, folder / "stdio") as stdio, _http(config, folder / "http") as http:
        added = await _added_latency(config, direct, {"stdio": stdio, "http": http}, seeds)
        report("throughput")
        rates: dict[int, list[float]] = {1: [], 4: [], 16: []}
        batch_rates: dict[int, list[float]] = {1: [], 16: []}
        for _ in range(config.rounds):
            for concurrency, measured in rates.items():
                measured.append(await _rate(stdio, config, concurrency, seeds))
            for size, measured in batch_rates.items():
                measured.append(await direct.rate(size, seeds))
    server_rates = {count: statistics.median(values) for count, values in rates.items()}
    pipeline_rates = {size: statistics.median(values) for size, values in batch_rates.items()}
    return {
        "added_ms": {name: round(added[name], 2) for name in ("stdio", "http")},
        "direct_ms": round(added["direct"], 2),
        "images_per_second": {str(count): round(value, 2) for count, value in server_rates.items()},
        "throughput_gain": {str(count): round(server_rates[count] / server_rates[1], 3) for count in (4, 16)},
        "pipeline_batch_gain": {"16": round(pipeline_rates[16] / pipeline_rates[1], 3)},
        "cold_start_s": cold,
        "model": direct.name,
        "calls": config.calls,
        "seed": config.seed,
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }


class _DirectPipeline:
    """The pipeline itself, called in this process."""

    def __init__(self, config: BenchmarkConfig) -> None:
        self._config = config
        self._backend = DiffusersBackend(config.model, DiffusersOptions(device=config.device))
        self.name = ""

    async def warm_up(self, seed: int) -> None:
        self.name = str((await self._backend.fingerprint())["model"])
        await self._backend.run([self._job(seed)], _NullObserver())

    def _job(self, seed: int) -> Job:
        request = ImageRequest(prompt=self._config.prompt, seed=seed)
        return Job(request, self._backend.arguments(request))

    async def seconds(self, seeds: list[int]) -> float:
        """Duration of one pipeline call with a batch of these seeds, without encoding the images."""
        return await self._backend.time_pipeline([self._job(seed) for seed in seeds])

    async def rate(self, size: int, seeds: Any) -> float:
        runs = 16 // size if size > 1 else 4
        taken = [await self.seconds([next(seeds) for _ in range(size)]) for _ in range(runs)]
        return size / statistics.median(taken)


class _NullObserver:
    def step(self, done: int, total: int) -> None:
        """Ignores progress."""

    def note(self, job: Job, text: str) -> None:
        """Ignores notes."""

    def generated(self, job: Job, png: bytes) -> None:
        """Discards the image."""

    def cancelled(self) -> bool:
        """Never cancels."""
        return False


async def _added_latency(
    config: BenchmarkConfig, direct: _DirectPipeline, servers: dict[str, McpImageGenerator], seeds: Any
) -> dict[str, float]:
    """Median milliseconds of the direct call, and median latency that each server adds to it in the same turn."""
    direct_ms: list[float] = []
    differences: dict[str, list[float]] = {name: [] for name in servers}
    for generator in servers.values():
        await generator.generate(GenerationRequest(prompt=config.prompt, seed=next(seeds)))
    for turn in range(config.calls):
        taken: dict[str, float] = {}
        names = ["direct", *servers]
        for name in names[turn % 3 :] + names[: turn % 3]:
            seed = next(seeds)
            if name == "direct":
                taken[name] = await direct.seconds([seed])
                continue
            started = time.perf_counter()
            await servers[name].generate(GenerationRequest(prompt=config.prompt, seed=seed))
            taken[name] = time.perf_counter() - started
        direct_ms.append(taken["direct"] * 1000)
        for name in servers:
            differences[name].append((taken[name] - taken["direct"]) * 1000)
    return {"direct": statistics.median(direct_ms)} | {
        name: statistics.median(all_) for name, all_ in differences.items()
    }


async def _rate(generator: McpImageGenerator, config: BenchmarkConfig, concurrency: int, seeds: Any) -> float:
    """Images per second while `concurrency` clients each send the next call as soon as they are answered."""
    calls = max(4, concurrency * 4)
    remaining = iter(range(calls))

    async def client() -> None:
        for _ in remaining:
            await generator.generate(GenerationRequest(prompt=config.prompt, seed=next(seeds)))

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(client())
    return calls / (time.perf_counter() - started)


async def _cold_start(config: BenchmarkConfig, folder: Path, seed: int) -> dict[str, JsonValue]:
    started = time.perf_counter()
    async with _stdio(config, folder) as generator:
        await generator.status()
        handshake = time.perf_counter() - started
        await generator.generate(GenerationRequest(prompt=config.prompt, seed=seed))
        return {"handshake": round(handshake, 2), "first_image": round(time.perf_counter() - started, 2)}


@contextlib.asynccontextmanager
async def _stdio(config: BenchmarkConfig, folder: Path) -> AsyncIterator[McpImageGenerator]:
    generator_config = GeneratorConfig(
        model=config.model,
        server_store=folder / "server",
        arguments=("--device", config.device, "--max-batch", "16"),
    )
    async with McpImageGenerator(generator_config, ImageStore(folder / "workspace")) as generator:
        yield generator


@contextlib.asynccontextmanager
async def _http(config: BenchmarkConfig, folder: Path) -> AsyncIterator[McpImageGenerator]:
    arguments = ("image-server", "--transport", "http", "--port", "0", "--model", config.model)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "interleavethinker.cli", *arguments),
        *("--device", config.device, "--store", str(folder / "server")),
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
    raise GeneratorError("The HTTP image server ended before it started listening.", code="unreachable")
