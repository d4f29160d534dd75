"""The exports of a trajectory as one file to download."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interleavethinker.graph.export.forms import file_of
from interleavethinker.graph.export.markdown import markdown
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore

__all__ = ["Download", "exported"]


@dataclass(frozen=True)
class Download:
    """One file."""

    name: str
    media_type: str
    data: bytes


def exported(trajectory: Trajectory, store: ImageStore, form: str) -> Download:
    """Returns an export; blocks.

    Args:
        trajectory: Snapshot of the trajectory.
        store: The workspace's images.
        form: `html`, `markdown`, `json`, `docx`, `gif`, `webp` or `zip`.

    Raises:
        InputError: There is no such form.
    """
    if form not in _FORMS:
        raise InputError(f"The form of an export is one of {', '.join(_FORMS)}; got {form!r}.")
    extension, media_type, data = _FORMS[form]
    return Download(f"{trajectory.id}.{extension}", media_type, data(trajectory, store))


_FORMS: Mapping[str, tuple[str, str, Callable[[Trajectory, ImageStore], bytes]]] = {
    "html": ("html", "text/html", lambda one, store: storyboard(one, store, full_size=True).encode()),
    "markdown": ("md", "text/markdown", lambda one, _store: markdown(one, details=True).encode()),
    "json": ("json", "application/json", lambda one, _store: one.model_dump_json(indent=2).encode()),
    "zip": ("zip", "application/zip", lambda one, store: file_of(one, store, "zip")),
    "docx": (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        lambda one, store: file_of(one, store, "docx"),
    ),
    "gif": ("gif", "image/gif", lambda one, store: file_of(one, store, "gif")),
    "webp": ("webp", "image/webp", lambda one, store: file_of(one, store, "webp")),
}
