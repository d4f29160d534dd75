"""The drift guard over chains of edits, with and without it; see `evaluation.micro.drift`."""

from __future__ import annotations

import numpy as np

from interleavethinker.evaluation.micro.drift import Course, DriftEvalConfig, run_chains
from interleavethinker.evaluation.micro.generator import Generator
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.evaluation.statistics import bootstrap, rate
from interleavethinker.tools.files import LineFile

from .results import ExtensionResult, ExtensionRow, paired_difference, percent

__all__ = ["run_drift"]

_ALL, _LAST = "all images", "last image"


def run_drift(
    config: DriftEvalConfig,
    progress: StageProgress = ignore_progress,
    model: Generator | None = None,
    finished: LineFile | None = None,
) -> ExtensionResult:
    """Runs all chains under all guards; not to be called in a running event loop.

    Args:
        config: What to measure.
        progress: Called for every finished chain.
        model: The image model; the shipped generator by default.
        finished: Finished chains of the same configuration, but for their number; new ones are added.
    """
    courses = run_chains(config, progress, model, finished)
    base = next(iter(courses))
    return ExtensionResult(
        n=config.n,
        unit="chains",
        rows=tuple(_row(name, runs, None if name == base else (base, courses[base])) for name, runs in courses.items()),
        settings={
            "edits": config.edits,
            "threshold": config.threshold,
            "max_attempts": config.max_attempts,
            "generator": "weaker" if config.weaker else "shipped",
        },
    )


def _row(name: str, runs: list[Course], reference: tuple[str, list[Course]] | None) -> ExtensionRow:
    scores = _scores(runs)
    differences = {}
    if reference is not None:
        others = _scores(reference[1])
        differences = {
            measure: paired_difference(reference[0], values, others[measure]) for measure, values in scores.items()
        }
    return ExtensionRow(
        name,
        {
            **{measure: bootstrap(values) for measure, values in scores.items()},
            "last image right": percent(rate([run.right[-1] for run in runs])),
        },
        {
            "calls": float(np.mean([run.calls for run in runs])),
            "steps drawn again": float(np.mean([run.acts for run in runs])),
            "drift of the last image": float(np.mean([run.drifts[-1] for run in runs])),
        },
        differences,
    )


def _scores(runs: list[Course]) -> dict[str, list[float]]:
    """Returns the score of each chain's edited images and of its last one, 0..100."""
    return {_ALL: [10 * run.mean for run in runs], _LAST: [10 * run.overall[-1] for run in runs]}
