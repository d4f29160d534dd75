"""Rows, corners and counts that are stated by other words, and picture series that are named as a whole."""

from collections import Counter

import pytest

from interleavethinker.microworld.language.arrangements import arranged
from interleavethinker.microworld.language.series import in_series
from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.tools.errors import InputError


def counted(text: str) -> dict[str, int]:
    """Returns how many objects of each kind the only image of a request has."""
    check_text(text, 0)
    (target,) = interpret(text).targets
    return dict(Counter(one.kind for one in target.objects))


@pytest.mark.parametrize(
    "text",
    [
        "Four corners, four stars",
        "four stars, one per corner",
        "four yellow stars at night, one in each corner",
        "a star per corner",
        "2x2 grid of stars",
    ],
)
def test_corners_are_named_in_many_ways(text: str) -> None:
    check_text(text, 0)
    (target,) = interpret(text).targets
    cells = sorted(POSITIONS[next(iter(one.cells))] for one in target.objects)
    assert cells == ["bottom left", "bottom right", "top left", "top right"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("two rows of three stars", {"star": 6}),
        ("two rows of three red balls each, on a beach", {"ball": 6}),
        ("three rows of two boxes", {"box": 6}),
        ("two rows, three fish each", {"fish": 6}),
        ("a 3x3 grid of flowers", {"flower": 9}),
        ("nine flowers please, one in every spot", {"flower": 9}),
        ("two cats and twice as many balls", {"cat": 2, "ball": 4}),
        ("a bird in the snow, and three times as many trees", {"bird": 1, "tree": 3}),
        ("four boxes and half as many girls", {"box": 4, "girl": 2}),
        ("As many balls as boxes: three each, please.", {"ball": 3, "box": 3}),
        ("a ball and a box, two of each", {"ball": 2, "box": 2}),
        ("2 + 3 birds", {"bird": 5}),
        ("two plus two stars", {"star": 4}),
        ("5 - 2 balls", {"ball": 3}),
        ("twice as many stars as cats. There are two cats.", {"cat": 2, "star": 4}),
        ("two cats and one more bird than cats", {"cat": 2, "bird": 3}),
        ("five yellow stars and two fewer red balls", {"star": 5, "ball": 3}),
        ("One more car than boats. There are three boats.", {"boat": 3, "car": 4}),
        ("A house with six balls around it", {"house": 1, "ball": 6}),
        ("My girl turns six tomorrow, can we have a house with six balls?", {"house": 1, "ball": 6}),
        ("a bird over the trees", {"bird": 1, "tree": 2}),
        ("the boats on the sea", {"boat": 2}),
        ("a bird above three trees", {"bird": 1, "tree": 3}),
        ("an equal number of cats and birds, two each", {"cat": 2, "bird": 2}),
        ("no cats, two birds, zero cars, one tree", {"bird": 2, "tree": 1}),
    ],
)
def test_numbers_follow_from_other_words(text: str, wanted: dict[str, int]) -> None:
    assert counted(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "three boxes and half as many cats",
        "six cats and twice as many balls",
        "two cats and twice as many cats as birds",
        "two cats and a bird and twice as many balls",
    ],
)
def test_numbers_that_no_image_has_stay(text: str) -> None:
    assert arranged(text) == text
    with pytest.raises(InputError):
        interpret(text)


def test_rows_are_rows() -> None:
    (target,) = interpret("two rows of three stars").targets
    rows = Counter(row for one in target.objects for row in {cell // 3 for cell in one.cells})
    assert sorted(rows.values()) == [3, 3]


def test_a_list_may_count_in_roman_numerals() -> None:
    targets = interpret("i) a car ii) a car and a house iii) only the house").targets
    assert [sorted(one.kind for one in target.objects) for target in targets] == [["car"], ["car", "house"], ["house"]]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("show the numbers 1 to 4 with fish", [1, 2, 3, 4]),
        ("Count from 1 to 3 with red balls.", [1, 2, 3]),
        ("the numbers 3 to 1 with stars at night", [3, 2, 1]),
        ("In 3 images: one flower, two flowers, three flowers", [1, 2, 3]),
        ("A garden with flowers: first one, and every picture adds another until there are five", [1, 2, 3, 4, 5]),
        ("4 pictures of a boat in different colors", [1, 1, 1, 1]),
        ("Once there was a fish. Then came another fish. Then they were three.", [1, 2, 3]),
    ],
)
def test_a_series_is_written_out(text: str, counts: list[int]) -> None:
    check_text(text, 0)
    assert [len(target.objects) for target in interpret(text).targets] == counts


def test_every_picture_of_a_series_differs() -> None:
    colours = [
        next(iter(target.objects[0].colours))
        for target in interpret("3 pictures of a boat, each in a different color").targets
    ]
    assert len(set(colours)) == 3
    sizes = [set(target.objects[0].sizes) for target in interpret("Show how a tree grows in the snow.").targets]
    assert sizes == [{"small"}, {"big"}]
    cells = [
        set(target.objects[0].cells) for target in interpret("Three pictures of a cat in different places").targets
    ]
    assert len({min(one) for one in cells}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "9 pictures of a boat in different colors",  # there are eight
        "3 pictures of a boat in different sizes",
        "one flower, two flowers, three flowers",  # six flowers of one image?
        "a tree grows in the meadow",
    ],
)
def test_what_is_no_series_stays(text: str) -> None:
    assert in_series(text) == text


def test_a_title_and_the_first_picture_are_one_picture() -> None:
    text = (
        "Here is the story of a car. In the first picture it is red and stands on the left. "
        "In the second picture it is blue."
    )
    first, second = interpret(text).targets
    assert first.objects[0].colours == {"red"}
    assert second.objects[0].colours == {"blue"}


@pytest.mark.parametrize(
    "text", ["My cat is on the beach and she has a ball.", "A cat. Then she has a ball.", "A girl. She gets a ball."]
)
def test_who_has_something_does_not_become_it(text: str) -> None:
    kinds = {one.kind for one in interpret(text).targets[-1].objects}
    assert "ball" in kinds
    assert len(kinds) == 2


def test_what_somebody_is_given_is_next_to_them() -> None:
    scene = Scene("forest").put(0, SceneObject("tree", "green", "big")).put(8, SceneObject("cat", "white", "big"))
    check_text("give the cat a flower", 1)
    (target,) = interpret("give the cat a flower", [scene]).targets
    assert [relation.kind for relation in target.relations] == ["next_to"]
    (elsewhere,) = interpret("give the cat a flower on the left", [scene]).targets
    assert elsewhere.relations == ()


def test_a_group_keeps_what_is_said_of_its_parts() -> None:
    (target,) = interpret(
        "A snowy landscape. There are two houses in it, one red and one blue, with a big tree in between."
    ).targets
    assert sorted(next(iter(one.colours)) for one in target.objects if one.kind == "house") == ["blue", "red"]


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("three boxes, one red and the others blue", ["blue", "blue", "red"]),
        ("Three boxes. One is red, the rest are blue.", ["blue", "blue", "red"]),
        ("two boxes, one red, the other blue", ["blue", "red"]),
    ],
)
def test_the_rest_has_the_other_look(text: str, colours: list[str]) -> None:
    (target,) = interpret(text).targets
    assert sorted(next(iter(one.colours)) for one in target.objects) == colours


@pytest.mark.parametrize(
    ("text", "there", "left"),
    [
        ("There should be two fewer stars.", 5, 3),
        ("one star less", 3, 2),
        ("Halve the number of stars", 4, 2),
        ("remove half of the stars", 2, 1),
    ],
)
def test_an_edit_takes_away_as_many_as_it_says(text: str, there: int, left: int) -> None:
    scene = Scene("night")
    for cell in range(there):
        scene = scene.put(cell, SceneObject("star", "yellow", "big"))
    check_text(text, 1)
    (target,) = interpret(text, [scene]).targets
    assert len(target.objects) == left


def test_half_of_an_odd_number_is_refused() -> None:
    scene = Scene("beach").put(0, SceneObject("boat", "white", "big")).put(1, SceneObject("boat", "white", "big"))
    with pytest.raises(InputError):
        interpret("Halve the number of boats", [scene.put(2, SceneObject("boat", "white", "big"))])
