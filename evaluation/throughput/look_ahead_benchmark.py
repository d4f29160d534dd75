"""What look-ahead gains in latency where nine in ten first attempts pass, one trajectory at a time.

MicroBench's requests are answered once, without a clock. Those with several images are taken in order, except each that
would lower the share of first attempts that pass below nine in ten. What is measured is the time of these requests,
in interleaved rounds, with the generator on this machine and with one that is as slow as a remote service: its calls
wait until they have taken the given time. Documents do not depend on times, so the choice cannot favor any variant.
"""

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.evaluation.microbench.dataset import Item, held_out_items
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore

from .product_run import Answered, Measured, ProductRun, fitting, measure_product

__all__ = ["LookAheadConfig", "measure_look_ahead", "steady_requests"]

_LEAST_IMAGES = 3
"""With fewer, there is hardly a later step to draft."""
_CANDIDATES = 12
"""MicroBench's requests that are looked at for each one that is measured; two in seven have several images."""
_AT_ONCE = 16


@dataclass(frozen=True)
class LookAheadConfig:
    """What to measure."""

    n: int = 10
    """Requests."""
    rounds: int = 3
    seed: int = 0
    look_ahead: tuple[int, ...] = (2, 4)
    generator_seconds: tuple[float, ...] = (0.0, 0.5)
    """Least seconds of a generator call; 0: as fast as this machine is."""
    pass_rate: float = 0.9
    """Least share of first attempts that pass."""
    profile: str = "micro"


def steady_requests(answers: Sequence[Answered], n: int, pass_rate: float) -> list[int]:
    """Returns the positions of requests with several images whose first attempts mostly pass.

    In order, except each request that would lower the share of those taken so far below `pass_rate`.

    Args:
        answers: The answers of all candidates, without look-ahead.
        n: How many to return.
        pass_rate: Least share of first attempts that pass, from 0 to 1.

    Raises:
        InputError: There are too few.

    Examples:
        Passes of the first attempts: 3 of 3, 2 of 3, 9 of 9, 3 of 4 and a rate of 0.9: positions 0, 2 and 3.
    """
    found, passed, total = list[int](), 0, 0
    for position, answer in enumerate(answers):
        first = answer.first_attempts
        if len(first) >= _LEAST_IMAGES and passed + sum(first) >= pass_rate * (total + len(first)):
            found.append(position)
            passed, total = passed + sum(first), total + len(first)
            if len(found) == n:
                return found
    raise InputError(
        f"Only {len(found)} requests keep {pass_rate:.0%} of the first attempts passing; give fewer, or another seed."
    )


async def measure_look_ahead(config: LookAheadConfig, folder: Path, report: Callable[[str], None]) -> dict[str, object]:
    """Runs all rounds and returns the figures, medians over rounds.

    Args:
        config: What to measure.
        folder: An empty folder; the caller removes it.
        report: Called with the name of each measurement as it starts.

    Returns:
        `first_attempts_passed`: the share in the measured requests. For each of `generators`, by its least seconds:
        `look_ahead.K.latency_ratio`, seconds without look-ahead divided by those with depth K, and the `variants`.
        `different_documents`: how many documents differ from those without look-ahead.

    Raises:
        InputError: Too few requests have enough first attempts that pass.
        ModelError: A measured trajectory did not finish.
        ProfileError: The profile cannot be opened.
    """
    profile = load_profile(config.profile)
    report("choosing requests")
    numbers = await _chosen(config, profile, folder / "candidates")
    count = max(numbers) + 1

    def choose(store: ImageStore) -> list[Item]:
        return [item for item in held_out_items(count, config.seed, store) if item.number in numbers]

    depths = (1, *config.look_ahead)
    measured: dict[tuple[float, int], list[Measured]] = {
        (seconds, depth): [] for seconds in config.generator_seconds for depth in depths
    }
    for round_ in range(config.rounds):
        for (seconds, depth), runs in measured.items():
            report(f"round {round_ + 1} of {config.rounds}: {_name(seconds)}, look-ahead {depth}")
            run = ProductRun(profile, config.seed, look_ahead=depth, least_seconds=seconds)
            root = folder / f"{round_}-{seconds}-{depth}"
            runs.append(await measure_product(run, choose, root))
    return _figures(config, measured)


async def _chosen(config: LookAheadConfig, profile: Profile, root: Path) -> set[int]:
    generator = MicroGenerator(batch=1)

    def candidates(store: ImageStore) -> list[Item]:
        items = held_out_items(_CANDIDATES * config.n, config.seed, store)
        return [item for item in fitting(items, generator) if len(item.targets) >= _LEAST_IMAGES]

    items = await asyncio.to_thread(candidates, ImageStore(root / "requests"))
    run = ProductRun(profile, config.seed, at_once=_AT_ONCE, may_fail=True)
    answers = (await measure_product(run, candidates, root / "answers")).answers
    return {items[position].number for position in steady_requests(answers, config.n, config.pass_rate)}


def _figures(config: LookAheadConfig, measured: dict[tuple[float, int], list[Measured]]) -> dict[str, object]:
    reference = next(iter(measured.values()))[0]
    first = [passed for answer in reference.answers for passed in answer.first_attempts]
    generators: dict[str, object] = {}
    for seconds in config.generator_seconds:
        alone = measured[seconds, 1]
        ratios = {
            f"look_ahead.{depth}.latency_ratio": round(
                statistics.median(
                    one.wall / two.wall for one, two in zip(alone, measured[seconds, depth], strict=True)
                ),
                3,
            )
            for depth in config.look_ahead
        }
        variants = {
            f"look_ahead.{depth}": _seconds(measured[seconds, depth], config.n) for depth in (1, *config.look_ahead)
        }
        generators[f"{seconds:g}"] = ratios | {"variants": variants}
    return {
        "requests": config.n,
        "rounds": config.rounds,
        "images": len(first),
        "first_attempts_passed": round(sum(first) / len(first), 4),
        "generators": generators,
        "different_documents": sum(
            one != two
            for runs in measured.values()
            for run in runs
            for one, two in zip(run.documents, reference.documents, strict=True)
        ),
    }


def _seconds(runs: Sequence[Measured], n: int) -> dict[str, float]:
    """Returns seconds per trajectory, of the whole and by stage; stages overlap with look-ahead."""
    middle = sorted(runs, key=lambda run: run.wall)[len(runs) // 2]
    return {
        "seconds_per_trajectory": round(middle.wall / n, 3),
        "cpu_seconds_per_trajectory": round(middle.cpu / n, 3),
        "generator_calls": middle.stages.calls,
        **{
            f"{stage}_seconds_per_trajectory": round(seconds / n, 3) for stage, seconds in middle.stages.seconds.items()
        },
    }


def _name(seconds: float) -> str:
    return f"generator of at least {seconds:g} s" if seconds else "generator on this machine"
