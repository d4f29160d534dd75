"""The exports of a trajectory as one file to download."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interleavethinker.graph.export.forms import FORMS, file_of
from interleavethinker.graph.export.markdown import markdown
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore

__all__ = ["EXPORTS", "Download", "exported"]


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
        form: A key of `EXPORTS`.

    Raises:
        InputError: There is no such form, or the trajectory cannot be exported in it.
    """
    if form not in EXPORTS:
        raise InputError(f"The form of an export is one of {', '.join(EXPORTS)}; got {form!r}.")
    if form in _TEXTS:
        extension, media_type, text = _TEXTS[form]
        return Download(f"{trajectory.id}.{extension}", media_type, text(trajectory, store).encode())
    return Download(
        f"{trajectory.id}.{form}", _MEDIA_TYPES.get(form, "application/octet-stream"), file_of(trajectory, store, form)
    )


_TEXTS: Mapping[str, tuple[str, str, Callable[[Trajectory, ImageStore], str]]] = {
    "html": ("html", "text/html", lambda one, store: storyboard(one, store, full_size=True)),
    "markdown": ("md", "text/markdown", lambda one, _store: markdown(one, details=True)),
    "json": ("json", "application/json", lambda one, _store: one.model_dump_json(indent=2)),
}
_MEDIA_TYPES = {
    "zip": "application/zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "gif": "image/gif",
    "webp": "image/webp",
}
_LABELS = {
    "html": "Storyboard (one HTML page)",
    "docx": "Word document",
    "pdf": "PDF file",
    "pptx": "Slides (PowerPoint)",
    "gif": "Animation (GIF)",
    "webp": "Animation (WebP)",
    "zip": "Everything (ZIP: page, Markdown, record, images)",
    "markdown": "Text (Markdown)",
    "json": "Record (JSON)",
}
EXPORTS: Mapping[str, str] = {form: _LABELS.get(form, f"{form.upper()} file") for form in (*_LABELS, *FORMS)}
"""Names for people of all forms, those of the command line included, in the order of the page's menu."""
