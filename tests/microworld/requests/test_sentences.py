"""What people type: each request of `sentences.jsonl` gives the plan, answer or refusal written beside it."""

import json
import re
from pathlib import Path

import pytest

from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.requests.examples import EXAMPLES, Example
from interleavethinker.microworld.requests.fulfilment import image_satisfies
from interleavethinker.microworld.requests.interpretation import (
    interpret,
    interpret_request,
)
from interleavethinker.microworld.requests.plan_outcome import plan_satisfies
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Plan, Request, Step, TextPart

CAT, TREE, BALL = (
    SceneObject("cat", "white", "small"),
    SceneObject("tree", "green", "big"),
    SceneObject("ball", "red", "big"),
)
IMAGES = {
    "ball": Scene("meadow").put(3, BALL),
    "cat": Scene("meadow").put(3, CAT).put(5, TREE),
    "house": Scene("meadow").put(4, SceneObject("house", "orange", "big")),
    "three": Scene("beach")
    .put(3, SceneObject("fish", "blue", "small"))
    .put(4, SceneObject("fish", "orange", "big"))
    .put(8, BALL),
    "night": Scene("night").put(3, CAT).put(5, TREE),
}
ROWS = [json.loads(line) for line in (Path(__file__).parent / "sentences.jsonl").read_text("utf-8").splitlines()]


def request_of(text: str, images: int = 0) -> Request:
    return Request(parts=(*(ImagePart(sha256="a" * 64) for _ in range(images)), TextPart(text=text)))


def prompts(plan: Plan) -> list[str | None]:
    return [step.prompt for step in plan.steps]


@pytest.mark.parametrize("row", ROWS, ids=[row["request"][:60] for row in ROWS])
def test_a_request_is_planned_answered_or_refused(row: dict[str, object]) -> None:
    scenes = [IMAGES[name] for name in row.get("images", [])]  # type: ignore[attr-defined]
    request = request_of(str(row["request"]), len(scenes))
    if "refused" in row:
        with pytest.raises(InputError) as caught:
            plan_by_rules(request, scenes)
        assert caught.value.code == row["refused"]
        return
    plan = plan_by_rules(request, scenes)
    if "answer" in row:
        assert [(step.prompt, step.auxiliary_text) for step in plan.steps] == [(None, row["answer"])]
    else:
        assert prompts(plan) == row["steps"]
    assert plan_satisfies(interpret_request(request, scenes), plan) == []
    check_request(request)


@pytest.mark.parametrize("change", [str.upper, str.title, lambda text: f"  {text} \u2764\ufe0f :-)"])
@pytest.mark.parametrize("row", [row for row in ROWS if "steps" in row][::6], ids=lambda row: row["request"][:40])
def test_capitals_and_smileys_make_no_difference(row: dict[str, object], change: object) -> None:
    scenes = [IMAGES[name] for name in row.get("images", [])]  # type: ignore[attr-defined]
    text = change(str(row["request"]))  # type: ignore[operator]
    assert prompts(plan_by_rules(request_of(text, len(scenes)), scenes)) == row["steps"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.request)
def test_every_example_works(example: Example) -> None:
    scenes = [interpret(text).story.scenes()[0][0] for text in example.images]  # type: ignore[union-attr]
    request = request_of(example.request, len(scenes))
    check_request(request)
    plan = plan_by_rules(request, scenes)
    assert plan_satisfies(interpret_request(request, scenes), plan) == []


def test_there_are_twenty_examples_of_every_family() -> None:
    assert len(EXAMPLES) == 20
    assert {example.family for example in EXAMPLES} == {
        *("single image", "count", "story", "how-to", "edit", "question", "comparison")
    }


def test_what_a_request_leaves_open_may_have_any_value() -> None:
    (target,) = interpret("a red ball at night").targets
    for cell in range(9):
        for size in ("small", "big"):
            assert (
                image_satisfies(target, to_image(render(Scene("night").put(cell, SceneObject("ball", "red", size)))))
                == []
            )
    wrong = Scene("meadow").put(3, SceneObject("ball", "orange", "big"))
    faults = image_satisfies(target, to_image(render(wrong)))
    assert faults == [
        "the background is meadow instead of night",
        "a red ball is missing",
        "a big orange ball on the left was not asked for",
    ]


@pytest.mark.parametrize(
    ("prompts_", "fault"),
    [
        (("a red ball on the left, in a meadow",), "the plan ends too early"),
        (("a red ball on the left, in a meadow", "make the ball green"), "a blue ball"),
        (("a red ball on the left, in a meadow", "make the ball blue", "add a cat"), "was not asked for"),
        (("a red ball on the left, in a meadow", "make the car blue"), "cannot be carried out"),
        (("a red ball on the right, in a meadow", "make the ball blue"), "a red ball on the left is missing"),
    ],
)
def test_a_plan_that_does_something_else_has_faults(prompts_: tuple[str, ...], fault: str) -> None:
    wanted = interpret("A red ball on the left. Then it turns blue.")
    good = Plan(steps=(Step(prompt="a red ball on the left, in a meadow"), Step(prompt="make the ball blue")))
    assert plan_satisfies(wanted, good) == []
    faults = plan_satisfies(wanted, Plan(steps=tuple(Step(prompt=prompt) for prompt in prompts_)))
    assert any(fault in one for one in faults), faults


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("a girl who chases a red ball in the forest", "'a girl and a red ball in the forest'"),
        ("a red ball and a dragon", "'a red ball'"),
        ("a smal red brid on the left and a dragon", "'a small red bird on the left'"),
        ("a girl behind a house", "'a girl next to a house'"),
    ],
)
def test_a_refusal_offers_the_nearest_request_that_works(text: str, offered: str) -> None:
    with pytest.raises(InputError) as caught:
        check_request(request_of(text))
    assert str(caught.value).endswith(f"Nearest request that works: interleavethinker run {offered}")
    assert caught.value.suggestion == offered.strip("'")
    check_request(request_of(offered.strip("'")))


def test_a_suggestion_never_turns_no_into_yes() -> None:
    with pytest.raises(InputError) as caught:
        check_request(request_of("no cat"))
    assert "Nearest request" not in str(caught.value)
    assert caught.value.suggestion is None


@pytest.mark.parametrize("text", ["a house where the roof is red", "the sun sets and a boat comes home to the beach"])
def test_a_refusal_offers_no_broken_sentence(text: str) -> None:
    with pytest.raises(InputError) as caught:
        check_request(request_of(text))
    assert not re.search(r"where and|and to", caught.value.suggestion or "")


def test_a_refusal_offers_nothing_that_has_little_of_the_request() -> None:
    with pytest.raises(InputError) as caught:
        check_request(request_of("Of birds, four; of trees, two; and the hour, evening."))
    assert "Nearest request" not in str(caught.value)
