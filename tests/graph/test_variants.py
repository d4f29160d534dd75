"""Variants: several first attempts of a step, of which the best is kept or refined, or another one a person chooses."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from interleavethinker.graph import (
    BranchPoint,
    Components,
    HumanVerdict,
    Limits,
    Workspace,
    build_graph,
    make_graph,
    serializer,
)
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.graph.context import GraphContext
from interleavethinker.graph.event_messages import read_event
from interleavethinker.graph.events import GenerationFailed, ReviewNeeded
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import GeneratorError, InputError, RefusalError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Verdict

SEED = 11
THREE = Limits(variants=3)


class World:
    """A generator and a critic that recognizes attempts of a first step by their number.

    Args:
        store: The workspace's store.
        confidences: The critic's, by number of the attempt; 0.9 for all others. It accepts from 0.5 on.
        fails: Numbers of attempts whose calls fail.
        refuses: Numbers of attempts that the service refuses.
        together: Calls wait until so many run at once.
    """

    def __init__(
        self,
        store: ImageStore,
        confidences: dict[int, float],
        *,
        fails: Collection[int] = (),
        refuses: Collection[int] = (),
        together: int = 1,
    ) -> None:
        self.made = MemoryGenerator(store, self._render)
        self.critic = RuleCritic(self._judge, gives_confidence=True)
        self._numbers = {derive_seed(SEED, 0, number): number for number in range(20)}
        self._confidences = confidences
        self._fails, self._refuses, self._together = fails, refuses, together
        self._images: dict[str, int | None] = {}
        self._running, self._enough = 0, asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self._running += 1
        if self._running >= self._together:
            self._enough.set()
        await asyncio.wait_for(self._enough.wait(), 60)
        number = self._numbers.get(call.seed)
        if number in self._fails:
            raise GeneratorError("the server is gone", retryable=False)
        if number in self._refuses:
            raise RefusalError("not this one")
        return await self.made.generate(call, progress)

    def _render(self, call: GenerationRequest) -> bytes:
        data = fake_image(call)
        self._images[hashlib.sha256(data).hexdigest()] = self._numbers.get(call.seed)
        return data

    def _judge(self, case: CriticInput) -> Verdict:
        confidence = self._confidences.get(self._images[case.image] if case.source is None else None, 0.9)  # type: ignore[arg-type]
        refined = f"{case.original_prompt}, as {confidence} lacked"
        return Verdict(success=confidence >= 0.5, refined_prompt=refined, confidence=confidence)


@asynccontextmanager
async def world(
    folder: Path,
    confidences: dict[int, float] | None = None,
    *,
    prompts: tuple[str, ...] = ("a",),
    fails: Collection[int] = (),
    refuses: Collection[int] = (),
    together: int = 1,
) -> AsyncIterator[tuple[Workspace, World]]:
    made = World(ImageStore(folder / "images"), confidences or {}, fails=fails, refuses=refuses, together=together)
    components = Components(FixedPlanner(plan_of(*prompts)), made.critic, made)
    async with Workspace.open(folder, components) as workspace:
        yield workspace, made


async def answer(workspace: Workspace, limits: Limits = THREE) -> Trajectory:
    return await workspace.run(await workspace.create("x", seed=SEED, limits=limits))


def numbers(trajectory: Trajectory, step: int = 0) -> list[int]:
    return [attempt.iteration for attempt in trajectory.attempts_for(step)]


def shown(trajectory: Trajectory, step: int = 0) -> int:
    selected = trajectory.selected(step)
    assert selected is not None
    return selected.iteration


async def test_all_variants_are_requested_at_once_judged_and_the_most_confident_is_kept(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.6, 1: 0.8, 2: 0.7}, together=3) as (workspace, made):
        result = await answer(workspace)
    assert [(one.iteration, one.seed, one.prompt, one.variant) for one in result.attempts] == [
        (number, derive_seed(SEED, 0, number), "a", True) for number in range(3)
    ]
    assert len(made.critic.calls) == 1, "one call of the critic judges all of them"
    assert shown(result) == 1
    assert result.document.blocks[0].status == "accepted"


async def test_the_next_step_starts_from_the_best_variant(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.6, 1: 0.8, 2: 0.7}, prompts=("a", "b")) as (workspace, _):
        result = await answer(workspace)
    assert {one.source for one in result.attempts_for(1)} == {result.attempts_for(0)[1].image}
    assert len(result.attempts) == 6


async def test_one_accepted_variant_is_enough(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.1, 1: 0.2, 2: 0.7}) as (workspace, _):
        result = await answer(workspace)
    assert (numbers(result), shown(result)) == ([0, 1, 2], 2)


async def test_without_an_accepted_variant_the_best_one_is_refined(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.1, 1: 0.4, 2: 0.2}) as (workspace, _):
        result = await answer(workspace)
    assert [one.prompt for one in result.attempts] == ["a", "a", "a", "a, as 0.4 lacked"]
    assert [one.variant for one in result.attempts] == [True, True, True, False]
    assert shown(result) == 3


async def test_variants_count_as_one_attempt_of_the_limit(tmp_path: Path) -> None:
    never = dict.fromkeys(range(20), 0.1)
    async with world(tmp_path, never) as (workspace, _):
        result = await answer(workspace, Limits(variants=3, max_attempts=4))
    assert numbers(result) == [0, 1, 2, 3, 4, 5]


async def test_variants_never_exceed_the_limit_of_calls(tmp_path: Path) -> None:
    async with world(tmp_path, prompts=("a", "b")) as (workspace, _):
        result = await answer(workspace, Limits(variants=3, max_calls=5))
    assert (numbers(result), numbers(result, 1)) == ([0, 1, 2], [0, 1])
    assert result.document.complete


@pytest.mark.parametrize("made", [1, 2])
async def test_variants_that_a_limit_cut_short_still_count_as_one_attempt(made: int, tmp_path: Path) -> None:
    limits = Limits(variants=3, max_attempts=2)
    async with world(tmp_path, dict.fromkeys(range(20), 0.1)) as (workspace, _):
        stopped = await answer(workspace, limits.model_copy(update={"max_calls": made}))
        await workspace.change_limits(stopped.id, limits)
        done = await workspace.run(stopped.id)
    assert (stopped.stop_reason, done.stop_reason) == ("max_calls", "complete")
    assert [one.variant for one in done.attempts] == [True] * made + [False]


async def test_a_failed_variant_costs_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.6, 2: 0.8}, fails={1}) as (workspace, _):
        result = await answer(workspace)
    assert (numbers(result), shown(result), result.status) == ([0, 2], 2, "done")


async def test_a_failed_variant_is_an_event_and_stands_in_the_record_and_in_the_document(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.6, 2: 0.8}, fails={1}) as (workspace, _):
        trajectory = await workspace.create("x", seed=SEED, limits=THREE)
        events = [event async for event in workspace.stream(trajectory)]
        result = await workspace.get(trajectory)
    failed = [event for event in events if isinstance(event, GenerationFailed)]
    assert failed == [GenerationFailed(step=0, iteration=1, reason="the server is gone")]
    assert [read_event(event.model_dump(mode="json")) for event in failed] == failed
    note = "1 of 3 variants could not be generated: the server is gone"
    assert {one.note for one in result.attempts} == {note}
    assert f"Step 1: {note}" in result.document.notes


async def test_without_failures_no_variant_has_a_note(tmp_path: Path) -> None:
    async with world(tmp_path, refuses={1}) as (workspace, _):
        result = await answer(workspace)
    assert {one.note for one in result.attempts} == {""}


async def test_if_all_variants_fail_the_trajectory_fails_and_can_be_resumed(tmp_path: Path) -> None:
    async with world(tmp_path, fails={0, 1, 2}) as (workspace, _):
        assert (await answer(workspace)).status == "failed"
    async with world(tmp_path) as (workspace, _):
        result = await workspace.run((await workspace.list())[0].id)
    assert numbers(result) == [0, 1, 2]


async def test_a_refused_variant_leaves_the_others(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.4, 2: 0.3}, refuses={1}) as (workspace, _):
        result = await answer(workspace, Limits(variants=3, max_attempts=2))
    assert [one.image is None for one in result.attempts] == [False, True, False, False]
    assert result.attempts[3].prompt == "a, as 0.4 lacked"


async def test_one_variant_is_the_loop_as_it_was(tmp_path: Path) -> None:
    async with world(tmp_path / "1", {0: 0.1}, prompts=("a", "b")) as (workspace, _):
        plain = await answer(workspace, Limits())
    async with world(tmp_path / "2", {0: 0.1}, prompts=("a", "b")) as (workspace, _):
        explicit = await answer(workspace, Limits(variants=1))
    assert plain.attempts == explicit.attempts
    assert not any(one.variant for one in plain.attempts)


async def test_a_person_can_choose_another_variant_in_a_branch_that_has_all_of_them(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.6, 1: 0.8, 2: 0.7}, prompts=("a", "b")) as (workspace, made):
        parent = await answer(workspace)
        judged = len(made.critic.calls)
        child = await workspace.branch(parent.id, BranchPoint(step=0, iteration=2, choose=True))
        result = await workspace.run(child)
        assert (await workspace.get(parent.id)).attempts == parent.attempts
        again = await workspace.branch(child, BranchPoint(step=0, iteration=0, choose=True))
        second = await workspace.run(again)
    assert (numbers(result), shown(result)) == ([0, 1, 2], 2), "the choice outranks the critic's confidence"
    chosen = result.attempts_for(0)[2]
    assert chosen.verdict is not None
    assert chosen.verdict.by_hand
    assert {one.source for one in result.attempts_for(1)} == {chosen.image}
    assert len(made.critic.calls) == judged + 2, "nothing is judged again"
    assert (numbers(second), shown(second)) == ([0, 1, 2], 0), "a later choice takes the place of an earlier one"


@pytest.mark.parametrize(
    ("point", "message"),
    [
        (BranchPoint(step=0, iteration=5, choose=True), "attempt 6"),
        (BranchPoint(step=0, iteration=3, choose=True), "no image of attempt 4"),
        (BranchPoint(step=0, iteration=0, choose=True, prompt="b"), "give no prompt"),
        (BranchPoint(step=0, iteration=0, choose=True, seed=3), "give no prompt"),
        (BranchPoint(step=9, choose=True), "no step 10"),
    ],
)
async def test_a_choice_that_cannot_be_made_is_refused(point: BranchPoint, message: str, tmp_path: Path) -> None:
    async with world(tmp_path) as (workspace, _):
        parent = await answer(workspace)
        with pytest.raises(InputError, match=message):
            await workspace.branch(parent.id, point)
        assert len(await workspace.list()) == 1


async def test_words_of_a_person_get_variants_and_a_seed_gets_one_image(tmp_path: Path) -> None:
    async with world(tmp_path) as (workspace, _):
        parent = await answer(workspace)
        worded = await workspace.run(await workspace.branch(parent.id, BranchPoint(step=0, prompt="mine")))
        seeded = await workspace.run(await workspace.branch(parent.id, BranchPoint(step=0, seed=5)))
    assert [one.prompt for one in worded.attempts] == ["mine"] * 3
    assert [(one.seed, one.variant) for one in seeded.attempts] == [(5, False)]


async def test_reviewing_asks_about_the_best_variant_and_a_rejection_brings_another_image(tmp_path: Path) -> None:
    made = World(ImageStore(tmp_path), {0: 0.6, 1: 0.8, 2: 0.7})
    components = Components(FixedPlanner(plan_of("a")), made.critic, made)

    async def found(_: object) -> Components:
        return components

    graph: Any = build_graph(found, InMemorySaver(serde=serializer()))
    config = {"configurable": {"thread_id": "1"}}
    values = {"request": "x", "seed": SEED, "limits": THREE}
    asked = []
    state = await graph.ainvoke(values, config, context=GraphContext(review_images=True))
    for decision in ("reject", "approve"):
        asked.append(state["__interrupt__"][0].value["attempt"]["iteration"])
        answers = {"decisions": [{"type": decision}]}
        state = await graph.ainvoke(Command(resume=answers), config, context=GraphContext(review_images=True))
    assert asked == [1, 3], "the critic accepted variants 0 and 2, but a person's rejection is not overruled"
    (image,) = [block.sha256 for block in state["document"].blocks if block.kind == "image"]
    assert image == state["attempts"]["1.0.3"].image


@pytest.mark.parametrize("number", [2, "2"], ids=["number", "a form's text"])
async def test_reviewing_shows_all_variants_and_an_edited_number_accepts_another_one(
    number: int | str, tmp_path: Path
) -> None:
    made = World(ImageStore(tmp_path), {0: 0.6, 1: 0.8, 2: 0.7})
    components = Components(FixedPlanner(plan_of("a")), made.critic, made)
    graph: Any = make_graph(components=components, checkpointer=InMemorySaver(serde=serializer()))
    config = {"configurable": {"thread_id": "1"}}
    asked = await graph.ainvoke(
        {"request": "x", "seed": SEED, "limits": THREE}, config, context=GraphContext(review_images=True)
    )
    question = asked["__interrupt__"][0].value
    (action,) = question["action_requests"]
    images = {one.iteration: one.image for one in asked["attempts"].values()}
    assert [one["iteration"] for one in question["others"]] == [0, 2]
    assert all(str(image) in action["description"] for image in images.values())
    for wrong in (5, number):
        edited = {"name": action["name"], "args": action["args"] | {"iteration": wrong}}
        asked = await graph.ainvoke(Command(resume={"decisions": [{"type": "edit", "edited_action": edited}]}), config)
        if wrong == 5:
            assert asked["__interrupt__"][0].value["problem"] == "There is no iteration 5 to accept, only 0, 1, 2."
    assert asked["document"].images == (images[2],)
    assert len(asked["attempts"]) == 3


async def test_a_stream_that_is_reviewed_asks_about_all_variants_and_names_the_one_that_would_be_kept(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, {0: 0.6, 1: 0.8, 2: 0.7}, prompts=("a", "b"), refuses={2}) as (workspace, _):
        trajectory = await workspace.create("x", seed=SEED, limits=THREE)
        seen = []
        for _ in range(3):
            *_, last = [event async for event in workspace.stream(trajectory, review=True)]
            if isinstance(last, ReviewNeeded):
                seen.append((last.attempt.step, last.attempt.iteration, [one.iteration for one in last.variants]))
            if isinstance(last, ReviewNeeded) and last.attempt.step == 1:
                await workspace.judge(trajectory, HumanVerdict(success=True, iteration=0))
        result = await workspace.get(trajectory)
    assert seen[0] == (0, 1, [0, 1, 2])
    assert (seen[1][0], seen[1][2]) == (1, [0, 1, 2])
    assert (len(seen), shown(result), shown(result, 1)) == (2, 1, 0)
    assert result.status == "done"


async def test_a_verdict_by_hand_without_a_number_is_about_the_best_variant(tmp_path: Path) -> None:
    async with world(tmp_path, {0: 0.1, 1: 0.4, 2: 0.2}) as (workspace, _):
        limits = Limits(variants=3, max_calls=3)
        name = (await answer(workspace, limits)).id
        await workspace.change_limits(name, Limits(variants=3, max_calls=9))
        judged = await workspace.judge(name, HumanVerdict(success=True))
        assert judged is not None
        result = await workspace.run(name)
    assert (numbers(result), shown(result)) == ([0, 1, 2], 1)
