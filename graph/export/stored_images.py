"""Reads the images of a trajectory from the store, tolerating those that are missing or damaged."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256

__all__ = ["MISSING_IMAGE", "StoredImages", "read_image"]

MISSING_IMAGE = "[This image is missing or damaged in the workspace.]"
"""Takes the place of an image in a document."""

_KEPT_BYTES = 64 * 1024 * 1024


def read_image(store: ImageStore, name: Sha256) -> bytes | None:
    """Returns the PNG of an image, or None if it is missing or damaged."""
    try:
        return store.get(name)
    except StoreError:
        return None


class StoredImages(Mapping[Sha256, bytes | None]):
    """The images of a trajectory's request and of all its attempts, by name; None for missing or damaged ones.

    An image is read when it is asked for. The first 64 MiB are kept; of a longer trajectory, later images are read
    again, so that its export needs no more memory.
    """

    def __init__(self, trajectory: Trajectory, store: ImageStore) -> None:
        attempts = (one.image for one in trajectory.attempts if one.image is not None)
        self._names = dict.fromkeys(sorted({*trajectory.request.images, *attempts}))
        self._store = store
        self._kept: dict[Sha256, bytes | None] = {}
        self._room = _KEPT_BYTES

    def __getitem__(self, name: Sha256) -> bytes | None:
        if name not in self._names:
            raise KeyError(name)
        if name in self._kept:
            return self._kept[name]
        data = read_image(self._store, name)
        if (size := len(data or b"")) <= self._room:
            self._kept[name] = data
            self._room -= size
        return data

    def __iter__(self) -> Iterator[Sha256]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def unreadable(self) -> tuple[Sha256, ...]:
        """The images that are missing or damaged; the first use reads all."""
        return tuple(name for name, data in self.items() if data is None)
