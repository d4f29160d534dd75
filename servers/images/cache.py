"""The image server's own store: which call produced which image, so that no finished generation is repeated or lost.

A call's digest is the hash of everything that decides its pixels. The image is stored first, then the record
`digest -> image` is renamed into place. From that moment the generation is finished: every later call with this digest
is answered from the store, also by another process that uses the folder, also after SIGKILL. A record whose image is
missing or damaged counts as unknown. The folder's size is bounded; the least recently used images are removed first.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.files import atomic_write, read_regular, require_room
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256

__all__ = ["Generation", "GenerationStore", "digest_of"]

_REMEDY = (
    "Free some space, or name another folder: the variable INTERLEAVETHINKER_IMAGE_STORE, or the server's --store."
)
_WHOSE = "This is the image server's store, which --store or the variable INTERLEAVETHINKER_IMAGE_STORE names."
_MOST_BYTES = 2**20
"""More than a record takes."""
_PROTECTED_SECONDS = 600.0
"""An image used this recently is never removed, because a client may be about to read it."""


def digest_of(parts: Mapping[str, JsonValue]) -> str:
    """Returns the hash of the canonical JSON of everything that decides an image."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class Generation(BaseModel):
    """One finished generation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sha256: Sha256
    width: int
    height: int
    seed: int
    model: str
    seconds: float
    """Duration of the pipeline call that generated it, together with the rest of its batch."""
    note: str = ""
    """What a reader of the image should know, for example that the model read only a part of the prompt."""


class GenerationStore:
    """Images and records in one folder, which several processes may share.

    Args:
        root: The folder.
        max_bytes: Maximum total size of the images; 0 means no limit.
        fsync: Whether to wait for the disk at every write, to survive power loss.
    """

    def __init__(self, root: Path, max_bytes: int = 0, fsync: bool = False) -> None:
        self.images = ImageStore(root, fsync=fsync)
        self._records = root / "calls"
        self._max_bytes = max_bytes
        self._bytes_since_eviction = max_bytes
        """Bytes written since the folder's size was last checked; starts so that the first write checks it."""

    def has_record(self, digest: str) -> bool:
        """Whether there is a record; only `find` verifies its image."""
        return self._path(digest).is_file()

    def find(self, digest: str) -> tuple[Generation, bytes] | None:
        """Returns a finished generation and its verified image; None where either is missing or damaged."""
        path = self._path(digest)
        try:
            found = Generation.model_validate_json(read_regular(path, _MOST_BYTES))
            data = self.images.get(found.sha256)
        except (OSError, ValidationError, StoreError):  # What cannot be read is generated again.
            return None
        with contextlib.suppress(OSError):
            os.utime(self.images.path(found.sha256))
        return found, data

    def require_room(self, digest: str) -> None:
        """Checks that a generation could be saved, so that no model is called for an image that nobody can get.

        Raises:
            StoreError: The folder, or one in it that another user made, may not be written; or the disk is almost full
                (`disk_full`).
        """
        try:
            self.images.require_room(1)
            require_room(self._path(digest).parent, 0, "the next record", "No image was generated")
        except StoreError as error:
            raise StoreError(f"{error} {_WHOSE}", code=error.code) from error

    def save(self, digest: str, png: bytes, generation: Generation) -> None:
        """Stores a generation: image first, record second.

        Raises:
            StoreError: Writing failed; nothing half-written is visible.
        """
        self._put(png)
        try:
            atomic_write(self._path(digest), generation.model_dump_json().encode(), self.images.fsync)
        except OSError as error:
            raise StoreError(f"The image server's store cannot be written: {error.strerror}. {_REMEDY}") from error
        self._count(len(png))

    def add_upload(self, png: bytes) -> str:
        """Stores a client's image, which counts towards the folder's limit as well, and returns its name.

        Raises:
            StoreError: Writing failed.
        """
        sha256 = self._put(png)
        self._count(len(png))
        return sha256

    def _put(self, png: bytes) -> str:
        try:
            return self.images.put(png)
        except StoreError as error:
            reason = getattr(error.__cause__, "strerror", None) or type(error.__cause__).__name__
            raise StoreError(f"The image server's store cannot be written: {reason}. {_REMEDY}") from error

    def _count(self, written: int) -> None:
        self._bytes_since_eviction += written
        if self._max_bytes and self._bytes_since_eviction > self._max_bytes // 20:
            self.evict()

    def evict(self) -> int:
        """Removes images until the folder is within its limit, and the leftovers of killed writers.

        Records of removed images are removed too; `find` would treat them as unknown anyway.

        Returns:
            How many images were removed.
        """
        self._bytes_since_eviction = 0
        self.images.sweep()
        now = time.time()
        files = []
        for sha256 in self.images:
            with contextlib.suppress(OSError):
                stat = self.images.path(sha256).stat()
                files.append((stat.st_mtime, stat.st_size, sha256))
        excess = sum(size for _, size, _ in files) - self._max_bytes if self._max_bytes else 0
        removed = 0
        for used, size, sha256 in sorted(files):
            if excess <= 0 or now - used < _PROTECTED_SECONDS:
                break
            with contextlib.suppress(StoreError):  # A store that only grows still answers.
                removed += self.images.delete(sha256)
                excess -= size
        self._delete_stale_records(now)
        return removed

    def _delete_stale_records(self, now: float) -> None:
        for path in self._records.glob("[0-9a-f][0-9a-f]/*"):
            try:
                if path.suffix == ".tmp":
                    stale = now - path.stat().st_mtime > 3600
                else:
                    stale = Generation.model_validate_json(read_regular(path, _MOST_BYTES)).sha256 not in self.images
            except (OSError, ValidationError):
                continue
            if stale:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._records / digest[:2] / f"{digest}.json"
