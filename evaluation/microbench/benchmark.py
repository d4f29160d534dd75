"""Runs MicroBench, the whole agent on held-out requests of the micro world, and makes its report.

The experiments are those of the paper's tables (`experiments`), scored by `scoring`, with the curves of `robustness`.
Finished requests are taken from the folder. The report is plain JSON; `report_markdown` and `report_html` render it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.protocols import ImageGenerator

from .aggregation import ExperimentResults, compare, gain_attribution, metrics_of
from .config import ExperimentConfig, is_scripted_baseline
from .dataset import Item
from .experiments import (
    CONTROLS,
    EXPERIMENTS,
    NOISY_REWARD,
    Experiment,
    SkippedExperiment,
    configs_of,
    critic_only,
    named_experiments,
    robustness_agent,
)
from .robustness import curve_points, robustness_report
from .runner import RequestResult, TrajectoryRunner, open_trajectory_runner

__all__ = ["BenchmarkConfig", "BenchmarkResult", "run_microbench"]

_GENERATOR, _PLANNER, _CRITIC = "generator alone", "planner, no critic", "critic, no planner"
_ROBUSTNESS, _ROBUSTNESS_SHARE = "robustness", 4
"""Robustness has 34 configurations, so it is measured on the first quarter of the requests."""
_WHOLE_AGENTS = ("full RL", "full SFT", "T_max = 5")
"""Experiments with both planner and critic, best first."""


@dataclass(frozen=True)
class BenchmarkConfig:
    """What to measure.

    Raises:
        InputError: A number is out of range.
    """

    experiments: tuple[str, ...] = ()
    """Names of experiments; all if empty."""
    n: int = 308
    """Requests per experiment; with a multiple of 14 all families and splits are equally frequent."""
    n_large_sample: int | None = None
    """Requests of the experiments whose differences are small; `n` by default."""
    seed: int = 0
    robustness: bool = True
    """Also measure robustness, on the first quarter of the requests."""

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InputError(f"The number of requests must be at least 1; got {self.n}.")
        if self.n_large_sample is not None and self.n_large_sample < self.n:
            raise InputError(
                f"The RL experiments need at least as many requests as the others: {self.n}; got {self.n_large_sample}."
            )

    def requests_of(self, experiment: Experiment) -> int:
        """Returns the number of requests that an experiment is run on."""
        return self.n_large_sample if experiment.large_sample and self.n_large_sample is not None else self.n


@dataclass(frozen=True)
class BenchmarkResult:
    """The report, with the data that storyboards need."""

    report: dict[str, JsonValue]
    results: dict[str, tuple[RequestResult, ...]]
    """By experiment, the results of its first training seed."""
    runner: TrajectoryRunner


async def run_microbench(
    config: BenchmarkConfig,
    root: Path,
    progress: StageProgress = ignore_progress,
    *,
    generator: Callable[[ImageStore], ImageGenerator] | None = None,
) -> BenchmarkResult:
    """Runs MicroBench, or the part of it that is not finished yet.

    Args:
        config: What to measure.
        root: The folder of images and finished requests; a second run resumes from it.
        progress: Called for every finished request, with its experiment's name as the stage.
        generator: Makes an image generator from the store, instead of the image server; for tests.

    Raises:
        InputError: No experiment has one of the names.
        GeneratorError: The image server failed, and retries did not help.
        ProfileError: The libraries of local models are not installed.
    """
    if generator is None:
        require_local("MicroBench's models")
    benchmark, started = _Benchmark(config), time.perf_counter()
    async with open_trajectory_runner(root, benchmark.most_requests, config.seed, generator=generator) as runner:
        try:
            await benchmark.run(runner, progress)
        finally:
            seconds = _total_seconds(root, time.perf_counter() - started)
        results = {one.name: benchmark.results_of(one.name).runs[0] for one in benchmark.experiments}
        return BenchmarkResult(benchmark.report(seconds), results, runner)


def _total_seconds(root: Path, seconds: float) -> float:
    """Adds this run's time to that of all earlier ones; a run that was killed is not counted."""
    file = root / "seconds"
    seconds += float(file.read_text(encoding="utf-8")) if file.exists() else 0.0
    file.write_text(f"{seconds:.1f}", encoding="utf-8")
    return seconds


@dataclass(frozen=True)
class _Part:
    """Configurations that are run on the same requests."""

    configs: tuple[ExperimentConfig, ...]
    n: int
    with_images: bool = False
    """Leave out the requests that want text only."""

    def items(self, all_items: Sequence[Item]) -> list[Item]:
        """Returns the part's requests."""
        return [item for item in all_items[: self.n] if item.targets or not self.with_images]


class _Benchmark:
    """The parts that a configuration needs, and the report on them."""

    def __init__(self, config: BenchmarkConfig) -> None:
        self._config = config
        self._parts: dict[str, _Part] = {}
        self._results: dict[str, ExperimentResults] = {}
        self.skipped: list[SkippedExperiment] = []
        self.experiments = self._installed(named_experiments(list(config.experiments)))
        self.controls = self._installed([] if config.experiments else CONTROLS)
        self.noisy_reward = self._installed(NOISY_REWARD if config.robustness else [])
        self._agent = robustness_agent()
        if config.robustness:
            perturbed = tuple(dict.fromkeys(point.config for point in curve_points(self._agent)))
            self._parts[_ROBUSTNESS] = _Part(perturbed, max(1, config.n // _ROBUSTNESS_SHARE), with_images=True)
        self._whole = next((name for name in _WHOLE_AGENTS if name in self._parts), None)
        if self._whole is not None and {_GENERATOR, _PLANNER} <= set(self._parts):
            first = self._parts[self._whole].configs[0]
            self._parts[_CRITIC] = _Part((critic_only(first.critic),), config.n)

    def _installed(self, experiments: Iterable[Experiment]) -> list[Experiment]:
        """Returns the experiments that can be run, and notes the others as skipped."""
        found = []
        for experiment in experiments:
            configs = configs_of(experiment)
            if isinstance(configs, SkippedExperiment):
                self.skipped.append(configs)
            else:
                self._parts[experiment.name] = _Part(tuple(configs), self._config.requests_of(experiment))
                found.append(experiment)
        return found

    @property
    def most_requests(self) -> int:
        """The number of requests to generate."""
        return max((part.n for part in self._parts.values()), default=1)

    async def run(self, runner: TrajectoryRunner, progress: StageProgress) -> None:
        """Runs all parts concurrently; a request of a configuration that several parts share is run once."""
        work: dict[ExperimentConfig, dict[int, Item]] = {}
        wanted: dict[tuple[ExperimentConfig, int], list[str]] = {}
        numbers = {name: [item.number for item in part.items(runner.items)] for name, part in self._parts.items()}
        for name, part in self._parts.items():
            for config in part.configs:
                for number in numbers[name]:
                    work.setdefault(config, {})[number] = runner.items[number]
                    wanted.setdefault((config, number), []).append(name)
        done: Counter[str] = Counter()

        def finished(config: ExperimentConfig, item: Item) -> None:
            for name in wanted[config, item.number]:
                done[name] += 1
                progress(name, done[name], len(numbers[name]) * len(self._parts[name].configs))

        found = await runner.run({config: tuple(items.values()) for config, items in work.items()}, finished)
        by_number = {config: {result.number: result for result in results} for config, results in found.items()}
        for name, part in self._parts.items():
            runs = (tuple(by_number[config][number] for number in numbers[name]) for config in part.configs)
            self._results[name] = ExperimentResults(tuple(runs))

    def results_of(self, name: str) -> ExperimentResults:
        """Returns the results of a part."""
        return self._results[name]

    def report(self, seconds: float) -> dict[str, JsonValue]:
        """Returns the whole report.

        Args:
            seconds: The total run time.
        """
        config = self._config
        return {
            "n": config.n,
            "n_large_sample": config.n_large_sample or config.n,
            "seed": config.seed,
            "generator": "micro",
            "experiments": [self._experiment_report(one) for one in self.experiments],
            "gain_attribution": self._gain_attribution(),
            "robustness": self._robustness(),
            "controls": [self._experiment_report(one) for one in self.controls],
            "reward_noise": [self._experiment_report(one) for one in self.noisy_reward],
            "skipped": [{"name": one.name, "reason": one.reason, "recipe": one.recipe} for one in self.skipped],
            "seconds": round(seconds, 1),
        }

    def _experiment_report(self, experiment: Experiment) -> dict[str, JsonValue]:
        configs, results = self._parts[experiment.name].configs, self._results[experiment.name]
        agents = [name for config in configs for name in (config.planner, config.critic)]
        return {
            "name": experiment.name,
            **metrics_of(results),
            "planner": configs[0].planner,
            "critics": [config.critic for config in configs],
            "scripted_baseline": any(map(is_scripted_baseline, agents)),
            "paper": None if experiment.paper is None else dict(asdict(experiment.paper)),
            "paper_note": experiment.note,
            "difference": self._difference(experiment, results),
        }

    def _difference(self, experiment: Experiment, results: ExperimentResults) -> JsonValue:
        """Returns the difference to the reference experiment; None if that was not run."""
        reference = self._results.get(experiment.reference or "")
        if reference is None:
            return None
        return {
            "reference": experiment.reference,
            "paper": _paper_difference(experiment),
            "average": compare(results, reference),
            "image": compare(results, reference, "image"),
        }

    def _gain_attribution(self) -> JsonValue:
        """Returns the planner's and the critic's share of the gain; None if an experiment for it was not run."""
        if self._whole is None or _CRITIC not in self._results:
            return None

        def first_seed(name: str) -> ExperimentResults:  # the critic alone is run with one training seed
            return ExperimentResults(self._results[name].runs[:1])

        generator, critic = first_seed(_GENERATOR), first_seed(_CRITIC)
        four = generator, first_seed(_PLANNER), critic, first_seed(self._whole)
        families = [name for name in generator.families if generator.values("image", name)]
        return {
            "both": self._whole,
            "critic_only": metrics_of(critic),
            "average": gain_attribution(*four, "average"),
            "image": gain_attribution(*four, "image"),
            "families": {family: gain_attribution(*four, "image", family) for family in families},
        }

    def _robustness(self) -> JsonValue:
        """Returns the robustness of the best installed agent; None if it was not measured."""
        if _ROBUSTNESS not in self._results:
            return None
        runs = zip(self._parts[_ROBUSTNESS].configs, self._results[_ROBUSTNESS].runs, strict=True)
        return robustness_report(self._agent, dict(runs))


def _paper_difference(experiment: Experiment) -> JsonValue:
    """Returns the paper's own difference to the reference experiment; None if the paper lacks one of the two."""
    reference = next((one.paper for one in EXPERIMENTS if one.name == experiment.reference), None)
    if experiment.paper is None or reference is None:
        return None
    return {
        "average": round(experiment.paper.average - reference.average, 2),
        "image": round(experiment.paper.image - reference.image, 2),
    }
