"""Natural requests and the requirements that their answers must meet, as frozen data read from JSON lines.

A requirement states what the request asks for and leaves open what the request leaves open. Images of a request are
scenes, which `render` turns into pixels. Knows nothing of agents or judgments.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

__all__ = [
    "KINDS_OF_REQUESTS",
    "SPLITS",
    "AnswerRequirement",
    "Expectation",
    "GivenObject",
    "GivenScene",
    "ImageRequirement",
    "NaturalRequest",
    "ObjectRequirement",
    "RequestKind",
    "Split",
    "natural_requests",
]

Split = Literal["dev", "sealed"]
SPLITS: tuple[Split, ...] = get_args(Split)
RequestKind = Literal[
    "single image",
    "count",
    "how-to",
    "story",
    "edit",
    "compound edit",
    "question",
    "missing image",
    "comparison",
    "continuation",
    "typing",
    "not possible",
]
KINDS_OF_REQUESTS: tuple[RequestKind, ...] = get_args(RequestKind)
"""`typing`: unusual capitals and punctuation. `missing image`: edits of and questions about an image that is not given.
`not possible`: words outside the micro world, contradictions, edits of absent objects."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _check(value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")


class ObjectRequirement(_Frozen):
    """A description that objects fit or do not fit. Attributes that are not given are open."""

    kind: str | None = None
    colour: str | None = None
    size: str | None = None
    cells: tuple[str, ...] = ()
    """Names of the allowed cells, as in `POSITIONS`; empty: any cell."""
    count: int | None = None
    """Exact number of objects in the image that fit; None: one object of its own."""

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        for value, allowed in ((self.kind, KINDS), (self.colour, tuple(COLOURS)), (self.size, SIZES)):
            _check(value, allowed)
        for cell in self.cells:
            _check(cell, POSITIONS)
        return self

    def fits(self, cell: int, obj: SceneObject) -> bool:
        """Returns whether an object in a cell fits this description."""
        named = ((self.kind, obj.kind), (self.colour, obj.colour), (self.size, obj.size))
        return all(wanted in {None, found} for wanted, found in named) and (
            not self.cells or POSITIONS[cell] in self.cells
        )

    def __str__(self) -> str:
        words = " ".join(filter(None, (self.size, self.colour, self.kind or "object")))
        where = f" ({' or '.join(self.cells)})" if self.cells else ""
        return f"{words}{where}" if self.count is None else f"exactly {self.count} of: {words}{where}"


class ImageRequirement(_Frozen):
    """Requirements of one image; without any, every image meets them."""

    objects: tuple[ObjectRequirement, ...] = ()
    """Each one without a count needs an object of its own."""
    absent: tuple[ObjectRequirement, ...] = ()
    """No object may fit any of these."""
    backgrounds: tuple[str, ...] = ()
    """The allowed backgrounds; empty: any."""
    total: int | None = None
    """Exact number of objects; None: open."""

    @field_validator("backgrounds")
    @classmethod
    def _check_backgrounds(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _check(name, BACKGROUNDS)
        return names

    def __str__(self) -> str:
        parts = [", ".join(map(str, self.objects)) or "anything"]
        parts += [f"no {description}" for description in self.absent]
        parts += [] if self.total is None else [f"{self.total} in all"]
        return "; ".join([*parts, " or ".join(self.backgrounds)] if self.backgrounds else parts)


class AnswerRequirement(_Frozen):
    """Requirements of an answer in words; see `judging.missing_facts` for how words are compared."""

    facts: tuple[tuple[str, ...], ...]
    """For each fact its alternative wordings, one of which must occur."""
    without: tuple[str, ...] = ()
    """Words that must not occur."""


class Expectation(_Frozen):
    """Requirements of an answer: images or words or a refusal.

    A refusal with `images` is allowed, not required: the limits of the micro world may forbid these images.
    """

    images: tuple[ImageRequirement, ...] = ()
    """In order. The answer's images must contain a sequence that meets them, and its last image must meet the last.
    What two consecutive requirements leave open must stay as it is."""
    steps: int | None = None
    """Exact number of images, if the request names one."""
    answer: AnswerRequirement | None = None
    refusal: bool = False
    """The request cannot be fulfilled: it must be refused, or the answer must say so."""
    lacks: tuple[str, ...] = ()
    """Words one of which tells the reader what an answer to such a request lacks."""

    @model_validator(mode="after")
    def _check_alternatives(self) -> Self:
        if sum((bool(self.images) or self.refusal, self.answer is not None)) != 1:
            raise ValueError("give images, an answer, or a refusal")
        return self


class GivenObject(_Frozen):
    """An object of a given image."""

    kind: str
    colour: str
    size: str
    cell: str


class GivenScene(_Frozen):
    """An image that belongs to a request."""

    background: str
    objects: tuple[GivenObject, ...] = ()

    @property
    def scene(self) -> Scene:
        """The scene to render; nothing in the request depends on variants and offsets."""
        scene = Scene(self.background)
        for obj in self.objects:
            scene = scene.put(POSITIONS.index(obj.cell), SceneObject(obj.kind, obj.colour, obj.size))
        return scene


class NaturalRequest(_Frozen):
    """One request with its expectation."""

    id: str
    kind: RequestKind
    request: str
    """As typed; `<image>` marks the place of an image, and images without a mark come first."""
    images: tuple[GivenScene, ...] = ()
    expect: Expectation


@cache
def natural_requests(split: Split) -> tuple[NaturalRequest, ...]:
    """Reads the requests of a split, in the order of the file.

    Raises:
        InputError: The split's name is unknown, or a line of its file is invalid.
    """
    if split not in SPLITS:
        raise InputError(f"The split must be {' or '.join(SPLITS)}; got {split!r}.")
    text = (files("interleavethinker.evaluation.micro.natural") / f"{split}.jsonl").read_text(encoding="utf-8")
    requests = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            requests.append(NaturalRequest.model_validate_json(line))
        except ValidationError as error:
            raise InputError(f"Line {number} of {split}.jsonl is not a natural request: {error}") from error
    return tuple(requests)
