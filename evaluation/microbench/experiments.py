"""MicroBench's rows: each one's agent, what it is compared with, and the paper's own figure (UEval, its table 1 and
its ablations), so that a reader sees whether the order is reproduced.

A row names, for planner and critic, the variants that will do, the best first. A stand-in takes the place of learned
weights only where the row's question does not depend on them; every figure says which it was. A row whose weights are
missing is skipped, with the recipe that makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .config import T_MAX, ExperimentConfig, installed, trained

__all__ = [
    "CONTROLS",
    "NOISY_REWARD",
    "ROWS",
    "Experiment",
    "Paper",
    "Skipped",
    "brittle_agent",
    "critic_alone",
    "named_experiments",
    "settings_of",
]

_PLANNERS = ("sft", "scripted")
_BEST = ("grpo", "sft", "scripted")
_DATA = "interleavethinker data prompts runs/micro-data; then data trajectories and data scores of it"
_REHEARSAL = "interleavethinker train micro-critic-rehearsal"
_SELECT = "interleavethinker data select runs/micro-data"
_SFT = "interleavethinker train micro-critic-sft"
_GRPO = "interleavethinker train micro-critic-grpo"
_ONE = (
    "interleavethinker train micro-one-agent --set repeats=0 --out runs/micro-one-agent-first; interleavethinker train "
    "micro-one-agent --set model=runs/micro-one-agent-first/model --set words=0 --set comparisons=0 --set rehearsals=0"
)
_SFT_ROWS = 4258
"""As many rows as full SFT has: those that are filtered and balanced."""


@dataclass(frozen=True)
class Paper:
    """The paper's figures on UEval with FLUX.2-klein-9B, 0..100."""

    text: float
    image: float
    average: float


@dataclass(frozen=True)
class Experiment:
    """One line of the table."""

    name: str
    planner: tuple[str, ...]
    critic: tuple[str, ...]
    reference: str | None = None
    """The row whose difference to this one is told, request by request."""
    paper: Paper | None = None
    note: str = ""
    """How the paper's figure is meant, where that is not plain."""
    recipe: str = ""
    """Makes the weights."""
    max_attempts: int = T_MAX
    way: Literal["", "reseed", "stepwise", "sampled"] = ""
    shared: bool = False
    """Planner and critic are one set of weights."""
    one_seed: bool = field(default=False, kw_only=True)
    """Of several training seeds the first only, to keep the whole table within its time."""
    finer: bool = field(default=False, kw_only=True)
    """Its differences are small: it is run on more requests where asked for."""


@dataclass(frozen=True)
class Skipped:
    """A row that cannot be run."""

    name: str
    reason: str
    recipe: str


def _sft_data(name: str, options: str, paper: Paper | None = None, note: str = "") -> Experiment:
    kind = name.replace(", ", "-")
    folder, variant = f"runs/micro-data-{kind}", f"sft_{kind.replace('-', '_')}"
    select = f"{_SELECT} {options} --into {folder}"
    train = f"{_SFT} --set data={folder} --set rows={_SFT_ROWS} --out runs/micro-critic-{kind}"
    recipe = f"{_DATA}; {_REHEARSAL}; {select}; {train}"
    return Experiment(name, _PLANNERS, (variant,), "full SFT", paper, note, recipe)


def _rl(name: str, variant: str, options: str, paper: Paper | None) -> Experiment:
    return Experiment(name, _PLANNERS, (variant,), "full SFT", paper, "", f"{_GRPO}{options}", finer=True)


ROWS: tuple[Experiment, ...] = (
    Experiment("generator alone", ("whole request",), ("none",), None, Paper(0, 36.4, 18.2), max_attempts=1),
    Experiment(
        "planner, no critic",
        _PLANNERS,
        ("none",),
        "generator alone",
        Paper(58.5, 61.8, 60.2),
        "T_max = 1 of its ablation",
        "interleavethinker train micro-planner-sft",
        max_attempts=1,
    ),
    Experiment("planner + reseed", _PLANNERS, ("sft", "scripted"), "planner, no critic", recipe=_SFT, way="reseed"),
    Experiment("full SFT", _PLANNERS, ("sft",), "planner + reseed", Paper(58.6, 70.4, 64.5), recipe=_SFT, finer=True),
    _rl(
        "RL without step-wise reward",
        "grpo_without_step_wise",
        " --set weights.semantics=0 --set weights.quality=0",
        Paper(58.2, 72.2, 65.2),
    ),
    _rl("RL without accuracy reward", "grpo_without_accuracy", " --set weights.accuracy=0", Paper(58.4, 71.7, 65.1)),
    _rl("full RL", "grpo", "", Paper(58.6, 74.0, 66.3)),
    _sft_data(
        "unfiltered, unbalanced",
        "--no-filter --no-balance",
        Paper(58.2, 67.3, 62.8),
        "its critic trained on unfiltered data",
    ),
    _sft_data("unfiltered, balanced", "--no-filter"),
    _sft_data("filtered, unbalanced", "--no-balance"),
    Experiment(
        "one agent, shared weights",
        ("one_agent",),
        ("one_agent",),
        "full SFT",
        Paper(45.2, 63.7, 54.5),
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
        way="stepwise",
        shared=True,
    ),
    Experiment("T_max = 1", _PLANNERS, ("none",), None, Paper(58.5, 61.8, 60.2), max_attempts=1),
    Experiment(
        "T_max = 3",
        _PLANNERS,
        _BEST,
        "T_max = 1",
        Paper(58.6, 72.0, 65.3),
        recipe=_GRPO,
        max_attempts=3,
        one_seed=True,
    ),
    Experiment("T_max = 5", _PLANNERS, _BEST, "T_max = 3", Paper(58.6, 74.0, 66.3), recipe=_GRPO, one_seed=True),
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
        one_seed=True,
    ),
)
"""In the order of the table."""

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
        way="sampled",
    ),
    Experiment("full RL, sampled", _PLANNERS, ("grpo",), "full SFT, sampled", way="sampled", one_seed=True),
)
"""Rows beside the table: what else might explain a gain, and what greedy answers hide."""

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
"""Rows of the brittleness part."""


def named_experiments(names: list[str]) -> list[Experiment]:
    """The rows with these names, in the table's order; all for an empty list.

    Raises:
        InputError: There is none of a name.
    """
    from interleavethinker.tools.errors import InputError

    known = {row.name: row for row in ROWS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"A row must be one of: {'; '.join(known)}. Found {unknown[0]!r}.")
    return [row for row in ROWS if not names or row.name in names]


def settings_of(row: Experiment) -> list[ExperimentConfig] | Skipped:
    """The settings of a row, one for each training seed of its critic, or why there are none."""
    planners, critics = _first_installed("planner", row.planner), _first_installed("critic", row.critic)
    if row.one_seed:
        critics = critics[:1]
    if row.shared:
        planners = critics = [name for name in planners if name in critics]
    for role, found, wanted in (("planner", planners, row.planner), ("critic", critics, row.critic)):
        if not found:
            return Skipped(
                row.name, f"no weights of a {role} {' or '.join(map(repr, wanted))} are installed", row.recipe
            )
    pairs = zip(planners, critics, strict=True) if row.shared else ((planners[0], critic) for critic in critics)
    return [
        ExperimentConfig(
            planner,
            critic,
            row.max_attempts,
            reseed=row.way == "reseed",
            temperature=1.0 if row.way == "sampled" else 0.0,
            stepwise=row.way == "stepwise",
        )
        for planner, critic in pairs
    ]


def critic_alone(critic: str) -> ExperimentConfig:
    """The critic without a planner, to add the two in the other order: the whole request is the prompt it rewords."""
    return ExperimentConfig("whole request", critic)


def brittle_agent() -> ExperimentConfig:
    """The agent whose brittleness is measured: the best that is installed.

    Where no learned planner is, the reference's own plans are spoiled: the scripted planner refuses most requests.
    """
    planner = _first_installed("planner", ("sft", "oracle"))[0]
    return ExperimentConfig(planner, _first_installed("critic", _BEST)[0])


def _first_installed(role: str, variants: tuple[str, ...]) -> list[str]:
    """Names of the first variant that has any weights; each of its training seeds that is installed."""
    own = {"scripted", "oracle", "whole request", "none"}
    for variant in variants:
        found = [variant] if variant in own else [name for name in trained(role, variant) if installed(role, name)]
        if found:
            return found
    return []
