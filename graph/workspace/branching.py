"""Branching: the state of a new trajectory that starts as a copy of another's, up to one attempt.

A pure function of the parent's state. The copy is self-contained: deleting the parent hurts nothing.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interleavethinker.graph.attempts import attempt_key, attempts_for, derive_seed, next_prompt, source_image_for
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.routing import limits_of
from interleavethinker.graph.state import Override, attempts_of, current_step_of, initial_state, newest_plan, request_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, Plan, Sha256

__all__ = ["BranchPoint", "branch_state"]


@dataclass(frozen=True)
class BranchPoint:
    """Where to branch, from 0, and what replaces that attempt's inputs or its result.

    With nothing replaced, the new trajectory draws a new seed.
    """

    step: int
    iteration: int = 0
    prompt: str | None = None
    seed: int | None = None
    image: Sha256 | None = None


def branch_state(
    state: Mapping[str, Any], point: BranchPoint, limits: Limits | None = None
) -> tuple[dict[str, Any], str]:
    """Returns the new trajectory's values, and the node after which it starts.

    Everything before the attempt is kept and free of charge; time and calls start from zero.

    Raises:
        InputError: There is no such step or attempt in the parent yet.
    """
    plan = _plan_at(state, point)
    attempts = attempts_of(state)
    prefix = _prefix(attempts, plan, point)
    nothing_given = point.prompt is None and point.seed is None and point.image is None
    seed = secrets.randbelow(2**31) if nothing_given else state.get("seed", 0)
    values = initial_state(limits or limits_of(state), seed) | {
        "request": list(state["request"]),
        "plans": {number: old for number, old in state["plans"].items() if number <= plan.version},
        "attempts": prefix,
        "current_step": point.step,
        "inherited_calls": len(prefix),
        "replans": min(state.get("replans", 0), plan.version - 1),
    }
    if point.image is None:
        values["override"] = Override(step=point.step, iteration=point.iteration, prompt=point.prompt, seed=point.seed)
        return values, "approve"
    tries = attempts_for(attempts, plan.version, point.step)[: point.iteration]
    given = Attempt(
        plan_version=plan.version,
        step=point.step,
        iteration=point.iteration,
        prompt=point.prompt or next_prompt(plan.steps[point.step].prompt or "", tries),
        seed=derive_seed(seed, point.step, point.iteration) if point.seed is None else point.seed,
        source=source_image_for(attempts, point.step, request_of(state).images),
        image=point.image,
    )
    values["attempts"] = prefix | {attempt_key(plan.version, point.step, point.iteration): given}
    values["inherited_calls"] += 1
    return values, "generate"


def _plan_at(state: Mapping[str, Any], point: BranchPoint) -> Plan:
    """Returns the plan under which the attempt was, or would be, made."""
    newest = newest_plan(state)
    if newest is None:
        raise InputError("A trajectory can be branched once it has a plan; this one has none yet.")
    versions = [a.plan_version for a in attempts_of(state).values() if a.step == point.step]
    plan: Plan = state["plans"][max(versions)] if versions else newest
    if not 0 <= point.step < len(plan.steps):
        raise InputError(f"Step {point.step + 1} must lie in the plan, which has {len(plan.steps)} steps.")
    if point.step > current_step_of(state):
        raise InputError(f"Step {point.step + 1} has not been reached yet; branch at an earlier one, or resume first.")
    if plan.steps[point.step].prompt is None:
        raise InputError(f"Step {point.step + 1} is text only; there is no attempt to branch from.")
    made = len(attempts_for(attempts_of(state), plan.version, point.step))
    if not 0 <= point.iteration <= made:
        raise InputError(
            f"Attempt {point.iteration + 1} of step {point.step + 1} must exist or come next; there are {made}."
        )
    return plan


def _prefix(attempts: Mapping[str, Attempt], plan: Plan, point: BranchPoint) -> dict[str, Attempt]:
    return {
        key: a
        for key, a in attempts.items()
        if (a.step < point.step and a.plan_version <= plan.version)
        or (a.step == point.step and a.plan_version == plan.version and a.iteration < point.iteration)
    }
