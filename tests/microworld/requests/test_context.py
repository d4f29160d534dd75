"""What leads to a question is not part of it, and an image that the words speak of must be given."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

BEFORE = Scene("beach").put(0, SceneObject("star", "yellow", "big")).put(7, SceneObject("fish", "blue", "small"))
AFTER = Scene("beach").put(2, SceneObject("star", "yellow", "big")).put(7, SceneObject("fish", "blue", "small"))
REPLACED = Scene("beach").put(0, SceneObject("star", "yellow", "big")).put(7, SceneObject("boat", "blue", "small"))


def said(text: str, *scenes: Scene) -> str:
    answer = interpret(text, scenes).answer
    assert answer is not None
    return answer.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("My son asks whether there is a car in this image. Is there?", "no car"),
        ("This is what I made. What is at the bottom?", "fish"),
        ("Our teacher wants to know where the star is", "top left"),
        ("Which things in the picture are blue?", "fish"),
        ("True or false: there is a star", "Yes"),
        ("the thing at the bottom, what colour does it have", "blue"),
        ("How big is the star, and where is it?", "big"),
        ("How big is the star, and where is it?", "top left"),
    ],
)
def test_a_question_about_one_image(text: str, words: str) -> None:
    assert words in said(text, BEFORE)


@pytest.mark.parametrize(
    ("text", "scene", "words"),
    [
        ("I believe that something has moved. What has moved?", AFTER, "star"),
        ("This was yesterday. This is today. What is different?", AFTER, "star"),
        ("One thing was replaced. By what?", REPLACED, "boat"),
        ("Which object was replaced?", REPLACED, "boat"),
    ],
)
def test_a_question_about_two_images(text: str, scene: Scene, words: str) -> None:
    assert words in said(text, BEFORE, scene)


@pytest.mark.parametrize(
    "text", ["I made the fish red. What is at the bottom?", "Move the star to the right. Where is the fish?"]
)
def test_a_question_with_an_order_or_a_claim_about_the_image_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="question"):
        interpret(text, (BEFORE,))


@pytest.mark.parametrize(
    "text",
    [
        "Here I send you a photo with a blue fish. Can you turn the fish green?",
        "I have attached a picture of a star. Make it white.",
    ],
)
def test_an_image_that_was_sent_must_be_given(text: str) -> None:
    with pytest.raises(InputError, match="no image was given") as caught:
        interpret(text)
    assert caught.value.code == "no_image"
