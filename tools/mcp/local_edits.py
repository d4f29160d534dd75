"""References and masks of a generator call: their form in this project's contract, and the check of a masked result."""

from interleavethinker.tools.errors import GeneratorError, InputError, StoreError
from interleavethinker.tools.image_names import check_image_name
from interleavethinker.tools.image_regions import merged
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import GenerationRequest, PinnedReference, Sha256

__all__ = ["check_kept", "images_of_call", "merged_in", "reference_arguments"]


def images_of_call(call: GenerationRequest) -> list[Sha256]:
    """Returns every image that a server needs for a call, each once."""
    names = (call.source, call.mask, *(reference.sha256 for reference in call.references))
    return list(dict.fromkeys(name for name in names if name is not None))


def reference_arguments(call: GenerationRequest) -> list[str]:
    """Returns the references of a call as the contract takes them: `cat=image://…`, or without a name."""
    return [f"{_name(reference)}image://{reference.sha256}" for reference in call.references]


def merged_in(store: ImageStore, source: Sha256, mask: Sha256, edited: bytes) -> bytes:
    """Returns the PNG bytes of the source with the masked region of an edited image."""
    return merged(store.get(source), edited, store.get(mask))


def check_kept(store: ImageStore, source: Sha256, mask: Sha256, result: Sha256) -> None:
    """Checks that a masked edit has changed nothing else; servers of earlier versions know no masks.

    Raises:
        GeneratorError: Something else has changed (`contract`).
    """
    try:
        before, after, region = store.get(source), store.get(result), store.get(mask)
    except StoreError:
        return  # An image that is not here cannot be compared.
    if merged(before, after, region) != encode_png(open_rgb(after)):
        raise GeneratorError(
            "The image server changed the image outside the mask. Update the server: earlier versions know no masks.",
            code="contract",
        )


def _name(reference: PinnedReference) -> str:
    try:
        return f"{check_image_name(reference.label)}="
    except InputError:
        return ""
