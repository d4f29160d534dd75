"""Reads the images of a trajectory from the store, tolerating those that are missing or damaged."""

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256

__all__ = ["image_uri", "read_image", "read_images"]


_PLACEHOLDER = data_uri(
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
    b'<rect width="96" height="96" fill="#ddd"/>'
    b'<path d="M24 24 72 72M72 24 24 72" stroke="#999" stroke-width="4"/></svg>',
    "image/svg+xml",
)
"""Shown instead of an image that is missing or damaged."""


def read_image(store: ImageStore, name: Sha256) -> bytes | None:
    """Returns the PNG of an image, or None if it is missing or damaged."""
    try:
        return store.get(name)
    except StoreError:
        return None


def read_images(trajectory: Trajectory, store: ImageStore) -> dict[Sha256, bytes | None]:
    """Reads every image of a trajectory once: those of its request and those of all its attempts."""
    names = {*trajectory.request.images, *(attempt.image for attempt in trajectory.attempts)}
    return {name: read_image(store, name) for name in sorted(names)}


def image_uri(data: bytes | None) -> str:
    """Returns a data URI for an HTML page: the PNG, or a placeholder for None."""
    return _PLACEHOLDER if data is None else data_uri(data)
