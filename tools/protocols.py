"""The protocols that implementations plug into: planner, critic, image generator, and the checks of plan and document.

Async protocols without behavior. Chat models, scripted baselines, teachers, people and in-memory fakes implement them;
none of them needs to inherit from a class here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .types import Attempt, CheckReport, CriticInput, GeneratedImage, GenerationRequest, Plan, Request, Verdict

__all__ = [
    "Critic",
    "DocumentCheck",
    "ImageGenerator",
    "PlanCheck",
    "PlanContext",
    "Planner",
    "ProgressCallback",
    "Rewording",
]

ProgressCallback = Callable[[float, str], None]
"""Called with a fraction in 0..1 and a short message while an image is generated. It must not block."""


@dataclass(frozen=True)
class PlanContext:
    """Context for a planner besides the request. Empty for the first plan, filled when a plan is replaced."""

    previous: Plan | None = None
    """The plan being replaced."""
    done: tuple[Attempt, ...] = ()
    """The selected attempt of each finished step of the previous plan that has an image, in order."""
    failed_steps: tuple[int, ...] = ()
    """Indices of the previous plan's steps that used up their attempts without success."""
    finished: int = 0
    """Number of finished steps of the previous plan, text-only steps included. The remaining steps are replanned."""
    rejected: Plan | None = None
    """The planner's last answer to this request, if the plan check rejected it: only the steps that it wrote."""
    faults: tuple[str, ...] = ()
    """The faults that the plan check found in `rejected`."""


class Planner(Protocol):
    """Plans all steps of a trajectory in advance."""

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """Returns a plan for the request, or for its remaining steps if `context.previous` is given.

        Raises:
            InputError: This planner cannot handle the request.
            ModelAnswerError: The planner's model gave no usable plan.
            ModelError: The planner's model cannot be loaded or reached.
        """
        ...


class Critic(Protocol):
    """Judges the images of attempts, and refines their prompts."""

    @property
    def gives_confidence(self) -> bool:
        """Whether verdicts have a confidence, which is needed to select the best of a step's failed attempts."""
        ...

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """Returns one verdict for each case, in order.

        An unusable answer of the model is not an error: its verdict is `Verdict(success=None)`.

        Raises:
            ModelError: The critic's model cannot be loaded or reached.
        """
        ...


class PlanCheck(Protocol):
    """Checks a plan against the request before anything is generated."""

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:
        """Returns the plan's faults.

        A check that cannot decide returns `CheckReport(checked=False)`; it never fails a trajectory for that.

        Args:
            request: The request.
            plan: All steps; for a replan, these include the finished steps of the previous plan.
            context: What the planner was told.
        """
        ...


class DocumentCheck(Protocol):
    """Checks a finished document against the request."""

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:
        """Returns the document's faults; as `PlanCheck.check_plan`, `CheckReport(checked=False)` if it cannot decide.

        Args:
            request: The request.
            plan: The plan that was carried out.
            shown: For each step of the plan, the attempt whose image the document shows; None for a text-only step.
        """
        ...


@runtime_checkable
class Rewording(Protocol):
    """What a critic may offer besides judging: other words for a prompt that the image service refused."""

    async def reword(self, prompt: str, original_prompt: str, refusal: str) -> str:
        """Returns a prompt for the next attempt; the same one if the critic has no other words.

        Args:
            prompt: The prompt that was refused.
            original_prompt: The step's prompt in the plan.
            refusal: The service's words.

        Raises:
            ModelError: The critic's model cannot be loaded or reached.
        """
        ...


class ImageGenerator(Protocol):
    """Generates and edits images."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """Runs one call, and returns once the image is in the workspace's store, verified by its hash.

        Args:
            call: What to generate or edit.
            progress: Receives progress, if the generator reports any.

        Raises:
            RefusalError: The service refuses the content of this call.
            InputError: The generator cannot execute this call, for example because its prompt is too long.
            GeneratorError: The call failed; `retryable` says whether it may succeed later.
        """
        ...
