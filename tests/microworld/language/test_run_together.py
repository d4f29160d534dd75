"""Words that were run together are separated where nothing else can be meant."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.language.run_together import separated
from interleavethinker.microworld.requests.interpretation import interpret


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("3cats and 2girls inthe snow", "3 cats and 2 girls in the snow"),
        ("Pleasedraw abox atthe top", "Please draw a box at the top"),
        ("putaball ontheright", "put a ball on the right"),
        ("a star atnight", "a star at night"),
        ("bythesea", "by the sea"),
    ],
)
def test_words_run_together(text: str, plain: str) -> None:
    assert separated(text) == plain


@pytest.mark.parametrize(
    "word",
    "birdhouse bluebird greenhouse starfish tonight ashore inbox area island into 2nd 3D goldfish atop inside".split(),
)
def test_words_of_their_own_stay(word: str) -> None:
    assert separated(f"a {word} there") == f"a {word} there"


def test_a_word_that_is_longer_than_four_words_can_be_stays() -> None:
    assert separated("anda" * 1000) == "anda" * 1000


def test_a_request_typed_in_a_hurry() -> None:
    (target,) = interpret("2cats and 1 girl onthe beach").targets
    assert sorted(one.kind for one in target.objects) == ["cat", "cat", "girl"]
    assert target.backgrounds == {"beach"}
