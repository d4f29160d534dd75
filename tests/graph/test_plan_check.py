"""A plan is checked before it is carried out, and the complete document at the end, in the real graph."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.graph.events import DocumentChecked, Event, PlanChecked, Planned
from interleavethinker.graph.export.export import export
from interleavethinker.tools.errors import GeneratorError, InputError, ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, Planner
from interleavethinker.tools.request_checks import StructuralCheck
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Attempt, CheckReport, Plan, Request

WRONG, ALSO_WRONG, RIGHT = plan_of("a dog"), plan_of("a cow"), plan_of("a cat")


class WantsCat:
    """Finds a fault in every plan without a cat, and in every document whose last image is not of a cat."""

    def __init__(self, document_faults: tuple[str, ...] = ()) -> None:
        self.plans: list[tuple[Plan, PlanContext]] = []
        self.documents: list[Sequence[Attempt | None]] = []
        self._document_faults = document_faults

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:  # noqa: ARG002
        self.plans.append((plan, context))
        drawn = [step.prompt for step in plan.steps]
        return CheckReport(checked=True, faults=() if "a cat" in drawn else (f"{drawn[-1]} instead of a cat",))

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:  # noqa: ARG002
        self.documents.append(shown)
        return CheckReport(checked=True, faults=self._document_faults)


class Opened:
    """The fakes of one workspace."""

    def __init__(
        self, folder: Path, planner: Planner, check: WantsCat | None = None, fallback: Planner | None = None
    ) -> None:
        self.check = check or WantsCat()
        self.generator = MemoryGenerator(ImageStore(folder / "images"))
        self.folder = folder
        self.components = Components(
            planner,
            RuleCritic(),
            self.generator,
            fallback_planner=fallback,
            plan_check=self.check,
            document_check=self.check,
        )

    def workspace(self) -> AbstractAsyncContextManager[Workspace]:
        return Workspace.open(self.folder, self.components)


async def events_of(workspace: Workspace, trajectory: str) -> list[Event]:
    return [event async for event in workspace.stream(trajectory)]


async def test_a_plan_that_fails_its_check_is_asked_for_again_with_the_reason(tmp_path: Path) -> None:
    planner = FixedPlanner(WRONG, RIGHT)
    opened = Opened(tmp_path, planner)
    async with opened.workspace() as ws:
        trajectory = await ws.create("a cat")
        events = await events_of(ws, trajectory)
        result = await ws.get(trajectory)
    (_, first), (_, second) = planner.calls
    assert (first.rejected, first.faults) == (None, ())
    assert second.rejected is not None
    assert (second.rejected.steps, second.faults) == (WRONG.steps, ("a dog instead of a cat",))
    assert [call.prompt for call in opened.generator.calls] == ["a cat"]
    assert [(plan.version, plan.rejected, plan.made_by) for plan in result.plans] == [
        (1, True, "planner"),
        (2, False, "planner"),
    ]
    assert result.plans[0].report == CheckReport(checked=True, faults=("a dog instead of a cat",))
    assert (result.document.status, result.document.faults) == ("complete and checked", ())
    told = [event for event in events if isinstance(event, Planned | PlanChecked | DocumentChecked)]
    assert [event.kind for event in told] == ["planned", "plan_checked"] * 2 + ["document_checked"]
    assert [event.plan.rejected for event in told if isinstance(event, PlanChecked)] == [True, False]


async def test_the_fallback_planner_plans_once_the_planner_was_asked_often_enough(tmp_path: Path) -> None:
    planner, fallback = FixedPlanner(WRONG, ALSO_WRONG), FixedPlanner(RIGHT)
    async with Opened(tmp_path, planner, fallback=fallback).workspace() as ws:
        result = await ws.run(await ws.create("a cat"))
    assert (len(planner.calls), len(fallback.calls)) == (2, 1)
    assert fallback.calls[0][1].faults == ("a cow instead of a cat",)
    assert [plan.made_by for plan in result.plans] == ["planner", "planner", "fallback_planner"]
    assert result.document.status == "complete and checked"


@pytest.mark.parametrize("retries", [0, 3])
async def test_the_number_of_retries_is_a_limit(tmp_path: Path, retries: int) -> None:
    planner, fallback = FixedPlanner(WRONG), FixedPlanner(RIGHT)
    async with Opened(tmp_path, planner, fallback=fallback).workspace() as ws:
        await ws.run(await ws.create("a cat", limits=Limits(max_plan_retries=retries)))
    assert (len(planner.calls), len(fallback.calls)) == (1 + retries, 1)


async def test_without_a_fallback_the_last_plan_is_carried_out_and_the_document_names_its_fault(tmp_path: Path) -> None:
    opened = Opened(tmp_path, FixedPlanner(WRONG, ALSO_WRONG))
    async with opened.workspace() as ws:
        result = await ws.run(await ws.create("a cat"))
    assert [call.prompt for call in opened.generator.calls] == ["a cow"]
    assert result.document.complete
    assert result.document.status == "complete with known faults"
    assert result.document.faults == ("a cow instead of a cat",)
    assert [plan.rejected for plan in result.plans] == [True, False]


async def test_a_fallback_planner_that_errs_too_is_carried_out_with_its_faults_named(tmp_path: Path) -> None:
    opened = Opened(tmp_path, FixedPlanner(WRONG), fallback=FixedPlanner(ALSO_WRONG))
    async with opened.workspace() as ws:
        result = await ws.run(await ws.create("a cat"))
    assert [call.prompt for call in opened.generator.calls] == ["a cow"]
    assert result.document.faults == ("a cow instead of a cat",)


async def test_a_refusal_of_the_fallback_planner_refuses_the_request_in_its_words(tmp_path: Path) -> None:
    fallback = FixedPlanner(InputError("I only draw balls."))
    opened = Opened(tmp_path, FixedPlanner(WRONG), fallback=fallback)
    async with opened.workspace() as ws:
        result = await ws.run(await ws.create("a cat"))
    assert result.status == "failed"
    assert result.reason == "I only draw balls. The first plan was rejected: a dog instead of a cat"
    assert opened.generator.calls == []


@pytest.mark.parametrize("error", [ModelAnswerError("no JSON"), InputError("too long")])
async def test_the_fallback_planner_plans_where_the_planner_gives_no_plan(tmp_path: Path, error: Exception) -> None:
    planner, fallback = FixedPlanner(error), FixedPlanner(RIGHT)
    async with Opened(tmp_path, planner, fallback=fallback).workspace() as ws:
        result = await ws.run(await ws.create("a cat"))
    assert (len(planner.calls), len(fallback.calls)) == (1, 1)
    assert [plan.made_by for plan in result.plans] == ["fallback_planner"]
    assert result.document.status == "complete and checked"


async def test_a_crash_after_the_check_repeats_neither_plans_nor_checks(tmp_path: Path) -> None:
    planner, fallback = FixedPlanner(WRONG), FixedPlanner(GeneratorError("off"), RIGHT)
    opened = Opened(tmp_path, planner, fallback=fallback)
    async with opened.workspace() as ws:
        trajectory = await ws.create("a cat", limits=Limits(max_plan_retries=0))
        assert (await ws.run(trajectory)).status == "failed"
        assert (len(planner.calls), len(opened.check.plans)) == (1, 1)
    opened.generator.fail_next(GeneratorError("off"))
    async with opened.workspace() as ws:
        assert (await ws.run(trajectory)).status == "failed"
        assert (len(planner.calls), len(fallback.calls), len(opened.check.plans)) == (1, 2, 2)
    async with opened.workspace() as ws:
        result = await ws.run(trajectory)
    assert (len(planner.calls), len(fallback.calls), len(opened.check.plans)) == (1, 2, 2)
    assert len(opened.check.documents) == 1
    assert [plan.version for plan in result.plans] == [1, 2]
    assert result.document.status == "complete and checked"


async def test_the_document_names_the_faults_that_the_check_at_the_end_finds(tmp_path: Path) -> None:
    opened = Opened(tmp_path, FixedPlanner(plan_of("a cat", None)), WantsCat(("The cat is blue.",)))
    async with opened.workspace() as ws:
        result = await ws.run(await ws.create("a cat"))
        again = await ws.get(result.id)
    ((cat, text),) = opened.check.documents
    assert cat == result.attempts[0]
    assert text is None
    assert result.document.status == "complete with known faults"
    assert result.document.faults == ("The cat is blue.",)
    assert again.document == result.document
    assert result.short_form()["document_status"] == "complete with known faults"
    assert result.short_form()["faults"] == ["The cat is blue."]
    page = export(result, ImageStore(tmp_path / "images"), tmp_path / "out")
    told = (page.parent / "document.md").read_text()
    assert "> Complete with known faults" in told
    assert "Known fault: The cat is blue" in told
    assert "Known faults" in page.read_text()
    assert "<li><bdi>The cat is blue.</bdi></li>" in page.read_text()


async def test_an_incomplete_document_is_not_checked(tmp_path: Path) -> None:
    opened = Opened(tmp_path, FixedPlanner(plan_of("a dog", "a cat")))
    async with opened.workspace() as ws:
        result = await ws.run(await ws.create("a cat", limits=Limits(max_calls=1)))
    assert (result.stop_reason, result.document.status) == ("max_calls", "incomplete")
    assert opened.check.documents == []


async def test_a_new_plan_for_the_remaining_steps_is_checked_with_what_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    check, planner = WantsCat(), FixedPlanner(plan_of("a cat", "b"), plan_of("c"), plan_of("d"))
    generator = MemoryGenerator(ImageStore(folder / "images"))
    components = Components(planner, RuleCritic(accept_only("c", "d")), generator, plan_check=check)
    async with Workspace.open(folder, components) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=2, replan_after=1)))
    assert result.stop_reason == "complete"
    (first, empty), (second, context) = check.plans
    assert empty == PlanContext()
    assert [step.prompt for step in second.steps] == ["a cat", "c"]
    assert (context.finished, context.previous and context.previous.steps) == (1, first.steps)


async def test_a_document_without_checks_says_that_it_was_not_checked(tmp_path: Path) -> None:
    components = Components(FixedPlanner(RIGHT), RuleCritic(), MemoryGenerator(ImageStore(tmp_path / "images")))
    async with Workspace.open(tmp_path, components) as ws:
        result = await ws.run(await ws.create("a cat"))
    assert result.plans[0].report is None
    assert result.document.status == "complete, not checked"


@pytest.mark.parametrize(
    ("request_text", "plan", "fault"),
    [
        ("a ball", plan_of("make it blue"), "the first prompt must describe the whole image"),
        ("a ball", plan_of("Remove the ball."), "the first prompt must describe the whole image"),
        ("What is in this picture?", plan_of(None), "no image was given"),
        ("a boat in 3 steps", plan_of("a boat", "a sail"), "asks for 3 steps; the plan has 2"),
        ("a boat", plan_of("a boat", "A boat."), "Step 2 repeats step 1"),
        ("a boat", plan_of("a boat", "a sail", "a flag"), None),
        ("a boat", plan_of("Make a boat out of paper"), None),
        ("Describe a boat in words", plan_of(None), None),
    ],
)
async def test_the_structural_check_finds_faults_of_form(request_text: str, plan: Plan, fault: str | None) -> None:
    from interleavethinker.tools.request_parsing import as_request

    report = await StructuralCheck().check_plan(as_request(request_text), plan, PlanContext())
    assert not report.checked
    if fault is None:
        assert report.faults == ()
    else:
        (found,) = report.faults
        assert fault in found
