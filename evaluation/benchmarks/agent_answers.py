"""Answers of the agent to a benchmark's items: one trajectory an item (stepwise: one a step), in the run's workspace.

Trajectories give pause, kill, resume and limits for free: a run that is started again resumes the trajectories that
were stopped, and finished ones are only read. The agent's own failures (a refused request, an unusable plan, a limit)
leave an incomplete or missing answer, which is judged as it is. Failures of models, servers and disks are raised.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from interleavethinker.evaluation.judges.questions import ImageFile
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.graph.events import Failed
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import (
    InputError,
    InterleaveError,
    ModelAnswerError,
    RefusalError,
    TrajectoryError,
)
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.structured_text import parse_json
from interleavethinker.tools.types import ImagePart, Part, Request, TextPart

from .benchmark import BenchmarkAnswer, Item, Piece
from .experiments import OpenAgent
from .stepwise import MAX_STEPS, next_request

__all__ = ["answer_items", "answer_of", "begun_items"]

_AGENTS_OWN = {ModelAnswerError.code, RefusalError.code}
"""Codes of failures that belong to the agent, beside refused requests: they count as its answer."""


async def answer_items(
    agent: OpenAgent,
    items: Sequence[Item],
    known: Path,
    *,
    seed: int = 0,
    at_once: int = 4,
    progress: StageProgress = ignore_progress,
) -> dict[str, BenchmarkAnswer]:
    """Answers every item that has no finished trajectory yet, and returns all answers by the item's id.

    Args:
        agent: The agent, with the workspace of the run.
        items: The items.
        known: The file that says which trajectories belong to which item.
        seed: Seed of all trajectories; each item has its own, whatever the other items are.
        at_once: How many trajectories run concurrently.
        progress: Called for every answered item.

    Raises:
        InterleaveError: A model, the image server or the disk failed; running the same again resumes.
    """
    record = _Record(known)
    answers: dict[str, BenchmarkAnswer] = {}
    failures: list[InterleaveError] = []
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            if failures:
                return
            try:
                answers[item.id] = await _answer(agent, item, record, seed)
            except InterleaveError as error:
                failures.append(error)
                return
            progress("answering", len(answers), len(items))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(len(items), at_once)):
            group.create_task(work())
    if failures:
        raise failures[0]
    return answers


def begun_items(known: Path) -> set[str]:
    """Returns the ids of the items that have a trajectory, from the file that `answer_items` writes."""
    return set(_Record(known).trajectories)


_REMEDY = "Remove the line; its item is answered again."


class _Record:
    """Which trajectories belong to which item, and what the agent failed with, in a file."""

    def __init__(self, path: Path) -> None:
        self._lines = LineFile(path, remedy=_REMEDY)
        self.trajectories: dict[str, list[str]] = {}
        """By item, one for each step of a stepwise agent; others have one."""
        self.failures: dict[str, str] = {}
        """By trajectory."""
        for entry in self._lines.parsed(_entry):
            self._remember(*entry)

    def add(self, item: str, trajectory: str, *failure: str) -> None:
        self._lines.append([json.dumps([item, trajectory, *failure])])
        self._remember(item, trajectory, *failure)

    def _remember(self, item: str, trajectory: str, failure: str | None = None) -> None:
        known = self.trajectories.setdefault(item, [])
        if trajectory not in known:
            known.append(trajectory)
        if failure is not None:
            self.failures[trajectory] = failure


def _entry(line: str) -> tuple[str, ...]:
    entry = tuple(parse_json(line))
    if len(entry) not in {2, 3}:
        raise ValueError("an entry has an item, a trajectory and perhaps a failure")
    return entry


async def _answer(agent: OpenAgent, item: Item, record: _Record, seed: int) -> BenchmarkAnswer:
    store, pieces = agent.workspace.store, list[Piece]()
    request: Request | None = None
    longest = 1 if agent.plan_lengths is None else named_step_count(item.text) or MAX_STEPS
    for number in range(longest):
        if number == len(record.trajectories.get(item.id, ())):
            try:
                request = await asyncio.to_thread(_request, item, store) if request is None else request
                step_seed = _seed(item, seed) if number == 0 else derive_seed(_seed(item, seed), number, 0)
                create = partial(agent.workspace.create, profile=agent.profile, seed=step_seed, attended=True)
                record.add(item.id, await create(request))
            except InputError as error:
                return BenchmarkAnswer(tuple(pieces), f"Refused: {error}", missing=not pieces)
        trajectory, failure = await _finished(agent.workspace, item, record, number)
        answer = answer_of(trajectory, store, failure)
        pieces += answer.pieces
        request = next_request(trajectory)
        if answer.problem or request is None or agent.plan_lengths is None:
            break
        if agent.plan_lengths.is_last(trajectory.request):
            break
    return BenchmarkAnswer(tuple(pieces), answer.problem, missing=not pieces)


async def _finished(workspace: Workspace, item: Item, record: _Record, number: int) -> tuple[Trajectory, str]:
    """Runs one trajectory of an item to its end; returns it and the agent's own failure, or an empty text."""
    name = record.trajectories[item.id][number]
    if name not in record.failures:
        failure = await _run(workspace, name)
        if failure:
            record.add(item.id, name, failure)
    return await workspace.get(name), record.failures.get(name, "")


def answer_of(trajectory: Trajectory, store: ImageStore, problem: str = "") -> BenchmarkAnswer:
    """Returns a trajectory's document as an answer.

    Args:
        trajectory: The trajectory, finished or not.
        store: The store of its images.
        problem: Why it is incomplete, if that is known.
    """
    document = trajectory.document
    pieces: list[Piece] = []
    for block in document.blocks:
        if block.kind == "image" and block.sha256 is not None:
            pieces.append(ImageFile(store.file(block.sha256)))
        elif block.kind != "image" and block.text and block.status != "refused":
            pieces.append(block.text)
    # A document whose only image was refused is complete, and empty.
    if not problem and not (document.complete and pieces):
        problem = " ".join(document.notes) or "The answer is incomplete."
    return BenchmarkAnswer(tuple(pieces), problem, missing=not pieces)


async def _run(workspace: Workspace, trajectory: str) -> str:
    """Runs a trajectory to its end, if it has not ended; returns the agent's own failure, or an empty text."""
    failed: Failed | None = None
    if (await workspace.summary(trajectory)).status in {"done", "cancelled"}:
        return ""
    async with contextlib.aclosing(workspace.stream(trajectory)) as events:
        async for event in events:
            failed = event if isinstance(event, Failed) else failed
    if failed is not None and not failed.refused and failed.code not in _AGENTS_OWN:
        raise InterleaveError(f"{failed.reason} Run the same command again to resume.", code=failed.code)
    status = (await workspace.summary(trajectory)).status
    if failed is None and status not in {"done", "cancelled"}:
        raise TrajectoryError(f"Trajectory {trajectory} is {status}. Run the same command again to resume it.")
    return "" if failed is None else failed.reason


def _request(item: Item, store: ImageStore) -> Request:
    from interleavethinker.tools.images.png import canonical_png

    parts: list[Part] = []
    for piece in item.request:
        if isinstance(piece, str):
            parts.append(TextPart(text=piece))
        else:
            parts.append(ImagePart(sha256=store.put(canonical_png(piece.read()))))
    return Request(parts=tuple(parts))


def _seed(item: Item, seed: int) -> int:
    digest = hashlib.sha256(f"benchmark/{seed}/{item.id}".encode()).digest()
    return int.from_bytes(digest[:4]) % 2**31
