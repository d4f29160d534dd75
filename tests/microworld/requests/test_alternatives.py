"""Requests that leave a choice to the program, which makes it and says so."""

import contextlib

import pytest

from interleavethinker.microworld.requests.alternatives import choice_in
from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.requests.restated import notes_on
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

SCENE = Scene("meadow").put(3, SceneObject("tree", "green", "big")).put(5, SceneObject("flower", "red", "small"))


@pytest.mark.parametrize(
    ("text", "kind", "note"),
    [
        ("Either a cat or a bird.", "cat", "Of “Either a cat or a bird”, “a cat” was chosen."),
        ("A boat or a house at night", "boat", "Of “A boat or a house”, “A boat” was chosen."),
        ("draw either a red or a blue ball", "ball", "Of “either a red or a blue”, “a red” was chosen."),
        ("a star on the left or on the right", "star", "Of “on the left or on the right”, “on the left” was chosen."),
    ],
)
def test_the_first_alternative_is_drawn_and_the_document_says_so(text: str, kind: str, note: str) -> None:
    check_text(text, 0)
    found = interpret(text)
    (target,) = found.targets
    assert [one.kind for one in target.objects] == [kind]
    assert notes_on(found) == (note,)


def test_an_edit_may_offer_a_choice() -> None:
    check_text("Either the tree or the flower has to go.", 1)
    found = interpret("Either the tree or the flower has to go.", [SCENE])
    assert [one.kind for one in found.targets[-1].objects] == ["flower"]
    assert found.chosen is not None


@pytest.mark.parametrize(
    "text",
    [
        "a cat or a dog",  # the other one is unknown
        "a ball but no cat or bird",
        "Every cell has a star or a fish.",
        "a cat, a bird or a girl or a fish",
        "Is it a cat or a bird?",
    ],
)
def test_other_alternatives_are_no_choice_of_the_program(text: str) -> None:
    with contextlib.suppress(InputError):
        assert interpret(text).chosen is None


def test_a_request_without_a_choice_offers_none() -> None:
    assert choice_in("a cat and a bird") is None
