"""Requests of which a part was once dropped or read as something else: now they mean what they say, or are refused."""

import pytest

from interleavethinker.microworld.requests.interpretation import Interpretation, check_text, interpret
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

PAIR = Scene("meadow").put(3, SceneObject("cat", "white", "small")).put(5, SceneObject("tree", "green", "big"))
TREE = Scene("meadow").put(5, SceneObject("tree", "green", "big"))
BALLS = (
    Scene("meadow")
    .put(3, SceneObject("ball", "red", "small"))
    .put(5, SceneObject("ball", "red", "big"))
    .put(1, SceneObject("ball", "blue", "small"))
    .put(4, SceneObject("cat", "white", "small"))
)
STARS = (
    Scene("night")
    .put(0, SceneObject("star", "red", "small"))
    .put(1, SceneObject("star", "blue", "big"))
    .put(2, SceneObject("star", "green", "small"))
)
MIDDLE_ROW = frozenset({3, 4, 5})


def shown(found: Interpretation) -> list[tuple[str, ...]]:
    """The objects of the last required image, with what is fixed of each."""
    rows = []
    for one in found.targets[-1].objects:
        fixed = [next(iter(values)) for values in (one.colours, one.sizes) if len(values) == 1]
        rows.append((one.kind, *fixed))
    return sorted(rows)


@pytest.mark.parametrize(
    "text",
    [
        "Stars in red, blue and green.",
        "Three fish, the last one red.",
        "A red ball. Actually blue.",
        "A cat. On second thought, a bird.",
        "A red ball, or rather a green one.",
        "A red ball and a blue ball swap colors.",
        "A cat anywhere but in the middle.",
        "Two balls, one of which is red.",
        "A cat and a bird in the top corners.",
        "A red ball to the left and a blue ball to the right of the house.",
        "Two cats and a bird, all white but the bird.",
        "A star over each house, two houses.",
        "A red-haired girl.",
        "A star. Another joins. Now there are three.",
        "A boat at the beach. Not a boat, a fish.",
        "A cat in the snow. The background is the beach.",
        "A boat at the beach. Background: sunset.",
        "A girl in the forest. The background should be a sunset.",
        "A cat. A ball appears. Just the ball.",
        "How would I draw a tree, but starting with the bird that sits left of it?",
        "There's this bird, right, and it's tiny.",
        "A realistic cat.",
        "One, three, two: cats.",
    ],
)
def test_a_description_that_cannot_be_followed_to_the_word_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("The cat moves diagonally up.", PAIR),
        ("Where's the cat? Remove it.", PAIR),
        ("Remove the other balls.", BALLS),
        ("What's on the left, and what's on the right? Swap them.", PAIR),
        ("How many things are small?", BALLS),
        ("How many small balls are there and how many big ones?", BALLS),
        ("Remove the stars from left to right.", STARS),
        ("The stars go out one after another, the blue one last.", STARS),
        ("Remove everything but the sunset.", PAIR),
        ("Only the snow should remain.", PAIR),
        ("One star is enough.", STARS),
        ("Two stars are too much.", STARS),
        ("I only need one star.", STARS),
        ("Move the cat to the middle and put a flower there.", PAIR),
        ("Make the cat red and put a flower there.", PAIR),
    ],
)
def test_an_edit_or_a_question_that_cannot_be_followed_to_the_word_is_refused(text: str, scene: Scene) -> None:
    with pytest.raises(InputError):
        interpret(text, [scene])


def test_in_a_row_holds_for_every_object_of_the_list() -> None:
    (target,) = interpret("A red ball, a blue box and a green tree in a row.").targets
    assert [one.cells for one in target.objects] == [MIDDLE_ROW] * 3
    (target,) = interpret("A cat and a ball side by side.").targets
    assert [one.cells for one in target.objects] == [MIDDLE_ROW] * 2
    assert [relation.kind for relation in target.relations] == ["next_to"]
    (target,) = interpret("A car and a boat in the bottom row.").targets
    assert [one.cells for one in target.objects] == [frozenset({6, 7, 8})] * 2
    assert target.relations == ()
    (target,) = interpret("A girl, a cat and a ball in the middle row.").targets
    assert [one.cells for one in target.objects] == [MIDDLE_ROW] * 3


def test_the_name_of_an_object_in_quotes_is_no_color() -> None:
    found = interpret('A ball called "blue".')
    assert shown(found) == [("ball",)]
    assert found.left_out == ("blue",)


def test_instead_removes_what_was_there() -> None:
    found = interpret("A cat. Then a bird instead.")
    assert [[one.kind for one in target.objects] for target in found.targets] == [["cat"], ["bird"]]


def test_a_replacement_keeps_the_color_that_it_is_said_to_keep() -> None:
    found = interpret("Replace the cat with a bird of the same color.", [PAIR])
    assert shown(found) == [("bird", "white"), ("tree", "green", "big")]
    found = interpret("Replace the cat with a bird of the same size as the tree.", [PAIR])
    assert shown(found) == [("bird", "big"), ("tree", "green", "big")]


def test_colors_that_are_exchanged_are_exchanged_at_once() -> None:
    found = interpret("Make all red things blue and all blue things red.", [BALLS])
    assert len(found.targets) == 1
    assert shown(found) == [
        ("ball", "blue", "big"),
        ("ball", "blue", "small"),
        ("ball", "red", "small"),
        ("cat", "white", "small"),
    ]


def test_the_one_on_a_side_is_one_object() -> None:
    (target,) = interpret("A bird on the left and a cat on the right. The one on the left is red.").targets
    assert {one.kind: len(one.colours) == 1 for one in target.objects} == {"bird": True, "cat": False}


@pytest.mark.parametrize(
    "text",
    [
        "A bird. Then a tree appears. Everything at night.",
        "A bird. Then a tree appears. Night in all pictures.",
        "A bird. Then a tree appears. Night background throughout.",
        "1. A bird. 2. A tree appears. Background in all pictures: night.",
    ],
)
def test_a_background_that_is_said_to_hold_for_all_images_holds_for_the_first(text: str) -> None:
    found = interpret(text)
    assert [(len(target.objects), target.backgrounds) for target in found.targets] == [
        (1, frozenset({"night"})),
        (2, frozenset({"night"})),
    ]
    assert found.left_out == ()


@pytest.mark.parametrize("text", ["any", "Is there a cat?", "Which is bigger, the cat or the tree?"])
def test_a_question_needs_an_image_wherever_it_is_read(text: str) -> None:
    for read in (lambda: check_text(text, 0), lambda: interpret(text)):
        with pytest.raises(InputError) as caught:
            read()
        assert caught.value.code == "no_image"


def test_a_background_that_comes_last_changes_the_last_image_only() -> None:
    first, last = interpret("A cat appears. Then night falls. Everything is dark.").targets
    assert "meadow" in first.backgrounds
    assert last.backgrounds == {"night"}


@pytest.mark.parametrize(
    "told",
    [
        "In the end the bird left again.",
        "The bird left for good.",
        "Then the bird left.",
        "The bird left after that.",
        "Finally the bird left forever.",
    ],
)
def test_left_after_who_leaves_is_no_side(told: str) -> None:
    found = interpret(f"A tree and a bird. {told}")
    assert [sorted(one.kind for one in target.objects) for target in found.targets] == [["bird", "tree"], ["tree"]]


@pytest.mark.parametrize("told", ["The bird top left", "Bird left, tree right.", "A bird far left."])
def test_left_after_a_thing_may_be_its_side(told: str) -> None:
    (target,) = interpret(told).targets
    (bird,) = (one for one in target.objects if one.kind == "bird")
    assert bird.cells <= {0, 3, 6}


@pytest.mark.parametrize(
    ("text", "backgrounds"),
    [
        ("A cat. The background is the beach.", ["beach"]),
        ("A cat in the snow. The background is snow.", ["snow"]),
        ("A cat in the snow. Then the background is the beach.", ["snow", "beach"]),
        ("A cat in the snow. Now the background is the beach.", ["snow", "beach"]),
        ("A cat in the snow. It is night.", ["snow", "night"]),
        ("Picture 1: a cat in the snow. Picture 2: the background is the beach.", ["snow", "beach"]),
    ],
)
def test_a_background_that_changes_is_told_as_a_change(text: str, backgrounds: list[str]) -> None:
    assert [target.backgrounds for target in interpret(text).targets] == [frozenset({one}) for one in backgrounds]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("A cat. A cat and a ball. Just the ball.", [["cat"], ["ball", "cat"], ["ball"]]),
        ("A cat and a ball. Then only the ball.", [["ball", "cat"], ["ball"]]),
        ("A cat and a ball. Make the cat red. Only the cat.", [["ball", "cat"], ["ball", "cat"]]),
    ],
)
def test_only_an_object_is_a_picture_where_pictures_are_described_in_full(text: str, kinds: list[list[str]]) -> None:
    assert [sorted(one.kind for one in target.objects) for target in interpret(text).targets] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "Move the cat to the middle and put a flower in its old place.",
        "Move the cat to the middle and put a flower where it was.",
        "Move the cat to the middle. Put a flower in its place.",
    ],
)
def test_what_comes_where_an_object_was_does_not_replace_it(text: str) -> None:
    last = interpret(text, [PAIR]).targets[-1]
    cells = {one.kind: set(one.cells) for one in last.objects}
    assert cells == {"cat": {4}, "tree": {5}, "flower": {3}}


def test_what_is_put_in_the_place_of_what_was_removed_stands_there() -> None:
    (target,) = interpret("Remove the cat and put a flower in its place.", [PAIR]).targets
    assert {one.kind: set(one.cells) for one in target.objects} == {"tree": {5}, "flower": {3}}


def test_everything_but_the_background_is_removed_where_the_image_has_it() -> None:
    (target,) = interpret("Remove everything but the meadow.", [PAIR]).targets
    assert (target.objects, target.backgrounds) == ((), frozenset({"meadow"}))


@pytest.mark.parametrize("text", ["picture 2: girl left", "next: girl left", "girl left"])
def test_key_words_of_a_label_name_a_side(text: str) -> None:
    (target,) = interpret(text, [TREE]).targets
    assert {one.kind: set(one.cells) for one in target.objects} == {"tree": {5}, "girl": {3}}


def test_arrows_lead_from_one_image_to_the_next() -> None:
    found = interpret("boat -> sunset -> night")
    first, *others = [target.backgrounds for target in found.targets]
    assert "sunset" not in first
    assert others == [frozenset({"sunset"}), frozenset({"night"})]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("🏠🌳🐱", ["cat", "house", "tree"]),
        ("⭐ ⭐ 🐱 at night", ["cat", "star", "star"]),
        ("draw 🐱🐱🐱", ["cat", "cat", "cat"]),
        ("🐱", ["cat"]),
    ],
)
def test_emoji_beside_each_other_are_a_list(text: str, shown: list[str]) -> None:
    (target,) = interpret(text).targets
    assert sorted(one.kind for one in target.objects) == shown


def test_a_creature_on_an_object_is_above_it() -> None:
    (target,) = interpret("a tree with a small bird on it, at night").targets
    assert [one.kind for one in target.objects] == ["tree", "bird"]
    assert [relation.kind for relation in target.relations] == ["above"]
    with pytest.raises(InputError):
        interpret("a box with a star on it")  # painted on it?


@pytest.mark.parametrize(
    "text", ["a card with four small yellow stars in the corners", "make a card with a star in every corner"]
)
def test_corners_that_are_shown_are_not_called_left_out(text: str) -> None:
    found = interpret(text)
    assert [set(one.cells) for one in found.targets[-1].objects] == [{0}, {2}, {6}, {8}]
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A row of three trees, the middle one small.", ({"small"}, {4})),
        ("three cats, the left one white", ({"white"}, {3})),
        ("two cats, the white one on the left", ({"white"}, {3})),
    ],
)
def test_what_is_said_of_one_of_a_group_holds_for_it(text: str, told: tuple[set[str], set[int]]) -> None:
    (scene,) = interpret(text).targets
    looks, cells = told
    assert [looks in (one.colours, one.sizes) and cells == set(one.cells) for one in scene.objects].count(True) == 1


@pytest.mark.parametrize(
    "text",
    [
        "three balls. the red one goes away",
        "four flowers in different colors, then remove the red one",
        "A boat and two fish at the beach. The fish on the left leaves.",
    ],
)
def test_one_of_several_that_may_look_alike_is_the_one_that_goes(text: str) -> None:
    first, second = interpret(text).targets
    assert len(second.objects) == len(first.objects) - 1
    assert sum(one.colours == {"red"} or one.cells == {3} for one in first.objects) == 1
    assert not any(one.colours == {"red"} or one.cells == {3} for one in second.objects)


def test_objects_that_change_places_have_places() -> None:
    first, second = interpret("A red ball and a blue ball. The red ball and the blue ball swap places.").targets
    places = [{next(iter(one.colours)): set(one.cells) for one in scene.objects} for scene in (first, second)]
    assert places == [{"red": {3}, "blue": {5}}, {"red": {5}, "blue": {3}}]


@pytest.mark.parametrize(
    "text",
    [
        "A box. Replace it with a flower of the same color.",
        "A red or blue ball, but not the red one.",
    ],
)
def test_what_no_rule_follows_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="unclear which images"):
        interpret(text)


@pytest.mark.parametrize(
    ("text", "grounds"),
    [
        ("Night. A star. Day.", [{"night"}, {"meadow"}]),
        ("A cat at night. Then it is day.", [{"night"}, {"meadow"}]),
        ("Start at night. Then a cat. Then day.", [{"night"}, {"night"}, {"meadow"}]),
        ("A star. Night. Day.", [{"night"}, {"meadow"}]),
        ("A star. Night. Beach.", [{"night"}, {"beach"}]),
    ],
)
def test_backgrounds_follow_each_other_in_the_order_of_the_request(text: str, grounds: list[set[str]]) -> None:
    assert [set(one.backgrounds) for one in interpret(text).targets] == grounds


def test_two_backgrounds_of_one_picture_contradict_each_other() -> None:
    with pytest.raises(InputError, match="two backgrounds, snow and night"):
        interpret("In the snow. A cat at night.")


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("All cats are white: two cats and a tree.", [("cat", "white"), ("cat", "white"), ("tree",)]),
        ("Both balls are blue: a ball on the left and a ball on the right.", [("ball", "blue"), ("ball", "blue")]),
        ("Everything is small: a cat and a star.", [("cat", "small"), ("star", "small")]),
        ("A cat. Move it to the right. Replace it with a bird in the same place.", [("bird",)]),
        ("A red cat and a blue bird. Swap their colors.", [("bird", "red"), ("cat", "blue")]),
    ],
)
def test_what_is_said_of_all_or_of_them_holds_for_each(text: str, looks: list[tuple[str, ...]]) -> None:
    assert shown(interpret(text)) == looks
