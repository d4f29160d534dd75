"""Constructions of counting and placing that have a shorter equivalent."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.requests.required_scene import ANY_CELL
from interleavethinker.tools.errors import InputError


def found(text: str) -> tuple[list[str], list[tuple[str, tuple[int, ...]]]]:
    (target,) = interpret(text).targets
    objects = []
    for one in target.objects:
        looks = [*(one.sizes if len(one.sizes) == 1 else ()), *(one.colours if len(one.colours) == 1 else ())]
        cells = () if one.cells == ANY_CELL or len(one.cells) > 1 else map(str, one.cells)
        objects.append(" ".join((*looks, one.kind, *cells)))
    return objects, [(one.kind, one.objects) for one in target.relations]


@pytest.mark.parametrize(
    "text",
    [
        "two birds one above the other",
        "Two birds, one on top of the other.",
        "a column of two birds",
        "two birds stacked on top of each other",
        "two birds in a column",
    ],
)
def test_objects_above_each_other(text: str) -> None:
    assert found(text) == (["bird", "bird"], [("below", (1, 0))])


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("a fish in each of the two bottom corners", ["fish 6", "fish 8"]),
        ("flowers in both left corners", ["flower 0", "flower 6"]),
        ("two boats in the right corners and a cat on the left", ["boat 2", "boat 8", "cat 3"]),
        ("a girl with a box to the left and a boat to the right", ["girl", "box 3", "boat 5"]),
        ("two stars, the left one white, the right one pink", ["white star 3", "pink star 5"]),
        ("a small boat and a fish, all at the beach", ["small boat", "fish"]),
        ("a girl looking up at a yellow bird", ["girl", "yellow bird"]),
        ("a boat whose colour is white", ["white boat"]),
        ("I would like to know what two pink cars look like", ["pink car", "pink car"]),
    ],
)
def test_places_and_looks(text: str, objects: list[str]) -> None:
    assert found(text)[0] == objects


def test_one_object_on_each_side() -> None:
    objects, relations = found("a boat with two stars, one on each side")
    assert (sorted(objects), relations) == (["boat", "star", "star"], [("left", (1, 0)), ("right", (2, 0))])


def test_a_snowy_field_is_snow() -> None:
    (target,) = interpret("a red car in the middle of a snowy field").targets
    assert target.backgrounds == {"snow"}


def test_several_objects_have_one_object_in_common() -> None:
    assert found("two fish below a boat")[0] == ["boat", "fish", "fish"]
    objects, relations = found("four birds above a tree")
    assert (sorted(objects), relations) == (["bird"] * 4 + ["tree"], [])


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("A car. A pink car, to be precise.", ["pink car"]),
        ("Draw a fish! A white fish! A tiny white fish!", ["small white fish"]),
        ("How are you today? Please draw a pink bird.", ["pink bird"]),
        ("What I would like to see is a yellow box.", ["yellow box"]),
        ("Show me three stars so that my class can count them", ["star", "star", "star"]),
        ("Me like picture with small blue fish", ["small blue fish"]),
    ],
)
def test_talk_around_one_picture(text: str, objects: list[str]) -> None:
    assert found(text)[0] == objects


def test_what_is_on_top_is_above_its_object() -> None:
    assert found("a box with a ball on top") == (["box", "ball"], [("above", (1, 0))])


def test_an_object_cannot_have_two_colors_at_once() -> None:
    for text in ("one star that is white and also pink", "A picture with a cat that is red and also blue."):
        with pytest.raises(InputError, match=r"at once|understand"):
            interpret(text)


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("a meadow where the only thing you can see is a small pink flower", ["small pink flower"]),
        ("Surprise us with a forest in which two cats sit", ["cat", "cat"]),
        ("Our class needs a poster with a red boat", ["red boat"]),
        ("What would it look like if a white cat sat on the left?", ["white cat 3"]),
        ("a star in every corner and no star anywhere else", ["star 0", "star 2", "star 6", "star 8"]),
    ],
)
def test_frames_around_one_picture(text: str, objects: list[str]) -> None:
    assert found(text)[0] == objects


def test_a_number_beyond_the_cells_is_refused() -> None:
    with pytest.raises(InputError, match="at most nine"):
        interpret("fifteen yellow stars at night")
