"""Which sentences say that nothing changes, and which only limit a change or tell more of an object."""

import pytest

from interleavethinker.microworld.language.unchanged import is_closing, says_unchanged


@pytest.mark.parametrize(
    "text",
    [
        "nothing changes",
        "nothing at all happens",
        "nobody moves",
        "no change",
        "there is no change",
        "everything stays as it is",
        "everything is still the same",
        "then everything remains unchanged",
        "they all stay where they are",
        "the picture stays the same",
        "the picture does not change",
        "leave everything as it is",
        "the same picture again",
        "show the same picture once more",
        "same as before",
        "the same",
    ],
)
def test_the_whole_image_stays(text: str) -> None:
    assert says_unchanged(text)


@pytest.mark.parametrize(
    "text",
    [
        "nothing else changes",
        "everything else stays as it is",
        "keep the rest as it is",
        "the cat stays",
        "nothing on the left",
        "everything turns red",
        "the same picture at night",
        "the same picture but the cat is gone",
        "everything is red",
        "nobody",
        "no cat",
        "change the background",
    ],
)
def test_something_may_change(text: str) -> None:
    assert not says_unchanged(text)


def test_words_that_only_end_a_request_are_known() -> None:
    assert all(map(is_closing, ("the end", "that is all", "and done", "thank you")))
    assert not any(map(is_closing, ("the end is near", "the cat is done", "nothing changes")))
