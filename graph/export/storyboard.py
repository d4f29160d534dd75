"""`index.html`: one self-contained page that tells a whole trajectory; no script, nothing from elsewhere, escaped."""

import time
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.png import data_uri, image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Attempt, Sha256

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["pictures_of", "storyboard", "with_note"]

_SMALL = 256
"""Pictures up to this many pixels wide are enlarged without smoothing."""


_MISSING = data_uri(
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
    b'<rect width="96" height="96" fill="#ddd"/>'
    b'<path d="M24 24 72 72M72 24 24 72" stroke="#999" stroke-width="4"/></svg>',
    "image/svg+xml",
)
"""Shown in place of a picture that is missing or damaged."""


def storyboard(trajectory: Trajectory, store: ImageStore, pictures: Mapping[Sha256, bytes | None] | None = None) -> str:
    """Returns the page.

    Args:
        trajectory: What to tell.
        store: Where its pictures lie.
        pictures: What `pictures_of` returned, if they were read already.
    """
    read = pictures_of(trajectory, store) if pictures is None else pictures
    return _template().render(
        t=with_note(trajectory, read),
        steps=_steps(trajectory),
        pictures={name: _MISSING if data is None else data_uri(data) for name, data in read.items()},
        small=all(image_size(data)[0] <= _SMALL for data in read.values() if data is not None),
        drawn=sum(attempt.seconds for attempt in trajectory.attempts),
        created=time.strftime("%d %B %Y, %H:%M UTC", time.gmtime(trajectory.summary.created)),
        status=_status(trajectory),
    )


def pictures_of(trajectory: Trajectory, store: ImageStore) -> dict[Sha256, bytes | None]:
    """Reads every picture once; None stands for one that is missing or damaged."""
    pictures: dict[Sha256, bytes | None] = {}
    for name in sorted({*trajectory.request.images, *(attempt.image for attempt in trajectory.attempts)}):
        try:
            pictures[name] = store.get(name)
        except StoreError:
            pictures[name] = None
    return pictures


def with_note(trajectory: Trajectory, pictures: Mapping[Sha256, bytes | None]) -> Trajectory:
    """Returns the trajectory with a note in its document about pictures that cannot be shown, if there are any."""
    lost = sum(data is None for data in pictures.values())
    if not lost:
        return trajectory
    are = "1 picture is" if lost == 1 else f"{lost} pictures are"
    note = f"{are} missing or damaged in the workspace and cannot be shown."
    document = trajectory.document.model_copy(update={"notes": (*trajectory.document.notes, note)})
    return trajectory.model_copy(update={"document": document})


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    source = (files("interleavethinker.graph.export") / "storyboard.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)


def _steps(trajectory: Trajectory) -> list[dict[str, Any]]:
    """Returns what the page shows of each step of the newest plan."""
    plan = trajectory.plan
    if plan is None:
        return []
    rows = []
    for index, step in enumerate(plan.steps):
        tries = trajectory.attempts_for(index)
        kept = trajectory.selected(index)
        rows.append({"step": step, "tries": tries, "kept": kept, "mark": _mark(trajectory, index, kept)})
    return rows


def _mark(trajectory: Trajectory, index: int, kept: Attempt | None) -> str:
    plan = trajectory.plan
    if plan is not None and plan.steps[index].prompt is None:
        return "text only" if index < trajectory.current_step else "to come"
    if kept is None:
        return "to come" if trajectory.stop_reason is None else "not drawn"
    if kept.verdict is not None and kept.verdict.success:
        return "by hand" if kept.verdict.by_hand else "accepted"
    return "best effort" if index < trajectory.current_step or trajectory.stop_reason else "in progress"


def _status(trajectory: Trajectory) -> str:
    if trajectory.stop_reason not in {None, "complete"}:
        return "ended by a limit"
    return trajectory.summary.status
