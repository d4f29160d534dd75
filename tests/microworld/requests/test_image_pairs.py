"""Questions about two images, answered from scenes."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

CAT, TREE = SceneObject("cat", "white", "small"), SceneObject("tree", "green", "big")
BLUE, RED = SceneObject("ball", "blue", "small"), SceneObject("ball", "red", "small")
FIRST = Scene("meadow").put(3, CAT).put(5, TREE).put(7, BLUE)
WITHOUT_BALL = Scene("meadow").put(3, CAT).put(5, TREE)
SECOND = Scene("night").put(5, SceneObject("cat", "white", "big")).put(3, TREE).put(7, RED)
TWO_CATS = Scene("meadow").put(3, CAT).put(5, SceneObject("cat", "red", "small"))
TURNED = Scene("meadow").put(5, CAT).put(3, SceneObject("cat", "red", "small"))
TWINS = Scene("meadow").put(3, CAT).put(5, CAT)


def said(text: str, *scenes: Scene) -> str:
    answer = interpret(text, scenes).answer
    assert answer is not None
    check_text(text, len(scenes))
    words = set(answer.text.lower().strip(".").replace(",", "").replace(":", "").replace(";", "").split())
    assert all(options & words for options in answer.required), "an answer meets its own requirement"
    assert not words & answer.forbidden
    return answer.text


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("In which picture is it night?", "second"),
        ("In which picture is it a meadow?", "first"),
        ("In which one is it day?", "first"),
        ("In which picture does it snow?", "None"),
        ("In which picture is the cat bigger?", "second"),
        ("In which picture is the cat smaller?", "first"),
        ("In which picture is the tree bigger?", "Both"),
        ("Which picture has more colors?", "Both"),
    ],
)
def test_in_which_image_something_holds(text: str, which: str) -> None:
    assert which in said(text, FIRST, SECOND)


@pytest.mark.parametrize(
    ("text", "which"), [("Which picture has more colors?", "first"), ("Which image has fewer colors?", "second")]
)
def test_which_image_has_more_colours(text: str, which: str) -> None:
    assert f"The {which} picture" in said(text, FIRST, WITHOUT_BALL)


@pytest.mark.parametrize(
    ("text", "scenes", "yes"),
    [
        ("Have the cat and the tree swapped places?", (FIRST, SECOND), True),
        ("Did the tree switch places with the cat?", (FIRST, SECOND), True),
        ("Did the cat and the ball swap places?", (FIRST, SECOND), False),
        ("Have the cats swapped places?", (TWO_CATS, TURNED), True),
        ("Have the cats swapped places?", (TWO_CATS, TWO_CATS), False),
        ("Is the ball in the second picture red?", (FIRST, SECOND), True),
        ("Is the ball in the first picture red?", (FIRST, SECOND), False),
        ("Is the cat in the first picture on the left?", (FIRST, SECOND), True),
        ("Is the second picture at night?", (FIRST, SECOND), True),
        ("Is the first picture at night?", (FIRST, SECOND), False),
        ("Is the ball in the second picture?", (FIRST, WITHOUT_BALL), False),
        ("Is the ball in the first picture?", (FIRST, WITHOUT_BALL), True),
        ("Are there more than two things in the first picture?", (FIRST, WITHOUT_BALL), True),
        ("Are there more than two things in the second picture?", (FIRST, WITHOUT_BALL), False),
        ("Does the cat appear in both pictures?", (FIRST, SECOND), True),
        ("Does the ball appear in both pictures?", (FIRST, WITHOUT_BALL), False),
        ("Do the balls appear in both images?", (FIRST, WITHOUT_BALL), False),
        ("Does a ball appear in the second picture?", (FIRST, WITHOUT_BALL), False),
        ("Can the ball be seen in the first picture?", (FIRST, WITHOUT_BALL), True),
        ("Same?", (FIRST, FIRST), True),
        ("Same?", (FIRST, SECOND), False),
        ("Different?", (FIRST, SECOND), True),
    ],
)
def test_whether_something_holds(text: str, scenes: tuple[Scene, Scene], yes: bool) -> None:
    assert said(text, *scenes).startswith("Yes" if yes else "No")


@pytest.mark.parametrize(
    "text", ["same or different?", "Are the pictures the same or different?", "Are they identical or not?"]
)
def test_the_same_or_different_is_answered_with_one_of_them(text: str) -> None:
    assert said(text, FIRST, WITHOUT_BALL).startswith("They are different: in the second picture, the small blue ball")
    assert said(text, FIRST, FIRST).startswith("They are the same")


@pytest.mark.parametrize(
    ("text", "scenes", "start"),
    [
        ("How many things have changed?", (FIRST, WITHOUT_BALL), "1 object has changed: a small blue ball"),
        ("How many things are different?", (FIRST, FIRST), "No objects have changed"),
        ("How many differences are there?", (FIRST, SECOND), "3 objects have changed"),
        ("What is only in the first picture?", (FIRST, WITHOUT_BALL), "A small blue ball at the bottom is only in"),
        ("What is only in the second picture?", (FIRST, WITHOUT_BALL), "Nothing is only in the second picture"),
        ("What is only in the second picture?", (TWINS, TURNED), "A small red cat on the left is only in the second"),
        ("What is only in the first picture?", (TWO_CATS, TURNED), "Nothing is only in the first picture"),
    ],
)
def test_what_changed(text: str, scenes: tuple[Scene, Scene], start: str) -> None:
    assert said(text, *scenes).startswith(start)


def test_a_changed_background_is_counted_apart_from_the_objects() -> None:
    assert said("How many things have changed?", FIRST, SECOND).endswith(
        "; the background has changed too, it is night now."
    )


@pytest.mark.parametrize(
    ("text", "scenes", "code"),
    [
        ("Have the cats swapped places?", (TWINS, TWINS), "ambiguous"),
        ("Have the cat and the fish swapped places?", (FIRST, SECOND), "not_there"),
        ("In which picture is the ball bigger?", (FIRST, WITHOUT_BALL), "not_there"),
        ("Have the cat and the tree swapped places?", (FIRST,), "no_image"),
        ("How many things have changed?", (FIRST,), "no_image"),
        ("Same or different?", (FIRST,), "no_image"),
    ],
)
def test_what_the_images_do_not_tell_is_refused(text: str, scenes: tuple[Scene, ...], code: str) -> None:
    with pytest.raises(InputError) as caught:
        interpret(text, scenes)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "second", "answer"),
    [
        ("Same cat in both?", SECOND, "No"),
        ("Is it the same cat in both pictures?", WITHOUT_BALL, "Yes"),
        ("Count the cats in both images together.", TWO_CATS, "3 in all"),
        ("How many cats are there in both images together?", TWO_CATS, "3 in all"),
    ],
)
def test_both_images_together(text: str, second: Scene, answer: str) -> None:
    assert answer in said(text, FIRST, second)
