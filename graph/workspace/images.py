"""File work on the workspace's images. These functions block; the workspace calls them in a thread."""

import contextlib
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interleavethinker.graph.attempts import images_of_attempt
from interleavethinker.graph.state import attempts_of, request_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import read_at_most
from interleavethinker.tools.images.png import ImageLimits, canonical_png, check_header
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.validation import require_type

__all__ = [
    "UnusedImages",
    "add_image",
    "check_image",
    "delete_unused",
    "names_in",
    "renew_images",
    "require_images",
    "unused_images",
]

_MARGIN_SECONDS = 60.0


def add_image(store: ImageStore, image: bytes | str | Path) -> str:
    """Stores an image, given as its bytes or its path, as canonical PNG and returns its name.

    Raises:
        InputError: The file cannot be read, is a named pipe, or is not an image; or this is neither bytes nor a path.
    """
    require_type(image, (bytes, bytearray, str, os.PathLike), "image", "the bytes or the path of an image file")
    if isinstance(image, bytes | bytearray):
        return store.put(canonical_png(bytes(image)))
    with _errors_of_reading(image):
        data = read_at_most(Path(image), ImageLimits().max_bytes)
    return store.put(canonical_png(data, name=image))


def check_image(path: Path) -> None:
    """Checks a regular file by its header, before `add_image` decodes it.

    Raises:
        InputError: It cannot be read, or its header shows that it is not an image or is too large.
    """
    with _errors_of_reading(path), path.open("rb") as file:
        check_header(file, name=path)


@contextlib.contextmanager
def _errors_of_reading(image: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"Cannot read the image {image}: {error.strerror or error}.") from error


def names_in(state: Mapping[str, Any]) -> set[str]:
    """Returns the names of all images that a trajectory's state uses, those of its request included."""
    names = {name for attempt in attempts_of(state).values() for name in images_of_attempt(attempt)}
    return names | ({*request_of(state).images} if state else set())


def require_images(store: ImageStore, names: Iterable[str]) -> None:
    """Checks that a store has these images, and keeps a clean-up by age from removing them before they are used.

    Raises:
        InputError: It lacks one.
    """
    for name in names:
        if not store.renew(name):
            raise InputError(f"Image {name} is not in this workspace; add it first with `add_image`.")


def renew_images(store: ImageStore, names: Iterable[str]) -> None:
    """Keeps a clean-up by age from removing these images before a trajectory names them; some may be missing."""
    for name in names:
        store.renew(name)


@dataclass(frozen=True)
class UnusedImages:
    """Images that no trajectory uses."""

    removable: tuple[str, ...]
    """Names of those that nobody has used for a while."""
    recent: tuple[str, ...]
    """Names of the others: a running call may be about to use them."""


def unused_images(
    store: ImageStore, used: Collection[str], older_than: float, spared_since: float | None = None
) -> UnusedImages:
    """Returns the images that are not in `used`.

    Args:
        store: The workspace's store.
        used: Names of images to keep.
        older_than: Seconds after which an image counts as removable.
        spared_since: Images used since this time (seconds since the epoch) count as recent, too.
    """
    require_type(older_than, (int, float), "older_than", "a number of seconds")
    limit = time.time() - older_than
    if spared_since is not None:
        limit = min(limit, spared_since - _MARGIN_SECONDS)
    unused = [name for name in store if name not in used]
    removable = {name for name in unused if store.last_used(name) <= limit}
    return UnusedImages(
        tuple(name for name in unused if name in removable), tuple(name for name in unused if name not in removable)
    )


def delete_unused(store: ImageStore, names: Iterable[str], since: float) -> list[str]:
    """Deletes images that no trajectory used at a moment, and returns their names.

    Args:
        store: The workspace's store.
        names: Of the images.
        since: That moment, in seconds since the epoch. Images that somebody has stored or renewed since are spared.
    """
    return [name for name in names if store.last_used(name) <= since and store.delete(name)]
