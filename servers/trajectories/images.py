"""Images that go in and out of a workspace by way of a server: data URIs, permitted paths, references, previews.

Everything that a client sends is checked here. The functions block; callers use threads.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from pathlib import Path

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import DEFAULT_LIMITS, canonical_png, preview
from interleavethinker.tools.images.store import ImageStore

__all__ = ["image_preview", "stored_image"]

_REFERENCE = re.compile(r"(?:image://)?([0-9a-f]{64})")
_DATA_URI = re.compile(r"data:image/[a-z0-9.+-]+;base64,", re.IGNORECASE)


def stored_image(store: ImageStore, image: str | bytes, folders: Sequence[Path] = ()) -> str:
    """Returns the name of an image that a client gave, after storing it if necessary.

    Args:
        store: The workspace's store.
        image: Encoded bytes, `image://{sha256}`, a data URI, or a path below one of the folders.
        folders: Folders from which paths are allowed.

    Raises:
        InputError: It is none of these, not an image, or too large.
    """
    if isinstance(image, bytes):
        return store.put(canonical_png(_bounded(image)))
    reference = _REFERENCE.fullmatch(image)
    if reference is not None:
        if reference.group(1) not in store:
            raise InputError(f"There is no image {image} here. Use one that an answer names, or send the image itself.")
        return reference.group(1)
    data_uri = _DATA_URI.match(image)
    if data_uri is not None:
        if len(image) > DEFAULT_LIMITS.max_bytes * 4 // 3 + 100:
            raise _too_large()
        try:
            data = base64.b64decode(image[data_uri.end() :], validate=True)
        except (binascii.Error, ValueError) as error:
            raise InputError("The data URI's base64 is malformed.", code="invalid_image") from error
        return store.put(canonical_png(_bounded(data)))
    return store.put(canonical_png(_file(image, folders)))


def image_preview(store: ImageStore, sha256: str, max_bytes: int, max_side: int) -> tuple[bytes, str]:
    """Returns a small version of an image and its MIME type.

    Raises:
        StoreError: There is no such image, or it is damaged.
    """
    return preview(store.get(sha256), max_bytes, max_side)


def _file(name: str, folders: Sequence[Path]) -> bytes:
    """Reads a file below one of the folders; a symbolic link that leads out of them is refused."""
    if not folders:
        raise InputError(
            "Give an image as image://{sha256} or as a data URI (data:image/png;base64,…). This server accepts no "
            "paths; its operator can allow a folder with --images.",
            code="invalid_image",
        )
    for folder in folders:
        root = folder.resolve()
        try:
            path = (root / name).resolve()
            if not path.is_relative_to(root) or not path.is_file():
                continue
            if path.stat().st_size > DEFAULT_LIMITS.max_bytes:
                raise _too_large()
            return path.read_bytes()
        except (OSError, ValueError):  # Not readable, or no path at all. Its reason is not the client's business.
            continue
    raise InputError(
        "There is no such image in the folders that this server may read. Give a path below one of them, or a data "
        "URI (data:image/png;base64,…).",
        code="invalid_image",
    )


def _bounded(data: bytes) -> bytes:
    if len(data) > DEFAULT_LIMITS.max_bytes:
        raise _too_large()
    return data


def _too_large() -> InputError:
    return InputError(
        f"The image is too large; at most {DEFAULT_LIMITS.max_bytes} bytes are allowed.", code="image_too_large"
    )
