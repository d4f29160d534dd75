"""Components of one's own that return what no state can hold: the run fails with the reason, and nothing is lost."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, ProgressCallback
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Plan, Request, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


class CarelessGenerator(MemoryGenerator):
    """Changes the first answer by `model_copy`, which checks nothing."""

    def __init__(self, store: ImageStore, changes: dict[str, Any]) -> None:
        super().__init__(store, lambda call: fake_image(call.model_copy(update={"size": self.size or call.size})))
        self._changes = changes
        self.size: str | None = None
        """Size of all images, whatever is asked for."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        image = await super().generate(call, progress)
        changes, self._changes = self._changes, {}
        return image.model_copy(update=changes)


class CarelessCritic:
    gives_confidence = False

    def __init__(self, answer: object) -> None:
        self._answers = [answer]

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        good = [Verdict(success=True) for _ in cases]
        return self._answers.pop() if self._answers else good  # type: ignore[return-value]


class CarelessPlanner:
    def __init__(self, answer: object) -> None:
        self._answers = [answer]

    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002
        return self._answers.pop() if self._answers else plan_of("a", "b")  # type: ignore[return-value]


async def resumed_after(ws: Workspace, reason: str) -> int:
    """Returns how many attempts a run had kept that failed for a reason; it can be resumed."""
    trajectory = await ws.create("x")
    failed = await ws.run(trajectory)
    assert failed.status == "failed"
    assert reason in failed.reason
    assert (await ws.get(trajectory)).attempts == failed.attempts
    ended = await ws.run(trajectory)
    assert (ended.status, ended.stop_reason) == ("done", "complete")
    return len(failed.attempts)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sha256": "zz"}, "sha256: String should match pattern"),
        ({"seconds": float("nan")}, "seconds: Input should be a finite number"),
        ({"width": 2**70}, "width: "),
        ({"model": "\ud800"}, "model: "),
    ],
)
async def test_an_image_that_no_state_can_hold_is_an_error_of_the_generator(
    opened: Opened, tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    generator = CarelessGenerator(ImageStore(tmp_path / "workspace" / "images"), changes)
    async with opened(plan_of("a", "b"), generator=generator) as ws:
        kept = await resumed_after(ws, f"The image generator returned something that cannot be used: {problem}")
    assert kept == 0


@pytest.mark.parametrize("changes", [None, {"sha256": "a" * 64}])
async def test_an_image_that_is_not_in_the_workspace_is_an_error_of_the_generator(
    opened: Opened, tmp_path: Path, changes: dict[str, Any] | None
) -> None:
    here = ImageStore(tmp_path / "workspace" / "images")
    generator = (
        MemoryGenerator(ImageStore(tmp_path / "elsewhere")) if changes is None else CarelessGenerator(here, changes)
    )
    async with opened(plan_of("a", "b"), generator=generator) as ws:
        trajectory = await ws.create("x")
        failed = await ws.run(trajectory)
    assert (failed.status, failed.attempts) == ("failed", ())
    assert "an image that is not in the workspace's image store" in failed.reason


async def test_an_image_of_another_size_than_asked_is_not_taken(opened: Opened, tmp_path: Path) -> None:
    generator = CarelessGenerator(ImageStore(tmp_path / "workspace" / "images"), {})
    generator.size = "32x32"
    async with opened(plan_of("a", "b"), generator=generator) as ws:
        sized = await ws.run(await ws.create("x", image_size="64x48"))
        free = await ws.run(await ws.create("x"))
    assert sized.status == "failed"
    assert "made an image of 32x32 instead of 64x48" in sized.reason
    assert [(one.width, one.height) for one in free.attempts] == [(32, 32)] * 2, "what the file has, not what was said"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            [Verdict(success=True).model_copy(update={"refined_prompt": None})],
            "The critic returned something that cannot be used: refined_prompt: ",
        ),
        ([Verdict(success=True).model_copy(update={"success": "maybe"})], "success: "),
        ([Verdict(success=True).model_copy(update={"confidence": 10**400})], "confidence: "),
        ("yes", "a str instead of a list of verdicts"),
        ([], "was asked about 1 image; it returned a list of 0"),
        ([Verdict(success=True)] * 2, "returned a list of 2"),
    ],
)
async def test_a_verdict_that_no_state_can_hold_loses_no_image(opened: Opened, answer: object, problem: str) -> None:
    async with opened(plan_of("a", "b"), CarelessCritic(answer)) as ws:
        assert await resumed_after(ws, problem) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (plan_of("a").model_copy(update={"reasoning": 5}), "reasoning: Input should be a valid string"),
        (plan_of("a").model_copy(update={"steps": ({"prompt": 5},)}), "steps.0.prompt: "),
        (None, "The planner returned something that cannot be used"),
    ],
)
async def test_a_plan_that_no_state_can_hold_is_an_error_of_the_planner(
    opened: Opened, answer: object, problem: str
) -> None:
    async with opened(CarelessPlanner(answer)) as ws:
        assert await resumed_after(ws, problem) == 0


async def test_answers_in_their_json_form_are_taken(opened: Opened) -> None:
    plan = CarelessPlanner({"steps": [{"prompt": "a"}]})
    async with opened(plan, CarelessCritic([{"success": True}])) as ws:
        ended = await ws.run(await ws.create("x"))
    assert (ended.status, len(ended.attempts)) == ("done", 1)
