"""The result of one request of a batch, as plain data for reports and programs."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.limits import StopReason
from interleavethinker.graph.workspace.catalog import Status
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.types import Sha256

from .manifest import BatchRequest

__all__ = ["BatchResult", "BatchStatus", "result_of", "result_without_trajectory"]

BatchStatus = Literal[Status, "refused", "not started"]
"""That of the trajectory. `refused`: the profile cannot serve the request; `not started`: its turn has not come."""


class BatchResult(BaseModel):
    """How one request of a batch stands."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Name of the request and of its folder."""
    text: str
    """The request, without its images."""
    settings: tuple[tuple[str, str], ...] = ()
    """The values that a sweep gave it."""
    profile: str = ""
    status: BatchStatus = "not started"
    trajectory: str | None = None
    """ID in the workspace; None if it was refused or not started."""
    seed: int | None = None
    stop_reason: StopReason | None = None
    document_status: str = ""
    """See `Document.status`."""
    steps: int = 0
    accepted_steps: int = 0
    """Finished steps whose image the critic or a person accepted."""
    calls: int = 0
    """Generator calls: attempts."""
    seconds: float = 0.0
    """Work of planner, generator and critic."""
    dollars: float = 0.0
    """What hosted models have cost, as far as prices are known."""
    images: tuple[Sha256, ...] = ()
    """Images of the answer, in order."""
    answer: str = ""
    """Text of the answer outside its images, as of a question that is answered without any."""
    error: str = ""
    """Why it failed or was refused."""
    finished: datetime | None = None
    """When its status last changed; UTC."""

    @property
    def failed(self) -> bool:
        """Whether it ended without an answer, or its files could not be written."""
        return self.status in {"failed", "refused"} or bool(self.error)

    @property
    def page(self) -> str:
        """Its storyboard, relative to the batch's folder; empty before it has a trajectory."""
        return f"{self.name}/index.html" if self.trajectory else ""


def result_of(request: BatchRequest, trajectory: Trajectory) -> BatchResult:
    """Returns how a request stands whose trajectory exists."""
    ended, current = trajectory.stop_reason is not None, trajectory.current_step
    images = [one for one in trajectory.document.blocks if one.kind == "image" and (ended or one.step != current)]
    return BatchResult(
        name=request.name or "",
        text=request.text,
        settings=request.settings,
        profile=trajectory.profile,
        status=trajectory.status,
        trajectory=trajectory.id,
        seed=trajectory.seed,
        stop_reason=trajectory.stop_reason,
        document_status=trajectory.document.status,
        steps=0 if trajectory.plan is None else len(trajectory.plan.steps),
        accepted_steps=sum(one.status == "accepted" for one in images),
        calls=len(trajectory.attempts),
        seconds=trajectory.seconds,
        dollars=trajectory.spending.dollars,
        images=trajectory.document.images,
        answer=trajectory.document.text,
        error=trajectory.reason if trajectory.status == "failed" else "",
        finished=trajectory.updated,
    )


def result_without_trajectory(
    request: BatchRequest, status: BatchStatus = "not started", error: str = ""
) -> BatchResult:
    """Returns how a request stands that has no trajectory."""
    return BatchResult(
        name=request.name or "",
        text=request.text,
        settings=request.settings,
        profile=request.profile or "",
        status=status,
        error=error,
    )
