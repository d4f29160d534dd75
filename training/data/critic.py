"""The critic's rows, and stage 4: selects its SFT, RL and test rows from the scored attempts.

Selection follows the paper. Steps whose scores fall or stay low are dropped. Of the remaining steps, those whose scores
vary most go to RL and the others to SFT, about 1 : 2; then the SFT verdicts are balanced. Scores can vary only within
steps of several attempts, so the RL share is a share of those; a step that succeeded at once goes to SFT. Held-out
splits are neither filtered nor balanced: they become the test rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from interleavethinker.graph.attempts import derive_seed
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, CriticInput, Verdict

from .folder import DataFolder
from .schema import CriticRow, TrajectoryRow
from .summary import StageSummary

__all__ = [
    "Graded",
    "Selection",
    "case_of",
    "choose_rl_rows",
    "critic_row",
    "reference_of",
    "select_rows",
]


@dataclass(frozen=True)
class Graded:
    """The judge's scores and the teacher's answer for one attempt."""

    semantics: float
    quality: float
    success: bool
    answer: Verdict
    strategy: str | None = None


def case_of(row: TrajectoryRow, attempt: Attempt) -> CriticInput | None:
    """Returns what the critic saw of an attempt; None if it has no image."""
    if attempt.image is None:
        return None
    return CriticInput(
        source=attempt.source,
        image=attempt.image,
        original_prompt=row.plan.steps[attempt.step].prompt or attempt.prompt,
        prompt=attempt.prompt,
    )


def reference_of(row: TrajectoryRow, step: int) -> JsonValue:
    """Returns what a step is judged against; None where no reference is known."""
    return row.references[step] if step < len(row.references) else None


def critic_row(row: TrajectoryRow, attempt: Attempt, case: CriticInput, graded: Graded) -> CriticRow:
    """Returns the row of a graded attempt."""
    return CriticRow(
        id=f"{row.id}.{attempt.step}.{attempt.iteration}",
        trajectory=row.id,
        split=row.split,
        generator=row.generator,
        step=attempt.step,
        iteration=attempt.iteration,
        case=case,
        reference=reference_of(row, attempt.step),
        semantics=graded.semantics,
        quality=graded.quality,
        success=graded.success,
        answer=graded.answer,
        strategy=graded.strategy,
        next_seed=derive_seed(row.seed, attempt.step, attempt.iteration + 1),
    )


@dataclass(frozen=True)
class Selection:
    """The rules by which steps are kept and assigned to SFT or RL."""

    fall: float = 1.0
    """Drop a step if its last overall score (0 to 10) is lower than its first by more than this."""
    low: float = 5.0
    """Drop a step if none of its overall scores (0 to 10) reaches this."""
    rl_share: float = 1 / 3
    """Share of the kept steps with several attempts that go to RL: those whose scores vary most."""
    filtered: bool = True
    """Whether to drop steps by `fall` and `low`; False is the paper's ablation."""
    balanced: bool = True
    """Whether SFT gets equally many good and bad attempts."""


def select_rows(folder: DataFolder, selection: Selection, into: DataFolder | None = None) -> StageSummary:
    """Writes the SFT, RL and test rows, chosen from the scored attempts.

    Args:
        folder: The data set.
        selection: Which steps to keep, and where they go.
        into: Writes the rows to this folder instead, with a link to the data set's images.

    Raises:
        InputError: No attempt is scored, or `into` already has images of its own.
    """
    with contextlib.ExitStack() as stages:
        stages.enter_context(folder.stage(folder.scored))
        target = folder
        if into is not None and into.root.resolve() != folder.root.resolve():
            target = sharing_images(into, folder)
            stages.enter_context(target.stage())
        return _select_rows(folder, selection, target)


def _select_rows(folder: DataFolder, selection: Selection, target: DataFolder) -> StageSummary:
    summary = StageSummary("selection")
    steps: dict[tuple[str, int], list[CriticRow]] = defaultdict(list)
    test = []
    for row in folder.rows(folder.scored, summary):
        if row.split == "train":
            steps[row.trajectory, row.step].append(row)
        else:
            test.append(row)
    if not steps and not test:
        raise InputError(
            f"{folder.root} has no scored attempts. Make them first: interleavethinker {folder.scored.made_by} "
            f"{folder.root}"
        )
    scored = {name for name, _ in steps} | {row.trajectory for row in test}
    for trajectory in folder.trajectories.usable(lambda _number, _reason: None):
        if trajectory.id not in scored and any(attempt.image for attempt in trajectory.attempts):
            summary.drop("trajectories without scores, which `data scores` makes")
    kept = [rows for rows in steps.values() if _is_kept(rows, selection, summary)]
    kept.sort(key=lambda rows: (len(rows) == 1, -_spread(rows), _order(rows[0].id)))
    count = round(sum(len(rows) > 1 for rows in kept) * selection.rl_share)
    rl = [row for rows in kept[:count] for row in rows]
    sft = [row for rows in kept[count:] for row in rows]
    if selection.balanced:
        sft = _balanced(sft, summary)
    target.critic_rl.write(_shuffled(rl))
    target.critic_sft.write(_shuffled(sft))
    target.critic_test.write(test)
    for name, rows in (("SFT", sft), ("RL", rl), ("test", test)):
        for good in (True, False):
            summary.keep(f"{name}, {'good' if good else 'bad'}", sum(row.success is good for row in rows))
    return summary


def sharing_images(into: DataFolder, folder: DataFolder) -> DataFolder:
    """Makes a folder whose images are those of another one, by a link.

    Raises:
        InputError: `into` already has images of its own.
    """
    link, images = into.store.root, folder.store.root.resolve()
    if link.resolve() == images:
        return into
    if link.exists() or link.is_symlink():
        msg = f"{into.root} already has its own images; name a new folder, or one that shares this data set's images."
        raise InputError(msg)
    into.root.mkdir(parents=True, exist_ok=True)
    link.symlink_to(images, target_is_directory=True)
    return into


def choose_rl_rows(
    rows: Sequence[CriticRow], failures: float, seed: int = 0, max_rows: int | None = None
) -> list[CriticRow]:
    """Chooses and orders the rows of one RL run, with the given share of failed attempts.

    Args:
        rows: The RL rows.
        failures: Share of failed attempts.
        seed: Seed of the choice and the order.
        max_rows: Maximum number of rows; by default as many as the share allows.

    Raises:
        InputError: No row has a failed attempt; only those can earn a step-wise reward.
    """
    shuffled = random.Random(seed).sample(rows, len(rows))
    bad = [row for row in shuffled if not row.success]
    good = [row for row in shuffled if row.success]
    if not bad:
        msg = "The data folder has no RL rows with failed attempts. Make them: interleavethinker data select"
        raise InputError(msg)
    count = max_rows or len(rows)
    failed = min(len(bad), max(1, round(count * failures)))
    succeeded = min(len(good), round(failed * (1 - failures) / max(failures, 1e-9)), count - failed)
    chosen = bad[:failed] + good[:succeeded]
    return random.Random(seed + 1).sample(chosen, len(chosen))


def _is_kept(rows: Sequence[CriticRow], selection: Selection, summary: StageSummary) -> bool:
    if not selection.filtered:
        return True
    scores = [row.overall for row in sorted(rows, key=lambda row: row.iteration)]
    if scores[-1] < scores[0] - selection.fall:
        summary.drop("scores fall within the step", len(rows))
        return False
    if max(scores) < selection.low:
        summary.drop("scores stay low within the step", len(rows))
        return False
    return True


def _spread(rows: Sequence[CriticRow]) -> float:
    return float(np.var([row.overall for row in rows]))


def _balanced(rows: Sequence[CriticRow], summary: StageSummary) -> list[CriticRow]:
    good = [row for row in rows if row.success]
    bad = [row for row in rows if not row.success]
    size = min(len(good), len(bad))
    for name, group in (("good", good), ("bad", bad)):
        if len(group) > size:
            summary.drop(f"balancing: surplus of {name} attempts", len(group) - size)
    return _shuffled(good)[:size] + _shuffled(bad)[:size]


def _shuffled(rows: Iterable[CriticRow]) -> list[CriticRow]:
    return sorted(rows, key=lambda row: _order(row.id))


def _order(name: str) -> bytes:
    """A pseudorandom sort key that depends on the name alone."""
    return hashlib.sha256(name.encode()).digest()
