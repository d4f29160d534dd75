"""Which image each step starts from, and which steps therefore need not wait for one another.

A step starts from the image of the step before, unless the plan says otherwise: from nothing, from the image of an
earlier step, or from an image of the request. Pure functions of the plan and the attempts; steps count from 0 here, and
from 1 in `Step.starts_from`.
"""

from collections.abc import Callable, Mapping, Sequence

from interleavethinker.tools.types import Attempt, Plan, Sha256, Step

from .attempts import selected_attempt

__all__ = ["dependency_problem", "is_decided", "shifted", "source_of"]


def source_of(
    plan: Plan, attempts: Mapping[str, Attempt], step: int, request_images: Sequence[Sha256]
) -> Sha256 | None:
    """Returns the image that a step edits.

    That is the selected image of the step that it starts from, or of the nearest step before that one if it has none;
    else the request's last image.

    Args:
        plan: The plan in effect.
        attempts: All attempts, by key.
        step: Index of the step.
        request_images: The request's images, in order.

    Returns:
        The name of the image, or None if the step is generated from text alone.
    """
    point = plan.steps[step].starts_from
    if point == "nothing":
        return None
    if point is not None and point.startswith("reference"):
        number = _number(point)
        return request_images[-1 if number is None else number - 1] if request_images else None
    for earlier in range(_last_source(plan, step), -1, -1):
        selected = selected_attempt(attempts, earlier)
        if selected is not None:
            return selected.image
    return request_images[-1] if request_images else None


def is_decided(plan: Plan, attempts: Mapping[str, Attempt], step: int, is_finished: Callable[[int], bool]) -> bool:
    """Returns whether no unfinished step can change the image that a step starts from.

    Args:
        plan: The plan in effect.
        attempts: All attempts, by key.
        step: Index of the step.
        is_finished: Whether a step gets no further attempt.
    """
    point = plan.steps[step].starts_from
    if point is not None and not point.startswith("step"):
        return True
    for earlier in range(_last_source(plan, step), -1, -1):
        if plan.steps[earlier].prompt is None:
            continue
        if not is_finished(earlier):
            return False
        if selected_attempt(attempts, earlier) is not None:
            return True
    return True


def dependency_problem(steps: Sequence[Step], request_images: int) -> str:
    """Returns why the steps cannot start from what they name; empty if they can.

    Args:
        steps: All steps of a plan.
        request_images: Number of images of the request.
    """
    for index, step in enumerate(steps):
        number = None if step.starts_from is None else _number(step.starts_from)
        if step.starts_from is None or step.starts_from == "nothing":
            continue
        if step.starts_from.startswith("reference"):
            if (number or 1) > request_images:
                have = f"{request_images} image{'s' * (request_images != 1)}" if request_images else "no image"
                return f"Step {index + 1} starts from {step.starts_from}, but the request has {have}."
        elif number is None or number > index or steps[number - 1].prompt is None:
            return f"Step {index + 1} starts from {step.starts_from}, which is not an earlier step with an image."
    return ""


def shifted(steps: Sequence[Step], by: int) -> tuple[Step, ...]:
    """Returns the steps of a planner's answer as a part of a plan that has `by` steps before them."""

    def moved(step: Step) -> Step:
        if not by or step.starts_from is None or not step.starts_from.startswith("step"):
            return step
        return step.model_copy(update={"starts_from": f"step {(_number(step.starts_from) or 0) + by}"})

    return tuple(moved(step) for step in steps)


def _last_source(plan: Plan, step: int) -> int:
    """Returns the index of the step that a step starts from: the one before, or the one that it names."""
    point = plan.steps[step].starts_from
    return step - 1 if point is None else min(step, _number(point) or step) - 1


def _number(point: str) -> int | None:
    word = point.rpartition(" ")[2]
    return int(word) if word.isdecimal() else None
