"""Answers in a planner's own words: right ones in any length, and every wrong word, order or omission."""

import pytest

from interleavethinker.microworld.requests.answer_check import answer_faults
from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject

PAIR = Scene("meadow").put(3, SceneObject("cat", "white", "small")).put(5, SceneObject("tree", "green", "big"))


@pytest.mark.parametrize(
    ("question", "said", "right"),
    [
        ("Is it empty?", "No, it shows 2 objects.", True),
        ("Is there a cat?", "Yes.", True),
        ("Is there a cat?", "Yes, there is a small white kitten on the left.", True),
        ("Is there a cat?", "Yes, there is a small white cat on the right.", False),
        ("Is there a cat and a tree?", "Yes, there is a big green tree on the left.", False),
        ("Is there a cat and a tree?", "Yes.", True),
        ("Is there a ball?", "Yes.", False),
        ("Is there a big red tree?", "No tree.", False),
        ("Is there a big red tree?", "No.", True),
        ("Is there a big red tree?", "No, there is no big red tree.", True),
        ("Is there anything in the middle?", "No.", True),
        ("Is there anything in the middle?", "No image now.", False),
        ("How many colors are there?", "There are 2 colors.", True),
        ("How many colors are there?", "There are 2 things.", False),
        ("How many cats and trees are there?", "There is 1 cat.", False),
        ("How many cats and trees are there?", "There is one cat. There is 1 tree.", True),
        ("How many things are there?", "2 things.", True),
        ("How many things are there?", "There are 2 things and 3 balls.", False),
        ("What is the biggest thing?", "The cottage is a big green tree.", False),
        ("What is the biggest thing?", "It is a green tree.", True),
        ("What color is the biggest thing?", "The golden is a big green tree.", False),
        ("What color is the cat?", "White.", True),
        ("Where is the cat?", "It is on the left.", True),
        ("Where is the cat?", "It is at the bottom left.", False),
        (
            "Describe the picture.",
            "A big green tree on the right and a small white cat on the left, on a meadow.",
            False,
        ),
        ("Describe the picture.", "A small white cat on the left and a big green tree on the right in a meadow.", True),
    ],
)
def test_an_answer_says_what_the_rules_answer_and_nothing_else(question: str, said: str, right: bool) -> None:
    answer = interpret(question, (PAIR,)).answer
    assert answer is not None
    assert (answer_faults(answer, said) == []) is right, answer.text


def test_every_place_of_several_objects_is_said() -> None:
    bird = SceneObject("bird", "white", "small")
    answer = interpret("Where are the small things?", (Scene("forest").put(2, bird).put(5, bird),)).answer
    assert answer is not None
    assert answer_faults(answer, answer.text) == []
    assert answer_faults(answer, "The small bird is in the top right.")
    assert answer_faults(answer, "In the top right and on the right.") == []


def test_a_yes_that_says_that_there_is_no_object_is_no_refusal() -> None:
    answer = interpret("Is it empty?", (Scene("beach"),)).answer
    assert answer is not None
    assert answer_faults(answer, answer.text) == []
    assert answer_faults(answer, "No, it shows no objects.")
