"""What judges a picture: semantics and quality, 0..10 each, as the paper's judge gives them. A protocol and its words.

The micro world's scorer and any vision-language model implement it. A judge that cannot give a usable answer says None;
nobody may turn that into a number.
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
    """One picture to be judged."""

    image: Sha256
    source: Sha256 | None
    """The picture before the step; None if it was drawn from text alone."""
    prompt: str
    """What the step should achieve, in the plan's words."""
    reference: JsonValue = None
    """What its world knows about the step; a judge that only looks has no use for it."""


@dataclass(frozen=True)
class JudgeScores:
    """A judge's answer."""

    semantics: float
    """0..10: the worse of "what was asked is there" and "nothing else has changed"."""
    quality: float
    """0..10: the worse of "natural" and "free of artefacts"."""

    @property
    def overall(self) -> float:
        """The geometric mean."""
        return float((self.semantics * self.quality) ** 0.5)


class Judge(Protocol):
    """Judges pictures."""

    async def judge(self, shots: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        """Returns one answer per picture, in order; None where no usable one came."""
        ...
