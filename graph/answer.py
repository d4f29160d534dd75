"""The result of `illustrate`: a finished answer with its images, as Python objects, Markdown, or files."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore

from .document import Document
from .limits import StopReason
from .workspace.snapshot import Trajectory

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Answer"]


class Answer:
    """An interleaved answer. Notebooks display it; `save` writes it to a folder.

    Attributes:
        trajectory: Everything behind the answer: plan, attempts, verdicts, limits.
        store: The image store that holds its images.
    """

    def __init__(self, trajectory: Trajectory, store: ImageStore) -> None:
        self.trajectory = trajectory
        self.store = store

    @property
    def id(self) -> str:
        """ID of the trajectory in its workspace, as `interleavethinker show` takes it."""
        return self.trajectory.summary.id

    @property
    def document(self) -> Document:
        """The answer as blocks of text and image names, in reading order."""
        return self.trajectory.document

    @property
    def complete(self) -> bool:
        """Whether every step of the plan is finished; False if a limit ended the trajectory."""
        return self.document.complete

    @property
    def checked(self) -> bool:
        """Whether the complete answer was compared with the prompt, by a check that can decide; see `faults`."""
        return self.document.checked

    @property
    def faults(self) -> tuple[str, ...]:
        """What is known to be wrong or missing, one sentence each."""
        return self.document.faults

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the trajectory ended."""
        return self.trajectory.stop_reason

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the reader: best efforts, known faults, a limit that was reached, a scripted agent."""
        return (*self.document.notes, *self.trajectory.notes)

    @property
    def text(self) -> str:
        """All text of the answer, one block per line, without the images."""
        return self.document.text

    @cached_property
    def images(self) -> list["Image"]:
        """The images in reading order, as 8-bit RGB `PIL.Image.Image` objects.

        Raises:
            StoreError: An image was deleted from the workspace, or its file is damaged.
        """
        return [open_rgb(self.store.get(sha256)) for sha256 in self.document.images]

    @property
    def image_paths(self) -> list[Path]:
        """The PNG files of the images in the workspace, in reading order."""
        return [self.store.file(sha256) for sha256 in self.document.images]

    @property
    def markdown(self) -> str:
        """The answer as Markdown. Images are linked as `images/….png`, where `save` puts them.

        `document.md` of `save` appends the prompts of the images, the models, versions and limits.
        """
        from .export.markdown import markdown

        return markdown(self.trajectory)

    def save(self, folder: str | Path, *, single_file: bool = False, force: bool = False) -> Path:
        """Writes the storyboard (`index.html`), `document.md`, `images/` and `trajectory.json` to a folder.

        An answer that was saved there before is replaced, so that a program can run again; it stays in its workspace.

        Args:
            folder: Folder to write to; created if necessary.
            single_file: Write only `index.html`, with the images in full size in it.
            force: Replace also files that are somebody else's, or edited since they were saved.

        Returns:
            The path of the storyboard.

        Raises:
            InputError: The folder cannot be written, or holds files that would be lost.
        """
        from .export.export import export

        return export(
            self.trajectory, self.store, Path(folder), single_file=single_file, force=force, replace_others=True
        )

    def __repr__(self) -> str:
        steps = 0 if self.trajectory.plan is None else len(self.trajectory.plan.steps)
        reason = self.stop_reason.value if self.stop_reason else self.trajectory.summary.status
        images = len(self.document.images)
        counts = f"{steps} step{'s' * (steps != 1)}, {images} image{'s' * (images != 1)}"
        return f"<Answer {self.id}: {counts}, {reason}>"

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        """Lets notebooks show text and images instead of the `repr`."""
        from .export.notebook import show

        return {**show(self.document, self.store)._repr_mimebundle_(), "text/plain": repr(self)}
