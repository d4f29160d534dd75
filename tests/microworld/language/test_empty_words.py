"""Talk is left out of a request that is not understood otherwise; what could be drawn never is."""

import pytest

from interleavethinker.microworld.language.empty_words import EMPTY_WORDS, says_nothing
from interleavethinker.microworld.language.plain_text import plain_text, split_sentences
from interleavethinker.microworld.language.vocabulary import known_words
from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError


@pytest.mark.parametrize(
    ("request_", "plain"),
    [
        ("I'm a beginner. A red ball on the left.", "a red ball on the left"),
        ("a happy cat at night, if possible", "a cat at night"),
        ("My daughter would like a small boat at the beach", "a small boat at the beach"),
        ("Hmm, for my presentation: honestly, a big house in the snow", "a big house in the snow"),
        (
            "A green tree. Please show it like a story. Then the tree turns red.",
            "A green tree. Then the tree turns red.",
        ),
        ("I would love three yellow birds, at sunset if possible.", "three yellow birds at sunset"),
        ("A boat. White, large, in the centre of the picture.", "a big white boat in the middle"),
        ("~ a green house ~ , in a meadow ,,,", "a green house in a meadow"),
        ("Let the story begin with a big box. Suddenly the box is a fish.", "a big box. then the box becomes a fish"),
    ],
)
def test_a_request_with_talk_means_the_same_as_without(request_: str, plain: str) -> None:
    assert interpret(request_).targets == interpret(plain).targets


@pytest.mark.parametrize(
    "request_",
    [
        "a happy dog",
        "A red ball. There is a dog.",
        "a cat with my sister",
        "a robot and a cat",
        "a striped ball",
        "hello",
    ],
)
def test_what_could_be_drawn_is_not_left_out(request_: str) -> None:
    with pytest.raises(InputError):
        interpret(request_)


def test_a_mood_is_no_answer_to_a_question() -> None:
    scene = Scene("meadow").put(4, SceneObject("cat", "white", "big"))
    with pytest.raises(InputError, match="happy"):
        interpret("Is the cat happy?", [scene])


@pytest.mark.parametrize(
    "text",
    [
        "put it away",
        "another one",
        "no one",
        "take them out",
        "remove it",
        "it goes away",
        "there is a dog",
        "night",
    ],
)
def test_a_sentence_that_may_change_the_picture_says_something(text: str) -> None:
    (sentence,) = split_sentences(plain_text(text))
    assert not says_nothing(sentence)


def test_no_word_of_the_micro_world_is_empty() -> None:
    assert not EMPTY_WORDS & known_words()
    assert not EMPTY_WORDS & set("no not never without except only all both each every other nothing again".split())


def test_an_object_that_is_moved_to_its_own_cell_stays() -> None:
    from interleavethinker.microworld.language.parser import parse

    scene = Scene("meadow").put(4, SceneObject("cat", "white", "big"))
    assert parse("move the cat to the middle", scene).target == scene
