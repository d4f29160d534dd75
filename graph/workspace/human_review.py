"""A person overrides the critic: how a verdict by hand changes the state. Pure functions, apart from `with_mask`."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from interleavethinker.graph.attempts import (
    attempt_key,
    attempts_for,
    check_prompt,
    newest_or_best_variant,
    without_choice,
)
from interleavethinker.graph.routing import allowed_attempts
from interleavethinker.graph.state import Override, attempts_of, current_step_of, newest_plan, stop_reason_of
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.image_regions import check_mask, region_mask
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.types import Attempt, Sha256, Verdict
from interleavethinker.tools.validation import require_type

__all__ = ["HumanVerdict", "human_verdict_update", "named_attempt", "with_mask"]


class HumanVerdict(StrictNumbers):
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
    region: str | None = None
    """After a rejection: the next attempt changes only this rectangle of the image, `X,Y,WIDTH,HEIGHT` in pixels or
    percent (`50%,0,50%,100%`). All other pixels stay as they are."""
    mask: Sha256 | None = None
    """Instead of a region: an image of the workspace, of the attempt's size, that is white where to change it."""
    step: int | None = None
    """From 0; must be the current step, which is the default."""
    iteration: int | None = None
    """From 0; default: the newest attempt, or the best one while the step has only variants."""


def human_verdict_update(state: Mapping[str, Any], given: HumanVerdict) -> tuple[dict[str, Any], Attempt]:
    """Returns the state update, as the critic would return it, and the judged attempt.

    After a rejection there is always another attempt: if the step has used all of its attempts, it gets one more. If a
    person accepts a second attempt of the step, the first one counts as not judged.

    Example: step 0 has one attempt, rejected by the critic. `HumanVerdict(success=True)` returns
    `{"attempts": {"1.0.0": <the attempt, accepted by hand>}}`. With `max_attempts=1`,
    `HumanVerdict(success=False, prompt="p")` returns also `"extra_attempts": {"1.0.0": 2}` and an `"override"` with
    the prompt for iteration 1.

    Raises:
        InputError: The attempt does not exist, or belongs to a step that is finished already.
    """
    attempt = _find_attempt(state, given)
    if given.region is not None:  # `with_mask` makes a mask of it, which takes the store.
        raise InputError("A region must be turned into a mask before the verdict is applied.")
    critics = attempt.verdict.refined_prompt if given.critics_prompt and attempt.verdict is not None else None
    verdict = Verdict(
        success=given.success,
        refined_prompt=given.prompt or critics or attempt.prompt,
        reasoning=given.reasoning,
        by_hand=True,
        mask=given.mask,
    )
    judged = attempt.model_copy(update={"verdict": verdict})
    update: dict[str, Any] = {"attempts": {attempt_key(judged.plan_version, judged.step, judged.iteration): judged}}
    of_step = attempts_for(attempts_of(state), judged.plan_version, judged.step)
    others = [one for one in of_step if one.iteration != judged.iteration and one.verdict is not None]
    override = state.get("override")
    if given.success:
        keyed = {attempt_key(other.plan_version, other.step, other.iteration): other for other in others}
        update["attempts"] |= without_choice(keyed)
        if override is not None and override.prompt is None and override.seed is None:
            update["override"] = None
        return update, judged
    if len(of_step) >= allowed_attempts(state, judged.plan_version, judged.step):
        update["extra_attempts"] = {attempt_key(judged.plan_version, judged.step, 0): len(of_step) + 1}
    if given.prompt is not None:  # For the next attempt, even if a newer one than the judged one exists.
        update["override"] = Override(step=judged.step, iteration=of_step[-1].iteration + 1, prompt=given.prompt)
    elif any(other.verdict is not None and other.verdict.success for other in others):
        # Another variant that the critic accepted must not end the step.
        update["override"] = Override(step=judged.step, iteration=of_step[-1].iteration + 1)
    return update, judged


async def with_mask(state: Mapping[str, Any], given: HumanVerdict, store: ImageStore, *, running: bool) -> HumanVerdict:
    """Returns the verdict with the mask of its region, and with its attempt's numbers if the trajectory runs.

    A running trajectory may have a newer attempt by the time that the verdict is applied; this person has not seen it.

    Raises:
        InputError: As `human_verdict_update`; or the region or the mask does not fit the image; or it is no verdict.
    """
    require_type(given, HumanVerdict, "verdict", "a HumanVerdict")
    local = given.region is not None or given.mask is not None
    if local or running:
        given = named_attempt(state, given)
    if not local:
        return given
    if given.success or (given.region is not None and given.mask is not None):
        raise InputError("Give a region or a mask, and only with a rejection: it says what the next attempt changes.")
    attempt = _find_attempt(state, given)
    if attempt.image is None:
        raise InputError("The image service refused this attempt, so there is no image with a region to change.")
    of_step = attempts_for(attempts_of(state), attempt.plan_version, attempt.step)
    newer = [one for one in of_step if one.iteration > attempt.iteration and not (one.variant and attempt.variant)]
    if any(one.verdict is not None and one.verdict.by_hand and not one.verdict.success for one in newer):
        raise InputError("A newer attempt was rejected by hand, and the next one follows from that. Name its region.")
    image = await asyncio.to_thread(store.get, attempt.image)
    if given.region is not None:
        data = await asyncio.to_thread(region_mask, given.region, image_size(image))
        given = given.model_copy(update={"region": None, "mask": await asyncio.to_thread(store.put, data)})
    if given.mask is not None:
        try:
            data = await asyncio.to_thread(store.get, given.mask)
            await asyncio.to_thread(store.renew, given.mask)  # No trajectory names it before the verdict is applied.
        except StoreError as error:
            raise InputError(f"The mask {given.mask} is not in this workspace; add it with `add_image`.") from error
        await asyncio.to_thread(check_mask, data, image_size(image))
    return given


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
    attempt = newest_or_best_variant(matching)
    if verdict.success and attempt.image is None:
        raise InputError(
            "The image service refused this attempt, so there is no image to accept. Reject it with a prompt of yours."
        )
    return attempt
