"""Measures the drift guard: long chains of edits in the micro world, with and without it.

Every chain begins with a picture of two objects, which 24 edits then change one by one. The plan is the reference, the
critic the scripted baseline, the generator the shipped one, so that only the guard differs. The image after each edit
is scored against the scene that all edits so far ask for: the image may be right only if no earlier edit left damage.
Scenes hold at most three objects, the most that the generator was trained to draw from one description.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, ConfigDict

from interleavethinker.evaluation.markdown_tables import markdown_table
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.evaluation.statistics import Estimate, bootstrap, rate, verdict_of_interval
from interleavethinker.graph import Components, Limits, make_graph
from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.graph.limits import DriftAction, DriftGuard
from interleavethinker.microworld.agents.scripted_critic import ScriptedCritic
from interleavethinker.microworld.agents.teachers import ReferencePlanner
from interleavethinker.microworld.agents.wish_reader import MicroWishReader
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import (
    EDIT_KINDS,
    MAX_NAMED,
    cell_targets_of,
    describe,
    instruct,
    random_edit,
)
from interleavethinker.microworld.scenes.reader import Reading, read
from interleavethinker.microworld.scenes.scene import Scene, random_scene
from interleavethinker.microworld.scoring.scorer import Score, is_success, score_reading
from interleavethinker.microworld.seeds import DRIFT_EVALUATION
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import (
    Attempt,
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    Plan,
    Sha256,
    Step,
    Verdict,
)

from .generator import Generator

__all__ = [
    "GUARDS",
    "Chain",
    "Course",
    "DriftEvalConfig",
    "drift_report",
    "evaluate_drift",
    "markdown_report",
    "run_chains",
    "sample_chain",
]

GUARDS: dict[str, DriftAction] = {
    "no guard": "note",  # As `nothing`, except that the wish reader measures the damage as with the others.
    "redraw": "redraw",
    "restart": "restart",
}
"""What is compared, by the name in the report."""
_MARKS = (6, 12, 18, 24)
"""Edits after which the report gives the quality."""
_RECURSION_LIMIT = 100_000


@dataclass(frozen=True)
class DriftEvalConfig:
    """What to measure."""

    n: int = 30
    """Number of chains."""
    edits: int = 24
    seed: int = 0
    threshold: float = 0.2
    """See `DriftGuard.threshold`."""
    max_attempts: int = 2
    weaker: bool = False
    """Use the generator with degraded weights."""


@dataclass(frozen=True)
class Chain:
    """One request: the prompts, and the scene that each of them must lead to."""

    prompts: tuple[str, ...]
    scenes: tuple[Scene, ...]


class Course(BaseModel):
    """One chain under one guard, with a value for the image of each step."""

    model_config = ConfigDict(frozen=True)

    overall: tuple[float, ...]
    """The scores, 0..10; 0 for a missing image."""
    quality: tuple[float, ...]
    right: tuple[bool, ...]
    drifts: tuple[float, ...]
    calls: int
    acts: int
    """Steps that the guard drew again."""

    @property
    def mean(self) -> float:
        """The mean score of all edited images."""
        return float(np.mean(self.overall[1:]))


def sample_chain(rng: np.random.Generator, edits: int) -> Chain:
    """Samples a picture of two objects and its edits, none of which makes more than three objects."""
    scene = random_scene(rng, 2)
    prompts, scenes = [describe(scene)], [scene]
    while len(scenes) <= edits:
        kind = str(rng.choice(EDIT_KINDS))
        full, last = len(scene.objects) >= MAX_NAMED, len(scene.objects) <= 1
        if (kind == "add" and full) or (kind == "remove" and last):
            continue
        prompt = instruct(random_edit(scene, kind, rng), scene)
        scene = parse(prompt, scene).target
        prompts.append(prompt)
        scenes.append(scene)
    return Chain(tuple(prompts), tuple(scenes))


class _FinishedChain(BaseModel):
    """A line of the file of finished chains."""

    number: int
    courses: dict[str, Course]
    """By guard."""


class _RememberingCritic:
    """The scripted critic. Equal cases are judged once: guards share the beginning of a chain."""

    gives_confidence = True

    def __init__(self, store: ImageStore) -> None:
        self._critic = ScriptedCritic(store)
        self._known: dict[CriticInput, Verdict] = {}

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        unknown = [case for case in cases if case not in self._known]
        self._known.update(zip(unknown, await self._critic.judge(unknown), strict=True))
        return [self._known[case] for case in cases]


class _LocalGenerator:
    """A generator in this process. Equal calls are made once: guards share the beginning of a chain."""

    def __init__(self, store: ImageStore, model: Generator) -> None:
        self._store = store
        self._model = model
        self._known: dict[GenerationRequest, Sha256] = {}

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:  # noqa: ARG002 - the protocol's
        cached = call in self._known
        if not cached:
            self._known[call] = await asyncio.to_thread(self._make, call)
        name = self._known[call]
        width, height = open_rgb(self._store.get(name)).size
        return GeneratedImage(
            sha256=name, width=width, height=height, seed=call.seed, model="micro", seconds=0.0, cached=cached
        )

    def _make(self, call: GenerationRequest) -> Sha256:
        if call.source is None:
            made = self._model.generate([call.prompt], [call.seed])
        else:
            made = self._model.edit([open_rgb(self._store.get(call.source))], [call.prompt], [call.seed])
        return self._store.put(encode_png(made[0]))


def evaluate_drift(
    config: DriftEvalConfig, progress: StageProgress = ignore_progress, model: Generator | None = None
) -> dict[str, Any]:
    """Calls `run_chains` and returns the report."""
    return drift_report(config, run_chains(config, progress, model))


def run_chains(
    config: DriftEvalConfig,
    progress: StageProgress = ignore_progress,
    model: Generator | None = None,
    finished: LineFile | None = None,
) -> dict[str, list[Course]]:
    """Runs every chain under every guard; not to be called in a running event loop.

    Args:
        config: What to measure.
        progress: Called for every finished chain.
        model: The image model; the shipped generator by default.
        finished: Finished chains of the same configuration, but for their number; new ones are added.

    Returns:
        For each guard of `GUARDS` one course per chain, in the order of the chains.
    """
    rng = np.random.default_rng([DRIFT_EVALUATION, config.seed])
    chains = [sample_chain(rng, config.edits) for _ in range(config.n)]
    with tempfile.TemporaryDirectory(prefix="interleavethinker-drift-") as folder:
        store = ImageStore(Path(folder))
        generator = _LocalGenerator(store, model or MicroGenerator(batch=1, weaker=config.weaker))
        lines = [] if finished is None else finished.parsed(_FinishedChain.model_validate_json)
        known = {one.number: one.courses for one in lines}
        for number, chain in enumerate(chains):
            if number not in known:
                critic = _RememberingCritic(store)
                known[number] = {
                    name: asyncio.run(_run(chain, number, action, config, store, generator, critic))
                    for name, action in GUARDS.items()
                }
                if finished is not None:
                    finished.append([_FinishedChain(number=number, courses=known[number]).model_dump_json()])
            progress("chains", number + 1, config.n)
    return {name: [known[number][name] for number in range(config.n)] for name in GUARDS}


async def _run(
    chain: Chain,
    number: int,
    action: DriftAction,
    config: DriftEvalConfig,
    store: ImageStore,
    generator: _LocalGenerator,
    critic: _RememberingCritic,
) -> Course:
    plan = Plan(steps=tuple(Step(prompt=prompt) for prompt in chain.prompts))
    limits = Limits(
        max_attempts=config.max_attempts,
        max_replans=0,
        drift=DriftGuard(action=action, threshold=config.threshold),
    )
    components = Components(
        ReferencePlanner(plan), critic, generator, limits, wish_reader=MicroWishReader(), store=store
    )
    request = {"request": "\n".join(chain.prompts), "seed": config.seed * 1000 + number}
    answer = await make_graph(components=components).ainvoke(
        cast("Any", request), {"recursion_limit": _RECURSION_LIMIT}
    )
    attempts: dict[str, Attempt] = answer["attempts"]
    kept = [selected_attempt(attempts, step) for step in range(len(plan.steps))]
    scores = [_score(one, scene, store) for one, scene in zip(kept, chain.scenes, strict=True)]
    return Course(
        overall=tuple(0.0 if score is None else score.overall for score in scores),
        quality=tuple(0.0 if score is None else score.quality for score in scores),
        right=tuple(score is not None and is_success(score) for score in scores),
        drifts=tuple(0.0 if one is None or one.drift is None else one.drift.total for one in kept),
        calls=len(attempts),
        acts=sum(one is not None and bool(one.wish) for one in kept),
    )


def _score(attempt: Attempt | None, scene: Scene, store: ImageStore) -> Score | None:
    if attempt is None or attempt.image is None:
        return None
    return score_reading(_reading(attempt.image, store), None, cell_targets_of(scene), scene.background)


@lru_cache(maxsize=256)
def _reading(image: Sha256, store: ImageStore) -> Reading:
    """Reads an image; cached, because guards share the beginning of a chain."""
    return read(open_rgb(store.get(image)))


def drift_report(config: DriftEvalConfig, courses: dict[str, list[Course]]) -> dict[str, Any]:
    """Returns rates and means with 95 % intervals, and differences to no guard, chain by chain."""
    marks = [mark for mark in _MARKS if mark <= config.edits] or [config.edits]
    base = next(iter(courses))
    report: dict[str, Any] = {"config": asdict(config), "marks": marks, "guards": {}}
    for name, runs in courses.items():
        row: dict[str, Any] = {
            "right": [_plain(rate([run.right[mark] for run in runs])) for mark in marks],
            "overall": [_plain(bootstrap([run.overall[mark] for run in runs])) for mark in marks],
            "quality": _plain(bootstrap([run.quality[-1] for run in runs])),
            "course": _plain(bootstrap([run.mean for run in runs])),
            "drift": float(np.mean([run.drifts[-1] for run in runs])),
            "acts": float(np.mean([run.acts for run in runs])),
            "calls": float(np.mean([run.calls for run in runs])),
        }
        if name != base:
            pairs = list(zip(runs, courses[base], strict=True))
            row["final_difference"] = _plain(bootstrap([one.overall[-1] - other.overall[-1] for one, other in pairs]))
            row["course_difference"] = _plain(bootstrap([one.mean - other.mean for one, other in pairs]))
        report["guards"][name] = row
    return report


def _plain(estimate: Estimate) -> list[float]:
    return [round(value, 4) for value in (estimate.value, estimate.low, estimate.high)]


def markdown_report(report: dict[str, Any]) -> str:
    """Returns the report as Markdown tables."""
    config, marks = report["config"], report["marks"]
    guards: dict[str, dict[str, Any]] = report["guards"]
    heads = ["guard", *(f"right after {mark} edits" for mark in marks)]
    rows = [[name, *(_interval(one, percent=True) for one in row["right"])] for name, row in guards.items()]
    scores = ["guard", *(f"score after {mark}" for mark in marks), "mean of all images"]
    score_rows = [
        [name, *(_interval(one) for one in row["overall"]), _interval(row["course"])] for name, row in guards.items()
    ]
    costs = ["guard", "last image, difference", "all images, difference", "steps drawn again", "calls", "last drift"]
    cost_rows = [
        [
            name,
            *(_difference(row.get(name), config["n"]) for name in ("final_difference", "course_difference")),
            f"{row['acts']:.1f}",
            f"{row['calls']:.1f}",
            f"{row['drift']:.2f}",
        ]
        for name, row in guards.items()
    ]
    return "\n\n".join(
        [
            "{n} chains of {edits} edits, seed {seed}, threshold {threshold:g}, at most {max_attempts} attempts per "
            "step, {generator}. Scores are 0..10; brackets hold 95 % intervals. A difference is better or worse if its "
            "interval excludes zero.".format(
                **config, generator="weaker generator" if config["weaker"] else "shipped generator"
            ),
            markdown_table(heads, rows),
            markdown_table(scores, score_rows),
            markdown_table(costs, cost_rows) + "\n",
        ]
    )


def _difference(values: Sequence[float] | None, n: int) -> str:
    return "–" if values is None else f"{_interval(values)}: {verdict_of_interval(values[1], values[2], n)}"


def _interval(values: Sequence[float], *, percent: bool = False) -> str:
    if percent:
        return f"{values[0]:.0%} [{values[1]:.0%}, {values[2]:.0%}]"
    return f"{values[0]:.2f} [{values[1]:.2f}, {values[2]:.2f}]"
