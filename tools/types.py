"""The data types shared by all packages: request, plan, attempt, verdict, and the inputs and outputs of the protocols.

All of them are frozen pydantic models. They refer to images by the SHA-256 of their PNG bytes and never hold pixels.
Every type survives a round trip through JSON and through strict msgpack (checkpoints).

Knows nothing of models, servers or graphs.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from .image_sizes import ImageSize
from .plain_text import text_or_none, valid_unicode

__all__ = [
    "Attempt",
    "CheckReport",
    "CriticInput",
    "GeneratedImage",
    "GenerationRequest",
    "ImagePart",
    "Part",
    "Plan",
    "Request",
    "Sha256",
    "StartsFrom",
    "Step",
    "TextPart",
    "Verdict",
]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Name of an image: the SHA-256 of its canonical PNG bytes, as 64 lower-case hexadecimal digits."""


_MAX_SIDE = 65_536
_Text = Annotated[str, AfterValidator(valid_unicode)]
_OptionalText = Annotated[str | None, AfterValidator(text_or_none)]
"""A blank text is None, so that it never takes the place of one."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_PREVIOUS = "previous"
_STARTS_FROM = re.compile(r"(step|reference)\s*(\d{1,4})")


def _starting_point(value: object) -> object:
    """Returns the canonical form: None for the step before, `nothing`, `reference`, `step 2` or `reference 1`."""
    if value is None or isinstance(value, bool):
        return value
    text = " ".join(str(value).lower().split())
    text = f"step {text}" if text.isdecimal() else text
    if text in {"", _PREVIOUS}:
        return None
    numbered = _STARTS_FROM.fullmatch(text)
    if numbered is not None and int(numbered[2]) >= 1:
        return f"{numbered[1]} {int(numbered[2])}"
    if text in {"nothing", "reference"}:
        return text
    raise ValueError(f"a step starts from previous, nothing, step NUMBER, reference or reference NUMBER; got {value!r}")


StartsFrom = Annotated[str | None, BeforeValidator(_starting_point)]
"""What a step starts from, in canonical form; a number is a step's, from 1."""


class TextPart(_Frozen):
    """Text in a request."""

    kind: Literal["text"] = "text"
    text: _Text


class ImagePart(_Frozen):
    """An image in a request; its bytes are in the workspace's store."""

    kind: Literal["image"] = "image"
    sha256: Sha256


Part = Annotated[TextPart | ImagePart, Field(discriminator="kind")]
"""One part of a request."""


class Request(_Frozen):
    """What the user asks for: texts and images in any order (the input S of the paper, section 3.1)."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All text parts, joined by line breaks."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[Sha256, ...]:
        """The images, in order."""
        return tuple(part.sha256 for part in self.parts if isinstance(part, ImagePart))


class Step(_Frozen):
    """One step (u, p, a) of a plan. Steps are identified by their index in the plan, not by a number a model wrote."""

    instruction: _OptionalText = None
    """What happens in this step, for people to read (u)."""
    prompt: _OptionalText = None
    """The prompt for the image generator (p); None means a step with text only (task A)."""
    auxiliary_text: _OptionalText = None
    """Text shown next to the image (a)."""
    size: ImageSize | None = None
    """Size (`1024x576`) or aspect ratio (`16:9`) of this step's image; None means the trajectory's."""
    starts_from: StartsFrom = None
    """The image that the step edits: that of the step before (None), `nothing`, `step 2` (from 1), or `reference 1`, an
    image of the request. Steps that do not depend on each other are generated side by side."""


class CheckReport(_Frozen):
    """The result of checking a plan or a finished document against the request."""

    checked: bool
    """Whether the check could decide whether everything that was asked for is there; False: only `faults` is known."""
    faults: tuple[str, ...] = ()
    """What is wrong or missing, one sentence each."""


class Plan(_Frozen):
    """All steps, written in advance by the planner. Replanning, and asking again after a failed check, creates the next
    version.
    """

    steps: tuple[Step, ...]
    version: int = 1
    """1 for the first plan of a trajectory."""
    reasoning: _Text = ""
    """The planner's reasoning before its answer, if it gave any."""
    made_by: Literal["planner", "fallback_planner", "person"] | None = None
    """Who wrote it; set by the graph, None in records of version 0.1."""
    report: CheckReport | None = None
    """The result of the profile's plan check; None if there was none."""
    rejected: bool = False
    """Whether the plan check led to another plan, so that this one was never carried out."""


class Verdict(_Frozen):
    """The critic's verdict on one attempt (j, r, R)."""

    success: bool | None
    """Whether the image shows what the step asked for (j); None if the critic gave no usable answer ("unjudged")."""
    refined_prompt: _Text = ""
    """Prompt for the next attempt (r)."""
    reasoning: _Text = ""
    """Why (R)."""
    confidence: float | None = None
    """P(success) in 0..1, from the log-probability of the boolean token; None if the model gives none."""
    by_hand: bool = False
    """Whether a person gave this verdict instead of the critic."""


class CriticInput(_Frozen):
    """The critic's input for one attempt: (I_{i-1}, I_i^t, p_i, r_i^t) in the paper."""

    source: Sha256 | None
    """Image before the step. None is shown to the critic as a blank white image."""
    image: Sha256
    """Image that the attempt produced."""
    original_prompt: _Text
    """The step's prompt in the plan."""
    prompt: _Text
    """The prompt of this attempt, which the critic may have refined."""


class Attempt(_Frozen):
    """One generator call for a step, with its result and verdict.

    Identified by (plan_version, step, iteration); step and iteration count from 0.
    """

    plan_version: int
    step: int
    iteration: int
    prompt: _Text
    seed: int
    source: Sha256 | None
    """The image that was edited; None if the image was generated from text alone."""
    size: ImageSize | None = None
    """The size or aspect ratio that was asked for; None if that was left to the model."""
    image: Sha256 | None
    """The resulting image; None if the image service refused the content."""
    refusal: _Text = ""
    """The service's words, if it refused the content."""
    seconds: float = 0.0
    """Generation time on the server, without queueing."""
    cached: bool = False
    """Whether the server answered a known call from its store instead of running the model."""
    model: str = ""
    """Name and version of the image model, as the server reports them; empty for a person's own image."""
    server: str = ""
    """Name and version of the image server, as it reports them; empty if it does not."""
    verdict: Verdict | None = None
    """None until the attempt was judged, or if the trajectory runs without judging it."""


class GenerationRequest(_Frozen):
    """One generator call: edits `source`, or generates from text alone if it is None."""

    prompt: _Text
    seed: int
    """Always given by the client, so that a call can be repeated exactly."""
    source: Sha256 | None = None
    width: int | None = None
    """Pixels; None means the source's width, or the model's default."""
    height: int | None = None
    """Pixels; None means the source's height, or the model's default."""
    size: ImageSize | None = None
    """Exactly this size, or an aspect ratio; a model that cannot generate it refuses the call. Not with width or
    height."""


class GeneratedImage(_Frozen):
    """The result of a generator call. The image's bytes are in the workspace's store, verified by their hash."""

    sha256: Sha256
    width: int = Field(ge=1, le=_MAX_SIDE)
    height: int = Field(ge=1, le=_MAX_SIDE)
    seed: int = Field(ge=0, lt=2**63)
    model: _Text = Field(max_length=1000)
    """Name of the model, as the server reports it."""
    seconds: float = Field(ge=0, allow_inf_nan=False)
    """Generation time on the server, without queueing."""
    cached: bool
    """Whether the server answered a known call from its store instead of running the model."""
    server: str = ""
    """Name and version of the server, as it reports them."""
