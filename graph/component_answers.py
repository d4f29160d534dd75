"""What planner, critic and image generator return, checked where it enters the graph.

Components of one's own may return values that were never validated (`model_copy(update=…)`, `model_construct`) or that
are something else. In a state, nothing could read them again, and with them all that the trajectory has. What was asked
of an image holds whoever generates it: it is in the workspace's store, has the size, and a mask keeps what it covers.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, ModelAnswerError, StoreError
from interleavethinker.tools.generated_images import check_size, kept_outside
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator, ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, Plan, Verdict
from interleavethinker.tools.validation import problems_of, revalidated

__all__ = ["checked_plan", "checked_verdict", "checked_verdicts", "generated_image"]

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


async def generated_image(
    generator: ImageGenerator,
    call: GenerationRequest,
    store: ImageStore | None,
    progress: ProgressCallback | None = None,
) -> GeneratedImage:
    """Calls an image generator and returns its image. Outside the mask of a call, the image is the source.

    Args:
        generator: The generator.
        call: The call.
        store: Where the generator stores its images; None: its images cannot be looked at, and masks are its own duty.
        progress: As in `ImageGenerator.generate`.

    Raises:
        GeneratorError: The generator fails; or what it returned is no generated image, or names one that is not in the
            store (`contract`).
        InputError: The image does not have the size that was asked for (`unsupported`).
    """
    image = _checked(GeneratedImage, await generator.generate(call, progress), "image generator", GeneratorError)
    if store is not None:
        image = await asyncio.to_thread(_as_stored, image, call, store)
    check_size(call, image.width, image.height)
    return image


def _as_stored(image: GeneratedImage, call: GenerationRequest, store: ImageStore) -> GeneratedImage:
    try:
        data = store.get(image.sha256)
        image_size(data)
    except (InputError, StoreError) as error:
        raise GeneratorError(
            f"The image generator returned an image that is not in the workspace's image store: {error} A generator "
            "stores its images there (`ImageStore.put`) before it returns them.",
            code="contract",
        ) from error
    kept = data
    if call.mask is not None and call.source is not None:
        kept = kept_outside(store, call.source, call.mask, data)
    name = image.sha256 if kept is data else store.put(kept)
    width, height = image_size(kept)
    return image.model_copy(update={"sha256": name, "width": width, "height": height})


def _checked(model: type[_M], answer: object, who: str, kind: type[InterleaveError]) -> _M:
    try:
        return revalidated(model, answer)
    except ValidationError as error:
        raise kind(_useless(who, problems_of(error))) from error


def _useless(who: str, problem: str) -> str:
    return f"The {who} returned something that cannot be used: {problem}."
