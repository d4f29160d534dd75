"""Images inside the sentences of a request: each is asked about as the picture that stands there."""

import pytest

from interleavethinker.microworld.agents.restating import restate
from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.requests.image_marks import with_images_in_words
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.request_parsing import place_images
from interleavethinker.tools.types import ImagePart, Request

CAT = Scene("meadow").put(3, SceneObject("cat", "white", "small"))
BALL = Scene("night").put(4, SceneObject("ball", "red", "big"))
NAMES = ("a" * 64, "b" * 64)


def answer(text: str) -> str:
    request = Request(parts=place_images(text, NAMES))
    (step,) = plan_by_rules(request, (CAT, BALL), restate=restate).steps
    return step.auxiliary_text or ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "What is in <image>? And what is in <image>?",
            "white cat on the left, in a meadow. The picture shows a big red",
        ),
        ("What color is the cat in <image>? <image>", "The cat is white."),
        ("What is different between <image> and <image>?", "the background is night instead"),
        ("Which of <image> and <image> has a cat?", "The first picture does."),
    ],
)
def test_a_question_is_answered_for_the_picture_that_it_names(text: str, said: str) -> None:
    assert said in answer(text)


@pytest.mark.parametrize(
    "text",
    [
        "Is there a cat in <image> or in <image>?",
        "Describe <image> and <image>.",
        "How many cats in <image> and in <image>?",
    ],
)
def test_a_question_about_two_pictures_is_not_answered_for_one_of_them(text: str) -> None:
    with pytest.raises(InputError):
        answer(text)


def test_images_between_whole_sentences_and_named_ones_stay_where_they_are() -> None:
    first, second = (ImagePart(sha256=name) for name in NAMES)
    parts = (first, *place_images("What is different?", ()), second)
    assert with_images_in_words(Request(parts=parts)).parts == parts
    named = Request(parts=place_images("Draw the hat of <image> at night", (ImagePart(sha256=NAMES[0], name="cat"),)))
    assert with_images_in_words(named).parts == named.parts
    once = with_images_in_words(Request(parts=place_images("Make the cat in <image> blue.", NAMES[:1])))
    assert once.text == "Make the cat in the picture blue."
    assert with_images_in_words(once) == once
