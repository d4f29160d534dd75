"""The three ports that everything else plugs into: planner, critic and image generator.

Async protocols without behaviour. Chat models, oracles, teachers, humans and in-memory doubles all implement them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .types import Attempt, CriticInput, GeneratedImage, GenerationRequest, Plan, Request, Verdict

__all__ = ["Critic", "ImageGenerator", "PlanContext", "Planner", "ProgressCallback"]

ProgressCallback = Callable[[float, str], None]
"""Called with a fraction in 0..1 and a short message while a generator works; must not block."""


@dataclass(frozen=True)
class PlanContext:
    """What a planner may know besides the request. Empty at first; filled when the rest of a plan is written anew."""

    previous: Plan | None = None
    """The plan being replaced."""
    done: tuple[Attempt, ...] = ()
    """The attempt kept for each finished step of the previous plan, in order."""
    failed_steps: tuple[int, ...] = ()
    """Indices of steps whose iterations were spent without success."""
    finished: int = 0
    """How many steps of the previous plan are finished, those of text only included; the rest is to be planned anew."""


class Planner(Protocol):
    """Writes all steps up front."""

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """Returns a valid plan for the request (only its remaining steps where `context.previous` is given).

        Raises:
            InputError: The request is outside what this planner can do.
            ModelAnswerError: No usable plan after the bounded number of questions.
        """
        ...


class Critic(Protocol):
    """Judges images and rewrites prompts."""

    @property
    def gives_confidence(self) -> bool:
        """Whether verdicts carry a confidence, so that judging a step's last attempt helps to choose its best one."""
        ...

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """Returns one verdict per case, in order. An unusable answer becomes `Verdict(success=None)`, not an error."""
        ...


class ImageGenerator(Protocol):
    """Draws and edits."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """Returns once the image's bytes lie, hash-verified, in the workspace store.

        Raises:
            InputError: The server refuses this call for good (prompt too long, unusable image).
            GeneratorError: The call failed; `retryable` tells whether it may succeed later.
        """
        ...
