"""Stories and lessons that name "the same" object, one that stays alone, or an order after their objects."""

import pytest

from interleavethinker.microworld.language.told_again import in_named_order, told_again
from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.tools.errors import InputError


def shown(text: str) -> list[list[str]]:
    """Returns the objects of each image, with the colors and sizes that are certain."""
    found = []
    for target in interpret(text).targets:
        objects = []
        for one in target.objects:
            looks = [next(iter(each)) for each in (one.sizes, one.colours) if len(each) == 1]
            objects.append(" ".join([*looks, one.kind]))
        found.append(sorted(objects))
    return found


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("a boat, then the same boat in green", [["boat"], ["green boat"]]),
        ("A fish. Afterwards the same fish in red.", [["fish"], ["red fish"]]),
        ("a red ball, then the same ball in blue", [["red ball"], ["blue ball"]]),
        ("a cat on the left, next the same cat but big", [["small cat"], ["big cat"]]),
        ("Picture 1: a boat. Picture 2: the same boat in green.", [["boat"], ["green boat"]]),
        ("A boat and a fish. The fish stays alone.", [["boat", "fish"], ["fish"]]),
        (
            "A ball, a box and a star. The star goes away. The ball remains alone.",
            [["ball", "box", "star"], ["ball", "box"], ["ball"]],
        ),
        ("how do i draw a cat and a house, house first?", [["house"], ["cat", "house"]]),
        ("how do i draw a cat next to a house?? show me step by step, house first", [["house"], ["cat", "house"]]),
        ("How to draw a boat left of a star, boat first", [["boat"], ["boat", "star"]]),
        (
            "tutorial: a tree, a ball and a girl (girl first)",
            [["girl"], ["girl", "tree"], ["ball", "girl", "tree"]],
        ),
        ("how do i draw a red cat and a big house? the house last please", [["red cat"], ["big house", "red cat"]]),
        (
            "Picture 1: tree. Picture 2: tree and cat. Picture 3: tree, cat and ball.",
            [["tree"], ["cat", "tree"], ["ball", "cat", "tree"]],
        ),
    ],
)
def test_what_was_shown_before_is_told_again(text: str, images: list[list[str]]) -> None:
    assert shown(text) == images


def test_a_related_object_stands_where_the_lesson_says() -> None:
    for text in ("How to draw a boat left of a star, boat first", "How to draw a boat left of a star, star first"):
        (*_, last) = interpret(text).targets
        boat, star = (next(one for one in last.objects if one.kind == kind) for kind in ("boat", "star"))
        assert boat.cells <= {0, 1, 3, 4, 6, 7}
        assert star.cells <= {1, 2, 4, 5, 7, 8}


@pytest.mark.parametrize(
    "text",
    [
        "Picture 1: tree. Picture 2: tree and cat. Picture 3: cat.",
        "Picture 1: a cat. Picture 2: a tree and a cat. Picture 3: a tree.",
        "f1: cat. f2: ball. f3: cat",
    ],
)
def test_a_picture_that_names_one_of_several_objects_again_is_refused(text: str) -> None:
    with pytest.raises(
        InputError, match=r"may (mean 1 cat in all or 1 more|show the (cat|tree) of the picture before)"
    ):
        shown(text)


def test_an_order_that_is_not_understood_is_refused() -> None:
    with pytest.raises(InputError, match="in which order"):
        in_named_order("How do I draw a cat, which looks at a ball and a star? Star first.")


@pytest.mark.parametrize(
    "text",
    [
        "How do I draw this: a cat first, then a ball?",
        "A cat and a ball. The ball first.",
        "First a boat, then the same boat again.",
        "The cat stays alone in the forest.",
        "A cat stays with the ball.",
    ],
)
def test_other_sentences_stay_as_they_are(text: str) -> None:
    assert in_named_order(told_again(text)) == text
