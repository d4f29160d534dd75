"""Names of the images of a request, and how requests, prompts and plans refer to images.

A person names an image `cat` and writes `@cat` where its content is meant. A plan refers to an image as `cat`, as
`image 2` of the request (from 1), or as what `step 1` drew, and may give that a name: `girl = step 1`. Pure functions
of text; images are never read.
"""

import difflib
import re
from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from .errors import InputError

__all__ = [
    "ImageName",
    "Reference",
    "check_image_name",
    "label_of",
    "mentions",
    "near_names",
    "replace_mentions",
    "split_named",
    "target_of",
]

_NAME = r"[^\W\d_][\w-]{0,31}"
_NUMBERED = r"(?:image|reference|step)[ _-]*\d{1,4}"
_NAMED = re.compile(rf"@?(?P<name>{_NAME})(?::\s+(?P<purpose>[^=]{{0,200}}?))?\s*=\s*(?P<image>.+)", re.DOTALL)
_MENTION = re.compile(rf"(?<![\w@.])@({_NAME})")
_REFERENCE = re.compile(rf"(?:@?(?P<label>{_NAME})\s*=\s*)?@?(?P<target>{_NUMBERED}|{_NAME})")


def check_image_name(name: str) -> str:
    """Returns a name in canonical form: lower case.

    Raises:
        InputError: It is no name.
    """
    canonical = name.strip().removeprefix("@").casefold()
    if re.fullmatch(_NAME, canonical) is None or re.fullmatch(_NUMBERED, canonical):
        raise InputError(
            f"An image's name is a word of letters, digits, - and _ that begins with a letter, has at most 32 "
            f"characters and is not like image2 or step1; got {name!r}.",
            code="invalid_name",
        )
    return canonical


def _name(value: str) -> str:
    try:
        return check_image_name(value)
    except InputError as error:
        raise ValueError(str(error)) from error


ImageName = Annotated[str, AfterValidator(_name)]
"""Name of an image, in lower case."""


def _reference(value: object) -> object:
    """Returns the canonical form: `cat`, `image 2`, `step 1` or `girl = step 1`."""
    match = _REFERENCE.fullmatch(value.strip().casefold()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"a reference is an image's name, image NUMBER or step NUMBER; got {value!r}")
    target = match["target"]
    if re.fullmatch(_NUMBERED, target):
        kind, number = re.sub(r"[ _-]*\d+$", "", target), int(re.findall(r"\d+", target)[-1])
        target = f"{'step' if kind == 'step' else 'image'} {number}"
    return target if match["label"] is None else f"{_name(match['label'])} = {target}"


Reference = Annotated[str, BeforeValidator(_reference)]
"""What a step looks at besides the image that it edits, in canonical form."""


def target_of(reference: str) -> str:
    """Returns the image that a canonical reference names: a name, `image 2` or `step 1`."""
    return reference.rpartition(" = ")[2]


def label_of(reference: str) -> str:
    """Returns the word under which a prompt may mention the image of a canonical reference, such as `girl`."""
    return reference.partition(" = ")[0]


def mentions(text: str, names: Collection[str] = ()) -> list[str]:
    """Returns what a text mentions with `@`, in order and each once, in canonical form.

    Args:
        text: A request or a prompt.
        names: The known names. In scripts without spaces between words, the longest one that a mention begins with
            counts.

    Examples:
        >>> mentions("@Cat's hat, and me@example.com", {"cat"})
        ['cat']
    """
    return list(dict.fromkeys(_mentioned(match[1], names) for match in _MENTION.finditer(text)))


def replace_mentions(text: str, words: dict[str, str]) -> str:
    """Returns a text in which what it mentions is replaced by words; other mentions stay as they are."""

    def replaced(match: re.Match[str]) -> str:
        name = _mentioned(match[1], words)
        if name not in words:
            return match[0]
        return words[name] + match[1][len(name) :]

    return _MENTION.sub(replaced, text)


def near_names(name: str, known: Iterable[str]) -> str:
    """Returns a sentence about the names that exist, with the nearest one first where one is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    listed = ", ".join(f"@{each}" for each in names)
    return f"Did you mean @{near[0]}? The images are: {listed}." if near else f"The images are: {listed}."


def split_named(text: str) -> tuple[str | None, str, str]:
    """Splits `cat=IMAGE` or `cat: the hero=IMAGE` into name, purpose and image; without a name, all is the image.

    Examples:
        >>> split_named("Cat: the hero=photos/tom.png")
        ('cat', 'the hero', 'photos/tom.png')
        >>> split_named("photos/tom.png")
        (None, '', 'photos/tom.png')
    """
    match = _NAMED.fullmatch(text.strip())
    if match is None or text.startswith("data:"):
        return None, "", text
    return check_image_name(match["name"]), (match["purpose"] or "").strip(), match["image"].strip()


def _mentioned(word: str, names: Collection[str]) -> str:
    word = word.casefold()
    if word in names:
        return word
    stripped = word.rstrip("-_")
    if stripped in names or word.isascii():
        return stripped
    return max((name for name in names if word.startswith(name)), key=len, default=stripped)
