"""Misspelt words are read as what they are slips of, and the document says so; other unknown words are not."""

import pytest

from interleavethinker.microworld.language.spelling import corrected
from interleavethinker.microworld.requests.restated import check_restated, interpret_restated, not_restated, notes_on
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Request, TextPart

SCENE = Scene("meadow").put(4, SceneObject("girl", "pink", "big")).put(3, SceneObject("car", "red", "big"))


def asked(text: str, images: int = 0) -> Request:
    return Request(parts=(*(ImagePart(sha256="a" * 64) for _ in range(images)), TextPart(text=text)))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a smal red brid on the left", "a small red bird on the left"),
        (
            "1. a brid on teh left 2. the brid trns blue 3. nigth falls",
            "1. a bird on the left 2. the bird turns blue 3. night falls",
        ),
        ("big purpel flwoer in the midle", "big purple flower in the middle"),
    ],
)
def test_slips_are_corrected_and_stated(text: str, plain: str) -> None:
    check_restated(asked(text), not_restated)
    found = interpret_restated(asked(text), [], not_restated)
    assert found.restated == plain
    assert plain in notes_on(found)[0]


@pytest.mark.parametrize("text", ["mkae the car bleu", "remvoe teh car", "ad a flowr to the right of the girl"])
def test_edits_with_slips_are_read(text: str) -> None:
    check_restated(asked(text, 1), not_restated)
    assert interpret_restated(asked(text, 1), [SCENE], not_restated).restated is not None


@pytest.mark.parametrize(
    "word",
    ["goat", "horse", "mouse", "bat", "hose", "coat", "moon", "dog", "bug", "bear", "boot", "shoe", "bats", "horses"],
)
def test_another_english_word_is_no_slip(word: str) -> None:
    assert corrected(f"a {word}", {"a"}.__contains__) is None
    with pytest.raises(InputError):
        interpret_restated(asked(f"a {word} on the left"), [], not_restated)


def test_one_unknown_word_keeps_all_from_being_corrected() -> None:
    assert corrected("a brid and a dragon", {"a", "and"}.__contains__) is None
