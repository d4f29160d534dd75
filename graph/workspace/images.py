"""File work on the workspace's images. These functions block; the workspace calls them in a thread."""

import time
from collections.abc import Collection
from pathlib import Path

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import canonical_png
from interleavethinker.tools.images.store import ImageStore

__all__ = ["add_image", "remove_unused_images"]

_MARGIN_SECONDS = 60.0


def add_image(store: ImageStore, image: bytes | str | Path) -> str:
    """Stores an image, given as its bytes or its path, as canonical PNG and returns its name.

    Raises:
        InputError: The file cannot be read, or is not an image.
    """
    if isinstance(image, bytes):
        return store.put(canonical_png(image))
    try:
        data = Path(image).read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read the image {image}: {error.strerror or error}.") from error
    return store.put(canonical_png(data))


def remove_unused_images(
    store: ImageStore, used: Collection[str], older_than: float, spared_since: float | None = None
) -> list[str]:
    """Removes the images that are not in `used`, and temporary files, if older than `older_than` seconds.

    Args:
        store: The workspace's store.
        used: Names of images to keep.
        older_than: Seconds.
        spared_since: Images used since this time (seconds since the epoch) are kept as well.

    Returns:
        The names of the removed images.
    """
    store.sweep(older_than)
    limit = time.time() - older_than
    if spared_since is not None:
        limit = min(limit, spared_since - _MARGIN_SECONDS)
    unused = [name for name in store if name not in used and _last_used(store, name) <= limit]
    return [name for name in unused if store.delete(name)]


def _last_used(store: ImageStore, name: str) -> float:
    try:
        return store.path(name).stat().st_mtime
    except FileNotFoundError:  # Another process has just removed it.
        return float("inf")
