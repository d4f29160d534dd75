"""The agent that plans step by step: it calls the planner before every step, with the images so far in the request.

Only the first step of each plan is carried out, as a trajectory of its own. A plan with a single step means that this
step is the last one, so the number of steps that a plan had is kept in a file: a resumed run needs it too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.protocols import PlanContext, Planner
from interleavethinker.tools.stable_json import stable_json
from interleavethinker.tools.structured_text import parse_json
from interleavethinker.tools.types import ImagePart, Part, Plan, Request, TextPart

__all__ = ["MAX_STEPS", "FirstStepPlanner", "PlanLengths", "first_requests_only", "next_request"]

MAX_STEPS = 8
"""The most steps of an answer that is planned step by step, unless its request names their number; as in MicroBench."""
_CONTINUE = TextPart(text="Continue the sequence.")
"""As in MicroBench, and in the training rows of its planner that start in the middle of a plan."""


_REMEDY = "Restore the file from a copy, or choose another folder: without the line, an answer could end too early."


class PlanLengths:
    """How many steps the planner's plan for a request had.

    Args:
        path: The JSON-lines file.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineFile(path, remedy=_REMEDY)
        self._known: dict[str, int] = dict(self._lines.parsed(_entry))

    def add(self, request: Request, steps: int) -> None:
        """Saves the number of steps. Blocks."""
        key = _digest(request)
        self._lines.append([json.dumps([key, steps])])
        self._known[key] = steps

    def is_last(self, request: Request) -> bool:
        """Returns whether the plan's first step was its only one; true if there was no plan."""
        return self._known.get(_digest(request), 1) <= 1


def _entry(line: str) -> tuple[str, int]:
    key, steps = parse_json(line)
    return key, int(steps)


class FirstStepPlanner:
    """Returns the first step of another planner's plans.

    Args:
        planner: The other planner.
        lengths: Where the number of steps is kept.
    """

    def __init__(self, planner: Planner, lengths: PlanLengths) -> None:
        self._planner = planner
        self._lengths = lengths

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`."""
        plan = await self._planner.plan(request, context)
        await asyncio.to_thread(self._lengths.add, request, len(plan.steps))
        return plan.model_copy(update={"steps": plan.steps[:1]})


def next_request(trajectory: Trajectory) -> Request | None:
    """Returns the request for the step after a finished one: what was asked, the step's text and image, and to go on.

    Args:
        trajectory: The trajectory of the finished step.

    Returns:
        The request; None if the step was not finished, so that there is nothing to continue.
    """
    steps = () if trajectory.plan is None else trajectory.plan.steps
    if not steps or not trajectory.document.complete:
        return None
    parts: list[Part] = [part for part in trajectory.request.parts if part != _CONTINUE]
    text = steps[0].instruction or steps[0].prompt or steps[0].auxiliary_text
    parts += [TextPart(text=text)] if text else []
    parts += [
        ImagePart(sha256=block.sha256)
        for block in trajectory.document.blocks
        if block.kind == "image" and block.sha256 is not None
    ]
    return Request(parts=(*parts, _CONTINUE))


def first_requests_only(check: Callable[[Request], None] | None) -> Callable[[Request], None] | None:
    """Returns a check of requests without those that continue an answer: their words are not the user's."""
    if check is None:
        return None

    def checked(request: Request) -> None:
        if not request.text.rstrip().endswith(_CONTINUE.text):
            check(request)

    return checked


def _digest(request: Request) -> str:
    return hashlib.sha256(stable_json(request).encode()).hexdigest()[:32]
