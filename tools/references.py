"""The images that each step of a plan looks at: which ones a step names, and whether they exist.

Pure functions of a request and of steps, for planners and for the graph; images are never read.
"""

from collections.abc import Callable, Sequence

from .errors import InputError
from .image_names import label_of, mentions, near_names, replace_mentions, target_of
from .types import ImagePart, Part, PinnedReference, Request, Sha256, Step, TextPart

__all__ = ["check_mentions", "in_words", "pinned_references", "reference_problem", "with_words"]


def check_mentions(request: Request) -> None:
    """Checks that names differ, and that texts mention only images that exist. Without named images, `@` means nothing.

    Raises:
        InputError: Two images have one name, or a text mentions an unknown one (`unknown_name`).
    """
    names = [part.name for part in request.parts if isinstance(part, ImagePart) and part.name is not None]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise InputError(f"Two images have the name {doubled!r}. Give each one its own.", code="invalid_name")
    for name in mentions(request.text, names) if names else ():
        if name not in names and _numbered(name, request) is None:
            raise InputError(
                f"The request mentions @{name}, which is no image of it. {near_names(name, names)} Name an image "
                f"{name}, or write the word without @.",
                code="unknown_name",
            )


def reference_problem(steps: Sequence[Step], request: Request, before: Sequence[Step] = ()) -> str:
    """Returns why steps cannot look at what they name; empty if they can.

    Args:
        steps: Steps of a plan; their references count the plan's steps from 1.
        request: The request.
        before: The plan's steps before these.
    """
    plan, names = [*before, *steps], request.named_images
    for index, step in enumerate(steps, len(before)):
        for reference in step.references:
            target = target_of(reference)
            kind, _, number = target.partition(" ")
            if kind == "step" and not (1 <= int(number) <= index and plan[int(number) - 1].prompt is not None):
                return f"Step {index + 1} refers to {target}, which is not an earlier step with an image."
            if kind == "image" and number and not 1 <= int(number) <= len(request.images):
                have = len(request.images)
                return f"Step {index + 1} refers to {target}, but the request has {have} image{'s' * (have != 1)}."
            if not number and target not in names:
                known = near_names(target, names) if names else "The request names no image."
                return f"Step {index + 1} refers to @{target}, which is no image of the request. {known}"
        labels = {*names, *map(label_of, step.references)}
        for name in mentions(step.prompt or "", labels) if labels else ():
            if name not in labels and _numbered(name, request) is None:
                return f"The prompt of step {index + 1} mentions @{name}, which is no image. {near_names(name, labels)}"
    return ""


def pinned_references(
    steps: Sequence[Step], index: int, prompt: str, request: Request, image_of: Callable[[int], Sha256 | None]
) -> tuple[PinnedReference, ...]:
    """Returns the images that a step looks at, each once.

    Those that the step names come first, then those that its prompt mentions. If no step of the plan has any, as in
    the plans of models that do not know references, these are all named images of the request.

    Args:
        steps: All steps of the plan.
        index: Index of the step.
        prompt: The prompt of the attempt.
        request: The request. Images that words describe are left out.
        image_of: Returns the image of an earlier step, by its index.
    """
    names = request.named_images
    wanted = [*steps[index].references, *_mentioned(prompt, request)]
    if not wanted and not any(step.references or _mentioned(step.prompt or "", request) for step in steps):
        wanted = [*names]
    pinned: dict[Sha256, PinnedReference] = {}
    for reference in wanted:
        target = target_of(reference)
        kind, _, number = target.partition(" ")
        if not number:
            part = names.get(target)
            found = None if part is None or part.words else part.sha256
        elif kind == "step":
            found = image_of(int(number) - 1)
        else:
            found = request.images[int(number) - 1] if 1 <= int(number) <= len(request.images) else None
        if found is not None:
            pinned.setdefault(found, PinnedReference(label=label_of(reference), sha256=found))
    return tuple(pinned.values())


def in_words(request: Request) -> Request:
    """Returns the request as planners and checks read it that take no reference images.

    Images that words describe are replaced by these words where texts mention them; other images stay.
    """
    if not any(part.words for part in request.named_images.values()):
        return request

    def converted(part: Part) -> Part:
        return TextPart(text=with_words(part.text, request)) if isinstance(part, TextPart) else part

    kept = (part for part in request.parts if not (isinstance(part, ImagePart) and part.name and part.words))
    return Request(parts=tuple(converted(part) for part in kept))


def with_words(text: str, request: Request, references: Sequence[str] = ()) -> str:
    """Returns a prompt as the generator gets it: what it mentions in words, or else by name without the `@`.

    Args:
        text: The prompt.
        request: The request.
        references: Those of the step, which may give further names.
    """
    words = {label: label for label in map(label_of, references) if " " not in label}
    words |= {name: part.words or name for name, part in request.named_images.items()}
    return replace_mentions(text, words)


def _mentioned(prompt: str, request: Request) -> list[str]:
    names = request.named_images
    found = (name if name in names else _numbered(name, request) for name in mentions(prompt, names))
    return [reference for reference in found if reference is not None]


def _numbered(name: str, request: Request) -> str | None:
    """Returns `image 2` for `image2`, if the request has such an image."""
    number = name.removeprefix("image").strip("-_")
    if name.startswith("image") and number.isdecimal() and 1 <= int(number) <= len(request.images):
        return f"image {int(number)}"
    return None
