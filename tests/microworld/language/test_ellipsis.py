"""Nouns that a list leaves out are filled in; parts of a group and further words about one object stay as they are."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.language.ellipsis import with_nouns
from interleavethinker.microworld.language.plain_text import Sentence
from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("four green boxes, three white ones", ["green box"] * 4 + ["white box"] * 3),
        ("Two small houses and a big one.", ["big house", "small house", "small house"]),
        ("Two big fish and one small.", ["big fish", "big fish", "small fish"]),
        ("A tiny boat between two huge ones", ["big boat", "big boat", "small boat"]),
        ("a pink, a purple and an orange flower", ["orange flower", "pink flower", "purple flower"]),
        ("one white and three yellow stars", ["white star"] + ["yellow star"] * 3),
        ("two cars, a pink one and a blue one", ["blue car", "pink car"]),
        ("three trees: a small one and two big ones", ["big tree", "big tree", "small tree"]),
        ("Three birds: a red one on the left, a blue one at the top and another red one on the right.",
         ["blue bird", "red bird", "red bird"]),
        ("I want a boat, a white one", ["white boat"]),
        ("a girl with a white cat and another with an orange one", ["girl", "girl", "orange cat", "white cat"]),
    ],
)  # fmt: skip
def test_descriptions_of_objects_without_their_noun(text: str, objects: list[str]) -> None:
    target = interpret(text).targets[-1]
    found = []
    for one in target.objects:
        looks = [*(one.sizes if len(one.sizes) == 1 else ()), *(one.colours if len(one.colours) == 1 else ())]
        found.append(" ".join((*looks, one.kind)))
    assert sorted(found) == sorted(objects)


def test_one_of_the_objects_of_a_group_stays_as_it_is() -> None:
    for text in ("two cats , the left one red", "a cat , an orange one", "three balls , one red and two blue"):
        assert " ".join(with_nouns(Sentence(tuple(text.split()))).words) == text


def test_a_new_one_takes_the_kind_of_the_only_object_of_an_image() -> None:
    scene = Scene("meadow").put(3, SceneObject("ball", "red", "big"))
    (target,) = interpret("add a blue one on the right", (scene,)).targets
    assert {(one.kind, *one.colours) for one in target.objects} == {("ball", "red"), ("ball", "blue")}
