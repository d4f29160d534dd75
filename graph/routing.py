"""The decision after each round of attempts, as a pure function of the state.

Drafts made ahead are taken over as long as each was drawn from the very image that was kept; the first that was not,
and everything after it, is dropped. So the result is the same as without looking ahead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interleavethinker.tools.types import Plan

from .attempts import attempt_key, attempts_for, best_attempt, failed_steps, source_image_for
from .events import Event, StepFinished
from .limits import Limits, StopReason
from .state import (
    attempts_of,
    current_step_of,
    extra_attempts_of,
    inherited_calls_of,
    newest_plan,
    request_of,
    stop_reason_of,
)

__all__ = ["Decision", "allowed_attempts", "decide", "limits_of", "needs_replan", "next_node"]

_ROUND = 5
"""Super-steps that another round may take: plan, approve, generate, critic, refine."""


@dataclass(frozen=True)
class Decision:
    """What `refine` decided."""

    current_step: int
    stop_reason: StopReason | None
    dropped: frozenset[str]
    """Keys of drafts that were drawn in vain."""
    events: tuple[Event, ...]


def decide(state: Mapping[str, Any]) -> Decision:
    """Moves the cursor over every finished step and says whether the trajectory has ended."""
    plan, stop_reason = newest_plan(state), stop_reason_of(state)
    if plan is None:
        return Decision(0, stop_reason or StopReason.TIME_LIMIT, frozenset(), ())
    limits, attempts = limits_of(state), attempts_of(state)
    current_step: int = current_step_of(state)
    events: list[Event] = []
    while current_step < len(plan.steps):
        if plan.steps[current_step].prompt is None:
            events.append(StepFinished(step=current_step, status="text_only"))
            current_step += 1
            continue
        tries = attempts_for(attempts, plan.version, current_step)
        best = best_attempt(tries)
        accepted = best is not None and best.verdict is not None and bool(best.verdict.success)
        if best is None or not (accepted or len(tries) >= allowed_attempts(state, plan, current_step)):
            break
        events.append(StepFinished(step=current_step, status="accepted" if accepted else "best_effort", attempt=best))
        current_step += 1
        dropped = _stale_drafts(state, plan, current_step)
        if any(attempts[key].step == current_step for key in dropped):
            break
    dropped = _stale_drafts(state, plan, current_step)
    if stop_reason is None:
        stop_reason = _stop_reason(state, plan, limits, current_step, len(attempts) - len(dropped))
    return Decision(current_step, stop_reason, dropped, tuple(events))


def limits_of(state: Mapping[str, Any]) -> Limits:
    """Returns the trajectory's limits; planning has recorded them."""
    return state.get("limits") or Limits()


def allowed_attempts(state: Mapping[str, Any], plan: Plan, step: int) -> int:
    """Returns how many attempts a step may have: as the limits say, or more where a person allowed it."""
    by_hand: int = extra_attempts_of(state).get(attempt_key(plan.version, step, 0), 0)
    return max(limits_of(state).max_attempts, by_hand)


def needs_replan(state: Mapping[str, Any], current_step: int) -> bool:
    """Whether the remaining steps should be planned anew: too many steps failed under the present plan."""
    plan, limits = newest_plan(state), limits_of(state)
    if plan is None or current_step >= len(plan.steps) or state.get("replans", 0) >= limits.max_replans:
        return False
    return len(failed_steps(plan, attempts_of(state), current_step)) >= limits.replan_after


def next_node(state: Mapping[str, Any]) -> str:
    """Returns where the graph goes after `refine`: `plan`, `generate` or `end`."""
    if stop_reason_of(state):
        return "end"
    return "plan" if needs_replan(state, current_step_of(state)) else "generate"


def _stale_drafts(state: Mapping[str, Any], plan: Plan, current_step: int) -> frozenset[str]:
    """Returns the keys of drafts beyond the cursor, and of those at it that nothing kept leads to."""
    attempts = attempts_of(state)
    current = attempts_for(attempts, plan.version, current_step)
    misled = bool(current) and current[0].source != source_image_for(attempts, current_step, request_of(state).images)
    first = current_step if misled or needs_replan(state, current_step) else current_step + 1
    return frozenset(key for key, a in attempts.items() if a.plan_version == plan.version and a.step >= first)


def _stop_reason(
    state: Mapping[str, Any], plan: Plan, limits: Limits, current_step: int, attempts: int
) -> StopReason | None:
    if current_step >= len(plan.steps):
        return StopReason.COMPLETE
    if limits.max_calls is not None and attempts - inherited_calls_of(state) >= limits.max_calls:
        return StopReason.MAX_CALLS
    if limits.time_limit is not None and state.get("seconds", 0.0) >= limits.time_limit:
        return StopReason.TIME_LIMIT
    remaining = state.get("remaining_steps")
    if remaining is not None and remaining <= _ROUND:
        return StopReason.HOST_LIMIT
    return None
