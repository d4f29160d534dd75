"""Stage 3: scores every attempt of every trajectory, with a label to learn.

A grader knows scores, label and the teacher's answer together, as in the micro world. A judge knows only scores: the
label is then the verdict that the trajectory followed, the teacher's or a person's. A trajectory is written when all of
its attempts are scored, so that a stopped stage goes on with the next one. One whose judge or images fail is dropped
and counted, and tried again when the stage is repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from pydantic import JsonValue

from interleavethinker.evaluation.executors import Call, ExecutorConfig, Lost, run_items
from interleavethinker.evaluation.judges.base import Judge, JudgedImage
from interleavethinker.evaluation.judges.cache import JudgeCache, absorb
from interleavethinker.tools.errors import InputError, ModelError, StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput

from .critic import Graded, case_of, critic_row, reference_of, sharing_images
from .folder import DataFolder
from .schema import CriticRow, TrajectoryRow
from .summary import StageSummary

__all__ = [
    "ChatJudgeScoring",
    "Grade",
    "GradedBy",
    "JudgedBy",
    "ScoreOne",
    "ScoreWorker",
    "Scoring",
    "copy_trajectories",
    "score",
]

_CACHE = "judge.jsonl"


@dataclass(frozen=True)
class Scored:
    """What became of one trajectory."""

    rows: tuple[CriticRow, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Numbers of attempts or trajectories without a row, by reason."""
    unusable: str = ""
    """Why the trajectory is set aside; empty if it is not."""


Grade: TypeAlias = Callable[[CriticInput, JsonValue], Graded | None]
"""Grades one attempt, from the critic's input and the step's reference; None if the judge gave no usable answer."""

ScoreOne: TypeAlias = Callable[[TrajectoryRow], Awaitable[Scored]]


class Scoring(Protocol):
    """Opens a judge or grader in a worker; picklable, unless it is only used in this process."""

    @property
    def needs_references(self) -> bool:
        """Whether it can score only attempts whose step has a reference."""

    def open(self, root: Path) -> AbstractAsyncContextManager[ScoreOne]:
        """Yields what scores a trajectory of the data set in `root`."""


@dataclass(frozen=True)
class GradedBy:
    """Scores with a grader that this process has already."""

    grade: Grade
    needs_references: bool = True

    @contextlib.asynccontextmanager
    async def open(self, _root: Path) -> AsyncIterator[ScoreOne]:
        """See `Scoring.open`."""
        yield self._score

    async def _score(self, row: TrajectoryRow) -> Scored:
        await asyncio.sleep(0)  # Grading only computes: let the others have their turn.
        rows, dropped = [], 0
        for attempt in row.attempts:
            case = case_of(row, attempt)
            graded = None if case is None else self.grade(case, reference_of(row, attempt.step))
            if case is None or graded is None:
                dropped += 1
            else:
                rows.append(critic_row(row, attempt, case, graded))
        return Scored(tuple(rows), {"no usable score": dropped})


@dataclass(frozen=True)
class JudgedBy:
    """Scores with a judge that this process has already."""

    judge: Judge
    needs_references: bool = False

    @contextlib.asynccontextmanager
    async def open(self, _root: Path) -> AsyncIterator[ScoreOne]:
        """See `Scoring.open`."""
        yield self._score

    async def _score(self, row: TrajectoryRow) -> Scored:
        labelled, dropped = [], Counter[str]()
        for attempt in row.attempts:
            case = case_of(row, attempt)
            if case is None:
                continue
            if attempt.verdict is None or attempt.verdict.success is None:
                dropped["attempts that no teacher judged"] += 1
            else:
                labelled.append((attempt, attempt.verdict, case))
        scores = await self.judge.judge(
            [
                JudgedImage(case.image, case.source, case.original_prompt, reference_of(row, attempt.step))
                for attempt, _, case in labelled
            ]
        )
        rows = []
        for (attempt, verdict, case), score in zip(labelled, scores, strict=True):
            if score is None:
                dropped["attempts without a usable score"] += 1
                continue
            graded = Graded(score.semantics, score.quality, bool(verdict.success), verdict)
            rows.append(critic_row(row, attempt, case, graded))
        return Scored(tuple(rows), dropped)


@dataclass(frozen=True)
class ChatJudgeScoring:
    """Scores with a chat model, `provider:model`. Each worker saves its answers in a file of its own."""

    model: str
    needs_references: bool = False

    @contextlib.asynccontextmanager
    async def open(self, root: Path) -> AsyncIterator[ScoreOne]:
        """See `Scoring.open`."""
        from interleavethinker.evaluation.judges.vlm import VlmJudge
        from interleavethinker.tools.chat.loading import load_chat_model

        own = root / f"judge-{secrets.token_hex(4)}.jsonl"
        cache = await asyncio.to_thread(JudgeCache, own, (root / _CACHE,))
        model = await asyncio.to_thread(load_chat_model, self.model)
        judge = VlmJudge(model, ImageStore(root / "images"), cache=cache, name=self.model)
        async with JudgedBy(judge).open(root) as score:
            yield score


@dataclass(frozen=True)
class ScoreWorker:
    """Scores trajectories; see `evaluation.executors`."""

    root: Path
    scoring: Scoring

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Call[TrajectoryRow, Scored]]:
        """See `Worker.open`."""
        async with self.scoring.open(self.root) as score_one:

            async def score(row: TrajectoryRow) -> Scored:
                try:
                    return await score_one(row)
                except (StoreError, InputError) as error:  # An image of it is missing or damaged.
                    return Scored(unusable=str(error))
                except ModelError as error:
                    return Scored(dropped={f"trajectories whose judge failed: {error.code}": 1})

            yield score


def copy_trajectories(folder: DataFolder, into: DataFolder) -> DataFolder:
    """Makes a data set with the trajectories of another one, to be scored in another way; returns it.

    Args:
        folder: The data set.
        into: A new folder, or one that was made like this before: trajectories that it lacks are added.

    Raises:
        InputError: `folder` has no trajectories, or `into` already has images of its own.
    """
    with folder.stage(folder.trajectories):
        rows = list(folder.rows(folder.trajectories, StageSummary("scores")))
    sharing_images(into, folder)
    with into.stage():
        known = into.trajectories.ids()
        into.trajectories.append_together([row for row in rows if row.id not in known])
    return into


async def score(
    folder: DataFolder,
    scoring: Scoring,
    *,
    executor: ExecutorConfig | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StageSummary:
    """Scores the trajectories that have no scores yet.

    Args:
        folder: The data set.
        scoring: Opens the judge or grader in each worker.
        executor: Where trajectories are scored, and how many at once; in this process by default.
        progress: Called with the number of finished trajectories and their total.

    Raises:
        InputError: The grader needs references, and no trajectory has any.
    """
    with folder.stage(folder.trajectories):
        summary, done = StageSummary("scores"), 0
        known = {row.trajectory for row in folder.rows(folder.scored, summary)}
        waiting = [row for row in folder.rows(folder.trajectories, summary) if row.id not in known]
        if scoring.needs_references:
            waiting = _with_references(folder, waiting, summary)
        if known:
            summary.keep("trajectories already scored", len(known))

        def save(number: int, result: Scored | Lost) -> None:
            nonlocal done
            row = waiting[number]
            if isinstance(result, Lost):
                folder.set_aside(row.id, f"its worker's process ended {result.deaths} times")
                summary.drop("trajectories whose workers died, listed in quarantine.jsonl")
            else:
                _save(folder, row, result, summary)
            done += 1
            if progress is not None:
                progress(done, len(waiting))

        _collect_answers(folder.root)  # those that a killed run left
        try:
            await run_items(executor or ExecutorConfig(), ScoreWorker(folder.root.absolute(), scoring), waiting, save)
        finally:
            _collect_answers(folder.root)
        return summary


def _with_references(folder: DataFolder, waiting: list[TrajectoryRow], summary: StageSummary) -> list[TrajectoryRow]:
    found = [row for row in waiting if row.references]
    if waiting and not found:
        raise InputError(
            f"No trajectory of {folder.root} has references, which the micro world's scorer compares images with. Name "
            "a chat model that judges them: --judge."
        )
    summary.drop("trajectories without references: they need a judge (--judge)", len(waiting) - len(found))
    return found


def _save(folder: DataFolder, row: TrajectoryRow, result: Scored, summary: StageSummary) -> None:
    for reason, count in result.dropped.items():
        summary.drop(reason, count)
    if result.unusable:
        folder.set_aside(row.id, result.unusable)
        summary.drop("trajectories with an unusable image, listed in quarantine.jsonl")
        return
    folder.scored.append_together(result.rows)
    for scored in result.rows:
        summary.keep(f"{row.split}, {'good' if scored.success else 'bad'}")


def _collect_answers(root: Path) -> None:
    absorb(root / _CACHE, sorted(root.glob("judge-*.jsonl")))
