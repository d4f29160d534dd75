"""What the page sends to the studio. Steps and attempts count from 1, as on the page."""

from dataclasses import fields
from typing import TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator

from interleavethinker.graph.limits import DriftAction
from interleavethinker.servers.trajectories.options import LimitRequest
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_names import ImageName
from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.types import ImagePart, Sha256, Step
from interleavethinker.tools.validation import problems_of

__all__ = ["Approval", "Branch", "Empty", "NewTrajectory", "RequestImage", "Resumption", "Verdict", "parse"]

_LONGEST = 100_000
_LONGEST_PURPOSE = 1000
_MAX_STEPS = 1000
_MAX_IMAGES = 32
_MAX_SEED = 2**31 - 1
"""The largest that every generator takes."""
_Message = TypeVar("_Message", bound="Empty")


class Empty(StrictNumbers):
    """A message without fields, for example to pause."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RequestImage(Empty):
    """An image of a request; one with a name is a reference. A hash alone is an image without a name."""

    sha256: Sha256
    name: ImageName | None = None
    purpose: str = Field(default="", max_length=_LONGEST_PURPOSE)

    @model_validator(mode="before")
    @classmethod
    def _hash_alone(cls, value: object) -> object:
        return {"sha256": value} if isinstance(value, str) else value

    @property
    def part(self) -> ImagePart:
        """The part of the request."""
        return ImagePart(sha256=self.sha256, name=self.name, purpose=self.purpose)


class Resumption(Empty):
    """The limits with which a trajectory goes on; None keeps one."""

    max_attempts: int | None = None
    variants: int | None = None
    max_calls: int | None = None
    time_limit: float | None = None
    max_cost: float | None = None
    on_drift: DriftAction | None = None
    max_drift: float | None = None

    @property
    def limits(self) -> LimitRequest:
        """The limits that the message names."""
        return LimitRequest(**{field.name: getattr(self, field.name) for field in fields(LimitRequest)})


class NewTrajectory(Resumption):
    """A request, how to answer it, and the limits; None is that of the profile."""

    request: str = Field(max_length=_LONGEST)
    images: tuple[RequestImage, ...] = Field(default=(), max_length=_MAX_IMAGES)
    profile: str | None = None
    approve_plan: bool = False
    image_size: ImageSize | None = None
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED)

    @property
    def image_parts(self) -> list[ImagePart]:
        """The images, as parts of the request."""
        return [image.part for image in self.images]


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
    region: str | None = Field(default=None, max_length=100)
    mask: Sha256 | None = None


class Branch(Empty):
    """Where to branch, and what is different there."""

    step: int = Field(ge=1)
    attempt: int = Field(ge=1)
    prompt: str | None = Field(default=None, max_length=_LONGEST)
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED)
    image: Sha256 | None = None
    image_size: ImageSize | None = None
    choose: bool = False


def parse(kind: type[_Message], body: bytes) -> _Message:
    """Returns a message.

    Raises:
        InputError: The body is no such message.
    """
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise InputError(f"The message cannot be used: {problems_of(error)}.") from error
