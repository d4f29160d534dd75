"""Key words without articles: the object that a place refers to is the one that is there, not a second one."""

import pytest

from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

SCENE = (
    Scene("meadow")
    .put(3, SceneObject("cat", "white", "small"))
    .put(5, SceneObject("tree", "green", "big"))
    .put(7, SceneObject("ball", "red", "small"))
)


def kinds(text: str, *scenes: Scene) -> list[str]:
    return sorted(one.kind for one in interpret(text, scenes).targets[-1].objects)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("put bird on top of tree", ["bird"]),
        ("add flower next to cat", ["flower"]),
        ("add a big flower between cat and tree", ["flower"]),
        ("put another cat next to tree", ["cat"]),
        ("add a bird next to another tree", ["bird", "tree"]),
        ("add a bird next to house", ["bird", "house"]),
        ("move cat next to tree", []),
    ],
)
def test_in_an_edit_a_bare_noun_after_a_relation_is_there_already(text: str, new: list[str]) -> None:
    assert kinds(text, SCENE) == sorted(["cat", "tree", "ball", *new])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A box. On top of box a cat.", ["box", "cat"]),
        ("First a house, then next to house a tree.", ["house", "tree"]),
        ("cat. ball. bird above cat", ["ball", "bird", "cat"]),
        ("A cat next to cat.", ["cat", "cat"]),
        ("A box. Then a cat on top of a box.", ["box", "box", "cat"]),
    ],
)
def test_in_a_story_a_bare_noun_after_a_relation_was_named_before(text: str, shown: list[str]) -> None:
    assert kinds(text) == shown


@pytest.mark.parametrize("text", ["put cat in the middle", "place ball top right", "put ball on top of tree"])
def test_a_bare_noun_that_is_put_somewhere_may_be_there_already(text: str) -> None:
    with pytest.raises(InputError) as caught:
        interpret(text, [SCENE])
    assert caught.value.code == "ambiguous"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("put star in the middle", ["ball", "cat", "star", "tree"]),
        ("put the cat in the middle", ["ball", "cat", "tree"]),
        ("put a cat in the middle", ["ball", "cat", "cat", "tree"]),
        ("add cat in the middle", ["ball", "cat", "cat", "tree"]),
    ],
)
def test_other_nouns_that_are_put_somewhere_keep_their_reading(text: str, shown: list[str]) -> None:
    assert kinds(text, SCENE) == shown
