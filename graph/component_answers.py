"""What planner, critic and image generator return, checked where it enters the graph.

Components of one's own may return values that were never validated (`model_copy(update=…)`, `model_construct`) or that
are something else. In a state, nothing could read them again, and with them all that the trajectory has.
"""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from interleavethinker.tools.errors import GeneratorError, InterleaveError, ModelAnswerError
from interleavethinker.tools.types import GeneratedImage, Plan, Verdict
from interleavethinker.tools.validation import problems_of, revalidated

__all__ = ["checked_image", "checked_plan", "checked_verdict", "checked_verdicts"]

_M = TypeVar("_M", bound=BaseModel)


def checked_plan(answer: object) -> Plan:
    """Returns a planner's answer as a plan.

    Raises:
        ModelAnswerError: It is none.
    """
    return _checked(Plan, answer, "planner", ModelAnswerError)


def checked_verdict(answer: object) -> Verdict:
    """Returns a critic's answer as a verdict.

    Raises:
        ModelAnswerError: It is none.
    """
    return _checked(Verdict, answer, "critic", ModelAnswerError)


def checked_verdicts(answer: object, count: int) -> list[Verdict]:
    """Returns a critic's answer as verdicts.

    Args:
        answer: What it returned.
        count: How many images it was asked about.

    Raises:
        ModelAnswerError: It is something else, or not one verdict for each image.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        raise ModelAnswerError(_useless("critic", f"a {type(answer).__name__} instead of a list of verdicts"))
    if len(answer) != count:
        images = "1 image" if count == 1 else f"{count} images"
        raise ModelAnswerError(f"The critic was asked about {images}; it returned a list of {len(answer)}.")
    return [checked_verdict(verdict) for verdict in answer]


def checked_image(answer: object) -> GeneratedImage:
    """Returns an image generator's answer as a generated image.

    Raises:
        GeneratorError: It is none.
    """
    return _checked(GeneratedImage, answer, "image generator", GeneratorError)


def _checked(model: type[_M], answer: object, who: str, kind: type[InterleaveError]) -> _M:
    try:
        return revalidated(model, answer)
    except ValidationError as error:
        raise kind(_useless(who, problems_of(error))) from error


def _useless(who: str, problem: str) -> str:
    return f"The {who} returned something that cannot be used: {problem}."
