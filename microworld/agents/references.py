"""Words for the micro world's reference images: what a named image shows, read from its pixels.

The micro generator takes no reference images. A character stays the same by its description: what words can state of
it, which is its kind, color and size. Its variant, such as the shape of a house's roof, is not kept.
"""

from __future__ import annotations

from interleavethinker.microworld.language.plain_text import canonical
from interleavethinker.microworld.scenes.reader import read
from interleavethinker.microworld.scenes.scene import SceneObject
from interleavethinker.microworld.scenes.sprites import IMAGE_SIZE, KINDS
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import image_size, open_rgb

__all__ = ["describe", "described_object"]


def describe(png: bytes, name: str) -> str:
    """Returns what an image of the micro world shows under a name, such as "the small red cat".

    Args:
        png: The image, 96 x 96 pixels.
        name: The image's name. Of several objects, the one that it names is meant: `cat`.

    Raises:
        InputError: The image shows no such object, or several, or is not from the micro world.
    """
    kind, color, size = described_object(png, name).named
    return f"the {size} {color} {kind}"


def described_object(png: bytes, name: str) -> SceneObject:
    """Returns the object that `describe` describes.

    Raises:
        InputError: As `describe`.
    """
    if image_size(png) != (IMAGE_SIZE, IMAGE_SIZE):
        width, height = image_size(png)
        raise InputError(
            f"The micro world reads references only from its own images, of {IMAGE_SIZE} x {IMAGE_SIZE} pixels; "
            f"@{name} has {width} x {height}. Describe it in words, or use another profile.",
            code="wrong_size",
        )
    objects = list(read(open_rgb(png)).scene.objects.values())
    kind = canonical(name)
    meant = [each for each in objects if each.kind == kind] if kind in KINDS else objects
    if len({each.named for each in meant}) == 1:
        return meant[0]
    shown = ", ".join(f"a {each.size} {each.colour} {each.kind}" for each in objects) or "no object"
    problem = "does not show one" if kind in KINDS else "does not show exactly one object"
    raise InputError(
        f"The image @{name} {problem}: it shows {shown}. Give an image with one object, or name it like one of them.",
        code="ambiguous",
    )
