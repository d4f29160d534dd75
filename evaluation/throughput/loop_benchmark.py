"""Trajectories per hour of the product against the serial loop, in interleaved rounds on the same requests.

Each round measures the serial loop, then the product with 1, 8 and 16 trajectories at once, then the product with one
trajectory at a time and each depth of look-ahead. Every measurement of the product has an empty workspace, an image
server of its own with an empty store, and models that have answered one other request before the clock starts.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from interleavethinker.evaluation.microbench.dataset import Item, held_out_items, trajectory_seed
from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.tools.errors import InputError, ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, ProgressCallback
from interleavethinker.tools.qwen3vl.inference import unload_models
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.types import (
    Attempt,
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    Plan,
    Request,
    Verdict,
)

from .serial_loop import SerialLoop, Shown

__all__ = ["LoopBenchmarkConfig", "measure_loops"]

_T = TypeVar("_T")
_WARM_UP = "a big red ball on the left"
_ROOM_FOR_REWRITING = " on the left, in a meadow"
"""Words by which a critic may lengthen a prompt."""
_WARM_UP_SEED = 2**31 - 1


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


@dataclass
class _Stages:
    """Where the time went."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds that trajectories waited for `plan`, `generate` and `judge`, summed over trajectories."""
    pipeline: float = 0.0
    """Seconds of the image pipeline alone, as the server reports them."""
    calls: int = 0


@dataclass(frozen=True)
class _Measured:
    wall: float
    cpu: float
    """CPU seconds of this process, models included and the image server excluded."""
    stages: _Stages
    documents: tuple[Shown, ...]

    @property
    def overhead_ms_per_call(self) -> float:
        """Milliseconds per image that are neither planner, critic nor pipeline; for one trajectory at a time."""
        models = self.stages.seconds["plan"] + self.stages.seconds["judge"] + self.stages.pipeline
        return (self.wall - models) / max(1, self.stages.calls) * 1000


async def measure_loops(config: LoopBenchmarkConfig, folder: Path, report: Callable[[str], None]) -> dict[str, object]:
    """Runs all rounds and returns the figures, medians over rounds.

    Args:
        config: What to measure.
        folder: An empty folder; the caller removes it.
        report: Called with the name of each measurement as it starts.

    Returns:
        `ratio.N`: seconds of the serial loop divided by those of the product with N trajectories at once; above 1 the
        product is faster. `look_ahead.K.latency_ratio`: seconds without look-ahead divided by those with depth K, one
        trajectory at a time. `overhead_ms_per_call`: time per image outside of planner, critic and pipeline.
        `different_documents`: how many documents of the first round differ from the serial loop's, for each N.

    Raises:
        InputError: Too few requests fit the image model.
        ModelError: A trajectory did not finish.
        ProfileError: The profile names other models than those in this process.
    """
    profile = load_profile(config.profile)
    generator = MicroGenerator(batch=1)
    variants = [(at_once, 1) for at_once in config.at_once] + [(1, depth) for depth in config.look_ahead]
    serial: list[_Measured] = []
    product: dict[tuple[int, int], list[_Measured]] = {variant: [] for variant in variants}
    for round_ in range(config.rounds):
        report(f"round {round_ + 1} of {config.rounds}: serial loop")
        serial.append(await _measure_serial(config, profile, generator, folder / f"{round_}-serial"))
        for at_once, depth in variants:
            report(f"round {round_ + 1} of {config.rounds}: {at_once} at once, look-ahead {depth}")
            root = folder / f"{round_}-{at_once}-{depth}"
            product[at_once, depth].append(await _measure_product(config, profile, generator, root, at_once, depth))
    return _figures(config, serial, product)


def _figures(
    config: LoopBenchmarkConfig, serial: Sequence[_Measured], product: dict[tuple[int, int], list[_Measured]]
) -> dict[str, object]:
    def ratio(base: Sequence[_Measured], other: Sequence[_Measured]) -> float:
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
    figures["variants"] = {name: _medians(runs, config.n) for name, runs in named.items()}
    return figures


def _medians(runs: Sequence[_Measured], n: int) -> dict[str, float]:
    """Returns where the time goes: seconds per trajectory by stage, summed over concurrent ones."""
    middle = sorted(runs, key=lambda run: run.wall)[len(runs) // 2]
    stages = middle.stages
    named = {stage: seconds / n for stage, seconds in stages.seconds.items()}
    if stages.pipeline:
        named["mcp_and_queue"] = (stages.seconds["generate"] - stages.pipeline) / n
        named["generate"] = stages.pipeline / n
    return {
        "trajectories_per_hour": round(3600 * n / middle.wall, 1),
        "seconds": round(middle.wall, 3),
        "cpu_seconds_per_trajectory": round(middle.cpu / n, 4),
        "images": stages.calls,
        **{f"{stage}_seconds_per_trajectory": round(value, 4) for stage, value in named.items()},
    }


def _items(config: LoopBenchmarkConfig, generator: MicroGenerator, store: ImageStore) -> list[Item]:
    """Returns the first requests whose prompts fit the image model; the server refuses longer ones."""
    items: list[Item] = []
    candidates = held_out_items(4 * config.n + 8, config.seed, store)
    for item in candidates:
        prompts = [step.prompt for step in item.scenario.steps if step.prompt is not None]
        if not any(generator.truncated_tokens(prompt + _ROOM_FOR_REWRITING) for prompt in prompts):
            items.append(item)
    if len(items) < config.n:
        raise InputError(f"Only {len(items)} requests of seed {config.seed} fit the image model; give fewer.")
    return items[: config.n]


async def _measure_serial(
    config: LoopBenchmarkConfig, profile: Profile, generator: MicroGenerator, folder: Path
) -> _Measured:
    loop = SerialLoop(profile, folder, generator)
    await asyncio.to_thread(loop.load)
    items = _items(config, generator, ImageStore(folder))
    await loop.answer(as_request(_WARM_UP), _WARM_UP_SEED)
    loop.seconds.clear()
    loop.calls = 0
    started, cpu = time.perf_counter(), time.process_time()
    documents = [await loop.answer(item.request, trajectory_seed(config.seed, item.number)) for item in items]
    wall = time.perf_counter() - started
    return _Measured(wall, time.process_time() - cpu, _Stages(loop.seconds, calls=loop.calls), tuple(documents))


async def _measure_product(
    config: LoopBenchmarkConfig, profile: Profile, generator: MicroGenerator, root: Path, at_once: int, depth: int
) -> _Measured:
    store, stages = ImageStore(root / "images"), _Stages()
    server = profile.generator.model_copy(update={"server_store": root / "server"})
    profile = profile.model_copy(update={"generator": server})
    items = _items(config, generator, store)
    limits = profile.limits.model_copy(update={"look_ahead": depth})
    async with (
        open_components(profile, store) as components,
        Workspace.open(root, _timed(components, stages)) as workspace,
    ):
        await _answer(workspace, _WARM_UP, limits, _WARM_UP_SEED)
        stages.seconds.clear()
        stages.pipeline, stages.calls = 0.0, 0
        waiting, documents = list(items)[::-1], dict[int, Shown]()

        async def work() -> None:
            while waiting:
                item = waiting.pop()
                documents[item.number] = await _answer_item(workspace, item, limits, config.seed)

        started, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    await asyncio.to_thread(unload_models)
    return _Measured(wall, cpu, stages, tuple(documents[item.number] for item in items))


async def _answer_item(workspace: Workspace, item: Item, limits: Limits, seed: int) -> Shown:
    return await _answer(workspace, item.request, limits, trajectory_seed(seed, item.number))


async def _answer(workspace: Workspace, request: Request | str, limits: Limits, seed: int) -> Shown:
    trajectory = await workspace.create(request, limits=limits, seed=seed)
    finished = await workspace.run(trajectory)
    plan = finished.plan
    if plan is None or finished.status != "done":  # A time that leaves work out would not be comparable.
        raise ModelError(f"A trajectory of the benchmark did not finish: {finished.reason or finished.status}")
    attempts: dict[str, Attempt] = {str(number): attempt for number, attempt in enumerate(finished.attempts)}
    chosen = [selected_attempt(attempts, number) for number in range(len(plan.steps))]
    return tuple(
        (step.prompt, None if step.prompt is None or attempt is None else attempt.image)
        for step, attempt in zip(plan.steps, chosen, strict=True)
    )


def _timed(components: Components, stages: _Stages) -> Components:
    """Returns components whose planner, critic and generator add the time of their calls to `stages`."""

    async def timed(stage: str, call: Awaitable[_T]) -> _T:
        started = time.perf_counter()
        try:
            return await call
        finally:
            stages.seconds[stage] += time.perf_counter() - started

    class Planner:
        async def plan(self, request: Request, context: PlanContext) -> Plan:
            return await timed("plan", components.planner.plan(request, context))

    class Critic:
        gives_confidence = components.critic.gives_confidence

        async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
            return await timed("judge", components.critic.judge(cases))

    class Generator:
        async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
            image = await timed("generate", components.generator.generate(call, progress))
            stages.pipeline += image.seconds
            stages.calls += 1
            return image

    return replace(components, planner=Planner(), critic=Critic(), generator=Generator())
