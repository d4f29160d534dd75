"""Kills a process with SIGKILL at each point of a trajectory in turn, and resumes the trajectory. Run by `test_crash`.

One process loads everything and forks for each line of its input, and for each crash, so that hundreds of crashes take
seconds. The generator keeps finished
images on disk, as the image server does, with a record of its own for every image that it really generates.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.graph.workspace.checkpoints import CheckpointSaver
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import ImageGenerator, PlanContext, ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import (
    Attempt,
    CheckReport,
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    Plan,
    Request,
    Requirement,
    Verdict,
)

KINDS = ("plan", "check", "generate", "judge", "checkpoint", "writes")


SIDE_BY_SIDE = 0
"""Instead of a look-ahead: the steps do not depend on each other, so that their calls run at the same time."""
VARIANTS = -3
"""Instead of a look-ahead: each step has three first attempts."""


class Reaper:
    """Counts the points of one kind and kills this process at a given one."""

    def __init__(self, kind: str, moment: str, victim: int) -> None:
        self._wanted = (kind, moment)
        self._victim = victim
        self._counting = threading.Lock()  # Images are painted in several threads.
        self.armed = False
        self.seen = 0

    def pass_by(self, kind: str, moment: str) -> None:
        if not self.armed or (kind, moment) != self._wanted:
            return
        with self._counting:
            self.seen += 1
            reached = self.seen == self._victim
        if reached:
            os.kill(os.getpid(), signal.SIGKILL)


class DurableGenerator:
    """Answers known calls from disk; generates the others.

    A call is finished once its record has its name. The record also counts the painting: with a log besides it, a kill
    from another thread between the two would let a call count as painted and yet not be known.
    """

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        self._reaper = reaper
        self._store = ImageStore(folder / "images")
        self._known = folder / "known"
        self._known.mkdir(exist_ok=True)
        self._unfinished = folder / "unfinished"
        self._unfinished.mkdir(exist_ok=True)

    def _paint(self, call: GenerationRequest) -> bytes:
        for known in self._known.glob(f"{call.seed}-*"):
            return self._store.get(known.read_text().splitlines()[0])
        data = fake_image(call)
        self._reaper.pass_by("generate", "inside")
        record = self._unfinished / f"{call.seed}-{uuid.uuid4()}"
        record.write_text(f"{self._store.put(data)}\n{call.model_dump_json()}\n")
        record.rename(self._known / record.name)
        return data

    def painted(self) -> list[str]:
        """Returns the calls of all processes that were painted; one that was painted twice occurs twice."""
        return sorted(record.read_text().splitlines()[1] for record in self._known.iterdir())

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self._reaper.pass_by("generate", "before")
        made = await MemoryGenerator(self._store, self._paint, "gpt-image-1").generate(call, progress)
        self._reaper.pass_by("generate", "after")
        return made


class ServedGenerator:
    """Generates through a real image server, a child process that logs every call that it begins or has finished."""

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        server = Path(__file__).parents[1] / "servers" / "images" / "counting_server.py"
        command = (sys.executable, str(server), str(folder / "server"), str(folder / "log"))
        self._reaper = reaper
        self.client = McpImageGenerator(GeneratorConfig(command=command), ImageStore(folder / "images"))

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self._reaper.pass_by("generate", "before")
        first = True

        def watched(fraction: float, message: str) -> None:
            nonlocal first
            if first:
                self._reaper.pass_by("generate", "inside")
            first = False
            if progress is not None:
                progress(fraction, message)

        made = await self.client.generate(call, watched)
        self._reaper.pass_by("generate", "after")
        return made


def generated_by_server(log: Path) -> dict[str, list[str]]:
    """Returns the seeds that the server generated, and those that it generated again after finishing them."""
    finished, begun, repeated = set(), set(), []
    for line in log.read_text().splitlines():
        word, seed = line.split()
        if word == "finished":
            finished.add(seed)
            continue
        begun.add(seed)
        if seed in finished:
            repeated.append(seed)
    return {"painted": sorted(begun), "repeated": repeated}


class KillablePlanner(FixedPlanner):
    def __init__(self, reaper: Reaper, *plans: Plan) -> None:
        super().__init__(*plans)
        self._reaper = reaper

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        self._reaper.pass_by("plan", "before")
        plan = await super().plan(request, context)
        self._reaper.pass_by("plan", "after")
        if context.previous is None and context.rejected is None:
            return plan_of("a", "b")
        return plan_of("redo c") if context.previous else plan


class KillableCheck:
    """Rejects plans of two steps, and finds a fault in every document."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:  # noqa: ARG002
        self._reaper.pass_by("check", "before")
        faults = () if len(plan.steps) == 3 else ("Step c is missing.",)
        self._reaper.pass_by("check", "after")
        return CheckReport(checked=True, faults=faults)

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:  # noqa: ARG002
        self._reaper.pass_by("check", "before")
        await asyncio.sleep(0)
        self._reaper.pass_by("check", "after")
        return CheckReport(checked=True, faults=(f"{len(shown)} steps are too many.",))


class KillableCritic(RuleCritic):
    def __init__(self, reaper: Reaper) -> None:
        super().__init__(
            lambda case: Verdict(
                success=case.prompt in ACCEPTED,
                refined_prompt=case.prompt + "!",
                confidence=int(case.image[:2], 16) / 256,
                checklist=(Requirement(kind="count", text=case.prompt, met=None),),
            )
        )
        self._reaper = reaper

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        self._reaper.pass_by("judge", "before")
        verdicts = await super().judge(cases)
        self._reaper.pass_by("judge", "after")
        return verdicts


ACCEPTED = ("a!", "redo c!")


def make_saver_killable(reaper: Reaper) -> None:
    def around(kind: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapped(*arguments: Any, **named: Any) -> Any:
            reaper.pass_by(kind, "before")
            result = await method(*arguments, **named)
            reaper.pass_by(kind, "after")
            return result

        return wrapped

    for name, kind in (("aput", "checkpoint"), ("aput_writes", "writes")):
        setattr(CheckpointSaver, name, around(kind, getattr(CheckpointSaver, name)))


async def live(folder: Path, reaper: Reaper, look_ahead: int, served: bool) -> dict[str, Any]:
    """Starts a trajectory, or resumes the existing one, and returns its result."""
    if served:
        generator = ServedGenerator(folder, reaper)
        async with generator.client:
            return await with_generator(generator, folder, reaper, look_ahead) | generated_by_server(folder / "log")
    durable = DurableGenerator(folder, reaper)
    return await with_generator(durable, folder, reaper, look_ahead) | {"painted": durable.painted(), "repeated": []}


async def with_generator(generator: ImageGenerator, folder: Path, reaper: Reaper, look_ahead: int) -> dict[str, Any]:
    check = KillableCheck(reaper)
    plan = plan_of("a", "b", "c")
    if look_ahead == SIDE_BY_SIDE:
        first, *fresh = plan.steps
        fresh = [step.model_copy(update={"starts_from": "nothing"}) for step in fresh]
        plan, look_ahead = Plan(steps=(first, *fresh)), 1
    components = Components(
        KillablePlanner(reaper, plan),
        KillableCritic(reaper),
        generator,
        plan_check=check,
        document_check=check,
    )
    async with Workspace.open(folder, components) as workspace:
        existing = await workspace.list()
        variants = max(1, -look_ahead)
        limits = Limits(max_attempts=3, replan_after=1, look_ahead=max(1, look_ahead), variants=variants)
        name = existing[0].id if existing else await workspace.create("x", limits=limits, seed=3)
        if existing:
            assert existing[0].status == "interrupted", existing[0].status
        reaper.armed = True
        seen = await workspace.run(name)
    attempts = [attempt.model_dump(exclude={"cached", "seconds"}) for attempt in seen.attempts]
    return {
        "document": seen.document.model_dump(),
        "stop_reason": seen.stop_reason,
        "spending": seen.spending.model_dump(),
        "attempts": attempts,
        "plans": [plan.model_dump() for plan in seen.plans],
    }


def forked(folder: Path, reaper: Reaper, look_ahead: int, served: bool) -> dict[str, Any] | None:
    """Runs `live` in a child process; returns None if it was killed."""
    reading, writing = os.pipe()
    folder.mkdir(exist_ok=True)
    child = os.fork()
    if child == 0:
        os.close(reading)
        make_saver_killable(reaper)
        result = asyncio.run(live(folder, reaper, look_ahead, served))
        with os.fdopen(writing, "w") as pipe:
            json.dump(result | {"points": reaper.seen}, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    assert os.waitstatus_to_exitcode(status) == 0, "a child failed; its traceback is above"
    answer: dict[str, Any] = json.loads(text)
    return answer


def main(folder: Path, kind: str, moment: str, look_ahead: int, served: bool) -> None:
    """Prints one line per crash: where it was, and whether the resumed trajectory equals the uninterrupted one."""
    reference = forked(folder / "reference", Reaper(kind, moment, -1), look_ahead, served)
    assert reference is not None
    points = reference.pop("points")
    if look_ahead > 1:  # How many drafts are made depends on time; none may be made twice.
        reference |= {"painted": None}
    # A server takes a second to start, so only the first and the last point are tried with a server.
    for victim in {1, points} if served else range(1, points + 1):
        place = folder / f"{victim}"
        died = forked(place, Reaper(kind, moment, victim), look_ahead, served) is None
        resumed = forked(place, Reaper("none", "", 0), look_ahead, served) or {}
        resumed.pop("points", None)
        if look_ahead > 1:
            if not died:  # This time fewer drafts were made, and the trajectory ended before the point.
                break
            painted = resumed["painted"]
            resumed |= {"painted": None, "repeated": sorted({each for each in painted if painted.count(each) > 1})}
        different = [key for key in reference if resumed.get(key) != reference[key]]
        print(json.dumps({"victim": victim, "died": died, "different": different}), flush=True)  # noqa: T201


def warm_up() -> None:
    """Runs a trajectory here, so that all children find loaded and built what each would load and build anew."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), Reaper("none", "", 0), 1, False))
    assert threading.active_count() == 1, "a child would not have this thread"
    gc.collect()
    gc.freeze()  # A collection in a child would copy each page that it visits.


def serve() -> None:
    """Runs `main` in a child process for each line, a JSON array of its arguments, and then prints its exit code."""
    warm_up()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            folder, *others = json.loads(line)
            main(Path(folder), *others)
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
