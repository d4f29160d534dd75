"""What people and models wrote keeps its lines in the exports, and cannot turn what stands after it."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from interleavethinker.graph import Workspace
from interleavethinker.graph.export.markdown import markdown
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.testing.generator import paint
from interleavethinker.tools.types import GenerationRequest, ImagePart, Part, Plan, Step, TextPart

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"


async def test_line_breaks_of_a_steps_text_are_kept(opened: Opened) -> None:
    words = "You need:\n- flour\n- milk\n===\n\nThen stir."
    async with opened(Plan(steps=(Step(instruction="Batter.", prompt="a bowl", auxiliary_text=words),))) as ws:
        seen = await ws.run(await ws.create("x"))
        page = storyboard(seen, ws.store)
    assert "You need:\\\n\\- flour\\\n\\- milk\\\n\\=\\=\\=\n\nThen stir\\." in markdown(seen)
    assert f'<p class="lines"><bdi>{words}</bdi></p>' in page
    assert ".lines { white-space: pre-line; }" in page


async def test_a_wide_given_picture_keeps_its_shape(opened: Opened) -> None:
    async with opened() as ws:
        page = storyboard(await ws.run(await ws.create("x")), ws.store)
    (rule,) = [line for line in page.splitlines() if line.startswith(".given img")]
    assert "object-fit: contain" in rule


async def test_characters_that_turn_text_around_reach_no_further_than_the_words_they_came_with(opened: Opened) -> None:
    async with opened(plan_of(OVERRIDE + "evil")) as ws:
        seen = await ws.run(await ws.create(OVERRIDE + "request"))
        page = storyboard(seen, ws.store)
    assert OVERRIDE not in markdown(seen)
    body = page[page.index("<body") :]
    assert f"<bdi>{OVERRIDE}" in body
    assert OVERRIDE not in re.sub(r'<bdi>.*?</bdi>|alt=".*?"', "", body, flags=re.DOTALL)


async def test_the_document_holds_the_whole_request_and_its_pictures_in_their_places(opened: Opened) -> None:
    long = "a very long wish, " * 9 + "with *stars*\nand a second line"
    async with opened() as ws:
        sha256 = ws.add_image(paint(GenerationRequest(prompt="x", seed=1)))
        request: list[Part] = [TextPart(text=long), ImagePart(sha256=sha256), TextPart(text="like this")]
        text = markdown(await ws.run(await ws.create(request)))
        short = markdown(await ws.run(await ws.create("a short wish")))
    picture = f"![given picture 1](images/{sha256[:16]}.png)"
    assert f"with \\*stars\\*\\\n> and a second line\n>\n> {picture}\n>\n> like this\n" in text
    assert "The request:" not in short
