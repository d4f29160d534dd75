"""The protocols: every shipped implementation satisfies them, for the type checker and when it runs."""

import dataclasses
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.answers import write_plan, write_verdict
from interleavethinker.tools.errors import GeneratorError, InterleaveError, ModelAnswerError, StoreError
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import Critic, ImageGenerator, PlanContext, Planner
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Plan, Verdict

PLAN = plan_of("a ball", None, "a cat")
REJECTED = Verdict(success=False, refined_prompt="a cat!", reasoning="by rule")
ACCEPTED = Verdict(success=True, refined_prompt="a ball!", reasoning="by rule")


class Scripted(BaseChatModel):
    """A chat model that always gives the same answer, or one that depends on the conversation."""

    answer: Any

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        text = self.answer(messages) if callable(self.answer) else self.answer
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


def verdict_on(messages: list[BaseMessage]) -> str:
    return write_verdict(ACCEPTED if "a ball" in messages[-1].text else REJECTED)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "workspace")


def chat_planner(store: ImageStore) -> Planner:
    return ChatPlanner(Scripted(answer=write_plan(PLAN)), store)


def fixed_planner(_: ImageStore) -> Planner:
    return FixedPlanner(PLAN)


@pytest.mark.parametrize("make", [chat_planner, fixed_planner])
async def test_a_planner_plans_the_first_time_and_again(make: Any, store: ImageStore) -> None:
    planner: Planner = make(store)
    plan = await planner.plan(as_request("a story"), PlanContext())
    assert isinstance(plan, Plan)
    assert plan.steps == PLAN.steps
    context = PlanContext(previous=plan, failed_steps=(0,), finished=0)
    assert (await planner.plan(as_request("a story"), context)).steps == PLAN.steps


async def test_a_planner_without_a_plan_raises_a_model_answer_error(store: ImageStore) -> None:
    failing: tuple[Planner, ...] = (
        ChatPlanner(Scripted(answer="I would rather not."), store),
        FixedPlanner(ModelAnswerError("no plan")),
    )
    for planner in failing:
        with pytest.raises(ModelAnswerError):
            await planner.plan(as_request("a story"), PlanContext())


def chat_critic(store: ImageStore) -> Critic:
    return ChatCritic(Scripted(answer=verdict_on), store)


def rule_critic(_: ImageStore) -> Critic:
    return RuleCritic(accept_only("a ball"))


@pytest.mark.parametrize("make", [chat_critic, rule_critic])
async def test_a_critic_returns_one_verdict_per_case_in_order(make: Any, store: ImageStore) -> None:
    critic: Critic = make(store)
    image = store.put(fake_image(GenerationRequest(prompt="x", seed=0)))
    cases = [
        CriticInput(source=source, image=image, original_prompt=prompt, prompt=prompt)
        for prompt, source in (("a ball", None), ("a cat", image), ("a ball", image))
    ]
    verdicts = await critic.judge(cases)
    assert verdicts == [ACCEPTED, REJECTED, ACCEPTED]
    assert await critic.judge([]) == []
    assert critic.gives_confidence is False
    assert all(verdict.confidence is None for verdict in verdicts)


@pytest.fixture(params=["memory", "mcp"])
async def generator(request: pytest.FixtureRequest, store: ImageStore, tmp_path: Path) -> AsyncIterator[ImageGenerator]:
    if request.param == "memory":
        yield MemoryGenerator(store)
        return
    config = GeneratorConfig(model="cells", server_store=tmp_path / "server")
    async with McpImageGenerator(config, store) as client:
        yield client


async def test_a_generator_puts_the_image_into_the_store_and_reports_progress(
    generator: ImageGenerator, store: ImageStore
) -> None:
    fractions: list[float] = []
    call = GenerationRequest(prompt="a ball", seed=3, width=48, height=32)
    made = await generator.generate(call, lambda fraction, _: fractions.append(fraction))
    assert isinstance(made, GeneratedImage)
    assert image_size(store.get(made.sha256)) == (made.width, made.height) == (48, 32)
    assert (made.seed, made.cached) == (3, False)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    repeated = await generator.generate(call)
    assert repeated == made.model_copy(update={"cached": True})
    edited = await generator.generate(GenerationRequest(prompt="redder", seed=3, source=made.sha256))
    assert edited.sha256 != made.sha256


async def test_a_generator_fails_with_an_error_of_this_project_if_the_source_is_missing(
    generator: ImageGenerator,
) -> None:
    with pytest.raises(InterleaveError) as caught:
        await generator.generate(GenerationRequest(prompt="redder", seed=3, source="0" * 64))
    assert isinstance(caught.value, StoreError | GeneratorError)
    assert caught.value.code == "unknown_image"


async def test_a_generator_that_cannot_be_reached_says_whether_to_retry(store: ImageStore) -> None:
    memory = MemoryGenerator(store)
    memory.fail_next(GeneratorError("busy", code="busy", retryable=True))
    config = GeneratorConfig(command=(sys.executable, "-c", "raise SystemExit(3)"), max_resends=0)
    async with McpImageGenerator(config, store) as client:
        unreachable: tuple[ImageGenerator, ...] = (memory, client)
        for generator in unreachable:
            with pytest.raises(GeneratorError) as caught:
                await generator.generate(GenerationRequest(prompt="a ball", seed=1))
            assert caught.value.retryable


def test_the_context_of_a_first_plan_is_empty_and_frozen() -> None:
    context = PlanContext()
    assert (context.previous, context.done, context.failed_steps, context.finished) == (None, (), (), 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.previous = Plan(steps=())  # type: ignore[misc]
