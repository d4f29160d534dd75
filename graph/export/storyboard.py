"""`index.html`: one self-contained page with a whole trajectory. No scripts, no external resources."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from interleavethinker.graph.document import status_of
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Attempt, Sha256

from .stored_images import image_uri, read_images

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["storyboard", "with_note"]

_PIXELATED_WIDTH = 256
"""Images up to this many pixels wide are enlarged without smoothing."""


def storyboard(trajectory: Trajectory, store: ImageStore, images: Mapping[Sha256, bytes | None] | None = None) -> str:
    """Returns the page as HTML.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
        images: Result of `read_images`, if the images are already read.
    """
    read = read_images(trajectory, store) if images is None else images
    return _template().render(
        t=with_note(trajectory, read),
        steps=_steps(trajectory),
        images={name: image_uri(data) for name, data in read.items()},
        pixelated=all(image_size(data)[0] <= _PIXELATED_WIDTH for data in read.values() if data is not None),
        generation_seconds=sum(attempt.seconds for attempt in trajectory.attempts),
        created=f"{trajectory.created:%d %B %Y, %H:%M} UTC",
        status=_trajectory_status(trajectory),
    )


def with_note(trajectory: Trajectory, images: Mapping[Sha256, bytes | None]) -> Trajectory:
    """Returns the trajectory with a note in its document about images that cannot be shown, if there are any."""
    unreadable = sum(data is None for data in images.values())
    if not unreadable:
        return trajectory
    subject = "1 image is" if unreadable == 1 else f"{unreadable} images are"
    note = f"{subject} missing or damaged in the workspace and cannot be shown."
    document = trajectory.document.model_copy(update={"notes": (*trajectory.document.notes, note)})
    return trajectory.model_copy(update={"document": document})


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    source = (files("interleavethinker.graph.export") / "storyboard.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)


def _steps(trajectory: Trajectory) -> list[dict[str, Any]]:
    """Returns the template's values for each step of the newest plan."""
    plan = trajectory.plan
    if plan is None:
        return []
    rows = []
    for index, step in enumerate(plan.steps):
        selected = trajectory.selected(index)
        row = {"step": step, "attempts": trajectory.attempts_for(index), "selected": selected}
        rows.append(row | {"status": _step_status(trajectory, index, selected)})
    return rows


def _step_status(trajectory: Trajectory, index: int, selected: Attempt | None) -> str:
    plan = trajectory.plan
    if plan is not None and plan.steps[index].prompt is None:
        return "text only" if index < trajectory.current_step else "pending"
    if selected is None:
        return "pending" if trajectory.stop_reason is None else "not generated"
    if selected.verdict is not None and selected.verdict.success:
        return "accepted by a person" if selected.verdict.by_hand else "accepted"
    if index >= trajectory.current_step and trajectory.stop_reason is None:
        return "in progress"
    return status_of(selected).replace("_", " ")


def _trajectory_status(trajectory: Trajectory) -> str:
    if trajectory.stop_reason not in {None, "complete"}:
        return "stopped by a limit"
    return trajectory.status
