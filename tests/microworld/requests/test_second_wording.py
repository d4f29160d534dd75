"""Requests that are understood in a second wording: with headings, slips of the tongue, courtesy, and forms."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.requests.second_wording import attributes_first, second_wording
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

SCENE = (
    Scene("meadow")
    .put(3, SceneObject("cat", "white", "small"))
    .put(4, SceneObject("ball", "red", "small"))
    .put(5, SceneObject("tree", "green", "big"))
)
OTHER = SCENE.put(4, SceneObject("ball", "blue", "small"))


def kinds(text: str, *scenes: Scene) -> list[str]:
    return sorted(one.kind for one in interpret(text, scenes).targets[-1].objects)


def looks(text: str, kind: str, *scenes: Scene) -> set[str]:
    return {
        look
        for one in interpret(text, scenes).targets[-1].objects
        if one.kind == kind
        for values in (one.colours, one.sizes)
        if len(values) == 1
        for look in values
    }


@pytest.mark.parametrize(
    ("text", "objects", "left_out"),
    [
        ("Worksheet 7: three small red boats", ["boat"] * 3, ("worksheet", "seven")),
        ("Homework, task 3: draw a green cat and two stars", ["cat", "star", "star"], ("task", "three")),
        ("Sprint ticket: a big purple box in the forest", ["box"], ("ticket",)),
        ("Enemy squad 4:\n- 3x small red bird\n- 1x big purple bird", ["bird"] * 4, ("enemy", "squad", "four")),
        ("hero (girl): left\ntreasure (box): right", ["box", "girl"], ()),
    ],
)
def test_a_heading_is_left_out(text: str, objects: list[str], left_out: tuple[str, ...]) -> None:
    assert kinds(text) == objects
    assert interpret(text).left_out == left_out


@pytest.mark.parametrize(
    "text",
    [
        "Dragon: top left",
        "castle: big, red",
        "dragon: a big red ball next to it",
        "Monsters:\n- a dragon\n- a cat",
        "a wee dragon",
        "a cat, no, dog",
        "if it is night, a cat",
        "Forbidden: a red ball",
    ],
)
def test_what_may_name_an_object_is_no_heading(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("I'd be very thankful for two white cats, if that's alright", ["cat", "cat"]),
        ("I should be ever so glad to have a boat at sea, if it isn't much bother.", ["boat"]),
        ("Draw two balls and a star. The kids will count them.", ["ball", "ball", "star"]),
        ("two small red ball and one tree", ["ball", "ball", "tree"]),
        ("boat left fish right", ["boat", "fish"]),
        ("small white cat top left big red ball bottom right", ["ball", "cat"]),
        ("Item A = boat, color blue, size big, location middle. Item B = star, position top.", ["boat", "star"]),
        ("draw a cat no wait a bird", ["bird"]),
        ("picture where is two red cars and around is snow", ["car", "car"]),
        ("four boats, all of blue color", ["boat"] * 4),
    ],
)
def test_single_images_are_read_through_talk_and_notes(text: str, objects: list[str]) -> None:
    assert kinds(text) == objects


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("a cat as white as milk", "cat", {"white"}),
        ("a lil pink boat", "boat", {"small", "pink"}),
        ("Object 1: cat, color white, size small, position left", "cat", {"small", "white"}),
        ("four boats, all of blue color", "boat", {"blue"}),
    ],
)
def test_looks_are_read_in_other_constructions(text: str, kind: str, values: set[str]) -> None:
    assert looks(text, kind) == values


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("Design review: make the ball yellow", ["ball", "cat", "tree"]),
        ("remove the tree no wait the ball", ["cat", "tree"]),
        ("get rid of the tree, no sorry, not the tree, the cat", ["ball", "tree"]),
        ("Aside from the tree, everything should vanish", ["tree"]),
        ("Release notes:\n- removed: ball\n- changed: background -> beach", ["cat", "tree"]),
        ("Release notes:\n- added: big red star (top left)\n- removed: the tree", ["ball", "cat", "star"]),
    ],
)
def test_edits_are_read_through_slips_and_notes(text: str, objects: list[str]) -> None:
    assert kinds(text, SCENE) == objects


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("make the ball blue no sorry green", "ball", {"green", "small"}),
        ("take the ball and make it blue", "ball", {"blue", "small"}),
        ("I not like the white colour of cat. Please change to pink.", "cat", {"pink", "small"}),
        ("Except for the ball, all things turn blue", "ball", {"red", "small"}),
    ],
)
def test_edits_change_what_they_name(text: str, kind: str, values: set[str]) -> None:
    assert looks(text, kind, SCENE) == values


@pytest.mark.parametrize(
    ("text", "scenes", "said"),
    [
        ("May I ask how many trees you see?", [SCENE], "1 tree"),
        ("Might we ask, how many balls are in this photo of mine?", [SCENE], "1 ball"),
        ("Is there a cat in it, yes or no?", [SCENE], "Yes"),
        ("um how many cats are there", [SCENE], "1 cat"),
        ("guess how many balls r here \U0001f440", [SCENE], "1 ball"),
        ("My students should find the mistake in the copy. What's the answer?", [SCENE, OTHER], "blue ball"),
        ("old vs new!! whats different lol", [SCENE, OTHER], "blue ball"),
        ("Here are two photos of my room. In which of them do you see a blue ball?", [SCENE, OTHER], "second"),
    ],
)
def test_questions_are_read_through_talk(text: str, scenes: list[Scene], said: str) -> None:
    answer = interpret(text, scenes).answer
    assert answer is not None
    assert said in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "take the cat and put a hat on it",
        "apart from the ball, the tree should vanish",
        "don't remove the ball, sorry, the tree",
        "removed: dragon",
        "Rejected: make the ball blue",
        "Draw a a cat",
    ],
)
def test_near_sentences_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text, [SCENE])


@pytest.mark.parametrize(
    "text",
    [
        "which mistake is worse, the red or the blue?",
        "whats wrong with the tree",
        "Tell me what the copy shows",
        "Ignore the mistake, what is in the copy?",
    ],
)
def test_a_question_about_something_shown_does_not_ask_for_the_difference(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text, [SCENE, OTHER])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("cat, white, small, left", "a small white cat on the left"),
        ("Cat, color white, size small, position top left.", "a small white cat in the top left."),
        ("one boat, red, right; a star, at the top", "a red boat on the right; a star at the top"),
        ("a ball, green, left, and a cat, big", "a green ball on the left, and a big cat"),
    ],
)
def test_the_attributes_of_a_list_belong_to_its_object(text: str, plain: str) -> None:
    assert attributes_first(text) == plain
    assert len(interpret(text).targets) == (2 if ";" in text else 1)
    assert [one for one in interpret(text).targets[-1].objects if len(one.colours) == 1]


@pytest.mark.parametrize("text", ["a cat, red, blue", "a girl, small house, tree", "A cat, then left.", "cats, white"])
def test_other_lists_stay(text: str) -> None:
    assert attributes_first(text) == text


def test_a_role_that_is_no_object_is_not_taken_for_a_label() -> None:
    text = "hero (girl): left\nenemy (dragon): right"
    assert second_wording(text, 0) == (text, ())
