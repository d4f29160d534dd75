"""MicroBench's experiments: each one's agent, its reference experiment, and the paper's own scores.

The paper's scores are those on UEval, in its table 1 and its ablations; with them a reader sees whether the order is
reproduced. An experiment lists the acceptable variants of its planner and critic, best first. A scripted baseline
replaces learned weights only where the experiment's question doesn't depend on them, and every report marks it. An
experiment whose weights are not installed is skipped, and the report gives the recipe that trains them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from interleavethinker.tools.errors import InputError

from .config import T_MAX, ExperimentConfig, agents_of_variant, is_installed

__all__ = [
    "CONTROLS",
    "EXPERIMENTS",
    "EXTENSIONS",
    "NOISY_REWARD",
    "NO_REPEATS",
    "Experiment",
    "PaperScores",
    "SkippedExperiment",
    "configs_of",
    "critic_only",
    "named_experiments",
    "robustness_agent",
]

_PLANNERS = ("sft", "scripted")
_BEST = ("grpo", "sft", "scripted")
_DATA = "interleavethinker data prompts runs/micro-data; then data trajectories and data scores of it"
_SYNTHETIC = "interleavethinker train micro-critic-synthetic"
_SELECT = "interleavethinker data select runs/micro-data"
_SFT = "interleavethinker train micro-critic-sft"
_GRPO = "interleavethinker train micro-critic-grpo"
_ONE = (
    "interleavethinker train micro-one-agent --set repeats=0 --out runs/micro-one-agent-first; interleavethinker train "
    "micro-one-agent --set model=runs/micro-one-agent-first/model --set text_only=0 --set comparisons=0 "
    "--set synthetic_rows=0"
)
_SFT_DATA_ROWS = 4258
"""The number of training rows of full SFT, which are filtered and balanced."""


@dataclass(frozen=True)
class PaperScores:
    """The paper's scores on UEval with FLUX.2-klein-9B, 0..100."""

    text: float
    image: float
    average: float


@dataclass(frozen=True)
class Experiment:
    """One line of the results table."""

    name: str
    planner: tuple[str, ...]
    critic: tuple[str, ...]
    reference: str | None = None
    """The experiment to compare this one with, request by request."""
    paper: PaperScores | None = None
    note: str = ""
    """What the paper's scores refer to, where that is not obvious."""
    recipe: str = ""
    """The command that trains the weights."""
    max_attempts: int = T_MAX
    mode: Literal["", "reseed", "stepwise", "sampled", "no repeats"] = ""
    shared: bool = False
    """Planner and critic are the same weights."""
    first_seed_only: bool = field(default=False, kw_only=True)
    """Use only the first of several training seeds, to bound the benchmark's run time."""
    large_sample: bool = field(default=False, kw_only=True)
    """The expected differences are small: run it on `BenchmarkConfig.n_large_sample` requests."""


@dataclass(frozen=True)
class SkippedExperiment:
    """An experiment that cannot be run."""

    name: str
    reason: str
    recipe: str


def _sft_data(name: str, options: str, paper: PaperScores | None = None, note: str = "") -> Experiment:
    kind = name.replace(", ", "-")
    folder, variant = f"runs/micro-data-{kind}", f"sft_{kind.replace('-', '_')}"
    select = f"{_SELECT} {options} --into {folder}"
    train = f"{_SFT} --set data={folder} --set rows={_SFT_DATA_ROWS} --out runs/micro-critic-{kind}"
    recipe = f"{_DATA}; {_SYNTHETIC}; {select}; {train}"
    return Experiment(name, _PLANNERS, (variant,), "full SFT", paper, note, recipe)


def _rl(name: str, variant: str, options: str, paper: PaperScores | None) -> Experiment:
    return Experiment(name, _PLANNERS, (variant,), "full SFT", paper, "", f"{_GRPO}{options}", large_sample=True)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment("generator alone", ("whole request",), ("none",), None, PaperScores(0, 36.4, 18.2), max_attempts=1),
    Experiment(
        "planner, no critic",
        _PLANNERS,
        ("none",),
        "generator alone",
        PaperScores(58.5, 61.8, 60.2),
        "T_max = 1 of its ablation",
        "interleavethinker train micro-planner-sft",
        max_attempts=1,
    ),
    Experiment("planner + reseed", _PLANNERS, ("sft", "scripted"), "planner, no critic", recipe=_SFT, mode="reseed"),
    Experiment(
        "full SFT",
        _PLANNERS,
        ("sft",),
        "planner + reseed",
        PaperScores(58.6, 70.4, 64.5),
        recipe=_SFT,
        large_sample=True,
    ),
    _rl(
        "RL without step-wise reward",
        "grpo_without_step_wise",
        " --set weights.semantics=0 --set weights.quality=0",
        PaperScores(58.2, 72.2, 65.2),
    ),
    _rl(
        "RL without accuracy reward",
        "grpo_without_accuracy",
        " --set weights.accuracy=0",
        PaperScores(58.4, 71.7, 65.1),
    ),
    _rl("full RL", "grpo", "", PaperScores(58.6, 74.0, 66.3)),
    _sft_data(
        "unfiltered, unbalanced",
        "--no-filter --no-balance",
        PaperScores(58.2, 67.3, 62.8),
        "its critic trained on unfiltered data",
    ),
    _sft_data("unfiltered, balanced", "--no-filter"),
    _sft_data("filtered, unbalanced", "--no-balance"),
    Experiment(
        "one agent, shared weights",
        ("one_agent",),
        ("one_agent",),
        "full SFT",
        PaperScores(45.2, 63.7, 54.5),
        "its one agent in both roles",
        _ONE,
        shared=True,
    ),
    Experiment(
        "one agent, stepwise",
        ("one_agent",),
        ("one_agent",),
        "one agent, shared weights",
        recipe=_ONE,
        mode="stepwise",
        shared=True,
    ),
    Experiment("T_max = 1", _PLANNERS, ("none",), None, PaperScores(58.5, 61.8, 60.2), max_attempts=1),
    Experiment(
        "T_max = 3",
        _PLANNERS,
        _BEST,
        "T_max = 1",
        PaperScores(58.6, 72.0, 65.3),
        recipe=_GRPO,
        max_attempts=3,
        first_seed_only=True,
    ),
    Experiment(
        "T_max = 5", _PLANNERS, _BEST, "T_max = 3", PaperScores(58.6, 74.0, 66.3), recipe=_GRPO, first_seed_only=True
    ),
    Experiment(
        "oracle critic",
        _PLANNERS,
        ("oracle",),
        "T_max = 5",
        None,
        "the paper's oracle takes both roles: 74.8 / 79.9 / 77.4",
    ),
    Experiment(
        "oracle planner",
        ("oracle",),
        _BEST,
        "T_max = 5",
        None,
        "the paper's oracle takes both roles: 74.8 / 79.9 / 77.4",
        recipe=_GRPO,
        first_seed_only=True,
    ),
)
"""All experiments, in the order of the results table."""

CONTROLS: tuple[Experiment, ...] = (
    Experiment(
        "SFT continued",
        _PLANNERS,
        ("sft_continued",),
        "full RL",
        None,
        "not in the paper: as much further training as RL takes, without rewards",
        "interleavethinker train micro-critic-sft-continued",
    ),
    Experiment(
        "full SFT, sampled",
        _PLANNERS,
        ("sft",),
        "full SFT",
        None,
        "not in the paper: the critic's answers at temperature 1, as its rewards were earned",
        mode="sampled",
    ),
    Experiment("full RL, sampled", _PLANNERS, ("grpo",), "full SFT, sampled", mode="sampled", first_seed_only=True),
)
"""Experiments outside the table: they test other explanations of a gain, and effects that greedy decoding hides."""

NOISY_REWARD: tuple[Experiment, ...] = tuple(
    Experiment(
        f"RL, {percent} % of rewards noisy",
        _PLANNERS,
        (f"grpo_noise{percent}",),
        "full RL",
        recipe=f"{_GRPO} --set noise={percent / 100:g} --out runs/micro-critic-grpo-noise{percent}",
    )
    for percent in (10, 30)
)
"""Experiments that go with the robustness measurement."""


NO_REPEATS: tuple[Experiment, ...] = tuple(
    Experiment(
        name, _PLANNERS, _BEST, reference, recipe=_GRPO, max_attempts=attempts, mode="no repeats", first_seed_only=True
    )
    for name, attempts, reference in (
        ("T_max = 3, no repeats", 3, "T_max = 3"),
        ("T_max = 5, no repeats", 5, "T_max = 3, no repeats"),
        ("no repeats or repeats", 5, "T_max = 5"),
    )
)
"""Experiments that only run by name: a critic whose prompt was already tried in the step is asked again, sampled."""
_REPHRASINGS = 8

EXTENSIONS = ("consistency", "variants", "checklists", "drift")
"""Experiments on what the agent has beyond the paper. They have units and a report of their own; see `extensions`."""


def named_experiments(names: list[str]) -> list[Experiment]:
    """Returns the experiments with these names in the table's order; for an empty list all but `NO_REPEATS`.

    Raises:
        InputError: No experiment has one of the names.
    """
    known = [experiment.name for experiment in (*EXPERIMENTS, *NO_REPEATS)]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"Unknown experiment {unknown[0]!r}; choose from: {'; '.join((*known, *EXTENSIONS))}.")
    if not names:
        return list(EXPERIMENTS)
    return [experiment for experiment in (*EXPERIMENTS, *NO_REPEATS) if experiment.name in names]


def configs_of(experiment: Experiment) -> list[ExperimentConfig] | SkippedExperiment:
    """Returns an experiment's configurations, one per training seed of its critic, or why it is skipped."""
    planners = _first_installed("planner", experiment.planner)
    critics = _first_installed("critic", experiment.critic)
    if experiment.first_seed_only:
        critics = critics[:1]
    if experiment.shared:
        planners = critics = [name for name in planners if name in critics]
    for role, found, wanted in (("planner", planners, experiment.planner), ("critic", critics, experiment.critic)):
        if not found:
            reason = f"no weights of a {role} {' or '.join(map(repr, wanted))} are installed"
            return SkippedExperiment(experiment.name, reason, experiment.recipe)
    if experiment.shared:
        pairs = zip(planners, critics, strict=True)
    else:
        pairs = zip(planners[:1] * len(critics), critics, strict=True)
    return [
        ExperimentConfig(
            planner,
            critic,
            experiment.max_attempts,
            reseed=experiment.mode == "reseed",
            temperature=1.0 if experiment.mode == "sampled" else 0.0,
            stepwise=experiment.mode == "stepwise",
            rephrasings=_REPHRASINGS if experiment.mode == "no repeats" else 0,
        )
        for planner, critic in pairs
    ]


def critic_only(critic: str) -> ExperimentConfig:
    """Returns the critic without a planner, whose prompt to refine is the whole request; see `gain_attribution`."""
    return ExperimentConfig("whole request", critic)


def robustness_agent() -> ExperimentConfig:
    """Returns the agent whose robustness is measured: the best one that is installed.

    Without a learned planner the reference plans are perturbed, because the scripted planner refuses most requests.
    """
    planner = _first_installed("planner", ("sft", "oracle"))[0]
    return ExperimentConfig(planner, _first_installed("critic", _BEST)[0])


def _first_installed(role: str, variants: tuple[str, ...]) -> list[str]:
    """Returns the installed training seeds of the first variant that has any; a built-in agent is its own variant."""
    built_in = {"scripted", "oracle", "whole request", "none"}
    for variant in variants:
        if variant in built_in:
            return [variant]
        found = [name for name in agents_of_variant(role, variant) if is_installed(role, name)]
        if found:
            return found
    return []
