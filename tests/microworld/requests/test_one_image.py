"""Descriptions that come back to an object or a place: one image, or a refusal, but never another object or image."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import Interpretation, interpret
from interleavethinker.microworld.requests.restated import interpret_restated
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request, TextPart


def looks(found: Interpretation) -> list[str]:
    """Returns the objects of the last image with what is fixed about them."""
    return sorted(
        " ".join([*(next(iter(values)) for values in (one.sizes, one.colours) if len(values) == 1), one.kind])
        for one in found.targets[-1].objects
    )


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("A pink cat in the snow, a really big one.", ["big pink cat"]),
        ("My daughter wants a pink cat in the snow please, a big one", ["big pink cat"]),
        ("Draw a boat at the beach, a small one please", ["small boat"]),
        ("A house in the forest with a little cat next to it, like a white one", ["house", "small white cat"]),
        ("Show me a car, preferably a red one", ["red car"]),
        ("A red ball in the snow, a blue one", ["blue ball", "red ball"]),
        ("A red ball, a blue one and a green one", ["blue ball", "green ball", "red ball"]),
        ("Two cats, one white and theother one orange, onthe grass", ["orange cat", "white cat"]),
        ("Red ball on the left, same ball in blue on the right", ["blue ball", "red ball"]),
        ("A big red cat on the left, the same cat but small on the right.", ["big red cat", "small red cat"]),
        ("Five birds, no more and no fewer, at the ocean", ["bird"] * 5),
    ],
)
def test_one_image_shows_the_objects_as_described(text: str, objects: list[str]) -> None:
    found = interpret(text)
    assert len(found.targets) == 1
    assert looks(found) == objects


@pytest.mark.parametrize("row", ["top", "bottom"])
@pytest.mark.parametrize(
    "words", ["A cat and a ball at the {}, next to each other.", "A cat and a ball next to each other at the {}."]
)
def test_objects_beside_each_other_share_their_row(row: str, words: str) -> None:
    (target,) = interpret(words.format(row)).targets
    cells = {0, 1, 2} if row == "top" else {6, 7, 8}
    assert all(one.cells == cells for one in target.objects)
    assert [relation.kind for relation in target.relations] == ["next_to"]


@pytest.mark.parametrize(
    "text",
    [
        "Exactly one ball. It is top left and bottom right in the same image.",
        "There is one cat. It is on the left and on the right.",
        "A cat that is in the top left and in the bottom right",
        "One ball. It is at the top and at the bottom at the same time.",
        "A girl with a flower in the forest, and it is night",
        "A boat at the beach and it is night",
        "A picture of a cat and a picture of a bird",
        "A picture of a cat. A picture of a bird.",
        "A picture with a cat, another with a bird",
    ],
)
def test_one_image_is_in_one_place_and_time(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("A cat on the left. Then it is on the right.", 2),
        ("A boat at the beach, then it is night", 2),
        ("A girl in the forest. Night falls.", 2),
        ("A picture of a cat and a bird", 1),
        ("A picture with two girls, one with a ball", 1),
    ],
)
def test_what_happens_one_after_the_other_still_gets_its_images(text: str, images: int) -> None:
    assert len(interpret(text).targets) == images


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("can u make the cat in my picture blue pls pls", "A blue cat."),
        ("the tree from my photo needs to be way smaller k?", "A small tree."),
        ("a ball that flickers top and bottom at the same time", "A ball at the top. It moves to the bottom."),
    ],
)
def test_other_words_draw_no_new_image_for_one_that_was_not_sent(text: str, words: str) -> None:
    with pytest.raises(InputError):
        interpret_restated(Request(parts=(TextPart(text=text),)), (), lambda _text, _images: words)
