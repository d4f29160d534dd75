"""Runs the agent on MicroBench's requests: the graph with its checkpoints, pictures through the MCP image server.

Many trajectories of several settings are under way at once, so that the server and the models answer in full batches
and no setting waits for another's last trajectories. Everything lies in one folder and is used again:

| in the folder | what |
| --- | --- |
| `images/` | the image server's store and the agent's at once; a call that any row has made is answered from here |
| `answers/` | what learned planners and critics answered |
| `results/` | a line for each finished request of a setting |
| `seconds` | what all starts together have taken |

A refused request, or a plan that cannot be used, is the agent's failure and scored as it stands. A failure of a
generator or a store is nobody's score: it passes through, and the same command goes on from there.
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
from pydantic import BaseModel, ConfigDict

from interleavethinker.evaluation.inference.pooled_model import end_processes
from interleavethinker.graph import Components, build_graph, serializer
from interleavethinker.graph.attempts import derive_seed, selected_attempt
from interleavethinker.microworld.agents.teachers import ReferencePlanner
from interleavethinker.tools.errors import InputError, InterleaveError, ModelAnswerError
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import ImageGenerator, PlanContext
from interleavethinker.tools.types import Attempt, ImagePart, Plan, Request, Sha256, Step, TextPart

from .agents import AgentFactory
from .config import ExperimentConfig
from .dataset import Item, held_out, seed_of
from .scoring import AnswerScores, Shown, score_images, score_text

__all__ = ["Result", "TrajectoryRunner", "Work", "open_trajectory_runner"]

AT_ONCE = 160
"""Trajectories under way: enough to fill the batches of server and models, few enough to finish early ones early."""
_LANES = 2
"""Parts that the work is cut into, each with its share of the trajectories under way: at most times they have different
critics, which answer in different processes. More lanes would mean smaller batches."""
_NO_LIMIT = 100_000
_MOST_STEPS = 8
"""Of a plan that is written step by step."""
_CONTINUE = "Continue the sequence."
"""As in the planner's training rows that were cut at a step."""
_SERVER = ("--max-batch", "16", "--threads", "1", "--max-waiting", "256")
Work = Mapping[ExperimentConfig, Sequence[Item]]
"""Which requests to run under which setting."""
Progress = Callable[[ExperimentConfig, Item], None]
"""Told of each request of a setting that is finished, those of an earlier run first."""


class Result(BaseModel):
    """One finished request under one setting."""

    model_config = ConfigDict(frozen=True)

    number: int
    request: str
    """`Item.digest` of what was asked."""
    family: str
    text: float
    steps: float | None
    """See `AnswerScores.steps`."""
    final: float | None
    calls: int
    """Generator calls, answered from a store or not."""
    seconds: float
    """From start to end, with all others at the same time."""
    failure: str = ""
    """Why there is no (whole) answer, in the agent's words; empty otherwise."""
    plan: tuple[Step, ...]
    attempts: tuple[Attempt, ...]
    kept: tuple[Sha256 | None, ...]
    """For each step of the plan the picture that the document shows."""

    @property
    def scores(self) -> AnswerScores:
        """The scores together."""
        return AnswerScores(self.text, self.steps, self.final)


class TrajectoryRunner:
    """Where trajectories run; see `open_trajectory_runner`.

    Attributes:
        items: The requests, in order.
        store: Where all pictures lie.
    """

    def __init__(self, root: Path, items: Sequence[Item], generator: ImageGenerator, seed: int) -> None:
        self.items = tuple(items)
        self.store = ImageStore(root / "images")
        self._root = root
        self._seed = seed
        self._cast = AgentFactory(self.store, generator, root / "answers", seed)

    async def run(self, work: Work, progress: Progress | None = None) -> dict[ExperimentConfig, tuple[Result, ...]]:
        """Runs settings on some of the requests, less those that they have finished before.

        Raises:
            ModelError: Weights are not installed.
            GeneratorError: The image server failed for good.
        """
        tell = progress or (lambda _setting, _item: None)
        files = {setting: LineFile(self._root / "results" / f"{setting.key(self._seed)}.jsonl") for setting in work}
        known = {setting: self._finished(files[setting], items) for setting, items in work.items()}
        waiting: list[tuple[ExperimentConfig, Item]] = []
        for setting, items in work.items():
            for item in items:
                if item.number in known[setting]:
                    tell(setting, item)
                else:
                    waiting.append((setting, item))

        def keep(setting: ExperimentConfig, item: Item, result: Result) -> None:
            known[setting][result.number] = result
            files[setting].append([result.model_dump_json()])
            tell(setting, item)

        await self._finish_all(waiting, keep)
        return {setting: tuple(known[setting][item.number] for item in items) for setting, items in work.items()}

    def _finished(self, lines: LineFile, items: Sequence[Item]) -> dict[int, Result]:
        asked = {item.number: item.digest for item in items}
        found = map(Result.model_validate_json, lines)
        return {result.number: result for result in found if asked.get(result.number) == result.request}

    async def _finish_all(
        self, waiting: Sequence[tuple[ExperimentConfig, Item]], keep: Callable[[ExperimentConfig, Item, Result], None]
    ) -> None:
        graph = _graph()
        length = -(-len(waiting) // _LANES)
        lanes = [iter(waiting[at * length : (at + 1) * length]) for at in range(_LANES)]

        async def go_on_in(lane: int) -> None:
            for setting, item in chain(lanes[lane], *lanes):  # one whose own lane is done helps with the others
                keep(setting, item, await self._finish(graph, setting, item))

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(AT_ONCE):
                    group.create_task(go_on_in(number % _LANES))
        except ExceptionGroup as failed:
            expected, defects = failed.split(InterleaveError)
            if expected is None or defects is not None:
                raise
            raise expected.exceptions[0] from failed

    async def _finish(self, graph: Any, setting: ExperimentConfig, item: Item) -> Result:
        begun = time.perf_counter()
        components = self._cast.components(setting, item)
        seed, thread = seed_of(self._seed, item.number), f"{setting.key(self._seed)}/{item.number}"
        run = _stepwise if setting.stepwise else _whole
        plan, attempts, failure = await run(graph, components, thread, item.request, seed)
        seconds = time.perf_counter() - begun
        return await asyncio.to_thread(self._scored, item, plan, attempts, failure, seconds)

    def _scored(
        self, item: Item, plan: Sequence[Step], attempts: Sequence[Attempt], failure: str, seconds: float
    ) -> Result:
        by_key = {str(index): attempt for index, attempt in enumerate(attempts)}
        kept = [selected_attempt(by_key, index) for index in range(len(plan))]
        shown = [Shown(one.image, one.source) for one in kept if one is not None]
        steps, final = score_images(item.targets, shown, self.store) if item.targets else (None, None)
        return Result(
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
            kept=tuple(None if one is None else one.image for one in kept),
        )


@contextlib.asynccontextmanager
async def open_trajectory_runner(
    root: Path, n: int, seed: int, *, generator: Callable[[ImageStore], ImageGenerator] | None = None
) -> AsyncIterator[TrajectoryRunner]:
    """Draws the requests and starts the image server.

    Args:
        root: The folder.
        n: How many requests.
        seed: Of everything.
        generator: Makes a generator over the store instead; for tests.
    """
    store = ImageStore(root / "images")
    items = held_out(n, seed, store)
    if generator is not None:
        yield TrajectoryRunner(root, items, generator(store), seed)
        return
    config = GeneratorConfig(model="micro", arguments=_SERVER, server_store=root / "images")
    try:
        async with McpImageGenerator(config, store) as server:
            yield TrajectoryRunner(root, items, server, seed)
    finally:
        end_processes()


def _graph() -> Any:
    """The agent's graph; each run brings its ports as context.

    Checkpoints stay in memory: a request that was cut short begins anew, and its finished calls are in the store.
    """

    async def find(runtime: Runtime[Any]) -> Components:
        components = runtime.context
        assert isinstance(components, Components)  # noqa: S101 - given below
        return components

    return build_graph(find, InMemorySaver(serde=serializer()))


_Answer = tuple[tuple[Step, ...], tuple[Attempt, ...], str]


async def _whole(graph: Any, components: Components, thread: str, request: Request, seed: int) -> _Answer:
    """Runs one trajectory to its end."""
    config = {"configurable": {"thread_id": thread}, "recursion_limit": _NO_LIMIT}
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


async def _stepwise(graph: Any, components: Components, thread: str, request: Request, seed: int) -> _Answer:
    """Plans again before every step, with the pictures so far in the request, and carries out only the first step.

    The planner says by a plan of one step that it is the last. A step is a trajectory of its own.
    """
    steps: list[Step] = []
    attempts: list[Attempt] = []
    asked, failure = request, ""
    for number in range(_MOST_STEPS):
        try:
            plan = await components.planner.plan(asked, PlanContext())
        except (InputError, ModelAnswerError) as error:
            failure = str(error)
            break
        own = Components(
            ReferencePlanner(Plan(steps=plan.steps[:1])), components.critic, components.generator, components.limits
        )
        step_seed = seed if number == 0 else derive_seed(seed, number, 0)
        made, tries, failure = await _whole(graph, own, f"{thread}.{number}", asked, step_seed)
        steps += made
        attempts += [attempt.model_copy(update={"step": number}) for attempt in tries]
        kept = selected_attempt({str(index): attempt for index, attempt in enumerate(tries)}, 0)
        if failure or len(plan.steps) == 1 or kept is None:
            break
        said = TextPart(text=made[0].instruction or made[0].prompt or "")
        parts = (*(part for part in asked.parts if part != TextPart(text=_CONTINUE)), said)
        asked = Request(parts=(*parts, ImagePart(sha256=kept.image), TextPart(text=_CONTINUE)))
    return tuple(steps), tuple(attempts), failure
