"""Words that a reader passes over are found, whatever the reader is, and requests that are read in full have none."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.requests.interpretation import Interpretation, interpret
from interleavethinker.microworld.requests.unread_words import unread_words
from interleavethinker.microworld.requests.word_signs import unexplained_signs
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import COLOURS

BALLS = parse(
    "a big red ball in the top left, a big red ball in the top right and a small blue ball at the bottom"
).target
PAIR = parse("a small white cat on the left and a big green tree on the right, in a meadow").target


def unread(text: str, *scenes: Scene, deaf_to: str = "(?!)") -> tuple[str, ...]:
    """Returns what is found if a reader passes over what a pattern finds."""

    def read(wording: str, shown: Sequence[Scene]) -> Interpretation:
        return replace(interpret(re.sub(deaf_to, "", wording), shown), text=wording)

    return unread_words(read(text, scenes), scenes, read)


@pytest.mark.parametrize(
    ("text", "scenes", "word", "deaf_to"),
    [
        ("A small cat at the top.", (), "small", "small|big"),
        ("A red ball at the top. It turns blue.", (), "top", "at the (?:top|bottom|left)"),
        ("Add a red ball.", (PAIR,), "red", "|".join(COLOURS)),
        ("Make the top balls yellow.", (BALLS,), "top", "top|bottom|left"),
        ("Is there a blue ball on the right?", (BALLS,), "blue", "|".join(COLOURS)),
        ("How many small balls are there?", (BALLS,), "small", "small|big"),
    ],
)
def test_a_word_that_changes_nothing_when_another_stands_in_its_place_was_passed_over(
    text: str, scenes: tuple[Scene, ...], word: str, deaf_to: str
) -> None:
    assert word in unread(text, *scenes, deaf_to=deaf_to)


@pytest.mark.parametrize(
    ("told", "asked", "words"),
    [
        ("A house and a cat. It snows.", "A house and a cat. It snows, keep only the house.", ("keep only",)),
        (
            "A house and a cat. The cat turns green.",
            "A house and a cat. The cat turns green. The others, too.",
            ("others", "too"),
        ),
        ("A cat. It is night.", "A cat. It leaves at night and comes back in the morning.", ("leaves", "back")),
        ("A cat. The cat moves to the top.", "A cat. The cat moves to the top twice.", ("twice",)),
        ("A ball and a box. The ball turns red.", "A ball and a box. Both turn red.", ("both",)),
        ("A cat and a ball.", "Three cats and a ball.", ("three",)),
        (
            "A cat and a ball. The cat leaves.",
            "A cat and a ball. They leave, starting with the ball.",
            ("starting with",),
        ),
        ("A cat and a ball.", "A cat and a ball, unless it snows.", ("unless",)),
        ("Two cats and a ball.", "A cat and a ball.", ("cat",)),
        ("A cat and two balls.", "A cat and just a ball.", ("just", "ball")),
        ("A ball and a house. The ball turns red.", "A ball and a house. The second one turns red, both.", ("both",)),
        ("A big box. It becomes small.", "A big box becomes small and a small box becomes big.", ("a",)),
        ("A ball.", "A ball in the bottom row.", ("bottom", "row")),
        ("A cat.", "A cat beside it.", ("beside",)),
        ("A girl and a ball.", "A girl has a ball. Now she has two.", ("two",)),
        ("A girl. She becomes a cat.", "A girl. She wants a cat.", ("girl",)),
    ],
)
def test_a_small_word_of_which_the_images_show_nothing_was_passed_over(
    told: str, asked: str, words: tuple[str, ...]
) -> None:
    story = interpret(told).story
    assert story is not None
    assert unexplained_signs(told, story) == ()
    assert [word.lower() for word in words] == [
        word for word in unexplained_signs(asked, story) if word in str(words).lower()
    ]


@pytest.mark.parametrize(
    ("text", "scenes"),
    [
        ("Three cats, then two cats, then one cat.", ()),
        ("A cat and a bird. In the end just a bird.", ()),
        ("a cat at the top or at the bottom", ()),
        ("a cat on the left, no, on the right", ()),
        ("Show me addition: one cat plus two cats.", ()),
        ("A flower in the meadow. Everything disappears.", ()),
        ("a car on the left and nothing on the right", ()),
        ("A house next to the sea.", ()),
        ("Just one enormous pink bird in the snow, that's it.", ()),
        ("A cat and a bird at the beach. Only the cat leaves. Then it comes back.", ()),
        ("A ball and a box. Both turn red. Then the ball leaves, and the box too.", ()),
        ("Make the cat as big as the tree.", (PAIR,)),
        ("Make the cat red. No, blue.", (PAIR,)),
        ("Remove everything but the tree.", (PAIR,)),
        ("A house, no trees.", ()),
        ("A red and a blue ball.", ()),
        ("Draw two things: a cat and a ball.", ()),
        ("I don't want a cat. I want a bird.", ()),
        ("From top to bottom: ball, box, star.", ()),
        ("Cat -> bird.", (PAIR,)),
        ("In three steps, draw a house, a tree and a cat.", ()),
        ("Is the cat on the left or on the right?", (PAIR,)),
        ("How many red balls are there?", (BALLS,)),
        ("How many small balls are there?", (BALLS,)),
        ("Is there a blue ball on the right?", (BALLS,)),
    ],
)
def test_a_request_that_was_read_in_full_has_no_such_word(text: str, scenes: tuple[Scene, ...]) -> None:
    assert unread(text, *scenes) == ()
