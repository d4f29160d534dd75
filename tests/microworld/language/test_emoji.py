"""Emoji of objects and backgrounds, beside words and alone; those of other things are refused."""

import pytest

from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.requests.restated import interpret_restated
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request, TextPart


@pytest.mark.parametrize(
    ("text", "kinds", "ground"),
    [
        ("a girl 👧 holding a flower 🌸", ["flower", "girl"], ""),
        ("🏠 🌳 ❄️", ["house", "tree"], "snow"),
        ("red car 🚗 at night 🌙", ["car"], "night"),
        ("a boat ⛵ at sunset 🌅", ["boat"], "sunset"),
        ("a cat 🎉", ["cat"], ""),
    ],
)
def test_emoji_show_objects_and_backgrounds(text: str, kinds: list[str], ground: str) -> None:
    check_text(text, 0)
    (target,) = interpret(text).targets
    assert sorted(one.kind for one in target.objects) == kinds
    assert not ground or target.backgrounds == {ground}


@pytest.mark.parametrize("text", ["cat 🐱, 🐙, ball ⚽", "a girl 🦄", "🏠🐶", "❄️⛄ a small cottage"])
def test_an_emoji_of_another_thing_is_refused_in_any_words(text: str) -> None:
    with pytest.raises(InputError):
        interpret_restated(Request(parts=(TextPart(text=text),)), [], lambda *_: ["A cat and a ball."])


def test_several_emoji_after_a_word_may_count() -> None:
    with pytest.raises(InputError):
        interpret("a car 🚗🚗🚗")
