"""Judgments of answers to natural requests: right ones, each kind of wrong one, and refusals."""

from dataclasses import replace

import pytest

from interleavethinker.evaluation.micro.natural.cases import (
    AnswerRequirement,
    Expectation,
    ImageRequirement,
    NaturalRequest,
    ObjectRequirement,
    natural_requests,
)
from interleavethinker.evaluation.micro.natural.judging import Observation, judge, missing_facts, shortfalls
from interleavethinker.microworld.scenes.scene import Scene, SceneObject

from .answers import ideal_answer

BALL, BLUE_BALL = SceneObject("ball", "red", "big"), SceneObject("ball", "blue", "small")
CAT = SceneObject("cat", "white", "small")
NIGHT = Scene("night")
A_BALL = ImageRequirement(objects=(ObjectRequirement(kind="ball"),), total=1)
A_BALL_AND_A_CAT = ImageRequirement(objects=(ObjectRequirement(kind="ball"), ObjectRequirement(kind="cat")), total=2)


@pytest.mark.parametrize("request_", [*natural_requests("dev"), *natural_requests("sealed")], ids=lambda one: one.id)
def test_every_expectation_can_be_met_and_no_empty_answer_meets_it(request_: NaturalRequest) -> None:
    expect = request_.expect
    judgment = judge(expect, ideal_answer(expect))
    assert judgment.outcome == ("right" if expect.images or expect.answer else "refused_rightly"), judgment.faults
    assert judge(expect, Observation()).outcome == "wrong_silent"
    unchanged = Observation(tuple(image.scene for image in request_.images[-1:]))
    assert judge(expect, unchanged).outcome == "wrong_silent"


@pytest.mark.parametrize(
    ("required", "scene", "fault"),
    [
        (A_BALL, NIGHT, "0 of: ball"),
        (A_BALL, NIGHT.put(0, BALL).put(1, BALL), "2 objects instead of 1"),
        (ImageRequirement(objects=(ObjectRequirement(kind="ball", colour="blue"),)), NIGHT.put(0, BALL), "blue ball"),
        (ImageRequirement(objects=(ObjectRequirement(kind="ball", size="small"),)), NIGHT.put(0, BALL), "small ball"),
        (ImageRequirement(objects=(ObjectRequirement(kind="ball", cells=("left",)),)), NIGHT.put(0, BALL), "(left)"),
        (ImageRequirement(objects=(ObjectRequirement(kind="ball", count=2),)), NIGHT.put(0, BALL), "1 of: exactly 2"),
        (ImageRequirement(absent=(ObjectRequirement(kind="ball"),)), NIGHT.put(0, BALL), "there is: ball"),
        (ImageRequirement(backgrounds=("snow", "beach")), NIGHT, "night, not snow or beach"),
        (
            ImageRequirement(objects=(ObjectRequirement(colour="red"), ObjectRequirement(kind="ball"))),
            NIGHT.put(0, BALL).put(1, CAT),
            "stands for two",
        ),
    ],
)
def test_every_unmet_requirement_is_named(required: ImageRequirement, scene: Scene, fault: str) -> None:
    assert any(fault in found for found in shortfalls(required, scene))


def test_what_a_request_leaves_open_is_not_judged() -> None:
    scene = NIGHT.put(3, BALL).put(8, BLUE_BALL)
    two = ObjectRequirement(kind="ball"), ObjectRequirement(kind="ball", colour="red")
    assert shortfalls(ImageRequirement(objects=two), scene) == []
    assert shortfalls(ImageRequirement(), scene) == []


def test_images_are_checked_in_order_and_the_last_one_must_be_the_result() -> None:
    expect = Expectation(images=(A_BALL, A_BALL_AND_A_CAT))
    one, both = NIGHT.put(0, BALL), NIGHT.put(0, BALL).put(4, CAT)
    assert judge(expect, Observation((one, both))).outcome == "right"
    assert judge(expect, Observation((NIGHT, one, one, both))).outcome == "right"
    for scenes in ((both, one), (both,), (one, both, both.put(5, CAT)), (one, both.put(4, None))):
        assert judge(expect, Observation(scenes)).outcome == "wrong_silent"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (NIGHT.put(0, BLUE_BALL).put(4, CAT), "the ball changed from red to blue"),
        (NIGHT.put(0, replace(BALL, size="small")).put(4, CAT), "the ball changed from big to small"),
        (NIGHT.put(1, BALL).put(4, CAT), "the ball moved from top left to top"),
        (Scene("snow").put(0, BALL).put(4, CAT), "the background changed from night to snow"),
    ],
)
def test_what_no_image_is_required_to_change_must_stay(changed: Scene, fault: str) -> None:
    expect = Expectation(images=(A_BALL, A_BALL_AND_A_CAT))
    assert any(fault in found for found in judge(expect, Observation((NIGHT.put(0, BALL), changed))).faults)


def test_a_change_that_the_request_asks_for_is_no_fault() -> None:
    blue_on_the_right = ObjectRequirement(kind="ball", colour="blue", size="small", cells=("right",))
    snow = ImageRequirement(objects=(blue_on_the_right,), backgrounds=("snow",), total=1)
    answer = Observation((NIGHT.put(0, BALL), Scene("snow").put(5, BLUE_BALL)))
    assert judge(Expectation(images=(A_BALL, snow)), answer).outcome == "right"


def test_a_number_of_images_in_the_request_is_required() -> None:
    expect = Expectation(images=(A_BALL,), steps=1)
    one = NIGHT.put(0, BALL)
    assert judge(expect, Observation((one,))).outcome == "right"
    assert judge(expect, Observation((one, one))).faults == ("2 images instead of 1",)


def test_a_wrong_answer_is_noted_if_notes_status_or_error_say_so() -> None:
    expect, wrong = Expectation(images=(A_BALL,)), Observation((NIGHT,))
    assert judge(expect, wrong).outcome == "wrong_silent"
    for noted in (
        replace(wrong, notes=("1 step shows a best effort: no attempt was accepted.",)),
        replace(wrong, complete=False),
        replace(wrong, failure="The planner gave no usable plan."),
    ):
        assert judge(expect, noted).outcome == "wrong_noted"
    assert judge(expect, Observation((NIGHT.put(0, BALL),), notes=("best effort",))).outcome == "right"


def test_answers_in_words_are_compared_up_to_synonyms_plurals_and_number_words() -> None:
    answer = AnswerRequirement(facts=(("2 cat",), ("top left",)), without=("dog", "house"))
    assert missing_facts(answer, "There are two kittens in the TOP LEFT corner.") == []
    assert missing_facts(answer, "Two cats, a cottage.") == ["no top left", "says house"]
    expect = Expectation(answer=answer)
    assert judge(expect, Observation(text="two cats in the top left")).outcome == "right"
    drawn = Observation((NIGHT,), text="two cats in the top left")
    assert judge(expect, drawn).faults == ("1 images instead of an answer in words",)


def test_requests_without_their_image_may_be_refused_or_answered_that_it_is_missing() -> None:
    expect = Expectation(refusal=True)
    assert judge(expect, Observation(refusal="No image.")).outcome == "refused_rightly"
    for said in ("Please attach the picture first.", "There is no image to look at.", "The picture is missing."):
        assert judge(expect, Observation(text=said)).outcome == "refused_rightly"
    assert judge(expect, Observation(text="The ball is red.")).outcome == "wrong_silent"
    assert (
        judge(expect, Observation((NIGHT,), text="This picture was made without an image.")).outcome == "wrong_silent"
    )
    assert judge(Expectation(images=(A_BALL,)), Observation(refusal="Unknown word.")).outcome == "refused_wrongly"


def test_an_impossible_request_may_be_fulfilled_in_part_if_the_notes_say_what_is_lacking() -> None:
    expect = Expectation(refusal=True, lacks=("dragon",))
    drawn = Observation((NIGHT,), notes=("1 step shows a best effort: no attempt was accepted.",))
    assert judge(expect, drawn).outcome == "wrong_noted"
    assert judge(expect, replace(drawn, notes=("The micro world has no dragon.",))).outcome == "refused_rightly"


def test_a_request_at_the_limits_of_the_micro_world_may_be_refused_or_fulfilled() -> None:
    expect = Expectation(images=(A_BALL,), refusal=True)
    assert judge(expect, Observation(refusal="Too many.")).outcome == "refused_rightly"
    assert judge(expect, Observation((NIGHT.put(0, BALL),))).outcome == "right"
    assert judge(expect, Observation((NIGHT,))).outcome == "wrong_silent"
