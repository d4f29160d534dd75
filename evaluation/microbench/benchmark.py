"""MicroBench: the whole loop on held-out requests of the micro world, row by row, as the paper's tables have it.

Runs what is asked for (or takes finished requests from the folder), and makes the report of it; see `microbench_rows`
for the rows, `microbench_scores` for the scores, `microbench_brittleness` for the curves. The report is plain JSON;
`microbench_table` and `microbench_page` show it to people.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator

from .aggregation import Measured, compare, figures_of, shares
from .config import ExperimentConfig, is_scripted_baseline
from .dataset import Item
from .experiments import (
    CONTROLS,
    NOISY_REWARD,
    ROWS,
    Experiment,
    Skipped,
    brittle_agent,
    critic_alone,
    named_experiments,
    settings_of,
)
from .robustness import brittleness_of, points
from .runner import Result, TrajectoryRunner, open_trajectory_runner

__all__ = ["Order", "Outcome", "Progress", "microbench"]

Progress = Callable[[str, int, int], None]
"""Told of a row's (or another part's) name, and how many of its requests are finished and how many there are."""
_NOTHING, _PLANNER, _CRITIC = "generator alone", "planner, no critic", "critic, no planner"
_SPOILED, _SPOILED_SHARE = "brittleness", 4
"""Its 34 settings are run on the first quarter of the requests."""
_WHOLE = ("full RL", "full SFT", "T_max = 5")
"""The agent with both, the best first."""


@dataclass(frozen=True)
class Order:
    """What to measure.

    Raises:
        InputError: A number is out of range.
    """

    rows: tuple[str, ...] = ()
    """Names of rows; all if empty."""
    n: int = 308
    """Requests of each row; a multiple of 14 has all families and splits alike."""
    n_finer: int | None = None
    """Requests of the rows whose differences are small; `n` by default."""
    seed: int = 0
    brittleness: bool = True
    """Also measure brittleness, on the first quarter of the requests."""

    def __post_init__(self) -> None:
        if self.n < 1 or (self.n_finer is not None and self.n_finer < self.n):
            raise InputError(
                f"n must be at least 1, and the finer rows must have at least as many requests; found {self.n} and "
                f"{self.n_finer}."
            )

    def requests_of(self, row: Experiment) -> int:
        """How many requests a row is run on."""
        return self.n_finer if row.finer and self.n_finer is not None else self.n


@dataclass(frozen=True)
class Outcome:
    """What was measured."""

    report: dict[str, JsonValue]
    results: dict[str, tuple[Result, ...]]
    """By row, of its first training seed: for storyboards."""
    arena: TrajectoryRunner


async def microbench(
    order: Order,
    root: Path,
    progress: Progress | None = None,
    *,
    generator: Callable[[ImageStore], ImageGenerator] | None = None,
) -> Outcome:
    """Runs MicroBench, or what is left of it.

    Args:
        order: What to measure.
        root: Folder of pictures and finished requests; a second run goes on from there.
        progress: Is told of every finished request.
        generator: Instead of the image server; for tests.

    Raises:
        InputError: There is no such row.
        GeneratorError: The image server failed for good.
    """
    bench, begun = _Bench(order), time.perf_counter()
    async with open_trajectory_runner(root, bench.most, order.seed, generator=generator) as arena:
        try:
            await bench.run(arena, progress or (lambda _name, _done, _total: None))
        finally:
            seconds = _spent(root, time.perf_counter() - begun)
        report: dict[str, JsonValue] = {
            "n": order.n,
            "n_finer": order.n_finer or order.n,
            "seed": order.seed,
            "generator": "micro",
            "rows": [bench.told(row) for row in bench.rows],
            "whose_gain": bench.whose_gain(),
            "brittleness": bench.brittleness(),
            "controls": [bench.told(row) for row in bench.controls],
            "reward_noise": [bench.told(row) for row in bench.noisy],
            "skipped": [{"name": one.name, "reason": one.reason, "recipe": one.recipe} for one in bench.skipped],
            "seconds": round(seconds, 1),
        }
        return Outcome(report, {row.name: bench.measured(row.name).runs[0] for row in bench.rows}, arena)


def _spent(root: Path, seconds: float) -> float:
    """What all starts together have taken, this one included; a start that was killed is not counted."""
    file = root / "seconds"
    seconds += float(file.read_text(encoding="utf-8")) if file.exists() else 0.0
    file.write_text(f"{seconds:.1f}", encoding="utf-8")
    return seconds


@dataclass(frozen=True)
class _Part:
    """Settings that are run on the same requests."""

    settings: tuple[ExperimentConfig, ...]
    n: int
    drawn: bool = False
    """Less the requests that want words only."""

    def items(self, all_items: Sequence[Item]) -> list[Item]:
        """Its requests."""
        return [item for item in all_items[: self.n] if item.targets or not self.drawn]


class _Bench:
    """What an order wants to be run, and the report's parts made from it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._parts: dict[str, _Part] = {}
        self._measured: dict[str, Measured] = {}
        self.skipped: list[Skipped] = []
        self.rows = self._installed(named_experiments(list(order.rows)))
        self.controls = self._installed([] if order.rows else CONTROLS)
        self.noisy = self._installed(NOISY_REWARD if order.brittleness else [])
        self._agent = brittle_agent()
        if order.brittleness:
            spoiled = tuple(dict.fromkeys(point.setting for point in points(self._agent)))
            self._parts[_SPOILED] = _Part(spoiled, max(1, order.n // _SPOILED_SHARE), drawn=True)
        self._whole = next((name for name in _WHOLE if name in self._parts), None)
        if self._whole is not None and {_NOTHING, _PLANNER} <= set(self._parts):
            first = self._parts[self._whole].settings[0]
            self._parts[_CRITIC] = _Part((critic_alone(first.critic),), order.n)

    def _installed(self, rows: Iterable[Experiment]) -> list[Experiment]:
        """The rows that can be run."""
        found = []
        for row in rows:
            settings = settings_of(row)
            if isinstance(settings, Skipped):
                self.skipped.append(settings)
            else:
                self._parts[row.name] = _Part(tuple(settings), self._order.requests_of(row))
                found.append(row)
        return found

    @property
    def most(self) -> int:
        """How many requests there must be."""
        return max((part.n for part in self._parts.values()), default=1)

    async def run(self, arena: TrajectoryRunner, tell: Progress) -> None:
        """Runs all parts at once; what several of them want is run once."""
        work: dict[ExperimentConfig, dict[int, Item]] = {}
        wanted: dict[tuple[ExperimentConfig, int], list[str]] = {}
        numbers = {name: [item.number for item in part.items(arena.items)] for name, part in self._parts.items()}
        for name, part in self._parts.items():
            for setting in part.settings:
                for number in numbers[name]:
                    work.setdefault(setting, {})[number] = arena.items[number]
                    wanted.setdefault((setting, number), []).append(name)
        done: Counter[str] = Counter()

        def finished(setting: ExperimentConfig, item: Item) -> None:
            for name in wanted[setting, item.number]:
                done[name] += 1
                tell(name, done[name], len(numbers[name]) * len(self._parts[name].settings))

        found = await arena.run({setting: tuple(items.values()) for setting, items in work.items()}, finished)
        results = {setting: {result.number: result for result in of_setting} for setting, of_setting in found.items()}
        for name, part in self._parts.items():
            runs = (tuple(results[setting][number] for number in numbers[name]) for setting in part.settings)
            self._measured[name] = Measured(tuple(runs))

    def measured(self, name: str) -> Measured:
        """What a part gave."""
        return self._measured[name]

    def told(self, row: Experiment) -> dict[str, JsonValue]:
        """A row as the report has it."""
        settings, measured = self._parts[row.name].settings, self._measured[row.name]
        told: dict[str, JsonValue] = {
            "name": row.name,
            **figures_of(measured),
            "planner": settings[0].planner,
            "critics": [setting.critic for setting in settings],
            "stand_ins": any(
                is_scripted_baseline(one) for setting in settings for one in (setting.planner, setting.critic)
            ),
            "paper": None if row.paper is None else dict(asdict(row.paper)),
            "paper_note": row.note,
        }
        other = self._measured.get(row.reference or "")
        difference: JsonValue = None
        if other is not None:
            difference = {
                "to": row.reference,
                "paper": _paper_difference(row),
                "average": compare(measured, other),
                "image": compare(measured, other, "image"),
            }
        return {**told, "difference": difference}

    def whose_gain(self) -> JsonValue:
        """Planner's and critic's shares of the gain; None where a row that they need was not asked for."""
        if self._whole is None or _CRITIC not in self._measured:
            return None

        def of(name: str) -> Measured:  # of the first training seed, which is all that the critic alone has
            return Measured(self._measured[name].runs[:1])

        four = nothing, _, critic, _ = of(_NOTHING), of(_PLANNER), of(_CRITIC), of(self._whole)
        families = [name for name in nothing.families if nothing.values("image", name)]
        return {
            "both": self._whole,
            "critic_alone": figures_of(critic),
            "average": shares(*four, "average"),
            "image": shares(*four, "image"),
            "families": {family: shares(*four, "image", family) for family in families},
        }

    def brittleness(self) -> JsonValue:
        """The curves, with the best agent that is installed; None where they were not asked for."""
        if _SPOILED not in self._measured:
            return None
        runs = zip(self._parts[_SPOILED].settings, self._measured[_SPOILED].runs, strict=True)
        return brittleness_of(self._agent, dict(runs))


def _paper_difference(row: Experiment) -> JsonValue:
    """The paper's own difference to the row's reference; None where it lacks one of the two."""
    before = next((one.paper for one in ROWS if one.name == row.reference), None)
    if row.paper is None or before is None:
        return None
    return {
        "average": round(row.paper.average - before.average, 2),
        "image": round(row.paper.image - before.image, 2),
    }
