"""Which requests the profile `micro` accepts."""

import pytest

from interleavethinker.microworld.requests.families import SPLITS, sample_scenario
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Request, TextPart


def ask(text: str, images: int = 0) -> None:
    given = (ImagePart(sha256="a" * 64) for _ in range(images))
    check_request(Request(parts=(*given, TextPart(text=text))))


@pytest.mark.parametrize("split", SPLITS)
def test_every_request_of_every_family_is_accepted(split: str) -> None:
    for index in range(140):
        parts = sample_scenario(11, index, split).scenario.parts  # type: ignore[arg-type]
        texts = [part for part in parts if isinstance(part, str)]
        ask("\n".join(texts), images=len(parts) - len(texts))


def test_the_error_for_unknown_words_suggests_known_ones_only_where_they_are_near() -> None:
    with pytest.raises(InputError, match=r"'kiten' \(nearest: kitten\); 'dragon'\. .*klein"):
        ask("Tell a picture story. First a big red kiten on the left and a dragon on the right, at night.")
    with pytest.raises(InputError, match=r"'dragon'\. .*klein"):
        ask("Tell a picture story. First a big red dragon on the left, at night.")
    with pytest.raises(InputError, match="no words"):
        ask("?!")


@pytest.mark.parametrize("verb", ["Eliminate", "Scrap", "Relocate", "Invent an ending: enlarge"])
def test_the_error_for_unknown_words_names_no_word_of_a_rule(verb: str) -> None:
    with pytest.raises(InputError, match=r"does not know these words: 'dragon'\. "):
        ask(f"{verb} the dragon.", images=1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a winter evening with a little house", "snow and sunset"),
        ("sunset over the ocean with two boats", "sunset and beach"),
        ("Draw a snowy forest with a house", "snow and forest"),
    ],
)
def test_two_backgrounds_of_one_image_are_named(text: str, names: str) -> None:
    with pytest.raises(InputError, match=f"names two backgrounds, {names}; an image has one") as refused:
        ask(text)
    assert refused.value.suggestion is not None
