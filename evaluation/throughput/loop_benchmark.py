"""Trajectories per hour of the product against the serial loop, in interleaved rounds on the same requests.

Each round measures the serial loop, then the product with 1, 8 and 16 trajectories at once, then the product with one
trajectory at a time and each depth of look-ahead. Every measurement of the product has an empty workspace, an image
server of its own with an empty store, and models that have answered one other request before the clock starts.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from interleavethinker.evaluation.microbench.dataset import Item, held_out_items, trajectory_seed
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.request_parsing import as_request

from .product_run import WARM_UP, WARM_UP_SEED, Answered, Measured, ProductRun, Stages, fitting, measure_product
from .serial_loop import SerialLoop

__all__ = ["LoopBenchmarkConfig", "measure_loops"]


@dataclass(frozen=True)
class LoopBenchmarkConfig:
    """What to measure."""

    n: int = 24
    """Requests, of MicroBench's kind."""
    rounds: int = 3
    seed: int = 0
    at_once: tuple[int, ...] = (1, 8, 16)
    look_ahead: tuple[int, ...] = (2, 4)
    profile: str = "micro"


async def measure_loops(config: LoopBenchmarkConfig, folder: Path, report: Callable[[str], None]) -> dict[str, object]:
    """Runs all rounds and returns the figures, medians over rounds.

    Args:
        config: What to measure.
        folder: An empty folder; the caller removes it.
        report: Called with the name of each measurement as it starts.

    Returns:
        `ratio.N`: seconds of the serial loop divided by those of the product with N trajectories at once; above 1 the
        product is faster. `look_ahead.K.latency_ratio`: seconds without look-ahead divided by those with depth K, one
        trajectory at a time. `overhead_ms_per_call`: time per image outside of planner, checks, critic and
        pipeline. `different_documents`: how many documents of the first round differ from the serial loop's.

    Raises:
        InputError: Too few requests fit the image model.
        ModelError: A trajectory did not finish.
        ProfileError: The profile names other models than those in this process.
    """
    profile = load_profile(config.profile)
    generator = MicroGenerator(batch=1)
    variants = [(at_once, 1) for at_once in config.at_once] + [(1, depth) for depth in config.look_ahead]
    serial: list[Measured] = []
    product: dict[tuple[int, int], list[Measured]] = {variant: [] for variant in variants}
    for round_ in range(config.rounds):
        report(f"round {round_ + 1} of {config.rounds}: serial loop")
        serial.append(await _measure_serial(config, profile, generator, folder / f"{round_}-serial"))
        for at_once, depth in variants:
            report(f"round {round_ + 1} of {config.rounds}: {at_once} at once, look-ahead {depth}")
            root = folder / f"{round_}-{at_once}-{depth}"
            run = ProductRun(profile, config.seed, at_once=at_once, look_ahead=depth)
            product[at_once, depth].append(await measure_product(run, partial(_items, config, generator), root))
    return _figures(config, serial, product)


def _figures(
    config: LoopBenchmarkConfig, serial: Sequence[Measured], product: dict[tuple[int, int], list[Measured]]
) -> dict[str, object]:
    def ratio(base: Sequence[Measured], other: Sequence[Measured]) -> float:
        pairs = zip(base, other, strict=True)
        return round(statistics.median(one.wall / two.wall for one, two in pairs), 3)

    figures: dict[str, object] = {"requests": config.n, "rounds": config.rounds}
    figures |= {f"ratio.{n}": ratio(serial, product[n, 1]) for n in config.at_once}
    if (1, 1) in product:
        alone = product[1, 1]
        figures |= {f"look_ahead.{k}.latency_ratio": ratio(alone, product[1, k]) for k in config.look_ahead}
        figures["overhead_ms_per_call"] = round(statistics.median(each.overhead_ms_per_call for each in alone), 2)
    named = {"serial": serial} | {f"at_once.{n}": runs for (n, depth), runs in product.items() if depth == 1}
    named |= {f"look_ahead.{depth}": runs for (_, depth), runs in product.items() if depth > 1}
    figures["different_documents"] = {
        name: sum(one != two for one, two in zip(runs[0].documents, serial[0].documents, strict=True))
        for name, runs in named.items()
    }
    one_after_the_other = ("serial", "at_once.1")
    figures["variants"] = {
        name: _medians(runs, config.n, overlapping=name not in one_after_the_other) for name, runs in named.items()
    }
    return figures


def _medians(runs: Sequence[Measured], n: int, *, overlapping: bool) -> dict[str, float]:
    """Returns where the time goes: seconds per trajectory by stage, summed over concurrent ones.

    Args:
        runs: The measurements of a variant.
        n: Number of requests.
        overlapping: Whether stages overlap, so that what they leave of the time is unknown.
    """
    middle = sorted(runs, key=lambda run: run.wall)[len(runs) // 2]
    stages = middle.stages
    named = {stage: seconds / n for stage, seconds in stages.seconds.items()}
    if stages.pipeline:
        named["mcp_and_queue"] = (stages.seconds["generate"] - stages.pipeline) / n
        named["generate"] = stages.pipeline / n
    if not overlapping:
        named["rest"] = middle.wall / n - sum(named.values())
    return {
        "trajectories_per_hour": round(3600 * n / middle.wall, 1),
        "seconds": round(middle.wall, 3),
        "cpu_seconds_per_trajectory": round(middle.cpu / n, 4),
        "images": stages.calls,
        **{f"{stage}_seconds_per_trajectory": round(value, 4) for stage, value in named.items()},
    }


def _items(config: LoopBenchmarkConfig, generator: MicroGenerator, store: ImageStore) -> list[Item]:
    """Returns the first requests whose prompts fit the image model; the server refuses longer ones."""
    items = list(fitting(held_out_items(4 * config.n + 8, config.seed, store), generator))
    if len(items) < config.n:
        raise InputError(f"Only {len(items)} requests of seed {config.seed} fit the image model; give fewer.")
    return items[: config.n]


async def _measure_serial(
    config: LoopBenchmarkConfig, profile: Profile, generator: MicroGenerator, folder: Path
) -> Measured:
    loop = SerialLoop(profile, folder, generator)
    await asyncio.to_thread(loop.load)
    items = _items(config, generator, ImageStore(folder))
    await loop.answer(as_request(WARM_UP), WARM_UP_SEED)
    loop.seconds.clear()
    loop.calls = 0
    started, cpu = time.perf_counter(), time.process_time()
    documents = [await loop.answer(item.request, trajectory_seed(config.seed, item.number)) for item in items]
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Measured(wall, cpu, Stages(loop.seconds, calls=loop.calls), tuple(map(Answered, documents)))
