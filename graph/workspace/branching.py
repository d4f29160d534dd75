"""Branching: the state of a new trajectory that starts as a copy of another one, up to one attempt.

A pure function of the parent's state. The copy is complete, so the parent can be deleted.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interleavethinker.graph.attempts import (
    attempt_key,
    attempts_for,
    check_prompt,
    check_seed,
    derive_seed,
    next_prompt,
    without_choice,
)
from interleavethinker.graph.dependencies import source_of
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.plan_versions import newest_edit, next_iteration, replans_before, with_words
from interleavethinker.graph.routing import limits_of
from interleavethinker.graph.state import Override, attempts_of, current_step_of, initial_state, newest_plan, request_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_sizes import ImageSize, check_image_size
from interleavethinker.tools.plain_text import quantity
from interleavethinker.tools.types import Attempt, Plan, Sha256, Verdict
from interleavethinker.tools.validation import require_type

__all__ = ["BranchPoint", "branch_state", "check_point"]


@dataclass(frozen=True)
class BranchPoint:
    """The attempt at which to branch, and what replaces its inputs or its result.

    If nothing is replaced, the new trajectory gets a new seed.
    """

    step: int
    """From 0."""
    iteration: int = 0
    """Attempt of the step, from 0: an existing one, or the next."""
    prompt: str | None = None
    """Words for the step, instead of the plan's: the branch has a new version of the plan with them, and the critic
    judges by it. None: the plan's, or those that a person has given in the parent for this attempt."""
    seed: int | None = None
    """For the generator, in this attempt only."""
    image: Sha256 | None = None
    """Takes the place of the attempt's image, accepted by hand: the branch continues with the next step."""
    image_size: ImageSize | None = None
    """Size or aspect ratio of the branch's images from this attempt on; None: the parent's."""
    choose: bool = False
    """Accepts the attempt by hand instead of the one that the parent kept: the branch has all attempts of the step, and
    continues with the next one."""
    approve_plan: bool = False
    """Every plan of the branch waits for a person, also if the parent's did not; so does the first one, unless a person
    has approved it in the parent and it has no new words. False: as in the parent."""


def check_point(point: BranchPoint, require_images: Callable[[Sequence[str]], None]) -> None:
    """Checks a point before anything is read for it: its fields have the right types, and there is its image.

    Args:
        point: Where to branch.
        require_images: Raises `InputError` if the workspace has no such images.

    Raises:
        InputError: It is no point that could be branched at.
    """
    require_type(point, BranchPoint, "point", "a BranchPoint")
    require_type(point.step, int, "step", "a whole number from 0")
    require_type(point.iteration, int, "iteration", "a whole number from 0")
    if point.image is not None:
        require_type(point.image, str, "image", "the name that `add_image` returned")
        require_images([point.image])


def branch_state(
    state: Mapping[str, Any], point: BranchPoint, limits: Limits | None = None
) -> tuple[dict[str, Any], str]:
    """Returns the new trajectory's values, and the node after which it starts.

    Everything before the attempt is kept and does not count against `max_calls`. Time and calls start from zero.

    Example: the parent has attempts 0.0 (rejected), 0.1 (accepted) and 1.0 (step.iteration). A branch at step 1 keeps
    0.0 and 0.1, sets `current_step` to 1 and `inherited_calls` to 2, and starts after `approve`, so that `generate` is
    next. With `image`, it also gets an attempt 1.0 that has this image and a verdict by hand, and starts after
    `generate`.

    Args:
        state: The parent's state.
        point: Where to branch.
        limits: Default: the parent's.

    Raises:
        InputError: The parent has no such step or attempt yet.
    """
    if point.choose:
        return _with_chosen(state, point, limits)
    plan = _plan_at(state, point)
    attempts = attempts_of(state)
    prefix = _attempts_before(attempts, state["plans"], plan, point)
    check_prompt(point.prompt)
    if point.seed is not None:
        check_seed(point.seed)
    nothing_replaced = all(each is None for each in (point.prompt, point.seed, point.image, point.image_size))
    seed = secrets.randbelow(2**31) if nothing_replaced else state.get("seed", 0)
    point = _with_open_words(state, point)
    values = _values(state, point, limits, seed, plan.version, prefix)
    if not _is_approved(state, plan, point):
        if point.image is not None:
            raise InputError("The plan is not approved yet, so no step of it can be given an image. Approve it first.")
        if point.prompt is not None:  # The person must see what they approve.
            plan = with_words(plan, point.step, point.prompt)
            values["plans"] |= {plan.version: plan}
        values["override"] = Override(step=point.step, iteration=point.iteration, seed=point.seed)
        return values, "check_plan"
    if point.image is None:
        values["override"] = Override(step=point.step, iteration=point.iteration, prompt=point.prompt, seed=point.seed)
        return values, "approve"
    earlier = [a for a in attempts_for(prefix, plan.version, point.step) if a.iteration < point.iteration]
    if point.prompt is not None:
        plan = with_words(plan, point.step, point.prompt)
        values["plans"] |= {plan.version: plan}
    prompt = point.prompt or next_prompt(plan.steps[point.step].prompt or "", earlier)
    replacement = Attempt(
        plan_version=plan.version,
        step=point.step,
        iteration=point.iteration,
        prompt=prompt,
        seed=derive_seed(seed, point.step, point.iteration) if point.seed is None else point.seed,
        source=source_of(plan, attempts, point.step, request_of(state)),
        image=point.image,
        verdict=Verdict(success=True, refined_prompt=prompt, reasoning="an image given by a person", by_hand=True),
    )
    values["attempts"] = prefix | {attempt_key(plan.version, point.step, point.iteration): replacement}
    values["inherited_calls"] += 1
    return values, "generate"


def _with_open_words(state: Mapping[str, Any], point: BranchPoint) -> BranchPoint:
    """Returns the point with the words that a person gave in the parent for this very attempt, if it was not made yet.

    Otherwise they would be the prompt, as those of the verdict, but the critic would judge by the plan's.
    """
    override = state.get("override")
    if (
        override is None
        or point.prompt is not None
        or (override.step, override.iteration) != (point.step, point.iteration)
    ):
        return point
    return replace(point, prompt=override.prompt)


def _with_chosen(state: Mapping[str, Any], point: BranchPoint, limits: Limits | None) -> tuple[dict[str, Any], str]:
    """Returns the values of a branch that keeps another attempt of a step, and the node after which it starts."""
    if any(each is not None for each in (point.prompt, point.seed, point.image)):
        raise InputError("An attempt that is chosen stays as it is: give no prompt, seed or image with it.")
    plans, attempts = state["plans"], attempts_of(state)
    newest = _plan_at(state, point)
    versions = [version for version in plans if newest_edit(plans, version).version == newest.version]
    of_step = [a for a in attempts.values() if a.step == point.step and a.plan_version in versions]
    chosen = next((a for a in of_step if a.iteration == point.iteration and a.image is not None), None)
    if chosen is None:
        raise InputError(
            f"There is no image of attempt {point.iteration + 1} of step {point.step + 1} to choose; the step has "
            f"{len(of_step)} attempts."
        )
    plan = plans[chosen.plan_version]
    if not _is_approved(state, plan, point):
        raise InputError("The plan is not approved yet, so no attempt of it can be chosen. Approve it first.")
    before = {
        key: a
        for key, a in attempts.items()
        if a.plan_version <= plan.version and (a.step < point.step or (a.step == point.step and a in of_step))
    }
    verdict = Verdict(success=True, refined_prompt=chosen.prompt, reasoning="chosen by a person", by_hand=True)
    key_of_chosen = attempt_key(chosen.plan_version, chosen.step, chosen.iteration)
    # Another one that a person accepted would compete with it.
    withdrawn = without_choice({key: one for key, one in before.items() if one.step == point.step})
    chosen_now = {key_of_chosen: chosen.model_copy(update={"verdict": verdict})}
    return _values(state, point, limits, state.get("seed", 0), plan.version, before | withdrawn | chosen_now), "critic"


def _values(
    state: Mapping[str, Any],
    point: BranchPoint,
    limits: Limits | None,
    seed: int,
    plan_version: int,
    attempts: Mapping[str, Attempt],
) -> dict[str, Any]:
    """Returns the values of a branch with these attempts, all of them inherited, and the plans up to a version."""
    size = state.get("image_size") if point.image_size is None else check_image_size(point.image_size)
    asks = point.approve_plan or bool(state.get("approve_plan"))
    return initial_state(limits or limits_of(state), seed, image_size=size, approve_plan=asks) | {
        "approved_plans": tuple(version for version in _approved_plans(state) if version <= plan_version),
        "request": list(state["request"]),
        "plans": {number: old for number, old in state["plans"].items() if number <= plan_version},
        "attempts": dict(attempts),
        "current_step": point.step,
        "inherited_calls": len(attempts),
        "research": state.get("research"),
        "replans": min(state.get("replans", 0), replans_before(state["plans"], plan_version)),
    }


def _is_approved(state: Mapping[str, Any], plan: Plan, point: BranchPoint) -> bool:
    """Returns whether a plan needs no person's approval in the branch, or certainly has it in the parent."""
    if point.approve_plan and point.prompt is not None:
        return False
    needs_none = not state.get("approve_plan") and not point.approve_plan
    return needs_none or plan.version in _approved_plans(state)


def _approved_plans(state: Mapping[str, Any]) -> Sequence[int]:
    """Returns the versions of the plan that a person has certainly approved, since images were generated from them."""
    if not state.get("approve_plan"):
        return ()
    if "approved_plans" in state:
        return tuple(state["approved_plans"])
    plans = state["plans"]  # Of an earlier version, which did not record it: those with attempts, and edits of them.
    edits = {newest_edit(plans, one.plan_version).version for one in attempts_of(state).values()}
    return [version for version in plans if newest_edit(plans, version).version in edits]


def _plan_at(state: Mapping[str, Any], point: BranchPoint) -> Plan:
    """Returns the plan under which the attempt was, or would be, generated."""
    newest = newest_plan(state)
    if newest is None or newest.rejected:
        raise InputError("This trajectory has no plan yet; it can be branched once it has one.")
    versions = [a.plan_version for a in attempts_of(state).values() if a.step == point.step and not a.outdated]
    plan = newest_edit(state["plans"], max(versions)) if versions else newest
    if not 0 <= point.step < len(plan.steps):
        raise InputError(f"There is no step {point.step + 1}; the plan has {quantity(len(plan.steps), 'step')}.")
    if point.step > current_step_of(state):
        raise InputError(f"Step {point.step + 1} has not been reached yet; branch at an earlier one, or resume first.")
    if plan.steps[point.step].prompt is None:
        raise InputError(f"Step {point.step + 1} is text only; it has no attempt to branch from.")
    made = next_iteration(state["plans"], attempts_of(state).values(), plan.version, point.step)
    if not 0 <= point.iteration <= made:
        raise InputError(
            f"There is no attempt {point.iteration + 1} of step {point.step + 1}, which has {made} so far; name one of "
            "them or the next."
        )
    return plan


def _attempts_before(
    attempts: Mapping[str, Attempt], plans: Mapping[int, Plan], plan: Plan, point: BranchPoint
) -> dict[str, Attempt]:
    return {
        key: a
        for key, a in attempts.items()
        if (a.step < point.step and a.plan_version <= plan.version)
        or (
            a.step == point.step
            and a.plan_version <= plan.version <= newest_edit(plans, a.plan_version).version
            and a.iteration < point.iteration
        )
    }
