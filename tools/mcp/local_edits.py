"""References and masks of a generator call: their form in this project's contract, and the check of a masked result."""

from interleavethinker.tools.errors import GeneratorError, InputError, StoreError
from interleavethinker.tools.generated_images import kept_outside
from interleavethinker.tools.image_names import check_image_name
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import GenerationRequest, PinnedReference, Sha256

__all__ = ["check_kept", "images_of_call", "reference_arguments"]


def images_of_call(call: GenerationRequest) -> list[Sha256]:
    """Returns every image that a server needs for a call, each once."""
    names = (call.source, call.mask, *(reference.sha256 for reference in call.references))
    return list(dict.fromkeys(name for name in names if name is not None))


def reference_arguments(call: GenerationRequest) -> list[str]:
    """Returns the references of a call as the contract takes them: `cat=image://…`, or without a name."""
    return [f"{_name(reference)}image://{reference.sha256}" for reference in call.references]


def check_kept(store: ImageStore, source: Sha256, mask: Sha256, result: Sha256) -> None:
    """Checks that a masked edit has changed nothing else; servers of earlier versions know no masks.

    Raises:
        GeneratorError: Something else has changed (`contract`).
    """
    try:
        edited = store.get(result)
        kept = kept_outside(store, source, mask, edited)
    except StoreError:
        return  # An image that is not here cannot be compared.
    if kept is not edited:
        raise GeneratorError(
            "The image server changed the image outside the mask. Update the server: earlier versions know no masks.",
            code="contract",
        )


def _name(reference: PinnedReference) -> str:
    try:
        return f"{check_image_name(reference.label)}="
    except InputError:
        return ""
