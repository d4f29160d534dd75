"""The format of a planner's and a critic's answer: training writes it here and serving reads it here, so they agree.

An answer is `<think>…</think><answer>{json}</answer>`. Reading is lenient about the wrapping (missing tags, code
fences, broken JSON) and strict about the content: `"False"` is not a boolean and `"None"` is not a caption. A step's
number in the JSON is ignored; its position in the list counts.

The messages of `ModelAnswerError` are model input, because a retry quotes them: do not change their wording.
"""

import json
import re
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.types import Plan, Step, Verdict

__all__ = ["read_plan", "read_verdict", "reasoning_of", "strict_answer", "write_plan", "write_verdict"]

_T = TypeVar("_T", bound=BaseModel)
_MAX_CHARS = 200_000
"""Longer answers are not read, because repairing broken JSON takes more than linear time."""
_THINK = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_STRICT = re.compile(r"\s*<think>(?P<think>.*?)</think>\s*<answer>(?P<answer>.*?)</answer>\s*", re.DOTALL)
_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL)
_MEANS_NONE = {"", "none", "null", "n/a"}


def _text_or_none(value: object) -> object:
    """Models write "None" or "null" when they mean that there is none; neither should become a caption."""
    return None if isinstance(value, str) and value.strip().lower() in _MEANS_NONE else value


_Text = Annotated[str | None, BeforeValidator(_text_or_none)]


class _Lenient(BaseModel):
    """Ignores unknown fields, and converts no types."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _StepAnswer(_Lenient):
    instruction: _Text = None
    prompt: _Text = None
    auxiliary_text: _Text = None


class _PlanAnswer(_Lenient):
    execution_plan: list[_StepAnswer] = Field(min_length=1, max_length=1000)


class _CriticAnswer(_Lenient):
    previous_step_success: bool
    refine_prompt: str


def read_plan(text: str) -> Plan:
    """Reads the plan in a planner's answer.

    Raises:
        ModelAnswerError: The answer has another format; the message tells the model what to correct.
    """
    answer = _parsed(_PlanAnswer, text)
    steps = tuple(
        Step(instruction=step.instruction, prompt=step.prompt, auxiliary_text=step.auxiliary_text)
        for step in answer.execution_plan
    )
    for number, step in enumerate(steps, 1):
        if step.prompt is None and step.auxiliary_text is None:
            raise ModelAnswerError(f"Step {number} of execution_plan must have a prompt or an auxiliary_text.")
    return Plan(steps=steps, reasoning=reasoning_of(text))


def read_verdict(text: str) -> Verdict:
    """Reads the verdict in a critic's answer; its confidence is None.

    Raises:
        ModelAnswerError: The answer has another format; the message tells the model what to correct.
    """
    answer = _parsed(_CriticAnswer, text)
    if not answer.previous_step_success and not answer.refine_prompt.strip():
        raise ModelAnswerError("refine_prompt must be a prompt for another attempt where the step failed.")
    return Verdict(
        success=answer.previous_step_success,
        refined_prompt=answer.refine_prompt.strip(),
        reasoning=reasoning_of(text),
    )


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
        }
        for number, step in enumerate(plan.steps, first)
    ]
    return _formatted(plan.reasoning, {"execution_plan": steps})


def write_verdict(verdict: Verdict) -> str:
    """Returns the answer with which a critic should give this verdict."""
    content = {"previous_step_success": bool(verdict.success), "refine_prompt": verdict.refined_prompt}
    return _formatted(verdict.reasoning, content)


def reasoning_of(text: str) -> str:
    """Returns the text between the think tags, or an empty string if there are none."""
    found = _THINK.search(text)
    return found.group(1).strip() if found else ""


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
    match = _STRICT.fullmatch(text)
    if match is None or not match["think"].strip() or text.count("<think>") + text.count("<answer>") != 2:
        return None
    try:
        content: JsonValue = json.loads(match["answer"])
    except (json.JSONDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _formatted(reasoning: str, content: object) -> str:
    return f"<think>{reasoning}</think><answer>{json.dumps(content, ensure_ascii=False)}</answer>"


def _parsed(kind: type[_T], text: str) -> _T:
    data = _find_json(text)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'the answer'}: {problem['msg']}" for problem in error.errors()[:5]
        )
        raise ModelAnswerError(f"The JSON between <answer> and </answer> has the wrong form: {problems}.") from error


def _find_json(text: str) -> object:
    if len(text) > _MAX_CHARS:
        raise ModelAnswerError(f"The answer must be shorter than {_MAX_CHARS} characters.")
    tagged = _ANSWER.findall(text)
    body = tagged[-1] if tagged else _THINK.sub("", text)
    start = body.find("{")
    if start < 0:
        raise ModelAnswerError("There must be a JSON object between <answer> and </answer>; none was found.")
    body = body[start:]
    try:
        return json.loads(body)
    except (json.JSONDecodeError, RecursionError):
        pass
    import json_repair

    try:
        return json_repair.loads(body, skip_json_loads=True)
    # On malicious text, the library itself may fail with any of these.
    except (ValueError, RecursionError, IndexError) as error:
        raise ModelAnswerError("What stands between <answer> and </answer> must be JSON.") from error
