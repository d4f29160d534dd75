"""Pausing, cancelling, judging and branching, also from a second workspace, as another process would."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, HumanVerdict, Limits, Workspace
from interleavethinker.graph.events import (
    Cancelled,
    Event,
    Finished,
    GenerationProgress,
    Paused,
    ReviewNeeded,
)
from interleavethinker.tools.errors import InputError, TrajectoryError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, ImagePart, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


class GatedGenerator:
    """A generator whose calls wait for a gate, so that a test can act while one is in flight."""

    def __init__(self, store: ImageStore) -> None:
        self.inner = MemoryGenerator(store)
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self.cancelled = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.started.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await self.inner.generate(call, progress)


@pytest.fixture
def gated(tmp_path: Path) -> GatedGenerator:
    return GatedGenerator(ImageStore(tmp_path / "workspace" / "images"))


async def collect(ws: Workspace, trajectory: str) -> list[Event]:
    async with aclosing(ws.stream(trajectory)) as events:
        return [event async for event in events]


async def test_pausing_from_another_workspace_takes_effect_after_the_call_in_flight_and_resuming_repeats_nothing(
    opened: Opened, gated: GatedGenerator
) -> None:
    async with opened(generator=gated) as ws, opened() as other_workspace:
        trajectory = await ws.create("x")
        running = asyncio.create_task(collect(ws, trajectory))
        await gated.started.wait()
        assert (await other_workspace.summary(trajectory)).status == "running"
        assert await other_workspace.pause(trajectory)
        gated.gate.set()
        events = await running
        assert isinstance(events[-1], Paused)
        assert len(gated.inner.calls) == 1
        paused = await other_workspace.get(trajectory)
        assert (paused.summary.status, len(paused.document.images)) == ("paused", 1)
        result = await ws.run(trajectory)
    assert result.stop_reason == "complete"
    assert len(gated.inner.calls) == len(set(gated.inner.calls)) == 3


async def test_cancelling_from_another_workspace_ends_the_call_in_flight_and_only_a_branch_can_continue(
    opened: Opened, gated: GatedGenerator
) -> None:
    async with opened(generator=gated) as ws, opened() as other_workspace:
        trajectory = await ws.create("x")
        running = asyncio.create_task(collect(ws, trajectory))
        await gated.started.wait()
        assert await other_workspace.cancel(trajectory)
        assert isinstance((await running)[-1], Cancelled)
        assert gated.cancelled == 1
        assert (await other_workspace.summary(trajectory)).status == "cancelled"
        with pytest.raises(TrajectoryError, match="cancelled"):
            await ws.run(trajectory)
        gated.gate.set()
        assert (await ws.run(await ws.branch(trajectory, BranchPoint(step=0)))).stop_reason == "complete"


async def test_a_second_runner_gets_a_busy_error(opened: Opened, gated: GatedGenerator) -> None:
    async with opened(generator=gated) as ws, opened() as other_workspace:
        trajectory = await ws.create("x")
        running = asyncio.create_task(ws.run(trajectory))
        await gated.started.wait()
        with pytest.raises(TrajectoryError, match="another process") as error:
            await other_workspace.run(trajectory)
        assert error.value.code == "busy"
        with pytest.raises(TrajectoryError, match="another process"):
            await other_workspace.delete(trajectory)
        gated.gate.set()
        assert (await running).stop_reason == "complete"


async def test_leaving_the_stream_pauses_the_trajectory(opened: Opened) -> None:
    async with opened() as ws:
        trajectory = await ws.create("x")
        async with aclosing(ws.stream(trajectory)) as events:
            async for event in events:
                if isinstance(event, GenerationProgress):
                    break
        assert (await ws.summary(trajectory)).status == "paused"
        assert (await ws.run(trajectory)).stop_reason == "complete"


async def test_running_a_finished_trajectory_again_only_yields_its_result(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a"))
    async with opened(planner) as ws:
        trajectory = await ws.create("x")
        first = await collect(ws, trajectory)
        again = await collect(ws, trajectory)
    assert again == [first[-1]]
    assert isinstance(again[0], Finished)
    assert len(planner.calls) == 1


async def test_a_reviewed_trajectory_pauses_after_each_attempt_and_goes_on_with_the_verdict_that_it_has_then(
    opened: Opened,
) -> None:
    async def review(ws: Workspace) -> Event:
        async with aclosing(ws.stream(trajectory, review=True)) as events:
            return [event async for event in events][-1]

    async with opened(plan_of("a", None, "b"), RuleCritic(accept_only("a", "mine"))) as ws:
        trajectory = await ws.create("x", limits=Limits(max_attempts=1, max_replans=0))
        asked = await review(ws)
        assert isinstance(asked, ReviewNeeded)
        assert (asked.attempt.prompt, (await ws.summary(trajectory)).status) == ("a", "paused")
        asked = await review(
            ws
        )  # Nobody judged: the critic's verdict counts. The step without an image is no question.
        assert isinstance(asked, ReviewNeeded)
        assert asked.attempt.prompt == "b"
        await ws.judge(trajectory, HumanVerdict(success=False, prompt="mine", step=2, iteration=0))
        asked = await review(ws)
        assert isinstance(asked, ReviewNeeded)
        assert asked.attempt.prompt == "mine"
        assert isinstance(await review(ws), Finished)
        assert len((await ws.get(trajectory)).attempts) == 3


async def run_one_attempt(ws: Workspace, trajectory: str) -> None:
    """Runs until the next attempt is judged; a review pauses there, however fast the run is."""
    async with aclosing(ws.stream(trajectory, review=True)) as events:
        assert isinstance([event async for event in events][-1], ReviewNeeded)


async def test_a_person_can_accept_what_the_critic_rejected(opened: Opened) -> None:
    async with opened(plan_of("a", "b"), accept_only("b")) as ws:
        trajectory = await ws.create("x")
        await run_one_attempt(ws, trajectory)
        assert not await ws.judge(trajectory, HumanVerdict(success=True, reasoning="I like it"))
        result = await ws.run(trajectory)
    assert [a.prompt for a in result.attempts] == ["a", "b"]
    assert result.attempts[0].verdict == Verdict(success=True, refined_prompt="a", reasoning="I like it", by_hand=True)
    assert result.document.blocks[0].status == "accepted"


async def test_a_person_can_reject_the_last_allowed_attempt_with_a_new_prompt(opened: Opened) -> None:
    async with opened(plan_of("a"), accept_only("mine")) as ws:
        trajectory = await ws.create("x", limits=Limits(max_attempts=1))
        await run_one_attempt(ws, trajectory)
        await ws.judge(trajectory, HumanVerdict(success=False, prompt="mine"))
        result = await ws.run(trajectory)
    assert [a.prompt for a in result.attempts] == ["a", "mine"]


async def test_rejecting_the_last_allowed_attempt_allows_one_more_for_that_step_only(opened: Opened) -> None:
    async with opened(plan_of("a", "b"), accept_only("nothing")) as ws:
        trajectory = await ws.create("x", limits=Limits(max_attempts=1))
        await run_one_attempt(ws, trajectory)
        await ws.judge(trajectory, HumanVerdict(success=False))
        result = await ws.run(trajectory)
    assert [a.step for a in result.attempts] == [0, 0, 1]
    assert result.limits == Limits(max_attempts=1)


async def test_a_verdict_from_another_workspace_applies_to_the_attempt_that_the_person_saw(
    opened: Opened, gated: GatedGenerator
) -> None:
    async with opened(plan_of("a", "b"), accept_only("b"), gated) as ws, opened() as other_workspace:
        trajectory = await ws.create("x")
        running = asyncio.create_task(collect(ws, trajectory))
        await gated.started.wait()
        with pytest.raises(InputError, match="no such attempt"):
            await other_workspace.judge(trajectory, HumanVerdict(success=True))
        gated.started.clear()
        gated.gate.set()
        gated.gate.clear()
        await gated.started.wait()  # The first attempt was rejected, the second one is being generated.
        assert await other_workspace.judge(trajectory, HumanVerdict(success=True))
        gated.gate.set()
        await running
        result = await ws.get(trajectory)
    assert [a.prompt for a in result.attempts] == ["a", "a!", "b"]
    assert [a.verdict is not None and a.verdict.by_hand for a in result.attempts] == [True, False, False]
    assert result.document.images == (result.attempts[0].image, result.attempts[2].image)


async def test_a_rejection_from_another_workspace_sets_the_next_prompt_even_if_a_newer_attempt_exists(
    opened: Opened, gated: GatedGenerator
) -> None:
    async with opened(plan_of("a"), accept_only("mine"), gated) as ws, opened() as other_workspace:
        trajectory = await ws.create("x")
        running = asyncio.create_task(collect(ws, trajectory))
        await gated.started.wait()
        gated.started.clear()
        gated.gate.set()
        gated.gate.clear()
        await gated.started.wait()
        await other_workspace.judge(trajectory, HumanVerdict(success=False, prompt="mine"))
        gated.gate.set()
        await running
        result = await ws.get(trajectory)
    assert [a.prompt for a in result.attempts] == ["a", "a!", "mine"]


async def test_an_attempt_of_a_finished_step_cannot_be_judged(opened: Opened) -> None:
    async with opened() as ws:
        trajectory = await ws.create("x")
        await run_one_attempt(ws, trajectory)
        await run_one_attempt(ws, trajectory)
        with pytest.raises(InputError, match="branch"):
            await ws.judge(trajectory, HumanVerdict(success=True, step=0))
        await ws.run(trajectory)
        with pytest.raises(InputError, match="branch"):
            await ws.judge(trajectory, HumanVerdict(success=False))


async def test_a_branch_keeps_the_steps_before_it_and_generates_the_rest_again(opened: Opened) -> None:
    async with opened() as ws:
        parent = await ws.run(await ws.create("x", seed=1))
        child = await ws.run(await ws.branch(parent.summary.id, BranchPoint(step=1)))
        again = await ws.get(parent.summary.id)
    assert again == parent
    assert child.attempts[0] == parent.attempts[0]
    assert child.seed != parent.seed
    assert child.document.images[0] == parent.document.images[0]
    assert set(child.document.images[1:]).isdisjoint(parent.document.images)
    assert (child.summary.parent, child.summary.parent_step) == (parent.summary.id, 1)


async def test_a_branch_can_replace_the_prompt_or_the_seed_of_one_attempt(opened: Opened) -> None:
    async with opened() as ws:
        parent = await ws.run(await ws.create("x", seed=1))
        worded = await ws.run(await ws.branch(parent.summary.id, BranchPoint(step=1, prompt="make it z")))
        seeded = await ws.run(await ws.branch(parent.summary.id, BranchPoint(step=1, seed=77)))
    assert [a.prompt for a in worded.attempts] == ["draw a", "make it z", "make it c"]
    assert [a.seed for a in worded.attempts] == [a.seed for a in parent.attempts]
    assert seeded.attempts[1].seed == 77
    assert seeded.attempts[2].seed == parent.attempts[2].seed


async def test_the_image_of_a_branch_is_neither_generated_nor_judged_by_the_critic(
    opened: Opened, tmp_path: Path
) -> None:
    critic = RuleCritic()
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(critic=critic, generator=generator) as ws:
        parent = await ws.run(await ws.create("x"))
        mine = await ws.add_image(fake_image(GenerationRequest(prompt="mine", seed=0)))
        before = len(generator.calls)
        child = await ws.run(await ws.branch(parent.summary.id, BranchPoint(step=1, image=mine)))
    assert child.attempts[1].image == mine
    assert child.attempts[2].source == mine
    assert len(generator.calls) == before + 1
    assert mine not in {case.image for cases in critic.calls for case in cases}
    assert child.attempts[1].verdict is not None
    assert child.attempts[1].verdict.by_hand


async def test_a_branch_of_a_branch_survives_the_deletion_of_both_parents(opened: Opened) -> None:
    async with opened() as ws:
        first = await ws.run(await ws.create("x"))
        second = await ws.run(await ws.branch(first.summary.id, BranchPoint(step=1)))
        third = await ws.run(await ws.branch(second.summary.id, BranchPoint(step=2, prompt="make it d")))
        assert [entry.id for entry in third.lineage] == [second.summary.id, first.summary.id]
        await ws.delete(first.summary.id)
        await ws.delete(second.summary.id)
        removed = await ws.collect_garbage(older_than=0)
        left = await ws.get(third.summary.id)
        assert left.document == third.document
        assert all(ws.store.get(sha256) for sha256 in left.document.images)
    gone = {*first.document.images, *second.document.images} - set(third.document.images)
    assert set(removed) == gone


async def test_attempts_that_a_branch_inherits_do_not_count_against_max_calls(opened: Opened) -> None:
    async with opened() as ws:
        parent = await ws.run(await ws.create("x"))
        child = await ws.branch(parent.summary.id, BranchPoint(step=1), Limits(max_calls=2))
        assert (await ws.run(child)).stop_reason == "complete"


async def test_a_branch_before_a_replan_uses_the_earlier_plan(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c"), plan_of("z"))
    async with opened(planner, accept_only("z", "c")) as ws:
        limits = Limits(max_attempts=2, replan_after=1)
        parent = await ws.run(await ws.create("x", limits=limits))
        assert len(parent.plans) == 2
        child = await ws.run(await ws.branch(parent.summary.id, BranchPoint(step=0, prompt="c")))
    assert [a.prompt for a in child.attempts][:2] == ["c", "b"]


async def test_a_running_trajectory_can_be_branched(opened: Opened, gated: GatedGenerator) -> None:
    async with opened(generator=gated) as ws, opened(generator=gated.inner) as other_workspace:
        trajectory = await ws.create("x")
        running = asyncio.create_task(ws.run(trajectory))
        await gated.started.wait()
        child = await other_workspace.run(await other_workspace.branch(trajectory, BranchPoint(step=0)))
        gated.gate.set()
        assert (await running).stop_reason == child.stop_reason == "complete"


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (BranchPoint(step=9), "There is no step 10; the plan has 2 steps"),
        (BranchPoint(step=-1), "There is no step 0"),
        (BranchPoint(step=0, iteration=7), "There is no attempt 8 of step 1, which has 1"),
        (BranchPoint(step=1), "text only"),
        (BranchPoint(step=0, image="f" * 64), "is not in this workspace"),
    ],
)
async def test_a_branch_point_that_does_not_exist_is_refused(opened: Opened, point: BranchPoint, reason: str) -> None:
    async with opened(plan_of("a", None)) as ws:
        parent = await ws.run(await ws.create("x"))
        with pytest.raises(InputError, match=reason):
            await ws.branch(parent.summary.id, point)
        assert len(await ws.list()) == 1


async def test_a_request_with_an_unknown_image_is_refused_and_leaves_no_trajectory(opened: Opened) -> None:
    async with opened() as ws:
        with pytest.raises(InputError, match="is not in this workspace"):
            await ws.create([ImagePart(sha256="e" * 64)])
        assert await ws.list() == []


async def test_a_unique_prefix_of_an_id_finds_the_trajectory(opened: Opened) -> None:
    async with opened() as ws:
        one = await ws.create("x")
        assert (await ws.summary(one[:-1])).id == one
        await ws.create("y")
        with pytest.raises(TrajectoryError, match="2 trajectories begin"):
            await ws.summary(one[:4])
        with pytest.raises(TrajectoryError, match="No trajectory begins"):
            await ws.summary("zzz")


async def test_many_trajectories_run_concurrently_in_one_workspace(opened: Opened) -> None:
    async with opened(critic=accept_only("draw a!", "make it b", "make it c")) as ws:
        names = [await ws.create(f"x{i}", seed=i) for i in range(8)]
        result = await asyncio.gather(*(ws.run(name) for name in names))
    assert {one.stop_reason for one in result} == {"complete"}
    assert len({one.document.images for one in result}) == 8


async def test_the_checkpoints_of_three_hundred_calls_grow_linearly(opened: Opened) -> None:
    sizes = []
    # Attempts at the first step are smaller, because they have no source. Both runs have the same share of them.
    for attempts in (34, 100):
        async with opened(plan_of(*"abc"), lambda _: Verdict(success=False), root=f"n{attempts}") as ws:
            limits = Limits(max_attempts=attempts, max_calls=300, replan_after=9)
            result = await ws.run(await ws.create("x", limits=limits))
            assert len(result.attempts) == 3 * attempts
            size, checkpoints = await ws.checkpoint_size(result.summary.id)
            sizes.append(size / checkpoints)
    assert sizes[1] < sizes[0] * 1.05
