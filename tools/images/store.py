"""A content-addressed image store: an image's name is the SHA-256 of its PNG bytes, so a name cannot lie about content.

Files are replaced in one rename, so that readers see either a whole image or none, even after SIGKILL; `fsync` also
covers a power loss. Reading verifies the hash, so that a damaged file is an error and never an image. Any number of
processes may use one folder at the same time.

Knows bytes and names only. The owner of a store decides whose its images are and how long they are kept: the workspace
and the image server each own one. All operations block; coroutines call them through `asyncio.to_thread`.
"""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.files import atomic_write, read_regular, require_room, require_writable
from interleavethinker.tools.folders import create_private

__all__ = ["ImageStore", "is_image_name", "sha256_of"]

_ROOM_BYTES = 4 * 1024 * 1024
"""What an image with its record may take: a photograph of 1024 x 1024 pixels has half of this as PNG."""
_ANSWER_BYTES = 4 * 1024 * 1024
"""What a model's answer may take: its text, the checkpoint that holds it, and the database's log."""
_MOST_BYTES = 256 * 1024 * 1024
"""More than any image that is accepted takes as PNG. Of a longer file only this is read, to find that it is damaged."""
_NAME = re.compile(r"[0-9a-f]{64}")


def sha256_of(data: bytes) -> str:
    """Returns the name of these bytes in every store: their SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def is_image_name(name: object) -> TypeGuard[str]:
    """Returns whether this could be the name of an image."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


class ImageStore:
    """Images in a folder, in files `ab/abcd….png` named by the hash of their content.

    Args:
        root: The folder; created by the first `put`.
        fsync: Also wait until the bytes are on disk, which a power loss requires and SIGKILL does not.
    """

    def __init__(self, root: Path, fsync: bool = False) -> None:
        self.root = Path(root)
        self.fsync = fsync

    def put(self, data: bytes) -> str:
        """Stores bytes and returns their name. Storing them again changes nothing, but repairs a damaged file.

        Raises:
            StoreError: The folder cannot be written to (`store`).
        """
        sha256 = sha256_of(data)
        target = self.path(sha256)
        try:
            if read_regular(target, _MOST_BYTES) == data:
                # Just used again: a clean-up by age must not consider it old.
                os.utime(target)
                return sha256
        except OSError:
            pass
        try:
            create_private(self.root)
            atomic_write(target, data, self.fsync)
        except OSError as error:
            raise StoreError(
                f"The image store cannot write {len(data)} bytes: {error.strerror or type(error).__name__}. Free some "
                "space or choose another folder."
            ) from error
        return sha256

    def require_room(self, images: int) -> None:
        """Checks that there is room for this many images, so that nothing is paid for that cannot be stored.

        Raises:
            StoreError: The folder, or one in it that another user made, may not be written; or the disk is almost full
                (`disk_full`).
        """
        what = ("the next images", "No image was generated")
        require_room(self.root, images * _ROOM_BYTES, *what)
        for folder in self.root.glob("[0-9a-f][0-9a-f]"):  # The name, and so the folder, of an image is not known yet.
            require_writable(folder, *what)

    def require_room_for_answer(self) -> None:
        """Checks that there is room for a model's answer, which the same disk keeps, before the model is asked.

        Raises:
            StoreError: The folder may not be written, or the disk is almost full (`disk_full`).
        """
        require_room(self.root, _ANSWER_BYTES, "the next answer of a model", "No model was asked")

    def get(self, sha256: str) -> bytes:
        """Returns the bytes of an image.

        Raises:
            StoreError: There is no such image (`unknown_image`), or its file is damaged (`corrupt_image`).
        """
        try:
            data = read_regular(self.path(sha256), _MOST_BYTES)
        except FileNotFoundError as error:
            raise StoreError(f"The store has no image {sha256}. Store it first.", code="unknown_image") from error
        except OSError as error:
            raise StoreError(f"Image {sha256} cannot be read: {error.strerror or type(error).__name__}.") from error
        if sha256_of(data) != sha256:
            raise StoreError(
                f"Image {sha256} is damaged: its bytes do not have that hash. Store it again.", code="corrupt_image"
            )
        return data

    def __contains__(self, sha256: object) -> bool:
        """Whether a file of that name exists. Only `get` verifies that it is intact."""
        return is_image_name(sha256) and self.path(sha256).is_file()

    def __iter__(self) -> Iterator[str]:
        """Yields the names of all images, in order."""
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            found = []
            with contextlib.suppress(OSError), os.scandir(folder) as entries:  # It may be a file.
                # Whatever else lies there is not ours: copies in another folder, folders of such a name.
                found = [one.name[:-4] for one in entries if one.name.endswith(".png") and one.is_file()]
            yield from sorted(name for name in found if _NAME.fullmatch(name) and name.startswith(folder.name))

    def path(self, sha256: str) -> Path:
        """Returns the file of an image, whether or not it exists.

        Raises:
            StoreError: The name is no SHA-256 (`unknown_image`), which also rules out any other path.
        """
        if _NAME.fullmatch(sha256) is None:
            raise StoreError(
                "Not the name of an image: it must be 64 lower-case hexadecimal digits.", code="unknown_image"
            )
        return self.root / sha256[:2] / f"{sha256}.png"

    def file(self, sha256: str) -> Path:
        """Returns a file of this machine that has the image.

        Raises:
            StoreError: The name is no SHA-256; a store elsewhere may also have no such image (`unknown_image`).
        """
        return self.path(sha256)

    def last_used(self, sha256: str) -> float:
        """Returns when an image was last stored, in seconds since the epoch; infinity if there is no such image."""
        try:
            return self.path(sha256).stat().st_mtime
        except FileNotFoundError:  # Another process has just removed it.
            return float("inf")

    def renew(self, sha256: str) -> bool:
        """Makes an image young again for a clean-up by age, and returns whether there is such an image."""
        if not is_image_name(sha256):
            return False
        try:
            os.utime(self.path(sha256))
        except OSError:  # There is none; or it is another user's, whose clean-up is not known here.
            return sha256 in self
        return True

    def delete(self, sha256: str) -> bool:
        """Deletes an image, and returns whether it existed.

        Raises:
            StoreError: The system refused.
        """
        try:
            self.path(sha256).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"Image {sha256} cannot be deleted: {error.strerror or type(error).__name__}.") from error
        return True

    def sweep(self, older_than: float = 3600.0) -> int:
        """Deletes temporary files that killed writers left behind, and returns how many.

        Args:
            older_than: Age in seconds. Younger files may belong to a running writer.
        """
        removed = 0
        for path in self.root.glob("[0-9a-f][0-9a-f]/.*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > older_than:
                    path.unlink()
                    removed += 1
        return removed
