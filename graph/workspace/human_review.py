"""A person in the critic's place: what a verdict by hand changes in the state. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.attempts import attempt_key, attempts_for
from interleavethinker.graph.routing import limits_of
from interleavethinker.graph.state import Override, attempts_of, current_step_of, newest_plan, stop_reason_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, Verdict

__all__ = ["HumanVerdict", "human_verdict_update", "named_attempt"]


class HumanVerdict(BaseModel):
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


def human_verdict_update(state: Mapping[str, Any], given: HumanVerdict) -> tuple[dict[str, Any], Attempt]:
    """Returns what changes as if the critic had judged so, and the judged attempt.

    A rejection always earns another attempt: if the iterations are spent, this step may have one more.

    Raises:
        InputError: The attempt does not exist, or belongs to a step that is finished already.
    """
    attempt = _attempt(state, given)
    verdict = Verdict(
        success=given.success,
        refined_prompt=given.prompt or attempt.prompt,
        reasoning=given.reasoning,
        by_hand=True,
    )
    done = attempt.model_copy(update={"verdict": verdict})
    values: dict[str, Any] = {"attempts": {attempt_key(done.plan_version, done.step, done.iteration): done}}
    if given.success:
        return values, done
    tries = attempts_for(attempts_of(state), done.plan_version, done.step)
    if len(tries) >= limits_of(state).max_attempts:
        values["extra_attempts"] = {attempt_key(done.plan_version, done.step, 0): len(tries) + 1}
    if given.prompt is not None:  # It holds for the next attempt, also if a newer one than this has been made.
        values["override"] = Override(step=done.step, iteration=tries[-1].iteration + 1, prompt=given.prompt)
    return values, done


def named_attempt(state: Mapping[str, Any], verdict: HumanVerdict) -> HumanVerdict:
    """Returns the judgement with its attempt named, where it only meant the newest.

    Raises:
        InputError: As `human_verdict_update`.
    """
    attempt = _attempt(state, verdict)
    return verdict.model_copy(update={"step": attempt.step, "iteration": attempt.iteration})


def _attempt(state: Mapping[str, Any], verdict: HumanVerdict) -> Attempt:
    plan, current_step = newest_plan(state), current_step_of(state)
    if plan is None or stop_reason_of(state):
        raise InputError("Only a trajectory under way can be judged; branch from the attempt instead.")
    if verdict.step is not None and verdict.step != current_step:
        raise InputError(
            f"Step {verdict.step + 1} must be the one under way, which is step {current_step + 1}. "
            "Later pictures were made from it, so branch from an attempt of that step instead."
        )
    tries = attempts_for(attempts_of(state), plan.version, current_step)
    wanted = [a for a in tries if verdict.iteration is None or a.iteration == verdict.iteration]
    if not wanted:
        raise InputError(f"Step {current_step + 1} has {len(tries)} attempts; there is no such attempt to judge yet.")
    return wanted[-1]
