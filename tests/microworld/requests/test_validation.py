"""Which requests the profile `micro` accepts."""

import pytest

from interleavethinker.microworld.requests.families import SPLITS, sample_scenario
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request, TextPart


def ask(text: str) -> None:
    check_request(Request(parts=(TextPart(text=text),)))


@pytest.mark.parametrize("split", SPLITS)
def test_every_request_of_every_family_is_accepted(split: str) -> None:
    for index in range(140):
        for part in sample_scenario(11, index, split).scenario.parts:  # type: ignore[arg-type]
            if isinstance(part, str):
                ask(part)


def test_the_error_for_unknown_words_suggests_known_ones() -> None:
    with pytest.raises(InputError, match=r"'dragon' \(nearest: .*klein"):
        ask("Tell a picture story. First a big red dragon on the left, at night.")
    with pytest.raises(InputError, match="no words"):
        ask("?!")
