"""Stages 3 and 4: every iteration of every step scored, and from these the critic's SFT, RL and test rows.

Selection follows the paper: steps whose scores fall or stay low are dropped; of the rest, those whose scores vary most
inside the step go to RL, the others to SFT, about 1 : 2; then judgements are balanced. Only steps of several attempts
vary, so the shares are theirs; a step that succeeded at once has nothing for RL and goes to SFT. Held-out splits are
neither filtered nor balanced: they are the test rows. Knows nothing of worlds: a function grades each row.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from interleavethinker.graph.attempts import derive_seed
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, CriticInput, Verdict

from .schema import CriticRow, DataFolder, TrajectoryRow
from .summary import StageSummary

__all__ = ["Graded", "Selection", "choose_rl_rows", "score_trajectories", "select_rows"]


@dataclass(frozen=True)
class Graded:
    """What judge and teacher say about one attempt."""

    semantics: float
    quality: float
    success: bool
    answer: Verdict
    strategy: str | None = None


Grade = Callable[[CriticInput, JsonValue], Graded | None]
"""From what a critic sees and the step's reference; None where no judge gave a usable answer."""


def score_trajectories(
    folder: DataFolder, grade: Grade, progress: Callable[[int, int], None] | None = None
) -> StageSummary:
    """Scores what is not scored yet, trajectory by trajectory.

    Args:
        folder: The data set.
        grade: Judges one attempt and teaches about it.
        progress: Called with finished and all trajectories.
    """
    tally = StageSummary("scores")
    known = {row.trajectory for row in folder.scored}
    waiting = [row for row in folder.trajectories if row.id not in known]
    for number, row in enumerate(waiting, 1):
        rows = [_scored(row, attempt, grade) for attempt in row.attempts]
        folder.scored.append(scored for scored in rows if scored is not None)
        for scored in rows:
            if scored is None:
                tally.drop("no usable score")
            else:
                tally.keep(f"{row.split}, {'good' if scored.success else 'bad'}")
        if progress is not None:
            progress(number, len(waiting))
    if known:
        tally.keep("trajectories scored before", len(known))
    return tally


def _scored(row: TrajectoryRow, attempt: Attempt, grade: Grade) -> CriticRow | None:
    case = CriticInput(
        source=attempt.source,
        image=attempt.image,
        original_prompt=row.plan.steps[attempt.step].prompt or attempt.prompt,
        prompt=attempt.prompt,
    )
    graded = grade(case, row.references[attempt.step])
    if graded is None:
        return None
    return CriticRow(
        id=f"{row.id}.{attempt.step}.{attempt.iteration}",
        trajectory=row.id,
        split=row.split,
        generator=row.generator,
        step=attempt.step,
        iteration=attempt.iteration,
        case=case,
        reference=row.references[attempt.step],
        semantics=graded.semantics,
        quality=graded.quality,
        success=graded.success,
        answer=graded.answer,
        strategy=graded.strategy,
        next_seed=derive_seed(row.seed, attempt.step, attempt.iteration + 1),
    )


@dataclass(frozen=True)
class Selection:
    """What is kept, and where it goes."""

    fall: float = 1.0
    """A step is dropped if its last overall score is lower than its first by more than this."""
    low: float = 5.0
    """A step is dropped if none of its overall scores is at least this."""
    rl_share: float = 1 / 3
    """Share of the kept steps of several attempts that go to RL: those whose scores vary most."""
    filtered: bool = True
    """Without filtering no step is dropped, which is the paper's ablation."""
    balanced: bool = True
    """Whether SFT rows hold as many good attempts as bad ones."""


def select_rows(folder: DataFolder, selection: Selection, into: DataFolder | None = None) -> StageSummary:
    """Writes the SFT, RL and test rows from the scored ones.

    Args:
        folder: The data set.
        selection: What is kept.
        into: Where the rows go, if not there; gets a link to the pictures.

    Raises:
        InputError: That folder has pictures of its own.
    """
    tally = StageSummary("selection")
    target = folder if into is None else _sharing_pictures(into, folder)
    steps: dict[tuple[str, int], list[CriticRow]] = defaultdict(list)
    test = []
    for row in folder.scored:
        if row.split == "train":
            steps[row.trajectory, row.step].append(row)
        else:
            test.append(row)
    kept = [rows for rows in steps.values() if _is_kept(rows, selection, tally)]
    kept.sort(key=lambda rows: (len(rows) == 1, -_spread(rows), _order(rows[0].id)))
    count = round(sum(len(rows) > 1 for rows in kept) * selection.rl_share)
    rl = [row for rows in kept[:count] for row in rows]
    sft = [row for rows in kept[count:] for row in rows]
    if selection.balanced:
        sft = _balanced(sft, tally)
    target.critic_rl.write(_shuffled(rl))
    target.critic_sft.write(_shuffled(sft))
    target.critic_test.write(test)
    for name, rows in (("SFT", sft), ("RL", rl), ("test", test)):
        for good in (True, False):
            tally.keep(f"{name}, {'good' if good else 'bad'}", sum(row.success is good for row in rows))
    return tally


def _sharing_pictures(into: DataFolder, folder: DataFolder) -> DataFolder:
    link, images = into.store.root, folder.store.root.resolve()
    if link.resolve() == images:
        return into
    if link.exists() or link.is_symlink():
        msg = f"Rows can go to a new folder or one that shares the data set's pictures; {into.root} has its own images."
        raise InputError(msg)
    into.root.mkdir(parents=True, exist_ok=True)
    link.symlink_to(images, target_is_directory=True)
    return into


def choose_rl_rows(
    rows: Sequence[CriticRow], failures: float, seed: int = 0, most: int | None = None
) -> list[CriticRow]:
    """The rows of one RL run in order, as many failed attempts as asked for.

    Args:
        rows: The RL rows.
        failures: Share of failed attempts.
        seed: Of choice and order.
        most: At most this many rows; all that the share allows by default.

    Raises:
        InputError: There are no failures, from which alone the step-wise reward learns.
    """
    shuffled = random.Random(seed).sample(rows, len(rows))
    bad = [row for row in shuffled if not row.success]
    good = [row for row in shuffled if row.success]
    if not bad:
        msg = "Critic RL needs rows with failed attempts; the data folder has none. See: interleavethinker data select."
        raise InputError(msg)
    count = most or len(rows)
    failed = min(len(bad), max(1, round(count * failures)))
    succeeded = min(len(good), round(failed * (1 - failures) / max(failures, 1e-9)), count - failed)
    chosen = bad[:failed] + good[:succeeded]
    return random.Random(seed + 1).sample(chosen, len(chosen))


def _is_kept(rows: Sequence[CriticRow], selection: Selection, tally: StageSummary) -> bool:
    if not selection.filtered:
        return True
    scores = [row.overall for row in sorted(rows, key=lambda row: row.iteration)]
    if scores[-1] < scores[0] - selection.fall:
        tally.drop("scores fall within the step", len(rows))
        return False
    if max(scores) < selection.low:
        tally.drop("scores stay low within the step", len(rows))
        return False
    return True


def _spread(rows: Sequence[CriticRow]) -> float:
    return float(np.var([row.overall for row in rows]))


def _balanced(rows: Sequence[CriticRow], tally: StageSummary) -> list[CriticRow]:
    good = [row for row in rows if row.success]
    bad = [row for row in rows if not row.success]
    size = min(len(good), len(bad))
    for name, group in (("good", good), ("bad", bad)):
        if len(group) > size:
            tally.drop(f"balancing: more {name} attempts than others", len(group) - size)
    return _shuffled(good)[:size] + _shuffled(bad)[:size]


def _shuffled(rows: Iterable[CriticRow]) -> list[CriticRow]:
    return sorted(rows, key=lambda row: _order(row.id))


def _order(name: str) -> bytes:
    """An order that looks random and depends on the name alone."""
    return hashlib.sha256(name.encode()).digest()
