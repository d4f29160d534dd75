"""The loop through real checkpoints: what is accepted, retried, kept, replanned, limited and dropped."""

import asyncio
import itertools
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import (
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    ImagePart,
    Plan,
    Step,
    TextPart,
    Verdict,
)

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
NEVER = accept_only()


def unjudged(_: CriticInput) -> Verdict:
    return Verdict(success=None)


def picture(red: int) -> bytes:
    from PIL import Image

    return encode_png(Image.new("RGB", (64, 64), (red, 0, 0)))


async def test_every_step_starts_from_the_image_kept_for_the_step_before(opened: Opened) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("a story"))
    first, second, third = seen.attempts
    assert (first.source, second.source, third.source) == (None, first.image, second.image)
    assert seen.stop_reason == "complete"
    assert seen.document.complete
    assert [block.kind for block in seen.document.blocks] == ["heading", "image", "text"] * 3


async def test_a_rejected_attempt_is_retried_with_the_refined_prompt_and_a_new_seed(opened: Opened) -> None:
    async with opened(plan_of("a"), accept_only("a!")) as ws:
        seen = await ws.run(await ws.create("x", seed=11))
    assert [a.prompt for a in seen.attempts] == ["a", "a!"]
    assert [a.seed for a in seen.attempts] == [derive_seed(11, 0, 0), derive_seed(11, 0, 1)]
    assert seen.document.blocks[0].status == "accepted"


async def test_an_unjudged_attempt_spends_an_iteration_and_repeats_the_prompt_with_a_new_seed(opened: Opened) -> None:
    async with opened(plan_of("a"), unjudged) as ws:
        seen = await ws.run(await ws.create("x", limits=Limits(max_attempts=3)))
    assert [a.prompt for a in seen.attempts] == ["a", "a", "a"]
    assert len({a.seed for a in seen.attempts}) == 3
    assert seen.document.blocks[0].status == "best_effort"


async def test_when_iterations_are_spent_the_best_attempt_is_kept_and_marked(opened: Opened) -> None:
    sure = iter([0.2, 0.4, 0.1])
    critic = RuleCritic(
        lambda c: Verdict(success=False, confidence=next(sure), refined_prompt=c.prompt), gives_confidence=True
    )
    async with opened(plan_of("a", "b"), critic) as ws:
        seen = await ws.run(await ws.create("x", limits=Limits(max_attempts=3, max_calls=3)))
    assert seen.document.images == (seen.attempts[1].image,)
    assert {block.status for block in seen.document.blocks} == {"best_effort"}
    assert any("best effort" in note for note in seen.document.notes)


async def test_the_last_allowed_attempt_is_judged_only_where_confidences_help(opened: Opened) -> None:
    for confident, iterations, judged in ((False, 3, 2), (True, 3, 3), (False, 1, 0), (True, 1, 0)):
        critic = RuleCritic(NEVER, gives_confidence=confident)
        async with opened(plan_of("a"), critic) as ws:
            await ws.run(await ws.create("x", limits=Limits(max_attempts=iterations)))
        assert len(critic.calls) == judged


async def test_the_critic_sees_the_plans_prompt_and_the_one_used_and_nothing_before_the_first_image(
    opened: Opened,
) -> None:
    critic = RuleCritic(accept_only("a!", "b"))
    async with opened(plan_of("a", "b"), critic) as ws:
        seen = await ws.run(await ws.create("x"))
    cases = list(itertools.chain(*critic.calls))
    assert [(c.original_prompt, c.prompt) for c in cases] == [("a", "a"), ("a", "a!"), ("b", "b")]
    assert [c.source for c in cases] == [None, None, seen.attempts[1].image]


async def test_a_request_with_images_in_any_order_is_continued_from_its_last(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("go on"))
    async with opened(planner) as ws:
        names = [await ws.add_image(picture(i)) for i in range(20)]
        parts = [part for name in names for part in (ImagePart(sha256=name), TextPart(text="and then"))]
        seen = await ws.run(await ws.create(parts))
    assert seen.attempts[0].source == names[-1]
    assert planner.calls[0][0].images == tuple(names)


async def test_a_request_that_is_only_an_image_works(opened: Opened) -> None:
    async with opened(plan_of("go on")) as ws:
        seen = await ws.run(await ws.create([ImagePart(sha256=await ws.add_image(picture(1)))]))
    assert seen.stop_reason == "complete"


async def test_steps_of_text_only_never_reach_the_generator(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(plan_of(None, None), generator=generator) as ws:
        seen = await ws.run(await ws.create("what is it?"))
    assert generator.calls == []
    assert seen.document.complete
    assert seen.document.images == ()
    assert {block.status for block in seen.document.blocks} == {"text_only"}


async def test_a_step_of_text_between_images_passes_the_image_on(opened: Opened) -> None:
    async with opened(plan_of("a", None, "c")) as ws:
        seen = await ws.run(await ws.create("x"))
    assert seen.attempts[1].source == seen.attempts[0].image
    assert [block.step for block in seen.document.blocks] == [0, 0, 0, 1, 1, 2, 2, 2]


async def test_too_many_failed_steps_bring_a_new_plan_for_the_rest_and_both_versions_are_kept(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c", "d"), plan_of("e"))
    async with opened(planner, accept_only("e")) as ws:
        limits = Limits(max_attempts=2, replan_after=2)
        seen = await ws.run(await ws.create("x", limits=limits))
    context = planner.calls[1][1]
    assert context.failed_steps == (0, 1)
    assert [len(plan.steps) for plan in seen.plans] == [4, 3]
    assert [step.prompt for step in seen.plans[-1].steps] == ["a", "b", "e"]
    assert (len(context.done), context.finished) == (2, 2)
    assert seen.stop_reason == "complete"


async def test_replanning_is_bounded(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c", "d", "e", "f"))
    critic = RuleCritic(NEVER, gives_confidence=True)
    limits = Limits(max_attempts=2, replan_after=1, max_replans=2, max_steps=20)
    async with opened(planner, critic) as ws:
        seen = await ws.run(await ws.create("x", limits=limits))
    assert len(planner.calls) == 3
    assert seen.stop_reason == "complete"


async def test_spent_calls_deliver_the_document_so_far_and_say_so(opened: Opened) -> None:
    async with opened(plan_of("a", "b", "c")) as ws:
        seen = await ws.run(await ws.create("x", limits=Limits(max_calls=2)))
    assert seen.stop_reason == "max_calls"
    assert len(seen.document.images) == 2
    assert not seen.document.complete
    assert "2 generator calls" in seen.document.notes[0]


async def test_spent_calls_do_not_hold_back_text_that_needs_none(opened: Opened) -> None:
    async with opened(plan_of("a", None)) as ws:
        seen = await ws.run(await ws.create("x", limits=Limits(max_calls=1, max_attempts=1)))
    assert seen.stop_reason == "complete"


class Hanging:
    """A generator whose second call never ends."""

    def __init__(self, store: ImageStore) -> None:
        self._inner = MemoryGenerator(store)
        self.cancelled = False

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        if call.source is None:
            return await self._inner.generate(call, progress)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError


async def test_the_deadline_ends_even_a_call_that_hangs_and_delivers_what_is_there(
    opened: Opened, tmp_path: Path
) -> None:
    generator = Hanging(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as ws:
        seen = await ws.run(await ws.create("x", limits=Limits(time_limit=0.3)))
    assert generator.cancelled
    assert seen.stop_reason == "time_limit"
    assert len(seen.document.images) == 1
    assert "0.3 seconds" in seen.document.notes[0]


async def test_a_named_number_of_steps_that_the_plan_does_not_have_is_reported(opened: Opened) -> None:
    async with opened(plan_of("a", "b")) as ws:
        seen = await ws.run(await ws.create("a story in three steps"))
    assert seen.document.notes == ("The request asks for 3 steps; the plan has 2.",)


async def test_an_empty_or_endless_plan_fails_with_a_reason_and_can_be_resumed(opened: Opened) -> None:
    planner = FixedPlanner(Plan(steps=()), plan_of(*["a"] * 101), plan_of("a"))
    async with opened(planner) as ws:
        trajectory = await ws.create("x")
        for reason in ("at least one step", "at most 100 steps"):
            seen = await ws.run(trajectory)
            assert seen.summary.status == "failed"
            assert reason in seen.summary.reason
        assert (await ws.run(trajectory)).stop_reason == "complete"


async def test_a_generator_that_may_recover_is_asked_again_and_a_dead_one_fails_the_trajectory(
    opened: Opened, tmp_path: Path
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as ws:
        trajectory = await ws.create("x")
        generator.fail_next(GeneratorError("out of order", code="broken"))
        seen = await ws.run(trajectory)
        assert (seen.summary.status, seen.summary.reason) == ("failed", "out of order")
        generator.fail_next(GeneratorError("busy", retryable=True))
        seen = await ws.run(trajectory)
    assert seen.stop_reason == "complete"
    assert len(generator.generated) == 3


async def test_a_full_disk_fails_the_trajectory_and_keeps_what_was_made(opened: Opened, tmp_path: Path) -> None:
    class FullAfterOne(MemoryGenerator):
        full = True

        async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
            if call.source is not None and self.full:
                raise OSError(28, "No space left on device")
            return await super().generate(call, progress)

    generator = FullAfterOne(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as ws:
        trajectory = await ws.create("x")
        seen = await ws.run(trajectory)
        assert seen.summary.status == "failed"
        assert "No space left" in seen.summary.reason
        assert len(seen.document.images) == 1
        generator.full = False
        assert (await ws.run(trajectory)).stop_reason == "complete"


outcomes = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 3)),
    st.sampled_from([True, False, None]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    verdicts=outcomes,
    shape=st.lists(st.booleans(), min_size=1, max_size=5),
    ahead=st.integers(2, 5),
    calls=st.one_of(st.none(), st.integers(1, 8)),
    confident=st.booleans(),
    replan_after=st.integers(1, 3),
)
async def test_looking_ahead_gives_the_same_trajectory(
    tmp_path_factory: pytest.TempPathFactory,
    verdicts: dict[tuple[int, int], bool | None],
    shape: list[bool],
    ahead: int,
    calls: int | None,
    confident: bool,
    replan_after: int,
) -> None:
    """Whatever the critic says, and whichever limit is hit."""
    plan = Plan(
        steps=tuple(Step(prompt=f"{i}" if drawn else None, auxiliary_text="t") for i, drawn in enumerate(shape))
    )

    def rule(case: CriticInput) -> Verdict:
        step = int(case.original_prompt.rstrip("r"))
        iteration = len(case.prompt) - len(case.original_prompt)
        said = verdicts.get((step, iteration), True)
        confidence = (step + iteration) % 3 / 3 if confident else None
        return Verdict(success=said, refined_prompt=case.prompt + "!", confidence=confidence)

    documents = []
    for look_ahead in (1, ahead):
        folder = tmp_path_factory.mktemp("ahead")
        limits = Limits(max_attempts=3, max_calls=calls, look_ahead=look_ahead, replan_after=replan_after)
        components = Components(
            FixedPlanner(plan, Plan(steps=plan.steps[-1:])),
            RuleCritic(rule, gives_confidence=confident),
            MemoryGenerator(ImageStore(folder / "images")),
        )
        async with Workspace.open(folder, components) as ws:
            seen = await ws.run(await ws.create("x", limits=limits, seed=5))
        # A dropped draft may be drawn again after a replan: the same image, from the server's store.
        attempts = [attempt.model_copy(update={"cached": False}) for attempt in seen.attempts]
        documents.append((seen.document, seen.stop_reason, attempts, seen.plans))
    assert documents[0] == documents[1]


class Babbling(BaseChatModel):
    """A chat model that says whatever it was given to say, round and round."""

    sayings: list[str]
    _count: int = PrivateAttr(default=0)

    @property
    def _llm_type(self) -> str:
        return "babbling"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        assert messages
        self._count += 1
        said = self.sayings[self._count % len(self.sayings)]
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=said))])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
step_answers = st.fixed_dictionaries({}, optional={"prompt": json_values, "auxiliary_text": json_values})
sayings = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda steps: f"<answer>{json.dumps({'execution_plan': steps})}</answer>", st.lists(step_answers, max_size=4)
    ),
    st.builds(
        lambda success, prompt: json.dumps({"previous_step_success": success, "refine_prompt": prompt}),
        json_values,
        json_values,
    ),
)


@settings(max_examples=40, deadline=None)
@given(planner=st.lists(sayings, min_size=1, max_size=3), critic=st.lists(sayings, min_size=1, max_size=4))
async def test_whatever_the_models_say_a_trajectory_ends_or_fails_with_a_reason_and_stays_whole(
    tmp_path_factory: pytest.TempPathFactory, planner: list[str], critic: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    store = ImageStore(folder / "images")
    components = Components(
        ChatPlanner(Babbling(sayings=planner), store, questions=2),
        ChatCritic(Babbling(sayings=critic), store, questions=2),
        MemoryGenerator(store),
    )
    async with Workspace.open(folder, components) as ws:
        seen = await ws.run(await ws.create("x", limits=Limits(max_attempts=2, max_calls=6)))
    if seen.summary.status == "failed":
        assert seen.plan is None
        assert "No usable answer after 2 questions" in seen.summary.reason
    else:
        assert (seen.summary.status, seen.stop_reason is not None) == ("done", True)
        assert seen.plan is not None
        assert all(step.prompt or step.auxiliary_text for step in seen.plan.steps)
    assert all(store.get(sha256) for sha256 in seen.document.images)
