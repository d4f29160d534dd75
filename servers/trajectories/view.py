"""A trajectory as somebody who watches it sees it: the one model of the board, the studio and the tools' answers.

Pure functions of a snapshot. Steps and attempts count from 1, as on the command line. Texts are as models and people
wrote them, so whoever shows them must escape them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.graph.document import DocumentStatus, StepStatus, status_of
from interleavethinker.graph.limits import Limits, StopReason
from interleavethinker.graph.workspace.catalog import Status, TrajectorySummary
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, ImagePart, Part, Requirement, Sha256, Step

__all__ = [
    "AttemptView",
    "BranchView",
    "RequestPart",
    "Seen",
    "StepView",
    "View",
    "Work",
    "parse_version",
    "profile_name",
    "view_of",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RequestPart(_Frozen):
    """A text or an image of the request; exactly one of the two is set."""

    text: str | None = None
    image: Sha256 | None = None
    name: str | None = None
    """The word by which texts mention the image; one with a name is a reference."""
    purpose: str = ""
    """What the image is for, in the person's words."""


class AttemptView(_Frozen):
    """One attempt of a step."""

    n: int
    """From 1, within one plan version; `Workspace` calls `n - 1` its iteration."""
    plan_version: int
    prompt: str
    seed: int
    image: Sha256 | None
    """None if the image service refused the content."""
    source: Sha256 | None
    """The image that was edited."""
    masked: bool = False
    """Whether only a region of that image was changed."""
    size: str | None = None
    """The size or aspect ratio that was asked for."""
    verdict: Literal["accepted", "rejected", "unjudged", "refused"] | None
    """None: not judged yet. `unjudged`: the critic gave no usable answer."""
    reason: str
    """The critic's or the person's words, or those of the image service that refused."""
    checklist: tuple[Requirement, ...] = ()
    """The step's requirements one by one, if the critic answers with them."""
    variant: bool = False
    """Whether it is one of several first attempts, made side by side."""
    by_person: bool
    confidence: float | None
    """Of the critic that its verdict is right about success, from 0 to 1."""
    place: int | None = None
    """Among the variants that the critic compared in pairs, from 1; None if it compared none."""
    drift: float | None = None
    """Accumulated damage by edits; None if it was not measured."""
    selected: bool
    """Whether the document shows this attempt."""
    outdated: bool = False
    """Whether a new plan, or another image before it, came before its step had its turn."""
    seconds: float
    model: str


class StepView(_Frozen):
    """One step of the plan."""

    n: int
    """From 1."""
    instruction: str
    """Heading for readers; empty if the plan has none."""
    caption: str
    """Text beside the image; empty if the plan has none."""
    prompt: str | None
    """The plan's prompt; None for a step with text only."""
    size: str | None = None
    """The plan's size or aspect ratio for this step; None: the trajectory's."""
    starts_from: str | None = None
    """What the step edits: the image of the step before (None), `nothing`, `step 2` or `reference 1`."""
    references: tuple[str, ...] = ()
    """What it looks at besides; see `Step.references`."""
    status: StepStatus | Literal["pending", "current"]
    """`current`: the first unfinished step, unless the trajectory has ended. Finished steps have a `StepStatus`."""
    image: Sha256 | None
    """Image of the selected attempt."""
    shows: str
    """Description of that image: the prompt that it was generated from."""
    attempts_made: int
    attempts: tuple[AttemptView, ...]
    """By plan version and number; `compact` leaves some out, `attempts_made` counts them all."""


class BranchView(_Frozen):
    """One member of the trajectory's family: its ancestors, their branches, and its own."""

    trajectory: str
    title: str
    status: Status
    parent: str | None
    step: int | None
    """Step of the parent at which it was branched, from 1."""
    attempt: int | None
    """Attempt of that step, from 1."""
    created: datetime


class Work(_Frozen):
    """What the process that runs the trajectory is doing. Only that process knows."""

    phase: Literal["loading", "planning", "generating", "judging", "waiting_for_model"]
    step: int | None = None
    """From 1."""
    attempt: int | None = None
    """From 1."""
    fraction: float | None = None
    """Finished part of the generator call, from 0 to 1, in steps of 0.05."""
    message: str = ""


class View(_Frozen):
    """Everything that a live board shows of a trajectory."""

    trajectory: str
    title: str
    profile: str
    """Name of the profile, without the path of its file."""
    status: Status
    stop_reason: StopReason | None
    """Why it ended by itself; None if it has not."""
    reason: str
    """Why it failed; empty otherwise."""
    step: int
    """First unfinished step, from 1; 0 while there is no plan; `of` once all are finished."""
    of: int
    """Number of steps; 0 while there is no plan."""
    finished: int
    """Number of finished steps."""
    steps: tuple[StepView, ...]
    waiting_for: Literal["approval"] | None
    """`approval`: a person must approve or edit the plan; None also if they have, for the next run."""
    document_status: DocumentStatus
    faults: tuple[str, ...]
    """What the checks of the plan and of the document found wrong or missing, one sentence each."""
    notes: tuple[str, ...]
    """Limitations of the document, the profile's notes, and the sources of facts that were looked up."""
    request: tuple[RequestPart, ...]
    plan_version: int
    """0 while there is no plan."""
    reasoning: str
    """The planner's reasoning before its answer; empty if there is none."""
    seed: int
    image_size: str | None = None
    """Size or aspect ratio of the images; None: the model's own."""
    limits: Limits
    calls: int
    """Attempts so far."""
    seconds: float
    """Time spent in planner, generator and critic."""
    created: datetime
    updated: datetime
    """When the status last changed."""
    branches: tuple[BranchView, ...]
    """The whole family, this trajectory included, the oldest first; empty if there is no other member."""
    work: Work | None
    """None unless this server runs the trajectory."""
    studio: str | None
    """Address of the local page for this trajectory, if one is served."""
    version: str
    """Changes whenever anything else here changes, and equal views have equal ones. Pass it as `since`."""


@dataclass(frozen=True)
class Seen:
    """What a watcher had seen, according to a version."""

    finished: int
    """Finished steps."""
    attempts: int
    """Attempts of the step after them, under the newest plan."""
    milestone: str
    """Changes with the status, a finished step and a new plan, but not with every attempt."""


def parse_version(version: str) -> Seen:
    """Returns what a version says about what its holder has seen.

    Raises:
        InputError: It is no version.
    """
    parts = version.split("-")
    if len(parts) != 4 or not (parts[0].isdecimal() and parts[1].isdecimal()) or len(version) > 60:
        raise InputError(f"`since` must be the `version` of an earlier answer; got {version[:60]!r}.")
    return Seen(int(parts[0]), int(parts[1]), parts[2])


def view_of(
    trajectory: Trajectory,
    family: Sequence[TrajectorySummary] = (),
    work: Work | None = None,
    studio: str | None = None,
    answered: bool = False,
) -> View:
    """Describes a snapshot for its watchers.

    Args:
        trajectory: The snapshot.
        family: All trajectories of the workspace among which to look for ancestors and branches.
        work: What this process is doing for the trajectory. Then it is `running` for its watchers, although the catalog
            may not say so yet.
        studio: Address of the local page.
        answered: Whether a person has approved the plan that waits.
    """
    plan = trajectory.plan
    by_step: dict[int, list[Attempt]] = {}
    for attempt in trajectory.attempts:
        by_step.setdefault(attempt.step, []).append(attempt)
    steps = tuple(
        _step(trajectory, index, step, by_step.get(index, [])) for index, step in enumerate(plan.steps if plan else ())
    )
    finished = min(trajectory.current_step, len(steps))
    work = None if trajectory.status in {"done", "cancelled"} else work
    status = trajectory.status if work is None else "running"
    view = View(
        trajectory=trajectory.id,
        title=trajectory.title,
        profile=profile_name(trajectory.profile),
        status=status,
        stop_reason=trajectory.stop_reason,
        reason=trajectory.reason if status == trajectory.status else "",
        step=min(finished + 1, len(steps)),
        of=len(steps),
        finished=finished,
        steps=steps,
        waiting_for="approval" if status == "waiting" and not answered else None,
        document_status=trajectory.document.status,
        faults=trajectory.document.faults,
        notes=(
            *trajectory.document.notes,
            *trajectory.notes,
            *(f"Source: {source}" for source in trajectory.document.sources),
        ),
        request=tuple(_part(part) for part in trajectory.request.parts),
        plan_version=plan.version if plan else 0,
        reasoning=plan.reasoning if plan else "",
        seed=trajectory.seed,
        image_size=trajectory.image_size,
        limits=trajectory.limits,
        calls=len(trajectory.attempts),
        seconds=round(trajectory.seconds, 2),
        created=trajectory.created,
        updated=trajectory.updated,
        branches=_family(trajectory, family),
        work=work,
        studio=studio,
        version="",
    )
    return view.model_copy(update={"version": _version(view)})


def profile_name(profile: str) -> str:
    """Returns a profile's name without the folder of its file, which is nobody's business outside this machine."""
    return profile.replace("\\", "/").rpartition("/")[2].removesuffix(".toml")


def _version(view: View) -> str:
    current = view.steps[view.finished].attempts_made if view.finished < view.of else 0
    milestone = f"{view.status}/{view.finished}/{view.plan_version}"
    return f"{view.finished}-{current}-{_digest(milestone)[:8]}-{_digest(view.model_dump_json())[:16]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _part(part: Part) -> RequestPart:
    if isinstance(part, ImagePart):
        return RequestPart(image=part.sha256, name=part.name, purpose=part.purpose)
    return RequestPart(text=part.text)


def _step(trajectory: Trajectory, index: int, step: Step, attempts: Sequence[Attempt]) -> StepView:
    of_step = {str(number): attempt for number, attempt in enumerate(attempts)}
    selected = None if step.prompt is None else selected_attempt(of_step, index)
    status: StepStatus | Literal["pending", "current"]
    if index < trajectory.current_step:
        status = "text_only" if step.prompt is None else status_of(selected)
    elif index == trajectory.current_step and trajectory.stop_reason is None:
        status = "current"
    else:  # Steps side by side with the current one may be in the document.
        shown = {block.step: block.status for block in trajectory.document.blocks}
        ended = trajectory.stop_reason is not None or trajectory.status == "cancelled"
        status = shown.get(index, "pending")
        status = status if ended or status in {"accepted", "text_only"} else "pending"
    return StepView(
        n=index + 1,
        instruction=step.instruction or "",
        caption=step.auxiliary_text or "",
        prompt=step.prompt,
        size=step.size,
        starts_from=step.starts_from,
        references=step.references,
        status=status,
        image=selected.image if selected else None,
        shows=selected.prompt if selected else "",
        attempts_made=len(attempts),
        attempts=tuple(_attempt(attempt, selected=attempt == selected) for attempt in attempts),
    )


def _attempt(attempt: Attempt, *, selected: bool) -> AttemptView:
    verdict = attempt.verdict
    word: Literal["accepted", "rejected", "unjudged", "refused"] | None
    if attempt.image is None:
        word = "refused"
    elif verdict is None:
        word = None
    elif verdict.success is None:
        word = "unjudged"
    else:
        word = "accepted" if verdict.success else "rejected"
    return AttemptView(
        n=attempt.iteration + 1,
        plan_version=attempt.plan_version,
        prompt=attempt.prompt,
        seed=attempt.seed,
        image=attempt.image,
        source=attempt.source,
        masked=attempt.mask is not None,
        outdated=attempt.outdated,
        size=attempt.size,
        verdict=word,
        reason=attempt.refusal or (verdict.reasoning if verdict else ""),
        checklist=verdict.checklist if verdict else (),
        variant=attempt.variant,
        by_person=verdict is not None and verdict.by_hand,
        confidence=verdict.confidence if verdict else None,
        place=verdict.place if verdict else None,
        drift=attempt.drift.total if attempt.drift else None,
        selected=selected,
        seconds=round(attempt.seconds, 2),
        model=attempt.model,
    )


def _family(trajectory: Trajectory, all_: Sequence[TrajectorySummary]) -> tuple[BranchView, ...]:
    """Returns the ancestors, and everything that descends from the oldest of them; nothing for an only child."""
    members = {one.id: one for one in (*reversed(trajectory.lineage), trajectory.summary)}
    by_parent: dict[str, list[TrajectorySummary]] = {}
    for one in all_:
        if one.parent is not None:
            by_parent.setdefault(one.parent, []).append(one)
    pending = list(members)
    while pending:
        for child in by_parent.get(pending.pop(), ()):
            if child.id not in members:
                members[child.id] = child
                pending.append(child.id)
    if len(members) == 1:
        return ()
    # By when they were created, whatever the clock said: deleted ancestors first, and a newer one than `all_` last.
    order = {one.id: number for number, one in enumerate(reversed(all_))}
    order.setdefault(trajectory.summary.id, len(order))
    return tuple(
        BranchView(
            trajectory=one.id,
            title=one.title,
            status=one.status,
            parent=one.parent,
            step=None if one.parent_step is None else one.parent_step + 1,
            attempt=None if one.parent_iteration is None else one.parent_iteration + 1,
            created=one.created,
        )
        for one in sorted(members.values(), key=lambda one: order.get(one.id, -1))
    )
