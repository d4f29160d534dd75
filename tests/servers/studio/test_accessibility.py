"""Studio and storyboard by axe-core, which finds what keeps people with screen readers, keyboards or weak eyes out.

`make protocol-tools` installs it; without that, or without Chromium, this is skipped. Every state is checked in both
themes, because the contrast of colors is part of it.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from ..images.test_official import MODULES
from .hosted_board import TIMEOUT, hosted_board
from .processes import StudioProcess, browser_of_tests, needs_browser, start_request

needs_browser()

from playwright.async_api import expect as board_expect  # noqa: E402 - after the check that it is installed
from playwright.sync_api import expect  # noqa: E402 - as above

if TYPE_CHECKING:
    from playwright.sync_api import Page

PNG = fake_image(GenerationRequest(prompt="mine", seed=1))
AXE = MODULES / "axe-core" / "axe.min.js"
FAULTS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.flatMap(
    ({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`))"""
THEMES: tuple[Any, ...] = ("light", "dark")

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="needs `make protocol-tools` (npm)")


def _check(page: "Page") -> None:
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(FAULTS) == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_fault_in_the_studio(tmp_path: Path, theme: Any) -> None:
    process = StudioProcess(tmp_path)
    process.start()
    expect.set_options(timeout=TIMEOUT)
    try:
        with browser_of_tests() as browser:
            page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})
            page.set_default_timeout(TIMEOUT)
            page.goto(process.link)
            page.get_by_text("Limits of work and cost").click()
            page.get_by_role("button", name="Start").click()
            expect(page.get_by_role("alert")).to_contain_text("Describe what to show")
            _check(page)
            start_request(page, "a story", approve=True)
            expect(page.get_by_role("button", name="Approve plan")).to_be_visible()
            _check(page)
            start_request(page, "a picky story")
            expect(page.get_by_text("2 of 2 steps")).to_be_visible()
            page.locator("#step-1").get_by_role("button", name="Branch…").first.click()
            expect(page.get_by_role("form", name="Branch at step 1")).to_be_visible()
            _check(page)
            page.get_by_label("Compare step 1, attempt 1").check()
            page.get_by_label("Compare step 1, attempt 2").check()
            expect(page.get_by_role("dialog")).to_be_visible()
            _check(page)
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
            page.get_by_role("link", name=re.compile("interleavethinker studio")).click()
            expect(page.get_by_text("Choose a trajectory")).to_be_visible()
            _check(page)
    finally:
        process.kill()


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_fault_in_the_forms_for_regions_and_names(tmp_path: Path, theme: Any) -> None:
    process = StudioProcess(tmp_path)
    (tmp_path / "hold").touch()
    process.start()
    expect.set_options(timeout=TIMEOUT)
    try:
        with browser_of_tests() as browser:
            # The sign of a running trajectory moves without end.
            page = browser.new_page(color_scheme=theme, reduced_motion="reduce", viewport={"width": 390, "height": 800})
            page.set_default_timeout(TIMEOUT)
            page.goto(process.link)
            image: Any = {"name": "a.png", "mimeType": "image/png", "buffer": PNG}
            page.get_by_role("link", name="New request", exact=True).click()
            page.locator("input[type=file]").set_input_files([image])
            page.get_by_label("Name of image 1").fill("tom")
            expect(page.get_by_label("What image 1 is for")).to_be_visible()
            _check(page)
            page.get_by_role("button", name="Remove image 1").click()
            start_request(page, "a picky story")
            page.locator("#step-1").get_by_role("button", name="Reject…").first.click()
            page.get_by_role("button", name="Change only a part of the image").click()
            page.get_by_label("Or a rectangle").fill("0,0,50%,50%")
            page.get_by_role("button", name="Add rectangle").click()
            expect(page.get_by_text("25 % of the image may change")).to_be_visible()
            _check(page)
    finally:
        process.kill()


async def test_axe_finds_no_fault_in_the_storyboard(tmp_path: Path) -> None:
    async with hosted_board(tmp_path, approve_plan=True) as board:
        (frame,) = board.page.main_frame.child_frames
        axe = AXE.read_text(encoding="utf-8")

        async def check() -> None:
            for theme, paper in (("light", "white"), ("dark", "#202124")):
                await board.page.evaluate(
                    "([theme, paper]) => { document.body.style.background = paper; "
                    "tell({ method: 'ui/notifications/host-context-changed', params: { theme } }); }",
                    [theme, paper],
                )
                await board.app.locator(f"html[data-theme={theme}]").wait_for()
                # The board is transparent, and its checker cannot see through the frame.
                await frame.evaluate("paper => { document.documentElement.style.background = paper; }", paper)
                await frame.evaluate(axe)
                assert await frame.evaluate(FAULTS) == []

        await board.shows("waiting for approval")
        await check()
        await board.click("Edit steps")
        await board_expect(board.app.get_by_label("Heading").first).to_be_visible()
        await check()
        await board.click("Approve plan")
        await board.shows("3 of 3 steps")
        await board.click("Branch…")
        await board_expect(board.app.get_by_role("form")).to_be_visible()
        await check()
