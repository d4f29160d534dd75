"""Whoever names some images gets as many: an item that shows nothing new is refused by its words, never left out."""

import pytest

from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.requests.restated import interpret_restated
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Request, TextPart

ONE = Scene("meadow").put(3, SceneObject("cat", "white", "small")).put(5, SceneObject("tree", "green", "big"))


def refusal(text: str, *scenes: Scene) -> str:
    images = (ImagePart(sha256="a" * 64) for _ in scenes)
    with pytest.raises(InputError) as caught:
        plan_by_rules(Request(parts=(*images, TextPart(text=text))), scenes)
    assert caught.value.code == "nothing_new"
    return str(caught.value)


@pytest.mark.parametrize(
    "item",
    [
        "Nothing changes.",
        "Nothing happens.",
        "Everything stays as it is.",
        "Everything is still the same.",
        "The picture stays the same.",
        "The same picture again.",
        "The cat stays where it is.",
        "The cat sleeps.",
        "Everything else stays as it is.",
    ],
)
@pytest.mark.parametrize(
    "story",
    [
        "1. A white cat on the left.\n2. {}\n3. The cat leaves.",
        "Picture 1: a white cat on the left. Picture 2: {} Picture 3: the cat leaves.",
        "A white cat on the left. Then {} Then the cat leaves.",
    ],
)
def test_an_item_that_shows_nothing_new_is_named(story: str, item: str) -> None:
    words = item.lower().strip(".")
    assert f'"{words}" does not. Leave it out, or say what changes.' in refusal(story.format(item))


@pytest.mark.parametrize(
    "story",
    [
        "A white cat on the left. Nothing changes. The cat leaves.",
        "A white cat on the left. Everything stays as it is. The cat leaves.",
        "- a white cat on the left\n- everything stays as it is\n- the cat leaves",
        "A white cat on the left, then everything stays as it is, then the cat leaves.",
        "A red ball. Then the ball is red. Then it leaves.",
    ],
)
def test_a_sentence_that_shows_nothing_new_is_refused_without_numbers_too(story: str) -> None:
    refusal(story)


def test_the_items_of_an_edit_are_images_too() -> None:
    assert "nothing changes" in refusal("1. Make the cat red. 2. Nothing changes. 3. The cat leaves.", ONE)
    assert "everything stays as it is" in refusal("The cat leaves. Then everything stays as it is.", ONE)


def test_it_is_refused_before_the_image_is_read() -> None:
    with pytest.raises(InputError) as caught:
        check_text("1. Make the cat red. 2. Nothing changes. 3. The cat leaves.", 1)
    assert caught.value.code == "nothing_new"


def test_no_other_words_are_found_for_it() -> None:
    request = Request(parts=(TextPart(text="1. A white cat. 2. Nothing changes. 3. The cat leaves."),))
    with pytest.raises(InputError) as caught:
        interpret_restated(request, (), lambda *_: "1. a white cat. 2. the cat leaves.")
    assert caught.value.code == "nothing_new"


@pytest.mark.parametrize(
    ("text", "scenes", "count"),
    [
        ("Make the cat red. Everything stays as it is.", (ONE,), 1),
        ("Make the cat red. Everything else stays the same.", (ONE,), 1),
        ("1. Make the cat red. 2. Keep the tree as it is.", (ONE,), 1),
        ("1. Make the cat red. 2. Everything else stays the same.", (ONE,), 1),
        ("A girl and a cat. The cat runs off. The girl stays.", (), 2),
        ("A girl and a cat. The cat runs off, and everything else stays as it is.", (), 2),
        ("1. A girl and a cat. 2. The cat sleeps. A bird appears. 3. The cat leaves.", (), 3),
        ("1. A girl and a cat. 2. The cat runs off. 3. The end.", (), 2),
        ("A girl and a cat. Then the cat runs off. That is all.", (), 2),
    ],
)
def test_words_that_limit_or_end_a_request_are_no_items(text: str, scenes: tuple[Scene, ...], count: int) -> None:
    assert len(interpret(text, scenes).targets) == count
