"""What to spend generator calls on: several first attempts of a step, or refined prompts for later ones.

The grid crosses `Limits.variants` (N) with `Limits.max_attempts` (T_max). A cell allows N + T_max - 1 calls per step;
cells with equal sums are compared request by request with the one that has no variants. N attempts are always made, the
others only after a rejection, so the calls that were made are reported too. An oracle critic at both ends of the
largest budget separates the critic's choice from the images that there are to choose from.

Requests that want text only are left out. Results are saved as those of MicroBench, and N = 1 shares them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from interleavethinker.evaluation.markdown_tables import markdown_table
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.evaluation.statistics import bootstrap
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.protocols import ImageGenerator

from .aggregation import ExperimentResults, compare
from .config import ExperimentConfig
from .dataset import Item
from .experiments import robustness_agent
from .report_markdown import difference_cell
from .report_tables import NOT_MEASURED
from .runner import open_trajectory_runner

__all__ = ["CELLS", "ORACLE_CELLS", "Cell", "run_variants", "variants_markdown"]

_MOST_CALLS = 6
_VARIANTS = (1, 2, 4, 6)


@dataclass(frozen=True)
class Cell:
    """One way to spend the calls of a step."""

    variants: int
    max_attempts: int
    oracle: bool = False
    """Whether an oracle takes the critic's place."""

    @property
    def calls(self) -> int:
        """Generator calls that a step may take."""
        return self.variants + self.max_attempts - 1

    def config(self, agent: ExperimentConfig) -> ExperimentConfig:
        """Returns the agent with this cell's limits."""
        critic = "oracle" if self.oracle else agent.critic
        return replace(agent, critic=critic, variants=self.variants, max_attempts=self.max_attempts)


CELLS = tuple(
    Cell(variants, calls - variants + 1)
    for calls in range(1, _MOST_CALLS + 1)
    for variants in _VARIANTS
    if variants <= calls
)
"""The grid, by allowed calls per step."""
ORACLE_CELLS = (Cell(1, _MOST_CALLS, oracle=True), Cell(_MOST_CALLS, 1, oracle=True))


async def run_variants(
    root: Path,
    n: int,
    seed: int,
    progress: StageProgress = ignore_progress,
    *,
    generator: Callable[[ImageStore], ImageGenerator] | None = None,
) -> dict[str, JsonValue]:
    """Runs all cells, or the part of them that is not finished yet, and returns the report.

    Args:
        root: The folder of images and finished requests; a second run resumes from it.
        n: Number of requests, of which those that want text only are left out.
        seed: Seed of requests and trajectories.
        progress: Called for every finished request of a cell.
        generator: Makes an image generator from the store, instead of the image server; for tests.

    Raises:
        InputError: No request wants images.
        GeneratorError: The image server failed, and retries did not help.
        ProfileError: The libraries of local models are not installed.
    """
    if generator is None:
        require_local("MicroBench's models")
    agent, started = robustness_agent(), time.perf_counter()
    cells = {cell: cell.config(agent) for cell in (*CELLS, *ORACLE_CELLS)}
    async with open_trajectory_runner(root, n, seed, generator=generator) as runner:
        items = [item for item in runner.items if item.targets]
        if not items:
            raise InputError(f"None of the {n} requests wants images; take more of them.")
        done, total = 0, len(items) * len(set(cells.values()))

        def finished(_config: ExperimentConfig, _item: Item) -> None:
            nonlocal done
            done += 1
            progress("variants", done, total)

        found = await runner.run(dict.fromkeys(cells.values(), items), finished)
    results = {cell: ExperimentResults((found[config],)) for cell, config in cells.items()}
    return {
        "planner": agent.planner,
        "critic": agent.critic,
        "n": len(items),
        "steps": sum(len(item.targets) for item in items) / len(items),
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
        "cells": [_cell_report(cell, results) for cell in cells],
    }


def _cell_report(cell: Cell, results: Mapping[Cell, ExperimentResults]) -> dict[str, JsonValue]:
    """Returns a cell's scores, and its paired difference to the cell without variants that may make as many calls."""
    own = results[cell]
    reference = Cell(1, cell.calls, cell.oracle)
    image = bootstrap(list(own.values("image").values()))
    right = bootstrap([100 * value for value in own.values("document_right").values()])
    return {
        "variants": cell.variants,
        "max_attempts": cell.max_attempts,
        "calls_per_step": cell.calls,
        "oracle": cell.oracle,
        "image": round(image.value, 2),
        "low": round(image.low, 2),
        "high": round(image.high, 2),
        "right": round(right.value, 2),
        "right_low": round(right.low, 2),
        "right_high": round(right.high, 2),
        "generator_calls": round(bootstrap(list(own.values("calls").values())).value, 2),
        "difference": None if cell == reference else compare(own, results[reference], "image"),
    }


def variants_markdown(report: Mapping[str, Any]) -> str:
    """Returns the report as Markdown."""
    run = report.get("run") or {}
    command = run.get("command", "interleavethinker evaluate micro-variants")
    head = (
        f"`{command}`, commit {run.get('commit') or 'unknown'}, seed {report['seed']}, {run.get('date', '')}; "
        f"{report['seconds']:.0f} s. {report['n']} held-out requests with {report['steps']:.1f} images on average, "
        f"planner `{report['planner']}`, critic `{report['critic']}`. Image score 0–100 and share of right documents "
        "in percent, 95 % bootstrap intervals with whole requests as the clusters. *Calls allowed*: N + T_max - 1 per "
        "step. *Calls made*: mean per request. Differences are paired, to N = 1 with as many calls allowed. A "
        "difference is better or worse if its interval excludes zero, and undecided otherwise. It is firm if it also "
        "exceeds the minimum detectable effect of this many requests (MDE, 80 % power)."
    )
    heads = ("calls allowed", "N", "T_max", "image score", "documents right", "calls made", "difference to N = 1")
    return f"{head}\n\n{markdown_table(heads, [_line(cell) for cell in report['cells']])}\n"


def _line(cell: Mapping[str, Any]) -> tuple[str, ...]:
    oracle = " (oracle critic)" if cell["oracle"] else ""
    return (
        f"{cell['calls_per_step']}{oracle}",
        str(cell["variants"]),
        str(cell["max_attempts"]),
        f"{cell['image']:.1f} [{cell['low']:.1f}, {cell['high']:.1f}]",
        f"{cell['right']:.1f} [{cell['right_low']:.1f}, {cell['right_high']:.1f}]",
        f"{cell['generator_calls']:.2f}",
        NOT_MEASURED if cell["difference"] is None else difference_cell(cell["difference"]),
    )
