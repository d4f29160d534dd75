"""Steps that start from nothing, from an earlier step or from an image of the request, and run side by side."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, Components, Limits, Workspace, make_graph
from interleavethinker.graph.dependencies import dependency_problem, source_of
from interleavethinker.graph.events import Finished, GenerationFailed
from interleavethinker.tools.errors import GeneratorError, InputError, ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, ImagePart, Plan, Request, Step, TextPart

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
COMIC = Plan(
    steps=(
        Step(prompt="a forest"),
        Step(prompt="add a fox"),
        Step(prompt="a city", starts_from="nothing"),
        Step(prompt="add a bus"),
        Step(auxiliary_text="Meanwhile."),
        Step(prompt="add an owl", starts_from="step 2"),
        Step(prompt="a beach", starts_from="nothing"),
    )
)
ACCEPTED = ("a forest", "add a fox!", "a city!", "add a bus", "add an owl!!", "a beach")


class Gated(MemoryGenerator):
    """Answers only once `width` calls are waiting side by side, or none can join them."""

    def __init__(self, store: ImageStore) -> None:
        super().__init__(store)
        self.waiting = self.widest = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.waiting += 1
        for _ in range(20):
            await asyncio.sleep(0)
        self.widest = max(self.widest, self.waiting)
        try:
            return await super().generate(call, progress)
        finally:
            self.waiting -= 1


async def document(root: Path, plan: Plan, limits: Limits, failures: int = 0) -> tuple[object, Gated]:
    generator = Gated(ImageStore(root / "images"))
    generator.fail_next(GeneratorError("down", retryable=False), failures)
    components = Components(FixedPlanner(plan), RuleCritic(accept_only(*ACCEPTED)), generator, limits)
    async with Workspace.open(root, components) as workspace:
        trajectory = await workspace.create("x", seed=5)
        done = await workspace.run(trajectory)
        while done.status == "failed":
            done = await workspace.run(trajectory)
        assert len(done.attempts) == len(generator.generated), "every call that was answered is in the record"
        made = [
            (a.step, a.iteration, a.prompt, a.seed, a.source, a.image, a.verdict)
            for a in done.attempts
            if not a.outdated
        ]
        return (made, done.document.blocks, done.document.notes, done.stop_reason), generator


@pytest.mark.parametrize(
    ("limits", "widest"),
    [
        (Limits(), 3),
        (Limits(look_ahead=3), 3),
        (Limits(max_attempts=2, replan_after=1), 3),
        (Limits(judge_last_attempt=False, max_attempts=2), 3),
        (Limits(max_calls=40), 3),
        (Limits(max_calls=4), 1),
    ],
    ids=["plain", "drafts", "a replan", "last not judged", "many calls", "few calls"],
)
async def test_the_parts_of_a_comic_run_side_by_side_and_the_result_is_that_of_a_serial_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits, widest: int
) -> None:
    parallel, many = await document(tmp_path / "parallel", COMIC, limits)
    monkeypatch.setattr("interleavethinker.graph.generating.independent_steps", lambda *_: [])
    serial, one = await document(tmp_path / "serial", COMIC, limits.model_copy(update={"look_ahead": 1}))
    assert parallel == serial
    assert (one.widest, many.widest) == (1, widest)


async def test_no_call_is_made_that_a_serial_run_would_not_make(tmp_path: Path) -> None:
    _, generator = await document(tmp_path, COMIC, Limits())
    assert len(generator.generated) == len(generator.calls) == 10


async def test_a_failed_call_loses_none_of_the_others(tmp_path: Path) -> None:
    plain, _ = await document(tmp_path / "plain", COMIC, Limits())
    troubled, generator = await document(tmp_path / "troubled", COMIC, Limits(), failures=2)
    assert troubled == plain
    assert len(generator.generated) == len(generator.calls) - 2


async def test_a_failed_call_beside_others_is_an_event_and_made_again(tmp_path: Path) -> None:
    generator = Gated(ImageStore(tmp_path / "images"))
    generator.fail_next(GeneratorError("down", retryable=False))
    components = Components(FixedPlanner(COMIC), RuleCritic(accept_only(*ACCEPTED)), generator)
    async with Workspace.open(tmp_path, components) as workspace:
        events = [event async for event in workspace.stream(await workspace.create("x", seed=5))]
    failed = [event for event in events if isinstance(event, GenerationFailed)]
    assert [(event.step, event.iteration, event.reason) for event in failed] == [(0, 0, "down")]
    assert isinstance(events[-1], Finished)
    assert events[-1].document.complete


async def test_a_step_starts_from_the_image_that_it_names(opened: Opened) -> None:
    plan = Plan(
        steps=(
            Step(prompt="a", starts_from="reference 1"),
            Step(prompt="b"),
            Step(prompt="c", starts_from="step 1"),
            Step(prompt="d", starts_from="reference"),
            Step(prompt="e", starts_from="nothing"),
        )
    )
    async with opened(plan) as workspace:
        given = [workspace.store.put(fake_image(GenerationRequest(prompt=name, seed=1))) for name in "xy"]
        parts = (ImagePart(sha256=given[0]), ImagePart(sha256=given[1]), TextPart(text="go"))
        done = await workspace.run(await workspace.create(Request(parts=parts)))
        first, second, *_ = images = [attempt.image for attempt in done.attempts]
        assert [attempt.source for attempt in done.attempts] == [given[0], first, first, given[1], None]
        assert second != images[2]
        child = await workspace.run(await workspace.branch(done.id, BranchPoint(step=2, seed=9)))
        assert child.attempts[2].source == first
        assert child.attempts[3].image == images[3]


@pytest.mark.parametrize(
    ("point", "canonical"),
    [
        (None, None),
        ("previous", None),
        ("", None),
        (2, "step 2"),
        ("Step  2", "step 2"),
        ("3", "step 3"),
        ("nothing", "nothing"),
        ("reference", "reference"),
        ("REFERENCE4", "reference 4"),
    ],
)
def test_a_starting_point_has_one_form(point: object, canonical: str | None) -> None:
    assert Step.model_validate({"prompt": "a", "starts_from": point}).starts_from == canonical


@pytest.mark.parametrize(
    "point", ["the moon", "step", "step 0", "step -1", "step 1.5", True, ["step 1"], "reference 0"]
)
def test_another_starting_point_is_refused_with_the_forms(point: object) -> None:
    with pytest.raises(ValueError, match=r"nothing, step NUMBER, reference|valid string"):
        Step.model_validate({"prompt": "a", "starts_from": point})


@pytest.mark.parametrize(
    ("point", "images", "words"),
    [
        ("step 2", 0, "not an earlier step"),
        ("step 3", 0, "not an earlier step"),
        ("step 1", 0, "not an earlier step"),
        ("reference", 0, "has no image"),
        ("reference 3", 2, "has 2 images"),
    ],
)
async def test_a_plan_cannot_start_from_what_there_is_not(
    point: str, images: int, words: str, tmp_path: Path, opened: Opened
) -> None:
    steps = (Step(auxiliary_text="Hello."), Step(prompt="a", starts_from=point))
    assert words in dependency_problem(steps, as_request([ImagePart(sha256="a" * 64)] * images or "x"))
    if images:
        return
    graph = make_graph(
        components=Components(FixedPlanner(Plan(steps=steps)), RuleCritic(), MemoryGenerator(ImageStore(tmp_path)))
    )
    with pytest.raises(ModelAnswerError, match=words):
        await graph.ainvoke({"request": "x"})
    async with opened() as workspace:
        waiting = await workspace.create("x", approve_plan=True)
        await workspace.run(waiting)
        with pytest.raises(InputError, match=words):
            await workspace.approve(waiting, steps)


def test_a_step_without_a_usable_image_before_it_is_generated_from_text() -> None:
    plan = Plan(steps=(Step(prompt="a"), Step(prompt="b", starts_from="step 1")))
    assert source_of(plan, {}, 1, as_request("x")) is None
