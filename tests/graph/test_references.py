"""References and local edits of trajectories: pinned to calls, shown to the critic, kept in the record."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.graph import Components, HumanVerdict, Limits, Workspace, make_graph
from interleavethinker.graph.events import ImageGenerated, Judged
from interleavethinker.graph.export.export import export
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, ImagePart, Plan, Request, Step, TextPart, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
CAST = Plan(
    steps=(
        Step(prompt="@cat in a garden", references=("cat",)),
        Step(prompt="@cat and @girl", references=("cat", "girl = step 1"), starts_from="nothing"),
        Step(prompt="make it night"),
    )
)


class WatchingCritic(RuleCritic):
    def __init__(self) -> None:
        super().__init__()
        self.cases: list[CriticInput] = []

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        self.cases += cases
        return [one.model_copy(update={"same_identity": True}) for one in await super().judge(cases)]


def photo(color: str) -> bytes:
    return encode_png(Image.new("RGB", (40, 30), color))


async def test_steps_look_at_their_cast_and_so_does_the_critic(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    generator, critic = MemoryGenerator(store, max_references=1), WatchingCritic()
    async with Workspace.open(tmp_path / "workspace", Components(FixedPlanner(CAST), critic, generator)) as workspace:
        cat = await workspace.add_image(photo("red"))
        hero = ImagePart(sha256=cat, name="Cat", purpose="the hero")
        request = Request(parts=(hero, TextPart(text="@cat meets a girl")))
        done = await workspace.run(await workspace.create(request))
        page = export(done, workspace.store, tmp_path / "out").read_text()
        kept = await workspace.images_of(done.id)
    first, second, third = done.attempts
    assert (first.source, first.prompt) == (None, "cat in a garden"), "a named image is not edited"
    assert [(one.label, one.sha256) for one in first.references] == [("cat", cat)]
    assert second.source is None
    assert [(one.label, one.sha256) for one in second.references] == [("cat", cat), ("girl", first.image)]
    assert (first.references_left_out, second.references_left_out) == (0, 1)
    assert (third.source, third.references) == (second.image, ())
    assert [case.references for case in critic.cases[:2]] == [first.references, second.references]
    assert critic.cases[0].original_prompt == "cat in a garden"
    assert cat in kept
    assert done.request.named_images["cat"].purpose == "the hero"
    assert "@cat: the hero" in page
    assert "references: cat, girl (the image model took the first 1)" in page
    assert "identity kept" in page


async def test_a_request_cannot_mention_what_it_has_not(opened: Opened, tmp_path: Path) -> None:
    async with opened() as workspace:
        cat = await workspace.add_image(photo("red"))
        request = Request(parts=(ImagePart(sha256=cat, name="cat"), TextPart(text="@cta runs")))
        with pytest.raises(InputError, match="Did you mean @cat"):
            await workspace.create(request)
        assert await workspace.list() == []
    graph = make_graph(
        components=Components(FixedPlanner(CAST), RuleCritic(), MemoryGenerator(ImageStore(tmp_path / "x")))
    )
    with pytest.raises(InputError, match="Did you mean @cat"):
        await graph.ainvoke({"request": request})


async def test_a_person_cannot_pin_what_there_is_not(opened: Opened) -> None:
    async with opened() as workspace:
        waiting = await workspace.create("x", approve_plan=True)
        await workspace.run(waiting)
        with pytest.raises(InputError, match="step 3"):
            await workspace.approve(waiting, [Step(prompt="a", references=("step 3",))])


async def test_a_description_takes_the_images_place_for_models_that_read_none(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    generator, planner = MemoryGenerator(store), FixedPlanner(Plan(steps=(Step(prompt="put @cat on the left"),)))
    components = Components(
        planner, RuleCritic(), generator, store=store, reference_words=lambda _, name: f"the small red {name}"
    )
    async with Workspace.open(tmp_path / "workspace", components) as workspace:
        cat = await workspace.add_image(photo("red"))
        done = await workspace.run(await workspace.create([ImagePart(sha256=cat, name="cat"), "@cat on the left"]))
    assert generator.calls[0].prompt == "put the small red cat on the left"
    assert generator.calls[0].references == ()
    assert done.request.named_images["cat"].words == "the small red cat"
    assert done.request.text == "@cat on the left"


async def test_a_person_rejects_a_region_and_the_rest_stays(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    generator, critic = MemoryGenerator(store), WatchingCritic()
    components = Components(FixedPlanner(Plan(steps=(Step(prompt="a ball"),))), critic, generator, Limits())
    async with Workspace.open(tmp_path / "workspace", components) as workspace:
        trajectory = await workspace.create("x")
        async for event in workspace.stream(trajectory, review=True):
            if isinstance(event, ImageGenerated):
                break
        (first,) = (await workspace.get(trajectory)).attempts
        rejected = HumanVerdict(success=False, prompt="a blue ball", region="50%,0,50%,100%")
        with pytest.raises(InputError, match="rejection"):
            await workspace.judge(trajectory, HumanVerdict(success=True, region="0,0,9,9"))
        with pytest.raises(InputError, match="96 x 96"):
            await workspace.judge(trajectory, HumanVerdict(success=False, region="0,0,900,9"))
        with pytest.raises(InputError, match="add_image"):
            await workspace.judge(trajectory, HumanVerdict(success=False, mask="f" * 64))
        await workspace.judge(trajectory, rejected)
        done = await workspace.run(trajectory)
        kept = await workspace.images_of(trajectory)
        page = export(done, workspace.store, tmp_path / "out").read_text()
    second = done.attempts[1]
    assert (second.source, second.prompt) == (first.image, "a blue ball")
    assert second.mask is not None
    assert second.mask in kept
    assert open_rgb(store.get(second.mask)).getpixel((95, 0)) == (255, 255, 255)
    assert generator.calls[-1].mask == second.mask
    assert first.image is not None
    assert second.image is not None
    before, after = open_rgb(store.get(first.image)), open_rgb(store.get(second.image))
    left, right = (0, 0, 48, 96), (48, 0, 96, 96)
    assert after.crop(left).tobytes() == before.crop(left).tobytes(), "although this generator knows no masks"
    assert after.crop(right).tobytes() != before.crop(right).tobytes()
    assert critic.cases[-1].source is None, "the critic compares with the image before the step"
    assert "changes only a region" in page


async def test_an_image_of_a_local_edit_that_was_lost_is_generated_again(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    critic = RuleCritic(accept_only("a ball", "a blue ball", "a tree"))
    components = Components(FixedPlanner(plan_of("a ball", "a tree")), critic, MemoryGenerator(store))
    async with Workspace.open(tmp_path / "workspace", components) as workspace:
        trajectory = await workspace.create("x")
        async for event in workspace.stream(trajectory, review=True):
            if isinstance(event, ImageGenerated):
                break
        await workspace.judge(trajectory, HumanVerdict(success=False, prompt="a blue ball", region="50%,0,50%,100%"))
        async for event in workspace.stream(trajectory):
            if isinstance(event, Judged):
                break
        lost = (await workspace.get(trajectory)).attempts[1].image
        assert lost is not None
        store.delete(lost)
        done = await workspace.run(trajectory)
    assert done.stop_reason == "complete"
    assert lost in store


async def test_a_region_of_an_attempt_counts_although_a_newer_one_has_come(tmp_path: Path) -> None:
    def never(case: CriticInput) -> Verdict:
        return Verdict(success=False, refined_prompt=f"{case.prompt}!")

    async def two_attempts(workspace: Workspace) -> str:
        trajectory = await workspace.create("x", limits=Limits(max_attempts=3))
        judged = 0
        async for event in workspace.stream(trajectory):
            judged += isinstance(event, Judged)
            if judged == 2:
                break
        return trajectory

    store = ImageStore(tmp_path / "workspace" / "images")
    components = Components(FixedPlanner(plan_of("a ball")), RuleCritic(never), MemoryGenerator(store))
    async with Workspace.open(tmp_path / "workspace", components) as workspace:
        trajectory = await two_attempts(workspace)
        await workspace.judge(trajectory, HumanVerdict(success=False, region="0,0,9,9", iteration=0))
        done = await workspace.run(trajectory)
        masked = [attempt for attempt in done.attempts if attempt.mask is not None]
        assert [attempt.source for attempt in masked] == [done.attempts[0].image]
        assert masked[0].iteration >= 2

        again = await two_attempts(workspace)
        await workspace.judge(again, HumanVerdict(success=False, reasoning="another one"))
        with pytest.raises(InputError, match="newer attempt was rejected by hand"):
            await workspace.judge(again, HumanVerdict(success=False, region="0,0,9,9", iteration=0))


async def test_a_local_edit_that_the_critic_rejects_is_kept_and_followed_by_another_attempt(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    generator, critic = MemoryGenerator(store), RuleCritic(accept_only("a ball", "a blue ball!"))
    async with Workspace.open(
        tmp_path / "workspace", Components(FixedPlanner(plan_of("a ball")), critic, generator)
    ) as workspace:
        trajectory = await workspace.create("x")
        async for event in workspace.stream(trajectory, review=True):
            if isinstance(event, ImageGenerated):
                break
        await workspace.judge(trajectory, HumanVerdict(success=False, prompt="a blue ball", region="50%,0,50%,100%"))
        done = await workspace.run(trajectory)
    assert [one.prompt for one in done.attempts] == ["a ball", "a blue ball", "a blue ball!"]
    assert done.attempts[1].mask is not None
    assert len(generator.calls) == 3, "no call is made twice"
