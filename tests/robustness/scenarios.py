"""The operations on a workspace that `kill.py` interrupts, each written so that it can be begun again from any state.

A scenario is what a user of one command does: it looks at what is there already, and does the rest. Models and
generator are scripted, and leave a line in a log for every image that is really generated and every fact looked up.
"""

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.graph import BranchPoint, Components, HumanVerdict, Limits, Trajectory, Workspace
from interleavethinker.graph.batch.batch import run_batch
from interleavethinker.graph.batch.manifest import BatchRequest, sweep
from interleavethinker.graph.events import ReviewNeeded
from interleavethinker.graph.export.export import export
from interleavethinker.graph.limits import DriftGuard
from interleavethinker.graph.workspace.worker import Worker
from interleavethinker.tools.errors import TrajectoryError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, ProgressCallback
from interleavethinker.tools.testing.agents import RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import (
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    ImagePart,
    Lookup,
    Plan,
    Request,
    Requirement,
    Step,
    TextPart,
    Verdict,
)

__all__ = ["SCENARIOS", "Scenario", "components_of"]

_CAST = Plan(
    steps=(
        Step(prompt="@cat in a garden", references=("cat",)),
        Step(prompt="@cat and @girl", references=("cat", "girl = step 1"), starts_from="nothing"),
        Step(prompt="make it b"),
    )
)
_PLANS = {
    "cast": _CAST,
    "checked": plan_of("check a", "check b"),
    "drifting": plan_of("a wall", "edit one", "edit two", "edit three", "edit four"),
}
_FACTS = ("herons", "boats")
_QUEUED = ("queued one", "queued two", "queued three")


class DurableGenerator:
    """Keeps finished images on disk, as the image server does, and logs each image that it really generates."""

    def __init__(self, folder: Path) -> None:
        self._store = ImageStore(folder / "images")
        self._finished = folder / "finished"
        self._finished.mkdir(exist_ok=True)
        self._log = folder / "generated"
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def _paint(self, call: GenerationRequest) -> bytes:
        digest = hashlib.sha256(call.model_dump_json().encode()).hexdigest()
        with self._locks[digest]:  # Equal calls of two trajectories share one image, as at the image server.
            return self._painted(call, digest)

    def _painted(self, call: GenerationRequest, digest: str) -> bytes:
        record = self._finished / digest
        if record.exists():
            return ImageStore(self._finished).get(record.read_text())
        data = self._worn(call) if "edit" in call.prompt or call.prompt == "a wall" else fake_image(call)
        with self._log.open("a") as log:
            log.write(f"{digest}\n")
        record.with_suffix(".tmp").write_text(ImageStore(self._finished).put(data))
        record.with_suffix(".tmp").rename(record)
        return data

    def _worn(self, call: GenerationRequest) -> bytes:
        """Returns a light wall; every edit makes all of it darker, which nobody asked for."""
        from PIL import Image

        level = 250
        if call.source is not None:
            color = open_rgb(self._store.get(call.source)).getpixel((0, 0))
            level = color[0] - 10 if isinstance(color, tuple) else level
        wall = Image.new("RGB", (64, 64), (level, level, level))
        wall.putpixel((63, 63), (call.seed >> 16 & 255, call.seed >> 8 & 255, call.seed & 255))
        return encode_png(wall)

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        return await MemoryGenerator(self._store, self._paint).generate(call, progress)


class ScriptedPlanner:
    """Has one plan for each kind of request."""

    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002 - the protocol's signature
        """See `Planner.plan`."""
        return _PLANS.get(request.parts[-1].text if isinstance(request.parts[-1], TextPart) else "", _THREE)


class LoggingResearcher:
    """Looks two facts up for one kind of request, and logs every lookup."""

    max_calls = 4

    def __init__(self, folder: Path) -> None:
        self._log = folder / "generated"

    async def next_lookups(self, request: Request, done: Sequence[Lookup]) -> list[Lookup]:
        """See `Researcher.next_lookups`."""
        if request.parts != (TextPart(text="facts"),):
            return []
        known = {one.arguments for one in done}
        wanted = [Lookup(tool="find", arguments=json.dumps({"query": fact})) for fact in _FACTS]
        return [one for one in wanted if one.arguments not in known]

    async def look_up(self, lookup: Lookup) -> Lookup:
        """See `Researcher.look_up`."""
        with self._log.open("a") as log:
            log.write(f"lookup:{hashlib.sha256(lookup.arguments.encode()).hexdigest()}\n")
        return lookup.model_copy(update={"result": f"about {lookup.arguments}", "sources": ("a book",)})


def strict_verdict(case: CriticInput) -> Verdict:
    """Rejects the first image of `make it b` and of `check b`, the latter with a checklist."""
    if case.prompt.startswith("check"):
        met = case.prompt != "check b"
        checklist = (Requirement(text="there is a b", met=met), Requirement(text="it is red", met=True))
        return Verdict(success=met, refined_prompt=f"{case.prompt}, really", reasoning="by list", checklist=checklist)
    success = case.prompt != "make it b"
    return Verdict(success=success, refined_prompt=case.prompt if success else "make it b, really", reasoning="by rule")


def components_of(folder: Path) -> Components:
    """Returns scripted components that keep what a server would keep in the folder."""
    return Components(
        ScriptedPlanner(), RuleCritic(strict_verdict), DurableGenerator(folder), researcher=LoggingResearcher(folder)
    )


_THREE = plan_of("draw a", "make it b", "make it c")
_USUAL = Limits(max_attempts=3)
_VARIANTS = Limits(max_attempts=3, variants=3)


def _picture(name: str) -> bytes:
    return fake_image(GenerationRequest(prompt=name, seed=0))


async def _existing(
    workspace: Workspace,
    title: str,
    limits: Limits = _USUAL,
    *,
    image: str | None = None,
    name: str | None = None,
    approve_plan: bool = False,
) -> str:
    """Returns the trajectory of this title; creates it if there is none."""
    found = [entry.id for entry in await workspace.list() if entry.title == title and entry.parent is None]
    if found:
        return found[0]
    parts: list[TextPart | ImagePart] = [TextPart(text=title)]
    if image is not None:
        parts.insert(0 if name else 1, ImagePart(sha256=await workspace.add_image(_picture(image)), name=name))
    return await workspace.create(parts, seed=len(title), approve_plan=approve_plan, limits=limits)


async def _answer(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "plain"))


async def _ahead(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "ahead", Limits(max_attempts=3, look_ahead=3)))


async def _images(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "with an image", image="mine"))


async def _references(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "cast", image="cat", name="cat"))


async def _variants(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "variants", _VARIANTS))


async def _choose(workspace: Workspace) -> None:
    """Branches with another one of the variants; the steps after it have as many."""
    parent = await _existing(workspace, "variants", _VARIANTS)
    found = [entry.id for entry in await workspace.list() if entry.parent is not None]
    point = BranchPoint(step=0, iteration=1, choose=True)
    await workspace.run(found[0] if found else await workspace.branch(parent, point))


async def _checklist(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "checked"))


async def _drift(workspace: Workspace) -> None:
    done = await workspace.run(
        await _existing(workspace, "drifting", Limits(max_attempts=3, drift=DriftGuard(action="redraw", threshold=0.1)))
    )
    if not any(attempt.wish for attempt in done.attempts):
        raise ValueError("the drift guard drew nothing again, so that this scenario tests nothing")


async def _facts(workspace: Workspace) -> None:
    done = await workspace.run(await _existing(workspace, "facts"))
    if len(done.lookups) != len(_FACTS):
        raise ValueError("not all facts were looked up")


async def _approve(workspace: Workspace) -> None:
    """Runs a trajectory whose plan a person edits."""
    name = await _existing(workspace, "approved", approve_plan=True)
    if (await workspace.run(name)).status == "waiting":
        await workspace.approve(name, plan_of("draw x", "make it b").steps)
    await workspace.run(name)


async def _judge_once(workspace: Workspace, title: str, verdict: HumanVerdict) -> None:
    """Runs a trajectory whose first image a person judges."""
    name = await _existing(workspace, title)
    if not (await workspace.get(name)).attempts:
        async with aclosing(workspace.stream(name, review=True)) as events:
            async for event in events:
                if isinstance(event, ReviewNeeded):
                    break
    attempts = (await workspace.get(name)).attempts
    if not any(one.verdict is not None and one.verdict.by_hand for one in attempts):
        await workspace.judge(name, verdict)
    await workspace.run(name)


async def _judge(workspace: Workspace) -> None:
    await _judge_once(workspace, "judged", HumanVerdict(success=False, prompt="draw z"))


async def _region(workspace: Workspace) -> None:
    verdict = HumanVerdict(success=False, prompt="draw z", region="0,0,50%,50%")
    await _judge_once(workspace, "judged in a region", verdict)


async def _mask(workspace: Workspace) -> None:
    from PIL import Image

    mask = Image.new("L", (96, 96), 0)
    mask.paste(255, (10, 10, 60, 60))
    sha256 = await workspace.add_image(encode_png(mask.convert("RGB")))
    await _judge_once(workspace, "judged with a mask", HumanVerdict(success=False, mask=sha256))


async def _more(workspace: Workspace) -> None:
    """Runs a trajectory into its limit of calls, and on with another limit."""
    name = await _existing(workspace, "limited", Limits(max_attempts=3, max_calls=1))
    if (await workspace.run(name)).stop_reason == "max_calls":
        await workspace.change_limits(name, _USUAL)
    await workspace.run(name)


async def _pause(workspace: Workspace) -> None:
    name = await _existing(workspace, "paused")
    if (await workspace.summary(name)).status == "ready":
        await workspace.pause(name)
    await workspace.run(name)


async def _cancel(workspace: Workspace) -> None:
    name = await _existing(workspace, "cancelled")
    if (await workspace.summary(name)).status == "cancelled":
        return
    try:
        await workspace.pause(name)
    except TrajectoryError:
        if (await workspace.summary(name)).status != "cancelled":
            raise
    await workspace.cancel(name)


async def _branch(workspace: Workspace) -> None:
    """Branches with other words, and with an image that is there already."""
    plain = await _existing(workspace, "plain")
    branches = [entry for entry in await workspace.list() if entry.parent is not None]
    image = (await workspace.get(plain)).attempts[0].image
    for point in (BranchPoint(step=1, prompt="make it green"), BranchPoint(step=0, image=image)):
        found = [entry.id for entry in branches if entry.parent_step == point.step]
        await workspace.run(found[0] if found else await workspace.branch(plain, point))


async def _branch_with_image(workspace: Workspace) -> None:
    """Branches with a person's image in the place of a step's."""
    plain = await _existing(workspace, "plain")
    found = [entry.id for entry in await workspace.list() if entry.parent is not None]
    own = await workspace.add_image(_picture("my own"))
    await workspace.run(found[0] if found else await workspace.branch(plain, BranchPoint(step=1, image=own)))


def _requests(folder: Path) -> list[BatchRequest]:
    picture = folder / "photo.png"
    if not picture.exists():
        picture.with_suffix(".tmp").write_bytes(_picture("photo"))
        picture.with_suffix(".tmp").replace(picture)
    return [
        BatchRequest(text="batch one", seed=1),
        BatchRequest(text="batch two", seed=2, images=(picture,)),
        BatchRequest(text="checked", seed=3, limits={"variants": 2}),
    ]


async def _run_all(workspace: Workspace, requests: Sequence[BatchRequest]) -> None:
    folder = workspace.root / "answers"
    results = await run_batch(workspace, requests, folder, at_once=2, limits=_USUAL)
    report = (folder / "report.csv").read_text().splitlines()
    pages = [(folder / one.page).read_text() for one in results]
    if any(one.status != "done" or one.error for one in results):
        raise ValueError(f"not all requests are answered: {results}")
    if len(report) != len(requests) + 1 or not all(page.rstrip().endswith("</html>") for page in pages):
        raise ValueError("the report or a page is not whole")


async def _batch(workspace: Workspace) -> None:
    await _run_all(workspace, _requests(workspace.root))


async def _sweep(workspace: Workspace) -> None:
    varied = {"seed": [1, 2], "max_attempts": [1, 3]}
    await _run_all(workspace, sweep(_requests(workspace.root)[:1], varied))


async def _queue(workspace: Workspace) -> None:
    for title in _QUEUED:
        await _existing(workspace, title)


async def _worker(workspace: Workspace) -> None:
    """Answers what waits; what no worker takes any more, since three of them died of it, a person takes up again."""
    await Worker(workspace, lambda _: None, at_once=2, poll=0.02).run(until_empty=True)
    for entry in await workspace.list():
        if entry.status == "failed":
            await workspace.run(entry.id)


async def _export(workspace: Workspace) -> None:
    trajectory = await workspace.get(await _existing(workspace, "plain"))
    page = workspace.root / "page"
    export(trajectory, workspace.store, page)
    record = Trajectory.model_validate_json((page / "trajectory.json").read_text())
    if record.document != trajectory.document or not (page / "index.html").read_text().rstrip().endswith("</html>"):
        raise ValueError("the exported record or page is not whole")


async def _delete(workspace: Workspace) -> None:
    for entry in await workspace.list():
        await workspace.delete(entry.id)


async def _clean(workspace: Workspace) -> None:
    for number in range(3):
        await workspace.add_image(_picture(f"nobody's {number}"))
    await workspace.collect_garbage(older_than=-60)
    await workspace.vacuum()


async def _everything(workspace: Workspace) -> None:
    for scenario in (_answer, _approve, _judge, _cancel, _branch, _export, _clean):
        await scenario(workspace)


@dataclass(frozen=True)
class Scenario:
    """One operation."""

    bring: Callable[[Workspace], Awaitable[None]]
    """Brings a workspace from any state to the scenario's end."""
    before: str | None = None
    """The scenario whose end the workspace is in at first."""
    at_once: int = 1
    """Most generator calls in flight: a kill may cost as many."""
    drafts: bool = False
    """Whether it depends on time how many images are generated; none is generated twice even so."""


SCENARIOS: dict[str, Scenario] = {
    "run": Scenario(_answer),
    "run with look-ahead": Scenario(_ahead, at_once=3, drafts=True),
    "run with an image": Scenario(_images),
    "run with references": Scenario(_references),
    "run with variants": Scenario(_variants, at_once=_VARIANTS.variants),
    "run with a checklist": Scenario(_checklist),
    "run with a drift guard": Scenario(_drift),
    "run with lookups": Scenario(_facts),
    "resume with another limit": Scenario(_more),
    "approve": Scenario(_approve),
    "judge": Scenario(_judge),
    "judge with a region": Scenario(_region),
    "judge with a mask": Scenario(_mask),
    "pause": Scenario(_pause),
    "cancel": Scenario(_cancel),
    "branch": Scenario(_branch, "run"),
    "branch with an image": Scenario(_branch_with_image, "run"),
    "branch with another variant": Scenario(_choose, "run with variants", at_once=_VARIANTS.variants),
    "batch": Scenario(_batch, at_once=4),
    "sweep": Scenario(_sweep, at_once=2),
    "queue": Scenario(_queue),
    "worker": Scenario(_worker, "queue", at_once=2),
    "export": Scenario(_export, "run"),
    "delete": Scenario(_delete, "branch"),
    "collect garbage": Scenario(_clean, "branch"),
    "everything": Scenario(_everything),
}
