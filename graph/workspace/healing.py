"""Brings back images that a trajectory still needs and that its store has lost: each call is made once more.

The same prompt, seed and source give the same image, and this project's server answers from its own store, at no cost.
An image that comes out differently is of no use here: the trajectory then goes on to the error about the missing one.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.graph.component_answers import generated_image
from interleavethinker.graph.state import attempts_of, current_step_of
from interleavethinker.tools.errors import InterleaveError, StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.types import Attempt, GenerationRequest

__all__ = ["restore_images"]

_log = logging.getLogger(__name__)
_CALL_FIELDS = {"mask", "prompt", "references", "seed", "size", "source"}


async def restore_images(state: Mapping[str, Any], store: ImageStore, generator: ImageGenerator) -> int:
    """Generates the missing or damaged images of the selected attempts and of the current step again.

    Args:
        state: The trajectory's state.
        store: The workspace's store.
        generator: Writes to the same store.

    Returns:
        How many images were restored.
    """
    restored = 0
    for attempt in _needed(state):
        if attempt.image is None or await asyncio.to_thread(_is_whole, store, attempt.image):
            continue
        call = GenerationRequest.model_validate(attempt.model_dump(include=_CALL_FIELDS))
        try:
            image = await generated_image(generator, call, store)
        except InterleaveError:
            _log.warning("image %s is missing and cannot be generated again", attempt.image, exc_info=True)
            continue
        restored += image.sha256 == attempt.image
    return restored


def _needed(state: Mapping[str, Any]) -> list[Attempt]:
    """Returns the attempts whose images later calls or the document use, in the order in which they were generated."""
    attempts, current = attempts_of(state), current_step_of(state)
    found: dict[int, list[Attempt]] = {}
    for attempt in attempts.values():
        found.setdefault(attempt.step, [])
        if attempt.step >= current and not attempt.outdated:
            found[attempt.step].append(attempt)
    for step in found:
        if step < current and (selected := selected_attempt(attempts, step)) is not None:
            found[step] = [selected]
    return [attempt for step in sorted(found) for attempt in sorted(found[step], key=lambda each: each.iteration)]


def _is_whole(store: ImageStore, sha256: str) -> bool:
    try:
        store.get(sha256)
    except StoreError:
        return False
    return True
