"""What a call asks of its image, whoever generates it: the size, and that nothing outside the mask changes."""

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_regions import merged
from interleavethinker.tools.image_sizes import fits
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import GenerationRequest, Sha256

__all__ = ["check_size", "kept_outside"]


def check_size(call: GenerationRequest, width: int, height: int) -> None:
    """Checks that a generator has heeded the size: an older server, and a model that only knows some sizes, may not.

    Raises:
        InputError: The image has another size (`unsupported`).
    """
    if call.size is not None and not fits(call.size, width, height):
        raise InputError(
            f"The image generator made an image of {width}x{height} instead of {call.size}: it cannot generate that "
            "size. Ask for another size, or for none.",
            code="unsupported",
        )


def kept_outside(store: ImageStore, source: Sha256, mask: Sha256, edited: bytes) -> bytes:
    """Returns an edited image with the source's pixels outside the mask; the same object if nothing there has changed.

    Args:
        store: Has the source and the mask.
        source: Name of the image that was edited.
        mask: Name of the mask, white where to edit.
        edited: The edited image. One of another size is scaled to the source's.

    Raises:
        StoreError: The source or the mask is not in the store.
    """
    return merged(store.get(source), edited, store.get(mask))
