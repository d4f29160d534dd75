"""Images that go in and out of a workspace by way of a server: data URIs, permitted paths, references, previews.

Everything that a client sends is checked here. The functions block; callers use threads.
"""

import re
from functools import lru_cache

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.data_uris import decode_data_uri, is_data_uri
from interleavethinker.tools.images.folders import ImageFolders
from interleavethinker.tools.images.png import DEFAULT_LIMITS, canonical_png, preview
from interleavethinker.tools.images.store import ImageStore

__all__ = ["image_preview", "stored_image"]

_REFERENCE = re.compile(r"(?:image://)?([0-9a-f]{64})")


def stored_image(store: ImageStore, image: str | bytes, folders: ImageFolders) -> str:
    """Returns the name of an image that a client gave, after storing it if necessary.

    Args:
        store: The workspace's store.
        image: Encoded bytes, `image://{sha256}`, a data URI, or a path below one of the folders.
        folders: Where images that clients name by path may be.

    Raises:
        InputError: It is none of these, not an image, or too large.
    """
    if isinstance(image, bytes):
        if len(image) > DEFAULT_LIMITS.max_bytes:
            raise InputError(
                f"The image is too large; at most {DEFAULT_LIMITS.max_bytes} bytes are allowed.", code="image_too_large"
            )
        return store.put(canonical_png(image))
    reference = _REFERENCE.fullmatch(image)
    if reference is not None:
        if reference.group(1) not in store:
            raise InputError(
                f"There is no image {image} here. Use one that an answer names, or send the image itself.",
                code="unknown_image",
            )
        return reference.group(1)
    if is_data_uri(image):
        return store.put(canonical_png(decode_data_uri(image)))
    if not folders:
        raise InputError(
            "Give an image as image://{sha256} or as a data URI (data:image/png;base64,…). This server accepts no "
            "paths; its operator can allow a folder with --images.",
            code="invalid_image",
        )
    return store.put(canonical_png(folders.read(image), name=image))


def image_preview(store: ImageStore, sha256: str, max_bytes: int, max_side: int) -> tuple[bytes, str]:
    """Returns a small version of an image and its MIME type.

    Raises:
        StoreError: There is no such image, or it is damaged.
    """
    return _preview(store, sha256, max_bytes, max_side)


@lru_cache(maxsize=64)
def _preview(store: ImageStore, sha256: str, max_bytes: int, max_side: int) -> tuple[bytes, str]:
    """An image never changes, because its name is its hash; open pages and answers ask for the same few."""
    return preview(store.get(sha256), max_bytes, max_side)
