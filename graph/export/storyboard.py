"""`index.html`: one page with a whole trajectory. No scripts and no external resources.

The images in the page are previews (see `previews`); where the originals lie beside the page, they link to them.
"""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import without_controls
from interleavethinker.tools.types import Sha256

from .page_content import PageImages, page_content
from .stored_images import StoredImages

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["missing_images", "storyboard", "with_note"]

_MOST_NAMED = 10
"""Damaged images that the note names."""


def storyboard(
    trajectory: Trajectory,
    store: ImageStore,
    images: StoredImages | None = None,
    *,
    originals: str = "",
    full_size: bool = False,
) -> str:
    """Returns the page as HTML.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
        images: The trajectory's, if the caller has them.
        originals: Folder with the original images, relative to the page, which the previews link to; empty if there
            is none.
        full_size: Put the answer's images into the page in full size instead of as previews.
    """
    read = StoredImages(trajectory, store) if images is None else images
    content = page_content(with_note(trajectory, read), PageImages(read, originals, full_size))
    return _template().render(page=content)


def with_note(trajectory: Trajectory, images: StoredImages) -> Trajectory:
    """Returns the trajectory with a fault in its document for images that cannot be shown, if there are any."""
    note = missing_images(trajectory, images)
    if not note:
        return trajectory
    document = trajectory.document
    notes = (*document.notes, f"Known fault: {note}")
    document = document.model_copy(update={"notes": notes, "faults": (*document.faults, note)})
    return trajectory.model_copy(update={"document": document})


def missing_images(trajectory: Trajectory, images: StoredImages) -> str:
    """Returns a sentence that names the images that cannot be shown, or nothing."""
    unreadable = images.unreadable
    if not unreadable:
        return ""
    subject = "1 image is" if len(unreadable) == 1 else f"{len(unreadable)} images are"
    named = [_place(trajectory, image) for image in unreadable[:_MOST_NAMED]]
    more = f" and {len(unreadable) - _MOST_NAMED} more" if len(unreadable) > _MOST_NAMED else ""
    return f"{subject} missing or damaged in the workspace and cannot be shown: {', '.join(named)}{more}."


def _place(trajectory: Trajectory, image: Sha256) -> str:
    """Returns where an image belongs, and the beginning of its name."""
    attempt = next((one for one in trajectory.attempts if one.image == image), None)
    if attempt is not None:
        place = f"step {attempt.step + 1}, attempt {attempt.iteration + 1}"
    else:
        place = f"image {trajectory.request.images.index(image) + 1} of the request"
    return f"{place} ({image[:16]})"


@cache
def _template() -> "Template":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("interleavethinker.graph.export")
    loader = FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8"))
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=loader,
        finalize=_printable,
    )
    return environment.get_template("storyboard.html.jinja")


def _printable(value: object) -> object:
    """Removes control characters from the texts of models and users; the templates' own markup stays as it is."""
    return without_controls(value) if type(value) is str else value
