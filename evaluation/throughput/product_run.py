"""One measurement of the product: some requests, answered in an empty workspace, and where the time went.

The image server is a process of its own with an empty store, and the models have answered one other request before the
clock starts. The generator can be made as slow as a remote one: each call then waits until a given time has passed,
which takes no processor time.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from interleavethinker.evaluation.microbench.dataset import Item, trajectory_seed
from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import DocumentCheck, PlanCheck, PlanContext, Planner, ProgressCallback
from interleavethinker.tools.qwen3vl.inference import unload_models
from interleavethinker.tools.types import (
    Attempt,
    CheckReport,
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    Plan,
    Request,
    Verdict,
)

from .serial_loop import Shown

__all__ = [
    "WARM_UP",
    "WARM_UP_SEED",
    "Answered",
    "Measured",
    "ProductRun",
    "Stages",
    "answer_in",
    "fitting",
    "measure_product",
    "timed_components",
]

_T = TypeVar("_T")
WARM_UP = "a big red ball on the left"
WARM_UP_SEED = 2**31 - 1
_ROOM_FOR_REWRITING = " on the left, in a meadow"
"""Words by which a critic may lengthen a prompt."""


@dataclass
class Stages:
    """Where the time went."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds that trajectories waited for `plan`, `check`, `generate` and `judge`, summed over trajectories."""
    pipeline: float = 0.0
    """Seconds of the image pipeline alone, as the server reports them."""
    calls: int = 0


@dataclass(frozen=True)
class Answered:
    """One request's answer."""

    document: Shown
    first_attempts: tuple[bool, ...] = ()
    """For each step with an image, whether its first attempt was kept: accepted, or not judged."""


@dataclass(frozen=True)
class Measured:
    """One measurement."""

    wall: float
    """Seconds from the first request to the last document."""
    cpu: float
    """CPU seconds of this process, models included and the image server excluded."""
    stages: Stages
    answers: tuple[Answered, ...]

    @property
    def documents(self) -> tuple[Shown, ...]:
        """The documents, in the order of the requests."""
        return tuple(answer.document for answer in self.answers)

    @property
    def overhead_ms_per_call(self) -> float:
        """Milliseconds per image that are no planner, check, critic or pipeline; for one trajectory at a time."""
        models = sum(self.stages.seconds[stage] for stage in ("plan", "check", "judge")) + self.stages.pipeline
        return (self.wall - models) / max(1, self.stages.calls) * 1000


@dataclass(frozen=True)
class ProductRun:
    """What to measure."""

    profile: Profile
    seed: int
    """Of the trajectories."""
    at_once: int = 1
    look_ahead: int = 1
    least_seconds: float = 0.0
    """Seconds that each generator call takes at least, as if the generator were a remote service."""
    may_fail: bool = False
    """Whether a trajectory without a document has an empty answer instead of ending the measurement."""


def fitting(items: Sequence[Item], generator: MicroGenerator) -> Iterator[Item]:
    """Yields the requests whose prompts fit the image model; the server refuses longer ones."""
    for item in items:
        prompts = [step.prompt for step in item.scenario.steps if step.prompt is not None]
        if not any(generator.truncated_tokens(prompt + _ROOM_FOR_REWRITING) for prompt in prompts):
            yield item


async def measure_product(run: ProductRun, choose: Callable[[ImageStore], Sequence[Item]], root: Path) -> Measured:
    """Answers requests and measures that.

    Args:
        run: How they are answered.
        choose: Returns the requests, and puts their images into the store.
        root: A folder that does not exist yet.

    Raises:
        ModelError: A trajectory did not finish.
    """
    store, stages = ImageStore(root / "images"), Stages()
    server = run.profile.generator.model_copy(update={"server_store": root / "server"})
    profile = run.profile.model_copy(update={"generator": server})
    items = choose(store)
    limits = profile.limits.model_copy(update={"look_ahead": run.look_ahead})
    async with (
        open_components(profile, store) as components,
        Workspace.open(root, timed_components(components, stages, run.least_seconds)) as workspace,
    ):
        await answer_in(workspace, WARM_UP, limits, WARM_UP_SEED)
        stages.seconds.clear()
        stages.pipeline, stages.calls = 0.0, 0
        waiting, answers = list(items)[::-1], dict[int, Answered]()

        async def work() -> None:
            while waiting:
                item = waiting.pop()
                seed = trajectory_seed(run.seed, item.number)
                try:
                    answers[item.number] = await answer_in(workspace, item.request, limits, seed)
                except ModelError:
                    if not run.may_fail:
                        raise
                    answers[item.number] = Answered(())

        started, cpu = time.perf_counter(), time.process_time()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(run.at_once):
                    group.create_task(work())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    await asyncio.to_thread(unload_models)
    return Measured(wall, cpu, stages, tuple(answers[item.number] for item in items))


async def answer_in(workspace: Workspace, request: Request | str, limits: Limits, seed: int) -> Answered:
    """Runs one trajectory and returns its document.

    Raises:
        ModelError: It did not finish.
    """
    trajectory = await workspace.create(request, limits=limits, seed=seed, attended=True)
    finished = await workspace.run(trajectory)
    plan = finished.plan
    if plan is None or finished.status != "done":  # A time that leaves work out would not be comparable.
        raise ModelError(f"A trajectory of the benchmark did not finish: {finished.reason or finished.status}")
    attempts: dict[str, Attempt] = {str(number): attempt for number, attempt in enumerate(finished.attempts)}
    chosen = [selected_attempt(attempts, number) for number in range(len(plan.steps))]
    document = tuple(
        (step.prompt, None if step.prompt is None or attempt is None else attempt.image)
        for step, attempt in zip(plan.steps, chosen, strict=True)
    )
    first = (attempt for attempt in finished.attempts if attempt.iteration == 0)
    return Answered(document, tuple(one.verdict is None or one.verdict.success is not False for one in first))


def timed_components(components: Components, stages: Stages, least_seconds: float = 0.0) -> Components:
    """Returns components whose calls add their time to `stages`; planners and checks as the serial loop counts them.

    Args:
        components: The components.
        stages: Receives the times.
        least_seconds: See `ProductRun.least_seconds`.
    """

    async def timed(stage: str, call: Awaitable[_T]) -> _T:
        started = time.perf_counter()
        try:
            return await call
        finally:
            stages.seconds[stage] += time.perf_counter() - started

    class TimedPlanner:
        def __init__(self, planner: Planner) -> None:
            self._planner = planner

        async def plan(self, request: Request, context: PlanContext) -> Plan:
            return await timed("plan", self._planner.plan(request, context))

    class TimedPlanCheck:
        def __init__(self, check: PlanCheck) -> None:
            self._check = check

        async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:
            return await timed("check", self._check.check_plan(request, plan, context))

    class TimedDocumentCheck:
        def __init__(self, check: DocumentCheck) -> None:
            self._check = check

        async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:
            return await timed("check", self._check.check_document(request, plan, shown))

    class Critic:
        gives_confidence = components.critic.gives_confidence

        async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
            return await timed("judge", components.critic.judge(cases))

    class Generator:
        async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
            image = await timed("generate", self._at_least(components.generator.generate(call, progress)))
            stages.pipeline += image.seconds
            stages.calls += 1
            return image

        async def _at_least(self, call: Awaitable[_T]) -> _T:
            started = time.perf_counter()
            result = await call
            await asyncio.sleep(started + least_seconds - time.perf_counter())
            return result

    fallback, plan_check, document_check = (
        components.fallback_planner,
        components.plan_check,
        components.document_check,
    )
    return replace(
        components,
        planner=TimedPlanner(components.planner),
        critic=Critic(),
        generator=Generator(),
        fallback_planner=None if fallback is None else TimedPlanner(fallback),
        plan_check=None if plan_check is None else TimedPlanCheck(plan_check),
        document_check=None if document_check is None else TimedDocumentCheck(document_check),
    )
