"""Questions about sets of objects of one image, answered from scenes."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

CAT = SceneObject("cat", "white", "small")
MIXED = (
    Scene("meadow").put(3, CAT).put(5, SceneObject("tree", "green", "big")).put(7, SceneObject("ball", "blue", "small"))
)
CATS = (
    Scene("snow")
    .put(3, SceneObject("cat", "red", "small"))
    .put(5, SceneObject("cat", "white", "big"))
    .put(7, SceneObject("ball", "blue", "small"))
)
EQUAL = Scene("meadow").put(3, CAT).put(5, CAT)


def said(text: str, *scenes: Scene) -> str:
    answer = interpret(text, scenes).answer
    assert answer is not None
    check_text(text, len(scenes))
    words = set(answer.text.lower().strip(".").replace(",", "").replace(":", "").split())
    assert all(options & words for options in answer.required), "an answer meets its own requirement"
    assert not words & answer.forbidden
    return answer.text


@pytest.mark.parametrize(
    ("text", "scene", "yes"),
    [
        ("Is there a cat and a ball?", MIXED, True),
        ("Is there a cat and a house?", MIXED, False),
        ("Are there a ball, a tree and a cat?", MIXED, True),
        ("Do you see a cat and a big tree?", MIXED, True),
        ("Is there a cat and a white cat?", MIXED, False),
        ("Is there a cat and a white cat?", EQUAL, True),
        ("Are there two cats and a ball?", CATS, True),
        ("Are there two cats and a ball?", MIXED, False),
        ("Is there a cat on the left and a ball at the bottom?", MIXED, True),
        ("Is there a cat on the right and a ball at the bottom?", MIXED, False),
        ("Are there more than two cats?", CATS, False),
        ("Are there more than two things?", CATS, True),
        ("Are there more than one cat?", CATS, True),
        ("Are there fewer than two cats?", CATS, False),
        ("Are there fewer than two cats?", MIXED, True),
        ("Are there at most two cats?", CATS, True),
        ("Are there at most two things?", CATS, False),
        ("Is there snow?", CATS, True),
        ("Is there snow?", MIXED, False),
        ("Is there any snow?", CATS, True),
        ("Do you see a meadow?", MIXED, True),
        ("Is the cat on the left red?", CATS, True),
        ("Is the cat on the right red?", CATS, False),
        ("Is the cat on the right big?", CATS, True),
        ("Is the thing on the left a cat?", MIXED, True),
        ("Is the thing on the left an animal?", MIXED, True),
        ("Is the thing on the left a bird?", MIXED, False),
        ("Is the blue thing a ball?", MIXED, True),
        ("Is the blue thing on the left?", MIXED, False),
        ("Is the biggest thing a tree?", MIXED, True),
    ],
)
def test_whether_something_holds(text: str, scene: Scene, yes: bool) -> None:
    assert said(text, scene).startswith("Yes" if yes else "No")


@pytest.mark.parametrize(
    ("text", "scene", "answer"),
    [
        ("Which cat is bigger?", CATS, "The white cat on the right is bigger."),
        ("Which of the cats is smaller?", CATS, "The red cat on the left is smaller."),
        ("Which cat is the biggest?", CATS, "The white cat on the right is the biggest."),
        ("Which cat is bigger?", EQUAL, "All of them have the same size."),
        ("What is not red?", CATS, "There are a big white cat and a small blue ball."),
        ("Which things are not small?", CATS, "It is a big white cat."),
        ("Which cat is not red?", CATS, "It is a big white cat."),
        ("What is neither red nor white?", CATS, "It is a small blue ball."),
        ("What is not on the left?", MIXED, "There are a big green tree and a small blue ball."),
        ("What is not red?", MIXED, "There are a small white cat and a big green tree and a small blue ball."),
        ("What is not white?", EQUAL, "Nothing: that holds for all of them."),
        ("How many cats are not red?", CATS, "There is 1."),
        ("What color is the biggest thing?", MIXED, "The tree is green."),
        ("What color is the smallest cat?", CATS, "The cat is red."),
        ("Where is the biggest cat?", CATS, "The cat is on the right."),
        ("Is the thing on the left a cat or a bird?", MIXED, "It is a small white cat."),
        ("Is the thing on the right a cat or a bird?", MIXED, "It is a big green tree."),
        ("Is the cat on the left red or white?", CATS, "The cat is red."),
        ("Is the cat on the right big or small?", CATS, "The cat is big."),
    ],
)
def test_what_holds(text: str, scene: Scene, answer: str) -> None:
    assert said(text, scene) == answer


@pytest.mark.parametrize(
    ("text", "scene", "code"),
    [
        ("Is there a cat and a ball on the left?", MIXED, "ambiguous"),
        ("Is the cat on the right red?", MIXED, "not_there"),
        ("What color is the smallest thing?", MIXED, "ambiguous"),
        ("What color is the biggest cat?", EQUAL, "ambiguous"),
        ("What color is the biggest bird?", MIXED, "not_there"),
        ("Which cat is bigger?", MIXED, "not_there"),
        ("Is there a cat and a dragon?", MIXED, "not_understood"),
    ],
)
def test_what_is_unclear_is_refused(text: str, scene: Scene, code: str) -> None:
    with pytest.raises(InputError) as caught:
        interpret(text, [scene])
    assert caught.value.code == code


def test_a_description_of_the_image_does_not_say_which_cells_are_empty() -> None:
    for question in ("Which corner is empty?", "Which places are free?"):
        scene = MIXED.put(0, CAT).put(2, CAT).put(6, CAT)
        answer = interpret(question, [scene]).answer
        described = interpret("Describe the picture.", [scene]).answer
        assert answer is not None
        assert described is not None
        assert answer.forbidden & set(described.text.lower().replace(",", "").split())
        assert not answer.forbidden & set(answer.text.lower().split())


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Does anything have the same color as the tree?", "No, nothing else is green."),
        ("What has the same color as the car?", "It is a small red flower."),
        ("Does anything have the same size as the car?", "Yes, the tree on the right is big as well."),
    ],
)
def test_what_looks_like_another_object(text: str, answer: str) -> None:
    scene = Scene("meadow").put(1, SceneObject("flower", "red", "small")).put(3, SceneObject("car", "red", "big"))
    assert said(text, scene.put(5, SceneObject("tree", "green", "big"))) == answer
