"""People's own trajectories as data: requests and trajectories of a workspace, with verdicts by hand as labels."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from interleavethinker.graph import Trajectory, Workspace
from interleavethinker.tools.errors import InputError, StoreError

from .folder import DataFolder
from .schema import PromptRow, TrajectoryRow
from .summary import StageSummary

__all__ = ["add_workspace", "open_existing"]

_CHANGED = (
    "The trajectory has other attempts or verdicts now than when it was copied; the data set keeps the earlier ones, "
    "from which later stages may have made rows. Copy the workspace into a new folder to have the present ones."
)


def open_existing(root: str | None) -> AbstractAsyncContextManager[Workspace]:
    """Opens a workspace, but makes none.

    Args:
        root: See `Workspace.open`.

    Raises:
        InputError: There is no such folder.
    """
    if root is not None and "://" not in root and not Path(root).is_dir():
        raise InputError(f"There is no workspace {root}.")
    return Workspace.open(root)


async def add_workspace(folder: DataFolder, workspace: Workspace, *, only_by_hand: bool = False) -> StageSummary:
    """Copies the finished trajectories of a workspace, with their images, into the data set.

    Attempts under words that a person replaced later are left out: their step asked for something else.

    Args:
        folder: The data set.
        workspace: Open; it is only read.
        only_by_hand: Whether to take only trajectories in which a person judged an attempt.
    """
    with folder.stage():
        summary = StageSummary("workspace")
        known = {row.id: row for row in folder.rows(folder.trajectories, summary)}
        prompts = {row.id for row in folder.rows(folder.prompts, summary)}
        for entry in await workspace.list():
            if entry.status != "done":
                summary.drop(f"trajectories that are {entry.status}")
                continue
            trajectory = await workspace.get(entry.id)
            if only_by_hand and not _judged_by_hand(trajectory):
                summary.drop("trajectories without a verdict by hand")
                continue
            row = _row(trajectory, summary)
            if entry.id in known:
                if row == known[entry.id]:
                    summary.keep("already present")
                else:
                    folder.set_aside(entry.id, _CHANGED)
                    summary.drop("trajectories that have changed since they were copied, listed in quarantine.jsonl")
                continue
            try:
                await asyncio.to_thread(_copy_images, folder, workspace, trajectory, row)
            except StoreError as error:
                folder.set_aside(entry.id, str(error))
                summary.drop("trajectories with an unusable image, listed in quarantine.jsonl")
                continue
            if entry.id not in prompts:
                folder.prompts.append(
                    [PromptRow(id=entry.id, family="", template=0, split="train", request=trajectory.request)]
                )
            folder.trajectories.append([row])
            summary.keep("judged by hand" if _judged_by_hand(trajectory) else "judged by the critic")
        return summary


def _judged_by_hand(trajectory: Trajectory) -> bool:
    return any(attempt.verdict is not None and attempt.verdict.by_hand for attempt in trajectory.attempts)


def _row(trajectory: Trajectory, summary: StageSummary) -> TrajectoryRow:
    plan = trajectory.plans[-1]
    asked = {version.version: version.steps for version in trajectory.plans}
    attempts = tuple(
        attempt
        for attempt in trajectory.attempts
        if attempt.step < len(plan.steps)
        and not attempt.outdated
        and asked[attempt.plan_version][attempt.step].prompt == plan.steps[attempt.step].prompt
    )
    summary.drop("attempts under other words of the plan", len(trajectory.attempts) - len(attempts))
    return TrajectoryRow(
        id=trajectory.id,
        prompt=trajectory.id,
        split="train",
        generator=next((attempt.model for attempt in attempts if attempt.model), trajectory.profile),
        seed=trajectory.seed,
        plan=plan,
        attempts=attempts,
    )


def _copy_images(folder: DataFolder, workspace: Workspace, trajectory: Trajectory, row: TrajectoryRow) -> None:
    images = {name for attempt in row.attempts for name in (attempt.image, attempt.source) if name is not None}
    for name in images | set(trajectory.request.images):
        folder.store.put(workspace.store.get(name))
