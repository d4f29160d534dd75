"""Whose turn it is to plan, and what the planner is told: rules as pure functions of the state.

After a plan that fails its check another one is asked for: from the planner, then from the fallback planner. The
rejected plans stay in the state, marked as rejected, and `rejected_plans` counts them until a plan is carried out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import Plan, Request

from .attempts import failed_steps, selected_attempt
from .context import Components
from .dependencies import dependency_problem
from .limits import Limits
from .routing import needs_replan
from .state import attempts_of, current_step_of, newest_plan, rejected_plans_of, stop_reason_of

__all__ = ["Planning", "asks_again", "check_steps", "context_of_check", "planner_in_turn", "planning_of"]

_SUPER_STEPS_TO_FINISH = 8
"""Super-steps from a check of the plan to a partial document, without another plan."""


@dataclass(frozen=True)
class Planning:
    """What a call of the `plan` node is about."""

    previous: Plan | None = None
    """The plan whose remaining steps are replaced; None for the first plan of a trajectory."""
    rejected: Plan | None = None
    """The newest plan, if the plan check rejected it."""
    tries: int = 0
    """How many plans the check has rejected since `previous`."""

    @property
    def is_first(self) -> bool:
        """Whether a new trajectory begins."""
        return self.previous is None and self.rejected is None

    def context(self, state: Mapping[str, Any]) -> PlanContext:
        """Returns what the planner is told besides the request."""
        context, rejected = _replan_context(state, self.previous), self.rejected
        if rejected is None:
            return context
        faults = () if rejected.report is None else rejected.report.faults
        written = rejected.model_copy(update={"steps": rejected.steps[context.finished :]})
        return replace(context, rejected=written, faults=faults)


def planning_of(state: Mapping[str, Any]) -> Planning:
    """Returns what the `plan` node must do next.

    Invoking a thread again, finished or not, starts a new answer: only the edges from `refine` and from `check_plan`
    lead to another plan of the same trajectory.
    """
    if stop_reason_of(state):
        return Planning()
    tries, newest = rejected_plans_of(state), newest_plan(state)
    if tries and newest is not None:
        return Planning(_carried_out_before(state, newest), newest, tries)
    return Planning(newest) if needs_replan(state, current_step_of(state)) else Planning()


def context_of_check(state: Mapping[str, Any], plan: Plan) -> PlanContext:
    """Returns the context in which a plan was made, without the plans that were rejected before it."""
    return _replan_context(state, _carried_out_before(state, plan))


def asks_again(plan: Plan, tries: int, components: Components, limits: Limits, remaining: int | None) -> bool:
    """Returns whether a plan that failed its check is replaced by another one.

    Args:
        plan: The plan.
        tries: How many plans were rejected before it.
        components: The run's components.
        limits: The trajectory's limits.
        remaining: Super-steps left under the host's recursion limit, if it is known.
    """
    if plan.made_by != "planner" or (remaining is not None and remaining <= _SUPER_STEPS_TO_FINISH):
        return False
    return tries < limits.max_plan_retries or components.fallback_planner is not None


def planner_in_turn(tries: int, components: Components, limits: Limits) -> Literal["planner", "fallback_planner"]:
    """Returns which planner makes the next plan."""
    asked_enough = tries > limits.max_plan_retries
    return "fallback_planner" if asked_enough and components.fallback_planner is not None else "planner"


def _carried_out_before(state: Mapping[str, Any], plan: Plan) -> Plan | None:
    plans: Mapping[int, Plan] = state.get("plans") or {}
    earlier = [old for old in plans.values() if old.version < plan.version and not old.rejected]
    return max(earlier, key=lambda old: old.version, default=None)


def _replan_context(state: Mapping[str, Any], previous: Plan | None) -> PlanContext:
    if previous is None:
        return PlanContext()
    attempts, finished = attempts_of(state), current_step_of(state)
    selected = (selected_attempt(attempts, step) for step in range(finished))
    done = tuple(attempt for attempt in selected if attempt is not None)
    return PlanContext(previous, done, tuple(failed_steps(previous, attempts, finished)), finished)


def check_steps(plan: Plan, limits: Limits, request: Request) -> None:
    """Checks that a plan can be carried out.

    Raises:
        ModelAnswerError: It has no steps, or more than the limits allow, or a step starts from, or refers to, what
            there is not.
    """
    if not plan.steps:
        raise ModelAnswerError("The planner returned a plan without steps; a plan needs at least one step.")
    if len(plan.steps) > limits.max_steps:
        raise ModelAnswerError(
            f"The planner returned {len(plan.steps)} steps; a plan may have at most {limits.max_steps} steps. "
            "Raise limits.max_steps to allow more."
        )
    if problem := dependency_problem(plan.steps, request):
        raise ModelAnswerError(problem)
