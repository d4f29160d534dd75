"""A person in the critic's place: what a verdict by hand changes in the state. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.attempts import attempt_key, tries_of
from interleavethinker.graph.routing import limits_of
from interleavethinker.graph.state import Override, attempts_of, newest_plan
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, Verdict

__all__ = ["Judgement", "judged_by_hand", "named_attempt"]


class Judgement(BaseModel):
    """A person's verdict on an attempt of the step that the trajectory stands at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: bool
    prompt: str | None = None
    """What to ask next, if rejected; default: the same prompt again, with a new seed."""
    reasoning: str = ""
    step: int | None = None
    """From 0; must be the step that the trajectory stands at. None means that step."""
    iteration: int | None = None
    """From 0; None means the newest attempt."""


def judged_by_hand(state: Mapping[str, Any], judgement: Judgement) -> tuple[dict[str, Any], Attempt]:
    """Returns what changes as if the critic had judged so, and the judged attempt.

    A rejection always earns another attempt: if the iterations are spent, this step may have one more.

    Raises:
        InputError: The attempt does not exist, or belongs to a step that is finished already.
    """
    attempt = _attempt(state, judgement)
    verdict = Verdict(
        success=judgement.success,
        refined_prompt=judgement.prompt or attempt.prompt,
        reasoning=judgement.reasoning,
        by_hand=True,
    )
    done = attempt.model_copy(update={"verdict": verdict})
    values: dict[str, Any] = {"attempts": {attempt_key(done.plan_version, done.step, done.iteration): done}}
    if judgement.success:
        return values, done
    tries = tries_of(attempts_of(state), done.plan_version, done.step)
    if len(tries) >= limits_of(state).max_iterations:
        values["allowances"] = {attempt_key(done.plan_version, done.step, 0): len(tries) + 1}
    if judgement.prompt is not None:  # It holds for the next attempt, also if a newer one than this has been made.
        values["override"] = Override(step=done.step, iteration=tries[-1].iteration + 1, prompt=judgement.prompt)
    return values, done


def named_attempt(state: Mapping[str, Any], judgement: Judgement) -> Judgement:
    """Returns the judgement with its attempt named, where it only meant the newest.

    Raises:
        InputError: As `judged_by_hand`.
    """
    attempt = _attempt(state, judgement)
    return judgement.model_copy(update={"step": attempt.step, "iteration": attempt.iteration})


def _attempt(state: Mapping[str, Any], judgement: Judgement) -> Attempt:
    plan, cursor = newest_plan(state), state.get("cursor", 0)
    if plan is None or state.get("outcome"):
        raise InputError("Only a trajectory under way can be judged; branch from the attempt instead.")
    if judgement.step is not None and judgement.step != cursor:
        raise InputError(
            f"Step {judgement.step + 1} must be the one under way, which is step {cursor + 1}. "
            "Later pictures were made from it, so branch from an attempt of that step instead."
        )
    tries = tries_of(attempts_of(state), plan.version, cursor)
    wanted = [a for a in tries if judgement.iteration is None or a.iteration == judgement.iteration]
    if not wanted:
        raise InputError(f"Step {cursor + 1} has {len(tries)} attempts; there is no such attempt to judge yet.")
    return wanted[-1]
