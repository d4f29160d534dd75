"""The protocols that implementations plug into: planner, critic, image generator, and the checks of plan and document.

Async protocols without behavior. Chat models, scripted baselines, teachers, people and in-memory fakes implement them;
none of them needs to inherit from a class here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from .types import Attempt, CheckReport, CriticInput, GeneratedImage, GenerationRequest, Lookup, Plan, Request, Verdict

__all__ = [
    "Comparing",
    "Critic",
    "DocumentCheck",
    "ImageGenerator",
    "PlanCheck",
    "PlanContext",
    "Planner",
    "ProgressCallback",
    "ReferenceWords",
    "Rephrasing",
    "Researcher",
    "Rewording",
    "WishReader",
]

ProgressCallback = Callable[[float, str], None]
"""Called with a fraction in 0..1 and a short message while an image is generated. It must not block."""

ReferenceWords = Callable[[bytes, str], str]
"""Describes what an image shows of a name (`cat`), for models that take no reference images: `the small red cat`. It
blocks, and raises `InputError` if it cannot tell."""


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
    lookups: tuple[Lookup, ...] = ()
    """What was looked up before planning."""


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


class Researcher(Protocol):
    """Looks up what a plan needs to know, before the planner is asked."""

    @property
    def max_calls(self) -> int:
        """Most calls of tools for one request."""
        ...

    async def next_lookups(self, request: Request, done: Sequence[Lookup]) -> list[Lookup]:
        """Returns the calls to make next, without results; none if the request needs no further facts.

        Args:
            request: The request.
            done: The calls so far, with their results.

        Raises:
            ModelError: The model that decides cannot be loaded or reached.
        """
        ...

    async def look_up(self, lookup: Lookup) -> Lookup:
        """Makes one call and returns it with its result. A tool that fails is no error, but a failed lookup."""
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


@runtime_checkable
class Comparing(Protocol):
    """What a critic may offer besides judging: the better one of two variants of a step."""

    @property
    def comparisons(self) -> int:
        """Most pairs that are compared for one step; 0: variants are ranked by their verdicts alone."""
        ...

    async def better(self, first: CriticInput, second: CriticInput) -> Literal["first", "second"] | None:
        """Returns which image shows better what the step asks for; None if the critic cannot tell.

        Args:
            first: A variant, whatever its verdict.
            second: Another one of the same step, made from the same source and references.

        Raises:
            ModelError: The critic's model cannot be loaded or reached.
        """
        ...


@runtime_checkable
class Rephrasing(Protocol):
    """What a critic may offer besides judging: another prompt where its own was already tried in the same step."""

    async def rephrase(self, case: CriticInput, verdict: Verdict, tried: Sequence[str], seed: int) -> Verdict:
        """Returns the verdict with a prompt that was not tried; unchanged in its prompt if the critic has none.

        Only `refined_prompt` and `rephrasings` may differ: the judgement stays, unless a fallback critic judges in this
        critic's place. Equal arguments give equal verdicts, as far as the critic's model can be seeded.

        Args:
            case: What was judged.
            verdict: The rejection, whose prompt was tried.
            tried: The prompts of all attempts of this step, in order.
            seed: For sampling, from 0 to 2³¹ - 1; derived from the trajectory's seed.

        Raises:
            ModelError: The critic's model cannot be loaded or reached.
        """
        ...


class WishReader(Protocol):
    """Understands prompts well enough to tell what an edit should have left alone. Called in a thread; blocks."""

    def outside(self, wish: str, source: bytes, image: bytes) -> float | None:
        """Returns the damage outside the wish of an edit, 0..1; None if the wish cannot be read.

        Args:
            wish: What the edit should do.
            source: The image that was edited, as PNG.
            image: The result, as PNG.
        """
        ...

    def merged(self, prompts: Sequence[str], source: bytes | None) -> str | None:
        """Returns one prompt that does what the prompts do in turn; None if these prompts cannot be merged.

        Args:
            prompts: In order; the first one describes a whole image if there is no source.
            source: The image that the merged prompt edits, as PNG; None: it is generated from text alone.
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
