"""What is accepted as a request, and the number of steps that a request asks for."""

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.request_parsing import as_request, named_step_count
from interleavethinker.tools.types import ImagePart, Request, TextPart

SHA = "a" * 64


def test_a_text_its_parts_and_the_request_itself_are_the_same_request() -> None:
    request = Request(parts=(TextPart(text="hello"),))
    assert as_request("hello") == as_request(["hello"]) == as_request(request) == request
    assert as_request([{"kind": "text", "text": "hello"}]) == request  # type: ignore[list-item]


def test_texts_and_images_keep_their_order() -> None:
    request = as_request(["a", ImagePart(sha256=SHA), "b"])
    assert [part.kind for part in request.parts] == ["text", "image", "text"]
    assert (request.text, request.images) == ("a\nb", (SHA,))


@pytest.mark.parametrize("value", ["", " \n", "\u200b", [], [""], [{"kind": "image", "sha256": "../x"}], 3, [3], None])
def test_an_empty_request_or_another_value_is_rejected(value: object) -> None:
    with pytest.raises(InputError):
        as_request(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("in 3 steps", 3),
        ("Show it in four simple steps.", 4),
        ("a 5-step guide", 5),
        ("twelve pictures", 12),
        ("in 3 steps, yes, three steps", 3),
        ("two balls and a tree", None),
        ("3 steps or 4 steps", None),
        ("100 steps", None),
        ("0 steps", None),
        ("version 1.3 steps in", None),
        ("step by step", None),
        ("in one step", 1),
        ("move it one step to the left", None),
        ("one step at a time", None),
        ("what is different in these two images?", None),
        ("what changed between the two pictures?", None),
        ("how many steps are there in 3 pictures?", None),
        ("are the two pictures the same?", None),
        ("which of the two pictures has more stars?", None),
        ("continue these two pictures with three more pictures", 3),
        ("Show the three steps of making tea", 3),
    ],
)
def test_a_number_of_steps_is_found_only_if_it_is_explicit_and_unambiguous(text: str, count: int | None) -> None:
    assert named_step_count(text) == count
