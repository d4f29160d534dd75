"""What comes back: where it was and as it was, from a picture of the story or from a given image."""

import pytest

from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Request, TextPart

CAT, BALL = SceneObject("cat", "white", "small"), SceneObject("ball", "blue", "small")
BOTH = Scene("meadow").put(3, CAT).put(7, BALL)
GONE = BOTH.put(7, None)


def scenes_after(text: str, *scenes: Scene) -> list[Scene]:
    """Returns what the images of a request show."""
    request = Request(parts=(*(ImagePart(sha256="a" * 64) for _ in scenes), TextPart(text=text)))
    check_text(text, len(scenes))
    assert plan_by_rules(request, scenes).steps  # it is checked against the request
    story = interpret(text, scenes).story
    assert story is not None
    return [scene for scene, _ in story.scenes()]


@pytest.mark.parametrize(
    "text",
    [
        "Put back the ball from the first picture.",
        "Please put the ball from the first image back.",
        "Bring back the ball of picture 1.",
        "Restore the ball that was in the first picture.",
        "The ball from the first picture comes back.",
        "Bring back the ball.",
        "Put the ball back.",
    ],
)
def test_an_object_of_an_earlier_image_returns_to_the_last_one(text: str) -> None:
    (after,) = scenes_after(text, BOTH, GONE)
    assert after.named == BOTH.named


def test_of_three_images_the_named_one_says_how_it_was() -> None:
    red = BOTH.put(7, None).put(1, SceneObject("ball", "red", "big"))
    for text, expected in (
        ("Put back the ball from the first picture.", BOTH),
        ("Put back the ball from the second picture.", red),
    ):
        (after,) = scenes_after(text, BOTH, red, GONE)
        assert after.named == expected.named


@pytest.mark.parametrize(
    ("item", "colour"),
    [
        ("Put back the ball from the first picture.", "red"),
        ("The ball from picture 1 comes back.", "red"),
        ("Bring the ball back as it was in the first picture.", "red"),
        ("The ball comes back.", "blue"),
    ],
)
def test_an_object_of_an_earlier_picture_of_the_story_returns(item: str, colour: str) -> None:
    after = scenes_after(f"1. A red ball on the left and a cat. 2. The ball turns blue. 3. The ball leaves. 4. {item}")
    assert [[obj.kind for obj in scene.objects.values()].count("ball") for scene in after] == [1, 1, 0, 1]
    assert after[-1].objects[3].colour == colour


@pytest.mark.parametrize(
    "sentence",
    [
        "The cat leaves and comes back.",
        "The cat leaves and returns.",
        "The cat goes away, then comes back.",
        "The cat disappears and then reappears.",
    ],
)
def test_who_leaves_and_comes_back_in_one_sentence_is_gone_in_one_image(sentence: str) -> None:
    text = f"A white cat on the left and a house on the right. {sentence}"
    assert [sorted(scene.objects) for scene in scenes_after(text)] == [[3, 5], [5], [3, 5]]
    assert [sorted(scene.objects) for scene in scenes_after(sentence, BOTH)] == [[7], [3, 7]]


@pytest.mark.parametrize(
    ("text", "scenes", "code"),
    [
        ("Put back the ball from the first picture.", (BOTH, BOTH), "no_change"),
        ("Put back the ball from the first picture.", (BOTH, GONE.put(1, BALL)), "no_change"),
        ("Put back the ball from the first picture.", (GONE, GONE), "not_there"),
        ("Put back the ball from the first picture.", (GONE,), "not_there"),
        ("Put back the ball from the fifth picture.", (BOTH, GONE), "not_there"),
        ("Put back the ball from the first picture.", (BOTH, GONE.put(7, CAT)), "occupied"),
        ("A ball and a cat. The ball leaves. Put back the ball from the third picture.", (), "not_there"),
        ("A ball and a cat. Put back the ball from the first picture.", (), "no_change"),
    ],
)
def test_what_cannot_come_back_is_refused(text: str, scenes: tuple[Scene, ...], code: str) -> None:
    with pytest.raises(InputError) as caught:
        interpret(text, scenes)
    assert caught.value.code == code
