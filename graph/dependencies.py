"""Which image each step starts from, and which steps therefore need not wait for one another.

A step starts from the image of the step before, unless the plan says otherwise: from nothing, from the image of an
earlier step, or from an image of the request. Pure functions of the plan and the attempts; steps count from 0 here, and
from 1 in `Step.starts_from`.
"""

from collections.abc import Callable, Mapping, Sequence

from interleavethinker.tools.image_names import target_of
from interleavethinker.tools.references import pinned_references, reference_problem
from interleavethinker.tools.types import Attempt, PinnedReference, Plan, Request, Sha256, Step

from .attempts import selected_attempt

__all__ = ["dependency_problem", "is_decided", "previous_step", "references_of", "shifted", "source_of"]


def source_of(plan: Plan, attempts: Mapping[str, Attempt], step: int, request: Request) -> Sha256 | None:
    """Returns the image that a step edits.

    That is the selected image of the step that it starts from, or of the nearest step before that one if it has none;
    else the request's last image that is no named reference.

    Args:
        plan: The plan in effect.
        attempts: All attempts, by key.
        step: Index of the step.
        request: The request.

    Returns:
        The name of the image, or None if the step is generated from text alone.
    """
    point = plan.steps[step].starts_from
    if point == "nothing":
        return None
    if point is not None and point.startswith("reference"):
        number, images = _number(point), request.images
        if number is None:
            return next(reversed(request.sources or images), None)
        return images[number - 1] if images else None
    earlier = previous_step(plan, lambda at: selected_attempt(attempts, at) is not None, step)
    selected = None if earlier is None else selected_attempt(attempts, earlier)
    if selected is not None:
        return selected.image
    return request.sources[-1] if request.sources else None


def references_of(
    plan: Plan, attempts: Mapping[str, Attempt], step: int, prompt: str, request: Request, source: Sha256 | None
) -> tuple[PinnedReference, ...]:
    """Returns the images that a step looks at besides the one that it edits.

    Args:
        plan: The plan in effect.
        attempts: All attempts, by key.
        step: Index of the step.
        prompt: The prompt of the attempt, with its mentions.
        request: The request.
        source: The image that the step edits.
    """

    def image_of(earlier: int) -> Sha256 | None:
        selected = selected_attempt(attempts, earlier) if 0 <= earlier < step else None
        return None if selected is None else selected.image

    pinned = pinned_references(plan.steps, step, prompt, request, image_of)
    return tuple(reference for reference in pinned if reference.sha256 != source)


def previous_step(plan: Plan, has_image: Callable[[int], bool], step: int) -> int | None:
    """Returns the index of the step whose image a step edits; None if it edits none of this trajectory.

    Args:
        plan: The plan in effect.
        has_image: Whether a step, by its index, has an image to show.
        step: Index of the step.
    """
    point = plan.steps[step].starts_from
    if point is not None and not point.startswith("step"):
        return None
    return next((at for at in range(_last_source(plan, step), -1, -1) if has_image(at)), None)


def is_decided(plan: Plan, attempts: Mapping[str, Attempt], step: int, is_finished: Callable[[int], bool]) -> bool:
    """Returns whether no unfinished step can change the image that a step starts from, or one that it looks at.

    Args:
        plan: The plan in effect.
        attempts: All attempts, by key.
        step: Index of the step.
        is_finished: Whether a step gets no further attempt.
    """
    if not all(is_finished(earlier) for earlier in _steps_looked_at(plan.steps[step])):
        return False
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


def dependency_problem(steps: Sequence[Step], request: Request) -> str:
    """Returns why the steps cannot start from, or look at, what they name; empty if they can.

    Args:
        steps: All steps of a plan.
        request: The request.
    """
    request_images = len(request.images)
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
    return reference_problem(steps, request)


def shifted(steps: Sequence[Step], by: int) -> tuple[Step, ...]:
    """Returns the steps of a planner's answer as a part of a plan that has `by` steps before them."""

    def moved(step: Step) -> Step:
        references = tuple(_moved_reference(reference, by) for reference in step.references)
        step = step if references == step.references else step.model_copy(update={"references": references})
        if not by or step.starts_from is None or not step.starts_from.startswith("step"):
            return step
        return step.model_copy(update={"starts_from": f"step {(_number(step.starts_from) or 0) + by}"})

    return tuple(moved(step) for step in steps)


def _moved_reference(reference: str, by: int) -> str:
    target = target_of(reference)
    if not by or not target.startswith("step "):
        return reference
    return f"{reference.removesuffix(target)}step {(_number(target) or 0) + by}"


def _steps_looked_at(step: Step) -> list[int]:
    targets = map(target_of, step.references)
    return [(_number(target) or 1) - 1 for target in targets if target.startswith("step ")]


def _last_source(plan: Plan, step: int) -> int:
    """Returns the index of the step that a step starts from: the one before, or the one that it names."""
    point = plan.steps[step].starts_from
    return step - 1 if point is None else min(step, _number(point) or step) - 1


def _number(point: str) -> int | None:
    word = point.rpartition(" ")[2]
    return int(word) if word.isdecimal() else None
