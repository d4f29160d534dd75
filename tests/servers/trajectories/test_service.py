"""Trajectories as a service: start, watch and steer them, from several servers at once."""

import asyncio
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Limits, RequestKey, Workspace
from interleavethinker.servers.trajectories.compact import compact
from interleavethinker.servers.trajectories.options import LimitRequest, ServiceOptions
from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.servers.trajectories.view import View
from interleavethinker.tools.errors import InputError, InterleaveError, TrajectoryError
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.testing.agents import RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest, Step

from .agents import open_studio

IMAGE = fake_image(GenerationRequest(prompt="mine", seed=1))


def _done(view: View) -> bool:
    return view.status == "done"


def _working(view: View) -> bool:
    # The generator may say that it works before the plan is read from the workspace; the plan is a change of its own.
    return view.work is not None and view.work.phase == "generating" and bool(view.steps)


async def test_a_started_trajectory_runs_in_the_background_and_its_view_tells_every_step(tmp_path: Path) -> None:
    async with open_studio(
        tmp_path, critic=RuleCritic(accept_only("a red ball", "make it blue!", "make it green"))
    ) as studio:
        name = await studio.service.start("a ball in three colors", seed=3)
        view = await studio.until(name, _done)
        assert (view.title, view.step, view.of, view.finished) == ("a ball in three colors", 3, 3, 3)
        assert [step.status for step in view.steps] == ["accepted"] * 3
        assert view.steps[0].instruction == "Step about a red ball"
        assert view.steps[0].caption == "Words 0"
        first, second = view.steps[1].attempts
        assert (first.n, first.verdict, first.reason, first.selected) == (1, "rejected", "by rule", False)
        assert (second.n, second.verdict, second.prompt, second.selected) == (2, "accepted", "make it blue!", True)
        assert view.steps[1].image == second.image
        assert view.steps[1].shows == "make it blue!"
        assert second.source == view.steps[0].image
        assert [part.text for part in view.request] == ["a ball in three colors"]
        assert view.work is None
        assert view.version == (await studio.service.view(name)).version
        assert View.model_validate_json(view.model_dump_json()) == view


async def test_a_waiter_is_told_at_once_about_each_change_and_only_then(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        studio.generator.gate.clear()
        name = await studio.service.start("x")
        working = await studio.until(name, _working)
        assert working.status == "running"
        assert (working.work.step, working.work.attempt, working.work.fraction) == (1, 1, 0.5)  # type: ignore[union-attr]
        started = asyncio.get_running_loop().time()
        same = await studio.service.wait(name, working.version, 0.2)
        assert same.version == working.version
        assert asyncio.get_running_loop().time() - started >= 0.2
        waiting = asyncio.create_task(studio.service.wait(name, working.version, 20, milestones=True))
        studio.generator.gate.set()
        assert (await waiting).finished >= 1
        with pytest.raises(InputError, match="`since` must be the `version`"):
            await studio.service.wait(name, "yesterday", 1)
        with pytest.raises(TrajectoryError, match="No trajectory begins"):
            await studio.service.wait("nothing", None, 1)


async def test_another_server_on_the_workspace_sees_and_steers_the_same_trajectory(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio, open_studio(tmp_path) as other:
        studio.generator.gate.clear()
        name = await studio.service.start("x")
        await studio.until(name, _working)
        seen = await other.service.view(name)
        assert (seen.status, seen.work) == ("running", None)
        assert (await other.service.resume(name)).status == "running"
        pausing = asyncio.create_task(other.until(name, lambda view: view.status == "paused"))
        await other.service.pause(name)
        studio.generator.gate.set()
        assert (await pausing).calls == 1
        await other.service.resume(name)
        assert (await studio.until(name, _done)).finished == 3
        assert len(studio.generator.generated) == 1
        assert len(other.generator.generated) == 2


async def test_a_plan_waits_for_approval_and_runs_with_edited_steps(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        name = await studio.service.start("x", approve_plan=True)
        waiting = await studio.until(name, lambda view: view.status == "waiting")
        assert waiting.waiting_for == "approval"
        assert [step.status for step in waiting.steps] == ["current", "pending", "pending"]
        approved = await studio.service.approve(name, [Step(prompt="only this")])
        assert approved.status == "running"
        done = await studio.until(name, _done)
        assert [step.prompt for step in done.steps] == ["only this"]
        with pytest.raises(TrajectoryError, match="does not wait for approval"):
            await studio.service.approve(name)


async def test_where_a_person_is_required_nothing_else_gets_past_the_plan(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=ServiceOptions(profiles=(), require_person=True)) as studio:
        name = await studio.service.start("x", approve_plan=False)
        await studio.until(name, lambda view: view.status == "waiting")
        for attempted in (
            lambda: studio.service.approve(name),
            lambda: studio.service.approve(name, [Step(prompt="mine")]),
            lambda: studio.service.branch(name, 1),
        ):
            with pytest.raises(InputError) as refused:
                await attempted()
            assert refused.value.code == "person_required"
        assert (await studio.service.resume(name)).status == "waiting"
        assert studio.generator.calls == []
        await studio.service.approve(name, by_person=True)
        await studio.until(name, _done)


async def test_a_verdict_hits_the_attempt_that_its_author_saw(tmp_path: Path) -> None:
    async with open_studio(tmp_path, critic=RuleCritic(accept_only("make it blue"))) as studio:
        studio.generator.close_after = 1
        name = await studio.service.start("x", limits=LimitRequest(max_attempts=4))
        seen = await studio.until(name, lambda view: view.calls == 1 and _working(view))
        studio.generator.close_after = 3
        studio.generator.gate.set()
        later = await studio.until(name, lambda view: view.calls == 3 and _working(view))
        assert later.finished == 0
        await studio.service.judge(name, accept=True, reason="I like it", since=seen.version)
        studio.generator.open_gate()
        done = await studio.until(name, _done)
        chosen = next(one for one in done.steps[0].attempts if one.by_person)
        assert (chosen.n, chosen.reason, chosen.verdict) == (1, "I like it", "accepted")
        assert done.steps[0].image == chosen.image == seen.steps[0].attempts[0].image
        with pytest.raises(InputError, match="has not ended can be judged"):
            await studio.service.judge(name, accept=True, since=seen.version)


async def test_a_verdict_on_the_image_of_a_finished_step_names_branching(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        studio.generator.close_after = 1
        name = await studio.service.start("x")
        seen = await studio.until(name, lambda view: view.finished == 1 and _working(view))
        with pytest.raises(InputError, match="branch from an attempt"):
            await studio.service.judge(name, accept=False, since=seen.version)
        studio.generator.open_gate()
        await studio.until(name, _done)


async def test_branches_appear_in_the_family_of_all_members(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        name = await studio.service.start("x")
        await studio.until(name, _done)
        assert (await studio.service.view(name)).branches == ()
        branch = await studio.service.branch(name, 2, prompt="make it pink")
        await studio.until(branch, _done)
        replaced = await studio.service.branch(branch, 1, image=IMAGE)
        done = await studio.until(replaced, _done)
        assert done.steps[0].image == await studio.service.add_image(IMAGE)
        for member in (name, branch, replaced):
            family = (await studio.service.view(member)).branches
            assert [one.trajectory for one in family] == [name, branch, replaced]
            assert [(one.parent, one.step, one.attempt) for one in family][1:] == [(name, 2, 1), (branch, 1, 1)]
        await studio.service.delete(branch)
        with pytest.raises(TrajectoryError):
            await studio.service.view(branch)
        assert [one.id for one in await studio.service.list()] == [replaced, name]


async def test_repeated_calls_are_one_trajectory(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        names = await asyncio.gather(*(studio.service.start("x") for _ in range(8)))
        assert len(set(names)) == 1
        assert await studio.service.start("x", seed=1) != names[0]
        keyed = await studio.service.start("y", key="mine")
        await studio.until(keyed, _done)
        assert await studio.service.start("y", key="mine") == keyed
        with pytest.raises(InputError, match="belongs to another request") as refused:
            await studio.service.start("z", key="mine")
        assert refused.value.code == "key_reused"
        await studio.until(names[0], _done)
        await studio.service.delete(keyed)
        assert await studio.service.start("y", key="mine") != keyed


async def test_a_key_that_has_expired_makes_another_trajectory(tmp_path: Path) -> None:
    async with Workspace.open(tmp_path) as workspace:
        key = RequestKey("k", seconds=0.0)
        first = await workspace.create("a red ball", key=RequestKey("k"))
        assert await workspace.create("a red ball", key=RequestKey("k")) == first
        assert await workspace.create("a red ball", key=key) != first


async def test_images_come_as_bytes_references_data_uris_and_permitted_paths(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "mine.png").write_bytes(IMAGE)
    (tmp_path / "secret.png").write_bytes(IMAGE)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    options = ServiceOptions(profiles=(), image_folders=(folder,))
    async with open_studio(tmp_path / "w", options=options) as studio:
        service = studio.service
        name = await service.add_image(IMAGE)
        for form in (name, f"image://{name}", data_uri(IMAGE), "mine.png", str(folder / "mine.png")):
            assert await service.add_image(form) == name
        for bad in (
            "link.png", "../secret.png", str(tmp_path / "secret.png"), "", "\0", "image://" + "0" * 64,
            "http://localhost/x.png", "data:image/png;base64,!!!!", "data:text/html,x", str(folder), "missing.png",
        ):  # fmt: skip
            with pytest.raises(InterleaveError):
                await service.add_image(bad)
        started = await service.start("change <image> a bit", images=[data_uri(IMAGE)])
        done = await studio.until(started, _done)
        assert [part.image or part.text for part in done.request] == ["change", name, "a bit"]
        assert await service.image(name) == IMAGE
        small, mime_type = await service.preview(name, max_bytes=300)
        assert (len(small) < 1000, mime_type) == (True, "image/jpeg")


async def test_limits_are_those_of_the_call_within_the_operators(tmp_path: Path) -> None:
    options = ServiceOptions(profiles=(), allowed=LimitRequest(max_attempts=2, max_calls=4))
    async with open_studio(tmp_path, critic=RuleCritic(accept_only()), options=options) as studio:
        done = await studio.until(
            await studio.service.start("x", limits=LimitRequest(max_attempts=9, max_calls=3)), _done
        )
        assert (done.limits.max_attempts, done.limits.max_calls, done.calls) == (2, 3, 3)
        assert done.stop_reason == "max_calls"
        for bad in (
            LimitRequest(max_attempts=0),
            LimitRequest(max_calls=-1),
            LimitRequest(time_limit=float("nan")),
            LimitRequest(max_cost=0),
        ):
            with pytest.raises(InputError, match="must be"):
                await studio.service.start("x", limits=bad)
        with pytest.raises(InputError, match="must be"):
            await studio.service.resume(done.trajectory, LimitRequest(max_calls=0))
        await studio.service.resume(done.trajectory, LimitRequest(max_calls=9))
        further = await studio.until(done.trajectory, lambda view: _done(view) and view.calls > 3)
        assert (further.limits.max_calls, further.calls) == (4, 4), "raised, and no further than the operator allows"
        with pytest.raises(InputError, match="must be"):
            await studio.service.resume(done.trajectory, LimitRequest(max_attempts=0))


async def test_a_complete_trajectory_takes_no_limits_and_a_call_may_choose_the_drift_guard(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        done = await studio.until(await studio.service.start("x", limits=LimitRequest(on_drift="restart")), _done)
        assert done.limits.drift.action == "restart"
        with pytest.raises(TrajectoryError, match="has ended"):
            await studio.service.resume(done.trajectory, LimitRequest(max_calls=9))
        assert (await studio.service.resume(done.trajectory)).status == "done"


async def test_a_limit_of_cost_is_refused_where_no_price_is_known(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'description = "x"\ngenerator = { model = "klein" }\n'
        'planner = { model = "openai:own" }\ncritic = { model = "openai:own" }\n'
    )
    asked = LimitRequest(max_cost=1.0)
    async with open_studio(tmp_path / "home", options=ServiceOptions(profiles=(str(own),))) as studio:
        with pytest.raises(InputError, match=r"max_cost needs the price of openai:own.*prices\.toml"):
            await studio.service.start("x", limits=asked)
        assert await studio.service.list() == []
    with pytest.raises(InputError, match="max_cost needs the price of openai:own"):
        ServiceOptions(profiles=(str(own),), allowed=asked).check()
    ServiceOptions(profiles=("micro",), allowed=asked).check()
    options = ServiceOptions(profiles=("micro", str(own)))
    assert options.limits_of_branch(str(own), Limits(max_cost=2.0), LimitRequest(max_calls=3)).max_calls == 3
    with pytest.raises(InputError, match="max_cost needs the price of openai:own"):
        options.limits_of_branch(str(own), Limits(), asked)


async def test_profiles_come_only_from_the_operators_list(tmp_path: Path) -> None:
    async with Workspace.open(tmp_path) as workspace, TrajectoryService(workspace) as service:
        for name in ("klein", "./micro.toml", "/etc/profile.toml", "../micro"):
            with pytest.raises(InputError, match="is not available here"):
                await service.start("a red ball", profile=name)
        assert await service.list() == []


async def test_leaving_the_service_pauses_and_another_resumes_without_a_repeated_call(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        studio.generator.close_after = calls = 1
        name = await studio.service.start("x")
        await studio.until(name, lambda view: view.finished >= 1)
    async with open_studio(tmp_path) as other:
        left = await other.service.view(name)
        assert left.status == "paused"
        assert left.calls == calls
        await other.service.resume(name)
        await other.until(name, _done)
        assert calls + len(other.generator.generated) == 3


async def test_a_trajectory_can_be_paused_and_cancelled_while_its_models_load(tmp_path: Path) -> None:
    async with Workspace.open(tmp_path) as workspace, TrajectoryService(workspace) as service:
        loading = asyncio.Event()

        async def never(profile: str) -> Components:
            assert profile == "micro"
            loading.set()
            await asyncio.Event().wait()
            raise AssertionError

        workspace.components.get = never  # type: ignore[method-assign]
        name = await service.start("a red ball")
        await loading.wait()
        view = await service.view(name)
        assert (view.status, view.work.phase) == ("running", "loading")  # type: ignore[union-attr]
        assert (await service.pause(name)).status == "paused"
        await service.resume(name)
        assert (await service.cancel(name)).status == "cancelled"
        with pytest.raises(TrajectoryError, match="was cancelled"):
            await service.resume(name)


async def test_models_are_freed_some_time_after_the_last_run(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=ServiceOptions(profiles=(), unload_after=0.05)) as studio:
        freed = asyncio.Event()
        close = studio.service.workspace.close_components

        async def watched() -> None:
            await close()
            freed.set()

        studio.service.workspace.close_components = watched  # type: ignore[method-assign]
        studio.generator.gate.clear()
        name = await studio.service.start("x")
        await studio.until(name, _working)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(freed.wait(), 0.3)
        studio.generator.gate.set()
        await asyncio.wait_for(freed.wait(), 60)
        assert (await studio.service.view(name)).status == "done"
        again = await studio.service.start("y")
        await studio.until(again, _done)


async def test_the_compact_view_of_long_plans_is_small_and_still_names_every_step(tmp_path: Path) -> None:
    words = "a very long prompt with ümlauts and 漢字 " * 20
    async with open_studio(tmp_path, plan_of(*(f"{number} {words}" for number in range(20)))) as studio:
        view = await studio.until(await studio.service.start("x"), _done)
        longer = view.model_copy(
            update={
                "steps": tuple(step.model_copy(update={"n": n + 1}) for n, step in enumerate(view.steps * 5)),
                "of": 100,
            }
        )
        for full in (view, longer):
            small = compact(full)
            assert len(small.model_dump_json().encode()) < 60_000
            assert [step.n for step in small.steps] == list(range(1, full.of + 1))
            assert [step.image for step in small.steps] == [step.image for step in full.steps]
            assert [step.attempts_made for step in small.steps] == [1] * full.of
            assert small.version == view.version


async def test_a_failure_is_in_the_view_and_the_run_can_be_resumed(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        studio.generator.fail_next(InputError("The server is on fire."))
        name = await studio.service.start("x")
        failed = await studio.until(name, lambda view: view.status == "failed")
        assert "on fire" in failed.reason
        await studio.service.resume(name)
        assert (await studio.until(name, _done)).finished == 3


async def test_a_planner_that_crashes_does_not_take_the_service_down(tmp_path: Path) -> None:
    async with open_studio(tmp_path, ValueError("a bug")) as studio:
        name = await studio.service.start("x")
        failed = await studio.until(name, lambda view: view.status == "failed")
        assert "a bug" in failed.reason
