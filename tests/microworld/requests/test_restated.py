"""Requests that the rules read only in other words; the words come from a table here, and from the model elsewhere."""

import pytest

from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.requests.named_alike import named_alike
from interleavethinker.microworld.requests.restated import check_restated, interpret_restated, notes_on
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request, TextPart

ODD = "Grandpa wants Tom the tiny red fish, who lives under the moon."
SCENE = Scene("meadow").put(3, SceneObject("cat", "orange", "small"))


def asked(text: str) -> Request:
    return Request(parts=(TextPart(text=text),))


def restate(text: str, images: int) -> list[str]:
    """Knows a few requests, one of them in several words, of which the rules understand the last."""
    known = {
        (ODD, 0): ["A glorb.", "A small blue fish, at night.", "A small red fish, at night."],
        ("the kitty has gotta vamoose", 1): ["Remove the cat."],
        ("the dinghy has gotta vamoose", 1): ["Remove the boat."],
        ("blorb", 0): ["A glorb."],
        ("a lovely pair: blorb and cat", 0): ["A cat and a ball."],
    }
    return known.get((text, images), [])


def test_a_request_that_the_rules_do_not_understand_is_read_as_it_is_restated() -> None:
    request = asked(ODD)
    with pytest.raises(InputError, match="grandpa"):
        check_request(request)
    check_request(request, restate)
    found = interpret_restated(request, [], restate)
    (target,) = found.targets
    assert "night" in target.backgrounds
    assert notes_on(found) == (
        "Understood as “A small red fish, at night.” If you meant something else, use other words.",
    )


def test_a_request_that_the_rules_understand_is_never_restated() -> None:
    def never(text: str, images: int) -> list[str]:
        raise AssertionError(text, images)

    found = interpret_restated(asked("A red ball at night."), [], never)
    assert found.restated is None
    assert notes_on(found) == ()


def test_in_front_of_is_read_as_next_to_and_the_document_says_so() -> None:
    request = asked("Draw a cat in front of a house")
    check_request(request, restate)
    found = interpret_restated(request, [], restate)
    assert sorted(one.kind for one in found.targets[0].objects) == ["cat", "house"]
    assert notes_on(found)[0].startswith("Understood as “Draw a cat next to a house”")
    with pytest.raises(InputError):
        interpret_restated(asked("Draw a cat in front of a dragon"), [], restate)


def test_the_plan_states_how_the_request_was_understood() -> None:
    plan = plan_by_rules(asked(ODD), [], "trained", restate)
    (step,) = plan.steps
    assert step.prompt is not None
    assert all(word in step.prompt for word in ("small red fish", "night"))
    assert plan.reasoning is not None
    assert "Understood as “A small red fish, at night.”" in plan.reasoning
    with pytest.raises(InputError, match="grandpa"):
        plan_by_rules(asked(ODD), [])


def test_restated_edits_are_checked_against_the_image() -> None:
    found = interpret_restated(asked("the kitty has gotta vamoose"), [SCENE], restate)
    assert not found.targets[-1].objects
    with pytest.raises(InputError, match="boat"):
        interpret_restated(asked("the dinghy has gotta vamoose"), [SCENE], restate)


@pytest.mark.parametrize("text", ["blorb", "quux", "a lovely pair: blorb and cat"])
def test_where_the_other_words_help_no_more_the_error_is_about_the_request_itself(text: str) -> None:
    for read in (
        lambda: interpret_restated(asked(text), [], restate),
        lambda: check_restated(asked(text), restate),
    ):
        with pytest.raises(InputError, match=r"blorb|quux"):
            read()


def test_what_no_wording_avoids_is_not_restated() -> None:
    with pytest.raises(InputError) as caught:
        check_restated(asked("!!!"), lambda text, images: "A cat.")  # noqa: ARG005
    assert caught.value.code == "empty_text"


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("Mia the kitty, she's orange", "An orange cat."),
        ("dude i need three purple fishies, asap", "Three purple fish."),
        ("a yelow bird at the top", "A yellow bird at the top."),
        ("🚗🚗🚗 in the ❄️ lol", "Three cars, in the snow."),
        ("give me uh four no five birds", "Five birds."),
        ("storytime: five fish, soon only three are left", "1. Five fish. 2. Two fish go away."),
        ("no tree, just a purple fish", "A purple fish."),
        ("wait is that a cat or a bird there", "What is in the picture?"),
        ("a ball when the sun sets", "A ball, at sunset."),
        ("he turns six, so six stars", "Six stars."),
        (
            "A bird lives in the forest. It sits on its tree. One day the tree is gone. The bird flies away.",
            "1. A bird, in a forest. 2. A tree appears. 3. The tree goes away. 4. The bird goes away.",
        ),
        ("three cats, one red one blue and one pink", "A red cat, a blue cat and a pink cat."),
        ("the tale of two fish, one big, one small", "A big fish and a small fish."),
    ],
)
def test_wordings_that_name_the_same(wording: str, restated: str) -> None:
    assert named_alike(wording, restated)


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("a clock that shows half past three", "A fish."),
        ("beach w boat, next pic a fish", "1. A boat, at the beach. 2. The boat goes away."),
        ("5 pink fishies", "Four pink fish."),
        ("quantity 5, object house, color white", "Five houses."),
        ("the star goes up", "Move the star to the right."),
        ("a tree at night", "A tree."),
        ("my nephew turns five and would adore a green boat", "Five green boats."),
        ("she is 4 years old, so a cat please", "Four cats."),
        ("an ocean view: a tiny boat and a star", "A small boat and a star."),
        ("a hut stands there, and in comes a girl on the right", "A house and a girl next to the house."),
        ("triple the number of birds", "How many birds are there?"),
        ("the ball gets the car's color and vice versa", "Make the ball red."),
        ("a big house, not a red one", "A big house."),
        ("a wooden box", "A box, in a forest."),
        ("a house in the background and a girl", "A house and a girl, in a forest."),
        ("a dark green tree", "A green tree, at night."),
        ("What happens when a tiny tree grows up?", "A small tree."),
        ("a red car drives off", "A red car."),
        ("a kitten that grows up into a big cat", "A big cat."),
        ("A cat and a ball. The cat is tired.", "1. A cat and a ball. 2. The cat goes away."),
        ("A fish. A bigger fish comes. Then a third one.", "1. A fish. 2. A big fish appears."),
        ("A cat leaves a house and comes back.", "1. A cat. 2. The cat goes away. 3. A house appears."),
        ("How do I get from a red ball to a blue box?", "A red ball and a blue box."),
        ("A girl and a box. A bird flies out. The box disappears.", "1. A girl and a box. 2. A bird goes away."),
        ("A girl with a ball. Then she goes home.", "1. A girl and a ball. 2. The ball goes away."),
        (
            "A red boat. The wind is strong. The boat is gone.",
            "1. A red boat. 2. The boat goes away. 3. A red boat appears.",
        ),
        ("two cats. The white one leaves.", "1. A white cat. 2. The white cat goes away."),
        ("A red ball and a blue ball. They swap their colors.", "1. A red ball and a blue ball. 2. They swap places."),
        ("Three balls, each in another color.", "Three balls."),
        ("A big cat chases a small bird. Both leave.", "A big cat and a small bird."),
        ("A tree and a house. Paint the house like the tree.", "A tree and a house."),
        ("Take a red ball, double it.", "A red ball."),
        ("A cat; also a tree, except at night", "A cat and a tree, at night."),
        ("three balls. the red one goes away", "1. A red ball. 2. The red ball goes away. 3. A red ball appears."),
    ],
)
def test_wordings_that_do_not_name_the_same(wording: str, restated: str) -> None:
    assert not named_alike(wording, restated)


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("Get rid of everything bar the lass.", "Remove everything but the girl."),
        ("Let the two of them trade colors: cat red, ball white", "Make the cat red and the ball white."),
        ("how many fishies do u count", "How many fish are there?"),
        ("the kitty goes one square down", "Move the cat one step down."),
        ("is the lil ball red or blue, I can not tell", "What color is the ball?"),
        ("three balls of different colours: red, white and blue", "A red ball, a white ball and a blue ball."),
        ("the first is big, make the other one blue", "Make the other one blue."),
    ],
)
def test_a_restated_order_or_question_keeps_the_kind_of_the_request(wording: str, restated: str) -> None:
    assert named_alike(wording, restated, 1)


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("Duplicate the cat.", "Remove the cat."),
        ("Clone the ball.", "Add a ball."),
        ("one more cat exactly like this one!!", "Add a cat."),
        ("Get rid of everything bar the lass.", "Remove the girl."),
        ("Let the cat and the ball trade colors.", "Swap the cat and the ball."),
        ("How many fish do you see? My daughter said four.", "Four fish."),
        ("count(objects where color == red)", "Make everything red."),
        ("The fish is offside. One square down with it.", "Remove the fish."),
        ("Is the ball red and small?", "Is the ball red?"),
        ("What color does the other one have?", "What color is the ball?"),
        ("Make it two cats.", "Add two cats."),
        ("Undo the cat.", "Remove the cat."),
        ("Delete half of the objects.", "Remove everything."),
        ("What other animals are there?", "What animals are there?"),
        ("the picture should show two cats, thx", "Add two cats."),
        ("Which picture is the cat bigger in?", "Which picture has a cat?"),
        ("Is the tree the only green thing?", "Is the tree green?"),
        ("Where are the cat and the tree?", "Where is the cat?"),
        ("Is there a cat in the first picture or in the second picture?", "Is there a cat in the second picture?"),
        ("Is the tree to the right of both the cat and the ball?", "Is the tree right of the cat?"),
        ("How many cats are in the two pictures together?", "How many cats are there in the second picture?"),
        ("a row of stars along the top", "Add a star at the top."),
        ("four small stars around the tree", "Four small stars and a tree."),
        ("the big fish is not there any more, and the small fish are all pink", "The big fish goes away."),
    ],
)
def test_a_restated_order_or_question_of_another_kind_is_noticed(wording: str, restated: str) -> None:
    assert not named_alike(wording, restated, 1)


@pytest.mark.parametrize(
    ("wording", "restated", "alike"),
    [
        ("if there is a tree, make it pink, otherwise add one", "Add a pink tree.", False),
        ("a pink tree if possible", "A pink tree.", True),
        ("two pics, one with a cat, one without", "1. A cat. 2. A cat appears.", False),
        ("two pics, one with a cat, one without", "1. A cat. 2. The cat goes away.", True),
        ("how many things are small and not red?", "How many small things are there?", False),
        ("how many things are not red, I am not sure?", "How many things are not red?", True),
        ("not sure, but how many cats are there?", "How many cats are there?", True),
    ],
)
def test_other_words_keep_conditions_and_what_is_not_so(wording: str, restated: str, alike: bool) -> None:
    assert named_alike(wording, restated, images=1) is alike
