"""What documents cost on GPUs of several kinds, and where a fleet of up to 1,000 of them bends: `make capacity`.

Two parts. `document_cost` is arithmetic: floating-point operations and bytes of weights, divided by what a GPU does of
them per second. `simulate` plays trajectories that wait for each other at shared stations: GPUs that generate, GPUs
that plan and judge, the database, the image store. Every figure that goes in is a field with its source; no GPU is
used.
"""

import argparse
import heapq
import json
import math
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

__all__ = ["GPUS", "Fleet", "Gpu", "Outcome", "Work", "document_cost", "main", "simulate", "split_gpus"]

Station = Literal["images", "planner", "database", "store"]
STATIONS: tuple[Station, ...] = ("images", "planner", "database", "store")


@dataclass(frozen=True)
class Gpu:
    """One kind of GPU."""

    teraflops: float
    """Dense bfloat16, from the vendor's data sheet."""
    terabytes_per_second: float
    """Memory bandwidth, from the data sheet."""
    dollars_per_hour: float
    """Assumed rent; yours replaces it."""


GPUS = {
    "H200": Gpu(989, 4.8, 3.80),
    "H100": Gpu(989, 3.35, 3.00),
    "A100-80": Gpu(312, 2.0, 1.80),
    "L40S": Gpu(362, 0.864, 1.00),
    "RTX 4090": Gpu(165, 1.008, 0.45),
}


@dataclass(frozen=True)
class Work:
    """One document with FLUX.2 klein-4B and Qwen3-VL-8B at 1024 × 1024 pixels."""

    steps: int = 5
    pass_rate: float = 0.6
    """Share of attempts that the critic accepts, as measured with the micro world."""
    max_attempts: int = 3
    image_teraflop: float = 165.0
    """4 denoising steps of 4 G parameters on 4,096 + 512 tokens (2 operations each), text encoder and decoder."""
    image_utilization: float = 0.25
    """Assumed for diffusers without compilation."""
    parameters: float = 8e9
    """Of planner and critic."""
    plan_tokens: tuple[int, int] = (1500, 900)
    """Read and written."""
    verdict_tokens: tuple[int, int] = (2750, 250)
    """Read, two images of 1,024 tokens included, and written."""
    reading_utilization: float = 0.4
    """Assumed for vLLM."""
    bandwidth_share: float = 0.6
    """Share of the memory bandwidth that decoding reaches; assumed."""
    batch: int = 32
    """Answers that share one reading of the weights; assumed."""

    @property
    def attempts(self) -> float:
        """Mean number of generator calls of a document; as many verdicts are asked for."""
        return self.steps * sum((1 - self.pass_rate) ** number for number in range(self.max_attempts))

    def image_seconds(self, gpu: Gpu) -> float:
        """Returns a GPU's seconds for one image."""
        return self.image_teraflop / (gpu.teraflops * self.image_utilization)

    def answer_seconds(self, gpu: Gpu, tokens: tuple[int, int]) -> float:
        """Returns a GPU's seconds for one answer, its share of a full batch."""
        reads, writes = tokens
        reading = 2 * self.parameters * reads / (gpu.teraflops * 1e12 * self.reading_utilization)
        weights = 2 * self.parameters / (gpu.terabytes_per_second * 1e12 * self.bandwidth_share)
        return reading + writes * weights / self.batch


def document_cost(gpu: Gpu, work: Work) -> dict[str, float]:
    """Returns a document's GPU seconds by kind of work, and dollars, with every GPU busy all the time."""
    generating = work.attempts * work.image_seconds(gpu)
    judging = work.attempts * work.answer_seconds(gpu, work.verdict_tokens)
    planning = work.answer_seconds(gpu, work.plan_tokens)
    seconds = generating + judging + planning
    return {
        "generate_seconds": round(generating, 2),
        "judge_seconds": round(judging, 2),
        "plan_seconds": round(planning, 2),
        "gpu_seconds": round(seconds, 2),
        "dollars": round(seconds / 3600 * gpu.dollars_per_hour, 5),
        "documents_per_gpu_hour": round(3600 / seconds),
    }


@dataclass(frozen=True)
class Fleet:
    """The services that trajectories share."""

    gpus: int = 8
    gpu: Gpu = field(default_factory=lambda: GPUS["H100"])
    at_once_per_gpu: int = 12
    """Trajectories that run at the same time, for each GPU."""
    transactions_per_call: float = 21.0
    """For each generator call, reads included, as PostgreSQL 15 counted them in documents of five steps."""
    transactions_per_second: float = 10_000.0
    """Of one database server; two cores did 9,000 inserts of 2 KB without waiting for the disk."""
    image_megabytes: float = 1.5
    """A PNG file of 1024 × 1024 pixels."""
    copies: int = 2
    """The image server's store and the workspace's object store each get the file."""
    store_megabytes_per_second: float = 2000.0
    """A shared file system or one bucket's network; assumed."""


@dataclass(frozen=True)
class Outcome:
    """What a simulated hour brings."""

    gpus: int
    image_gpus: int
    documents_per_hour: float
    seconds_per_document: float
    """From request to document, the median."""
    busy: dict[str, float]
    """Share of the time for which each station works; the one near 1 is the limit."""
    share_of_ideal: float
    """Documents per hour, relative to GPUs that are always busy."""

    @property
    def limit(self) -> str:
        """The busiest station."""
        return max(self.busy, key=lambda name: self.busy[name])


def split_gpus(count: int, gpu: Gpu, work: Work) -> int:
    """Returns how many of the GPUs generate images, so that both kinds have the same load."""
    cost = document_cost(gpu, work)
    return min(count - 1, max(1, round(count * cost["generate_seconds"] / cost["gpu_seconds"])))


class _Station:
    """Servers that take whoever came first; counts the seconds for which they work."""

    def __init__(self, servers: int) -> None:
        self._free = [0.0] * servers
        self.worked = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """Returns when work that arrives now is finished."""
        begun = max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, begun + seconds)
        self.worked += seconds
        return begun + seconds

    def busy(self, until: float) -> float:
        return min(1.0, self.worked / (until * len(self._free)))


def simulate(fleet: Fleet, work: Work, *, hours: float = 0.2, seed: int = 0) -> Outcome:
    """Plays a fleet that always has requests waiting.

    Args:
        fleet: At least two GPUs: one generates, one plans and judges.
        work: Of one document.
        hours: Simulated time; the first half fills the queues and is not counted.
        seed: Of the verdicts and of how long answers take.

    Raises:
        ValueError: Fewer than two GPUs, or no time.
    """
    if fleet.gpus < 2 or not hours > 0:
        raise ValueError(f"a simulation needs two GPUs or more, and some time; got {fleet.gpus} GPUs, {hours} hours")
    chance = random.Random(seed)
    image_gpus = split_gpus(fleet.gpus, fleet.gpu, work)
    stations = {"images": _Station(image_gpus), "planner": _Station(fleet.gpus - image_gpus),
                "database": _Station(1), "store": _Station(1)}  # fmt: skip
    end, warm = hours * 3600, hours * 3600 / 2
    seconds = {
        "plan": work.answer_seconds(fleet.gpu, work.plan_tokens),
        "judge": work.answer_seconds(fleet.gpu, work.verdict_tokens),
        "generate": work.image_seconds(fleet.gpu),
        "save": fleet.transactions_per_call / fleet.transactions_per_second,
        "copy": fleet.copies * fleet.image_megabytes / fleet.store_megabytes_per_second,
    }
    order: tuple[tuple[Station, str, float], ...] = (
        ("images", "generate", 0.1), ("store", "copy", 0.0), ("planner", "judge", 0.5), ("database", "save", 0.0),
    )  # fmt: skip
    # An event is a trajectory that is ready for its next stage: time, number, start, step, attempt, stage.
    events = [(chance.random() * 10, number, -1.0, 0, 0, -1) for number in range(fleet.gpus * fleet.at_once_per_gpu)]
    heapq.heapify(events)
    durations: list[float] = []

    def served(now: float, station: Station, kind: str, spread: float) -> float:
        """Answers differ in length: `spread` is the share of the mean that varies."""
        length = seconds[kind] * (1 - spread + spread * chance.expovariate(1.0))
        return stations[station].serve(now, length)

    while events:
        now, number, start, step, attempt, stage = heapq.heappop(events)
        if now >= end:
            break
        if stage == -1:
            heapq.heappush(events, (served(now, "planner", "plan", 0.5), number, now, 0, 0, 0))
            continue
        if stage < len(order):
            heapq.heappush(events, (served(now, *order[stage]), number, start, step, attempt, stage + 1))
            continue
        passed = chance.random() < work.pass_rate or attempt + 1 == work.max_attempts
        step, attempt = (step + 1, 0) if passed else (step, attempt + 1)
        if step == work.steps:
            if now >= warm:
                durations.append(now - start)
            heapq.heappush(events, (now, number, -1.0, 0, 0, -1))  # The next request takes its place.
        else:
            heapq.heappush(events, (now, number, start, step, attempt, 0))
    per_hour = len(durations) / (end - warm) * 3600
    ideal = fleet.gpus * 3600 / document_cost(fleet.gpu, work)["gpu_seconds"]
    return Outcome(
        gpus=fleet.gpus,
        image_gpus=image_gpus,
        documents_per_hour=round(per_hour),
        seconds_per_document=round(sorted(durations)[len(durations) // 2], 1) if durations else math.inf,
        busy={name: round(station.busy(end), 3) for name, station in stations.items()},
        share_of_ideal=round(per_hour / ideal, 3),
    )


def main(words: Sequence[str] | None = None) -> None:
    """Prints both tables as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", choices=GPUS, default="H100")
    parser.add_argument("--gpus", type=int, nargs="+", default=[2, 8, 64, 256, 512, 1000])
    parser.add_argument("--hours", type=float, default=0.2, help="simulated time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--transactions-per-second", type=float, default=Fleet().transactions_per_second)
    parser.add_argument("--store-megabytes-per-second", type=float, default=Fleet().store_megabytes_per_second)
    parser.add_argument("--out", type=Path, help="file for the figures, beside printing them")
    given = parser.parse_args(words)
    fleet = Fleet(
        gpu=GPUS[given.gpu],
        transactions_per_second=given.transactions_per_second,
        store_megabytes_per_second=given.store_megabytes_per_second,
    )
    outcomes = [
        simulate(replace(fleet, gpus=count), Work(), hours=given.hours, seed=given.seed) for count in given.gpus
    ]
    figures = {
        "assumptions": asdict(Work()) | {"fleet": asdict(fleet)},
        "document": {name: document_cost(gpu, Work()) for name, gpu in GPUS.items()},
        "fleet": [asdict(one) | {"limit": one.limit} for one in outcomes],
    }
    text = json.dumps(figures, indent=2)
    if given.out is not None:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
