"""The contents of the storyboard, ready for its template: plain values, without markup.

Knows what is shown and in which words; the templates know how it looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interleavethinker.graph.spending import dollar_words
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.image_names import mentions
from interleavethinker.tools.types import Attempt, ImagePart, Plan, Request, Sha256, Verdict

from .attempt_numbers import numbers_of
from .facts import count, facts_of
from .outcome import Outcome, StepState, branch_command, outcome_of, step_state, verdict_words
from .previews import FULL, LARGE, SMALL, ImageView, image_view
from .word_diff import Passage, word_diff

__all__ = [
    "AttemptContent",
    "PageContent",
    "PageImages",
    "Panel",
    "PlanContent",
    "StepContent",
    "page_content",
]


@dataclass(frozen=True)
class Panel:
    """One panel of the comic strip: a step of the answer."""

    number: int
    """Step, from 1."""
    caption: str
    text: str
    image: ImageView | None
    """None for a step with text only."""
    alt: str
    state: StepState


@dataclass(frozen=True)
class AttemptContent:
    """One attempt of a step."""

    number: int
    image: ImageView | None
    """None if the image service refused the content."""
    alt: str
    verdict: StepState
    judge: str
    """Who gave the reason."""
    reason: str
    prompt: Sequence[Passage]
    prompt_label: str
    """Heading of the prompt; says who rewrote it."""
    rewritten: bool
    """Whether the prompt differs from the one before."""
    numbers: Sequence[str]
    """Seed, seconds, confidence and the like."""
    selected: bool
    """Whether it is the one of several attempts that the answer shows."""
    name: str
    """Attempt or variant, with its number."""
    beside: bool
    """Whether it was made side by side with the one before, so that none follows from the other."""
    checklist: Sequence[tuple[str, str, str]]
    """The step's requirements: a mark, its meaning, and the requirement."""


@dataclass(frozen=True)
class StepContent:
    """One step with its attempts."""

    number: int
    title: str
    text: str
    """Text of a step without image."""
    planned_prompt: str
    """The plan's prompt, if no attempt shows it yet."""
    next_prompt: str
    """Prompt of the attempt that would come next, after a rejected last attempt."""
    state: StepState
    attempts: Sequence[AttemptContent]
    branch: str
    """Command that branches here."""


@dataclass(frozen=True)
class PlanContent:
    """One version of the plan."""

    name: str
    reasoning: str
    steps: Sequence[Sequence[Passage]]
    """Each step's prompt or text, with the words marked that changed since the version before."""
    notes: Sequence[str]
    """Who wrote it, and what its check found."""


@dataclass(frozen=True)
class PageContent:
    """Everything on the page."""

    heading: str
    request: str
    """The whole request where the heading is only its beginning."""
    request_images: Sequence[tuple[ImageView, str]]
    """Each with its caption."""
    outcome: Outcome
    summary: Sequence[str]
    """Date and counts, for the line below the heading."""
    notes: Sequence[str]
    faults: Sequence[str]
    """Known faults of the answer."""
    panels: Sequence[Panel]
    steps: Sequence[StepContent]
    plans: Sequence[PlanContent]
    rewrites: bool
    """Whether any prompt was rewritten, so that the page explains its marks."""
    facts: Sequence[tuple[str, str]]
    """Names and values of the details."""


_HEADING_LENGTH = 280
_MARKS = {True: ("✓", "met"), False: ("✗", "not met"), None: ("?", "unsure")}
_AUTHORS = {"planner": "the planner", "fallback_planner": "the fallback planner", "person": "a person"}


@dataclass(frozen=True)
class PageImages:
    """The images of a page."""

    png: Mapping[Sha256, bytes | None]
    """PNG bytes by name; None for images that are missing or damaged."""
    originals: str = ""
    """Folder with the originals, relative to the page; empty if there is none."""
    full_size: bool = False
    """Whether the page holds the answer's images in full size."""

    def small(self, name: Sha256) -> ImageView:
        """Returns an image of the request or of an attempt."""
        return image_view(name, self.png, SMALL, self.originals)

    def large(self, name: Sha256) -> ImageView:
        """Returns an image of the answer."""
        return image_view(name, self.png, FULL if self.full_size else LARGE, self.originals)


def page_content(trajectory: Trajectory, images: PageImages) -> PageContent:
    """Builds the contents of the page from a snapshot of the trajectory and its images."""
    text = _request_words(trajectory.request)
    short = len(text) <= _HEADING_LENGTH
    outcome = outcome_of(trajectory)
    steps = [_step(trajectory, index, images) for index in range(_step_count(trajectory))]
    shown = (*trajectory.document.notes, *trajectory.notes)
    elsewhere = {outcome.sentence, *(f"Known fault: {fault}" for fault in trajectory.document.faults)}
    return PageContent(
        heading=text if short and trajectory.request.text.strip() else trajectory.title,
        request="" if short else text,
        request_images=[
            (images.small(part.sha256), _caption(part, number))
            for number, part in enumerate((p for p in trajectory.request.parts if isinstance(p, ImagePart)), 1)
        ],
        outcome=outcome,
        summary=list(_summary(trajectory)),
        notes=[note for note in dict.fromkeys(shown) if note not in elsewhere],
        faults=trajectory.document.faults,
        panels=list(_panels(trajectory, images)),
        steps=steps,
        plans=[_plan(trajectory, position) for position in range(len(trajectory.plans))],
        rewrites=any(attempt.rewritten for step in steps for attempt in step.attempts),
        facts=[(name, value) for name, value in facts_of(trajectory) if value],
    )


def _caption(part: ImagePart, number: int) -> str:
    name = f"@{part.name}" if part.name is not None else f"image {number}"
    return ": ".join(filter(None, (name, part.purpose or part.words)))


def _request_words(request: Request) -> str:
    """Returns the text of a request, with the number of each image in its place.

    The text mentions images with a name itself; one that it leaves out stands in its place as `@name`.
    """
    words: list[str] = []
    images = 0
    mentioned = mentions(request.text, request.named_images)
    for part in request.parts:
        if not isinstance(part, ImagePart):
            words.append(part.text)
            continue
        images += 1
        if part.name is None:
            words.append(f"[image {images}]")
        elif part.name not in mentioned:
            words.append(f"@{part.name}")
    return (" " if images else "\n").join(words).strip()


def _summary(trajectory: Trajectory) -> Iterator[str]:
    yield f"{trajectory.created:%d %B %Y, %H:%M} UTC"
    if trajectory.plan is not None:
        yield count(len(trajectory.plan.steps), "step")
    yield count(len(trajectory.attempts), "attempt")
    rejected = sum(one.verdict is not None and one.verdict.success is False for one in trajectory.attempts)
    if rejected:
        yield f"{rejected} rejected"
    yield f"{trajectory.seconds:.1f} s"
    if cost := dollar_words(trajectory.spending):
        yield cost


def _panels(trajectory: Trajectory, images: PageImages) -> Iterator[Panel]:
    for index in dict.fromkeys(block.step for block in trajectory.document.blocks):
        blocks = {block.kind: block for block in trajectory.document.blocks if block.step == index}
        caption = blocks["heading"].text if "heading" in blocks else ""
        text = "\n".join(
            block.text for block in trajectory.document.blocks if (block.step, block.kind) == (index, "text")
        )
        image = blocks.get("image")
        yield Panel(
            number=index + 1,
            caption=caption,
            text=text,
            image=None if image is None or image.sha256 is None else images.large(image.sha256),
            alt=caption or text or (image.text if image else ""),
            state=step_state(trajectory, index),
        )


def _step_count(trajectory: Trajectory) -> int:
    """Returns the number of steps with something to show: those of the plan, and dropped ones that have attempts."""
    planned = len(trajectory.plan.steps) if trajectory.plan else 0
    return max([planned, *(attempt.step + 1 for attempt in trajectory.attempts)])


def _step(trajectory: Trajectory, index: int, images: PageImages) -> StepContent:
    plan = next(plan for plan in reversed(trajectory.plans) if index < len(plan.steps))
    step, attempts, state = plan.steps[index], trajectory.attempts_for(index), step_state(trajectory, index)
    latest = next((attempt for attempt in reversed(attempts) if not attempt.outdated), None)
    unfinished = latest is not None and state.word in {"in progress", "best effort"}
    refined = latest.verdict.refined_prompt if latest is not None and latest.verdict is not None else ""
    return StepContent(
        number=index + 1,
        title=step.instruction or "",
        text=step.auxiliary_text or "" if step.prompt is None else "",
        planned_prompt="" if latest else step.prompt or "",
        next_prompt=refined if unfinished and latest is not None and refined != latest.prompt else "",
        state=state,
        attempts=_attempts(trajectory, attempts, images),
        branch=branch_command(trajectory, index, attempts),
    )


def _attempts(trajectory: Trajectory, attempts: Sequence[Attempt], images: PageImages) -> list[AttemptContent]:
    contents: list[AttemptContent] = []
    plans = {plan.version: plan for plan in trajectory.plans}
    previous: Attempt | None = None
    for attempt in attempts:
        plan = plans.get(attempt.plan_version)
        planned = plan.steps[attempt.step].prompt if plan is not None and attempt.step < len(plan.steps) else None
        before = previous.prompt if previous is not None else planned or attempt.prompt
        verdict = StepState("no image", "bad") if attempt.image is None else verdict_words(attempt.verdict)
        new_plan = plan if previous is not None and previous.plan_version != attempt.plan_version else None
        contents.append(
            AttemptContent(
                number=attempt.iteration + 1,
                image=None if attempt.image is None else images.small(attempt.image),
                alt=f"Step {attempt.step + 1}, attempt {attempt.iteration + 1}, {verdict.word}: {attempt.prompt}",
                verdict=verdict,
                judge=_judge_of(attempt),
                reason=attempt.refusal or ("" if attempt.verdict is None else attempt.verdict.reasoning.strip()),
                prompt=word_diff(before, attempt.prompt) if before != attempt.prompt else _unchanged(attempt.prompt),
                prompt_label=_prompt_label(before != attempt.prompt, new_plan),
                rewritten=before != attempt.prompt,
                numbers=list(numbers_of(trajectory, attempt)),
                selected=len(attempts) > 1 and attempt == trajectory.selected(attempt.step),
                name=f"{'Variant' if attempt.variant else 'Attempt'} {attempt.iteration + 1}",
                beside=attempt.variant and previous is not None and previous.variant and new_plan is None,
                checklist=[] if attempt.verdict is None else list(_checklist(attempt.verdict)),
            )
        )
        previous = attempt
    return contents


def _checklist(verdict: Verdict) -> Iterator[tuple[str, str, str]]:
    for item in verdict.checklist:
        yield *_MARKS[item.met], f"{item.text} (as before)" if item.kind == "kept" else item.text


def _judge_of(attempt: Attempt) -> str:
    if attempt.verdict is not None and attempt.verdict.by_hand:
        return "Person"
    return "Image service" if attempt.image is None else "Critic"


def _prompt_label(rewritten: bool, new_plan: Plan | None) -> str:
    if new_plan is not None:
        return "Prompt, by a person" if new_plan.made_by == "person" else f"Prompt of plan {new_plan.version}"
    return "Prompt, rewritten" if rewritten else "Prompt"


def _unchanged(text: str) -> tuple[Passage, ...]:
    return (Passage("same", text),)


def _plan(trajectory: Trajectory, position: int) -> PlanContent:
    plan, last = trajectory.plans[position], len(trajectory.plans) - 1
    before = trajectory.plans[position - 1] if position else None
    standing = ", rejected by its check" if plan.rejected else ", in effect" if last and position == last else ""
    return PlanContent(
        name=f"Plan {plan.version}{standing} ({count(len(plan.steps), 'step')})",
        reasoning=plan.reasoning.strip(),
        steps=[_planned_step(plan, before, index) for index in range(len(plan.steps))],
        notes=list(_plan_notes(plan)),
    )


def _plan_notes(plan: Plan) -> Iterator[str]:
    if plan.made_by is not None:
        yield f"Written by {_AUTHORS[plan.made_by]}."
    if plan.report is not None:
        yield from plan.report.faults
        if not plan.report.faults:
            passed = "found no fault" if plan.report.checked else "could not decide whether it fulfills the request"
            yield f"The check of the plan {passed}."


def _planned_step(plan: Plan, before: Plan | None, index: int) -> Sequence[Passage]:
    text = _step_words(plan, index)
    if before is None or index >= len(before.steps) or _step_words(before, index) == text:
        return _unchanged(text)
    return word_diff(_step_words(before, index), text)


def _step_words(plan: Plan, index: int) -> str:
    step = plan.steps[index]
    return step.prompt or step.auxiliary_text or step.instruction or ""
