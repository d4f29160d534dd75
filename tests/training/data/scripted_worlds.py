"""Components and graders for workers in other processes, which import this file by its name."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.graph import Components
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, Verdict
from interleavethinker.training.data.critic import Graded
from interleavethinker.training.data.schema import PromptRow, TrajectoryRow
from interleavethinker.training.data.scores import GradedBy, Scored, ScoreOne
from interleavethinker.training.data.trajectories import ComponentsFactory


@dataclass(frozen=True)
class Studied:
    """Plans of one image each. The first call for `kill` kills its worker; calls wait while `wait` exists.

    `pid-N` is a file for each worker, `made-…` one for each call.
    """

    notes: Path

    @contextlib.asynccontextmanager
    async def open(self, store: ImageStore) -> AsyncIterator[ComponentsFactory]:
        (self.notes / f"pid-{os.getpid()}").touch()
        generator = _Noted(MemoryGenerator(store), self.notes)

        def components_for(row: PromptRow, _generator: str) -> Components:
            return Components(FixedPlanner(plan_of(row.request.text)), RuleCritic(), generator)

        yield components_for


class _Noted:
    def __init__(self, inner: MemoryGenerator, notes: Path) -> None:
        self._inner = inner
        self._notes = notes

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        first = not list(self._notes.glob(f"made-{call.prompt}-*"))
        (self._notes / f"made-{call.prompt}-{os.urandom(4).hex()}").touch()
        if call.prompt == "kill" and first:
            os.kill(os.getpid(), signal.SIGKILL)
        while call.prompt != "first" and (self._notes / "wait").exists():  # noqa: ASYNC110 - a file of other processes
            await asyncio.sleep(0.01)
        return await self._inner.generate(call, progress)


@dataclass(frozen=True)
class Graders:
    """Grades by the prompt; the first time that `kill` is graded, the worker dies."""

    notes: Path
    needs_references: bool = False

    @contextlib.asynccontextmanager
    async def open(self, root: Path) -> AsyncIterator[ScoreOne]:
        async with GradedBy(
            lambda case, _reference: Graded(9, 7, True, Verdict(success=True, refined_prompt=case.prompt))
        ).open(root) as inner:

            async def score(row: TrajectoryRow) -> Scored:
                note = self.notes / "graded-kill"
                if row.attempts[0].prompt == "kill" and not note.exists():
                    note.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                return await inner(row)

            yield score
