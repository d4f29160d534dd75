"""One measurement of the product: every stage is counted as what it is, and a failure is reported as one error."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench.dataset import Item, held_out_items
from interleavethinker.evaluation.throughput import product_run
from interleavethinker.evaluation.throughput.product_run import Measured, ProductRun, Stages, measure_product
from interleavethinker.graph import Components
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.tools.errors import ModelAnswerError, ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Attempt, CheckReport, Plan, Request

SLOW = 0.05


class SlowCheck:
    """Rejects plans that the planner made, and takes its time."""

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:  # noqa: ARG002
        await asyncio.sleep(SLOW)
        return CheckReport(checked=True, faults=() if plan.made_by != "planner" else ("It is a poor plan.",))

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:  # noqa: ARG002
        await asyncio.sleep(SLOW)
        return CheckReport(checked=True)


class SlowPlanner(FixedPlanner):
    async def plan(self, request: Request, context: PlanContext) -> Plan:
        await asyncio.sleep(SLOW)
        return await super().plan(request, context)


def use(monkeypatch: pytest.MonkeyPatch, *, planner: FixedPlanner) -> None:
    """Replaces the profile's models and image server by parts that answer at once."""

    @asynccontextmanager
    async def open_components(profile: Profile, store: ImageStore) -> AsyncIterator[Components]:
        yield Components(
            planner,
            RuleCritic(accept_only("a", "b!")),
            MemoryGenerator(store),
            profile.limits,
            fallback_planner=SlowPlanner(plan_of("a", "b")),
            plan_check=SlowCheck(),
            document_check=SlowCheck(),
        )

    monkeypatch.setattr(product_run, "open_components", open_components)


def two_items(store: ImageStore) -> list[Item]:
    return held_out_items(2, 0, store)


async def test_planners_checks_and_waits_are_counted_as_what_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, planner=FixedPlanner(plan_of("a poor plan")))
    run = ProductRun(load_profile("micro"), 0, least_seconds=SLOW)
    measured = await measure_product(run, two_items, tmp_path / "run")
    assert [answer.first_attempts for answer in measured.answers] == [(True, False)] * 2
    assert [[prompt for prompt, _ in document] for document in measured.documents] == [["a", "b"]] * 2
    stages = measured.stages
    assert stages.calls == 6, "two images, of which one was made twice, for each of two requests"
    assert stages.seconds["generate"] >= 6 * SLOW * 0.95, "each call waits"
    assert stages.seconds["plan"] >= 2 * SLOW * 0.95, "the fallback planner is a planner"
    assert stages.seconds["check"] >= 6 * SLOW * 0.95, "two plans and a document for each request"
    assert sum(stages.seconds.values()) <= measured.wall


def test_the_overhead_is_what_planner_checks_critic_and_pipeline_leave() -> None:
    stages = Stages(pipeline=1.5, calls=5)
    stages.seconds.update(plan=1.0, check=0.5, generate=2.0, judge=3.0)
    assert Measured(10.0, 4.0, stages, ()).overhead_ms_per_call == (10.0 - 1.0 - 0.5 - 3.0 - 1.5) / 5 * 1000


async def test_a_trajectory_that_fails_ends_the_measurement_unless_it_may(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from interleavethinker.graph.workspace.workspace import Workspace

    create = Workspace.create

    async def refuse_others(self: Workspace, request: Request | str, **options: object) -> object:
        if request != product_run.WARM_UP:
            raise ModelError("The planner's server is down.")
        return await create(self, request, **options)  # type: ignore[arg-type]

    use(monkeypatch, planner=FixedPlanner(plan_of("a"), ModelAnswerError("No plan.")))
    monkeypatch.setattr(Workspace, "create", refuse_others)
    run = ProductRun(load_profile("micro"), 0, at_once=2)
    with pytest.raises(ModelError, match="server is down"):
        await measure_product(run, two_items, tmp_path / "one")
    may = ProductRun(load_profile("micro"), 0, at_once=2, may_fail=True)
    measured = await measure_product(may, two_items, tmp_path / "two")
    assert [answer.first_attempts for answer in measured.answers] == [(), ()]
