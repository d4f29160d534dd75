"""Totals, exceptions, moments and questions about several, of which a part was once dropped without a word."""

import pytest

from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

from .test_exact_reading import BALLS, PAIR, STARS, TREE, shown

BIG, SMALL = SceneObject("ball", "red", "big"), SceneObject("ball", "blue", "small")
CORNERS = Scene("meadow", (BIG, None, BIG, None, None, None, SMALL, None, SMALL))


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("Draw a cat until night falls.", None),
        ("Three cats. Two remain.", None),
        ("Two cats. One stays.", None),
        ("A house. The night comes and goes.", None),
        ("A tree at night. The next day it is red.", None),
        ("At night there is a cat, during the day a bird.", None),
        ("A ball at the bottom left. It rises.", None),
        ("A cat. It might turn blue.", None),
        ("A big ball. It turns from blue to red.", None),
        ("Picture 2: a red ball. Picture 1: a blue ball.", None),
        ("Picture 1: a cat. Picture 2: a bird.", None),
        ("First picture: a cat on the left. Second picture: a bird on the right.", None),
        ("Scene 1: a cat and a bird. Scene 2: a bird.", None),
        ("A cat sits on a box. It jumps off.", None),
        ("too dark", PAIR),
        ("My car is red. Your car is blue.", None),
        ("Are there only animals?", PAIR),
        ("What's in the corners?", PAIR),
        ("Draw two images. In the first, a cat. In the second, a bird.", None),
        ("In the first, a red car. In the second, a blue car.", None),
        ("On the first image there is a house, on the second image there is a boat.", None),
        ("Page 1: a house. Page 2: a boat.", None),
        ("a picture of a cat followed by a picture of a bird", None),
        ("Show a red car in picture one and a blue car in picture two.", None),
        ("A cat and a bird. The bird leaves first, the cat later.", None),
        ("Give the cat a flower instead.", PAIR),
        ("The white cat leaves first, the green tree later.", PAIR),
        ("The cat sits down.", PAIR),
        ("The cat gets a blue ball instead.", PAIR),
        ("A box. A girl pushes it to the right.", None),
        ("A girl looks to the left.", None),
        ("A cat and a house. The cat looks up.", None),
        ("A girl. In the evening she goes.", None),
        ("Remove the cat's color.", PAIR),
        ("A happy cat is big. A sad cat is small.", None),
        ("Tom's ball is red. Ann's ball is blue.", None),
        ("The fast car is on the left. The slow car is on the right.", None),
        ("Mother cat is big. Baby cat is small.", None),
        ("Two pictures: one with a red ball, one with a blue ball.", None),
        ("First a cat, then just snow.", None),
        ("A boat, then nothing but the sea.", None),
        ("A cat, then night only.", None),
        ("A dark forest with a bird.", None),
        ("First picture: only a cat. Second picture: only a bird.", None),
        ("One night in the forest a girl saw a star.", None),
        ("It is night at the beach. A boat comes.", None),
        ("It was a cold winter night. A cat sat in the middle.", None),
        ("Which object is highest?", STARS),
        ("A cat leaves with a bird.", None),
        ("A cat walks out of the forest.", None),
        ("Yesterday: a red house. Today: a blue house.", None),
        ("Draw three stars at the top. Make the middle one red.", None),
        ("A girl has no cat. Then she has one.", None),
        ("A girl buys a car. She sells it.", None),
        ("Put a star at the top and at the bottom.", BALLS),
        ("Make three balls yellow.", BALLS),
        ("Turn two balls into boxes.", BALLS),
        ("I want only one ball.", BALLS),
        ("There should be just one cat.", BALLS),
        ("Now there is one ball.", BALLS),
        ("The ball has two balls.", BALLS),
        ("The same, but with two balls.", BALLS),
        ("Let there be two balls.", BALLS),
        ("Three balls.", BALLS),
        ("The picture shows one ball.", BALLS),
        ("New picture: a red box.", BALLS),
        ("I want five balls in all.", BALLS),
        ("Move all balls to the left, but not the big one.", BALLS),
        ("Is there a star in all corners?", STARS),
        ("How many things can swim?", STARS),
        ("Has everything shrunk?", STARS),
        ("True or false: the cat is red.", PAIR),
        ("Change the color of one star.", STARS),
        ("A cat, a ball and a tree. They leave one by one, starting with the tree.", None),
        ("One picture with a cat, one with a ball.", None),
        ("A house with and without a cat.", None),
        ("Make the cat and the tree red, the tree first.", PAIR),
        ("In the first row a cat, in the second a bird, in the third a fish.", None),
    ],
)
def test_what_may_be_a_total_or_names_no_moment_is_refused(text: str, scene: Scene | None) -> None:
    with pytest.raises(InputError):
        interpret(text, () if scene is None else (scene,))


def test_what_is_not_meant_is_left_alone() -> None:
    for text in ("Make all stars white, but not the big one.", "Make all stars white, just not the blue one."):
        (shown_,) = interpret(text, (STARS,)).targets
        assert [sorted(one.colours) for one in shown_.objects] == [["white"], ["blue"], ["white"]]
    (left,) = interpret("Remove the stars, but not the green one.", (STARS,)).targets
    assert [sorted(one.colours) for one in left.objects] == [["green"]]


@pytest.mark.parametrize(
    ("text", "scenes", "said"),
    [
        (
            "How many balls are there in total?",
            (BALLS, BALLS),
            "There are 6 in all: 3 in the first picture and 3 in the",
        ),
        (
            "Is there a star at the top left and at the bottom?",
            (STARS,),
            "Yes, there is a small red star in the top left. No,",
        ),
        ("Do you see no box?", (STARS,), "Yes, there is no box."),
        (
            "Is the red ball bigger than the blue ball?",
            (TREE.put(0, SceneObject("ball", "red", "big")).put(1, SceneObject("ball", "blue", "small")),),
            "the red ball is big and the blue ball small",
        ),
        ("Did the balls change their color?", (BALLS, BALLS), "No"),
        (
            "Which picture has three balls?",
            (BALLS, BALLS.put(4, SceneObject("ball", "red", "big"))),
            "The first picture does.",
        ),
        ("How many new balls are there?", (BALLS, BALLS.put(4, SceneObject("ball", "red", "big"))), "There is 1."),
        ("What was added?", (BALLS, BALLS.put(1, None)), "Nothing is new. In the second picture, the small blue ball"),
        (
            "From where to where did the cat move?",
            (PAIR, PAIR.put(3, None).put(4, PAIR.cells[3])),
            "in the second picture",
        ),
    ],
)
def test_questions_about_several_are_answered_for_all(text: str, scenes: tuple[Scene, ...], said: str) -> None:
    found = interpret(text, scenes).answer
    assert found is not None
    assert said in found.text


def test_one_of_a_second_pair_is_the_object_of_the_first() -> None:
    found = interpret("A cat with a red ball and a bird with a blue one.")
    assert shown(found) == [("ball", "blue"), ("ball", "red"), ("bird",), ("cat",)]


def test_what_changes_and_what_does_not_are_told_apart() -> None:
    first, second = interpret("Five balls. Two of them turn red.").targets
    assert not any("red" in one.colours for one in first.objects)
    assert sorted("red" in one.colours for one in second.objects) == [False, False, False, True, True]
    before, after = interpret("A ball on the left. The ball turns from blue to red.").targets
    assert [*before.objects[0].colours, *after.objects[0].colours] == ["blue", "red"]


def test_what_alone_is_kept_and_what_is_found_again_is_there_in_the_end() -> None:
    for text in (
        "Make it night, keep only the cat.",
        "Keep only the cat, make it night.",
        "At night with only the cat.",
        "Night, keep the cat but not the tree.",
        "Only the cat, at night.",
    ):
        target = interpret(text, (PAIR,)).targets[-1]
        assert [one.kind for one in target.objects] == ["cat"]
        assert target.backgrounds == {"night"}
    story = interpret("A girl. She has a cat. The cat runs away. The girl finds it again.").targets
    assert [sorted(one.kind for one in scene.objects) for scene in story][2:] == [["girl"], ["cat", "girl"]]


def test_a_picture_is_chosen_by_the_number_that_is_asked_for() -> None:
    more = BALLS.put(8, SceneObject("ball", "green", "big"))
    for text, said in (
        ("Which picture has three balls?", "The first picture does."),
        ("Which picture has four balls?", "The second picture does."),
    ):
        found = interpret(text, (BALLS, more)).answer
        assert found is not None
        assert found.text == said


def test_what_is_kept_is_what_them_means() -> None:
    (target,) = interpret("Make it snow, keep the stars but make them white.", (STARS.put(8, TREE.cells[5]),)).targets
    assert [sorted(one.colours) for one in target.objects] == [["white"], ["white"], ["white"], ["green"]]
    last = interpret("A house, a boat and a fish. Night falls. Only the house can be seen.").targets[-1]
    assert [one.kind for one in last.objects] == ["house"]


@pytest.mark.parametrize("last", ["Then the others, too.", "Then also the others.", "The other two, too."])
def test_the_others_do_the_same(last: str) -> None:
    target = interpret(f"A house, a boat and a fish. The fish turns red. {last}").targets[-1]
    assert all(one.colours == {"red"} for one in target.objects)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Remove the upper balls.", {6, 8}),
        ("Remove both bottom balls.", {0, 2}),
        ("Remove the leftmost balls.", {2, 8}),
        ("Remove all balls on the right.", {0, 6}),
        ("Remove the top two balls.", {6, 8}),
    ],
)
def test_several_on_one_side_are_those_of_its_row_or_column(text: str, left: set[int]) -> None:
    (target,) = interpret(text, [CORNERS]).targets
    assert {cell for obj in target.objects for cell in obj.cells} == left


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Is there exactly one red ball?", "No, there are 2 of them."),
        ("Are there exactly two red balls?", "Yes, there are 2 of them."),
        ("Is there a single red ball?", "No, there are 2 of them."),
        ("Is there a third red ball?", "No, there are 2 of them."),
        ("Is there another red ball?", "Yes, there are 2 of them."),
        ("Which is bigger, the top left ball or the bottom left ball?", "The red ball is bigger."),
        ("Is it a small red ball?", "No, there is no small red ball."),
        ("Is there anything besides the red balls?", "There are a small blue ball and a small blue ball."),
        ("Are the top balls red?", "Yes, there is a big red ball in the top left and a big red ball in the top right."),
    ],
)
def test_questions_may_count(text: str, answer: str) -> None:
    found = interpret(text, [CORNERS]).answer
    assert found is not None
    assert found.text == answer


@pytest.mark.parametrize(
    "text",
    [
        "How many old balls are there?",
        "How many balls drive to the left?",
        "Is there a ball on the left, in the middle and on the right?",
    ],
)
def test_a_question_of_which_a_word_has_no_answer_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="Could not understand the question"):
        interpret(text, [CORNERS])


@pytest.mark.parametrize(
    "text", ["A cat top and bottom.", "A house and a fish. The fish turns green. Everything, actually."]
)
def test_a_word_with_a_meaning_is_not_left_out(text: str) -> None:
    with pytest.raises(InputError, match="It is not clear what"):
        interpret(text)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("First row: ball, box, star. Second row: cat, bird, fish.", [{0}, {1}, {2}, {3}, {4}, {5}]),
        ("Last column: a red ball, a box and a small star", [{2}, {5}, {8}]),
        ("First column: a ball and a box. Last column: a cat.", [{0, 3, 6}, {0, 3, 6}, {2, 5, 8}]),
        ("row 1: a cat; row 3: a fish", [{0, 1, 2}, {6, 7, 8}]),
    ],
)
def test_a_list_of_rows_or_columns_places_its_objects(text: str, cells: list[set[int]]) -> None:
    (target,) = interpret(text).targets
    assert [set(obj.cells) for obj in target.objects] == cells


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("The sun sets over a boat.", "A boat, at sunset."),
        ("A girl that stands next to a tree that is small.", "A girl that stands next to a small tree."),
        ("A cat. It is replaced by a red one.", "A cat. Replace it with a red one."),
        ("A house flanked by trees.", "A house with a tree on each side."),
        ("cat (white, small), left", "A small white cat on the left."),
        ("A cat at night, only a cat.", "A cat at night."),
        ("A girl in a forest. They reach a house.", "A girl in a forest. A house appears."),
    ],
)
def test_wordings_of_pictures_that_mean_the_same(text: str, same: str) -> None:
    assert interpret(text).targets == interpret(same).targets


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Put the cat where the tree is and the tree where the cat is.", "Swap the cat and the tree."),
        ("Add a ball above and below the tree.", "Add a ball above the tree and a ball below the tree."),
        (
            "Add two more trees, one above and one below the tree.",
            "Add a tree above the tree and a tree below the tree.",
        ),
        ("Make the cat, not the tree, blue.", "Make the cat blue."),
        ("The cat should be as green as the tree.", "Make the cat green."),
    ],
)
def test_wordings_of_edits_that_mean_the_same(text: str, same: str) -> None:
    assert interpret(text, [PAIR]).targets == interpret(same, [PAIR]).targets


@pytest.mark.parametrize(
    ("text", "scene", "shown"),
    [
        ("Put a star above each ball at the bottom.", CORNERS, ["ball", "ball", "ball", "ball", "star 3", "star 5"]),
        ("Two houses, with a tree next to each house.", None, ["house", "house", "tree", "tree"]),
        ("A tale of greed: a girl stands on the left of a meadow.", None, ["girl 3"]),
        ("Make the top balls as blue as the small ones.", CORNERS, ["blue ball", "blue ball", "ball", "ball"]),
    ],
)
def test_places_and_looks_may_be_told_by_other_objects(text: str, scene: Scene | None, shown: list[str]) -> None:
    (target,) = interpret(text, [scene] if scene else []).targets
    assert len(target.objects) == len(shown)
    for obj, words in zip(target.objects, shown, strict=True):
        assert obj.kind in words
        assert "blue" not in words or obj.colours == {"blue"}
        assert not words[-1].isdigit() or obj.cells == {int(words[-1])}


@pytest.mark.parametrize(
    "text",
    [
        "A house. A smaller house beside it.",
        "A cat by day, a bird by night.",
        "A row of three cars, the second one red.",
        "A house and a boat. They leave at night and return in the morning.",
        "A house and a boat. They leave one by one, from left to right.",
        "A fish at the beach. A bigger fish eats it.",
        "A cat in a meadow. The cat wants to leave.",
        "A cat in a meadow. It used to be red.",
        "A cat in a meadow. It likes red.",
        "A cat in a meadow. Night is far away.",
        "A cat in a meadow. It is no longer red.",
        "A girl in a forest. The night goes away.",
        "A girl in the snow. Winter is gone.",
        "A girl in the snow. Winter ends.",
        "A girl gets into a car. The car drives off.",
        "Before: a red ball. After: a blue ball.",
        "A flower. It dies.",
        "A red cat. It was blue before.",
        "A red cat. Once it was blue.",
        "A red cat. At first it was blue.",
        "A cat on the right. It was on the left yesterday.",
        "A cat in a meadow. It might snow.",
        "A girl has a ball. Now she has two.",
        "A girl has two balls. Now she has three.",
        "A cat in the snow. The snow stops.",
        "A girl in a meadow. She transforms a box.",
        "A girl in a meadow. She turns a box over.",
        "A girl in a meadow. She makes a box.",
        "A girl in a meadow. She becomes friends with a cat.",
    ],
)
def test_what_once_lost_an_object_or_an_image_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


def test_two_images_may_hold_more_than_nine_objects() -> None:
    crowd = Scene("meadow", tuple(SceneObject("ball", "red", "big") if cell < 6 else None for cell in range(9)))
    found = interpret("How many balls are there in total?", [crowd, crowd]).answer
    assert found is not None
    assert "12" in found.text
