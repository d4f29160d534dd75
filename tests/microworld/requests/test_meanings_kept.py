"""What a small model made of requests: wordings that deny, count, order or place something else are not taken."""

import pytest

from interleavethinker.microworld.requests.named_alike import named_alike


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("Four balls: every other one is blue.", "A blue ball and four balls."),
        ("Three balls in a row: one red, the rest blue.", "A red ball and three blue balls."),
        ("A cat. Don't make it red.", "A red cat."),
        ("A red ball. It does not turn blue.", "1. A red ball. 2. The ball turns blue."),
        ("A cat on the left. It never goes to the right.", "1. A cat on the left. 2. The cat goes to the right."),
        ("A girl. The night does not fall.", "A girl, at night."),
        ("A cat and a bird. The bird doesn't fly away.", "1. A cat and a bird. 2. The bird goes away."),
        ("A cat, a bird and a fish. The first one leaves.", "1. A cat, a bird and a fish. 2. The bird goes away."),
        ("A cat and a bird. The former turns red.", "1. A cat and a bird. 2. The bird turns red."),
        ("A girl and a cat. She turns red and it turns blue.", "1. A girl and a cat. 2. The cat turns red."),
        ("Tom is a cat. Tim is a ball. Tom turns red.", "1. A cat. 2. A ball appears. 3. The ball turns red."),
        ("A cat. Instead of it, a bird. Then the cat again.", "1. A cat. 2. The cat becomes a bird."),
        ("A cat on the left walks to the right and back.", "1. A cat on the left. 2. The cat moves to the right."),
        ("It is night. A cat sleeps. In the morning it turns red.", "1. A cat, at night. 2. The cat turns red."),
        ("A tree in every season.", "A tree."),
        ("A ball rolls from the girl to the cat.", "1. A ball and a girl. 2. The girl becomes a cat."),
        ("A bird above a tree. It flies to another tree.", "1. A bird above a tree. 2. The bird becomes a tree."),
        ("A girl kicks the ball to the right.", "A girl right of a ball."),
        ("A cat chases a bird. The bird escapes.", "A cat and a bird."),
        ("Three balls, none of them red.", "Three red balls."),
        ("Three balls, two of which are red.", "Three red balls."),
        ("A red ball and a box in another color.", "A red ball and a red box."),
        ("Two balls; the red one is bigger than the blue one.", "A big red ball and a big blue ball."),
        ("Two cats at the top and one at the bottom.", "A cat at the top and a cat at the bottom."),
        ("Two cats. One of them turns red, the other blue.", "1. Two cats and a blue cat. 2. A blue cat turns red."),
        ("A ball at the top. It falls. It bounces back up.", "1. A ball at the top. 2. The ball moves to the bottom."),
        ("A cat and a bird. Nothing remains.", "A cat and a bird."),
        ("Two cats and a bird. All turn red.", "1. Two cats and a bird. 2. The birds turn red."),
        ("A fish. Two others join it.", "1. A fish. 2. A fish appears."),
        ("Four fish. Half of them leave.", "1. Four fish. 2. Three fish go away."),
        (
            "A cat on the left. The girl goes to the top, and the cat follows.",
            "1. A cat. 2. The girl moves to the top.",
        ),
        ("A girl brings a ball and leaves it there.", "1. A girl and a ball. 2. The ball goes away."),
        ("A cat in the middle goes left, right, left.", "1. A cat. 2. The cat moves left. 3. The cat moves right."),
        ("A cat. Then nothing.", "A cat."),
        ("1. A red ball. 2. A blue ball. 3. Both balls.", "1. A red ball. 2. A blue ball. 3. Two balls go away."),
        ("Draw a cat. Not too big.", "A cat."),
        ("A girl has a ball. She throws it away.", "1. A girl and a ball. 2. The girl goes away."),
        ("A bird sits on a house. It flies off the house.", "1. A bird above a house. 2. The house goes away."),
        ("A girl has a ball. Now she has two.", "1. A girl and a ball. 2. Two balls appear."),
        ("A girl owns a car. Now it is hers.", "1. A girl and a car. 2. The girl becomes a car."),
        ("A girl in a meadow. Then comes the rain.", "1. A girl, in a meadow. 2. A girl appears."),
        (
            "A car drives to the right. It drives back.",
            "1. A car. 2. The car moves to the right. 3. The car turns red.",
        ),
        ("Two boats. One of the boats sinks.", "1. Two boats. 2. A boat appears."),
        ("A cat: day, night.", "A cat, at night."),
        ("Morning: a cat. Noon: a bird.", "A cat and a bird."),
        ("A star above each of two trees.", "A star above two trees."),
        ("Draw an animal on the left and a vehicle on the right.", "A car on the left and a car on the right."),
    ],
)
def test_stories_and_pictures_that_mean_something_else(wording: str, restated: str) -> None:
    assert not named_alike(wording, restated)


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("Don't remove the bird.", "Remove the bird."),
        ("The flower is not alone.", "Remove the flower."),
        ("Which object is the highest?", "What is in the picture?"),
        ("Which row is empty?", "What is in the picture?"),
        ("Is the bird higher than the cat?", "Is the bird above the cat?"),
        ("Line up the balls vertically.", "Remove the balls."),
        ("The bird pecks the cat.", "Remove the bird and the cat."),
        ("The girl gets out of the house.", "Remove the house."),
        ("Feed the cat a fish.", "Replace the cat with a fish."),
        ("The cat turns its back on the tree.", "Replace the cat with a tree."),
        ("The cat catches the ball.", "The cat becomes a ball."),
        ("Before removing the flower, make it red.", "Make the flower red."),
        ("What is at the top should be at the bottom.", "What is at the top?"),
        ("Which of the two is colder?", "Which of the two is smaller?"),
        ("Never make it night.", "Make it night."),
        ("I don't want the bird to go.", "Remove the bird."),
        ("Leave the bird as it is.", "Remove the bird."),
        ("Let the cat stay.", "Remove the cat."),
        ("Everything stays except the bird.", "Remove everything but the bird."),
        ("Everything turns red, the bird too.", "Make everything but the bird red."),
        ("Remove the cats, but not the white one.", "Remove the cats."),
        ("There should be only one cat, not two.", "Add a cat."),
        ("No more than one cat.", "Add a cat."),
        ("Make one of the cats red.", "Make a red cat red."),
        ("Make one cat red and the other blue.", "Make a red cat blue."),
        ("Make every other ball yellow.", "Make all balls yellow."),
        ("Make the last object red.", "Make everything red."),
        ("Make everything at the top green.", "Make everything green."),
        ("Make all small animals green.", "Make everything small and green."),
        ("Limit the balls to one.", "Remove the balls."),
        ("Add a second bird of the same size at the left.", "Add a bird on the left."),
        ("Make it night, then day again.", "Make it night."),
        ("Name everything that is small.", "Make everything small."),
        ("Is nothing red?", "Is everything red?"),
        ("Is there neither a cat nor a ball?", "Is there a cat or a ball?"),
        ("How many more cats than birds are there?", "How many cats are there?"),
        ("Are most of the things cats?", "How many cats are there?"),
        ("List the objects from left to right.", "What is on the left?"),
        ("Is only one ball red?", "Is there a red ball?"),
        ("How many things are blue or white?", "How many blue things are there?"),
        ("What is at the top left and at the top right?", "What is at the top left?"),
        ("How many corners are empty?", "How many things are there?"),
        ("What is the bird above?", "What is above the bird?"),
        ("Are there balls on both sides of the box?", "Are there more balls than boxes?"),
        ("Has the red ball moved to the left?", "Has the red ball moved?"),
        ("What has not changed?", "What has changed?"),
        ("Is it summer?", "Is it snowing?"),
        ("Did it become day?", "Has it moved?"),
    ],
)
def test_edits_and_questions_that_mean_something_else(wording: str, restated: str) -> None:
    assert not named_alike(wording, restated, images=1)


@pytest.mark.parametrize(
    ("wording", "restated", "images"),
    [
        ("Eight tiny fishes and not a single one more, in the wide, wide sea.", "Eight small fish, at the beach.", 0),
        ("i want three cats and each one in a different color: one red one blue and one pink pls",
         "A red cat, a blue cat and a pink cat.", 0),
        ("i want the cat next to the girl not far away", "Move the cat next to the girl.", 1),
        ("make the ball blue, don't change anything else", "Make the ball blue.", 1),
        ("In the second picture, what is missing of the first one?", "What is missing in the second picture?", 2),
        ("I don't need the cat any more", "Remove the cat.", 1),
        ("don't forget the tree, a cat under it", "A cat under a tree.", 0),
    ],
)  # fmt: skip
def test_harmless_words_are_no_other_meaning(wording: str, restated: str, images: int) -> None:
    assert named_alike(wording, restated, images)
