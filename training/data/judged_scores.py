"""Stage 3 for any images: a judge scores every attempt, and the teacher's verdict in the trajectory is its label."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from interleavethinker.evaluation.judges.base import Judge, JudgedImage
from interleavethinker.tools.errors import InputError, ModelError, StoreError

from .critic import Graded, case_of, critic_row, reference_of
from .folder import DataFolder
from .schema import CriticRow, TrajectoryRow
from .summary import StageSummary

__all__ = ["judge_trajectories"]


async def judge_trajectories(
    folder: DataFolder, judge: Judge, *, at_once: int = 8, progress: Callable[[int, int], None] | None = None
) -> StageSummary:
    """Scores the trajectories that have no scores yet.

    A trajectory is written when all of its attempts are scored, so that a stopped stage goes on with the next one. One
    whose judge or images fail is dropped and counted, and tried again when the stage is repeated.

    Args:
        folder: The data set.
        judge: Scores the images.
        at_once: Trajectories that are judged at once.
        progress: Called with the number of finished trajectories and their total.
    """
    with folder.stage(folder.trajectories):
        summary, gate, done = StageSummary("scores"), asyncio.Semaphore(at_once), 0
        known = {row.trajectory for row in folder.rows(folder.scored, summary)}
        waiting = [row for row in folder.rows(folder.trajectories, summary) if row.id not in known]

        async def score(row: TrajectoryRow) -> None:
            nonlocal done
            async with gate:
                try:
                    rows = await _scored(row, judge, summary)
                except (StoreError, InputError) as error:
                    folder.set_aside(row.id, str(error))
                    summary.drop("trajectories with an unusable image, listed in quarantine.jsonl")
                except ModelError as error:
                    summary.drop(f"trajectories whose judge failed: {error.code}")
                else:
                    folder.scored.append(rows)
                    for scored in rows:
                        summary.keep(f"{row.split}, {'good' if scored.success else 'bad'}")
                done += 1
                if progress is not None:
                    progress(done, len(waiting))

        async with asyncio.TaskGroup() as group:
            for row in waiting:
                group.create_task(score(row))
        if known:
            summary.keep("trajectories already scored", len(known))
        return summary


async def _scored(row: TrajectoryRow, judge: Judge, summary: StageSummary) -> list[CriticRow]:
    labelled, unlabelled = [], 0
    for attempt in row.attempts:
        case = case_of(row, attempt)
        if case is None:
            continue
        if attempt.verdict is None or attempt.verdict.success is None:
            unlabelled += 1
        else:
            labelled.append((attempt, attempt.verdict, case))
    scores = await judge.judge(
        [
            JudgedImage(case.image, case.source, case.original_prompt, reference_of(row, attempt.step))
            for attempt, _, case in labelled
        ]
    )
    rows = []
    for (attempt, verdict, case), score in zip(labelled, scores, strict=True):
        if score is None:
            summary.drop("attempts without a usable score")
            continue
        graded = Graded(score.semantics, score.quality, bool(verdict.success), verdict)
        rows.append(critic_row(row, attempt, case, graded))
    summary.drop("attempts that no teacher judged", unlabelled)
    return rows
