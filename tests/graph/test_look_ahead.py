"""Look-ahead in virtual time: an event loop whose clock jumps to the next timer, so that seconds are exact."""

import asyncio
import random
import selectors
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from interleavethinker.graph import Components, Limits, make_graph
from interleavethinker.graph.look_ahead import Pace, pass_rate
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, plan_of
from interleavethinker.tools.types import Attempt, CriticInput, GeneratedImage, GenerationRequest, Verdict

T = TypeVar("T")
STEPS = 8


class VirtualClock(selectors.DefaultSelector):
    """Does not wait for timers, but moves the clock to them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Calls run in the loop's own thread, at no time: how long a real thread takes would depend on the machine."""

    def __init__(self) -> None:
        self._clock = VirtualClock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as a thread does
            done.set_exception(error)
        return done


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work)


class Machine:
    """Does work of given seconds; `cores` pieces run at full speed, more of them share."""

    def __init__(self, cores: float) -> None:
        self._cores = cores
        self._running = 0

    async def work(self, seconds: float, quantum: float = 0.25) -> None:
        self._running += 1
        try:
            while seconds > 1e-9:
                part = min(quantum, seconds)
                await asyncio.sleep(part * max(1.0, self._running / self._cores))
                seconds -= part
        finally:
            self._running -= 1


class SlowGenerator:
    """One call at a time, as a pipeline; a call that has begun runs to its end even if nobody waits for it."""

    def __init__(self, machine: Machine, seconds: float) -> None:
        self._machine, self._seconds = machine, seconds
        self._pipeline = asyncio.Lock()
        self.calls: list[GenerationRequest] = []

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        async with self._pipeline:
            self.calls.append(call)
            running = asyncio.ensure_future(self._machine.work(self._seconds))
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                await running
                raise
        if progress is not None:
            progress(1.0, "done")
        digest = f"{call.seed:064x}"
        return GeneratedImage(sha256=digest, width=1, height=1, seed=call.seed, model="m", seconds=1, cached=False)


class SlowCritic:
    gives_confidence = False

    def __init__(self, machine: Machine, seconds: float, pass_rate: float) -> None:
        self._machine, self._seconds, self._pass_rate = machine, seconds, pass_rate

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        await self._machine.work(self._seconds * len(cases))
        return [
            Verdict(success=random.Random(case.image).random() < self._pass_rate, refined_prompt=case.prompt + "!")
            for case in cases
        ]


async def seconds_of(
    look_ahead: int,
    rate: float,
    *,
    generate: float = 1.0,
    judge: float = 1.0,
    cores: float = 64,
    shared: bool = False,
    trajectories: int = 4,
    at_once: int = 1,
) -> tuple[float, list[dict[str, Attempt]], int]:
    machine = Machine(cores)
    generator = SlowGenerator(machine if shared else Machine(64), generate)
    limits = Limits(look_ahead=look_ahead, replan_after=99, max_attempts=3)
    plan = plan_of(*(f"step {number}" for number in range(STEPS)))
    components = Components(FixedPlanner(plan), SlowCritic(machine, judge, rate), generator, limits)
    graph = make_graph(components=components)
    started = asyncio.get_running_loop().time()
    found: list[dict[str, Attempt]] = []

    async def run(seeds: list[int]) -> None:
        for seed in seeds:
            state = await graph.ainvoke({"request": "x", "seed": seed}, {"recursion_limit": 1000})
            found.append(state["attempts"])

    seeds = list(range(trajectories))
    await asyncio.gather(*(run(seeds[first::at_once]) for first in range(at_once)))
    return asyncio.get_running_loop().time() - started, found, len(generator.calls)


@pytest.mark.parametrize(("judge", "least"), [(4.0, 1.6), (1.0, 1.3), (0.25, 1.05)])
def test_look_ahead_shortens_trajectories_whose_first_attempts_pass_nine_times_in_ten(
    judge: float, least: float
) -> None:
    without, expected, _ = in_virtual_time(seconds_of(1, 0.9, judge=judge))
    ahead, found, _ = in_virtual_time(seconds_of(4, 0.9, judge=judge))
    assert found == expected
    assert without / ahead >= least


@pytest.mark.parametrize("rate", [0.0, 0.4, 0.9])
@pytest.mark.parametrize(
    ("generate", "judge", "cores", "shared"),
    [
        (1.0, 4.0, 64, False),
        (4.0, 1.0, 64, False),
        (1.0, 3.0, 1, False),  # The critic's model has no room for a second verdict.
        (1.0, 3.0, 1, True),  # Neither has the machine for a second call of any kind.
        (3.0, 1.0, 1, True),
    ],
)
def test_look_ahead_is_never_slower_than_without(
    rate: float, generate: float, judge: float, cores: float, shared: bool
) -> None:
    several: dict[str, Any] = {
        "generate": generate, "judge": judge, "cores": cores, "shared": shared, "trajectories": 5,
    }  # fmt: skip
    without, expected, _ = in_virtual_time(seconds_of(1, rate, **several))
    ahead, found, _ = in_virtual_time(seconds_of(8, rate, **several))
    assert found == expected
    first = 2 * (generate + judge)
    assert ahead <= without * 1.02 + first, "the first calls show whether there is room"


def test_several_trajectories_leave_each_other_the_machine() -> None:
    busy: dict[str, Any] = {"generate": 1.0, "judge": 1.0, "trajectories": 16, "at_once": 8}
    without, _, calls = in_virtual_time(seconds_of(1, 0.5, **busy))
    ahead, _, calls_ahead = in_virtual_time(seconds_of(8, 0.5, **busy))
    assert ahead <= without * 1.02
    assert calls_ahead <= calls * 1.05


def test_a_trajectory_whose_attempts_fail_drafts_little() -> None:
    _, _, needed = in_virtual_time(seconds_of(1, 0.1))
    _, _, made = in_virtual_time(seconds_of(8, 0.1))
    assert made <= needed * 1.1 + 1


def test_the_pass_rate_is_the_trajectorys_own() -> None:
    def judged(success: bool | None) -> Attempt:
        return Attempt(
            plan_version=1, step=0, iteration=0, prompt="p", seed=0, source=None, image=None,
            verdict=Verdict(success=success),
        )  # fmt: skip

    assert pass_rate([]) == 0.75
    assert pass_rate([judged(False)] * 8) == 0.15
    assert pass_rate([judged(True)] * 7 + [judged(None)]) == 0.95, "an image that was not judged is kept"


def test_decisions_follow_from_the_times_of_recent_calls() -> None:
    pace = Pace()
    assert pace.draft_pays(0.5)
    assert not pace.draft_pays(0.2)
    for _ in range(3):
        pace.add("generate", frozenset(), 1.0)
        pace.add("judge", frozenset(), 1.0)
        pace.add("judge", frozenset({"generate"}), 1.4)
        pace.add("judge", frozenset({"judge"}), 1.9)
    assert pace.draft_pays(0.5)
    assert not pace.draft_pays(0.34), "1.4 s for both, and 0.66 times another image"
    assert not pace.verdict_pays(1.0), "both would take as long as one after the other"
    for _ in range(5):
        pace.add("judge", frozenset({"judge"}), 1.2)
    assert pace.verdict_pays(0.5)
    assert not pace.verdict_pays(0.34)


async def test_an_error_of_a_draft_is_raised_only_where_its_image_is_needed(tmp_path: Path) -> None:
    from interleavethinker.tools.errors import GeneratorError
    from interleavethinker.tools.images.store import ImageStore
    from interleavethinker.tools.testing.generator import MemoryGenerator

    class Failing(MemoryGenerator):
        async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
            if call.prompt == "c":
                raise GeneratorError("The disk is full.")
            return await super().generate(call, progress)

    class Deciding(SlowCritic):
        async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
            for _ in range(50):  # so that drafts run meanwhile
                await asyncio.sleep(0)
            return [Verdict(success=True) for _ in cases]

    parts = Components(
        FixedPlanner(plan_of("a", "b", "c")),
        Deciding(Machine(1), 0, 1),
        Failing(ImageStore(tmp_path)),
        Limits(look_ahead=3),
    )
    with pytest.raises(GeneratorError, match="disk is full"):
        await make_graph(components=parts).ainvoke({"request": "x", "seed": 1})
