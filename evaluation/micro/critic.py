"""Measures critics in the micro world: how well they judge, and whether their refined prompts help more than new seeds.

All critics see the same cases (`critic_cases`), with sampled and with greedy answers. Every failure is retried with
each prompt that any of them wrote for it, once for all critics. `critic_workers` runs the models, and `critic_report`
makes the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.microworld.requests.families import Split

from .critic_cases import RetryTask, plan_attempts
from .critic_report import CriticRun, critic_report, retries_needed
from .critic_workers import WorkerPool

__all__ = ["CriticEvalConfig", "measure_critics"]

_GREEDY = 0.0


@dataclass(frozen=True)
class CriticEvalConfig:
    """What to measure; saved with the report."""

    n: int = 640
    """The number of first attempts to judge; about 35 % of the shipped generator's attempts fail."""
    retry_seeds: int = 4
    """The number of generator seeds with which each failure is retried."""
    seed: int = 0
    split: Split = "combinations"
    temperature: float = 1.0
    """Sampling temperature of the sampled answers, which are the main result."""


def measure_critics(
    pool: WorkerPool,
    critics: Mapping[str, AgentWeights],
    config: CriticEvalConfig,
    progress: StageProgress = ignore_progress,
) -> dict[str, JsonValue]:
    """Measures critics on the same cases.

    Args:
        pool: Runs generator and critics.
        critics: The critics by name.
        config: What to measure.
        progress: Called for every finished task.

    Returns:
        The report on sampled answers, the one on greedy answers under `greedy`, and the configuration.
    """
    planned = plan_attempts(config.n, config.seed, split=config.split, retry_seeds=config.retry_seeds)
    cases = pool.make_attempts(planned, progress)
    modes = {"sampled": config.temperature, "greedy": _GREEDY}
    jobs = [(mode, name) for mode in modes for name in critics]
    answers_of_jobs = pool.judge(
        [(critics[name], modes[mode]) for mode, name in jobs], [case.input for case in cases], config.seed, progress
    )
    runs: dict[str, dict[str, CriticRun]] = {mode: {} for mode in modes}
    for (mode, name), answers in zip(jobs, answers_of_jobs, strict=True):
        verdicts, well_formed, tokens = zip(*answers, strict=True)
        runs[mode][name] = CriticRun(critics[name].variant, critics[name].seed, verdicts, well_formed, tokens)
    needed = retries_needed(cases, [run for of_mode in runs.values() for run in of_mode.values()])
    retries = [RetryTask(prompt, cases[at].source, cases[at].target, cases[at].seeds) for at, prompt in needed]
    scores = dict(zip(needed, pool.retry_failures(retries, progress), strict=True))
    return {
        "n": len(cases),
        "failures": sum(not case.success for case in cases),
        "near_threshold": sum(case.near_threshold for case in cases),
        "retry_seeds": config.retry_seeds,
        "seed": config.seed,
        "split": config.split,
        "temperature": config.temperature,
        "models": {
            name: {"variant": one.variant, "model": one.model, "adapter": one.adapter, "training_seed": one.seed}
            for name, one in critics.items()
        },
        **critic_report(cases, runs["sampled"], scores),
        "greedy": critic_report(cases, runs["greedy"], scores),
    }
