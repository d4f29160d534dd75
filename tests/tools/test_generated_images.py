"""What a call asks of its image."""

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.generated_images import check_size
from interleavethinker.tools.types import GenerationRequest


def call(size: str | None) -> GenerationRequest:
    return GenerationRequest(prompt="a boat", seed=1, size=size)


def test_an_image_of_another_size_is_not_taken_for_the_one_that_was_asked_for() -> None:
    check_size(call(None), 96, 96)
    check_size(call("16:9"), 1360, 768)
    with pytest.raises(InputError, match="96x96 instead of 16:9"):
        check_size(call("16:9"), 96, 96)
