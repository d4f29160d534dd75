"""What a training stage gains on average over the draw of its training runs: pairs of critics before and after it.

Each pair is one training seed, or one teacher: a critic that a stage started from, and the critic that it made. All
critics run on the same requests of MicroBench. The interval of the mean gain comes from a bootstrap that draws pairs
first and requests within them (`statistics.cluster_bootstrap`), because a single run says nothing about the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from interleavethinker.evaluation.markdown_tables import markdown_table
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.evaluation.statistics import cluster_bootstrap, verdict_of_interval
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.protocols import ImageGenerator

from .aggregation import ExperimentResults, compare
from .config import ExperimentConfig, is_installed
from .experiments import robustness_agent
from .runner import open_trajectory_runner

__all__ = ["check_pairs", "pairs_markdown", "run_pairs"]

_MEASURES = ("average", "image")


def check_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Checks that every critic can be used.

    Raises:
        InputError: There is no pair, a pair is given twice, or a critic is neither a shipped one nor a folder with
            weights.
    """
    if not pairs:
        raise InputError("Name at least one pair of critics, such as sft=grpo.")
    if len(set(pairs)) < len(pairs):
        raise InputError("A pair is given twice; it would count as two training runs.")
    for critic in {critic for pair in pairs for critic in pair}:
        if not is_installed("critic", critic):
            raise InputError(f"The weights of the critic {critic!r} are not installed.")


async def run_pairs(
    root: Path,
    pairs: Sequence[tuple[str, str]],
    n: int,
    seed: int,
    progress: StageProgress = ignore_progress,
    *,
    generator: Callable[[ImageStore], ImageGenerator] | None = None,
    words: Path | None = None,
) -> dict[str, JsonValue]:
    """Runs all critics, or what is not finished yet, and returns the report.

    Args:
        root: The folder of images and finished requests; a second run resumes from it.
        pairs: Critics before and after the stage: shipped ones by name, or folders with weights.
        n: Number of requests.
        seed: Seed of requests and trajectories.
        progress: Called for every finished request of a critic.
        generator: Makes an image generator from the store, instead of the image server; for tests.
        words: The image server's table of other words: a generator that obeys others.

    Raises:
        InputError: See `check_pairs`, or the folder belongs to another table of words.
        GeneratorError: The image server failed, and retries did not help.
        ProfileError: The libraries of local models are not installed.
    """
    if generator is None:
        require_local("MicroBench's models")
    check_pairs(pairs)
    planner, started = robustness_agent().planner, time.perf_counter()
    configs = {critic: ExperimentConfig(planner, critic) for pair in pairs for critic in pair}
    async with open_trajectory_runner(root, n, seed, generator=generator, words=words) as runner:
        done, total = 0, n * len(configs)

        def finished(*_: object) -> None:
            nonlocal done
            done += 1
            progress("critics", done, total)

        found = await runner.run(dict.fromkeys(configs.values(), runner.items), finished)
    results = {critic: ExperimentResults((found[config],)) for critic, config in configs.items()}
    return {
        "planner": planner,
        "words": None if words is None else words.name,
        "n": n,
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
        "pairs": [_pair_report(before, after, results) for before, after in pairs],
        "mean": {measure: _mean_gain(pairs, results, measure) for measure in _MEASURES},
    }


def _pair_report(before: str, after: str, results: Mapping[str, ExperimentResults]) -> dict[str, JsonValue]:
    return {
        "before": before,
        "after": after,
        **{measure: compare(results[after], results[before], measure) for measure in _MEASURES},
    }


def _mean_gain(
    pairs: Sequence[tuple[str, str]], results: Mapping[str, ExperimentResults], measure: str
) -> dict[str, JsonValue]:
    clusters = []
    for before, after in pairs:
        values, reference = results[after].values(measure), results[before].values(measure)
        clusters.append([values[number] - reference[number] for number in values if number in reference])
    if not all(clusters):
        raise InputError(f"No request has a score of {measure}; take more of them.")
    interval = cluster_bootstrap(clusters)
    return {
        "value": round(interval.value, 2),
        "low": round(interval.low, 2),
        "high": round(interval.high, 2),
        "pairs": len(clusters),
        "verdict": verdict_of_interval(interval.low, interval.high, len(clusters)),
    }


def pairs_markdown(report: Mapping[str, Any]) -> str:
    """Returns the report as Markdown."""
    run = report.get("run") or {}
    head = (
        f"`{run.get('command', 'interleavethinker evaluate micro-pairs')}`, commit {run.get('commit') or 'unknown'}, "
        f"seed {report['seed']}, {run.get('date', '')}; {report['seconds']:.0f} s. {report['n']} held-out requests, "
        f"planner `{report['planner']}`, greedy critics. Gain from the first to the second critic of a pair, 95 % "
        "bootstrap intervals: of a pair over requests, of the mean over pairs and the requests within them."
    )
    rows = [
        (f"`{pair['before']}` → `{pair['after']}`", *(_cell(pair[measure]) for measure in _MEASURES))
        for pair in report["pairs"]
    ]
    rows.append(("**mean**", *(f"{_cell(one)}: {one['verdict']}" for one in report["mean"].values())))
    return f"{head}\n\n{markdown_table(('pair', *_MEASURES), rows)}\n"


def _cell(difference: Mapping[str, Any]) -> str:
    return f"{difference['value']:+.1f} [{difference['low']:+.1f}, {difference['high']:+.1f}]"
