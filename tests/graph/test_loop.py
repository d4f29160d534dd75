"""The whole graph with real checkpoints: accepting, retrying, selecting, replanning, limits and look-ahead."""

import asyncio
import itertools
import json
import sys
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
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
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


def red_image(red: int) -> bytes:
    from PIL import Image

    return encode_png(Image.new("RGB", (64, 64), (red, 0, 0)))


async def test_every_step_starts_from_the_selected_image_of_the_previous_step(opened: Opened) -> None:
    async with opened() as ws:
        result = await ws.run(await ws.create("a story"))
    first, second, third = result.attempts
    assert (first.source, second.source, third.source) == (None, first.image, second.image)
    assert result.stop_reason == "complete"
    assert result.document.complete
    assert [block.kind for block in result.document.blocks] == ["heading", "image", "text"] * 3


async def test_a_rejected_attempt_is_retried_with_the_refined_prompt_and_a_new_seed(opened: Opened) -> None:
    async with opened(plan_of("a"), accept_only("a!")) as ws:
        result = await ws.run(await ws.create("x", seed=11))
    assert [a.prompt for a in result.attempts] == ["a", "a!"]
    assert [a.seed for a in result.attempts] == [derive_seed(11, 0, 0), derive_seed(11, 0, 1)]
    assert result.document.blocks[0].status == "accepted"


async def test_an_attempt_that_the_critic_cannot_judge_is_kept_and_marked(opened: Opened) -> None:
    async with opened(plan_of("a", "b"), unjudged) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=3)))
    assert [a.prompt for a in result.attempts] == ["a", "b"]
    assert {block.status for block in result.document.blocks} == {"not_judged"}
    assert result.document.notes == ("2 steps show an image that was not judged.",)
    assert result.stop_reason == "complete"


async def test_an_unjudged_attempt_ranks_before_a_rejected_one_and_ends_the_step(opened: Opened) -> None:
    answers = iter([Verdict(success=False, refined_prompt="a!"), Verdict(success=None)])
    async with opened(plan_of("a"), lambda _: next(answers)) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=5)))
    assert [a.prompt for a in result.attempts] == ["a", "a!"]
    assert result.selected(0) == result.attempts[1]


async def test_with_retry_unjudged_an_unjudged_attempt_is_repeated_with_a_new_seed(opened: Opened) -> None:
    async with opened(plan_of("a"), unjudged) as ws:
        limits = Limits(max_attempts=3, retry_unjudged=True)
        result = await ws.run(await ws.create("x", limits=limits))
    assert [a.prompt for a in result.attempts] == ["a", "a", "a"]
    assert len({a.seed for a in result.attempts}) == 3
    assert result.document.blocks[0].status == "not_judged"


async def test_after_the_last_attempt_the_best_one_is_selected_and_marked_as_best_effort(opened: Opened) -> None:
    sure = iter([0.2, 0.4, 0.1])
    critic = RuleCritic(
        lambda c: Verdict(success=False, confidence=next(sure), refined_prompt=c.prompt), gives_confidence=True
    )
    async with opened(plan_of("a", "b"), critic) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=3, max_calls=3)))
    assert result.document.images == (result.attempts[1].image,)
    assert {block.status for block in result.document.blocks} == {"best_effort"}
    assert any("best effort" in note for note in result.document.notes)


@pytest.mark.parametrize("attempts", [1, 3])
async def test_every_attempt_is_judged_once_the_last_one_too(opened: Opened, attempts: int) -> None:
    critic = RuleCritic(NEVER)
    async with opened(plan_of("a"), critic) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=attempts)))
    assert len(critic.calls) == attempts
    assert result.document.notes == ("1 step shows a best effort: no attempt was accepted.",)
    async with opened(plan_of("a"), RuleCritic(accept_only("a" + "!" * (attempts - 1)))) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=attempts)))
    assert (result.document.notes, result.document.blocks[0].status) == ((), "accepted")


async def test_without_judge_last_attempt_the_critic_judges_it_only_if_it_gives_confidences(opened: Opened) -> None:
    for confident, iterations, judged in ((False, 3, 2), (True, 3, 3), (False, 1, 0), (True, 1, 0)):
        critic = RuleCritic(NEVER, gives_confidence=confident)
        async with opened(plan_of("a"), critic) as ws:
            limits = Limits(max_attempts=iterations, judge_last_attempt=False)
            result = await ws.run(await ws.create("x", limits=limits))
        assert len(critic.calls) == judged
        assert result.document.blocks[0].status == ("best_effort" if judged == iterations else "not_judged")


async def test_the_critic_gets_the_plans_prompt_the_prompt_used_and_the_source_image(
    opened: Opened,
) -> None:
    critic = RuleCritic(accept_only("a!", "b"))
    async with opened(plan_of("a", "b"), critic) as ws:
        result = await ws.run(await ws.create("x"))
    cases = list(itertools.chain(*critic.calls))
    assert [(c.original_prompt, c.prompt) for c in cases] == [("a", "a"), ("a", "a!"), ("b", "b")]
    assert [c.source for c in cases] == [None, None, result.attempts[1].image]


async def test_the_first_step_edits_the_last_image_of_the_request(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("go on"))
    async with opened(planner) as ws:
        names = [await ws.add_image(red_image(i)) for i in range(20)]
        parts = [part for name in names for part in (ImagePart(sha256=name), TextPart(text="and then"))]
        result = await ws.run(await ws.create(parts))
    assert result.attempts[0].source == names[-1]
    assert planner.calls[0][0].images == tuple(names)


async def test_a_request_that_is_only_an_image_works(opened: Opened) -> None:
    async with opened(plan_of("go on")) as ws:
        result = await ws.run(await ws.create([ImagePart(sha256=await ws.add_image(red_image(1)))]))
    assert result.stop_reason == "complete"


async def test_text_only_steps_never_reach_the_generator(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(plan_of(None, None), generator=generator) as ws:
        result = await ws.run(await ws.create("what is it?"))
    assert generator.calls == []
    assert result.document.complete
    assert result.document.images == ()
    assert {block.status for block in result.document.blocks} == {"text_only"}


async def test_the_step_after_a_text_only_step_starts_from_the_image_before_it(opened: Opened) -> None:
    async with opened(plan_of("a", None, "c")) as ws:
        result = await ws.run(await ws.create("x"))
    assert result.attempts[1].source == result.attempts[0].image
    assert [block.step for block in result.document.blocks] == [0, 0, 0, 1, 1, 2, 2, 2]


async def test_too_many_failed_steps_cause_a_replan_of_the_rest_and_both_plans_are_stored(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c", "d"), plan_of("e"))
    async with opened(planner, accept_only("e")) as ws:
        limits = Limits(max_attempts=2, replan_after=2)
        result = await ws.run(await ws.create("x", limits=limits))
    context = planner.calls[1][1]
    assert context.failed_steps == (0, 1)
    assert [len(plan.steps) for plan in result.plans] == [4, 3]
    assert [step.prompt for step in result.plans[-1].steps] == ["a", "b", "e"]
    assert (len(context.done), context.finished) == (2, 2)
    assert result.stop_reason == "complete"


async def test_the_number_of_replans_is_limited(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c", "d", "e", "f"))
    critic = RuleCritic(NEVER, gives_confidence=True)
    limits = Limits(max_attempts=2, replan_after=1, max_replans=2, max_steps=20)
    async with opened(planner, critic) as ws:
        result = await ws.run(await ws.create("x", limits=limits))
    assert len(planner.calls) == 3
    assert result.stop_reason == "complete"


async def test_reaching_max_calls_delivers_the_document_so_far_with_a_note(opened: Opened) -> None:
    async with opened(plan_of("a", "b", "c")) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_calls=2)))
    assert result.stop_reason == "max_calls"
    assert len(result.document.images) == 2
    assert not result.document.complete
    assert "2 generator calls" in result.document.notes[0]


async def test_reaching_max_calls_does_not_stop_text_only_steps(opened: Opened) -> None:
    async with opened(plan_of("a", None)) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_calls=1, max_attempts=1)))
    assert result.stop_reason == "complete"


class HangingGenerator:
    """A generator whose second call never returns."""

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


async def test_the_time_limit_ends_a_call_that_hangs_and_delivers_the_document_so_far(
    opened: Opened, tmp_path: Path
) -> None:
    generator = HangingGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as ws:
        for seconds in (2.0, 10.0, 50.0):
            result = await ws.run(await ws.create("x", limits=Limits(time_limit=seconds)))
            assert result.stop_reason == "time_limit"
            if generator.cancelled:  # Else the machine was too slow for the second call to begin in that time.
                break
    assert generator.cancelled
    assert len(result.document.images) == 1
    assert f"{seconds:.0f} seconds" in result.document.notes[0]


async def test_a_plan_with_another_number_of_steps_than_the_request_names_gets_a_note(opened: Opened) -> None:
    async with opened(plan_of("a", "b")) as ws:
        result = await ws.run(await ws.create("a story in three steps"))
    assert result.document.notes == ("The request asks for 3 steps; the plan has 2.",)


async def test_an_empty_or_too_long_plan_fails_with_a_reason_and_can_be_resumed(opened: Opened) -> None:
    planner = FixedPlanner(Plan(steps=()), plan_of(*["a"] * 101), plan_of("a"))
    async with opened(planner) as ws:
        trajectory = await ws.create("x")
        for reason in ("at least one step", "at most 100 steps"):
            result = await ws.run(trajectory)
            assert result.summary.status == "failed"
            assert reason in result.summary.reason
        assert (await ws.run(trajectory)).stop_reason == "complete"


async def test_a_retryable_generator_error_is_retried_and_another_one_fails_the_trajectory(
    opened: Opened, tmp_path: Path
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as ws:
        trajectory = await ws.create("x")
        generator.fail_next(GeneratorError("out of order", code="broken"))
        result = await ws.run(trajectory)
        assert (result.summary.status, result.summary.reason) == ("failed", "out of order")
        generator.fail_next(GeneratorError("busy", retryable=True))
        result = await ws.run(trajectory)
    assert result.stop_reason == "complete"
    assert len(generator.generated) == 3


async def test_a_server_that_dies_in_every_call_is_called_as_often_as_its_budget_allows_in_all(
    opened: Opened, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    code = f"""
import os
from pathlib import Path
from mcp.server.mcpserver import MCPServer
server = MCPServer("dying", log_level="CRITICAL")

@server.tool(structured_output=False)
def generate_image(prompt: str, seed: int = 0):
    with Path({str(calls)!r}).open("a") as file:
        file.write("called\\n")
    os._exit(7)

server.run("stdio")
"""
    config = GeneratorConfig(command=(sys.executable, "-c", code), max_resends=1)
    async with (
        McpImageGenerator(config, ImageStore(tmp_path / "workspace" / "images")) as generator,
        opened(generator=generator) as ws,
    ):
        result = await ws.run(await ws.create("x"))
    assert result.summary.status == "failed"
    assert "crashed 2 times during this call; `max_resends` = 1 allows no further" in result.summary.reason
    assert calls.read_text().count("called") == 2


async def test_a_full_disk_fails_the_trajectory_and_keeps_the_finished_images(opened: Opened, tmp_path: Path) -> None:
    class FullAfterOne(MemoryGenerator):
        full = True

        async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
            if call.source is not None and self.full:
                raise OSError(28, "No space left on device")
            return await super().generate(call, progress)

    generator = FullAfterOne(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as ws:
        trajectory = await ws.create("x")
        result = await ws.run(trajectory)
        assert result.summary.status == "failed"
        assert "No space left" in result.summary.reason
        assert len(result.document.images) == 1
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
async def test_look_ahead_gives_the_same_trajectory(
    tmp_path_factory: pytest.TempPathFactory,
    verdicts: dict[tuple[int, int], bool | None],
    shape: list[bool],
    ahead: int,
    calls: int | None,
    confident: bool,
    replan_after: int,
) -> None:
    """For any verdicts of the critic and any limit."""
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
            result = await ws.run(await ws.create("x", limits=limits, seed=5))
        # A dropped draft may be generated again after a replan: the same image, from the server's store.
        attempts = [attempt.model_copy(update={"cached": False}) for attempt in result.attempts]
        documents.append((result.document, result.stop_reason, attempts, result.plans))
    assert documents[0] == documents[1]


class ScriptedModel(BaseChatModel):
    """A chat model that repeats the given answers in turn."""

    answers: list[str]
    _count: int = PrivateAttr(default=0)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        assert messages
        self._count += 1
        said = self.answers[self._count % len(self.answers)]
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=said))])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
step_values = st.fixed_dictionaries({}, optional={"prompt": json_values, "auxiliary_text": json_values})
answers = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda steps: f"<answer>{json.dumps({'execution_plan': steps})}</answer>", st.lists(step_values, max_size=4)
    ),
    st.builds(
        lambda success, prompt: json.dumps({"previous_step_success": success, "refine_prompt": prompt}),
        json_values,
        json_values,
    ),
)


@settings(max_examples=40, deadline=None)
@given(planner=st.lists(answers, min_size=1, max_size=3), critic=st.lists(answers, min_size=1, max_size=4))
async def test_whatever_the_models_answer_a_trajectory_ends_or_fails_with_a_reason_and_stays_consistent(
    tmp_path_factory: pytest.TempPathFactory, planner: list[str], critic: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    store = ImageStore(folder / "images")
    components = Components(
        ChatPlanner(ScriptedModel(answers=planner), store, max_answers=2),
        ChatCritic(ScriptedModel(answers=critic), store, max_answers=2),
        MemoryGenerator(store),
    )
    async with Workspace.open(folder, components) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=2, max_calls=6)))
    if result.summary.status == "failed":
        assert result.plan is None
        assert "no usable answer in 2 attempts" in result.summary.reason
    else:
        assert (result.summary.status, result.stop_reason is not None) == ("done", True)
        assert result.plan is not None
        assert all(step.prompt or step.auxiliary_text for step in result.plan.steps)
    assert all(store.get(sha256) for sha256 in result.document.images)
