"""Questions about what changed between two images: each part is answered, and what no image tells is refused."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

CAT, TREE, STAR = (
    SceneObject("cat", "white", "small"),
    SceneObject("tree", "green", "big"),
    SceneObject("star", "yellow", "small"),
)
RED, BLUE = SceneObject("ball", "red", "small"), SceneObject("ball", "blue", "small")
BEFORE = Scene("meadow").put(3, CAT).put(5, TREE).put(7, RED)
AFTER = Scene("meadow").put(1, STAR).put(0, CAT).put(7, BLUE)
"""The star is new, the tree gone, the cat moved from the left to the top left, and the ball is blue."""
SAME = BEFORE


def said(text: str, *scenes: Scene) -> str:
    answer = interpret(text, scenes).answer
    assert answer is not None
    check_text(text, len(scenes))
    words = set(answer.text.lower().strip(".").replace(",", "").replace(":", "").replace(".", "").split())
    assert all(options & words for options in answer.required), "an answer meets its own requirement"
    assert not words & answer.forbidden
    return answer.text


@pytest.mark.parametrize(
    ("text", "named", "unnamed"),
    [
        ("What was added? What was removed?", ["star", "tree"], ["cat", "ball"]),
        ("What was added and what was removed?", ["star", "tree"], ["cat", "ball"]),
        ("What is gone, and what is new?", ["star", "tree"], ["cat", "ball"]),
        ("Which thing is missing and which thing moved?", ["tree", "cat"], ["star", "ball"]),
        ("What moved and what changed color?", ["cat", "ball"], ["star", "tree"]),
        ("What was added or removed?", ["star", "tree"], ["cat", "ball"]),
        ("Which thing has a different color?", ["ball"], ["cat", "star", "tree"]),
        ("Which thing changed its place?", ["cat"], ["ball", "star", "tree"]),
        ("What changed at the top?", ["star"], ["ball", "tree", "cat"]),
        ("What is different on the right?", ["tree"], ["ball", "star", "cat"]),
        ("What changed at the bottom?", ["ball"], ["tree", "star", "cat"]),
        ("What changed in the middle?", ["Nothing"], ["ball", "tree", "star", "cat"]),
        ("Who left?", ["tree"], ["cat", "ball", "star"]),
        ("How many things moved?", ["1", "cat"], ["ball"]),
        ("How many things disappeared?", ["1", "tree"], ["ball"]),
        ("Which animal is new?", ["No animal is new"], ["star", "ball"]),
        ("Did anything change its color?", ["Yes", "ball"], ["cat"]),
        ("Did anything change its size?", ["No"], ["ball", "cat", "tree"]),
        ("Was anything added or removed?", ["Yes", "star", "tree"], ["cat"]),
        ("What changed, and what stayed the same?", ["star", "tree"], []),
    ],
)
def test_each_part_of_a_question_about_changes_is_answered(text: str, named: list[str], unnamed: list[str]) -> None:
    answer = said(text, BEFORE, AFTER)
    assert all(word in answer for word in named)
    assert not any(word in answer for word in unnamed)


def test_nothing_of_a_kind_changed() -> None:
    assert said("What was added and what was removed?", BEFORE, SAME) == "Nothing is new. Nothing is gone."
    assert said("Did anything move or disappear?", BEFORE, SAME).startswith("No")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What color was the ball?", "In the first picture: The ball is red."),
        (
            "Where was the cat, and where is it now?",
            "In the first picture: The cat is on the left. The cat is in the top left.",
        ),
        ("What was on the right?", "In the first picture: It is a big green tree."),
    ],
)
def test_past_tense_asks_for_the_image_before(text: str, answer: str) -> None:
    assert said(text, BEFORE, AFTER) == answer


@pytest.mark.parametrize(
    "text",
    [
        "What changed except the ball?",
        "Which color is new?",
        "Which things are in the same place?",
        "Is the second picture the same except for the star?",
        "What stands where the tree was?",
        "What was at the top before?",
    ],
)
def test_the_whole_difference_answers_no_question_about_a_part_of_it(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text, (BEFORE, AFTER))


@pytest.mark.parametrize(
    "text",
    [
        "How many legs does the cat have?",
        "How many leaves are on the tree?",
        "How many living things are there?",
        "How many things have the color of the ball?",
        "How many things are in the corners?",
        "How many cats will there be if I add two?",
        "What is the cat's name?",
        "What is the brightest thing?",
        "What is the highest thing?",
        "Does the cat have a tail?",
        "Where is the cat going?",
        "Is it warm or cold?",
        "What is left of the tree and right of the cat?",
    ],
)
def test_what_no_image_tells_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text, (BEFORE,))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("How many pretty little cats are there?", "There is 1 small cat."),
        ("How many instances of 'cat' are present?", "There is 1 cat."),
        ("Does the picture have a tree?", "Yes, there is a big green tree on the right."),
        ("Is it night or day?", "It is day: the picture is in a meadow."),
        ("Is it a forest or a beach?", "Neither: the picture is in a meadow."),
        ("Is it a forest or a meadow?", "The picture is in a meadow."),
    ],
)
def test_what_the_image_tells_is_answered(text: str, answer: str) -> None:
    assert said(text, BEFORE) == answer


def test_what_has_grown_or_turned_into_a_color() -> None:
    small, big = Scene("meadow").put(4, SceneObject("tree", "green", "small")).put(3, RED), Scene("meadow")
    big = big.put(4, SceneObject("tree", "green", "big")).put(3, BLUE)
    assert said("Did anything get bigger?", small, big).startswith("Yes: the small green tree")
    assert said("What shrank?", big, small).startswith("The big green tree")
    assert said("Has anything become smaller?", small, big) == "No: nothing has become smaller."
    assert said("What became blue?", small, big).startswith("The small red ball")
    assert said("What turned red?", small, big) == "Nothing has turned red."
