"""Connects the data stages to the micro world: teachers as planner and critic, a grader, and two generators."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.graph import Components, Limits
from interleavethinker.microworld.agents.teachers import ReferencePlanner, TeacherCritic, label_attempt
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.scoring.targets import target_from
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.types import CriticInput

from .critic import Graded
from .local_generator import LocalGenerator
from .schema import PromptRow
from .scores import Grade, GradedBy, ScoreOne
from .trajectories import PAPER_LIMITS, ComponentsFactory

__all__ = ["GENERATORS", "MicroComponents", "MicroScoring", "micro_components", "micro_generators", "micro_grade"]

GENERATORS = ("shipped", "weaker")
"""The shipped weights and a degraded variant. Data from a generator that is nearly always right would teach the critic
to accept everything.
"""


def micro_generators(store: ImageStore, checkpoint: Path | None = None) -> dict[str, ImageGenerator]:
    """Loads both generators of the micro world into this process.

    Raises:
        InputError: The weights are missing (`no_checkpoint`).
    """
    return {
        name: LocalGenerator(MicroGenerator(checkpoint, weaker=name == "weaker"), store, f"micro/{name}")
        for name in GENERATORS
    }


def micro_components(
    store: ImageStore, generators: Mapping[str, ImageGenerator], seed: int, limits: Limits = PAPER_LIMITS
) -> ComponentsFactory:
    """Returns a factory for the components of a trajectory: the known plan, the teacher critic, the named generator.

    Args:
        store: Image store of the data set.
        generators: The image generators by name.
        seed: Seed of the teacher's rewriting strategies. `micro_grade` with the same seed returns the same answers that
            the trajectories followed.
        limits: Limits of each trajectory.
    """

    def components_for(row: PromptRow, generator: str) -> Components:
        if row.plan is None:
            raise InputError(
                f"Request {row.id} has no known plan, so the micro world's teachers cannot serve it. Name a profile "
                "whose planner and critic are the teachers."
            )
        targets = {
            step.prompt: target_from(reference)
            for step, reference in zip(row.plan.steps, row.references, strict=True)
            if step.prompt is not None
        }
        return Components(
            ReferencePlanner(row.plan), TeacherCritic(store, targets, seed), generators[generator], limits
        )

    return components_for


def micro_grade(store: ImageStore, seed: int, style: str = "") -> Grade:
    """Returns a function that grades an attempt with the micro world's scorer and its teacher.

    Args:
        store: Contains the images.
        seed: Seed of the teacher's rewriting strategies.
        style: The strategy that the teacher prefers; empty: none.
    """

    def grade(case: CriticInput, reference: JsonValue) -> Graded:
        source = None if case.source is None else open_rgb(store.get(case.source))
        label = label_attempt(
            open_rgb(store.get(case.image)), source, target_from(reference), case.prompt, seed, style=style
        )
        success = bool(label.verdict.success)
        return Graded(label.score.semantics, label.score.quality, success, label.verdict, label.strategy)

    return grade


@dataclass(frozen=True)
class MicroComponents:
    """Opens the micro world's teachers and both generators in a worker."""

    checkpoint: Path | None
    seed: int

    @contextlib.asynccontextmanager
    async def open(self, store: ImageStore) -> AsyncIterator[ComponentsFactory]:
        """See `ComponentsOpener.open`."""
        generators = await asyncio.to_thread(micro_generators, store, self.checkpoint)
        yield micro_components(store, generators, self.seed)


@dataclass(frozen=True)
class MicroScoring:
    """Scores with the micro world's scorer in a worker."""

    seed: int
    style: str = ""
    """The rewriting strategy that the teacher prefers; empty: none."""
    needs_references: bool = True

    @contextlib.asynccontextmanager
    async def open(self, root: Path) -> AsyncIterator[ScoreOne]:
        """See `Scoring.open`."""
        async with GradedBy(micro_grade(ImageStore(root / "images"), self.seed, self.style)).open(root) as score:
            yield score
