"""A person who looks at each image sees every one of them, and what they say loses no other step's image."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from interleavethinker.graph import Components, HumanVerdict, Limits, Workspace, make_graph
from interleavethinker.graph.events import ImageGenerated, ReviewNeeded
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, Plan, Step, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
SCENES = Plan(
    steps=(
        Step(prompt="a"),
        Step(auxiliary_text="Meanwhile."),
        Step(prompt="b", starts_from="nothing"),
        Step(prompt="c"),
        Step(prompt="d", starts_from="nothing"),
    )
)
"""Steps 0, 2 and 4 do not depend on one another, and step 3 changes the image of step 2."""


async def review(workspace: Workspace, trajectory: str) -> tuple[str | None, list[str]]:
    """Returns the prompt of the image that a person is asked about, and those of the images generated until then."""
    events = [event async for event in workspace.stream(trajectory, review=True)]
    asked = events[-1].attempt.prompt if isinstance(events[-1], ReviewNeeded) else None
    return asked, [event.attempt.prompt for event in events if isinstance(event, ImageGenerated)]


async def test_a_person_is_asked_about_each_of_the_steps_that_do_not_depend_on_one_another(opened: Opened) -> None:
    async with opened(SCENES) as workspace:
        trajectory = await workspace.create("x", limits=Limits(look_ahead=4))
        seen = [await review(workspace, trajectory) for _ in range(5)]
    assert seen == [("a", ["a"]), ("b", ["b"]), ("c", ["c"]), ("d", ["d"]), (None, [])]


class PausingCritic(RuleCritic):
    """Pauses the trajectory while it judges for the first time, as another process may."""

    pause: Callable[[], Awaitable[object]] | None = None

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        verdicts = await super().judge(cases)
        if self.pause is not None:
            await self.pause()
        self.pause = None
        return verdicts


async def side_by_side(workspace: Workspace, critic: PausingCritic, limits: Limits | None = None) -> str:
    """Returns a trajectory that nobody reviewed, paused where steps 0, 2 and 4 have been judged side by side."""
    trajectory = await workspace.create("x", limits=limits)
    critic.pause = partial(workspace.pause, trajectory)
    made = (await workspace.run(trajectory)).attempts
    assert [(one.step, one.verdict is not None) for one in made] == [(0, True), (2, True), (4, True)]
    return trajectory


async def test_images_that_were_made_before_anybody_looked_are_asked_about_and_not_made_again(opened: Opened) -> None:
    critic = PausingCritic(accept_only("a!", "b", "c", "d"))
    async with opened(SCENES, critic) as workspace:
        trajectory = await side_by_side(workspace, critic, Limits(max_calls=20))
        seen = [await review(workspace, trajectory) for _ in range(5)]
        done = await workspace.get(trajectory)
    assert seen == [("a!", ["a!"]), ("b", []), ("c", ["c"]), ("d", []), (None, [])]
    assert (done.stop_reason, len(done.attempts)) == ("complete", 5)


async def test_an_image_that_only_waits_for_a_person_is_asked_about_though_a_limit_is_reached(opened: Opened) -> None:
    critic = PausingCritic()
    async with opened(SCENES, critic) as workspace:
        trajectory = await side_by_side(workspace, critic)
        await workspace.change_limits(trajectory, Limits(max_calls=3))
        seen = [await review(workspace, trajectory) for _ in range(2)]
    assert seen == [("b", []), (None, [])]


async def test_words_for_one_step_leave_the_finished_images_of_others(opened: Opened) -> None:
    critic = PausingCritic(accept_only("mine", "b", "c", "d"))
    async with opened(SCENES, critic) as workspace:
        trajectory = await side_by_side(workspace, critic)
        before = {one.step: one.image for one in (await workspace.get(trajectory)).attempts}
        await workspace.judge(trajectory, HumanVerdict(success=False, prompt="mine"))
        done = await workspace.run(trajectory)
    assert (done.stop_reason, [one.prompt for one in done.attempts]) == ("complete", ["a", "mine", "b", "c", "d"])
    assert {one.step: one.image for one in done.attempts if one.step in (2, 4)} == {2: before[2], 4: before[4]}
    assert {one.plan_version for one in done.attempts if one.step} == {2}


async def test_a_graph_that_interrupts_asks_about_images_that_were_made_before_it_was_told_to(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    critic = RuleCritic(accept_only("a!", "b", "c", "d"))
    components = Components(FixedPlanner(SCENES), critic, MemoryGenerator(store), store=store)
    graph: Any = make_graph(components=components, checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"request": "x"}, thread, interrupt_before=["critic"])
    await graph.aupdate_state(thread, {"review_images": True})
    state = await graph.ainvoke(None, thread)
    asked = []
    while "__interrupt__" in state:
        asked.append(state["__interrupt__"][0].value["attempt"]["prompt"])
        decision = "reject" if asked == ["a"] else "approve"
        state = await graph.ainvoke(Command(resume={"decisions": [{"type": decision}]}), thread)
    assert asked == ["a", "a!", "b", "c", "d"]
    assert len(state["attempts"]) == 5
