"""Reference images in the micro world: an object's description, and stories about it."""

from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.graph import Components, Workspace, load_profile
from interleavethinker.microworld.agents.references import describe
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import ImagePart, Request, TextPart

CAT, BALL = SceneObject("cat", "red", "small"), SceneObject("ball", "blue", "big")


def photo(*objects: SceneObject) -> bytes:
    scene = Scene("meadow")
    for cell, each in enumerate(objects):
        scene = scene.put(cell, each)
    return encode_png(to_image(render(scene)))


def test_the_name_says_which_object_is_meant() -> None:
    assert describe(photo(CAT, BALL), "cat") == "the small red cat"
    assert describe(photo(CAT, BALL), "ball") == "the big blue ball"
    assert describe(photo(CAT), "tom") == "the small red cat"


@pytest.mark.parametrize(
    ("png", "name", "words"),
    [
        (photo(CAT, BALL), "tom", "a small red cat, a big blue ball"),
        (photo(CAT), "bird", "does not show one"),
        (photo(), "cat", "no object"),
        (encode_png(Image.new("RGB", (64, 64))), "cat", "64 x 64"),
    ],
)
def test_an_image_that_does_not_show_it_is_refused(png: bytes, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        describe(png, name)


async def test_a_story_keeps_the_character_of_the_reference(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    generator = MemoryGenerator(store)
    components = Components(
        ScriptedPlanner(store, "trained"),
        RuleCritic(),
        generator,
        store=store,
        reference_words=describe,
        request_check=check_request,
    )
    async with Workspace.open(tmp_path, components) as workspace:
        cat = await workspace.add_image(photo(CAT))
        text = TextPart(text="@cat on the left. Then make the background night.")
        request = Request(parts=(ImagePart(sha256=cat, name="cat"), text))
        done = await workspace.run(await workspace.create(request))
    assert "small red cat" in generator.calls[0].prompt
    assert generator.calls[0].source is None, "the reference is not edited"
    assert done.document.complete


def test_the_micro_profile_describes_references() -> None:
    assert describe.__name__ in (load_profile("micro").reference_words or "")
