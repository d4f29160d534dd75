"""A planner and a critic without a model: they answer by a fixed plan and by a rule, and record their calls."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

__all__ = ["FixedPlanner", "RuleCritic", "accept_only", "accepting_critic", "plan_of"]


def plan_of(*prompts: str | None) -> Plan:
    """Returns a plan with one step for each prompt; None makes a step with text only."""
    steps = (
        Step(instruction=f"Step about {prompt}", prompt=prompt, auxiliary_text=f"Words {index}")
        for index, prompt in enumerate(prompts)
    )
    return Plan(steps=tuple(steps))


def accept_only(*prompts: str) -> Callable[[CriticInput], Verdict]:
    """Returns a rule for `RuleCritic`: images made from these prompts are accepted, others get one more `!`.

    Examples:
        >>> rule = accept_only("a dog!")
        >>> rule(CriticInput(source=None, image="0" * 64, original_prompt="a dog", prompt="a dog")).refined_prompt
        'a dog!'
    """

    def rule(case: CriticInput) -> Verdict:
        return Verdict(success=case.prompt in prompts, refined_prompt=case.prompt + "!", reasoning="by rule")

    return rule


class FixedPlanner:
    """Returns given plans.

    Attributes:
        calls: The arguments of each call, in order.

    Args:
        plans: What the calls return, in order; the last one is returned again by all later calls. An exception is
            raised instead.
    """

    def __init__(self, *plans: Plan | Exception) -> None:
        self._plans = deque(plans)
        self.calls: list[tuple[Request, PlanContext]] = []

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`."""
        self.calls.append((request, context))
        await asyncio.sleep(0)
        answer = self._plans.popleft() if len(self._plans) > 1 else self._plans[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class RuleCritic:
    """Judges each case by a function.

    Attributes:
        calls: The cases of each call, in order.
        gives_confidence: See `Critic.gives_confidence`.

    Args:
        rule: Returns the verdict on one case. By default every image is accepted.
        gives_confidence: Value of the attribute.
    """

    def __init__(self, rule: Callable[[CriticInput], Verdict] | None = None, *, gives_confidence: bool = False) -> None:
        self._rule = rule or (lambda case: Verdict(success=True, refined_prompt=case.prompt))
        self.gives_confidence = gives_confidence
        self.calls: list[tuple[CriticInput, ...]] = []

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        self.calls.append(tuple(cases))
        await asyncio.sleep(0)
        return [self._rule(case) for case in cases]


def accepting_critic(store: ImageStore) -> RuleCritic:  # noqa: ARG001 - a profile's factories all get the store
    """Returns a critic that accepts every image, for `critic = { object = "…" }` in a profile."""
    return RuleCritic()
