"""Runs natural requests: the whole agent in a workspace, or its planner alone, whose plans an oracle carries out.

A planner alone is judged by the images that its prompts lead to under the micro world's rules; a prompt that those
rules cannot carry out changes nothing and is a fault. Every request has its own seed, which does not depend on the
other requests of a run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from PIL import Image
from pydantic import BaseModel, ConfigDict

from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.graph.events import Failed
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.reader import read_all
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.scoring.targets import scene_of
from interleavethinker.tools.errors import (
    GeneratorError,
    InputError,
    InterleaveError,
    ModelAnswerError,
    ModelError,
    StoreError,
)
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanCheck, PlanContext, Planner
from interleavethinker.tools.request_parsing import place_images
from interleavethinker.tools.types import Plan, Request, Sha256

from .cases import NaturalRequest, RequestKind
from .judging import Observation, Outcome, judge

__all__ = ["NaturalResult", "plan_requests", "request_seed", "run_requests"]

_FAILURES = frozenset(error.code for error in (GeneratorError, ModelAnswerError, ModelError, StoreError)) | frozenset(
    "busy deadline server_died unreachable unauthorized closed contract model_not_loaded out_of_memory".split()
)
"""Codes of errors that are not refusals; a defect of this program has the name of a Python exception as its code."""


class NaturalResult(BaseModel):
    """The judged answer to one request."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: RequestKind
    request: str
    outcome: Outcome
    faults: tuple[str, ...]
    """Everything that is wrong with the answer."""
    plan: tuple[str, ...] = ()
    """For each step its prompt, or else its text."""
    verdicts: tuple[tuple[bool | None, ...], ...] = ()
    """For each step the critic's verdicts on its attempts; None: unjudged."""
    notes: tuple[str, ...] = ()
    text: str = ""
    """The document's text, if it has no image."""
    refusal: str | None = None
    failure: str | None = None
    given: tuple[Sha256, ...] = ()
    """The request's images in the store."""
    images: tuple[Sha256, ...] = ()
    """The document's images in the store."""


def request_seed(request: NaturalRequest, seed: int) -> int:
    """Returns the seed of a request's trajectory."""
    return seed * 1000 + int(request.id.rpartition("-")[2])


async def run_requests(
    workspace: Workspace,
    requests: Sequence[NaturalRequest],
    *,
    profile: str | None = None,
    seed: int = 0,
    at_once: int = 4,
    progress: StageProgress = ignore_progress,
) -> list[NaturalResult]:
    """Runs the whole agent on every request and judges the finished documents.

    Args:
        workspace: The workspace, which keeps the trajectories and their images.
        requests: The requests.
        profile: The profile; default: the components that the workspace was opened with, or `micro`.
        seed: Seed of all trajectories.
        at_once: Number of trajectories that run concurrently.
        progress: Called for every finished request.

    Raises:
        ProfileError: The profile cannot be used on this machine.
        ModelError: Weights cannot be loaded.
    """

    async def one(request: NaturalRequest) -> NaturalResult:
        asked, given = _as_request(request, workspace.store)
        try:
            trajectory = await workspace.create(asked, profile=profile, seed=request_seed(request, seed), attended=True)
        except InputError as error:
            return _result(request, given, Observation(refusal=str(error)))
        return await _run(workspace, trajectory, request, given)

    return await _all(one, requests, at_once, progress, "requests")


async def plan_requests(
    planner: Planner,
    store: ImageStore,
    requests: Sequence[NaturalRequest],
    *,
    check: Callable[[Request], object] | None = None,
    plan_check: PlanCheck | None = None,
    seed: int = 0,
    at_once: int = 4,
    progress: StageProgress = ignore_progress,
) -> list[NaturalResult]:
    """Asks a planner alone, carries its plans out by rule, and judges the images.

    Args:
        planner: The planner.
        store: The image store that the planner reads the requests' images from.
        requests: The requests.
        check: Raises `InputError` for a request that is refused before planning.
        plan_check: Its notes are those that the agent's document would have.
        seed: Seed of everything that prompts leave open.
        at_once: Number of requests that are planned concurrently.
        progress: Called for every planned request.

    Raises:
        ModelError: The planner's weights cannot be loaded.
    """

    async def one(request: NaturalRequest) -> NaturalResult:
        asked, given = _as_request(request, store)
        try:
            if check is not None:
                check(asked)
            plan = await planner.plan(asked, PlanContext())
        except InputError as error:
            return _result(request, given, Observation(refusal=str(error)))
        except ModelAnswerError as error:
            return _result(request, given, Observation(failure=str(error)))
        sha256s, faults = await asyncio.to_thread(_carry_out, plan, request, store, request_seed(request, seed))
        notes = () if plan_check is None else (await plan_check.check_plan(asked, plan, PlanContext())).notes
        text = "\n".join(step.auxiliary_text or "" for step in plan.steps if step.prompt is None)
        seen = replace(_observe(store, sha256s, text, notes), faults=faults)
        return _result(request, given, seen, plan=plan, images=sha256s)

    return await _all(one, requests, at_once, progress, "plans")


async def _all(
    one: Callable[[NaturalRequest], Awaitable[NaturalResult]],
    requests: Sequence[NaturalRequest],
    at_once: int,
    progress: StageProgress,
    stage: str,
) -> list[NaturalResult]:
    """Applies a function to all requests, at most `at_once` at a time; the first error ends the others."""
    free, done = asyncio.Semaphore(at_once), 0

    async def limited(request: NaturalRequest) -> NaturalResult:
        nonlocal done
        async with free:
            result = await one(request)
        done += 1
        progress(stage, done, len(requests))
        return result

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(limited(request)) for request in requests]
    except ExceptionGroup as errors:
        expected, defects = errors.split(InterleaveError)
        if expected is None or defects is not None:
            raise
        raise expected.exceptions[0] from errors
    return [task.result() for task in tasks]


def _as_request(request: NaturalRequest, store: ImageStore) -> tuple[Request, tuple[Sha256, ...]]:
    given = tuple(store.put(encode_png(to_image(render(image.scene)))) for image in request.images)
    return Request(parts=place_images(request.request, given)), given


async def _run(
    workspace: Workspace, trajectory: str, request: NaturalRequest, given: tuple[Sha256, ...]
) -> NaturalResult:
    failed: Failed | None = None
    try:
        async with contextlib.aclosing(workspace.stream(trajectory)) as events:
            async for event in events:
                failed = event if isinstance(event, Failed) else failed
    except InterleaveError:
        raise
    except Exception as error:  # noqa: BLE001 - a defect met by one request is that request's failure
        failed = Failed(code=type(error).__name__, reason=f"{type(error).__name__}: {error}")
    answer = await workspace.get(trajectory)
    plan, document = answer.plan, answer.document
    if failed is None:
        observed = partial(_observe, workspace.store, document.images, document.text)
        seen = await asyncio.to_thread(observed, document.notes, document.complete)
    elif failed.code in _FAILURES or not failed.code.islower():
        seen = Observation(failure=failed.reason, notes=document.notes, complete=False)
    else:
        seen = Observation(refusal=failed.reason, notes=document.notes, complete=False)
    steps = range(0 if plan is None else len(plan.steps))
    verdicts = [
        tuple(None if tried.verdict is None else tried.verdict.success for tried in answer.attempts_for(step))
        for step in steps
    ]
    return _result(request, given, seen, plan=plan, images=document.images, verdicts=verdicts)


def _observe(
    store: ImageStore, images: Sequence[Sha256], text: str, notes: tuple[str, ...] = (), complete: bool = True
) -> Observation:
    readings = read_all([open_rgb(store.get(sha256)) for sha256 in images]) if images else []
    return Observation(tuple(reading.scene for reading in readings), text, notes, complete)


def _carry_out(
    plan: Plan, request: NaturalRequest, store: ImageStore, seed: int
) -> tuple[tuple[Sha256, ...], tuple[str, ...]]:
    """Returns the images that a plan's prompts lead to under the rules, and why some prompts cannot be carried out."""
    oracle = OracleGenerator()
    image: Image.Image | None = to_image(render(request.images[-1].scene)) if request.images else None
    made, faults = [], []
    for number, prompt in enumerate(step.prompt for step in plan.steps if step.prompt):
        try:
            parse(prompt, None if image is None else scene_of(image))
        except InputError as error:
            faults.append(f"prompt {number + 1} cannot be carried out: {error}")
        seeds = [seed + number]
        (image,) = oracle.generate([prompt], seeds) if image is None else oracle.edit([image], [prompt], seeds)
        made.append(store.put(encode_png(image)))
    return tuple(made), tuple(faults)


def _result(
    request: NaturalRequest,
    given: tuple[Sha256, ...],
    seen: Observation,
    *,
    plan: Plan | None = None,
    images: Sequence[Sha256] = (),
    verdicts: Sequence[tuple[bool | None, ...]] = (),
) -> NaturalResult:
    judgment = judge(request.expect, seen)
    return NaturalResult(
        id=request.id,
        kind=request.kind,
        request=request.request,
        outcome=judgment.outcome,
        faults=judgment.faults,
        plan=() if plan is None else tuple(step.prompt or step.auxiliary_text or "" for step in plan.steps),
        verdicts=tuple(verdicts),
        notes=seen.notes,
        text="" if images else seen.text,
        refusal=seen.refusal,
        failure=seen.failure,
        given=given,
        images=tuple(images),
    )
