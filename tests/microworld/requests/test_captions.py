"""The text beside an image must not say what the image is not to show."""

import pytest

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.requests.captions import caption_faults
from interleavethinker.microworld.scenes.scene import Scene, SceneObject

BEFORE = Scene("sunset").put(1, SceneObject("bird", "blue", "big")).put(4, SceneObject("bird", "blue", "big"))


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("Move the blue bird at the top to the left.", 0),
        ("The bird from the top is on the left now.", 0),
        ("The bird flies to the left.", 0),
        ("Now a blue bird is on the left.", 0),
        ("Now a blue bird is in the middle.", 1),
        ("A blue bird in the top left.", 1),
        ("A blue bird to the left of a house.", 1),
        ("The bird flies to the left, and night falls.", 1),
    ],
)
def test_a_text_may_say_where_an_object_was_and_where_it_goes(text: str, faults: int) -> None:
    task = parse("move the blue bird at the top to the left", BEFORE)
    assert len(caption_faults(text, task.cell_targets, task.target.background, BEFORE)) == faults
