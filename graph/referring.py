"""References and local edits in generator calls and in the critic's cases; pure functions, apart from `described`.

The state keeps what people and planners wrote (`@cat`). Generator and critic get the words and images that it stands
for.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ReferenceWords
from interleavethinker.tools.references import check_mentions, with_words
from interleavethinker.tools.types import (
    Attempt,
    CriticInput,
    GenerationRequest,
    ImagePart,
    Part,
    Plan,
    Request,
    Sha256,
)

from .attempts import attempts_for
from .dependencies import references_of, source_of
from .state import attempts_of, request_of

__all__ = ["case_of", "described", "region_of", "with_descriptions", "with_references"]


async def described(request: Request, words: ReferenceWords | None, store: ImageStore | None) -> Request:
    """Returns the request with descriptions of its named images, if its components read no reference images.

    Args:
        request: The request.
        words: Describes an image.
        store: Holds the images.

    Raises:
        InputError: The request mentions an unknown image, or an image cannot be described.
    """
    check_mentions(request)
    if words is None or store is None or not request.named_images:
        return request
    try:
        return await asyncio.to_thread(with_descriptions, request, words, store)
    except StoreError:
        return request  # Whoever needs the image says so.


def with_descriptions(request: Request, words: ReferenceWords | None, store: ImageStore) -> Request:
    """Returns the request with descriptions of its named images; as `described`, but blocks."""

    def describe(part: Part) -> Part:
        if words is None or not isinstance(part, ImagePart) or part.name is None or part.words:
            return part
        return part.model_copy(update={"words": words(store.get(part.sha256), part.name)})

    return Request(parts=tuple(map(describe, request.parts)))


def with_references(
    call: GenerationRequest, state: Mapping[str, Any], plan: Plan, step: int, source: Sha256 | None
) -> GenerationRequest:
    """Returns a call whose prompt has words instead of mentions, and that has the step's references.

    Args:
        call: The call.
        state: The state.
        plan: The plan in effect.
        step: Index of the step.
        source: The image that the step edits.
    """
    request, of_step = request_of(state), plan.steps[step]
    if not request.named_images and not of_step.references and "@" not in call.prompt:
        return call
    texts = f"{of_step.prompt or ''}\n{call.prompt}"  # A critic's words mention nothing.
    return call.model_copy(
        update={
            "prompt": with_words(call.prompt, request, of_step.references),
            "references": references_of(plan, attempts_of(state), step, texts, request, source),
        }
    )


def region_of(state: Mapping[str, Any], step: int) -> Attempt | None:
    """Returns the attempt of a step of which a person rejected only a region, until another attempt has changed that.

    Among all that the person rejected, the newest counts, or any of its variants.
    """
    of_step = [attempt for attempt in attempts_of(state).values() if attempt.step == step and not attempt.outdated]
    rejected = [one for one in of_step if one.verdict is not None and one.verdict.by_hand and not one.verdict.success]
    newest = max(rejected, key=lambda attempt: (attempt.plan_version, attempt.iteration), default=None)
    if newest is None:
        return None
    variants = [one for one in rejected if newest.variant and one.variant and one.plan_version == newest.plan_version]
    changed = {(attempt.source, attempt.mask) for attempt in of_step}
    for one in variants or [newest]:
        mask = None if one.verdict is None else one.verdict.mask
        if one.image is not None and mask is not None and (one.image, mask) not in changed:
            return one
    return None


def case_of(state: Mapping[str, Any], plan: Plan, attempt: Attempt, image: Sha256) -> CriticInput:
    """Returns the critic's case for an attempt.

    After a local edit, the critic sees the image before the step all the same, not the one that was repaired.
    """
    request, step = request_of(state), plan.steps[attempt.step]
    source = attempt.source
    if attempt.mask is not None and attempt.wish:  # The drift guard chose the image before the step.
        source = attempts_for(attempts_of(state), attempt.plan_version, attempt.step)[0].source
    elif attempt.mask is not None:
        source = source_of(plan, attempts_of(state), attempt.step, request)
    return CriticInput(
        source=source,
        image=image,
        original_prompt=with_words(attempt.wish or step.prompt or attempt.prompt, request, step.references),
        prompt=attempt.prompt,
        references=attempt.references,
    )
