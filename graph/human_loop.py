"""Questions to a person in LangChain's human-in-the-loop form, and the reading of the answers.

An interrupt carries `action_requests` and `review_configs`, which chat clients and Agent Inbox show as forms; the
answer is `{"decisions": [{"type": "approve" | "edit" | "reject", …}]}`. The plan's interrupt also keeps the fields of
this project's first form, and accepts its answer: `{"approved": true, "steps": …}`.

Pure functions. An answer that cannot be used is described in words, so that the same question can be asked again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.structured_text import parse_json
from interleavethinker.tools.types import Attempt, Plan, Request, Sha256, Step
from interleavethinker.tools.validation import problems_of, require_type

from .dependencies import dependency_problem
from .workspace.human_review import HumanVerdict

__all__ = [
    "IMAGE_ACTION",
    "PLAN_ACTION",
    "Approval",
    "PlanDecision",
    "approval_with",
    "finished_steps_problem",
    "image_question",
    "image_verdict",
    "plan_decision",
    "plan_question",
]

PLAN_ACTION = "carry_out_plan"
IMAGE_ACTION = "accept_image"


class _Frozen(StrictNumbers):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Approval(_Frozen):
    """The answer to the approval interrupt: approve the plan, or replace its steps."""

    approved: Literal[True]
    """Required, because LangGraph treats an empty answer as no answer."""
    steps: tuple[Step, ...] | None = None
    """Steps that replace the plan's; None approves the plan unchanged."""


def approval_with(steps: Sequence[Step] | None, request: Request, most: int, finished: Sequence[Step] = ()) -> Approval:
    """Returns a person's approval of a plan, with these steps instead of its own if there are any.

    Args:
        steps: The steps; None: those of the plan.
        request: What they answer.
        most: Largest number of steps that the trajectory carries out.
        finished: Steps of the plan that are carried out already, if it is one for the steps after them.

    Raises:
        InputError: They are no steps, none at all or too many, one starts from what there is not, or a finished one is
            missing or changed.
    """
    require_type(steps, (list, tuple, type(None)), "steps", "a list of steps")
    if steps is not None and not steps:
        raise InputError("An edited plan must have at least one step.")
    if steps is not None and len(steps) > most:
        raise InputError(f"An edited plan may have at most {most} steps (max_steps); this one has {len(steps)}.")
    try:
        approval = Approval(approved=True, steps=None if steps is None else tuple(steps))
    except ValidationError as error:
        raise InputError(f"An edited plan must be a list of steps: {problems_of(error)}.") from error
    problem = dependency_problem(approval.steps or (), request)
    if not problem and approval.steps is not None:
        problem = finished_steps_problem(approval.steps, finished)
    if problem:
        raise InputError(problem)
    return approval


def finished_steps_problem(steps: Sequence[Step], finished: Sequence[Step]) -> str:
    """Returns why a person's plan does not go on from the steps that are finished; empty if it does.

    Their texts may have other words, but not what their images were made from.
    """
    if [*map(_image_of, steps[: len(finished)])] == [*map(_image_of, finished)]:
        return ""
    which = "Step 1 is" if len(finished) == 1 else f"Steps 1 to {len(finished)} are"
    return (
        f"{which} finished: an edited plan has all steps, and begins with the finished ones unchanged. To change one "
        "of them, branch from it."
    )


def _image_of(step: Step) -> tuple[object, ...]:
    return step.prompt, step.starts_from, step.size, step.references


class _Approve(_Frozen):
    type: Literal["approve"]


class _Reject(_Frozen):
    type: Literal["reject", "respond"]
    message: str = ""


def _parsed(steps: object) -> object:
    """Returns the steps of a form in which a person edited them as JSON; such forms send back the text."""
    if not isinstance(steps, str):
        return steps
    try:
        return parse_json(steps)
    except ValueError as error:
        raise ValueError(
            f"not valid JSON ({error}); correct it, or reject the plan and say what is to change"
        ) from error


class _PlanArguments(_Frozen):
    steps: Annotated[tuple[Step, ...], BeforeValidator(_parsed)]


class _EditedPlan(_Frozen):
    name: str = PLAN_ACTION
    args: _PlanArguments


class _EditPlan(_Frozen):
    type: Literal["edit"]
    edited_action: _EditedPlan


class _RejectImage(_Reject):
    region: str | None = None
    mask: Sha256 | None = None


def _number(value: object) -> int | None:
    """Returns a number that a form may send back as text; None: none of an attempt."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class _ImageArguments(StrictNumbers):
    """Clients send all arguments back; the ones that only inform are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: str
    iteration: Annotated[int | None, BeforeValidator(_number)] = None
    region: str | None = None
    mask: Sha256 | None = None


class _EditedImage(_Frozen):
    name: str = IMAGE_ACTION
    args: _ImageArguments


class _EditImage(_Frozen):
    type: Literal["edit"]
    edited_action: _EditedImage


class _PlanResponse(_Frozen):
    decisions: tuple[Annotated[_Approve | _EditPlan | _Reject, Field(discriminator="type")]]


class _ImageResponse(_Frozen):
    decisions: tuple[Annotated[_Approve | _EditImage | _RejectImage, Field(discriminator="type")]]


_PLAN_SCHEMA: dict[str, Any] = TypeAdapter(_PlanResponse | Approval).json_schema()
_IMAGE_SCHEMA: dict[str, Any] = TypeAdapter(_ImageResponse).json_schema()


@dataclass(frozen=True)
class PlanDecision:
    """A person's answer to a plan."""

    steps: tuple[Step, ...] | None = None
    """Steps that replace the plan's; None: unchanged."""
    rejected: bool = False
    message: str = ""
    """After a rejection: what the plan should do instead."""
    problem: str = ""
    """Why the answer cannot be used; empty if it can."""


def plan_question(plan: Plan, problem: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the interrupt that asks for a plan's approval, and the JSON Schema of its answer.

    Args:
        plan: The plan.
        problem: Why the previous answer could not be used.
    """
    steps = [step.model_dump(mode="json") for step in plan.steps]
    lines = [f"{number}. {_title(step)}" for number, step in enumerate(plan.steps, start=1)]
    description = "\n".join(
        [
            *([problem, ""] if problem else []),
            "Carry out this plan?",
            *lines,
            "",
            "Edit replaces the steps. Reject with a message plans again with it; without one it ends the answer.",
        ]
    )
    question: dict[str, Any] = {
        "kind": "approve_plan",
        "plan": plan.model_dump(mode="json"),
        "action_requests": [{"name": PLAN_ACTION, "args": {"steps": steps}, "description": description}],
        "review_configs": [{"action_name": PLAN_ACTION, "allowed_decisions": ["approve", "edit", "reject", "respond"]}],
    }
    return question | ({"problem": problem} if problem else {}), _PLAN_SCHEMA


def plan_decision(answer: object) -> PlanDecision:
    """Reads the answer to `plan_question`, in either form."""
    try:
        if not (isinstance(answer, Mapping) and "decisions" in answer):
            return PlanDecision(steps=Approval.model_validate(answer).steps)
        (decision,) = _PlanResponse.model_validate(answer).decisions
    except ValidationError as error:
        return PlanDecision(
            problem='The answer must be {"decisions": [{"type": "approve"}]}, with the type "edit" or "reject", or '
            f'{{"approved": true}}, optionally with "steps": {problems_of(error)}'
        )
    match decision:
        case _EditPlan():
            return PlanDecision(steps=decision.edited_action.args.steps)
        case _Reject():
            return PlanDecision(rejected=True, message=decision.message.strip())
        case _:
            return PlanDecision()


def image_question(
    asked: Sequence[Attempt], address: Callable[[Sha256], str], problem: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the interrupt that asks whether an attempt's image is right, and the JSON Schema of its answer.

    Args:
        asked: The newest attempt of the current step, or its variants, of which the first one is asked about. All of
            them have an image.
        address: Returns where the person can see an image.
        problem: Why the previous answer could not be used.
    """
    attempt, verdict = asked[0], asked[0].verdict
    others = [
        f"Also generated, iteration {one.iteration}: ![attempt]({address(one.image or '')}) The critic {_opinion(one)}."
        for one in asked[1:]
    ]
    description = "\n".join(
        [
            *([problem, ""] if problem else []),
            f"Step {attempt.step + 1}, attempt {attempt.iteration + 1}: {attempt.prompt}",
            f"![attempt]({address(attempt.image or '')})",
            f"The critic {_opinion(attempt)}.",
            *others,
            *(["Edit with the iteration of one of these accepts it instead."] if others else []),
            "Approve accepts the image. Reject generates another one; a message is its prompt. Edit does the same.",
            "With a region X,Y,WIDTH,HEIGHT, in pixels or percent, only that part of the image changes.",
        ]
    )
    refined = verdict.refined_prompt if verdict is not None and verdict.success is False else ""
    arguments = {
        "step": attempt.step,
        "iteration": attempt.iteration,
        "image": address(attempt.image or ""),
        "sha256": attempt.image,
        "success": None if verdict is None else verdict.success,
        "prompt": refined or attempt.prompt,
        "region": "",
    }
    question: dict[str, Any] = {
        "kind": "judge_image",
        "attempt": attempt.model_dump(mode="json"),
        "action_requests": [{"name": IMAGE_ACTION, "args": arguments, "description": description}],
        "review_configs": [{"action_name": IMAGE_ACTION, "allowed_decisions": ["approve", "edit", "reject"]}],
    }
    if others:
        question["others"] = [one.model_dump(mode="json") for one in asked[1:]]
    return question | ({"problem": problem} if problem else {}), _IMAGE_SCHEMA


def _opinion(attempt: Attempt) -> str:
    verdict = attempt.verdict
    if verdict is None or verdict.success is None:
        return "has no opinion"
    return ("accepts it" if verdict.success else "rejects it") + (f": {verdict.reasoning}" if verdict.reasoning else "")


def image_verdict(asked: Sequence[Attempt], answer: object) -> tuple[HumanVerdict | None, str]:
    """Reads the answer to `image_question`: the verdict, or None and why the answer cannot be used."""
    attempt = asked[0]
    try:
        (decision,) = _ImageResponse.model_validate(answer).decisions
    except ValidationError as error:
        return None, (
            'The answer must be {"decisions": [{"type": "approve"}]}, with the type "edit" or "reject": '
            f"{problems_of(error)}"
        )
    words: str | None
    local: _ImageArguments | _RejectImage
    match decision:
        case _EditImage(edited_action=_EditedImage(args=_ImageArguments(iteration=int(number)))) if (
            number != attempt.iteration
        ):
            known = [one.iteration for one in asked]
            if number not in known:
                return None, f"There is no iteration {number} to accept, only {', '.join(map(str, sorted(known)))}."
            return HumanVerdict(success=True, iteration=number), ""
        case _EditImage():
            prompt = decision.edited_action.args.prompt.strip()
            if not prompt:
                return None, "The prompt is empty. Describe the image."
            said = attempt.verdict is not None and attempt.verdict.success is False and attempt.verdict.refined_prompt
            unchanged = prompt == said  # The form comes back with the critic's prompt in it.
            words, reason, local = None if unchanged else prompt, "", decision.edited_action.args
        case _RejectImage():
            words, reason, local = decision.message.strip() or None, decision.message.strip(), decision
        case _:
            return HumanVerdict(success=True, iteration=attempt.iteration), ""
    region = (local.region or "").strip() or None  # A form sends the field back empty.
    verdict = HumanVerdict(
        success=False,
        prompt=words,
        critics_prompt=words is None,
        reasoning=reason,
        region=region,
        mask=local.mask,
        iteration=attempt.iteration,
    )
    return verdict, ""


def _title(step: Step) -> str:
    return step.instruction or step.prompt or step.auxiliary_text or "(nothing)"
