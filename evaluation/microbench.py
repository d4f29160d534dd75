"""MicroBench: the whole loop on held-out requests of the micro world, row by row, as the paper's tables have it.

Runs what is asked for (or takes finished requests from the folder), and makes the report of it; see `microbench_rows`
for the rows, `microbench_scores` for the scores, `microbench_brittleness` for the curves. The report is plain JSON;
`microbench_table` and `microbench_page` show it to people.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.ports import ImageGenerator
from interleavethinker.tools.store import ImageStore

from .microbench_brittleness import brittleness_of, points
from .microbench_figures import Measured, compare, figures_of, shares
from .microbench_rows import (
    CONTROLS,
    NOISY_REWARD,
    ROWS,
    Row,
    Skipped,
    brittle_agent,
    critic_alone,
    named_rows,
    settings_of,
)
from .microbench_runs import Arena, Result, open_arena
from .microbench_settings import Setting, is_stand_in

__all__ = ["Order", "Outcome", "Progress", "microbench"]

Progress = Callable[[str, int, int], None]
"""Told of a row's (or a part's) name, and of its finished and all requests."""
_NOTHING, _PLANNER = "generator alone", "planner, no critic"
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
    """Also measure brittleness, on the first half of the requests."""

    def __post_init__(self) -> None:
        if self.n < 1 or (self.n_finer is not None and self.n_finer < self.n):
            raise InputError(
                f"n must be at least 1, and the finer rows must have at least as many requests; found {self.n} and "
                f"{self.n_finer}."
            )

    def requests_of(self, row: Row) -> int:
        """How many requests a row is run on."""
        return self.n_finer if row.finer and self.n_finer is not None else self.n


@dataclass(frozen=True)
class Outcome:
    """What was measured."""

    report: dict[str, JsonValue]
    results: dict[str, tuple[Result, ...]]
    """By row, of its first training seed: for storyboards."""
    arena: Arena


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
    rows, begun = named_rows(list(order.rows)), time.perf_counter()
    tell = progress or (lambda _name, _done, _total: None)
    most = max(order.requests_of(row) for row in rows)
    async with open_arena(root, most, order.seed, generator=generator) as arena:
        bench = _Bench(arena, order, tell)
        measured = {row.name: found for row in rows if (found := await bench.row(row)) is not None}
        report: dict[str, JsonValue] = {
            "n": order.n,
            "n_finer": order.n_finer or order.n,
            "seed": order.seed,
            "generator": "micro",
            "rows": [bench.told(row, measured) for row in rows if row.name in measured],
            "whose_gain": await bench.whose_gain(measured),
            "brittleness": await bench.brittleness() if order.brittleness else None,
        }
        report["controls"] = [] if order.rows else await bench.beside(CONTROLS, measured)
        report["reward_noise"] = await bench.beside(NOISY_REWARD, measured) if order.brittleness else []
        report["skipped"] = [
            {"name": one.name, "reason": one.reason, "recipe": one.recipe} for one in bench.skipped.values()
        ]
        report["seconds"] = round(time.perf_counter() - begun, 1)
        return Outcome(report, {name: found.runs[0] for name, found in measured.items()}, arena)


class _Bench:
    """One run."""

    def __init__(self, arena: Arena, order: Order, tell: Progress) -> None:
        self._arena = arena
        self._order = order
        self._tell = tell
        self._seconds: dict[str, float] = {}
        """Of each row, for each trajectory that was not finished before, with all others at the same time."""
        self.skipped: dict[str, Skipped] = {}

    async def row(self, row: Row) -> Measured | None:
        """A row's results; None if it is skipped."""
        settings = settings_of(row)
        if isinstance(settings, Skipped):
            self.skipped[row.name] = settings
            return None
        count = self._order.requests_of(row)
        return Measured(tuple([await self._run(row.name, setting, count) for setting in settings]))

    async def _run(self, name: str, setting: Setting, count: int) -> tuple[Result, ...]:
        begun, before = time.perf_counter(), list[int]()

        def tell(done: int, total: int) -> None:
            before.append(done)
            self._tell(name, done, total)

        found = await self._arena.run(setting, self._arena.items[:count], tell)
        if before[0] < count:
            self._seconds[name] = round((time.perf_counter() - begun) / (count - before[0]), 3)
        return tuple(found)

    def told(self, row: Row, measured: dict[str, Measured]) -> dict[str, JsonValue]:
        """A row as the report has it."""
        settings = settings_of(row)
        assert not isinstance(settings, Skipped)  # noqa: S101 - it was measured
        stand_ins = any(is_stand_in(one) for setting in settings for one in (setting.planner, setting.critic))
        told: dict[str, JsonValue] = {
            "name": row.name,
            **figures_of(measured[row.name]),
            "planner": settings[0].planner,
            "critics": [setting.critic for setting in settings],
            "stand_ins": stand_ins,
            "seconds_per_trajectory": self._seconds.get(row.name),
            "paper": None if row.paper is None else dict(asdict(row.paper)),
            "paper_note": row.note,
        }
        other = measured.get(row.reference or "")
        difference: JsonValue = None
        if other is not None:
            difference = {
                "to": row.reference,
                "paper": _paper_difference(row),
                "average": compare(measured[row.name], other),
                "image": compare(measured[row.name], other, "image"),
            }
        return {**told, "difference": difference}

    async def beside(self, rows: Sequence[Row], measured: dict[str, Measured]) -> list[JsonValue]:
        """Rows that are not in the table, as the report has them; compared with rows that are."""
        own = {row.name: found for row in rows if (found := await self.row(row)) is not None}
        return [self.told(row, {**measured, **own}) for row in rows if row.name in own]

    async def whose_gain(self, measured: dict[str, Measured]) -> JsonValue:
        """Planner's and critic's shares of the gain; None where a row that they need was not asked for."""
        whole = next((name for name in _WHOLE if name in measured), None)
        if whole is None or _NOTHING not in measured or _PLANNER not in measured:
            return None
        (row,) = named_rows([whole])
        settings = settings_of(row)
        assert not isinstance(settings, Skipped)  # noqa: S101 - it was measured
        runs = [await self._run("critic, no planner", critic_alone(one.critic), self._order.n) for one in settings]
        four = (measured[_NOTHING], measured[_PLANNER], Measured(tuple(runs)), measured[whole])
        families = [name for name in four[0].families if four[0].values("image", name)]
        return {
            "both": whole,
            "critic_alone": figures_of(four[2]),
            "average": shares(*four, "average"),
            "image": shares(*four, "image"),
            "families": {family: shares(*four, "image", family) for family in families},
        }

    async def brittleness(self) -> JsonValue:
        """The curves, with the best agent that is installed."""
        agent = brittle_agent()
        half = max(1, self._order.n // 2)
        items = [item for item in self._arena.items[:half] if item.targets]
        curves = points(agent)
        results: dict[Setting, list[Result]] = {}
        for number, setting in enumerate(dict.fromkeys(point.setting for point in curves)):
            results[setting] = await self._arena.run(setting, items)
            self._tell("brittleness", number + 1, len({point.setting for point in curves}))
        return brittleness_of(agent, results)


def _paper_difference(row: Row) -> JsonValue:
    """The paper's own difference to the row's reference; None where it lacks one of the two."""
    before = next((one.paper for one in ROWS if one.name == row.reference), None)
    if row.paper is None or before is None:
        return None
    return {
        "average": round(row.paper.average - before.average, 2),
        "image": round(row.paper.image - before.image, 2),
    }
