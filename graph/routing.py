"""The decision after each round of attempts, as a pure function of the state.

Drafts made ahead are taken over as long as each was drawn from the very image that was kept; the first that was not,
and everything after it, is dropped. So the result is the same as without looking ahead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interleavethinker.tools.types import Plan

from .attempts import attempt_key, best_attempt, failed_steps, source_before, tries_of
from .events import Event, StepFinished
from .limits import Limits, Outcome
from .state import attempts_of, newest_plan, request_of

__all__ = ["Decision", "allowed_attempts", "decide", "limits_of", "needs_replan", "next_node"]

_ROUND = 5
"""Super-steps that another round may take: plan, approve, generate, critic, refine."""


@dataclass(frozen=True)
class Decision:
    """What `refine` decided."""

    cursor: int
    outcome: Outcome | None
    dropped: frozenset[str]
    """Keys of drafts that were drawn in vain."""
    events: tuple[Event, ...]


def decide(state: Mapping[str, Any]) -> Decision:
    """Moves the cursor over every finished step and says whether the trajectory has ended."""
    plan, outcome = newest_plan(state), state.get("outcome")
    if plan is None:
        return Decision(0, outcome or "deadline", frozenset(), ())
    limits, attempts = limits_of(state), attempts_of(state)
    cursor: int = state.get("cursor", 0)
    events: list[Event] = []
    while cursor < len(plan.steps):
        if plan.steps[cursor].prompt is None:
            events.append(StepFinished(step=cursor, mark="text_only"))
            cursor += 1
            continue
        tries = tries_of(attempts, plan.version, cursor)
        best = best_attempt(tries)
        accepted = best is not None and best.verdict is not None and bool(best.verdict.success)
        if best is None or not (accepted or len(tries) >= allowed_attempts(state, plan, cursor)):
            break
        events.append(StepFinished(step=cursor, mark="accepted" if accepted else "best_effort", attempt=best))
        cursor += 1
        dropped = _drafted_in_vain(state, plan, cursor)
        if any(attempts[key].step == cursor for key in dropped):
            break
    dropped = _drafted_in_vain(state, plan, cursor)
    if outcome is None:
        outcome = _outcome(state, plan, limits, cursor, len(attempts) - len(dropped))
    return Decision(cursor, outcome, dropped, tuple(events))


def limits_of(state: Mapping[str, Any]) -> Limits:
    """Returns the trajectory's limits; planning has recorded them."""
    return state.get("limits") or Limits()


def allowed_attempts(state: Mapping[str, Any], plan: Plan, step: int) -> int:
    """Returns how many attempts a step may have: as the limits say, or more where a person allowed it."""
    by_hand: int = (state.get("allowances") or {}).get(attempt_key(plan.version, step, 0), 0)
    return max(limits_of(state).max_iterations, by_hand)


def needs_replan(state: Mapping[str, Any], cursor: int) -> bool:
    """Whether the remaining steps should be planned anew: too many steps failed under the present plan."""
    plan, limits = newest_plan(state), limits_of(state)
    if plan is None or cursor >= len(plan.steps) or state.get("replans", 0) >= limits.max_replans:
        return False
    return len(failed_steps(plan, attempts_of(state), cursor)) >= limits.replan_after


def next_node(state: Mapping[str, Any]) -> str:
    """Returns where the graph goes after `refine`: `plan`, `generate` or `end`."""
    if state.get("outcome"):
        return "end"
    return "plan" if needs_replan(state, state.get("cursor", 0)) else "generate"


def _drafted_in_vain(state: Mapping[str, Any], plan: Plan, cursor: int) -> frozenset[str]:
    """Returns the keys of drafts beyond the cursor, and of those at it that nothing kept leads to."""
    attempts = attempts_of(state)
    current = tries_of(attempts, plan.version, cursor)
    misled = bool(current) and current[0].source != source_before(attempts, cursor, request_of(state).images)
    first = cursor if misled or needs_replan(state, cursor) else cursor + 1
    return frozenset(key for key, a in attempts.items() if a.plan_version == plan.version and a.step >= first)


def _outcome(state: Mapping[str, Any], plan: Plan, limits: Limits, cursor: int, attempts: int) -> Outcome | None:
    if cursor >= len(plan.steps):
        return "complete"
    if limits.max_calls is not None and attempts - state.get("free_calls", 0) >= limits.max_calls:
        return "max_calls"
    if limits.deadline is not None and state.get("seconds", 0.0) >= limits.deadline:
        return "deadline"
    remaining = state.get("remaining_steps")
    if remaining is not None and remaining <= _ROUND:
        return "host_limit"
    return None
