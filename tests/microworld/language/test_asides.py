"""What a request says besides what it wants: whom it speaks to, and names."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

SEA = (
    Scene("beach")
    .put(0, SceneObject("star", "yellow", "small"))
    .put(1, SceneObject("star", "yellow", "big"))
    .put(3, SceneObject("girl", "pink", "small"))
    .put(7, SceneObject("fish", "orange", "big"))
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Kids, what can you spot at the top?", "big yellow star"),
        ("Girls, where is the fish?", "at the bottom"),
        ("Now, child, tell me what color the fish is.", "orange"),
        ("Tell the children how many stars there are.", "2 stars"),
        ("What do we see at the bottom, children?", "fish"),
        ("How many children are there?", "1 girl"),
    ],
)
def test_a_question_may_call_somebody(text: str, said: str) -> None:
    answer = interpret(text, [SEA]).answer
    assert answer is not None
    assert said in answer.text


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Children, draw a red ball at the top.", ["ball"]),
        ("Hey boys and girls, today we draw a yellow star", ["star"]),
        ("Dear children, here comes a green fish!", ["fish"]),
        ("Draw two boats, kids!", ["boat", "boat"]),
        ("Girls, boats and stars", ["boat", "boat", "girl", "girl", "star", "star"]),
        ("children, a tree and a ball", ["ball", "girl", "girl", "tree"]),
        ("A tree, a ball, children.", ["ball", "girl", "girl", "tree"]),
    ],
)
def test_who_is_called_is_not_drawn_but_who_is_listed_is(text: str, kinds: list[str]) -> None:
    assert sorted(one.kind for one in interpret(text).targets[-1].objects) == kinds


def test_an_edit_may_call_somebody() -> None:
    (scene,) = interpret("Children, let's make the fish green!", [SEA]).targets
    assert sorted(one.kind for one in scene.objects) == ["fish", "girl", "star", "star"]


@pytest.mark.parametrize(
    "text",
    [
        "change the backdrop to night",
        "Replace the background with a beach.",
        "turn the scene into a forest",
        "make it night instead",
        "put it in the forest",
        "change the background to snow and add a cat",
        "add another tree next to the house",
        "put one more star on the left",
    ],
)
def test_a_change_of_an_image_that_is_missing_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        interpret(text)
    assert caught.value.code == "no_image"


@pytest.mark.parametrize(
    ("text", "ground", "objects"),
    [
        ("draw a cat and make the background snow", "snow", 1),
        ("make it night with a cat", "night", 1),
        ("A cat. Then change the background to snow.", "snow", 1),
        ("A tree. Add another tree.", "", 2),
    ],
)
def test_a_background_of_what_is_described_needs_no_image(text: str, ground: str, objects: int) -> None:
    target = interpret(text).targets[-1]
    assert len(target.objects) == objects
    assert not ground or target.backgrounds == {ground}


def test_twice_as_many_is_not_twice_as_big() -> None:
    with pytest.raises(InputError):
        interpret("double the fish", [SEA])
    (scene,) = interpret("double the size of the small star", [SEA]).targets
    assert [one.sizes for one in scene.objects if one.kind == "star"] == [{"big"}, {"big"}]
