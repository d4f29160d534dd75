"""The decision after each round of attempts, as a pure function of the state.

A draft is an attempt that was generated ahead of the current step, side by side with others. Drafts are kept as long as
each one was generated from the image that its step starts from, and that image can no longer change. The others are
marked as outdated: they stay in the record, and count. What `look_ahead` drafts is no attempt before its step has its
turn.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interleavethinker.tools.types import Attempt, Plan

from .attempts import attempt_key, attempts_for, best_attempt, failed_steps
from .dependencies import is_decided, source_of
from .document import status_of
from .events import Event, StepFinished
from .limits import Limits, StopReason
from .research import is_researching
from .spending import spending_of
from .state import (
    attempts_of,
    current_step_of,
    extra_attempts_of,
    inherited_calls_of,
    newest_plan,
    rejected_plans_of,
    request_of,
    stop_reason_of,
)

__all__ = [
    "Decision",
    "affordable_attempts",
    "allowed_attempts",
    "decide",
    "is_finished",
    "is_spent",
    "limits_of",
    "needs_replan",
    "next_node",
    "node_after_approval",
    "node_after_plan",
    "node_after_plan_check",
]

_SUPER_STEPS_PER_ROUND = 5
"""Most super-steps of another round: plan, approve, generate, critic, refine."""
_SUPER_STEPS_OF_CHECKS = 2
"""Further ones if plan and document are checked; a plan is asked for again only if more are left."""

_COST_MARGIN = 2
"""How many times the mean cost of a trajectory's attempts is set aside for each further one."""


@dataclass(frozen=True)
class Decision:
    """The result of `decide`, applied by the `refine` node."""

    current_step: int
    """First unfinished step after this round; the number of steps if all are finished."""
    stop_reason: StopReason | None
    """Why the trajectory ends; None if it continues."""
    outdated: frozenset[str]
    """Keys of drafts that became outdated."""
    events: tuple[Event, ...]
    """One `StepFinished` for each step that this round finished."""


def decide(state: Mapping[str, Any]) -> Decision:
    """Advances the current step past every finished step and decides whether the trajectory ends.

    A step is finished if it has no prompt, if an attempt was accepted, if the critic could not judge the last one, or
    if all allowed attempts are used. A step for which a person gave words gets one more attempt in any case. Where a
    person looks at each image, they have seen those of the current step only, and later steps wait for their turn.

    Examples:
        The plan has prompts for steps 0, 1 and 2, each starts from nothing, and the critic has judged all drafts.

        - Drafts 0 and 1 accepted, draft 2 rejected: `current_step` is 2, and step 2 is retried.
        - Draft 0 rejected for the last time, drafts 1 and 2 accepted, and `replan_after` is 1: `current_step` is 1, and
          drafts 1 and 2 are outdated, because steps 1 and 2 are planned again.
        - All accepted: `current_step` is 3 and `stop_reason` is `complete`.
    """
    plan, stop_reason = newest_plan(state), stop_reason_of(state)
    if plan is None:
        return Decision(0, stop_reason or StopReason.TIME_LIMIT, frozenset(), ())
    limits, attempts = limits_of(state), attempts_of(state)
    current_step = seen = current_step_of(state)
    events: list[Event] = []
    waits = False
    while current_step < len(plan.steps):
        if plan.steps[current_step].prompt is None:
            events.append(StepFinished(step=current_step, status="text_only"))
            current_step += 1
            continue
        of_step = attempts_for(attempts, plan.version, current_step)
        if not of_step or _has_next_attempt(state, plan, of_step):
            break
        if waits := current_step > seen and bool(state.get("review_images")):
            break
        best = best_attempt(of_step)
        events.append(StepFinished(step=current_step, status=status_of(best), attempt=best))
        current_step += 1
        outdated = _outdated_drafts(state, plan, current_step)
        if any(attempts[key].step == current_step for key in outdated):
            break
    if stop_reason is None:
        if waits:
            waits = all(attempts[key].step != current_step for key in _outdated_drafts(state, plan, current_step))
        stop_reason = _stop_reason(state, plan, limits, current_step, len(attempts), waits=waits)
    # What a limit ends is not planned again: what was made ahead is part of the document then.
    outdated = _outdated_drafts(state, plan, current_step, replans=stop_reason is None)
    return Decision(current_step, stop_reason, outdated, tuple(events))


def limits_of(state: Mapping[str, Any]) -> Limits:
    """Returns the limits of the trajectory, which the `plan` node records."""
    return state.get("limits") or Limits()


def allowed_attempts(state: Mapping[str, Any], plan_version: int, step: int) -> int:
    """Returns how many attempts a step may have: those of the limits, or more if a person allowed more.

    Variants count as one attempt, however many of them there are: a limit of calls may have ended their round.
    """
    of_step = attempts_for(attempts_of(state), plan_version, step)
    limits, variants = limits_of(state), sum(attempt.variant for attempt in of_step)
    by_limits = limits.max_attempts + max(variants - 1, 0) if of_step else limits.most_attempts
    return max(by_limits, extra_attempts_of(state).get(attempt_key(plan_version, step, 0), 0))


def _has_next_attempt(state: Mapping[str, Any], plan: Plan, of_step: Sequence[Attempt]) -> bool:
    """Returns whether the current step, which has these attempts, needs another one, and may have it.

    A person's override asks for one in any case. Of several variants, one that the critic could judge is enough.
    """
    override = state.get("override")
    newest = of_step[-1]
    if override is not None and (override.step, override.iteration - 1) == (newest.step, newest.iteration):
        return True
    results = [attempt.verdict.success for attempt in of_step if attempt.verdict is not None]
    unjudged = newest.verdict is not None and newest.verdict.success is None
    if newest.variant:
        unjudged = bool(results) and all(success is None for success in results)
    if True in results or (unjudged and not limits_of(state).retry_unjudged):
        return False
    return len(of_step) < allowed_attempts(state, plan.version, newest.step)


def is_finished(state: Mapping[str, Any], plan: Plan, step: int, current_step: int) -> bool:
    """Returns whether a step gets no further attempt: steps before the current one, and some that were drafted.

    The current step is one of those if its draft only waits until a person has looked at it.
    """
    if step < current_step or plan.steps[step].prompt is None:
        return step < current_step
    of_step = attempts_for(attempts_of(state), plan.version, step)
    if not of_step:
        return False
    judged = of_step[-1].verdict is not None or len(of_step) >= allowed_attempts(state, plan.version, step)
    return judged and not _has_next_attempt(state, plan, of_step)


def needs_replan(state: Mapping[str, Any], current_step: int) -> bool:
    """Returns whether too many steps failed under the current plan, so that the remaining steps must be replanned."""
    plan, limits = newest_plan(state), limits_of(state)
    if plan is None or current_step >= len(plan.steps) or state.get("replans", 0) >= limits.max_replans:
        return False
    return len(failed_steps(plan, attempts_of(state), current_step)) >= limits.replan_after


def node_after_approval(state: Mapping[str, Any]) -> str:
    """Returns the edge to take after `approve`: `plan` if a person wants another plan, else `generate`."""
    return "plan" if newest_plan(state) is None and not stop_reason_of(state) else "generate"


def next_node(state: Mapping[str, Any]) -> str:
    """Returns the edge to take after `refine`: `plan`, `generate`, `check_document` or `end`."""
    if stop_reason_of(state):
        return "check_document" if state.get("to_check") == "document" else "end"
    return "plan" if needs_replan(state, current_step_of(state)) else "generate"


def node_after_plan(state: Mapping[str, Any]) -> str:
    """Returns the edge to take after `plan`: `plan` while facts are looked up, `check_plan`, or `approve`."""
    if is_researching(state):
        return "plan"
    return "check_plan" if state.get("to_check") == "plan" else "approve"


def node_after_plan_check(state: Mapping[str, Any]) -> str:
    """Returns the edge to take after `check_plan`: `plan` if the plan was rejected, else `approve`."""
    return "plan" if rejected_plans_of(state) and not stop_reason_of(state) else "approve"


def _outdated_drafts(
    state: Mapping[str, Any], plan: Plan, current_step: int, *, replans: bool = True
) -> frozenset[str]:
    """Returns the keys of drafts that the trajectory can no longer use.

    A draft is outdated if the image that its step starts from is not decided yet, or is another one than the draft was
    generated from, or if a replan follows. Drafts that start from the current step, or from an outdated one, are
    therefore outdated, unless the current step only waits for a person: `decide` has advanced past every other
    finished step.

    Args:
        state: The state after this round.
        plan: The plan in effect.
        current_step: First unfinished step.
        replans: Whether the remaining steps are planned again if too many have failed.

    Examples:
        `max_attempts` and `look_ahead` are 2. Attempt 0 of step 0 was rejected with confidence 0.4. The next round
        generated attempt 1 of step 0, and a draft of step 1 from its image.

        - Attempt 1 is accepted: the draft is kept, `frozenset()`.
        - Attempt 1 is rejected with confidence 0.1: attempt 0 is selected for step 0, so the draft has the wrong
          source, `frozenset({"1.1.0"})`.
    """
    attempts = attempts_of(state)
    ahead = {
        key: a
        for key, a in attempts.items()
        if a.plan_version == plan.version and a.step >= current_step and not a.outdated
    }
    if not ahead or (replans and needs_replan(state, current_step)):
        return frozenset(ahead)
    request = request_of(state)
    stale: set[int] = set()
    for step in sorted({attempt.step for attempt in ahead.values()} & set(range(len(plan.steps)))):
        decided = is_decided(
            plan, attempts, step, lambda e: e not in stale and is_finished(state, plan, e, current_step)
        )
        first = attempts_for(attempts, plan.version, step)[0]
        # What the drift guard chose was decided by finished steps, and the image of a local edit by a person.
        same = bool(first.wish) or first.mask is not None or first.source == source_of(plan, attempts, step, request)
        if not same or not (decided or step == current_step):
            stale.add(step)
    return frozenset(key for key, attempt in ahead.items() if attempt.step in stale)


def is_spent(state: Mapping[str, Any], limits: Limits) -> bool:
    """Returns whether a trajectory has cost as much as it may."""
    return limits.max_cost is not None and spending_of(state).dollars >= limits.max_cost


def affordable_attempts(state: Mapping[str, Any], limits: Limits) -> int:
    """Returns how many further attempts the limit of cost has room for, with care; `sys.maxsize` without a limit.

    Nobody knows what the next attempt will cost. Those so far tell, with the plan's cost in their mean; its double
    leaves room for larger images, more references and longer verdicts. Before the first one that was paid for there is
    room for none. Those that a branch inherited, and those from a server's store, tell nothing.
    """
    if limits.max_cost is None:
        return sys.maxsize
    made = sum(one.image is not None and not one.cached for one in attempts_of(state).values())
    made, spent = made - inherited_calls_of(state), spending_of(state).dollars
    if made <= 0:
        return 0
    return sys.maxsize if not spent else max(0, int((limits.max_cost - spent) / (_COST_MARGIN * spent / made)))


def _stop_reason(
    state: Mapping[str, Any], plan: Plan, limits: Limits, current_step: int, attempt_count: int, *, waits: bool
) -> StopReason | None:
    if current_step >= len(plan.steps):
        return StopReason.COMPLETE
    if not waits:  # For a person, which takes no call.
        if limits.max_calls is not None and attempt_count - inherited_calls_of(state) >= limits.max_calls:
            return StopReason.MAX_CALLS
        if is_spent(state, limits):
            return StopReason.MAX_COST
        if limits.time_limit is not None and state.get("seconds", 0.0) >= limits.time_limit:
            return StopReason.TIME_LIMIT
    remaining = state.get("remaining_steps")
    checks = 0 if plan.report is None else _SUPER_STEPS_OF_CHECKS
    if remaining is not None and remaining <= _SUPER_STEPS_PER_ROUND + checks:
        return StopReason.HOST_LIMIT
    return None
