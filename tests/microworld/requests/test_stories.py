"""Stories and edits: what each image shows, with a plan by rules that makes these images."""

from __future__ import annotations

import pytest

from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.requests.interpretation import (
    check_text,
    interpret,
    interpret_request,
)
from interleavethinker.microworld.requests.plan_outcome import plan_satisfies
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Request, TextPart

CAT, TREE = SceneObject("cat", "white", "small"), SceneObject("tree", "green", "big")
RED_CAT, BALL = SceneObject("cat", "red", "small"), SceneObject("ball", "blue", "small")
ONE = Scene("meadow").put(3, CAT).put(5, TREE).put(7, BALL)
EQUAL = Scene("meadow").put(3, CAT).put(5, CAT).put(7, BALL)
UNEQUAL = Scene("meadow").put(3, RED_CAT).put(5, SceneObject("cat", "white", "big")).put(7, BALL)
PAIRS = EQUAL.put(8, BALL)


def images(text: str, *scenes: Scene) -> list[list[str]]:
    """Returns what the images must show, a line for each object with what is certain of it."""
    request = Request(parts=(*(ImagePart(sha256="a" * 64) for _ in scenes), TextPart(text=text)))
    plan = plan_by_rules(request, scenes)
    assert plan_satisfies(interpret_request(request, scenes), plan) == []
    shown = []
    for target in interpret(text, scenes).targets:
        lines = []
        for one in target.objects:
            looks = [next(iter(values)) for values in (one.sizes, one.colours) if len(values) == 1]
            cells = "" if len(one.cells) == 9 else f" {','.join(map(str, sorted(one.cells)))}"
            lines.append(" ".join([*looks, one.kind]) + cells)
        shown.append(sorted(lines))
    return shown


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (
            "A tree on the left and a tree on the right. A house appears between the trees.",
            ["house 0,1,2,4,6,7,8", "tree 3", "tree 5"],
        ),
        ("A white cat on the left. The cat disappears. The cat appears again.", ["white cat 3"]),
        ("A white cat on the left. The cat goes away. It comes back.", ["white cat 3"]),
        (
            "A white cat on the left and a house. The cat leaves. The cat is back.",
            ["house 0,1,2,4,5,6,7,8", "white cat 3"],
        ),
        (
            "A red ball and a cat on the left. The ball turns blue. The ball vanishes. The ball returns.",
            ["blue ball 0,1,2,4,5,6,7,8", "cat 3"],
        ),
        (
            "A red ball on the left and a cat. Remove the ball. Put the ball back.",
            ["cat 0,1,2,4,5,6,7,8", "red ball 3"],
        ),
        ("Two blue fish and a red fish. The blue fish go away.", ["red fish"]),
        ("Two fish. The fish turn purple.", ["purple fish", "purple fish"]),
        ("A fish and a cat. The fish turns purple.", ["cat", "purple fish"]),
        ("Two small cats and a cat. The small cats get big.", ["big cat", "big cat", "big cat"]),
        ("A box on the left. The box becomes a ball at the top.", ["ball 1"]),
        ("A white cat. A second cat appears, an orange one. Both cats get big.", ["big orange cat", "big white cat"]),
        ("A white cat. A cat appears on the right, an orange one.", ["orange cat 5", "white cat 0,1,2,3,4,6,7,8"]),
        ("A white cat. Two cats appear.", ["cat", "cat", "white cat"]),
        ("Two birds sit on a tree. One flies away. The other one too.", ["tree 3,4,5,6,7,8"]),
        ("Two birds and a tree. One bird flies away. So does the other one.", ["tree"]),
        ("Two birds and a tree. One bird turns red. So does the other bird.", ["red bird", "red bird", "tree"]),
        ("Two cats and a ball. One cat goes away. And the other.", ["ball"]),
        ("Two cats and a ball. One cat turns red. The same with the other one.", ["ball", "red cat", "red cat"]),
        ("A small green fish. It grew and grew until it was big. Then it turned orange.", ["big orange fish"]),
    ],
)
def test_a_story_ends_with(text: str, last: list[str]) -> None:
    assert images(text)[-1] == last


def test_what_comes_back_was_gone_in_between() -> None:
    assert images("A white cat on the left and a house on the right. The cat leaves. The cat comes back.") == [
        ["house 5", "white cat 3"],
        ["house 5"],
        ["house 5", "white cat 3"],
    ]


def test_what_a_tutorial_names_again_without_an_article_is_drawn_too() -> None:
    first, second = ["big bird 1"], ["big bird 1", "small tree 6"]
    asked = "tutorial pls!! big bird top, then small tree bottom left, then small tree bottom right."
    assert images(asked) == [first, second, [*second, "small tree 8"]]
    assert images("Tutorial please: ball left, then ball right.") == [["ball 3"], ["ball 3", "ball 5"]]
    assert images("Step by step: ball left, then ball right.") == [["ball 3"], ["ball 3", "ball 5"]]
    assert images("Tutorial. A cat and a red ball.") == [["cat"], ["cat", "red ball"]]
    assert images("Two pictures: ball left. Then the ball is right.") == [["ball 3"], ["ball 5"]]


def test_sentences_that_different_grammars_understand_make_one_story() -> None:
    assert images("A girl and a cat are on the beach. The cat goes away. The girl waits. The cat comes back.") == [
        ["cat", "girl"],
        ["girl"],
        ["cat", "girl"],
    ]


def test_such_a_continuation_is_understood_before_its_image_is_read() -> None:
    text = "A bird comes. The cat waits. The bird goes away. The bird comes back."
    check_text(text, images=1)
    assert [len(shown) for shown in images(text, ONE)] == [4, 3, 4]
    with pytest.raises(InputError, match="'a dragon comes'"):
        check_text("A dragon comes. The cat waits.", images=1)


def test_the_sun_that_goes_down_for_the_night_is_no_sunset() -> None:
    story = interpret("A boat at sunset. The sun goes down completely and it is night. A star comes out.")
    assert [target.backgrounds for target in story.targets] == [{"sunset"}, {"night"}, {"night"}]


def test_only_what_the_first_picture_shows_is_drawn_one_by_one() -> None:
    cats = ["cat", "cat", "cat"]
    assert images("Three cats, one after the other.") == [cats[:1], cats[:2], cats]
    assert images("Three cats. Draw them one by one.") == [cats[:1], cats[:2], cats]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Three cats. The cats leave one by one.", [3, 2, 1, 0]),
        ("Three cats leave one by one.", [3, 2, 1, 0]),
        ("Three balls. One by one they go away.", [3, 2, 1, 0]),
        ("Three balls. One after the other goes away.", [3, 2, 1, 0]),
        ("Three cats. One cat after the other leaves.", [3, 2, 1, 0]),
        ("Three cats. They leave. They come back one by one.", [3, 0, 1, 2, 3]),
        ("A meadow. Two cats. Two more cats come one after the other.", [2, 3, 4]),
        ("A forest. Three birds come one by one.", [1, 2, 3]),
        ("Four fish. Each picture one fish less.", [4, 3, 2, 1, 0]),
        ("Five cats. In every picture one of the cats leaves until only two are left.", [5, 4, 3, 2]),
        ("Start with one star and add one more star in each picture until there are four.", [1, 2, 3, 4]),
        ("Two cats. One more in each picture, until six.", [2, 3, 4, 5, 6]),
        ("One cat. In 4 pictures, each time one more cat comes.", [1, 2, 3, 4]),
        (
            "Eight pictures. The first has 1 orange box, and in every next picture comes one more orange box, until 8.",
            [1, 2, 3, 4, 5, 6, 7, 8],
        ),
    ],
)
def test_what_happens_to_one_after_the_other_gets_a_picture_for_each(text: str, counts: list[int]) -> None:
    assert [len(shown) for shown in images(text)] == counts


def test_what_differs_leaves_in_the_order_in_which_it_was_named() -> None:
    assert images("A cat, a bird and a fish. They leave one after the other.") == [
        ["bird", "cat", "fish"],
        ["bird", "fish"],
        ["fish"],
        [],
    ]


def test_what_changes_in_turn_changes_once() -> None:
    assert images("Two blue balls. One by one they turn red.") == [
        ["blue ball", "blue ball"],
        ["blue ball", "red ball"],
        ["red ball", "red ball"],
    ]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("A white cat walks from the left to the right in three pictures.", [3, 4, 5]),
        ("A white cat walks from the left to the right.", [3, 5]),
        ("A ball moves from the top left to the bottom right in 3 images.", [0, 4, 8]),
        ("A boat on the left. The boat sails to the right in three pictures.", [3, 4, 5]),
    ],
)
def test_a_way_takes_as_many_pictures_as_the_words_name(text: str, cells: list[int]) -> None:
    assert [one[0].split()[-1] for one in images(text)] == list(map(str, cells))


def test_a_way_leads_through_no_other_object() -> None:
    with pytest.raises(InputError, match="The request names 4 steps, but takes 3"):
        images("A cat in the middle. Then a ball rolls from the left to the right, in four pictures.")


def test_a_lesson_draws_what_its_title_names_once() -> None:
    assert images("Draw a house step by step: first the house, then a tree, then a car.") == [
        ["house"],
        ["house", "tree"],
        ["car", "house", "tree"],
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A pink house on the right, nothing on the left.", ["pink house 5"]),
        ("A pink house on the right, but nothing on the left.", ["pink house 5"]),
        ("A pink house, nothing on the left.", ["pink house 1,2,4,5,7,8"]),
        ("Nothing at the top, a cat and a ball.", ["ball 3,4,5,6,7,8", "cat 3,4,5,6,7,8"]),
        ("A cat, and the middle is empty.", ["cat 0,1,2,3,5,6,7,8"]),
        ("A ball that is not on the left.", ["ball 1,2,4,5,7,8"]),
        ("A ball not in the middle and a cat on the right.", ["ball 0,1,2,3,6,7,8", "cat 5"]),
    ],
)
def test_a_description_says_where_nothing_is(text: str, shown: list[str]) -> None:
    assert images(text) == [shown]


@pytest.mark.parametrize(
    ("text", "scene", "shown"),
    [
        ("Make both red.", EQUAL, ["small blue ball 7", "small red cat 3", "small red cat 5"]),
        ("Remove one cat.", EQUAL, ["small blue ball 7", "small white cat 5"]),
        ("Make one cat red.", EQUAL, ["small blue ball 7", "small red cat 3", "small white cat 5"]),
        ("Move one cat to the top.", EQUAL, ["small blue ball 7", "small white cat 1", "small white cat 5"]),
        ("Make the cats swap places.", UNEQUAL, ["big white cat 3", "small blue ball 7", "small red cat 5"]),
        ("Make the cat and the tree swap places.", ONE, ["big green tree 3", "small blue ball 7", "small white cat 5"]),
        (
            "Swap the things on the left and on the right.",
            ONE,
            ["big green tree 3", "small blue ball 7", "small white cat 5"],
        ),
        ("Swap the left and the right thing.", ONE, ["big green tree 3", "small blue ball 7", "small white cat 5"]),
        (
            "Swap the cats on the left and on the right.",
            UNEQUAL,
            ["big white cat 3", "small blue ball 7", "small red cat 5"],
        ),
        (
            "Make all cats but the red one small.",
            UNEQUAL,
            ["small blue ball 7", "small red cat 3", "small white cat 5"],
        ),
        (
            "Move the cat and the ball to the left.",
            ONE,
            ["big green tree 5", "small blue ball 0,3,6", "small white cat 0,3,6"],
        ),
        (
            "Move the cat and the ball to the right.",
            ONE,
            ["big green tree 5", "small blue ball 2,8", "small white cat 2,8"],
        ),
        (
            "Add a star, but not on the left.",
            ONE,
            ["big green tree 5", "small blue ball 7", "small white cat 3", "star 1,2,4,8"],
        ),
        ("Remove the cat that is not on the left.", UNEQUAL, ["small blue ball 7", "small red cat 3"]),
    ],
)
def test_an_edit_changes_what_it_names(text: str, scene: Scene, shown: list[str]) -> None:
    assert images(text, scene) == [shown]


@pytest.mark.parametrize(
    "text",
    ["Make the cat in the second picture green.", "Please make the small cat on the left of the last image green."],
)
def test_an_object_of_the_last_image_is_edited(text: str) -> None:
    assert images(text, UNEQUAL, ONE) == [["big green tree 5", "small blue ball 7", "small green cat 3"]]


@pytest.mark.parametrize(
    ("text", "scenes", "code"),
    [
        ("Make both red.", (PAIRS,), "ambiguous"),
        ("Remove one cat.", (UNEQUAL,), "ambiguous"),
        ("Make one cat green.", (UNEQUAL,), "ambiguous"),
        ("Make the cat in the first picture green.", (ONE, ONE), "ambiguous"),
        ("Bring back the ball.", (ONE.put(7, None),), "not_there"),
        ("Move the cat and the ball to the middle.", (ONE,), "contradiction"),
        ("Nothing on the left.", (ONE,), "not_understood"),
        ("A cat on the left. The cat walks to the right. The cat comes back.", (), "no_change"),
        ("Three stars. Then two. Then one.", (), "not_understood"),
        ("Two cats. A cat leaves. The other cat leaves. The cat comes back.", (), "ambiguous"),
        ("A small cat and a cat. The small cats get big.", (), "ambiguous"),
        ("Two fish. Make the fish purple.", (), "ambiguous"),
        ("A house in the top left, nothing on the left.", (), "contradiction"),
        ("There are two cats. Two cats are on the left.", (), "not_understood"),
        ("What is between the trees?", (ONE,), "not_there"),
        ("Picture 2: tree", (ONE,), "ambiguous"),
        ("Panel two: tree and bird", (ONE,), "ambiguous"),
        # A clause that no rule follows is never left out
        ("A girl and a cat. Before the cat leaves, the girl turns red.", (), "not_understood"),
        ("A cat and a ball. The cat leaves without the ball.", (), "not_understood"),
        ("A cat and a ball. A bird comes without the cat.", (), "not_understood"),
        ("A girl and a ball. The girl takes the ball away.", (), "not_understood"),
        ("A girl and a ball. The girl goes to the ball and brings it home.", (), "not_understood"),
        ("A girl and a ball. The girl picks up the ball.", (), "not_understood"),
        ("A house. The house burns down.", (), "not_understood"),
        ("A house. The house is painted blue by a girl.", (), "not_understood"),
        ("A house in a meadow. It snows and stops snowing.", (), "not_understood"),
        ("A cat. A fish comes, stays a while and leaves.", (), "not_understood"),
        ("A cat on the left. The cat leaves for a moment.", (), "not_understood"),
        ("A cat. The cat wants to leave, but stays.", (), "not_understood"),
        ("A cat. The cat tries to leave.", (), "not_understood"),
        ("A story about a fish who wants to be a bird.", (), "not_understood"),
        ("A cat that thinks it is a bird.", (), "not_understood"),
        ("A bird, it could be a fish.", (), "not_understood"),
        ("A cat. The cat is about to leave.", (), "not_understood"),
        ("A cat and a tree. The cat turns away.", (), "not_understood"),
        ("A cat and a tree. The cat is now where the tree was.", (), "not_understood"),
        ("A red ball. It turns blue in the third picture.", (), "nothing_new"),
        ("A house in a meadow. Night falls, then it is day again.", (), "nothing_new"),
        ("Replace the ball with a box, but keep the ball.", (ONE,), "contradiction"),
        ("Remove everything, but keep the cat.", (ONE,), "contradiction"),
    ],
)
def test_what_is_unclear_is_refused(text: str, scenes: tuple[Scene, ...], code: str) -> None:
    with pytest.raises(InputError) as caught:
        interpret(text, scenes)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "A girl and a cat are on the beach. The cat goes away. The girl looks for it. The cat comes back.",
            [["cat", "girl"], ["girl"], ["cat", "girl"]],
        ),
        (
            "A girl and a cat. The cat leaves. The girl misses it. It comes back.",
            [["cat", "girl"], ["girl"], ["cat", "girl"]],
        ),
        (
            "Two birds sit in a tree. One flies away.",
            [["bird 0,1,2,3,4,5", "bird 0,1,2,3,4,5", "tree 3,4,5,6,7,8"], ["bird 0,1,2,3,4,5", "tree 3,4,5,6,7,8"]],
        ),
        ("Three balls. Two of them go away. The last one stays.", [["ball", "ball", "ball"], ["ball"]]),
        (
            "Three birds sit in a row. One flies away. Then another one. Then the last one.",
            [["bird 3,4,5", "bird 3,4,5", "bird 3,4,5"], ["bird 3,4,5", "bird 3,4,5"], ["bird 3,4,5"], []],
        ),
        (
            "Three cats. One turns red. Then another one.",
            [["cat"] * 3, ["cat", "cat", "red cat"], ["cat", "red cat", "red cat"]],
        ),
        ("A cat comes. Then another one.", [["cat"], ["cat", "cat"]]),
        (
            "Frame 1: red ball top left. Frame 2: red ball in the middle. Frame 3: red ball bottom right.",
            [["red ball 0"], ["red ball 4"], ["red ball 8"]],
        ),
        (
            "Two panels. Panel one: big green fish, small orange fish. Panel two: just the big one.",
            [["big green fish", "small orange fish"], ["big green fish"]],
        ),
        ("A cat and a ball. Then only the cat.", [["ball", "cat"], ["cat"]]),
        ("A cat and a ball. Then only the cat turns red.", [["ball", "cat"], ["ball", "red cat"]]),
        ("Red ball left. Blue ball right.", [["red ball 3"], ["blue ball 5", "red ball 3"]]),
        ("A cat is small. It eats a fish and gets big.", [["small cat"], ["fish", "small cat"], ["big cat", "fish"]]),
        ("A girl finds a red ball and goes home.", [["girl", "red ball"], ["red ball"]]),
        ("A girl. The girl finds a flower and goes away.", [["girl"], ["flower", "girl"], ["flower"]]),
        ("A girl. She finds a star and turns blue.", [["girl"], ["girl", "star"], ["blue girl", "star"]]),
        ("A girl. The girl finds a flower. It turns blue.", [["girl"], ["flower", "girl"], ["blue flower", "girl"]]),
        ("A girl finds a flower that is red.", [["girl", "red flower"]]),
    ],
)
def test_a_story_is_told_of_the_objects_that_it_means(text: str, shown: list[list[str]]) -> None:
    assert images(text) == shown


def test_a_day_may_come_back_over_a_place() -> None:
    text = "It is day in the meadow with a tree. It gets dark. The sun rises again over the meadow."
    assert [sorted(one.backgrounds) for one in interpret(text).targets] == [["meadow"], ["night"], ["meadow"]]


def test_one_is_of_the_kind_that_was_named_last() -> None:
    scene = Scene("meadow").put(3, CAT).put(5, SceneObject("cat", "orange", "big")).put(4, TREE)
    assert images("Remove the small cat and make the big one red.", scene) == [["big green tree 4", "big red cat 5"]]


def test_labelled_pictures_that_name_something_new_add_it() -> None:
    first, second = images("Picture 1: a cat on the left. Picture 2: a red cat on the right.")
    assert len(first) == 1
    assert len(second) == 2
