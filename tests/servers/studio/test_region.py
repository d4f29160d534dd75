"""A person paints the part of an image that may change, and names reference images, in a real browser."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image, ImageChops

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .processes import HeldRequests, Open, StudioProcess, needs_browser, start_request

needs_browser()

from playwright.sync_api import expect  # noqa: E402 - after the check that it is installed

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PNG = fake_image(GenerationRequest(prompt="mine", seed=1))


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[StudioProcess]:
    """A studio that was killed after the first image, which the critic had rejected, and started again."""
    process = StudioProcess(tmp_path)
    (tmp_path / "hold").touch()
    process.start()
    yield process
    process.kill()


def _judgeable(page: "Page", process: StudioProcess) -> "Locator":
    start_request(page, "a picky story to repair")
    expect(page.locator("#step-1").get_by_text("the star is missing")).to_be_visible()
    process.kill()
    (process.folder / "hold").unlink()
    process.start()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.locator("#step-1").get_by_role("button", name="Reject…").first.click()
    form = page.get_by_role("form", name="Reject attempt 1")
    form.get_by_role("button", name="Change only a part of the image").click()
    return form


def _painter(form: "Locator") -> "Locator":
    """Returns the part of the form that the mouse paints on, once its image has come."""
    expect(form.get_by_role("status")).to_contain_text("Nothing is painted")
    return form.get_by_role("img", name=re.compile("^Painted region"))


def _attempts(process: StudioProcess, name: str) -> list[dict[str, Any]]:
    key = {"authorization": f"Bearer {process.key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{process.port}", headers=key, timeout=60) as client:
        attempts: list[dict[str, Any]] = client.get(f"/api/trajectories/{name}").json()["steps"][0]["attempts"]
        for attempt in attempts:
            png = client.get(f"/api/images/{attempt['image']}?size=full").content
            attempt["pixels"] = Image.open(io.BytesIO(png)).convert("RGB")
    return attempts


def _at(image: "Locator", x: float, y: float) -> Any:
    """Returns a position within an image for the mouse, which waits until the image stays in its place."""
    width, height = image.evaluate("(one) => [one.clientWidth, one.clientHeight]")
    assert width > 150
    return {"x": x * width, "y": y * height}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> "tuple[int, int, int, int]":
    box = ImageChops.difference(before["pixels"], after["pixels"]).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_painted_region_is_all_that_the_next_attempt_changes(
    theme: Any, interrupted: StudioProcess, open_page: Open
) -> None:
    page = open_page(interrupted.link, color_scheme=theme)
    form = _judgeable(page, interrupted)
    region = _painter(form)
    expect(form.get_by_text("15 % of the shorter side")).to_be_visible()
    region.hover(position=_at(region, 0.25, 0.5))
    page.mouse.down()
    for y in (0.55, 0.6, 0.65, 0.7):
        region.hover(position=_at(region, 0.25, y))
    page.mouse.up()
    expect(form.get_by_role("status")).to_contain_text("every other pixel stays")
    form.get_by_role("button", name="Erase").click()
    region.click(position=_at(region, 0.25, 0.75))
    form.get_by_label("What is wrong (optional)").fill("the star")
    form.get_by_role("button", name="Reject and try again").click()
    expect(page.locator("#step-1").get_by_text("changes only a region")).to_be_visible()
    first, second = _attempts(interrupted, page.url.rpartition("/")[2])[:2]
    assert (first["by_person"], first["reason"]) == (True, "the star")
    assert (second["masked"], second["source"]) == (True, first["image"])
    x, y, right, bottom = _changed(first, second)
    width, height = first["pixels"].size
    assert 0.1 * width < x < 0.25 * width < right < 0.4 * width
    assert 0.35 * height < y < 0.5 * height < bottom < 0.8 * height
    erased = (width // 4, round(0.74 * height))
    assert first["pixels"].getpixel(erased) == second["pixels"].getpixel(erased)


def test_nothing_is_painted_before_the_image_has_come(interrupted: StudioProcess, open_page: Open) -> None:
    page = open_page(interrupted.link)
    held = HeldRequests(page, re.compile(r"/api/images/\w+\?size=full"))
    form = _judgeable(page, interrupted)
    status = form.get_by_role("status")
    expect(status).to_have_text("Loading the image to paint on…")
    expect(form.get_by_label("Or a rectangle")).to_be_disabled()
    for name in ("Paint", "Erase", "Clear"):
        expect(form.get_by_role("button", name=name, exact=True)).to_be_disabled()
    region = form.get_by_role("img", name=re.compile("^Painted region"))
    region.click()
    expect(status).to_have_text("Loading the image to paint on…")
    held.next().fulfill(status=404, json={"error": {"code": "unknown_image", "message": "It is gone."}})
    expect(form.get_by_role("alert")).to_contain_text("no part of it can be chosen: It is gone.")
    expect(form.get_by_label("Or a rectangle")).to_be_disabled()
    form.get_by_role("button", name="Try again", exact=True).click()
    expect(status).to_have_text("Loading the image to paint on…")
    held.next().continue_()
    region = _painter(form)
    expect(form.get_by_role("alert")).to_have_count(0)
    region.click(position=_at(region, 0.5, 0.5))
    expect(status).to_contain_text("every other pixel stays")


def test_rectangles_are_given_by_numbers_and_keys_alone(interrupted: StudioProcess, open_page: Open) -> None:
    page = open_page(interrupted.link)
    form = _judgeable(page, interrupted)
    _painter(form)
    rectangle = form.get_by_label("Or a rectangle")
    for words, problem in (("half", "left, top, width and height"), ("0,0,900,9", "does not lie in the image")):
        rectangle.fill(words)
        rectangle.press("Enter")
        expect(form.get_by_role("alert")).to_contain_text(problem)
    rectangle.fill("0,0,100%,100%")
    rectangle.press("Enter")
    expect(form.get_by_role("status")).to_contain_text("100 %")
    form.get_by_role("button", name="Reject and try again").focus()
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("white throughout")
    form.get_by_role("button", name="Erase", exact=True).press("Enter")
    rectangle.fill("0, 0, 50%, 100%")
    rectangle.press("Enter")
    expect(form.get_by_role("status")).to_contain_text("50 %")
    form.get_by_role("button", name="Reject and try again").press("Enter")
    expect(page.locator("#step-1").get_by_text("changes only a region")).to_be_visible()
    first, second = _attempts(interrupted, page.url.rpartition("/")[2])[:2]
    width, height = first["pixels"].size
    x, y, right, bottom = _changed(first, second)
    assert x >= width // 2
    assert (right, bottom) <= (width, height)
    assert (x, y) <= (width // 2 + 8, 8)


def test_a_region_that_was_closed_again_is_forgotten(interrupted: StudioProcess, open_page: Open) -> None:
    page = open_page(interrupted.link)
    form = _judgeable(page, interrupted)
    form.get_by_label("Or a rectangle").fill("0,0,9,9")
    form.get_by_role("button", name="Add rectangle").click()
    form.get_by_role("button", name="Change only a part of the image").click()
    expect(form.get_by_label("Or a rectangle")).to_have_count(0)
    form.get_by_role("button", name="Reject and try again").click()
    expect(page.get_by_text("2 of 2 steps")).to_be_visible()
    assert not any(attempt["masked"] for attempt in _attempts(interrupted, page.url.rpartition("/")[2]))


def test_named_images_are_references_and_survive_a_reload(open_page: Open, studio: StudioProcess) -> None:
    page = open_page()
    page.get_by_role("link", name="New request", exact=True).click()
    for number in (1, 2):
        page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
        expect(page.get_by_role("img", name=f"Image {number} of the request")).to_be_visible()
    words = page.get_by_label("What do you want to see?")
    words.fill("@tmo in a garden")
    page.get_by_label("Name of image 1").fill("2 cats")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("a word of letters")
    page.get_by_label("Name of image 1").fill("Tom")
    page.get_by_label("What image 1 is for").fill("the hero = keep his coat")
    expect(page.get_by_text("write @Tom in the text")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name of image 1")).to_have_value("Tom")
    expect(page.get_by_role("img", name="Image 2 of the request")).to_be_visible()
    page.get_by_role("button", name="Remove image 2").click()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("Did you mean @tom?")
    words.fill("@tom in a garden")
    page.get_by_label(re.compile("Show me the plan first")).set_checked(False)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    expect(page.get_by_text("@tom: the hero = keep his coat")).to_be_visible()
    expect(page.get_by_role("img", name="Image 1 of the request, @tom")).to_be_visible()
    (image,) = [part for part in _request(studio, page.url.rpartition("/")[2]) if part["image"]]
    assert (image["name"], image["purpose"]) == ("tom", "the hero = keep his coat")
    page.get_by_role("link", name="New request", exact=True).click()
    expect(page.get_by_label("What do you want to see?")).to_have_value("")
    expect(page.get_by_label("Name of image 1")).to_have_count(0)


def _request(process: StudioProcess, name: str) -> list[dict[str, Any]]:
    key = {"authorization": f"Bearer {process.key}"}
    answer = httpx.get(f"http://127.0.0.1:{process.port}/api/trajectories/{name}", headers=key, timeout=60)
    parts: list[dict[str, Any]] = answer.json()["request"]
    return parts
