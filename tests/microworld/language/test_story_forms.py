"""Stories in short forms: labels, counts without a noun, what is said of the whole story, and verbs that come first."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.language.story_forms import in_story_form
from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.tools.errors import InputError


def told(text: str) -> list[str]:
    """Returns what each image of a request must show: its objects, with what is certain of them, and its ground."""
    check_text(text, 0)
    shown = []
    for target in interpret(text).targets:
        lines = []
        for one in target.objects:
            colour = next(iter(one.colours)) if len(one.colours) == 1 else ""
            cell = f"@ {POSITIONS[next(iter(one.cells))]}" if len(one.cells) == 1 else ""
            lines.append(" ".join(filter(None, (colour, one.kind, cell))))
        ground = f": {next(iter(target.backgrounds))}" if len(target.backgrounds) == 1 else ""
        shown.append(f"{', '.join(sorted(lines))}{ground}")
    return shown


@pytest.mark.parametrize(
    "text",
    [
        "3 frames, snow. f1: car left. f2: car middle. f3: car right.",
        "Snow. s1) car left s2) car middle s3) car right",
        "story, snow\n#1 car left\n#2 car middle\n#3 car right",
        "Snow. Pic 1 car left; pic 2 car middle; pic 3 car right",
        "F1 = car left, F2 = car middle, F3 = car right. Setting: snow.",
        "snow: p1: car left, p2: car middle, p3: car right",
    ],
)
def test_short_labels_begin_pictures(text: str) -> None:
    assert told(text) == ["car @ left: snow", "car @ middle: snow", "car @ right: snow"]


@pytest.mark.parametrize(
    "text",
    [
        "b1: red ball, b2: blue ball",  # names of objects
        "f2: car left. f3: car right.",  # not counted from one
        "A car with number 1 and a car with number 2.",
        "Panels #1 and #2 show a cat.",
        "f1: a cat. s2: a bird.",
    ],
)
def test_other_labels_stay(text: str) -> None:
    assert in_story_form(text) == text


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("One cat. Then two. Then three.", [1, 2, 3]),
        ("First one bird, then two, then three.", [1, 2, 3]),
        ("A counting story: one ball in the snow, then two, then three, then four.", [1, 2, 3, 4]),
        ("First there is one star,\nthen there are two, then three", [1, 2, 3]),
        ("In the first picture one car, in the second two, in the third three.", [1, 2, 3]),
        ("Three flowers. Then only two. Then one.", [3, 2, 1]),
        ("Make a countdown: two boxes, then one, then none.", [2, 1, 0]),
        ("One red ball, then two, then three, all in a meadow.", [1, 2, 3]),
    ],
)
def test_counts_name_what_is_there_in_all(text: str, counts: list[int]) -> None:
    check_text(text, 0)
    assert [len(target.objects) for target in interpret(text).targets] == counts


@pytest.mark.parametrize(
    "text",
    [
        "One red cat and one white cat. Then two.",  # which two?
        "A girl has one flower, then two, then three.",
        "One cat on the left. Then two.",  # does it stay there?
        "Three flowers. Then two. Then four.",
        "Three flowers, then two, then one.",  # of them, or new ones?
    ],
)
def test_unclear_counts_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A cat walks from the left to the right. It happens in the snow.", ["cat @ left: snow", "cat @ right: snow"]),
        ("A cat on the left. It moves to the right. Setting: forest.", ["cat @ left: forest", "cat @ right: forest"]),
        ("A ball. Then a cat comes. All of this takes place in the woods.", ["ball: forest", "ball, cat: forest"]),
        ("A house. Then night falls. It happens at the seaside.", ["house: beach", "house: night"]),
        ("1. A cat. 2. A bird comes. Place: the shore.", ["cat: beach", "bird, cat: beach"]),
        ("A tree, then a bird. The whole story is set at sunset.", ["tree: sunset", "bird, tree: sunset"]),
        ("Two frames: fr1 cat left, fr2 cat right, always at night", ["cat @ left: night", "cat @ right: night"]),
        ("A cat. Then a bird comes. Beach.", ["cat: beach", "bird, cat: beach"]),
    ],
)
def test_what_is_said_last_of_the_whole_story_holds_from_the_start(text: str, shown: list[str]) -> None:
    assert told(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "A cat on the left. Then the background is the beach.",
        "A cat. A bird comes. Now it is night.",
        "A cat. The background becomes a forest.",
        "A house. A star comes. Night.",  # it may fall
        "One picture, two things in it. (1) A car. (2) A ball. Place: the shore.",  # the heading stays first
    ],
)
def test_changes_of_the_background_stay_changes(text: str) -> None:
    assert in_story_form(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            (
                "make a story where a girl and a fish swap places!! she is on the left and the fish is on the right at "
                "the start. background is the beach"
            ),
            ["fish @ right, girl @ left: beach", "fish @ left, girl @ right: beach"],
        ),
        (
            (
                "A story in which a cat and a ball swap places. At the start the cat is on the left and the ball on "
                "the right."
            ),
            ["ball @ right, cat @ left", "ball @ left, cat @ right"],
        ),
        ("A ball turns blue. At the beginning it is red.", ["red ball", "blue ball"]),
        (
            "A comic where a ball turns blue. It is red at the beginning and lies in the snow.",
            ["red ball: snow", "blue ball: snow"],
        ),
        (
            "A story about a cat. At the start it is on the left. Then it goes to the right.",
            ["cat @ left", "cat @ right"],
        ),
    ],
)
def test_the_start_of_a_story_may_be_told_after_it(text: str, shown: list[str]) -> None:
    assert told(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "howto in 3 steps, bg night: 1 box (bottom left), 2 box (bottom right), 3 star (top)",
            [
                "box @ bottom left: night",
                "box @ bottom left, box @ bottom right: night",
                "box @ bottom left, box @ bottom right, star @ top: night",
            ],
        ),
        (
            "tutorial, forest: 1 tree left, 2 cat middle",
            ["tree @ left: forest", "cat @ middle, tree @ left: forest"],
        ),
    ],
)
def test_numbers_of_a_lesson_are_steps_before_one_object(text: str, shown: list[str]) -> None:
    assert told(text) == shown


@pytest.mark.parametrize(
    "text", ["howto, snow: 1 house, 2 trees", "1 box left, 2 boxes right", "a picture with 1 tree, 2 fish"]
)
def test_numbers_of_several_objects_are_counts(text: str) -> None:
    assert in_story_form(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A house. Comes a girl. Goes the house.", ["house", "girl, house", "girl"]),
        (
            "Story: on the beach is one boat. Comes a fish. After, the boat goes away and the fish stays alone.",
            ["boat: beach", "boat, fish: beach", "fish: beach"],
        ),
        ("First is there a house. Then comes a girl. Then leaves the girl.", ["house", "girl, house", "house"]),
        (
            "A cat walks from the left to the right, and when it has arrived a bird appears in the middle.",
            ["cat @ left", "cat @ right", "bird @ middle, cat @ right"],
        ),
        (
            (
                "tell her a story with a house at the seaside, first the sun goes down and then it's night and then "
                "two stars come out"
            ),
            ["house: beach", "house: sunset", "house: night", "house, star, star: night"],
        ),
        ("Tell my son a story about a cat in the snow: it turns blue.", ["cat: snow", "blue cat: snow"]),
        (
            (
                "Explain me in steps how I draw in the meadow a cat and after it a fish. In every step comes only one "
                "thing more."
            ),
            ["cat: meadow", "cat, fish: meadow"],
        ),
        ("One bird in a meadow, then another. Paint me each moment.", ["bird: meadow", "bird, bird: meadow"]),
        ("Five birds in a meadow to count them.", ["bird, bird, bird, bird, bird: meadow"]),
    ],
)
def test_constructions_of_stories(text: str, shown: list[str]) -> None:
    assert told(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "One bird to add to the picture of a dog.",
        "A cat walks to the right, and when the bird has arrived it goes away.",
        "There is a ball on the left. When it has arrived on the right, a girl appears.",  # it is the ball that moves
    ],
)
def test_constructions_that_name_something_else_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


STARS = Scene("night").put(0, SceneObject("star", "yellow", "small")).put(1, SceneObject("star", "yellow", "small"))
MIXED = STARS.put(5, SceneObject("tree", "green", "big"))


@pytest.mark.parametrize(
    ("text", "scene", "counts"),
    [
        ("keep going, one more each time, till there are four!!", STARS, [3, 4]),
        ("Continue: in every picture one more, until we have five.", STARS, [3, 4, 5]),
        ("Go on, one more star every time until there are four stars", MIXED, [3, 4]),
    ],
)
def test_counts_go_on_from_a_given_image(text: str, scene: Scene, counts: list[int]) -> None:
    check_text(text, 1)
    targets = interpret(text, (scene,)).targets
    assert [sum(one.kind == "star" for one in target.objects) for target in targets] == counts


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("keep going, one more each time, till there are four", MIXED),  # one more of which?
        ("keep going, one more each time, till there are two", STARS),  # there are two
        ("keep going, one more cat each time, till there are four", STARS),
    ],
)
def test_counts_that_cannot_go_on_are_refused(text: str, scene: Scene) -> None:
    with pytest.raises(InputError):
        interpret(text, (scene,))


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("three, two, one: stars", [3, 2, 1]),
        ("3... 2... 1... red balls!", [3, 2, 1]),
        ("one, two, three: cats", [1, 2, 3]),
        ("one cat, two birds", [3]),
        ("Draw one, two or three cats: three", None),
        ("two, three cats", None),
    ],
)
def test_counts_before_a_noun_are_images_where_they_go_up_or_down_by_one(text: str, counts: list[int] | None) -> None:
    if counts is None:
        with pytest.raises(InputError):
            interpret(text)
        return
    assert [len(target.objects) for target in interpret(text).targets] == counts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Make two pictures: one with a cat and one without", [["cat"], []]),
        ("two pictures: one with a red cat in the snow and the other without it", [["cat"], []]),
        ("A boat sails from left to right, three pictures.", [["boat"]] * 3),
    ],
)
def test_pictures_that_are_counted_differ_as_the_words_say(text: str, shown: list[list[str]]) -> None:
    assert [[one.kind for one in target.objects] for target in interpret(text).targets] == shown


def test_a_picture_without_something_else_is_not_read_as_one_without_the_object() -> None:
    with pytest.raises(InputError):
        interpret("one with a cat and one without a tail")
