"""Experiments of several trainings and one evaluation: the commands of each, in order, and a resumable run of them.

| name | question |
| --- | --- |
| `training-seeds` | how much does RL gain over SFT as served, averaged over the draw of the SFT run? |
| `styles` | the same over six teachers, each of which prefers one rewording in half of its answers |
| `dialects` | does RL learn the words that its own generator obeys, and what does a critic lose on another generator? |

Every stage is a command of `interleavethinker` that resumes by itself; a stage that ended is noted in `done.json` and
not begun again. Stages that do not need each other may run side by side. Questions and what decides them are written
down in `results/training-log.md` before a run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.microworld.language.dialects import DIALECTS, words_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.structured_text import parse_json

__all__ = ["EXPERIMENTS", "Size", "Stage", "run_experiment", "stages_of", "write_dialects"]

EXPERIMENTS = ("training-seeds", "styles", "dialects")
_TRAINING_SEEDS = (1001, 1002, 1003)
_SEED = "1000"
"""Seed of the evaluation; nothing was developed with it."""
_SHIPPED_CRITIC = "interleavethinker.microworld:checkpoints/critic"
_SHIPPED_PLANNER = "interleavethinker.microworld:checkpoints/planner"
_DIALECT_REQUESTS = 350
"""Requests of each of the nine combinations of critic and generator, most of whose steps take several attempts."""
_ONE_STEP = ("arguments.max_steps=1", "arguments.per_device_train_batch_size=4", "arguments.save_steps=1")


@dataclass(frozen=True)
class Stage:
    """One command."""

    name: str
    words: tuple[str, ...]
    """After `interleavethinker`."""
    needs: tuple[str, ...] = ()
    """Names of the stages that must have ended before."""


@dataclass(frozen=True)
class Size:
    """How much an experiment trains on."""

    base: str | None = None
    """The critic that SFT starts from; None: the experiment makes it, with `train micro-critic-synthetic`."""
    data: str | None = None
    """The data set; None: the experiment makes it, with `data build`."""
    requests: int = 3000
    held_out: int = 250
    evaluated: int = 3000
    small: bool = False
    """A miniature: a few requests, one training step each. It shows that the commands run, and measures nothing."""

    @classmethod
    def miniature(cls) -> Size:
        """Returns the size of a miniature, which starts from the shipped critic."""
        return cls(_SHIPPED_CRITIC, None, 14, 2, 2, small=True)


def stages_of(name: str, root: Path, size: Size) -> list[Stage]:
    """Returns the stages of an experiment, in order.

    Args:
        name: One of `EXPERIMENTS`.
        root: The experiment's folder.
        size: How much to train on.

    Raises:
        InputError: There is no such experiment.
    """
    if name not in EXPERIMENTS:
        raise InputError(f"Unknown experiment {name!r}; choose one of {', '.join(EXPERIMENTS)}.")
    data = Path(size.data or root / "data")
    counts = ("--train", str(size.requests), "--held-out", str(size.held_out))
    made = Stage("data", ("data", "build", str(data), *counts))
    stages = _dialect_stages(root, data, size) if name == "dialects" else _pair_stages(name, root, data, size)
    if size.data is None:
        return [made, *stages]
    return [replace(stage, needs=tuple(one for one in stage.needs if one != made.name)) for stage in stages]


def _pair_stages(name: str, root: Path, data: Path, size: Size) -> list[Stage]:
    """SFT and RL for each training seed, or for each style of the teacher; then the pairs of both."""
    stages: list[Stage] = []
    base = size.base
    if base is None:
        stages.append(_training("base", "micro-critic-synthetic", data, _SHIPPED_PLANNER, 0, root / "base", size))
        base = str(root / "base" / "model")
    ready = stages[-1].name if stages else "data"
    if name == "training-seeds":
        runs = {f"seed-{seed}": (data, seed, ready) for seed in _TRAINING_SEEDS}
    else:
        runs = {}
        for style in STRATEGIES:
            into, before = str(root / f"data-{style}"), stages[-1].name if stages else ready
            words = ("data", "scores", str(data), "--style", style, "--into", into)
            stages.append(Stage(f"scores-{style}", words, (before,)))  # one at a time: they lock the data set
            stages.append(Stage(f"select-{style}", ("data", "select", into), (f"scores-{style}",)))
            runs[style] = Path(into), _TRAINING_SEEDS[0], f"select-{style}"
    pairs: list[str] = []
    for run, (rows, seed, needed) in runs.items():
        sft, grpo = root / f"sft-{run}", root / f"grpo-{run}"
        stages.append(_training(f"sft-{run}", "micro-critic-sft", rows, base, seed, sft, size, needs=needed))
        model = str(sft / "model")
        stages.append(_training(f"grpo-{run}", "micro-critic-grpo", rows, model, seed, grpo, size, needs=f"sft-{run}"))
        pairs.append(f"{model}={grpo / 'model'}")
    evaluated = ("--n", str(size.evaluated), "--seed", _SEED, "--out", str(root / "pairs"))
    trained = tuple(f"grpo-{run}" for run in runs)
    return [*stages, Stage("pairs", ("evaluate", "micro-pairs", *pairs, *evaluated), trained)]


def _dialect_stages(root: Path, data: Path, size: Size) -> list[Stage]:
    """RL of the shipped SFT critic on a generator of each dialect; then each critic with each generator."""
    stages: list[Stage] = []
    tables = {dialect: root / f"{dialect}.toml" for dialect in DIALECTS}
    for dialect, table in tables.items():
        server = ["--max-batch", "16", *(["--words", str(table.absolute())] if words_of(dialect) else [])]
        out, override = root / f"grpo-{dialect}", f"server={json.dumps(server)}"
        stages.append(
            _training(
                f"grpo-{dialect}", "micro-critic-grpo", data, _SHIPPED_CRITIC, _TRAINING_SEEDS[0], out, size, override
            )
        )
    trained = tuple(stage.name for stage in stages)
    pairs = [f"sft={root / f'grpo-{dialect}' / 'model'}" for dialect in DIALECTS]
    for dialect, table in tables.items():
        options = ("--words", str(table)) if words_of(dialect) else ()
        requests = str(min(size.evaluated, _DIALECT_REQUESTS))
        evaluated = ("--n", requests, "--seed", _SEED, "--out", str(root / f"pairs-{dialect}"))
        stages.append(Stage(f"pairs-{dialect}", ("evaluate", "micro-pairs", *pairs, *options, *evaluated), trained))
    return stages


def write_dialects(root: Path) -> None:
    """Writes the tables of words that the stages of `dialects` name."""
    root.mkdir(parents=True, exist_ok=True)
    for dialect in DIALECTS:
        if table := words_of(dialect):
            lines = "".join(f'{word} = "{other}"\n' for word, other in sorted(table.items()))
            atomic_write(root / f"{dialect}.toml", lines.encode())


def _training(
    name: str, recipe: str, data: Path, model: str, seed: int, out: Path, size: Size, *more: str, needs: str = "data"
) -> Stage:
    overrides = [f"seed={seed}", f"data={data}", f"model={model}", *more]
    if size.small:
        overrides += [*_ONE_STEP, "rows=4"]
        overrides += ["arguments.num_generations=2"] if recipe == "micro-critic-grpo" else []
    sets = [word for override in overrides for word in ("--set", override)]
    return Stage(name, ("train", recipe, *sets, "--out", str(out)), (needs,))


def run_experiment(root: Path, stages: list[Stage], execute: Callable[[Stage], int], at_once: int = 1) -> str | None:
    """Runs the stages that have not ended, each after those that it needs.

    Args:
        root: The experiment's folder.
        stages: From `stages_of`.
        execute: Runs a stage's command and returns its exit code. With several at once, it is called from threads.
        at_once: Number of stages that run side by side.

    Returns:
        The name of the first stage that failed; None if all ended. After a failure no stage is begun, and those that
        run are waited for.

    Raises:
        InputError: The folder belongs to another experiment, or to one of another size.
    """
    path = root / "done.json"
    done: dict[str, list[str]] = parse_json(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for stage in stages:
        if stage.name in done and done[stage.name] != list(stage.words):
            raise InputError(
                f"{root} belongs to another experiment: its stage {stage.name} had other arguments. Name a new folder."
            )
    if unknown := done.keys() - {stage.name for stage in stages}:
        raise InputError(f"{root} belongs to another experiment, with a stage {min(unknown)}. Name a new folder.")
    root.mkdir(parents=True, exist_ok=True)
    waiting = [stage for stage in stages if stage.name not in done]
    running: dict[Future[int], Stage] = {}
    failed: str | None = None
    with ThreadPoolExecutor(at_once) as threads:
        while running or (waiting and failed is None):
            ready = [stage for stage in waiting if done.keys() >= set(stage.needs)] if failed is None else []
            for stage in ready[: at_once - len(running)]:
                waiting.remove(stage)
                running[threads.submit(execute, stage)] = stage
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                stage = running.pop(ended)
                if ended.result() != 0:
                    failed = failed or stage.name
                    continue
                done[stage.name] = list(stage.words)
                atomic_write(path, json.dumps(done, indent=1).encode())
    return failed
