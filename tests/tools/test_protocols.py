"""The ports: what a planner may know, and that plain objects fit."""

import dataclasses

import pytest

from interleavethinker.tools.protocols import Critic, PlanContext, Planner
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, TextPart, Verdict


class OneStep:
    """Fits `Planner` without inheriting from it."""

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        version = context.previous.version + 1 if context.previous else 1
        return Plan(steps=(Step(prompt=request.text),), version=version)


class Content:
    """Fits `Critic` without inheriting from it."""

    gives_confidence = False

    async def judge(self, cases: object) -> list[Verdict]:
        assert isinstance(cases, list)
        return [Verdict(success=True) for _ in cases]


async def test_plain_objects_plug_into_the_ports() -> None:
    planner: Planner = OneStep()
    critic: Critic = Content()
    plan = await planner.plan(Request(parts=(TextPart(text="a ball"),)), PlanContext())
    assert plan == Plan(steps=(Step(prompt="a ball"),))
    again = await planner.plan(Request(parts=(TextPart(text="a ball"),)), PlanContext(previous=plan))
    assert again.version == 2
    case = CriticInput(source=None, image="a" * 64, original_prompt="a ball", prompt="a ball")
    assert await critic.judge([case, case]) == [Verdict(success=True)] * 2


def test_a_first_plan_knows_nothing_and_its_context_cannot_change() -> None:
    context = PlanContext()
    assert (context.previous, context.done, context.failed_steps) == (None, (), ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.previous = Plan(steps=())  # type: ignore[misc]
