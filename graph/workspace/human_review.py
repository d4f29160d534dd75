"""A person overrides the critic: how a verdict by hand changes the state. Pure functions."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.attempts import attempt_key, attempts_for, check_prompt
from interleavethinker.graph.routing import limits_of
from interleavethinker.graph.state import Override, attempts_of, current_step_of, newest_plan, stop_reason_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, Verdict

__all__ = ["HumanVerdict", "human_verdict_update", "named_attempt"]


class HumanVerdict(BaseModel):
    """A person's verdict on an attempt of the trajectory's current step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: bool
    """True accepts the attempt, False rejects it."""
    prompt: str | None = None
    """Words for the step after a rejection: the next attempt is made and judged by them, under a new version of the
    plan. Default: the same prompt again, with a new seed."""
    critics_prompt: bool = False
    """After a rejection without words of one's own: the next attempt gets the critic's prompt, if it wrote one."""
    reasoning: str = ""
    step: int | None = None
    """From 0; must be the current step, which is the default."""
    iteration: int | None = None
    """From 0; default: the newest attempt."""


def human_verdict_update(state: Mapping[str, Any], given: HumanVerdict) -> tuple[dict[str, Any], Attempt]:
    """Returns the state update, as the critic would return it, and the judged attempt.

    After a rejection there is always another attempt: if the step has used all of its attempts, it gets one more.

    Example: step 0 has one attempt, rejected by the critic. `HumanVerdict(success=True)` returns
    `{"attempts": {"1.0.0": <the attempt, accepted by hand>}}`. With `max_attempts=1`,
    `HumanVerdict(success=False, prompt="p")` returns also `"extra_attempts": {"1.0.0": 2}` and an `"override"` with
    the prompt for iteration 1.

    Raises:
        InputError: The attempt does not exist, or belongs to a step that is finished already.
    """
    attempt = _find_attempt(state, given)
    critics = attempt.verdict.refined_prompt if given.critics_prompt and attempt.verdict is not None else None
    verdict = Verdict(
        success=given.success,
        refined_prompt=given.prompt or critics or attempt.prompt,
        reasoning=given.reasoning,
        by_hand=True,
    )
    judged = attempt.model_copy(update={"verdict": verdict})
    update: dict[str, Any] = {"attempts": {attempt_key(judged.plan_version, judged.step, judged.iteration): judged}}
    if given.success:
        return update, judged
    of_step = attempts_for(attempts_of(state), judged.plan_version, judged.step)
    if len(of_step) >= limits_of(state).max_attempts:
        update["extra_attempts"] = {attempt_key(judged.plan_version, judged.step, 0): len(of_step) + 1}
    if given.prompt is not None:  # For the next attempt, even if a newer one than the judged one exists.
        update["override"] = Override(step=judged.step, iteration=of_step[-1].iteration + 1, prompt=given.prompt)
    return update, judged


def named_attempt(state: Mapping[str, Any], verdict: HumanVerdict) -> HumanVerdict:
    """Returns the verdict with its step and iteration filled in.

    Raises:
        InputError: As `human_verdict_update`.
    """
    attempt = _find_attempt(state, verdict)
    return verdict.model_copy(update={"step": attempt.step, "iteration": attempt.iteration})


def _find_attempt(state: Mapping[str, Any], verdict: HumanVerdict) -> Attempt:
    check_prompt(verdict.prompt)
    plan, current_step = newest_plan(state), current_step_of(state)
    if plan is None or stop_reason_of(state):
        raise InputError("Only a trajectory that has a plan and has not ended can be judged; branch from it instead.")
    if verdict.step is not None and verdict.step != current_step:
        raise InputError(
            f"Only the current step, step {current_step + 1}, can be judged; got step {verdict.step + 1}. "
            "Later images depend on earlier steps, so branch from an attempt of that step instead."
        )
    of_step = attempts_for(attempts_of(state), plan.version, current_step)
    matching = [a for a in of_step if verdict.iteration is None or a.iteration == verdict.iteration]
    if not matching:
        raise InputError(f"Step {current_step + 1} has {len(of_step)} attempts; there is no such attempt to judge yet.")
    if verdict.success and matching[-1].image is None:
        raise InputError(
            "The image service refused this attempt, so there is no image to accept. Reject it with a prompt of yours."
        )
    return matching[-1]
