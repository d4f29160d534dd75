"""The second reading of requests, by classes of words: what it understands, reports as left out, and refuses."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.requests.interpretation import Interpretation, interpret
from interleavethinker.microworld.requests.required_scene import ANY_CELL, ANY_COLOUR, ANY_SIZE, RequiredScene
from interleavethinker.microworld.requests.restated import notes_on
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

SCENE = (
    Scene("meadow")
    .put(3, SceneObject("cat", "white", "small"))
    .put(4, SceneObject("ball", "red", "small"))
    .put(5, SceneObject("tree", "green", "big"))
)


def shown(scene: RequiredScene) -> tuple[list[str], str]:
    """Describes what a picture must show: objects with the attributes that are fixed, and the background if it is."""
    objects = []
    for one in scene.objects:
        size = "" if one.sizes == ANY_SIZE else "".join(one.sizes)
        colour = "" if one.colours == ANY_COLOUR or len(one.colours) > 1 else "".join(one.colours)
        cells = "" if one.cells == ANY_CELL or len(one.cells) > 1 else str(min(one.cells))
        objects.append(" ".join(filter(None, (size, colour, one.kind, cells))))
    return sorted(objects), "".join(scene.backgrounds) if len(scene.backgrounds) == 1 else ""


def last(text: str, *scenes: Scene) -> tuple[list[str], str]:
    meaning: Interpretation = interpret(text, scenes)
    return shown(meaning.targets[-1])


@pytest.mark.parametrize(
    ("text", "objects", "ground"),
    [
        ("a kitten asleep on top of a crate in the snow", ["box", "cat"], "snow"),
        ("Draw a big blue house at night on the right", ["big blue house 5"], "night"),
        ("can you make a kitty a orange one and its really really big and its in the snow", ["big orange cat"], "snow"),
        ("Please to draw for me seven little fishes of color blue, in the sea.", ["small blue fish"] * 7, "beach"),
        ("beach. two boats. one red one white.", ["red boat", "white boat"], "beach"),
        (
            "Between two violet blossoms, a solitary white cat; it is evening.",
            ["purple flower"] * 2 + ["white cat"],
            "sunset",
        ),
        ("yo can u do a giant lime kitty at the top left", ["big green cat 0"], ""),
        (
            "We need a hero visual with strong seasonal energy: five crimson starbursts, nothing more",
            ["red star"] * 5,
            "",
        ),
        ("tiny white house, snow, zero clutter", ["small white house"], "snow"),
        ("Place a yellow star such that it is above a blue ball", ["blue ball", "yellow star"], ""),
    ],
)
def test_single_pictures(text: str, objects: list[str], ground: str) -> None:
    assert last(text) == (sorted(objects), ground)


@pytest.mark.parametrize(
    ("text", "pictures", "objects", "ground"),
    [
        ("A boat floats on the water. A star twinkles above it.", 2, ["boat", "star"], "beach"),
        ("A girl and a cat are in the forest. The cat runs off. The girl stays.", 2, ["girl"], "forest"),
        ("frame one: small green tree, center stage. frame two: tree scales up to massive. frame three: winter drops.",
         3, ["big green tree 4"], "snow"),
        ("Nightfall. A small house upon the left. By and by a star kindles at the top; at the last the house is gone.",
         3, ["star 1"], "night"),
        ("girl at the seaside, boat arrives, boat turns white, night falls", 4, ["girl", "white boat"], "night"),
        ("One tree, then two trees, then four trees.", 3, ["tree"] * 4, ""),
        ("There is a blue fish. In the next picture there are two blue fish.", 2, ["blue fish"] * 2, ""),
        ("Three cats in the snow, then two cats, then just one cat.", 3, ["cat"], "snow"),
        ("Picture 1: a tree. Picture 2: a tree and a house. Picture 3: a tree, a house and a car.", 3,
         ["car", "house", "tree"], ""),
        ("1. cat 2. cat and ball 3. cat and ball and box", 3, ["ball", "box", "cat"], ""),
        ("Two boats and a star at the beach. Suddenly no more boats.", 2, ["star"], "beach"),
        ("A tree in the meadow. When winter comes, a bird arrives. As the sun sets, the bird leaves.", 3,
         ["tree"], "sunset"),
        ("First picture: a house. Second picture: the same, plus a tree on the right.", 2, ["house", "tree 5"], ""),
        ("In first image is boat on beach. In second image comes star on top. It is becoming the night.", 3,
         ["boat", "star 1"], "night"),
        ("Two fish. In the next picture one is gone. Then the remaining fish is gone too, and there is a boat instead.",
         3, ["boat"], ""),
        ("A girl, a cat and a ball. The girl leaves. Only the cat and the ball are left.", 2, ["ball", "cat"], ""),
        ("Two fish and a boat at sea. The evening comes, and both fish swim away. Good night, little boat.", 2,
         ["boat"], "sunset"),
        ("ok story. red car on the left. it drives to the right. goes blue for no reason. then its winter. done", 4,
         ["blue car 5"], "snow"),
    ],
)  # fmt: skip
def test_stories(text: str, pictures: int, objects: list[str], ground: str) -> None:
    meaning = interpret(text)
    assert (len(meaning.targets), shown(meaning.targets[-1])) == (pictures, (objects, ground))


@pytest.mark.parametrize(
    ("text", "objects", "ground"),
    [
        ("cat -> pink", ["big green tree 5", "small pink cat 3", "small red ball 4"], "meadow"),
        ("remove: cat", ["big green tree 5", "small red ball 4"], "meadow"),
        ("Keep only the cat", ["small white cat 3"], "meadow"),
        ("Modify only the background: substitute a beach for the meadow and leave every object unaltered.",
         ["big green tree 5", "small red ball 4", "small white cat 3"], "beach"),
        ("Please, the tree must to become more small and the ball must to be of yellow colour.",
         ["small green tree 5", "small white cat 3", "small yellow ball 4"], "meadow"),
        ("What a pretty picture! I only wonder whether the ball mightn't look nicer up in the top right corner, dear.",
         ["big green tree 5", "small red ball 2", "small white cat 3"], "meadow"),
        ("um can you put like a yellow star in the top left and leave the rest",
         ["big green tree 5", "small red ball 4", "small white cat 3", "yellow star 0"], "meadow"),
    ],
)  # fmt: skip
def test_edits(text: str, objects: list[str], ground: str) -> None:
    assert last(text, SCENE) == (objects, ground)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("How many instances of 'tree' are present in the image?", "1 tree"),
        ("Pray, of what size is the ball?", "small"),
        (
            "My eyes aren't what they were. Would you tell me, dear, what is on the right-hand side of this picture?",
            "tree",
        ),
    ],
)
def test_questions(text: str, said: str) -> None:
    answer = interpret(text, [SCENE]).answer
    assert answer is not None
    assert said in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "a dragon in the snow",
        "a cat and a dragon",
        "A dragon appears.",
        "a black cat",
        "a cat with a hat",
        "a striped ball",
        "half a house",
        "a ball without a hat",
        "forget the cat, a ball",
        "twice as many cats as dogs",
        "a cat unless there is a dog",
        "either a cat or a dog",
        "the tale of a kitten who grew: a small white kitten in the middle",
        "A cat chases a ball.",
        "a house inside a box",
        "a purple snow with a cat",
        "A ball rolls away before the cat arrives",
    ],
)
def test_what_may_mean_something_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


@pytest.mark.parametrize(
    "text",
    [
        "cat top left",
        "Eliminate the dragon.",
        "Make the ball red unless it is red",
        "the cat eats the ball",
        "make every ball but one blue",
        "cat, pink",
    ],
)
def test_an_unclear_edit_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text, [SCENE])


@pytest.mark.parametrize(
    ("text", "pictures", "objects"),
    [
        ("A girl with a ball walks to the right.", 2, ["ball", "girl 5"]),
        ("A cat with a ball turns blue.", 2, ["ball", "blue cat"]),
        ("A girl with a ball leaves.", 2, ["ball"]),
        ("A girl with a ball sits on the left.", 1, ["ball", "girl 3"]),
        ("A bird flies over a house and lands on a tree.", 2, ["bird", "house", "tree"]),
    ],
)
def test_the_subject_acts_and_not_its_company(text: str, pictures: int, objects: list[str]) -> None:
    meaning = interpret(text)
    assert (len(meaning.targets), shown(meaning.targets[-1])[0]) == (pictures, objects)


@pytest.mark.parametrize(
    ("text", "aside", "objects"),
    [
        ("My cat loves boats; draw a house.", "My cat loves boats", ["house"]),
        ("I love boats, so draw a car.", "I love boats", ["car"]),
        ("I love cats! A cat in the snow.", "I love cats", ["cat"]),
        ("My house is red. Draw a car.", "My house is red", ["car"]),
    ],
)
def test_what_the_writer_likes_or_owns_is_not_drawn_and_is_named(text: str, aside: str, objects: list[str]) -> None:
    meaning = interpret(text)
    assert (shown(meaning.targets[-1])[0], meaning.left_out) == (objects, (aside,))


def test_every_relation_of_an_object_holds() -> None:
    for text in (
        "A cat above a ball and to the left of a tree.",
        "A cat above a ball. It is left of a tree.",
    ):
        (scene,) = interpret(text).targets
        kinds = {one.kind: number for number, one in enumerate(scene.objects)}
        found = {(one.kind, tuple(one.objects)) for one in scene.relations}
        assert ("above", (kinds["cat"], kinds["ball"])) in found, text
        assert ("left", (kinds["cat"], kinds["tree"])) in found, text


def test_the_parts_of_a_group_are_all_counted() -> None:
    assert last("Five flowers, three red, two yellow.")[0] == ["red flower"] * 3 + ["yellow flower"] * 2


def test_the_outermost_object_is_the_one_at_the_edge() -> None:
    objects, _ = last("Make the rightmost object blue and the leftmost one yellow.", SCENE)
    assert objects == ["big blue tree 5", "small red ball 4", "small yellow cat 3"]


@pytest.mark.parametrize(
    "text",
    [
        "A cat and a girl with a ball walk to the right.",
        "A girl with a ball walks to the right and drops the ball.",
        "I love boats. Draw one.",
        "Draw a cat. If it looks sad, add a ball.",
        "A house. Before that, it was a tree.",
        "A girl appears and, before she leaves, a cat appears.",
        "A cat appears, but first a girl.",
        "A cat comes second, a bird first.",
        "In the last picture there is a cat; in the first, a bird.",
        "A cat would be nice, but draw a bird.",
        "Not only a cat but also a bird.",
        "A cat, I mean a bird.",
        "A bird is anything but red.",
        "A ball that is on the left and not on the left.",
        "A boat nearly reaches the house.",
        "A dark blue boat.",
        "Every flower except one is red.",
        "A cat and a bird; the cat stays while the bird goes.",
    ],
)
def test_order_condition_and_correction_that_no_rule_follows_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


@pytest.mark.parametrize(
    "text",
    [
        "Make it night, but keep the cat in daylight.",
        "How many cats would there be if you added two?",
        "Make the cat red where it is white.",
        "Make the big one small and the small ones big.",
        "Make the cat blue. Actually no.",
    ],
)
def test_an_edit_or_question_under_a_condition_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text, [SCENE])


def test_the_words_that_are_left_out_are_named() -> None:
    meaning = interpret("A girl on the left. The girl ponders. Then a red ball appears.")
    assert meaning.left_out == ("ponders",)
    assert notes_on(meaning) == ("Left out, because images of the micro world cannot show it: 'ponders'.",)
    assert notes_on(interpret("a cat at night")) == ()


@pytest.mark.parametrize(
    ("text", "objects", "ground"),
    [
        ("A forest. In the forest there's a red car. Next to the car, a girl is standing.", ["girl", "red car"],
         "forest"),
        ("picture of the sea with nothing but one big white sailboat on it", ["big white boat"], "beach"),
        ("snowy scene: girl in the middle, a big yellow star over her head", ["big yellow star 1", "girl 4"], "snow"),
        ("one golden star in the middle of a night sky, with a white bird underneath",
         ["white bird 7", "yellow star 4"], "night"),
        ("Put a girl with a blue ball at the top.", ["blue ball", "girl 1"], ""),
        ("A girl named Rose.", ["girl"], ""),
    ],
)  # fmt: skip
def test_parts_of_a_picture_are_read_wherever_they_stand(text: str, objects: list[str], ground: str) -> None:
    assert last(text) == (objects, ground)


@pytest.mark.parametrize(
    ("text", "objects", "ground"),
    [
        ("same but at night", ["big green tree 5", "small red ball 4", "small white cat 3"], "night"),
        ("i'd rather have a bird than a ball there", ["big green tree 5", "bird 4", "small white cat 3"],
         "meadow"),
        ("cat + ball should both be big and pink pls", ["big green tree 5", "big pink ball 4", "big pink cat 3"],
         "meadow"),
        ("Move that cat over to the top right, would you?",
         ["big green tree 5", "small red ball 4", "small white cat 2"], "meadow"),
        ("I don't like the tree, can you make it a house instead?",
         ["house 5", "small red ball 4", "small white cat 3"], "meadow"),
    ],
)  # fmt: skip
def test_edits_are_read_wherever_their_parts_stand(text: str, objects: list[str], ground: str) -> None:
    assert last(text, SCENE) == (objects, ground)


@pytest.mark.parametrize(
    "text",
    [
        "In the first picture I want a bird at the top. In the second picture there are two birds.",
        "There was a tree. Now there is a house.",
        "Turn my car blue.",
        "A bird, two birds, three birds.",
        "A bird. Then there are two red birds.",
        "A car at the left. Then there are two cars, one at the left and one at the right.",
        "First a tree and a house. Then a house and a bird.",
        "A fish comes. Both fish swim away.",
        "Three birds. Then three birds are there.",
    ],
)
def test_a_number_or_a_change_with_two_meanings_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)


def test_a_name_is_left_out_and_named() -> None:
    assert interpret("A girl named Rose.").left_out == ("Rose",)


@pytest.mark.parametrize(
    ("text", "pictures", "objects"),
    [
        ("I am making a poster for second graders. Draw a house, then a tree.", 2, ["house", "tree"]),
        ("Recipe, 2 steps. Step 1: a tree. Step 2: a house on the right.", 2, ["house 5", "tree"]),
        ("Storyboard, 3 shots: a girl on the left. a ball appears. the girl leaves.", 3, ["ball"]),
        ("Directions needed: a boat and a star at the top. One image per step.", 2, ["boat", "star 1"]),
        ("POV: ur a cat. suddenly a bird. suddenly ANOTHER bird \U0001f480", 3, ["bird", "bird", "cat"]),
        ("My grandson would like to learn how to paint a house with a tree. What is the first step, and then?", 2,
         ["house", "tree"]),
        ("Show him in three steps how to draw a scene: first the boat, then the fish, then the star.", 3,
         ["boat", "fish", "star"]),
        ("Show how to get from an empty beach to one with a boat and two fish.", 2, ["boat", "fish", "fish"]),
        ("Dear computer, I should like to see a sailing boat.", 1, ["boat"]),
    ],
)  # fmt: skip
def test_titles_purposes_and_questions_for_steps_are_not_drawn(text: str, pictures: int, objects: list[str]) -> None:
    meaning = interpret(text)
    assert (len(meaning.targets), shown(meaning.targets[-1])[0]) == (pictures, objects)


@pytest.mark.parametrize(
    "text",
    [
        "We want a dragon. Draw a house.",
        "Dragon. Draw a house.",
        "A cat. When the bird comes, the cat leaves.",
        "What is the first step?",
    ],
)
def test_what_may_be_wanted_or_is_a_condition_is_not_left_out(text: str) -> None:
    with pytest.raises(InputError):
        interpret(text)
