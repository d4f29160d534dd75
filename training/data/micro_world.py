"""What the data stages need to know of the micro world: its teachers behind the ports, its grader, its generators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.graph import Components, Limits
from interleavethinker.microworld.agents.teachers import ReferencePlanner, TeacherCritic, label_attempt
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.scoring.targets import target_from
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.types import CriticInput

from .critic import Grade, Graded
from .local_generator import LocalGenerator
from .schema import PromptRow
from .trajectories import PAPER_LIMITS, PortsFor

__all__ = ["GENERATORS", "micro_components", "micro_generators", "micro_grade"]

GENERATORS = ("shipped", "weaker")
"""The shipped weights and their degraded variant: a generator that is nearly always right would teach the critic to
say yes.
"""


def micro_generators(store: ImageStore, checkpoint: Path | None = None) -> dict[str, ImageGenerator]:
    """Both generators of the micro world, in this process.

    Raises:
        InputError: There are no weights (`no_checkpoint`).
    """
    return {
        name: LocalGenerator(MicroGenerator(checkpoint, weaker=name == "weaker"), store, f"micro/{name}")
        for name in GENERATORS
    }


def micro_components(
    store: ImageStore, generators: Mapping[str, ImageGenerator], seed: int, limits: Limits = PAPER_LIMITS
) -> PortsFor:
    """Makes the ports of a trajectory: the known plan, the teacher, and the named generator.

    Args:
        store: Where the pictures lie.
        generators: By name.
        seed: Of the teacher's strategies; `micro_grade` with the same one gives the answers that were acted upon.
        limits: Of each trajectory.
    """

    def ports_for(row: PromptRow, generator: str) -> Components:
        targets = {
            step.prompt: target_from(reference)
            for step, reference in zip(row.plan.steps, row.references, strict=True)
            if step.prompt is not None
        }
        return Components(
            ReferencePlanner(row.plan), TeacherCritic(store, targets, seed), generators[generator], limits
        )

    return ports_for


def micro_grade(store: ImageStore, seed: int) -> Grade:
    """The scorer's figures and the teacher's answer for one attempt."""

    def grade(case: CriticInput, reference: JsonValue) -> Graded:
        source = None if case.source is None else open_rgb(store.get(case.source))
        lesson = label_attempt(open_rgb(store.get(case.image)), source, target_from(reference), case.prompt, seed)
        success = bool(lesson.verdict.success)
        return Graded(lesson.score.semantics, lesson.score.quality, success, lesson.verdict, lesson.strategy)

    return grade
