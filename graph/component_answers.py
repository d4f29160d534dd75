"""What planner, critic and image generator return, checked where it enters the graph.

Components of one's own may return values that were never validated (`model_copy(update=…)`, `model_construct`) or that
are something else. In a state, nothing could read them again, and with them all that the trajectory has.
"""

from collections.abc import Sequence

from pydantic import ValidationError

from interleavethinker.tools.errors import GeneratorError, ModelAnswerError
from interleavethinker.tools.types import GeneratedImage, Plan, Verdict
from interleavethinker.tools.validation import problems_of, revalidated

__all__ = ["checked_image", "checked_plan", "checked_verdict", "checked_verdicts"]

_USELESS = "The {} returned something that cannot be used: {}."


def checked_plan(answer: object) -> Plan:
    """Returns a planner's answer as a plan.

    Raises:
        ModelAnswerError: It is none.
    """
    try:
        return revalidated(Plan, answer)
    except ValidationError as error:
        raise ModelAnswerError(_USELESS.format("planner", problems_of(error))) from error


def checked_verdict(answer: object) -> Verdict:
    """Returns a critic's answer as a verdict.

    Raises:
        ModelAnswerError: It is none.
    """
    try:
        return revalidated(Verdict, answer)
    except ValidationError as error:
        raise ModelAnswerError(_USELESS.format("critic", problems_of(error))) from error


def checked_verdicts(answer: object, count: int) -> list[Verdict]:
    """Returns a critic's answer as verdicts.

    Args:
        answer: What it returned.
        count: How many images it was asked about.

    Raises:
        ModelAnswerError: It is something else, or not one verdict for each image.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        raise ModelAnswerError(_USELESS.format("critic", f"a {type(answer).__name__} instead of a list of verdicts"))
    if len(answer) != count:
        images = "1 image" if count == 1 else f"{count} images"
        raise ModelAnswerError(f"The critic was asked about {images}; it returned a list of {len(answer)}.")
    return [checked_verdict(verdict) for verdict in answer]


def checked_image(answer: object) -> GeneratedImage:
    """Returns an image generator's answer as a generated image.

    Raises:
        GeneratorError: It is none.
    """
    try:
        return revalidated(GeneratedImage, answer)
    except ValidationError as error:
        raise GeneratorError(_USELESS.format("image generator", problems_of(error))) from error
