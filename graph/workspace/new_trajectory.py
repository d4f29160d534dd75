"""A request that one process hands over to another one: the arguments of `Workspace.create` as a message."""

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.limits import Limits
from interleavethinker.tools.types import Part

__all__ = ["NewTrajectory"]


class NewTrajectory(BaseModel):
    """The arguments of `Workspace.create` that another process may give."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: tuple[Part, ...]
    profile: str
    """As `Profile.source`."""
    content: str
    """The profile's content as JSON, which must be what the worker has, or would, read itself."""
    limits: Limits
    seed: int | None = None
    approve_plan: bool = False
    image_size: str | None = None
    key: str
    """So that the client can create the same trajectory itself if the worker dies before it answers."""
