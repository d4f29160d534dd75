"""Where a person must approve every plan, no detour generates images from a plan that nobody approved."""

import contextlib
from pathlib import Path

import pytest

from interleavethinker.graph import Limits
from interleavethinker.graph.events import ImageGenerated, Planned
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.servers.trajectories.options import LimitRequest, ServiceOptions
from interleavethinker.servers.trajectories.text import next_sentence
from interleavethinker.servers.trajectories.view import View
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.testing.agents import RuleCritic, accept_only
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest, Step

from .agents import open_studio

IMAGE = fake_image(GenerationRequest(prompt="mine", seed=1))
OPTIONS = ServiceOptions(profiles=(), require_person=True)


async def test_a_branch_of_a_cancelled_plan_waits_for_the_person_who_sees_its_words(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=OPTIONS) as studio:
        service = studio.service
        parent = await service.start("x")
        await studio.until(parent, lambda view: view.status == "waiting")
        await service.cancel(parent)
        with pytest.raises(InputError, match="not approved"):
            await service.branch(parent, 1, image=data_uri(IMAGE))
        child = await service.branch(parent, 1, prompt="words of a model")
        waiting = await studio.until(child, lambda view: view.status == "waiting")
        assert waiting.steps[0].prompt == "words of a model"
        assert studio.generator.calls == []
        await service.approve(child, by_person=True)
        await studio.until(child, lambda view: view.status == "done")
        assert studio.generator.calls[0].prompt == "words of a model"


async def test_one_that_was_queued_without_approval_is_planned_and_waits(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=OPTIONS) as studio:
        queued = await studio.service.workspace.create("x")
        await studio.service.resume(queued)
        await studio.until(queued, _waits)
        keyed = await studio.service.workspace.create("y", key=RequestKey("key mine"))
        assert await studio.service.start("y", key="mine") == keyed
        await studio.until(keyed, _waits)
        assert studio.generator.calls == []
        await studio.service.approve(queued, by_person=True)
        assert (await studio.until(queued, _done)).calls == 3


async def test_a_plan_that_nobody_has_approved_is_held_before_its_first_image(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=OPTIONS) as studio:
        name = await studio.service.workspace.create("x")
        async with contextlib.aclosing(studio.service.workspace.stream(name)) as events:
            async for event in events:
                if isinstance(event, Planned):
                    break
        assert (await studio.service.view(name)).of == 3
        await studio.service.resume(name)
        await studio.until(name, _waits)
        assert studio.generator.calls == []


async def test_images_of_a_plan_that_nobody_has_approved_go_on_only_if_a_person_says_so(tmp_path: Path) -> None:
    critic = RuleCritic(accept_only("make it green"))
    async with open_studio(tmp_path, critic=critic, options=OPTIONS) as studio:
        service, limits = studio.service, Limits(max_attempts=1, replan_after=1, max_replans=1)
        name = await service.workspace.create("x", limits=limits)
        async with contextlib.aclosing(service.workspace.stream(name)) as events:
            async for event in events:
                if isinstance(event, ImageGenerated):
                    break
        with pytest.raises(InputError, match="`branch` makes one") as refused:
            await service.resume(name)
        assert refused.value.code == "person_required"
        with pytest.raises(InputError, match="`branch` makes one"):
            await service.resume(name, LimitRequest(max_calls=9))
        with pytest.raises(InputError, match="`branch` makes one"):
            await service.judge(name, accept=True)
        assert len(studio.generator.calls) == 1
        child = await service.branch(name, 1)
        await studio.until(child, _waits)
        await service.resume(name, by_person=True)
        later = await studio.until(name, _waits)
        assert (later.plan_version, later.calls) == (2, 1), "every later plan waits"


async def test_new_words_of_a_model_wait_after_an_approval_too(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=OPTIONS) as studio:
        service = studio.service
        parent = await service.start("x")
        await studio.until(parent, _waits)
        await service.approve(parent, by_person=True)
        await studio.until(parent, _done)
        made = len(studio.generator.calls)
        again = await service.branch(parent, 3, seed=7)
        await studio.until(again, _done)
        assert len(studio.generator.calls) == made + 1, "the same plan, which was approved"

        child = await service.branch(parent, 2, prompt="words of a model")
        assert (await studio.until(child, _waits)).steps[1].prompt == "words of a model"
        assert (await service.resume(child)).status == "waiting"
        await service.cancel(child)
        grandchild = await service.branch(child, 2)
        await studio.until(grandchild, _waits)
        with pytest.raises(InputError, match="not approved"):
            await service.branch(parent, 2, prompt="words of a model", image=data_uri(IMAGE))
        assert len(studio.generator.calls) == made + 1
        await service.approve(grandchild, by_person=True)
        await studio.until(grandchild, _done)
        assert studio.generator.calls[-2].prompt == "words of a model"

        mine = await service.branch(parent, 3, prompt="a person's words", by_person=True)
        assert (await studio.until(mine, _done)).steps[2].prompt == "a person's words"


async def test_a_branch_of_a_finished_trajectory_without_approval_waits_and_so_do_its_own(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=OPTIONS) as studio:
        service = studio.service
        parent = await service.workspace.create("x")
        made = len((await service.workspace.run(parent)).attempts)
        child = await service.branch(parent, 2)
        await studio.until(child, _waits)
        await service.cancel(child)
        await studio.until(await service.branch(child, 1), _waits)
        for of in (parent, child):
            with pytest.raises(InputError, match="no attempt of it can be chosen"):
                await service.branch(of, 1, choose=True)
        assert len(studio.generator.calls) == made


async def test_a_model_rejects_an_image_without_words_of_its_own(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=OPTIONS) as studio:
        service = studio.service
        name = await service.start("x")
        await studio.until(name, _waits)
        studio.generator.close_after = 1
        await service.approve(name, by_person=True)
        await studio.until(name, lambda view: view.finished == 1)
        await service.pause(name)
        studio.generator.open_gate()
        await studio.until(name, lambda view: view.status == "paused" and view.steps[1].attempts_made == 1)
        with pytest.raises(InputError, match="must give new words") as refused:
            await service.judge(name, accept=False, prompt="words of a model")
        assert refused.value.code == "person_required"
        await service.judge(name, accept=False, prompt="a person's words", by_person=True)
        done = await studio.until(name, _done)
        assert done.steps[1].prompt == "a person's words"


@pytest.mark.parametrize("options", [OPTIONS, ServiceOptions(profiles=())])
async def test_a_plan_that_was_approved_for_the_next_run_is_carried_out_by_resume(
    tmp_path: Path, options: ServiceOptions
) -> None:
    async with open_studio(tmp_path, options=options) as studio:
        name = await studio.service.start("x", approve_plan=True)
        waiting = await studio.until(name, _waits)
        assert "approve" in next_sentence(waiting)
        await studio.service.workspace.approve(name, [Step(prompt="only this")])  # As `approve --no-run` does.
        answered = await studio.until(name, lambda view: view.waiting_for is None)
        assert (answered.status, "call resume" in next_sentence(answered)) == ("waiting", True)
        await studio.service.resume(name)
        done = await studio.until(name, _done)
        assert [step.prompt for step in done.steps] == ["only this"]


def _waits(view: View) -> bool:
    return view.status == "waiting"


def _done(view: View) -> bool:
    return view.status == "done"
