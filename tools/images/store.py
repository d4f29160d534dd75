"""A content-addressed image store: the sha256 of the PNG bytes is the name, so a name never lies about its content.

Knows bytes and names only; whose image it is and how long it must live is its owner's business (the workspace and the
image server each own one). Writes go to a temporary file first and are renamed, so a reader sees a whole image or none,
also after SIGKILL; `fsync` additionally survives power loss. Reads check the hash, so what is torn or corrupted is an
error, never a picture. Any number of processes may use one folder at the same time.
"""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.files import atomic_write

__all__ = ["ImageStore", "sha256_of"]

_NAME = re.compile(r"[0-9a-f]{64}")


def sha256_of(data: bytes) -> str:
    """Returns the name that these bytes have in every store."""
    return hashlib.sha256(data).hexdigest()


class ImageStore:
    """Images in a folder, `ab/abcd….png`, named by what they contain.

    Args:
        root: The folder; made at the first `put`.
        fsync: Also wait until the disk has the bytes (power loss); SIGKILL alone does not need it.
    """

    def __init__(self, root: Path, fsync: bool = False) -> None:
        self.root = Path(root)
        self.fsync = fsync

    def put(self, data: bytes) -> str:
        """Keeps the bytes and returns their sha256. Storing them again changes nothing, except repairing a torn file.

        Raises:
            StoreError: The folder cannot be written (code `store`).
        """
        sha256 = sha256_of(data)
        target = self.path(sha256)
        try:
            if target.read_bytes() == data:
                # Newly used: whoever cleans up by age must see it as young.
                os.utime(target)
                return sha256
        except OSError:
            pass
        try:
            atomic_write(target, data, self.fsync)
        except OSError as error:
            raise StoreError(
                f"The image store must be writable with room for {len(data)} bytes; the system said "
                f"{error.strerror or type(error).__name__}. Free space or choose another folder."
            ) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Returns the bytes of an image.

        Raises:
            StoreError: No such image (`unknown_image`), or its file is torn or altered (`corrupt_image`).
        """
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise StoreError(f"No image {sha256} in this store; put it first.", code="unknown_image") from error
        except OSError as error:
            raise StoreError(f"Image {sha256} cannot be read: {error.strerror or type(error).__name__}.") from error
        if sha256_of(data) != sha256:
            raise StoreError(
                f"Image {sha256} is damaged: its bytes no longer have that hash. Put it again.", code="corrupt_image"
            )
        return data

    def __contains__(self, sha256: object) -> bool:
        """Whether a file of that name exists; only `get` proves that it is whole."""
        return isinstance(sha256, str) and _NAME.fullmatch(sha256) is not None and self.path(sha256).is_file()

    def __iter__(self) -> Iterator[str]:
        """Yields the names of all images, in order."""
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/*.png")):
            if _NAME.fullmatch(path.stem):
                yield path.stem

    def path(self, sha256: str) -> Path:
        """Returns where an image lies, or would lie.

        Raises:
            StoreError: Not a sha256 (`unknown_image`), which also keeps anything path-like out.
        """
        if _NAME.fullmatch(sha256) is None:
            raise StoreError("An image is named by 64 lower-case hexadecimal digits.", code="unknown_image")
        return self.root / sha256[:2] / f"{sha256}.png"

    def delete(self, sha256: str) -> bool:
        """Removes an image; returns whether it was there."""
        try:
            self.path(sha256).unlink()
        except FileNotFoundError:
            return False
        return True

    def sweep(self, older_than: float = 3600.0) -> int:
        """Removes temporary files that killed writers left behind; returns how many.

        Args:
            older_than: Seconds; younger ones may belong to a living writer.
        """
        removed = 0
        for path in self.root.glob("[0-9a-f][0-9a-f]/.*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > older_than:
                    path.unlink()
                    removed += 1
        return removed
