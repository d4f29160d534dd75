"""The data types shared by all packages: request, plan, attempt, verdict, and the inputs and outputs of the protocols.

All of them are frozen pydantic models. They refer to images by the SHA-256 of their PNG bytes and never hold pixels.
Every type survives a round trip through JSON and through strict msgpack (checkpoints).

Knows nothing of models, servers or graphs.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from .image_names import ImageName, Reference
from .image_sizes import ImageSize
from .plain_text import text_or_none, valid_unicode

__all__ = [
    "Attempt",
    "CheckReport",
    "CriticInput",
    "Drift",
    "GeneratedImage",
    "GenerationRequest",
    "ImageChange",
    "ImagePart",
    "Lookup",
    "Part",
    "PinnedReference",
    "Plan",
    "Request",
    "Requirement",
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
    """An image in a request; its bytes are in the workspace's store.

    An image with a name is a reference: steps look at it, and none edits it unless the plan says so.
    """

    kind: Literal["image"] = "image"
    sha256: Sha256
    name: ImageName | None = None
    """The word by which texts mention it: `cat`, for `@cat`."""
    purpose: _Text = ""
    """What the image is for, in the person's words."""
    words: _Text = ""
    """A description that takes the image's place for models that take no reference images, such as "the small red
    cat"; set by the graph."""


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

    @property
    def sources(self) -> tuple[Sha256, ...]:
        """The images without a name, in order: those that steps may edit by themselves."""
        return tuple(part.sha256 for part in self.parts if isinstance(part, ImagePart) and part.name is None)

    @property
    def named_images(self) -> dict[str, ImagePart]:
        """The images with a name, in order."""
        return {part.name: part for part in self.parts if isinstance(part, ImagePart) and part.name is not None}


class PinnedReference(_Frozen):
    """An image that a generator call looks at besides the one that it edits."""

    label: str
    """The image's name, or `image 2` of the request, or `step 1`."""
    sha256: Sha256


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
    references: tuple[Reference, ...] = Field(default=(), max_length=16)
    """The images that the step looks at besides: a name (`cat`), `image 2` of the request or `step 1` (from 1), which
    may be given a name for the prompt to mention (`girl = step 1`). Empty: those that the prompt mentions; if no step
    has any, all named images of the request."""


class CheckReport(_Frozen):
    """The result of checking a plan or a finished document against the request."""

    checked: bool
    """Whether the check could decide whether everything that was asked for is there; False: only `faults` is known."""
    faults: tuple[str, ...] = ()
    """What is wrong or missing, one sentence each."""
    notes: tuple[str, ...] = ()
    """What a reader should know that is no fault, such as words of the request that no image can show."""


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


class Requirement(_Frozen):
    """One thing that a step asks for, and whether the image shows it."""

    kind: Literal["object", "attribute", "count", "relation", "kept"] | None = None
    """`kept`: something that must look as it did before. None: of another kind."""
    text: _Text
    """The requirement in a few words, such as "three red balls"."""
    met: bool | None = None
    """None: the critic is unsure."""


class Lookup(_Frozen):
    """One call of a tool that looked something up before planning. Its result is data, never an instruction."""

    tool: _Text
    arguments: _Text = "{}"
    """JSON."""
    result: _OptionalText = None
    """Cleaned and cut; None until the call has ended."""
    failed: bool = False
    """Whether the call failed; `result` then says why."""
    sources: tuple[_Text, ...] = ()
    """Web addresses that the result names, or else the tool's name."""


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
    checklist: tuple[Requirement, ...] = ()
    """The step's requirements one by one; empty if the critic does not answer with them."""
    same_identity: bool | None = None
    """Whether what the references show kept its identity; None where there are none, or the critic did not say."""
    mask: Sha256 | None = None
    """A white region on black, of the image's size: the next attempt changes only that region of this image."""
    place: int | None = None
    """Place among the variants of its step that the critic compared in pairs, from 1; None: it was not compared."""
    rephrasings: int = 0
    """How often the critic was asked again because its prompt had already been tried in this step."""


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
    references: tuple[PinnedReference, ...] = ()
    """Images whose content must keep its identity."""


class ImageChange(_Frozen):
    """How one image differs from another, measured without a model; see `tools.images.change`."""

    changed: float
    """Share of the pixels that changed visibly, 0..1."""
    residue: float
    """Mean change of the other pixels, 0..1 of the full range: noise and shifts where nothing was meant to change."""
    color: float
    """Distance of the mean colors, 0..1: a tint."""
    contrast: float
    """Binary logarithm of the ratio of the standard deviations of the brightness; negative: flatter."""
    sharpness: float
    """Binary logarithm of the ratio of the mean gradients of the brightness; negative: more blurred."""


class Drift(_Frozen):
    """How far an image has moved away from what nobody asked to change."""

    from_source: ImageChange | None = None
    """Change from the image that was edited; None if the image was generated from text alone."""
    from_first: ImageChange | None = None
    """Change from the first kept image of the chain of edits; None for the first one."""
    outside: float | None = None
    """Damage outside the wish of this attempt, 0..1, if the profile has a `WishReader` that can tell and the
    drift guard is on."""
    total: float = 0.0
    """Damage of all edits since the image was drawn from text or from an image of the request: the sum of `outside`,
    or of the residue where that is unknown."""


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
    references: tuple[PinnedReference, ...] = ()
    """The images that it was to look at besides the source, in order."""
    references_left_out: int = 0
    """How many of them, from the last one, the image model did not take."""
    mask: Sha256 | None = None
    """Only the white region of this image was changed; None: the whole image."""
    image: Sha256 | None
    """The resulting image; None if the image service refused the content."""
    width: int = 0
    """Of the image, in pixels; 0 without one, and in records of earlier versions."""
    height: int = 0
    """Of the image, in pixels; 0 without one, and in records of earlier versions."""
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
    variant: bool = False
    """Whether it is one of several first attempts, which were generated side by side with different seeds."""
    note: str = ""
    """What the server says about the image, for example that the model read only a part of the prompt; and how many of
    the step's other variants could not be generated."""
    drift: Drift | None = None
    """None if the image could not be measured, and in records of earlier versions."""
    wish: _Text = ""
    """The step's prompt together with those of earlier steps, if the drift guard went back to an earlier image; the
    critic judges by it."""
    verdict: Verdict | None = None
    """None until the attempt was judged, or if the trajectory runs without judging it."""
    outdated: bool = False
    """Whether it was generated ahead of its step's turn, and a new plan or another image before it came first. It
    counts towards limits and costs, but no step is decided by it and no document shows it."""


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
    references: tuple[PinnedReference, ...] = ()
    """Further images to look at. A model takes the first of them, as many as it can; the result says how many."""
    mask: Sha256 | None = None
    """An image of the source's size: only where it is white does the result differ from the source. Needs a source, and
    no size."""


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
    references: int = Field(default=0, ge=0)
    """How many of the call's references the model took."""
    note: _Text = Field(default="", max_length=1000)
    """What the server says about the image, for example that the model read only a part of the prompt."""
