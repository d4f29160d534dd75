"""The `plan` node: begins a trajectory, looks facts up, and asks for the first plan or for the remaining steps.

A new trajectory begins in three parts, each with its changes to the state: the request is read and checked, the initial
values are written, and facts are looked up, one round of calls for each run of the node. Then the planner is asked.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.protocols import PlanContext, Planner, Researcher
from interleavethinker.tools.references import in_words
from interleavethinker.tools.types import Plan, Request, Step

from .attempts import check_seed
from .component_answers import checked_plan
from .context import Components, options_of
from .dependencies import shifted
from .events import Planned
from .limits import Limits, StopReason
from .lookups import Research, lookups_of
from .model_calls import model_calls
from .person import message_read
from .planning import Planning, check_steps, planner_in_turn, planning_of
from .referring import described
from .research import research_round, researching
from .state import (
    TrajectoryState,
    attempts_of,
    defaults_for,
    given_options,
    initial_state,
    request_of,
)
from .time_limit import TimeLimit

__all__ = ["plan_steps"]

Update = dict[str, Any]


async def plan_steps(components: Components, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
    """Returns the changes of the `plan` node: a plan, or one more round of looking things up before the first one."""
    planning = planning_of(state)
    if planning.is_first:
        return await _first_plan(components, state, runtime, planning)
    limits = _limits(components, state, runtime)
    context = replace(planning.context(state), lookups=lookups_of(state))
    update = await _planned(components, runtime, request_of(state), planning, context, limits, state)
    if "plans" in update:
        update["replans"] = state.get("replans", 0) + (planning.rejected is None)
    return update


async def _first_plan(
    components: Components, state: TrajectoryState, runtime: Runtime[Any], planning: Planning
) -> Update:
    research = researching(state)
    limits = _limits(components, given_options(state), runtime)
    if components.limit_check is not None:
        await asyncio.to_thread(components.limit_check, limits)
    request, read = await _request(components, state, runtime, is_new=research is None)
    update = {} if research is not None else _new_trajectory(components, state, runtime, limits) | read
    used: Mapping[str, Any] = update or state
    if components.researcher is not None:
        update |= await _looked_up(components, components.researcher, runtime, request, research, used, limits)
        research, used = update["research"], update
        if update.get("stop_reason") or not research.finished:
            return update
    context = replace(planning.context(state), lookups=lookups_of({"research": research}))
    planned = await _planned(components, runtime, request, planning, context, limits, used)
    if "plans" in planned:  # Beside the removal of an earlier trajectory's plans.
        planned["plans"] = update.get("plans", {}) | planned["plans"]
    return update | planned


def _limits(components: Components, given: Mapping[str, Any], runtime: Runtime[Any]) -> Limits:
    return Limits.model_validate(given.get("limits") or options_of(runtime).limits or components.limits)


async def _request(
    components: Components, state: TrajectoryState, runtime: Runtime[Any], *, is_new: bool
) -> tuple[Request, Update]:
    """Returns the request of a trajectory, checked, and the changes that reading it makes.

    Args:
        components: The run's components.
        state: The state, with a request or an unanswered message.
        runtime: LangGraph's runtime of the node.
        is_new: Whether the trajectory begins; else its request was read in an earlier round.

    Raises:
        InputError: There is no request, or these components cannot serve it.
    """
    read = await message_read(state, components, options_of(runtime)) if is_new else {}
    given = read.get("request") or request_of(state)
    request = await described(given, components.reference_words, components.store)
    if request != given:
        read |= {"request": request}
    if components.request_check is not None:
        await asyncio.to_thread(components.request_check, in_words(request))
    return request, read


def _new_trajectory(components: Components, state: TrajectoryState, runtime: Runtime[Any], limits: Limits) -> Update:
    """Returns the initial values of a trajectory; values of an earlier one in the same thread are overwritten."""
    # The seed is recorded before anything uses it, so a crash cannot change it.
    given, options, seed = given_options(state), options_of(runtime), state.get("seed")
    seed = secrets.randbelow(2**31) if seed is None else seed
    check_seed(seed)
    initial = initial_state(
        limits,
        seed,
        approve_plan=given.get("approve_plan") or options.approve_plan,
        review_images=given.get("review_images") or options.review_images,
        image_size=given.get("image_size") or options.image_size or components.image_size,
    )
    earlier_plans = dict.fromkeys(state.get("plans") or {})
    initial["defaults"] = defaults_for(state, initial)
    return initial | {"attempts": dict.fromkeys(attempts_of(state)), "plans": earlier_plans}


async def _looked_up(
    components: Components,
    researcher: Researcher,
    runtime: Runtime[Any],
    request: Request,
    research: Research | None,
    used: Mapping[str, Any],
    limits: Limits,
) -> Update:
    """Returns the changes that one round of looking things up makes."""
    found = research
    async with TimeLimit(used, limits) as timer, model_calls(runtime, components.store):
        found = await research_round(researcher, request, research)
    update: Update = {"seconds": timer.seconds, "research": found}
    return update | {"stop_reason": StopReason.TIME_LIMIT} if timer.expired else update


async def _planned(
    components: Components,
    runtime: Runtime[Any],
    request: Request,
    planning: Planning,
    context: PlanContext,
    limits: Limits,
    used: Mapping[str, Any],
) -> Update:
    """Returns the changes that the next plan makes, which keeps the finished steps of the one that it replaces.

    Args:
        components: The run's components.
        runtime: Receives the event.
        request: The request.
        planning: What the call is about.
        context: What the planner is told.
        limits: Of the trajectory.
        used: Has the `seconds` that the trajectory has used so far.
    """
    finished = planning.previous.steps[: context.finished] if planning.previous else ()
    plan: Plan | None = None
    answered = False
    async with TimeLimit(used, limits) as timer, model_calls(runtime, components.store):
        plan = await _ask_for_plan(components, in_words(request), planning, context, finished, limits)
        answered = True
    update: Update = {"seconds": timer.seconds}
    if answered and plan is None and not timer.expired:
        # The plan in effect is carried out. Asking again would give it no more room.
        return update | {"rejected_plans": 0, "to_check": None, "replans": limits.max_replans}
    if plan is None or timer.expired:
        return update | {"rejected_plans": 0, "stop_reason": StopReason.TIME_LIMIT}
    replaced = planning.rejected or planning.previous
    plan = plan.model_copy(update={"version": replaced.version + 1 if replaced else 1})
    runtime.stream_writer(Planned(plan=plan, first=len(finished)))
    to_check = None if components.plan_check is None else "plan"
    return update | {"to_check": to_check, "plans": {plan.version: plan}}


async def _ask_for_plan(
    components: Components,
    request: Request,
    planning: Planning,
    context: PlanContext,
    finished: tuple[Step, ...],
    limits: Limits,
) -> Plan | None:
    """Asks the planner in turn; if the planner gives no usable plan, asks the fallback planner.

    Returns:
        The plan, which begins with the finished steps. None if it replaces a plan that can be carried out, and has more
        steps than are allowed: each replan may add some, so a trajectory with many of them gets there in the end.
    """
    fallback = components.fallback_planner

    async def ask(planner: Planner, made_by: str) -> Plan | None:
        answer = checked_plan(await planner.plan(request, context))
        steps = finished + shifted(answer.steps, len(finished))
        if (
            len(steps) > limits.max_steps
            and answer.steps
            and planning.previous is not None
            and planning.rejected is None
        ):
            return None
        plan = answer.model_copy(update={"steps": steps, "made_by": made_by})
        check_steps(plan, limits, request)
        return plan

    if fallback is None or planner_in_turn(planning.tries, components, limits) == "planner":
        try:
            return await ask(components.planner, "planner")
        except (InputError, ModelAnswerError):
            if fallback is None:
                raise
    try:
        return await ask(fallback, "fallback_planner")
    except InputError as error:
        if not context.faults or context.faults[0].rstrip(".") in str(error):
            raise
        raise InputError(f"{error} The first plan was rejected: {context.faults[0]}", code=error.code) from error
