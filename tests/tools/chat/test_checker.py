"""A chat model as checker: its conversation, its answers, and the planner that is told the faults."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from interleavethinker.tools.chat.agents import ChatPlanner
from interleavethinker.tools.chat.answers import write_plan
from interleavethinker.tools.chat.checker import ChatChecker
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import Attempt, CheckReport, GenerationRequest

PLAN = plan_of("a red ball", "make it blue")


class Scripted(BaseChatModel):
    """Gives the answers in order and keeps the conversations."""

    answers: list[str | Exception]
    _seen: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self._seen.append(messages)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=answer))])


@pytest.mark.parametrize(
    ("answers", "report"),
    [
        (['{"faults": []}'], CheckReport(checked=True)),
        (
            ['```json\n{"faults": ["Step 2\\n is wrong."]}\n```'],
            CheckReport(checked=True, faults=("Step 2 is wrong.",)),
        ),
        (["looks good", '{"faults": []}'], CheckReport(checked=True)),
        (["looks good", '{"faults": "none"}'], CheckReport(checked=False)),
        ([ConnectionError("offline")], CheckReport(checked=False)),
        (['{"faults": [', '{"faults": ["Step 1", "Ste'], CheckReport(checked=False)),
        (['{"faults": []'] * 2, CheckReport(checked=False)),
        (["{'faults': [],}"], CheckReport(checked=True)),
        (
            ['A good one gets {"faults": []}. But this one lacks a cat.', '{"faults": ["No cat."]}'],
            CheckReport(checked=True, faults=("No cat.",)),
        ),
        (
            ['A good one gets {"faults": []}. This one: {"faults": ["No cat."]} Sorry.'],
            CheckReport(checked=True, faults=("No cat.",)),
        ),
        (['{"faults": ["No cat."]}. A good one gets {"faults": []}.'] * 2, CheckReport(checked=False)),
        (['<answer>{"faults": []}</answer> Well done.'], CheckReport(checked=True)),
    ],
)
async def test_an_answer_is_read_or_leaves_the_plan_unchecked(
    tmp_path: Path, answers: list[str | Exception], report: CheckReport
) -> None:
    checker = ChatChecker(Scripted(answers=answers), ImageStore(tmp_path))
    assert await checker.check_plan(as_request("a ball"), PLAN, PlanContext()) == report


async def test_the_checker_sees_the_request_every_prompt_and_every_image(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    image = store.put(fake_image(GenerationRequest(prompt="a", seed=1)))
    model = Scripted(answers=['{"faults": []}'] * 2)
    checker = ChatChecker(model, store)
    await checker.check_plan(as_request("a ball that turns blue"), PLAN, PlanContext())
    attempt = Attempt(plan_version=1, step=0, iteration=0, prompt="a red ball", seed=1, source=None, image=image)
    await checker.check_document(as_request("a ball that turns blue"), PLAN, [attempt, None])
    plan, document = (str(messages[-1].content) for messages in model._seen)
    assert "a ball that turns blue" in plan
    assert "Prompt: a red ball" in plan
    assert "Prompt: make it blue" in plan
    assert "a ball that turns blue" in document
    assert "Words 0" in document
    assert "Prompt:" not in document
    assert document.count("'base64'") == 1


async def test_a_chat_planner_is_told_its_rejected_plan_and_the_faults(tmp_path: Path) -> None:
    model = Scripted(answers=[write_plan(PLAN)])
    context = PlanContext(rejected=plan_of("a dog"), faults=("There is no cat.",))
    await ChatPlanner(model, ImageStore(tmp_path)).plan(as_request("a cat"), context)
    (messages,) = model._seen
    assert [message.type for message in messages] == ["system", "human", "ai", "human"]
    assert "a dog" in messages[2].text
    assert "- There is no cat." in messages[3].text
