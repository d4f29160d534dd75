"""Runs the agent on MicroBench's requests: the graph with its checkpoints, images from the MCP image server.

Many trajectories of several configurations run concurrently, so that server and models answer in full batches and no
configuration waits for the last trajectories of another. All data is in one folder and is reused by later runs:

| path | content |
| --- | --- |
| `images/` | the store of both the image server and the agent; repeated generator calls are answered from it |
| `answers/` | cached answers of learned planners and critics |
| `results/` | one line per finished request of a configuration |
| `seconds` | the total run time of all starts |

Results of earlier versions do not say whether the whole document is right. They are scored again from their images and
saved again, because a rate over the newer results alone would be biased: a run finishes short requests before long
ones. If an image is no longer in the store, this stays unknown, and the rate leaves the request out.

A refused request or an unusable plan is the agent's failure, and its incomplete answer is scored. An error of the
generator or the store is not scored: it is raised, and running the same command again resumes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import Runtime
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from interleavethinker.evaluation.inference.pooled_model import shut_down_pool
from interleavethinker.graph import Components, build_graph, serializer
from interleavethinker.graph.attempts import derive_seed, selected_attempt
from interleavethinker.microworld.agents.teachers import ReferencePlanner
from interleavethinker.tools.errors import InputError, InterleaveError, ModelAnswerError, StoreError
from interleavethinker.tools.files import LineFile, atomic_write
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import ImageGenerator, PlanContext
from interleavethinker.tools.types import Attempt, ImagePart, Plan, Request, Sha256, Step, TextPart

from .agents import AgentFactory
from .config import ExperimentConfig
from .dataset import Item, held_out_items, trajectory_seed
from .scoring import AnswerScores, Shown, is_document_right, score_images, score_text

__all__ = ["RequestFinished", "RequestResult", "RequestsByConfig", "TrajectoryRunner", "open_trajectory_runner"]

_CONCURRENT_TRAJECTORIES = 160
"""Enough to fill the batches of server and models, few enough for the first ones to finish early."""
_LANES = 2
"""The work is split into lanes that run concurrently. They usually have different critics, whose batches are answered
in different processes. More lanes would mean smaller batches."""
_RECURSION_LIMIT = 100_000
_MAX_STEPS = 8
"""The most steps of a plan that is written step by step."""
_CONTINUE = "Continue the sequence."
"""As in the planner's training rows that start in the middle of a plan."""
_SERVER = ("--max-batch", "16", "--threads", "1", "--max-waiting", "256")
RequestsByConfig = Mapping[ExperimentConfig, Sequence[Item]]
"""The requests to run under each configuration."""
RequestFinished = Callable[[ExperimentConfig, Item], None]
"""Called for each finished request of a configuration, first for those that an earlier run finished."""


class RequestResult(BaseModel):
    """The result of one request under one configuration."""

    model_config = ConfigDict(frozen=True)

    number: int
    request: str
    """The `Item.digest` of the request."""
    family: str
    text: float
    steps: float | None
    """See `AnswerScores.steps`."""
    final: float | None
    calls: int
    """The number of generator calls, whether or not they were answered from the store."""
    seconds: float
    """Wall-clock time from start to end, with all other trajectories running."""
    failure: str = ""
    """The agent's error message if there is no complete answer; empty otherwise."""
    plan: tuple[Step, ...]
    attempts: tuple[Attempt, ...]
    selected: tuple[Sha256 | None, ...] = Field(validation_alias=AliasChoices("selected", "kept"))
    """For each step of the plan the image that the document shows; `kept` in results of version 0.1."""
    reference_images: int | None = None
    """The number of images in the reference plan, 0 if the request wants text only; None in older results."""
    document_right: bool | None = None
    """See `is_document_right`; None in older results, if an image is no longer in the store."""

    @property
    def scores(self) -> AnswerScores:
        """The scores as one object."""
        return AnswerScores(self.text, self.steps, self.final)


class TrajectoryRunner:
    """Runs trajectories and saves their results; see `open_trajectory_runner`.

    Attributes:
        items: The requests, in order.
        store: The image store.
    """

    def __init__(self, root: Path, items: Sequence[Item], generator: ImageGenerator, seed: int) -> None:
        self.items = tuple(items)
        self.store = ImageStore(root / "images")
        self._root = root
        self._seed = seed
        self._agents = AgentFactory(self.store, generator, root / "answers", seed)

    async def run(
        self, work: RequestsByConfig, on_finished: RequestFinished | None = None
    ) -> dict[ExperimentConfig, tuple[RequestResult, ...]]:
        """Runs the requests that are not finished yet, and returns the results of all.

        Args:
            work: The requests to run under each configuration.
            on_finished: Called for each finished request.

        Raises:
            ModelError: Weights are not installed.
            GeneratorError: The image server failed, and retries did not help.
            StoreError: A line of an earlier run's results or answers is damaged.
        """
        report = on_finished or (lambda _config, _item: None)
        files = {config: LineFile(self._root / "results" / f"{config.key(self._seed)}.jsonl") for config in work}
        known = {config: await asyncio.to_thread(self._finished, files[config], work[config]) for config in work}
        waiting: list[tuple[ExperimentConfig, Item]] = []
        for config, items in work.items():
            for item in items:
                if item.number in known[config]:
                    report(config, item)
                else:
                    waiting.append((config, item))

        def save(config: ExperimentConfig, item: Item, result: RequestResult) -> None:
            known[config][result.number] = result
            files[config].append([result.model_dump_json()])
            report(config, item)

        await self._run_all(waiting, save)
        return {config: tuple(known[config][item.number] for item in items) for config, items in work.items()}

    def _finished(self, lines: LineFile, items: Sequence[Item]) -> dict[int, RequestResult]:
        by_number = {item.number: item for item in items}
        found: dict[int, RequestResult] = {}
        for result in lines.parsed(RequestResult.model_validate_json):
            if result.number in by_number and by_number[result.number].digest == result.request:
                found[result.number] = result
        older = [result for result in found.values() if result.document_right is None]
        completed = [_with_document_score(result, by_number[result.number], self.store) for result in older]
        lines.append(result.model_dump_json() for result in completed if result.document_right is not None)
        return found | {result.number: result for result in completed}

    async def _run_all(
        self,
        waiting: Sequence[tuple[ExperimentConfig, Item]],
        save: Callable[[ExperimentConfig, Item, RequestResult], None],
    ) -> None:
        graph = _graph()
        length = -(-len(waiting) // _LANES)
        lanes = [iter(waiting[at * length : (at + 1) * length]) for at in range(_LANES)]

        async def run_lane(lane: int) -> None:
            for config, item in chain(lanes[lane], *lanes):  # a worker whose lane is empty takes requests of the others
                save(config, item, await self._run_one(graph, config, item))

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(_CONCURRENT_TRAJECTORIES):
                    group.create_task(run_lane(number % _LANES))
        except ExceptionGroup as errors:
            expected, bugs = errors.split(InterleaveError)
            if expected is None or bugs is not None:
                raise
            raise expected.exceptions[0] from errors

    async def _run_one(self, graph: Any, config: ExperimentConfig, item: Item) -> RequestResult:
        begun = time.perf_counter()
        components = self._agents.components(config, item)
        seed, thread = trajectory_seed(self._seed, item.number), f"{config.key(self._seed)}/{item.number}"
        run = _run_stepwise if config.stepwise else _run_trajectory
        plan, attempts, failure = await run(graph, components, thread, item.request, seed)
        seconds = time.perf_counter() - begun
        return await asyncio.to_thread(self._scored, item, plan, attempts, failure, seconds)

    def _scored(
        self, item: Item, plan: Sequence[Step], attempts: Sequence[Attempt], failure: str, seconds: float
    ) -> RequestResult:
        by_key = {str(index): attempt for index, attempt in enumerate(attempts)}
        selected = [selected_attempt(by_key, index) for index in range(len(plan))]
        shown = [Shown(one.image, one.source) for one in selected if one is not None and one.image is not None]
        steps, final = score_images(item.targets, shown, self.store) if item.targets else (None, None)
        result = RequestResult(
            number=item.number,
            request=item.digest,
            family=item.family,
            text=score_text(item.scenario.steps, plan),
            steps=steps,
            final=final,
            calls=len(attempts),
            seconds=round(seconds, 3),
            failure=failure,
            plan=tuple(plan),
            attempts=tuple(attempts),
            selected=tuple(None if one is None else one.image for one in selected),
        )
        return _with_document_score(result, item, self.store)


def _with_document_score(result: RequestResult, item: Item, store: ImageStore) -> RequestResult:
    """Returns a result with the number of the reference's images, and whether its whole document is right."""
    sources = {(attempt.step, attempt.image): attempt.source for attempt in result.attempts}
    shown = [
        None if image is None else Shown(image, sources[step, image]) for step, image in enumerate(result.selected)
    ]
    right: bool | None = None
    with contextlib.suppress(StoreError):
        right = not result.failure and is_document_right(item.scenario, result.plan, shown, store)
    return result.model_copy(update={"reference_images": len(item.targets), "document_right": right})


@contextlib.asynccontextmanager
async def open_trajectory_runner(
    root: Path,
    n: int,
    seed: int,
    *,
    generator: Callable[[ImageStore], ImageGenerator] | None = None,
    words: Path | None = None,
) -> AsyncIterator[TrajectoryRunner]:
    """Generates the requests, starts the image server and yields a runner.

    Args:
        root: The folder of images, answers and results.
        n: The number of requests.
        seed: Seed of requests, trajectories and perturbations.
        generator: Makes an image generator from the store, instead of the image server; for tests.
        words: The image server's table of other words; see `OtherWords`.

    Raises:
        InputError: The folder's results are those of another table of words.
    """
    options = _words_options(root, words)
    store = ImageStore(root / "images")
    items = held_out_items(n, seed, store)
    if generator is not None:
        yield TrajectoryRunner(root, items, generator(store), seed)
        return
    config = GeneratorConfig(model="micro", arguments=(*_SERVER, *options), server_store=root / "images")
    try:
        async with McpImageGenerator(config, store) as server:
            yield TrajectoryRunner(root, items, server, seed)
    finally:
        shut_down_pool()


def _words_options(root: Path, words: Path | None) -> tuple[str, ...]:
    """Returns the image server's options, and keeps a folder to one table of words: results do not say which it was."""
    file = root / "words.toml"
    text = "" if words is None else words.read_text(encoding="utf-8")
    saved = file.read_text(encoding="utf-8") if file.exists() else ""
    begun = (root / "results").exists()
    if saved != text and (begun or saved):
        raise InputError(f"{root} has results of an image server with another table of words. Name a new folder.")
    if text and not saved:
        atomic_write(file, text.encode())
    return () if words is None else ("--words", str(words.absolute()))


def _graph() -> Any:
    """Builds the agent's graph; each run passes its components as context.

    Checkpoints are in memory only: an interrupted request starts again, and its finished calls are in the store.
    """

    async def components_of(runtime: Runtime[Any]) -> Components:
        components = runtime.context
        assert isinstance(components, Components)  # noqa: S101 - passed by `_run_trajectory`
        return components

    return build_graph(components_of, InMemorySaver(serde=serializer()))


_Answer = tuple[tuple[Step, ...], tuple[Attempt, ...], str]


async def _run_trajectory(graph: Any, components: Components, thread: str, request: Request, seed: int) -> _Answer:
    """Runs one trajectory to its end; returns its latest plan's steps, its attempts and the failure's message."""
    config = {"configurable": {"thread_id": thread}, "recursion_limit": _RECURSION_LIMIT}
    values = {"request": list(request.parts), "seed": seed, "limits": components.limits}
    failure = ""
    try:
        await graph.ainvoke(values, config, context=components, durability="exit")
    except (InputError, ModelAnswerError) as error:
        failure = str(error)
    state: Mapping[str, Any] = (await graph.aget_state(config)).values
    await graph.checkpointer.adelete_thread(thread)
    plans: dict[int, Plan] = state.get("plans") or {}
    attempts: dict[str, Attempt] = state.get("attempts") or {}
    steps = plans[max(plans)].steps if plans else ()
    return steps, tuple(sorted(attempts.values(), key=lambda a: (a.step, a.plan_version, a.iteration))), failure


async def _run_stepwise(graph: Any, components: Components, thread: str, request: Request, seed: int) -> _Answer:
    """Calls the planner before every step, with the images so far in the request, and runs only the plan's first step.

    Each step is a trajectory of its own. A plan with a single step means that this step is the last one.
    """
    steps: list[Step] = []
    attempts: list[Attempt] = []
    current, failure = request, ""
    for number in range(_MAX_STEPS):
        try:
            plan = await components.planner.plan(current, PlanContext())
        except (InputError, ModelAnswerError) as error:
            failure = str(error)
            break
        step_components = Components(
            ReferencePlanner(Plan(steps=plan.steps[:1])), components.critic, components.generator, components.limits
        )
        step_seed = seed if number == 0 else derive_seed(seed, number, 0)
        step_thread = f"{thread}.{number}"
        done, step_attempts, failure = await _run_trajectory(graph, step_components, step_thread, current, step_seed)
        steps += done
        attempts += [attempt.model_copy(update={"step": number}) for attempt in step_attempts]
        selected = selected_attempt({str(index): attempt for index, attempt in enumerate(step_attempts)}, 0)
        if failure or len(plan.steps) == 1 or selected is None or selected.image is None:
            break
        text = TextPart(text=done[0].instruction or done[0].prompt or "")
        parts = (*(part for part in current.parts if part != TextPart(text=_CONTINUE)), text)
        current = Request(parts=(*parts, ImagePart(sha256=selected.image), TextPart(text=_CONTINUE)))
    return tuple(steps), tuple(attempts), failure
