"""The images of a request as people give them: paths, each with a name before it if texts mention it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from interleavethinker.tools.files import is_file
from interleavethinker.tools.image_names import split_named
from interleavethinker.tools.types import ImagePart

__all__ = ["image_path", "request_images", "split_image"]


async def request_images(given: Sequence[str | Path], add: Callable[[Path], Awaitable[str]]) -> list[ImagePart]:
    """Stores images and returns the parts of a request.

    Args:
        given: `photo.png`, `cat=photo.png` or `cat: the hero=photo.png`. A file whose whole name looks like that is
            taken as a file.
        add: Stores an image and returns its name, as `Workspace.add_image` does.

    Raises:
        InputError: A file cannot be read, is not an image, or has an impossible name.
    """
    parts: list[ImagePart] = []
    for each in given:
        name, purpose, path = await asyncio.to_thread(split_image, each)
        parts.append(ImagePart(sha256=await add(path), name=name, purpose=purpose))
    return parts


def image_path(given: str | Path) -> Path:
    """Returns the path in what `request_images` takes."""
    return split_image(given)[2]


def split_image(given: str | Path) -> tuple[str | None, str, Path]:
    """Returns the name, the purpose and the path in what `request_images` takes.

    Raises:
        InputError: The name is impossible.
    """
    if is_file(given):
        return None, "", Path(given)
    name, purpose, path = split_named(str(given))
    return name, purpose, Path(path)
