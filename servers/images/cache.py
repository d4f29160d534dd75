"""The image server's own store: which call gave which image, so that no finished generation is repeated or lost.

A call's digest is the hash of everything that decides its pixels. The image is stored first, then the record
`digest -> image` is renamed into place: from that moment the generation is finished, and every later call with this
digest is answered from here, also by another process on the same folder, also after SIGKILL. A record whose image is
missing or damaged counts as unknown. The folder's size is bounded; the images unused for longest go first.
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
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256

__all__ = ["Generation", "GenerationStore", "digest_of"]

_YOUNG_SECONDS = 600.0
"""An image used this recently is never cleaned away: somebody may be about to read it."""


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
    """Duration of the pipeline call that made it (shared with the rest of its batch)."""


class GenerationStore:
    """Images and records below one folder; may be shared by processes.

    Args:
        root: The folder.
        max_bytes: Size that images may take together; 0 means no limit.
        fsync: Wait for the disk at every write (power loss).
    """

    def __init__(self, root: Path, max_bytes: int = 0, fsync: bool = False) -> None:
        self.images = ImageStore(root, fsync=fsync)
        self._records = root / "calls"
        self._max_bytes = max_bytes
        self._unchecked = max_bytes
        """Bytes written since the folder was last measured; the first write measures it."""

    def knows(self, digest: str) -> bool:
        """Whether there is a record; only `find` proves that its image is whole."""
        return self._path(digest).is_file()

    def find(self, digest: str) -> tuple[Generation, bytes] | None:
        """Returns a finished generation and its verified image; None where there is none, or it is torn."""
        path = self._path(digest)
        try:
            found = Generation.model_validate_json(path.read_bytes())
            data = self.images.get(found.sha256)
        except (FileNotFoundError, ValidationError, StoreError):
            return None
        with contextlib.suppress(OSError):
            os.utime(self.images.path(found.sha256))
        return found, data

    def keep(self, digest: str, png: bytes, generation: Generation) -> None:
        """Finishes a generation: image first, record second.

        Raises:
            StoreError: The disk refuses; nothing half-written is visible.
        """
        self.images.put(png)
        try:
            atomic_write(self._path(digest), generation.model_dump_json().encode(), self.images.fsync)
        except OSError as error:
            raise StoreError(f"The image server's store must be writable; the system said {error.strerror}.") from error
        self._unchecked += len(png)
        if self._max_bytes and self._unchecked > self._max_bytes // 20:
            self.clean()

    def clean(self) -> int:
        """Brings the folder below its limit, and removes what killed writers left; returns how many images went.

        A record of a removed image stays harmless: `find` treats it as unknown. Old ones are removed too.
        """
        self._unchecked = 0
        self.images.sweep()
        now = time.time()
        files = []
        for sha256 in self.images:
            with contextlib.suppress(FileNotFoundError):
                stat = self.images.path(sha256).stat()
                files.append((stat.st_mtime, stat.st_size, sha256))
        excess = sum(size for _, size, _ in files) - self._max_bytes if self._max_bytes else 0
        removed = 0
        for used, size, sha256 in sorted(files):
            if excess <= 0 or now - used < _YOUNG_SECONDS:
                break
            removed += self.images.delete(sha256)
            excess -= size
        self._drop_stale_records(now)
        return removed

    def _drop_stale_records(self, now: float) -> None:
        for path in self._records.glob("[0-9a-f][0-9a-f]/*"):
            try:
                if path.suffix == ".tmp":
                    stale = now - path.stat().st_mtime > 3600
                else:
                    stale = Generation.model_validate_json(path.read_bytes()).sha256 not in self.images
            except (FileNotFoundError, ValidationError):
                continue
            if stale:
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._records / digest[:2] / f"{digest}.json"
