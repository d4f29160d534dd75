"""Text of users and models keeps its line breaks in the exports and cannot affect the text after it."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from interleavethinker.graph import Workspace
from interleavethinker.graph.export.markdown import markdown
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest, ImagePart, Part, Plan, Step, TextPart

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"


async def test_line_breaks_in_the_text_of_a_step_are_kept(opened: Opened) -> None:
    words = "You need:\n- flour\n- milk\n===\n\nThen stir."
    async with opened(Plan(steps=(Step(instruction="Batter.", prompt="a bowl", auxiliary_text=words),))) as ws:
        seen = await ws.run(await ws.create("x"))
        page = storyboard(seen, ws.store)
    assert "You need:\\\n\\- flour\\\n\\- milk\\\n\\=\\=\\=\n\nThen stir\\." in markdown(seen)
    assert f'<p class="lines"><bdi>{words}</bdi></p>' in page
    assert ".lines { white-space: pre-line; }" in page


async def test_a_wide_request_image_keeps_its_aspect_ratio(opened: Opened) -> None:
    async with opened() as ws:
        page = storyboard(await ws.run(await ws.create("x")), ws.store)
    (rule,) = [line for line in page.splitlines() if line.startswith(".request-images img")]
    assert "object-fit: contain" in rule


async def test_direction_controls_do_not_affect_the_surrounding_text(opened: Opened) -> None:
    async with opened(plan_of(OVERRIDE + "evil")) as ws:
        seen = await ws.run(await ws.create(OVERRIDE + "request"))
        page = storyboard(seen, ws.store)
    assert OVERRIDE not in markdown(seen)
    body = page[page.index("<body") :]
    assert f"<bdi>{OVERRIDE}" in body
    assert OVERRIDE not in re.sub(r'<bdi>.*?</bdi>|alt=".*?"', "", body, flags=re.DOTALL)


async def test_the_document_contains_the_whole_request_with_its_images_in_place(opened: Opened) -> None:
    long = "a very long request, " * 9 + "with *stars*\nand a second line"
    async with opened() as ws:
        sha256 = await ws.add_image(fake_image(GenerationRequest(prompt="x", seed=1)))
        request: list[Part] = [TextPart(text=long), ImagePart(sha256=sha256), TextPart(text="like this")]
        text = markdown(await ws.run(await ws.create(request)))
        short = markdown(await ws.run(await ws.create("a short request")))
    image = f"![request image 1](images/{sha256[:16]}.png)"
    assert f"with \\*stars\\*\\\n> and a second line\n>\n> {image}\n>\n> like this\n" in text
    assert "Request:" not in short


async def test_texts_without_a_visible_character_leave_nothing_in_the_document(opened: Opened) -> None:
    unseen = "\N{ZERO WIDTH SPACE}\n\N{WORD JOINER}"
    async with opened(Plan(steps=(Step(prompt="a bowl", auxiliary_text=unseen),))) as ws:
        sha256 = await ws.add_image(fake_image(GenerationRequest(prompt="x", seed=1)))
        request: list[Part] = [ImagePart(sha256=sha256), TextPart(text=unseen)]
        text = markdown(await ws.run(await ws.create(request)), details=True)
    assert f"> ![request image 1](images/{sha256[:16]}.png)\n" in text
    assert not any(character in text for character in unseen.split())
