"""The format of a planner's and a critic's answer: training writes it here and serving reads it here, so they agree.

An answer is `<think>…</think><answer>{json}</answer>`. Reading is lenient about the wrapping (missing tags, code
fences, broken JSON; see `answer_text`) and strict about the content: `"False"` is not a boolean and `"None"` is not a
caption. A step's number in the JSON is ignored; its position in the list counts. An optional part that is missing, or
only says that there is none, never decides over the others.

The messages of `ModelAnswerError` are model input, because a retry quotes them: do not change their wording.
"""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.image_names import Reference, label_of, target_of
from interleavethinker.tools.image_sizes import check_image_size
from interleavethinker.tools.plain_text import MAX_PROMPT, means_nothing, valid_unicode, without_control_tokens
from interleavethinker.tools.types import CheckReport, CriticInput, Plan, StartsFrom, Step, Verdict

from .answer_text import find_object, json_object_in, thought_in
from .checklist import checklist_items, checklist_lines, failed_in, naming_failed, read_checklist

__all__ = [
    "ChecklistForm",
    "read_comparison",
    "read_faults",
    "read_plan",
    "read_verdict",
    "reasoning_of",
    "rejection_in",
    "strict_answer",
    "write_plan",
    "write_verdict",
]

ChecklistForm = Literal["none", "objects", "lines"]
"""`objects`: as `critic_checklist.md` asks for; `lines`: a line each, for small models."""
_T = TypeVar("_T", bound=BaseModel)
_STRICT = re.compile(r"\s*<think>(?P<think>.*?)</think>\s*<answer>(?P<answer>.*?)</answer>\s*", re.DOTALL)
_CONTRADICTION = "(The answer accepts the image, but its checklist names what is missing, so the image is rejected.)"
_EQUAL = ("SAME", "EQUAL", "BOTH", "NEITHER", "TIE")
_MAX_CAPTION = 20_000
"""Characters of a text for people; a model that writes more is repeating itself."""


def _text_or_none(value: object) -> object:
    """Models write "None" or "null" when they mean that there is none; neither should become a caption."""
    if not isinstance(value, str):
        return value
    return None if means_nothing(value) else valid_unicode(value)


def _prompt_or_none(value: object) -> object:
    value = _text_or_none(value)
    return _text_or_none(without_control_tokens(value)) if isinstance(value, str) else value


_NUMBERS = {word: number for number, word in enumerate("one two three four five six seven eight nine".split(), 1)}
_NAMED = re.compile(rf"\b(step|reference)s?\s*#?([1-9]\d{{0,3}}|{'|'.join(_NUMBERS)})\b")
"""A step or reference in other words than asked for: "step two", "the image of step 2"."""


def _size_or_none(value: object) -> str | None:
    try:
        return check_image_size(value) if isinstance(value, str) else None
    except InputError:
        return None


def _starting_point_or_none(value: object, before: int) -> str | None:
    """Returns what a step starts from, with a step's number counted from the answer's first step.

    What names no step and no reference is left out; models write "the previous image".

    Raises:
        ModelAnswerError: It names several.
    """
    try:
        point = _STARTING_POINT.validate_python(value)
    except ValidationError:
        words = value.lower() if isinstance(value, str) else ""
        named = {f"{kind} {_NUMBERS.get(number, number)}" for kind, number in _NAMED.findall(words)}
        if len(named) > 1:
            raise ModelAnswerError(
                "starts_from must name one image, such as `step 2` or `reference 1`, or be left out."
            ) from None
        if not named:
            return None
        point = _STARTING_POINT.validate_python(named.pop())
    return _renumbered(point, -before)


def _renumbered(point: str | None, by: int) -> str | None:
    word, _, number = (point or "").partition(" ")
    return f"step {int(number) + by}" if word == "step" else point


def _steps_before(answer: "_PlanAnswer") -> int:
    """Returns the number before that of the answer's first step, where the answer counts its steps one by one."""
    numbers = [step.step_number for step in answer.execution_plan]
    first = numbers[0]
    if not isinstance(first, int) or isinstance(first, bool) or first < 1:
        return 0
    return first - 1 if numbers == list(range(first, first + len(numbers))) else 0


def _check_starting_point(number: int, steps: Sequence[Step]) -> None:
    word, _, of = (steps[number - 1].starts_from or "").partition(" ")
    if word == "step" and not (1 <= int(of) < number and steps[int(of) - 1].prompt is not None):
        raise ModelAnswerError(
            f"starts_from of step {number} of execution_plan must name an earlier step that has a prompt."
        )


def _references(value: object, before: int) -> tuple[str, ...]:
    """Returns what a step looks at, without what cannot be read; steps count from the answer's first one."""
    found: list[str] = []
    for each in value if isinstance(value, list) else [value]:
        try:
            reference = _REFERENCE.validate_python(each)
        except ValidationError:
            continue
        found.append(_with_number(reference, -before))
    return tuple(dict.fromkeys(found))[:_MAX_REFERENCES]


def _with_number(reference: str, by: int) -> str:
    target, label = target_of(reference), label_of(reference)
    kind, _, number = target.partition(" ")
    moved = f"step {max(0, int(number) + by)}" if kind == "step" and number else target
    return moved if label == target else f"{label} = {moved}"


_MAX_REFERENCES = 16
_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)
_STARTING_POINT: TypeAdapter[str | None] = TypeAdapter(StartsFrom)
_Text = Annotated[Annotated[str, Field(max_length=_MAX_CAPTION)] | None, BeforeValidator(_text_or_none)]
_Prompt = Annotated[Annotated[str, Field(max_length=MAX_PROMPT)] | None, BeforeValidator(_prompt_or_none)]


class _Lenient(BaseModel):
    """Ignores unknown fields, and converts no types."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _StepAnswer(_Lenient):
    step_number: JsonValue = None
    """Only read where a later step starts from this one."""
    instruction: _Text = None
    prompt: _Prompt = None
    auxiliary_text: _Text = None
    size: JsonValue = None
    """Optional; one that cannot be read is left out."""
    starts_from: JsonValue = None
    """Optional; `previous` if it cannot be read."""
    references: JsonValue = None
    """Optional; those that cannot be read are left out."""


class _PlanAnswer(_Lenient):
    execution_plan: list[_StepAnswer] = Field(min_length=1, max_length=1000)


class _CheckAnswer(_Lenient):
    faults: list[str] = Field(max_length=50)


class _ComparisonAnswer(_Lenient):
    better: str


class _CriticAnswer(_Lenient):
    previous_step_success: bool
    identity_kept: JsonValue = None
    """Optional; only asked for where there are references. Success without it is none."""
    refine_prompt: JsonValue = None
    """Optional after a success, so its form is checked only where the step failed."""
    checklist: JsonValue = None
    """Optional; items that cannot be read are left out."""


_REFINED: TypeAdapter[str | None] = TypeAdapter(_Prompt)


def read_plan(text: str) -> Plan:
    """Reads the plan in a planner's answer.

    Raises:
        ModelAnswerError: The answer has another format; the message tells the model what to correct.
    """
    answer = _parsed(_PlanAnswer, text)
    before = _steps_before(answer)
    steps = tuple(
        Step(
            instruction=step.instruction,
            prompt=step.prompt,
            auxiliary_text=step.auxiliary_text,
            size=_size_or_none(step.size),
            starts_from=_starting_point_or_none(step.starts_from, before),
            references=_references(step.references, before),
        )
        for step in answer.execution_plan
    )
    for number, step in enumerate(steps, 1):
        if step.prompt is None and step.auxiliary_text is None:
            raise ModelAnswerError(f"Step {number} of execution_plan must have a prompt or an auxiliary_text.")
        _check_starting_point(number, steps)
    return Plan(steps=steps, reasoning=reasoning_of(text))


def read_verdict(text: str, case: CriticInput | None = None, words: int | None = None) -> Verdict:
    """Reads the verdict in a critic's answer; its confidence is None.

    A requirement of the checklist that is not met makes it a rejection. If the answer then has no new prompt of its
    own, the step's prompt is used, with what failed.

    Args:
        text: The answer.
        case: What was judged; without it, a rejection needs a prompt.
        words: How many words of a prompt the image model reads.

    Raises:
        ModelAnswerError: The answer has another format; the message tells the model what to correct.
    """
    answer = _parsed(_CriticAnswer, text)
    refined, checklist = _refined_prompt(answer.refine_prompt), read_checklist(answer.checklist)
    failed = failed_in(checklist)
    success, reasoning = _succeeded(answer) and not failed, reasoning_of(text)
    if failed and case is not None and refined in {None, case.prompt.strip()}:
        refined = naming_failed(case.original_prompt, failed, words)
    if not success and refined is None:
        raise ModelAnswerError("refine_prompt must be a prompt for another attempt where the step failed.")
    if answer.previous_step_success and failed:
        reasoning = f"{reasoning}\n{_CONTRADICTION}".strip()
    return Verdict(
        success=success,
        refined_prompt=refined or "",
        reasoning=reasoning,
        same_identity=_identity(answer),
        checklist=checklist,
    )


def rejection_in(text: str) -> Verdict | None:
    """Returns the verdict of an answer that rejects the image without a usable new prompt, else None.

    The judgement counts although the prompt is missing; the next attempt then keeps its prompt.
    """
    answer = _parsed(_CriticAnswer, text)
    if _succeeded(answer) or _refined_prompt(answer.refine_prompt) is not None:
        return None
    return Verdict(
        success=False,
        reasoning=reasoning_of(text),
        same_identity=_identity(answer),
        checklist=read_checklist(answer.checklist),
    )


def _succeeded(answer: "_CriticAnswer") -> bool:
    return answer.previous_step_success and answer.identity_kept is not False


def _identity(answer: "_CriticAnswer") -> bool | None:
    return answer.identity_kept if isinstance(answer.identity_kept, bool) else None


def read_faults(text: str) -> CheckReport:
    """Reads a checker's answer, which is an object with a list of `faults`.

    That there are no faults must be the answer's only and last word: models quote how such an answer would look.

    Raises:
        ModelAnswerError: The answer has another format; the message tells the model what to correct.
    """
    written = (" ".join(fault.split()) for fault in _parsed(_CheckAnswer, text).faults)
    faults = tuple(fault for fault in written if fault)
    found = find_object(text)
    if not found.closed:
        raise ModelAnswerError("The JSON object must be closed.")
    if not faults and (found.candidates > 1 or any(character.isalnum() for character in found.rest)):
        raise ModelAnswerError("Write one JSON object, and nothing after it.")
    return CheckReport(checked=True, faults=faults)


def read_comparison(text: str) -> Literal["A", "B"] | None:
    """Reads which of two images a critic finds better; None if it finds them equal.

    Raises:
        ModelAnswerError: The answer has another format; the message tells the model what to correct.
    """
    word = _parsed(_ComparisonAnswer, text).better.strip().strip("\"'.").upper().removeprefix("PICTURE ")
    if word == "A":
        return "A"
    if word == "B":
        return "B"
    if word in _EQUAL:
        return None
    raise ModelAnswerError('better must be "A", "B" or "same".')


def write_plan(plan: Plan, first: int = 1) -> str:
    """Returns the answer with which a planner should give this plan.

    Args:
        plan: The plan.
        first: Number of the first step; larger than 1 if the plan continues a given sequence.
    """
    steps = [
        {
            "step_number": number,
            "step_name": f"Step {number}",
            "instruction": step.instruction,
            "prompt": step.prompt,
            "auxiliary_text": step.auxiliary_text,
            **({} if step.size is None else {"size": step.size}),
            **({} if step.starts_from is None else {"starts_from": _renumbered(step.starts_from, first - 1)}),
            **({"references": [_with_number(each, first - 1) for each in step.references]} if step.references else {}),
        }
        for number, step in enumerate(plan.steps, first)
    ]
    return _formatted(plan.reasoning, {"execution_plan": steps})


def write_verdict(verdict: Verdict, checklist: ChecklistForm = "objects") -> str:
    """Returns the answer with which a critic should give this verdict.

    A checklist comes first, as in `critic_checklist.md`, so that the verdict can follow from it.

    Args:
        verdict: The verdict.
        checklist: How its checklist is written, if it has one; `none` leaves it out.
    """
    content: dict[str, JsonValue] = {}
    if verdict.checklist and checklist != "none":
        write = checklist_lines if checklist == "lines" else checklist_items
        content["checklist"] = write(verdict.checklist)
    content["previous_step_success"] = bool(verdict.success)
    if verdict.same_identity is not None:
        content["identity_kept"] = verdict.same_identity
    content["refine_prompt"] = verdict.refined_prompt
    return _formatted(verdict.reasoning, content)


def reasoning_of(text: str) -> str:
    """Returns the text between the think tags, or an empty string if there are none."""
    return valid_unicode(thought_in(text))


def strict_answer(text: str) -> dict[str, JsonValue] | None:
    """Returns the JSON object of an answer in exactly the required format, or None for any other answer.

    Training rewards this form and evaluation measures it: both tags exactly once and in order, non-empty reasoning,
    a JSON object that `json.loads` accepts, and nothing but white space around them.

    Examples:
        >>> strict_answer('<think>why</think><answer>{"refine_prompt": "a ball"}</answer>')
        {'refine_prompt': 'a ball'}
        >>> strict_answer('<answer>{"refine_prompt": "a ball"}</answer>') is None
        True
    """
    if text.count("<think>") != 1 or text.count("<answer>") != 1:  # Otherwise matching takes more than linear time.
        return None
    match = _STRICT.fullmatch(text)
    if match is None or not match["think"].strip():
        return None
    try:
        content: JsonValue = json.loads(match["answer"])
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _formatted(reasoning: str, content: object) -> str:
    return f"<think>{reasoning}</think><answer>{json.dumps(content, ensure_ascii=False)}</answer>"


def _parsed(kind: type[_T], text: str) -> _T:
    data = json_object_in(text)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'the answer'}: {problem['msg']}" for problem in error.errors()[:5]
        )
        raise ModelAnswerError(f"The JSON between <answer> and </answer> has the wrong form: {problems}.") from error


def _refined_prompt(value: JsonValue) -> str | None:
    try:
        refined = _REFINED.validate_python(value, strict=True)
    except ValidationError:
        return None
    return None if refined is None else refined.strip()
