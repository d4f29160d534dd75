"""The judge protocol: scores an image's semantics and quality, 0..10 each, as in the paper.

The micro world's scorer and any vision-language model implement it. A judge without a usable answer returns None, which
must never be turned into a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from interleavethinker.tools.types import Sha256

__all__ = ["Judge", "JudgeScores", "JudgedImage"]


@dataclass(frozen=True)
class JudgedImage:
    """An image to judge."""

    image: Sha256
    source: Sha256 | None
    """The image before the step; None if the step generates from text alone."""
    prompt: str
    """The step's prompt in the plan."""
    reference: JsonValue = None
    """The ground truth of the step, where it is known; judges that only look at the image ignore it."""


@dataclass(frozen=True)
class JudgeScores:
    """A judge's scores of one image."""

    semantics: float
    """0..10, the lower of two scores: "the image shows the prompt" and "nothing else has changed"."""
    quality: float
    """0..10, the lower of two scores: "natural" and "free of artifacts"."""

    @property
    def overall(self) -> float:
        """The geometric mean of semantics and quality, 0..10."""
        return float((self.semantics * self.quality) ** 0.5)


class Judge(Protocol):
    """Scores images."""

    async def judge(self, images: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        """Returns the scores of each image, in order; None where the judge gave no usable answer."""
        ...
