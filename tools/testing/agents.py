"""Planner and critic without a model, for tests and for trying the graph out: they answer as told and count calls."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

__all__ = ["FixedPlanner", "RuleCritic", "accept_only", "accepting_critic", "plan_of"]


def plan_of(*prompts: str | None) -> Plan:
    """Returns a plan with these prompts (None: a step of text only) and words around each."""
    steps = (
        Step(instruction=f"Step about {prompt}", prompt=prompt, auxiliary_text=f"Words {index}")
        for index, prompt in enumerate(prompts)
    )
    return Plan(steps=tuple(steps))


def accept_only(*prompts: str) -> Callable[[CriticInput], Verdict]:
    """Returns a rule that accepts images made from these prompts, and asks for one more `!` otherwise."""

    def rule(case: CriticInput) -> Verdict:
        return Verdict(success=case.prompt in prompts, refined_prompt=case.prompt + "!", reasoning="by rule")

    return rule


class FixedPlanner:
    """Answers with given plans.

    Attributes:
        asked: What it was asked, in order.

    Args:
        plans: The answers, in order, the last one for all later questions too; an exception is raised instead.
    """

    def __init__(self, *plans: Plan | Exception) -> None:
        self._plans = deque(plans)
        self.asked: list[tuple[Request, PlanContext]] = []

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`."""
        self.asked.append((request, context))
        await asyncio.sleep(0)
        answer = self._plans.popleft() if len(self._plans) > 1 else self._plans[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class RuleCritic:
    """Judges by a function of the case.

    Attributes:
        judged: The cases of each call, in order.
        gives_confidence: See `Critic.gives_confidence`.

    Args:
        rule: Makes the verdict; default: everything is accepted.
        gives_confidence: What to claim.
    """

    def __init__(self, rule: Callable[[CriticInput], Verdict] | None = None, *, gives_confidence: bool = False) -> None:
        self._rule = rule or (lambda case: Verdict(success=True, refined_prompt=case.prompt))
        self.gives_confidence = gives_confidence
        self.judged: list[tuple[CriticInput, ...]] = []

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        self.judged.append(tuple(cases))
        await asyncio.sleep(0)
        return [self._rule(case) for case in cases]


def accepting_critic(store: ImageStore) -> RuleCritic:  # noqa: ARG001 - profiles give it to every object
    """Returns a critic that accepts everything, for a profile's `object`."""
    return RuleCritic()
