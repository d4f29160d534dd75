"""What a judge is asked: texts and images in order, and how the images are encoded for it. Frozen data, no model.

A question has a digest, which names it in caches. Images enter it by the hash of their own bytes together with the form
in which they are sent, so that a cached question is found without encoding anything.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.images.png import canonical_png, encode_png, image_size, open_rgb
from interleavethinker.tools.images.store import ImageStore, sha256_of

__all__ = ["AS_IT_IS", "ImageFile", "ImageForm", "JudgeQuestion", "QuestionImage", "StoredImage", "encoded"]

_SIGNATURES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"))


@dataclass(frozen=True)
class ImageForm:
    """How an image is sent to a judge."""

    max_side: int | None = None
    """Longest side in pixels; larger images are scaled down. None: any."""
    max_pixels: int | None = None
    """Width times height; larger images are scaled down. None: any."""
    square: int | None = None
    """Width and height in pixels; the aspect ratio is not kept. None: unchanged."""
    jpeg: bool = False
    """Whether it is always sent as JPEG; otherwise unchanged if it is small enough, and as PNG if not."""

    @property
    def name(self) -> str:
        """The form in a question's digest."""
        limits = (self.max_side, self.max_pixels, self.square)
        return "-".join(["jpeg" if self.jpeg else "any", *(str(limit or "") for limit in limits)])

    def scale(self, width: int, height: int) -> float:
        """Returns the factor by which an image of this size is scaled down; 1 if it is small enough."""
        by_side = 1.0 if self.max_side is None else self.max_side / max(width, height)
        by_pixels = 1.0 if self.max_pixels is None else (self.max_pixels / (width * height)) ** 0.5
        return min(1.0, by_side, by_pixels)


AS_IT_IS = ImageForm()


class QuestionImage(Protocol):
    """An image that can be read when it is needed."""

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""
        ...

    def read(self) -> bytes:
        """Returns its bytes.

        Raises:
            StoreError: The image is missing or damaged.
        """
        ...


@dataclass(frozen=True)
class ImageFile:
    """An image in a file that does not change while it is used."""

    path: Path

    @cached_property
    def sha256(self) -> str:
        """See `QuestionImage.sha256`."""
        return sha256_of(self.read())

    def read(self) -> bytes:
        """See `QuestionImage.read`."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"The image {self.path} cannot be read: {error.strerror}.", code="unknown_image"
            ) from error


@dataclass(frozen=True)
class StoredImage:
    """An image in a store."""

    store: ImageStore
    sha256: str

    def read(self) -> bytes:
        """See `QuestionImage.read`."""
        return self.store.get(self.sha256)


@dataclass(frozen=True)
class JudgeQuestion:
    """One question, which is one call of the judge's model if the answer is usable."""

    protocol: str
    """Whose question it is, with a version that changes when answers of earlier versions must not be reused."""
    parts: tuple[str | QuestionImage, ...]
    """Texts and images, in order."""
    system: str = ""
    """The system message; empty for none."""
    form: ImageForm = AS_IT_IS

    @property
    def images(self) -> tuple[QuestionImage, ...]:
        """The images, in order."""
        return tuple(part for part in self.parts if not isinstance(part, str))

    @property
    def characters(self) -> int:
        """The length of all texts."""
        return len(self.system) + sum(len(part) for part in self.parts if isinstance(part, str))

    def digest(self, model: str, options: Mapping[str, JsonValue]) -> str:
        """Returns the question's name in a cache: a hash of everything that a judge's answer depends on.

        Args:
            model: The judge's model.
            options: The options of the model, such as the temperature.
        """
        parts = [part if isinstance(part, str) else {"image": part.sha256} for part in self.parts]
        described = [self.protocol, model, dict(options), self.system, parts, self.form.name]
        return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:32]


def encoded(image: QuestionImage, form: ImageForm) -> tuple[bytes, str]:
    """Returns an image as it is sent, and its MIME type. Blocks: reads, and may decode and encode.

    Raises:
        StoreError: The image is missing.
        InputError: It is not an image, or too large to be read.
    """
    if form.jpeg:
        return _resized(_Hashed(image), form), "image/jpeg"
    data = image.read()
    mime = next((mime for start, mime in _SIGNATURES if data.startswith(start)), None)
    if mime is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        mime = "image/webp"
    if form != AS_IT_IS and form.scale(*_size(data)) < 1:
        return _resized(_Hashed(image), form), "image/png"
    return (data, mime) if mime is not None else (canonical_png(data), "image/png")


def _size(data: bytes) -> tuple[int, int]:
    try:
        return image_size(data)
    except InputError:
        return open_rgb(canonical_png(data)).size


@dataclass(frozen=True)
class _Hashed:
    """Makes images with equal bytes equal, for the cache below."""

    image: QuestionImage

    def __hash__(self) -> int:
        return hash(self.image.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and other.image.sha256 == self.image.sha256


@lru_cache(maxsize=32)
def _resized(hashed: _Hashed, form: ImageForm) -> bytes:
    picture = open_rgb(canonical_png(hashed.image.read()))
    scale = form.scale(*picture.size)
    if form.square is not None:
        picture = picture.resize((form.square, form.square))
    elif scale < 1:
        picture = picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))
    if not form.jpeg:
        return encode_png(picture)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG")
    return buffer.getvalue()
