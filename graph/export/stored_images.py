"""Reads the images of a trajectory from the store, tolerating those that are missing or damaged."""

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256

__all__ = ["read_image", "read_images"]


def read_image(store: ImageStore, name: Sha256) -> bytes | None:
    """Returns the PNG of an image, or None if it is missing or damaged."""
    try:
        return store.get(name)
    except StoreError:
        return None


def read_images(trajectory: Trajectory, store: ImageStore) -> dict[Sha256, bytes | None]:
    """Reads every image of a trajectory once: those of its request and those of all its attempts."""
    names = {*trajectory.request.images, *(one.image for one in trajectory.attempts if one.image is not None)}
    return {name: read_image(store, name) for name in sorted(names)}
