"""`starts_from` and `size` in a planner's answer."""

import json

import pytest

from interleavethinker.tools.chat.answers import read_plan, write_plan
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.types import Plan, Step


def answer(*steps: dict[str, object]) -> str:
    return f"<think>why</think><answer>{json.dumps({'execution_plan': steps})}</answer>"


def test_a_plan_survives_writing_and_reading_also_where_its_numbers_go_on() -> None:
    plan = Plan(
        steps=(
            Step(prompt="a", size="16:9"),
            Step(prompt="b", starts_from="reference 2"),
            Step(prompt="c", starts_from="step 1"),
        ),
        reasoning="why",
    )
    for first in (1, 4):
        assert read_plan(write_plan(plan, first)) == plan
    assert '"starts_from": "step 4"' in write_plan(plan, 4)


def test_an_answer_without_them_is_written_as_ever() -> None:
    written = write_plan(Plan(steps=(Step(prompt="a"),)))
    assert "starts_from" not in written
    assert "size" not in written


@pytest.mark.parametrize("value", ["the sky", {}, [], 1.5, True, None, "previous"])
def test_a_starting_point_or_size_that_cannot_be_read_is_left_out(value: object) -> None:
    plan = read_plan(answer({"prompt": "a"}, {"prompt": "b", "starts_from": value, "size": value}))
    assert plan.steps[1] == Step(prompt="b")


@pytest.mark.parametrize(
    ("value", "point"),
    [
        ("step two", "step 2"),
        ("The image of step 2.", "step 2"),
        ("Step #2", "step 2"),
        ("reference one", "reference 1"),
        ("the previous step", None),
        ("one step back", None),
    ],
)
def test_a_starting_point_in_other_words_is_understood(value: str, point: str | None) -> None:
    plan = read_plan(answer({"prompt": "a"}, {"prompt": "b"}, {"prompt": "c", "starts_from": value}))
    assert plan.steps[2].starts_from == point


def test_the_model_is_asked_again_about_several_starting_points() -> None:
    with pytest.raises(ModelAnswerError, match="must name one image"):
        read_plan(answer({"prompt": "a"}, {"prompt": "b"}, {"prompt": "c", "starts_from": "step 1 and step 2"}))


@pytest.mark.parametrize("number", [2, 3, 99])
def test_the_model_is_asked_again_about_a_step_that_is_not_earlier(number: int) -> None:
    with pytest.raises(ModelAnswerError, match="starts_from of step 2"):
        read_plan(answer({"prompt": "a"}, {"prompt": "b", "starts_from": f"step {number}"}))
