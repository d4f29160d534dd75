"""What the page sends to the studio. Steps and attempts count from 1, as on the page."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interleavethinker.graph.profiles.profile import problems_of
from interleavethinker.servers.trajectories.options import LimitRequest
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.types import Sha256, Step

__all__ = ["Approval", "Branch", "Empty", "NewTrajectory", "Verdict", "parse"]

_LONGEST = 100_000
_MAX_STEPS = 1000
_MAX_IMAGES = 32
_MAX_SEED = 2**53 - 1
"""The largest integer that JavaScript keeps exactly."""
_Message = TypeVar("_Message", bound="Empty")


class Empty(BaseModel):
    """A message without fields, for example to pause."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewTrajectory(Empty):
    """A request, how to answer it, and the limits."""

    request: str = Field(max_length=_LONGEST)
    images: tuple[Sha256, ...] = Field(default=(), max_length=_MAX_IMAGES)
    profile: str | None = None
    approve_plan: bool = False
    max_attempts: int | None = None
    max_calls: int | None = None
    time_limit: float | None = None
    image_size: ImageSize | None = None
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED)

    @property
    def limits(self) -> LimitRequest:
        """The limits that the message names."""
        return LimitRequest(self.max_attempts, self.max_calls, self.time_limit)


class Approval(Empty):
    """Approves a plan, or replaces its steps."""

    steps: tuple[Step, ...] | None = Field(default=None, max_length=_MAX_STEPS)


class Verdict(Empty):
    """A person's verdict on an attempt."""

    step: int = Field(ge=1)
    attempt: int = Field(ge=1)
    accept: bool
    prompt: str | None = Field(default=None, max_length=_LONGEST)
    reason: str = Field(default="", max_length=_LONGEST)


class Branch(Empty):
    """Where to branch, and what is different there."""

    step: int = Field(ge=1)
    attempt: int = Field(ge=1)
    prompt: str | None = Field(default=None, max_length=_LONGEST)
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED)
    image: Sha256 | None = None
    image_size: ImageSize | None = None


def parse(kind: type[_Message], body: bytes) -> _Message:
    """Returns a message.

    Raises:
        InputError: The body is no such message.
    """
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise InputError(f"The message cannot be used: {problems_of(error)}.") from error
