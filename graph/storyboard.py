"""`index.html`: one self-contained page that tells a whole trajectory; no script, nothing from elsewhere, escaped."""

import base64
import time
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.images import image_size
from interleavethinker.tools.store import ImageStore
from interleavethinker.tools.types import Attempt, Sha256

from .look import Trajectory

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["storyboard"]

_SMALL = 256
"""Pictures up to this many pixels wide are enlarged without smoothing."""


def storyboard(trajectory: Trajectory, store: ImageStore) -> str:
    """Returns the page."""
    return _template().render(
        t=trajectory,
        steps=_steps(trajectory),
        pictures=_pictures(trajectory, store),
        small=_small(trajectory, store),
        drawn=sum(attempt.seconds for attempt in trajectory.attempts),
        created=time.strftime("%d %B %Y, %H:%M UTC", time.gmtime(trajectory.entry.created)),
        status=_status(trajectory),
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    source = (files("interleavethinker.graph") / "storyboard.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)


def _steps(trajectory: Trajectory) -> list[dict[str, Any]]:
    """Returns what the page shows of each step of the newest plan."""
    plan = trajectory.plan
    if plan is None:
        return []
    rows = []
    for index, step in enumerate(plan.steps):
        tries = trajectory.tries(index)
        kept = trajectory.kept(index)
        rows.append({"step": step, "tries": tries, "kept": kept, "mark": _mark(trajectory, index, kept)})
    return rows


def _mark(trajectory: Trajectory, index: int, kept: Attempt | None) -> str:
    plan = trajectory.plan
    if plan is not None and plan.steps[index].prompt is None:
        return "text only" if index < trajectory.cursor else "to come"
    if kept is None:
        return "to come" if trajectory.outcome is None else "not drawn"
    if kept.verdict is not None and kept.verdict.success:
        return "by hand" if kept.verdict.by_hand else "accepted"
    return "best effort" if index < trajectory.cursor or trajectory.outcome else "in progress"


def _status(trajectory: Trajectory) -> str:
    if trajectory.outcome not in {None, "complete"}:
        return "ended by a limit"
    return trajectory.entry.status


def _pictures(trajectory: Trajectory, store: ImageStore) -> Mapping[Sha256, str]:
    """Returns every picture as a data URI, once."""
    names = {*trajectory.request.images, *(attempt.image for attempt in trajectory.attempts)}
    return {name: "data:image/png;base64," + base64.b64encode(store.get(name)).decode() for name in sorted(names)}


def _small(trajectory: Trajectory, store: ImageStore) -> bool:
    names = [*trajectory.request.images, *(attempt.image for attempt in trajectory.attempts)]
    return all(image_size(store.get(name))[0] <= _SMALL for name in names)
