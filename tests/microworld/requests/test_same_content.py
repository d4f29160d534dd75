"""Restatements of which the model is not sure: content words decide."""

import pytest

from interleavethinker.microworld.requests.same_content import same_content


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        (
            "They bought the car red, painted it azure, and at last it went green",
            "1. A red car. 2. The car turns blue. 3. The car turns green.",
        ),
        (
            "A house, a big one, with two small trees at dusk",
            "A big house, a small tree and another small tree, at sunset.",
        ),
        ("an enormous orb in the centre", "A big ball in the middle."),
        ("a ball, left, no wait, right", "A ball on the right."),
        ("between the cat and the tree, a bird", "A cat, a tree and a bird in the middle."),
        ("the fish swam off and was gone", "The fish goes away."),
        ("a tree over a house, under a sunset", "A house below a tree, at sunset."),
        ("a cat, and by and by another cat", "1. A cat. 2. Another cat appears."),
    ],
)
def test_the_same_content_in_other_words(wording: str, restated: str) -> None:
    assert same_content(wording, restated)


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("a wee boat out on the sea", "A small boat."),
        ("paint the crate yellow", "A box."),
        ("a house by the shore, a tiny one, with a girl", "A small house and a small girl, at the beach."),
        ("a star and then a cat", "1. A star. 2. A cat appears. 3. The star goes away."),
        ("a tree and, over it, a star", "A tree and a star."),
        ("a cat sits on the left, a second cat on the right", "1. A cat on the left. 2. A girl on the right."),
        ("the bird is gone, the box stays", "1. The bird goes away. 2. The box goes away."),
        ("the boat is there; later it has gone", "1. A boat. 2. A boat."),
    ],
)
def test_content_that_was_lost_or_invented(wording: str, restated: str) -> None:
    assert not same_content(wording, restated)
