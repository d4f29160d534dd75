"""The format of answers: written answers are read back, and imperfect ones are read or rejected."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interleavethinker.tools.chat.answers import (
    read_plan,
    read_verdict,
    reasoning_of,
    strict_answer,
    write_plan,
    write_verdict,
)
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.plain_text import means_nothing
from interleavethinker.tools.types import Plan, Step, Verdict

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy."""

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
words = plain.filter(lambda text: not means_nothing(text))
thoughts = plain.map(str.strip).filter(lambda text: "<" not in text)
steps = st.builds(
    Step,
    instruction=st.none() | words,
    prompt=st.none() | words.filter(lambda text: "<answer>" not in text),
    auxiliary_text=words,
)


@PATIENT
@given(st.lists(steps, min_size=1, max_size=4), thoughts)
def test_a_written_plan_is_read_back_as_it_was(made: list[Step], reasoning: str) -> None:
    plan = Plan(steps=tuple(made), reasoning=reasoning)
    assert read_plan(write_plan(plan, first=3)) == plan


@PATIENT
@given(st.booleans(), plain.map(str.strip).filter(lambda text: not means_nothing(text)), thoughts)
def test_a_written_verdict_is_read_back_as_it_was(success: bool, prompt: str, reasoning: str) -> None:
    verdict = Verdict(success=success, refined_prompt=prompt, reasoning=reasoning)
    assert read_verdict(write_verdict(verdict)) == verdict


@PATIENT
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
def test_any_text_is_read_or_rejected_as_an_unusable_answer(text: str) -> None:
    for read in (read_plan, read_verdict):
        for wrapped in (text, f"<answer>{text}</answer>", f'<answer>{{"execution_plan": {text}}}</answer>'):
            with contextlib.suppress(ModelAnswerError):
                read(wrapped)


@pytest.mark.parametrize(
    "text",
    [
        '<think>t</think><answer>{"previous_step_success": false, "refine_prompt": "again"}</answer>',
        '{"previous_step_success": false, "refine_prompt": "again"}',
        '<answer>```json\n{"previous_step_success": false, "refine_prompt": "again",}\n```</answer>',
        "<answer>{'previous_step_success': False, 'refine_prompt': 'again'}",
        '```json\n{"previous_step_success": false, "refine_prompt": "again"}\n```\nThe {subject} is {too small}.',
        (
            '<answer>{"previous_step_success": true, "refine_prompt": "x"}</answer> no: '
            '<answer>{"previous_step_success": false, "refine_prompt": "again"}</answer>'
        ),
    ],
)
def test_an_answer_with_imperfect_wrapping_is_read(text: str) -> None:
    verdict = read_verdict(text)
    assert (verdict.success, verdict.refined_prompt) == (False, "again")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"previous_step_success": "False", "refine_prompt": "x"}', "boolean"),
        ('{"previous_step_success": 1, "refine_prompt": "x"}', "boolean"),
        ('{"previous_step_success": null, "refine_prompt": "x"}', "boolean"),
        ('{"previous_step_success": false}', "refine_prompt"),
        ('{"previous_step_success": false, "refine_prompt": " "}', "refine_prompt"),
        ("I think it is fine.", "none was found"),
        ("", "none was found"),
        ('{"a": ' * 40_000, "shorter"),
        ('{"a": ' * 10_000, "must be JSON"),
    ],
)
def test_an_answer_with_the_wrong_content_is_rejected(text: str, complaint: str) -> None:
    with pytest.raises(ModelAnswerError, match=complaint):
        read_verdict(text)


def test_none_written_as_text_is_read_as_none() -> None:
    plan = read_plan(
        '{"execution_plan": [{"instruction": "None", "prompt": "null", "auxiliary_text": "It is a cat."}]}'
    )
    assert plan.steps == (Step(auxiliary_text="It is a cat."),)


def test_step_numbers_in_an_answer_are_ignored() -> None:
    plan = read_plan(
        '{"execution_plan": [{"step_number": "../../etc", "prompt": "a"}, {"step_number": 1, "prompt": "b"}, '
        '{"step_number": 1, "prompt": "c"}]}'
    )
    assert [step.prompt for step in plan.steps] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    ['{"execution_plan": []}', '{"execution_plan": [{}]}', '{"execution_plan": [{"prompt": 3}]}', '{"plan": []}', "[]"],
)
def test_a_plan_without_usable_steps_is_rejected(text: str) -> None:
    with pytest.raises(ModelAnswerError):
        read_plan(text)


def test_reasoning_is_the_text_between_the_think_tags() -> None:
    assert reasoning_of("<think> so\nthen </think>rest") == "so\nthen"
    assert reasoning_of("rest") == ""


def test_a_written_answer_is_in_the_strict_format() -> None:
    text = write_verdict(Verdict(success=False, refined_prompt="a ball", reasoning="too small"))
    assert strict_answer(text) == {"previous_step_success": False, "refine_prompt": "a ball"}
    assert strict_answer(f"\n {text}\n") is not None


@pytest.mark.parametrize(
    "text",
    [
        '<answer>{"a": 1}</answer>',
        '<think> </think><answer>{"a": 1}</answer>',
        '<answer>{"a": 1}</answer><think>why</think>',
        '<think>why</think><answer>{"a": 1}',
        '<think>why</think><answer>{"a": 1}</answer> done',
        '<think>why</think><think>again</think><answer>{"a": 1}</answer>',
        '<think>why</think><answer>{"a": 1}</answer><answer>{"a": 1}</answer>',
        "<think>why</think><answer>[1]</answer>",
        "<think>why</think><answer>{'a': 1}</answer>",
        '<think>why</think><answer>```json\n{"a": 1}\n```</answer>',
        "<think>why</think><answer>" + "[" * 100_000 + "</answer>",
    ],
)
def test_an_answer_that_needs_lenient_reading_is_not_in_the_strict_format(text: str) -> None:
    assert strict_answer(text) is None
