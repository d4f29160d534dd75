"""Wordings that newcomers use for what the rules know under another name."""

import pytest

from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

PAIR = Scene("meadow").put(3, SceneObject("cat", "white", "small")).put(5, SceneObject("tree", "green", "big"))
STARS = (
    Scene("night")
    .put(0, SceneObject("star", "yellow", "small"))
    .put(1, SceneObject("star", "yellow", "small"))
    .put(2, SceneObject("star", "yellow", "small"))
    .put(7, SceneObject("boat", "purple", "big"))
)
PETS = (
    Scene("snow")
    .put(0, SceneObject("cat", "red", "big"))
    .put(2, SceneObject("bird", "blue", "small"))
    .put(8, SceneObject("cat", "red", "small"))
)


def shown(text: str, *scenes: Scene) -> list[str]:
    """Returns what each image shows: its objects with what is certain of them, and its background if that is."""
    images = []
    for target in interpret(text, scenes).targets:
        objects = []
        for one in target.objects:
            looks = [next(iter(each)) for each in (one.sizes, one.colours) if len(each) == 1]
            cell = [str(next(iter(one.cells)))] if len(one.cells) == 1 else []
            objects.append(" ".join([*looks, one.kind, *cell]))
        ground = f" | {next(iter(target.backgrounds))}" if len(target.backgrounds) == 1 else ""
        images.append(", ".join(sorted(objects)) + ground)
    return images


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("A night sky full of stars", ["star, star, star, star, star | night"]),
        ("lots of flowers", ["flower, flower, flower, flower, flower"]),
        ("A house under a starry sky", ["house, star, star, star | night"]),
        ("a starry night", ["star, star, star | night"]),
        ("Two red cats, one smaller than the other", ["big red cat, small red cat"]),
        ("Each corner has a star.", ["star 0, star 2, star 6, star 8"]),
        ("Two trees, one on each side", ["tree 3, tree 5"]),
        ("In the background a forest, in front a cat.", ["cat | forest"]),
        ("a beach in the background and a red ball in front", ["red ball | beach"]),
        ("One dark night a girl saw a star.", ["girl, star | night"]),
        ("One winter day, a girl found a ball.", ["ball, girl | snow"]),
        ("A cat and a bird. In the end just a bird.", ["bird, cat", "bird"]),
        (
            "A girl is at the beach. She sees a boat. She goes home.",
            ["girl | beach", "boat, girl | beach", "boat | beach"],
        ),
        ("A girl has a cat. The girl goes to the left. It turns red.", ["cat, girl", "cat, girl 3", "girl 3, red cat"]),
        ("At the start there are three birds. At the end there is one.", ["bird, bird, bird", "bird"]),
        ("A bird in the snow. It sees a house. It flies off.", ["bird | snow", "bird, house | snow", "house | snow"]),
        ("A girl and a box. She pushes it to the right.", ["box, girl", "box 5, girl"]),
        ("A girl and a box. She paints it blue.", ["box, girl", "blue box, girl"]),
        ("A girl and a box. The girl paints the box blue and goes away.", ["box, girl", "blue box"]),
        ("A house by day and by night.", ["house | meadow", "house | night"]),
        ("The sun rises over a house.", ["house | meadow"]),
        ("A ball on the left rolls to the right.", ["ball 3", "ball 5"]),
        ("A bird at the top dives to the bottom. It is night.", ["bird 1", "bird 7", "bird 7 | night"]),
        ("A red ball: top left, middle, bottom right.", ["red ball 0", "red ball 4", "red ball 8"]),
        ("beach boat", ["boat | beach"]),
        ("\N{CRESCENT MOON}\N{HOUSE BUILDING}\N{CAT FACE}", ["cat, house | night"]),
        ("Two cats and a bird. Everyone but the bird leaves.", ["bird, cat, cat", "bird"]),
    ],
)
def test_pictures_and_stories(text: str, images: list[str]) -> None:
    assert shown(text) == images


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("The cat sits in the tree.", "big green tree 5, small white cat 2 | meadow"),
        ("The cat jumps onto the tree.", "big green tree 5, small white cat 2 | meadow"),
        ("Make the cat not white but red.", "big green tree 5, small red cat 3 | meadow"),
        ("Make the cat less small.", "big green tree 5, big white cat 3 | meadow"),
        ("Change white to red!", "big green tree 5, small red cat 3 | meadow"),
        ("The cat grows as big as the tree.", "big green tree 5, big white cat 3 | meadow"),
        ("The tree shrinks to the size of the cat.", "small green tree 5, small white cat 3 | meadow"),
        ("The cat is green like the tree.", "big green tree 5, small green cat 3 | meadow"),
        ("Show me only the cat.", "small white cat 3 | meadow"),
        ("Put a red bird on the tree.", "big green tree 5, red bird 2, small white cat 3 | meadow"),
    ],
)
def test_edits(text: str, image: str) -> None:
    assert shown(text, PAIR) == [image]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Isn't the cat white?", "Yes, the cat is white."),
        ("Is one of the trees red?", "No, there is no red tree."),
        ("What is the cat left of?", "It is a big green tree."),
        ("Where is the green one?", "The tree is on the right."),
    ],
)
def test_questions(question: str, answer: str) -> None:
    found = interpret(question, (PAIR,)).answer
    assert found is not None
    assert found.text == answer


@pytest.mark.parametrize(
    ("text", "scene", "changed"),
    [
        ("Make the star on the right red.", STARS, "small red star 2"),
        ("Make the middle star red.", STARS, "small red star 1"),
        ("Make the cat on the left blue.", PETS, "big blue cat 0"),
        ("Make the cat at the bottom blue.", PETS, "small blue cat 8"),
    ],
)
def test_what_stands_nowhere_else_in_a_row_or_column_is_meant(text: str, scene: Scene, changed: str) -> None:
    (image,) = shown(text, scene)
    assert changed in image
    assert sum(image.count(colour) for colour in ("red star", "blue cat")) == 1


def test_a_question_names_an_object_by_its_column() -> None:
    found = interpret("What size is the cat on the left?", (PETS,)).answer
    assert found is not None
    assert "big" in found.text


def test_several_in_a_column_are_ambiguous() -> None:
    scene = PETS.put(6, SceneObject("cat", "white", "big"))
    with pytest.raises(InputError, match="Ambiguous"):
        interpret("Remove the cat on the left.", (scene,))


def test_how_many_is_counted_and_too_many_is_not_known() -> None:
    found = interpret("How many stars are there?", (STARS,)).answer
    assert found is not None
    assert found.text == "There are 3 stars."
    with pytest.raises(InputError, match="too many"):
        interpret("Are there too many stars?", (STARS,))


@pytest.mark.parametrize("verb", ["grow", "get bigger"])
@pytest.mark.parametrize("other", ["shrink", "get smaller"])
def test_growing_is_not_shrinking(verb: str, other: str) -> None:
    grown = PAIR.put(3, SceneObject("cat", "white", "big"))
    for scenes, words in (((PAIR, grown), verb), ((grown, PAIR), other)):
        for asked in (verb, other):
            found = interpret(f"Did the cat {asked}?", scenes).answer
            assert found is not None
            assert found.text.startswith("Yes" if asked == words else "No"), (asked, found.text)
