"""Free corners and cells of a given image, and objects as many as those that are there."""

import pytest

from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.tools.errors import InputError

BALL = SceneObject("ball", "red", "big")
ONE_FREE = Scene("meadow").put(0, BALL).put(2, BALL).put(6, BALL)
ONE_TAKEN = Scene("night").put(0, BALL)


def added(text: str, scene: Scene) -> list[tuple[str, str]]:
    """Returns the kind and place of what the last image has and the given one has not."""
    check_text(text, 1)
    objects = interpret(text, [scene]).targets[-1].objects
    places = [(one.kind, POSITIONS[next(iter(one.cells))]) for one in objects if len(one.cells) == 1]
    there = {(obj.kind, POSITIONS[cell]) for cell, obj in scene.objects.items()}
    return sorted(place for place in places if place not in there)


@pytest.mark.parametrize(
    "text",
    [
        "put a flower in the only empty corner",
        "Add a flower in the corner that's still free.",
        "a flower in the last free corner, please",
    ],
)
def test_the_only_free_corner_is_found(text: str) -> None:
    assert added(text, ONE_FREE) == [("flower", "bottom right")]


@pytest.mark.parametrize(
    "text",
    [
        "Put a star in each of the free corners.",
        "stars in the empty corners please",
        "Fill the free corners with stars.",
    ],
)
def test_each_free_corner_gets_one(text: str) -> None:
    assert added(text, ONE_TAKEN) == [("star", "bottom left"), ("star", "bottom right"), ("star", "top right")]


@pytest.mark.parametrize(
    ("text", "scene", "code"),
    [
        ("put a flower in the only empty corner", ONE_TAKEN, "ambiguous"),
        ("put a flower in the empty corner", ONE_FREE.put(8, BALL), "occupied"),
        ("put two stars in the free corners", ONE_TAKEN, "contradiction"),
    ],
)
def test_what_is_not_free_is_refused(text: str, scene: Scene, code: str) -> None:
    with pytest.raises(InputError) as caught:
        interpret(text, [scene])
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "count"),
    [("Double the number of balls.", 6), ("twice as many balls", 6), ("Make it twice as many balls", 6)],
)
def test_as_many_again_are_added(text: str, count: int) -> None:
    check_text(text, 1)
    assert len(interpret(text, [ONE_FREE]).targets[-1].objects) == count
