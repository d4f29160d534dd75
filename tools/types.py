"""The words of the project as frozen data: request, plan, attempt, verdict, and what crosses the three ports.

Knows nothing of models, servers or graphs. Images are named by the sha256 of their PNG bytes, never held. Every type
survives a JSON and a strict-msgpack round trip.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "Attempt",
    "CriticInput",
    "GeneratedImage",
    "GenerationRequest",
    "ImagePart",
    "Part",
    "Plan",
    "Request",
    "Sha256",
    "Step",
    "TextPart",
    "Verdict",
]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Name of an image: hexadecimal sha256 of its canonical PNG bytes."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TextPart(_Frozen):
    """A piece of text in a request."""

    kind: Literal["text"] = "text"
    text: str


class ImagePart(_Frozen):
    """An image in a request; its bytes lie in the workspace's store."""

    kind: Literal["image"] = "image"
    sha256: Sha256


Part = Annotated[TextPart | ImagePart, Field(discriminator="kind")]


class Request(_Frozen):
    """The input S of the paper: texts and images in any order (section 3.1)."""

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
    """One step (u, p, a) of a plan. Its identity is its index in the plan, never a number that a model wrote."""

    instruction: str | None = None
    """What happens in this step, for people (u)."""
    prompt: str | None = None
    """What the generator is asked (p); None means a step of text only (task A)."""
    auxiliary_text: str | None = None
    """Text shown beside the image (a)."""


class Plan(_Frozen):
    """All steps, written up front by the planner; a replan makes the next version."""

    steps: tuple[Step, ...]
    version: int = 1
    reasoning: str = ""


class Verdict(_Frozen):
    """The critic's answer (j, r, R). `success=None` is "unjudged": neither success nor failure."""

    success: bool | None
    refined_prompt: str = ""
    reasoning: str = ""
    confidence: float | None = None
    """P(true) at the boolean token, 0..1, where the model gives log-probabilities; else None."""
    by_hand: bool = False
    """A person judged, not the critic; such verdicts are worth keeping as training data."""


class CriticInput(_Frozen):
    """What a critic sees of one attempt: (I_{i-1}, I_i^t, p_i, r_i^t)."""

    source: Sha256 | None
    """Image before the step; None is shown to the critic as a blank white image."""
    image: Sha256
    original_prompt: str
    prompt: str


class Attempt(_Frozen):
    """One generator call for a step and what became of it. Keyed by (plan_version, step, iteration), from 0 each."""

    plan_version: int
    step: int
    iteration: int
    prompt: str
    seed: int
    source: Sha256 | None
    image: Sha256
    seconds: float = 0.0
    cached: bool = False
    verdict: Verdict | None = None


class GenerationRequest(_Frozen):
    """One generator call: generate where `source` is None, else edit the source. The client always sends a seed."""

    prompt: str
    seed: int
    source: Sha256 | None = None
    width: int | None = None
    """Pixels; None lets the model's own size (or the source's) decide."""
    height: int | None = None


class GeneratedImage(_Frozen):
    """A finished call; the image's bytes lie, hash-verified, in the workspace store."""

    sha256: Sha256
    width: int
    height: int
    seed: int
    model: str
    seconds: float
    """Generation time on the server, without queueing."""
    cached: bool
