"""Runs extension experiments and makes their common report. Finished experiments are kept in the folder."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from interleavethinker.evaluation.micro.drift import DriftEvalConfig
from interleavethinker.evaluation.micro.generator import Generator
from interleavethinker.evaluation.microbench.config import generator_fingerprint
from interleavethinker.evaluation.microbench.experiments import EXTENSIONS
from interleavethinker.evaluation.microbench.variants import run_variants
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.seeds import MAX_USER_SEED
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import LineFile, atomic_write
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.structured_text import parse_json

from .checklists import run_checklists
from .consistency import run_consistency
from .drift import run_drift
from .results import ExtensionResult
from .variants import variants_result

__all__ = ["ExtensionConfig", "run_extensions"]


_SIZES = {
    "consistency": ("characters",),
    "variants": ("requests",),
    "checklists": ("attempts",),
    "drift": ("chains", "edits"),
}
"""The fields of `ExtensionConfig` that an experiment depends on, besides the seed."""


@dataclass(frozen=True)
class ExtensionConfig:
    """What to measure.

    Raises:
        InputError: No experiment has one of the names, or a number is out of range.
    """

    names: tuple[str, ...] = EXTENSIONS
    seed: int = 0
    characters: int = 60
    """Characters of `consistency`, with three later images each."""
    requests: int = 77
    """Requests of `variants`, of which those that want text only are left out."""
    attempts: int = 308
    """First attempts of `checklists`, of which the failed ones are retried."""
    chains: int = 30
    """Chains of edits of `drift`."""
    edits: int = 24

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in EXTENSIONS:
                raise InputError(f"Unknown experiment {name!r}; choose from: {'; '.join(EXTENSIONS)}.")
        for name in ("characters", "requests", "attempts", "chains", "edits"):
            if (value := getattr(self, name)) < 1:
                raise InputError(f"The number of {name} must be at least 1; got {value}.")
        if self.names and not 0 <= self.seed < MAX_USER_SEED:
            raise InputError(f"The seed of extensions must be 0 to {MAX_USER_SEED - 1:,}; got {self.seed}.")


@dataclass(frozen=True)
class _Models:
    """Where images come from."""

    model: Callable[[bool], Generator] | None
    generator: Callable[[ImageStore], ImageGenerator] | None

    def load(self, *, weaker: bool = False, batch: int = 16) -> Generator:
        """Returns the shipped generator, or the weaker one, unless tests give another."""
        return MicroGenerator(weaker=weaker, batch=batch) if self.model is None else self.model(weaker)


def run_extensions(
    config: ExtensionConfig,
    root: Path,
    progress: StageProgress = ignore_progress,
    *,
    model: Callable[[bool], Generator] | None = None,
    generator: Callable[[ImageStore], ImageGenerator] | None = None,
) -> dict[str, JsonValue]:
    """Runs the experiments, or the part of them that is not finished yet; not to be called in a running event loop.

    Args:
        config: What to measure.
        root: The folder of finished experiments; `variants` resumes request by request from MicroBench's files there.
        progress: Called with the experiment's name as the stage.
        model: Makes the image model of all experiments but `variants`, from whether it is the weaker one; for tests.
        generator: Makes the image generator of `variants` from the store; for tests.

    Raises:
        InputError: There is nothing to measure in so small a sample.
        GeneratorError: The image server failed, and retries did not help.
        ProfileError: The libraries of local models are not installed.
    """
    if model is None:
        require_local("MicroBench's models")
    models = _Models(model, generator)
    results = {name: _finished(name, config, root, progress, models) for name in EXTENSIONS if name in config.names}
    return {"seed": config.seed, "extensions": dict(results)}


def _finished(
    name: str, config: ExtensionConfig, root: Path, progress: StageProgress, models: _Models
) -> dict[str, JsonValue]:
    """Returns an experiment's result: the saved one of an equal configuration and generator, or a new one."""
    path = _path(root, name, {**{size: getattr(config, size) for size in _SIZES[name]}, "seed": config.seed})
    # The results of `variants` also depend on planner and critic; MicroBench's own files know which are finished.
    saved = None if name == "variants" else _saved(path)
    if saved is not None:
        return saved
    started = time.perf_counter()
    result = _run(name, config, root, progress, models).as_json()
    result["seconds"] = round(time.perf_counter() - started, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(result, indent=2).encode())
    return result


def _path(root: Path, name: str, settings: Mapping[str, JsonValue]) -> Path:
    """Returns the file of results with these settings and the shipped generator."""
    parts = json.dumps({**settings, "generator": generator_fingerprint()}, sort_keys=True)
    return root / "extensions" / f"{name}-{hashlib.sha256(parts.encode()).hexdigest()[:12]}.json"


def _saved(path: Path) -> dict[str, JsonValue] | None:
    """Returns a saved result; None if there is none that can be read, so that it is measured again."""
    try:
        found: Any = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"rows", "settings", "seconds"} <= found.keys() else None


def _run(name: str, config: ExtensionConfig, root: Path, progress: StageProgress, models: _Models) -> ExtensionResult:
    if name == "variants":
        report = asyncio.run(run_variants(root, config.requests, config.seed, progress, generator=models.generator))
        return variants_result(report)
    if name == "drift":
        # The shipped generator hardly drifts, so that there is nothing to guard against.
        drift = DriftEvalConfig(config.chains, config.edits, config.seed, weaker=True)
        chains = LineFile(_path(root, "chains", {**asdict(drift), "n": None}).with_suffix(".jsonl"))
        model = models.load(weaker=True, batch=1)
        return run_drift(drift, lambda _stage, done, total: progress(name, done, total), model, chains)
    with tempfile.TemporaryDirectory(prefix="interleavethinker-") as folder:
        progress(name, 0, 1)
        found = _measured(name, config, Path(folder), models.load())
        progress(name, 1, 1)
    return found


def _measured(name: str, config: ExtensionConfig, folder: Path, generator: Generator) -> ExtensionResult:
    if name == "consistency":
        return run_consistency(generator, config.characters, config.seed, folder)

    def fits(prompt: str) -> bool:
        return not isinstance(generator, MicroGenerator) or generator.truncated_tokens(prompt) == 0

    return run_checklists(generator, ImageStore(folder), config.attempts, config.seed, fits)
