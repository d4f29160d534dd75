"""What no statement changes stays: images that show the right objects, but not the same ones, tell no story."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from interleavethinker.microworld.requests.continuity import belong_together
from interleavethinker.microworld.requests.interpretation import Interpretation, interpret
from interleavethinker.microworld.requests.plan_outcome import images_satisfy, plan_satisfies
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.tools.types import Plan, Step


def plan(*prompts: str) -> Plan:
    return Plan(steps=tuple(Step(prompt=prompt) for prompt in prompts))


def follow(meaning: Interpretation, scenes: Sequence[Scene]) -> bool:
    assert meaning.story is not None
    return belong_together(meaning.story, scenes)


def told(text: str) -> tuple[Interpretation, list[Scene]]:
    """Returns a story with scenes that tell it."""
    meaning = interpret(text)
    assert meaning.story is not None
    return meaning, [scene for scene, _ in meaning.story.scenes()]


FIRST = "a big white cat on the left and a big orange cat on the right, in a meadow"


@pytest.mark.parametrize("swap", ["They swap colors.", "Swap their colors."])
def test_an_image_that_shows_the_same_objects_is_no_exchange(swap: str) -> None:
    meaning = interpret(f"A white cat and an orange cat. {swap}")
    (fault,) = plan_satisfies(meaning, plan(FIRST, "make the background night"))
    assert "changed that was to stay" in fault
    (fault,) = plan_satisfies(meaning, plan(FIRST, "make the white cat small"))
    assert "changed that was to stay" in fault


def test_a_background_that_nobody_asked_for_is_a_fault() -> None:
    cat, snow = interpret("Draw a red cat."), interpret("Draw a red cat in the snow.")
    assert plan_satisfies(cat, plan("a big red cat on the left, in a meadow")) == []
    assert plan_satisfies(snow, plan("a big red cat on the left, in the snow")) == []
    assert plan_satisfies(cat, plan("a big red cat on the left, in the snow")) == [
        "the background snow was not asked for"
    ]
    assert plan_satisfies(interpret("A boat."), plan("a big red boat on the left, at the beach")) == []


def test_an_exchange_in_two_steps_is_one() -> None:
    meaning = interpret("A white cat and an orange cat. They swap colors.")
    assert plan_satisfies(meaning, plan(FIRST, "make the white cat orange", "make the cat on the right white")) == []


@pytest.mark.parametrize(
    "text",
    [
        "A cat and a ball. The cat turns red. It moves to the top.",
        "Nine stars. One of them turns red. It goes away.",
        "A red ball on the left and a box. They swap places. Night falls.",
        "A ball and a box of the same color. The ball goes to the top.",
        "A cat left of a tree. A bird flies above the tree.",
        "Three cats. They leave. They come back one by one.",
        "A girl moves to the right, then up. Then she goes away.",
    ],
)
def test_a_story_is_told_by_its_own_images_and_not_by_others(text: str) -> None:
    meaning, scenes = told(text)
    assert follow(meaning, scenes)
    assert all(follow(meaning, scenes[:count]) for count in range(len(scenes)))
    for at in range(1, len(scenes)):
        ground = "beach" if scenes[at].background != "beach" else "snow"
        assert not follow(meaning, [*scenes[:at], replace(scenes[at], background=ground), *scenes[at + 1 :]])


def test_what_nothing_happens_to_stays_where_it_is() -> None:
    meaning, (first, second) = told("Six stars. One of them turns red.")
    cell, star = next((cell, one) for cell, one in second.objects.items() if one.colour != "red")
    (free, *_) = (cell for cell in range(9) if cell not in second.objects)
    assert follow(meaning, [first, second])
    assert not follow(meaning, [first, second.put(cell, None).put(free, star)])
    assert not follow(meaning, [first, second.put(cell, replace(star, size="small" if star.size == "big" else "big"))])


def test_what_comes_back_may_have_another_size() -> None:
    meaning, (first, gone, _) = told("A white cat on the left. It goes away. It comes back.")
    for size in ("big", "small"):
        assert follow(meaning, [first, gone, first.put(3, SceneObject("cat", "white", size))])
    assert not follow(meaning, [first, gone, gone.put(5, SceneObject("cat", "white", "big"))])


def test_an_image_in_which_something_else_changed_is_a_fault() -> None:
    meaning, (first, second) = told("A red ball and a blue ball. They swap colors.")
    images = [to_image(render(scene)) for scene in (first, second, replace(first, background="night"))]
    assert images_satisfy(meaning, images[:2]) == []
    (fault,) = images_satisfy(meaning, [images[0], images[2]])
    assert "changed that was to stay" in fault
